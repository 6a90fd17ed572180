"""Dynamic pairs against the training step that they feed."""

import numpy as np

from nbsupport.restore import losses
from nbsupport.restore.halves import DynamicPairs
from nbsupport.restore.networks.noise2noise import localisation_unet
from nbsupport.restore.training import fit, supervised
from nbsupport.simulate.blinks import blinks, scene

from .measure import Row, Speed, side_by_side

DENSITY_PER_UM2, ERROR_UM, SCENES = 2e4, 0.005, 4
BATCH, PATCH_PX = 8, 64
STEPS = 3  # of each, between two looks at the clock
LARGEST_SHARE = 0.2


class Fixed:
    """One batch, the same at every step: training without any rendering."""

    def __init__(self, batch):
        self.tensors = batch

    def batch(self, step):
        return self.tensors


def rendering(repeats):
    rng = np.random.default_rng(0)
    scenes = [scene(rng=rng) for _ in range(SCENES)]
    clouds = [blinks(each, density_per_um2=DENSITY_PER_UM2, error_um=ERROR_UM, rng=rng) for each in scenes]
    pairs = DynamicPairs(clouds, patch_px=PATCH_PX, batch=BATCH)
    network, objective = localisation_unet(), supervised(losses.loss("Huber"))
    fixed = Fixed(pairs.batch(0))
    fit(network, objective, fixed, steps=1)  # the first step prepares kernels
    times = side_by_side(
        lambda: [pairs.batch(step) for step in range(STEPS)],
        lambda: fit(network, objective, fixed, steps=STEPS),
        repeats,
    )
    what = "rendering a batch of dynamic pairs / a training step of the network of the source"
    note = f"{BATCH} pairs of {PATCH_PX} × {PATCH_PX} pixels from {DENSITY_PER_UM2:g} blinks/µm²; {STEPS} steps each"
    return [Row("blinks-rendering", what, **times, unit="1", at_most=LARGEST_SHARE, note=note)]


SPEEDS = [Speed("blinks-rendering", 10, rendering)]
