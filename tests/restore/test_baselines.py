"""Classical filters on finished images."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nbsupport.restore import baselines


def images(side=64, noise=0.2, seed=0):
    """A smooth ridge, and the same with noise, each with maximum 1."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, side)
    clean = np.exp(-((x[:, None] - 0.4 * np.sin(3 * x)) ** 2) / 0.02)
    noisy = np.maximum(clean + noise * rng.standard_normal(clean.shape), 0)
    return noisy / noisy.max(), clean / clean.max()


@pytest.mark.parametrize("name", baselines.FILTERS)
def test_a_chosen_filter_brings_a_noisy_ridge_nearer_to_the_clean_one(name):
    noisy, clean = images()
    restored = baselines.chosen(name, [noisy], [clean])(noisy)
    assert np.mean((restored - clean) ** 2) < 0.7 * np.mean((noisy - clean) ** 2)
    assert restored.min() >= 0
    assert restored.max() == pytest.approx(1)


def test_the_gaussian_is_that_of_scipy():
    noisy, _ = images()
    expected = gaussian_filter(noisy, 2.0)
    np.testing.assert_allclose(baselines.Baseline("Gaussian", 2.0)(noisy), expected / expected.max())


def test_more_noise_asks_for_a_stronger_filter():
    offset = np.arange(-48, 49)
    broad = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 12.0**2))
    noise = np.random.default_rng(0).standard_normal(broad.shape)
    weak, strong = (baselines.chosen("Gaussian", [broad + s * noise], [broad]).strength for s in (0.005, 0.05))
    assert weak < strong


def test_images_of_odd_size_keep_it():
    noisy, _ = images(side=45)
    assert baselines.Baseline("BM3D", 0.1)(noisy).shape == (45, 45)


def test_unknown_filters_and_missing_pairs_are_refused():
    with pytest.raises(ValueError, match="name='median' is unknown; there are Gaussian"):
        baselines.chosen("median", [np.ones((8, 8))], [np.ones((8, 8))])
    with pytest.raises(ValueError, match="give pairs"):
        baselines.chosen("Gaussian", [], [])
