"""From a noise-free stack to counts: expected photons, shot noise, and the uniform camera."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ._checks import at_least, checked, finite, photons, with_values


def to_expected(
    noise_free: xr.DataArray, *, background: float = 100.0, signal_to_background: float = 3.0
) -> xr.DataArray:
    """Scale a noise-free stack to the photons expected on each pixel, on top of a uniform background.

    The whole stack is divided by its one maximum, ``I = stack / max(stack)``; scaling frame by frame would destroy the
    fluctuations. The expected value is ``b (SBR - 1) I + b``, so the brightest pixel of the stack expects SBR · b.

    Parameters
    ----------
    noise_free : DataArray, (..., "y", "x"), any unit
        Non-negative, not all zero.
    background : float
        b, photons per pixel and frame, greater than 0.
    signal_to_background : float
        SBR, the brightest expected value over the background, 1 or more. jadhav2021 calls it SNR in its formula.

    Returns
    -------
    DataArray, shape of `noise_free`, photons
        Between `background` and `background` × `signal_to_background`.

    Raises
    ------
    ValueError
        If the stack has wrong dimensions, is negative, not finite or all zero, or a number is out of range.

    References
    ----------
    jadhav2021, section 2.1 A4. "Scaled to [0, 1]" is taken as division by the maximum, with no minimum subtracted.
    """
    values = checked("noise_free", noise_free)
    at_least("background", background, 0, strict=True)
    at_least("signal_to_background", signal_to_background, 1)
    peak = values.max(initial=0)
    if peak == 0:
        raise ValueError("noise_free is zero everywhere (maximum 0): it cannot be scaled to [0, 1]")
    return with_values(noise_free, background * (signal_to_background - 1) * (values / peak) + background, "photons")


def poisson(expected: xr.DataArray, *, rng: np.random.Generator) -> xr.DataArray:
    """Photons counted by a noiseless detector: a Poisson draw per pixel and frame.

    Parameters
    ----------
    expected : DataArray, (..., "y", "x"), photons
        Expected counts, non-negative.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray of float64 holding whole numbers, photons
        Mean and variance both equal `expected`.

    Raises
    ------
    ValueError
        If `expected` has wrong dimensions or units, or holds a negative or non-finite value (the first one is named).

    References
    ----------
    jadhav2021, section 2.1 A4; laine2021, Box 2.
    """
    return with_values(expected, rng.poisson(photons(expected)).astype(np.float64), "photons")


def poisson_gaussian(
    expected: xr.DataArray, *, gain: float = 1.0, offset: float = 0.0, read_noise: float, rng: np.random.Generator
) -> xr.DataArray:
    """Camera with the same gain, offset and Gaussian read noise in every pixel.

    ``gain · Poisson(expected) + N(offset, read_noise²)``.

    Parameters
    ----------
    expected : DataArray, (..., "y", "x"), photons
        Expected counts, non-negative.
    gain : float
        ADU per photon, greater than 0.
    offset : float
        ADU.
    read_noise : float
        Standard deviation, ADU, non-negative.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray, ADU
        Mean ``gain · expected + offset``, variance ``gain² · expected + read_noise²``.

    Raises
    ------
    ValueError
        As for `poisson`, or if a number is out of range.

    References
    ----------
    laine2021, Box 2.
    """
    at_least("gain", gain, 0, strict=True)
    at_least("read_noise", read_noise, 0)
    finite("offset", offset)
    signal = gain * rng.poisson(photons(expected))
    return with_values(expected, signal + rng.normal(offset, read_noise, expected.shape), "ADU")
