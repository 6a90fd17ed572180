"""Bright smooth spots on a background, for tests of distances from the truth."""

import numpy as np


def scene(seed=0, shape=(40, 44)):
    """Bright smooth spots on a background, and the same with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape[-2:])
    truth = np.full(shape, 10.0)
    for _ in range(12):
        centre, width = rng.uniform(0, shape[-2:]), rng.uniform(2, 5)
        truth += rng.uniform(20, 200) * np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * width**2))
    return truth, truth + 8 * rng.normal(size=shape)
