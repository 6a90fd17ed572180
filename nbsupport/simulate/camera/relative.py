"""Noise stated relative to the image instead of in photons: speckle and additive Gaussian noise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ._checks import at_least, checked, with_values


def speckle(stack: xr.DataArray, *, variance: float, rng: np.random.Generator) -> xr.DataArray:
    """Multiplicative noise ``I · (1 + n)`` with n normal, of mean 0 and the given variance.

    Parameters
    ----------
    stack : DataArray, (..., "y", "x"), any unit
        Noise-free, non-negative.
    variance : float
        Relative to the squared signal, non-negative; jadhav2021 shows 0.1 and 0.2, which it calls SNR 10 and 5.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray, unit of `stack`
        Mean `stack`, variance ``variance · stack²``. Values may be negative.

    Raises
    ------
    ValueError
        If `stack` has wrong dimensions or is negative or not finite, or `variance` is negative.

    References
    ----------
    jadhav2021, Fig. 8. The distribution of n is not stated there; a normal one is chosen.
    """
    values = checked("stack", stack)
    at_least("variance", variance, 0)
    return with_values(stack, values * (1 + rng.normal(0, np.sqrt(variance), values.shape)))


def additive_gaussian(stack: xr.DataArray, *, variance: float, rng: np.random.Generator) -> xr.DataArray:
    """Signal-independent normal noise of mean 0 whose variance is stated relative to the stack's maximum.

    Parameters
    ----------
    stack : DataArray, (..., "y", "x"), any unit
        Noise-free, non-negative.
    variance : float
        Variance once the stack is scaled to [0, 1], non-negative; jadhav2021 shows 0.01 and 0.1 (SNR 100 and 10).
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray, unit of `stack`
        Mean `stack`, variance ``variance · max(stack)²``. Values may be negative.

    Raises
    ------
    ValueError
        If `stack` has wrong dimensions or is negative or not finite, or `variance` is negative.

    References
    ----------
    jadhav2021, Fig. 9. "Relative to the maximum" is read as above; the other reading is a standard deviation.
    """
    values = checked("stack", stack)
    at_least("variance", variance, 0)
    sd = np.sqrt(variance) * values.max(initial=0)
    return with_values(stack, values + rng.normal(0, sd, values.shape))
