"""Smooth random samples under white noise, for tests of measures of resolution."""

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

PIXEL_UM = 0.08


def noise(seed, side=64):
    return np.random.default_rng(seed).normal(size=(side, side))


def noisy_pair(seed=0, side=64, sigma_px=1.5, contrast=2.0):
    """Two images of one smooth random object with independent white noise of variance 1."""
    rng = np.random.default_rng(seed)
    sample = gaussian_filter(rng.normal(size=(side, side)), sigma_px, mode="wrap")
    sample *= contrast / sample.std()
    return sample + rng.normal(size=sample.shape), sample + rng.normal(size=sample.shape)


def on_grid(image, pixel_um=PIXEL_UM):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip(("y", "x"), image.shape, strict=True)}
    return xr.DataArray(image, dims=("y", "x"), coords=centres, attrs={"units": "photons"})
