"""Flat fields and the moments of their noise. "Within confidence" is 4.9 standard errors: one miss in a million."""

import numpy as np
import pytest
import xarray as xr

N = 1_000_000
CONFIDENCE = 4.9


def stack(values, units="photons"):
    values = np.asarray(values, dtype=float)
    shape = values.shape
    coords = {"y": (np.arange(shape[-2]) + 0.5) * 0.1, "x": (np.arange(shape[-1]) + 0.5) * 0.1}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=coords, attrs={"units": units, "seed": 7})


def flat(level, units="photons"):
    return stack(np.full((100, 100, 100), float(level)), units)


def standard_errors(sample):
    """Standard errors of the sample's mean and variance, from its own second and fourth moment."""
    second, fourth = sample.var(), np.mean((sample - sample.mean()) ** 4)
    return np.sqrt(second / sample.size), np.sqrt((fourth - second**2) / sample.size)


def assert_moments(sample, mean, variance):
    error_of_mean, error_of_variance = standard_errors(sample)
    assert sample.mean() == pytest.approx(mean, abs=CONFIDENCE * error_of_mean)
    assert sample.var() == pytest.approx(variance, abs=CONFIDENCE * error_of_variance)
