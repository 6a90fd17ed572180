"""Cameras whose noise is not the same Gaussian everywhere: sCMOS, pixel by pixel, and EMCCD, with excess noise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ._checks import at_least, finite, photons, pixel_map, with_values


def scmos(
    expected: xr.DataArray, *, gain: np.ndarray, offset: np.ndarray, variance: np.ndarray, rng: np.random.Generator
) -> xr.DataArray:
    """Scientific CMOS camera: every pixel has its own gain, offset and read noise.

    ``gain_i · Poisson(expected_i) + N(offset_i, variance_i)`` for pixel i.

    Parameters
    ----------
    expected : DataArray, (..., "y", "x"), photons
        Expected counts, non-negative.
    gain : array, (y, x)
        ADU per photon, greater than 0.
    offset : array, (y, x)
        ADU.
    variance : array, (y, x)
        Variance of the read noise, ADU², non-negative.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray, ADU
        Mean ``gain · expected + offset``, variance ``gain² · expected + variance``, per pixel.

    Raises
    ------
    ValueError
        As for `poisson`, or if a map has another shape than a frame or a value out of range.

    References
    ----------
    wang2021, methods (per-pixel maps); laine2021, Box 2.
    """
    rate = photons(expected)
    gain, offset, variance = (
        pixel_map(name, given, expected.shape[-2:])
        for name, given in [("gain", gain), ("offset", offset), ("variance", variance)]
    )
    if not gain.min() > 0:
        raise ValueError(f"gain must be greater than 0 in every pixel, its minimum is {gain.min()}")
    if not variance.min() >= 0:
        raise ValueError(f"variance must not be negative in any pixel, its minimum is {variance.min()}")
    signal = gain * rng.poisson(rate)
    return with_values(expected, signal + offset + np.sqrt(variance) * rng.standard_normal(expected.shape), "ADU")


def emccd(
    expected: xr.DataArray, *, em_gain: float, offset: float = 0.0, read_noise: float, rng: np.random.Generator
) -> xr.DataArray:
    """Electron-multiplying camera: n photoelectrons leave the register as a gamma draw of shape n and scale `em_gain`.

    The multiplication doubles the shot-noise variance (√2 in standard deviation), the limit of a register with many
    stages.

    Parameters
    ----------
    expected : DataArray, (..., "y", "x"), photons
        Expected counts, non-negative.
    em_gain : float
        ADU per photon after multiplication, greater than 0.
    offset : float
        ADU.
    read_noise : float
        Standard deviation of the Gaussian read-out noise, ADU, non-negative.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray, ADU
        Mean ``em_gain · expected + offset``, variance ``2 · em_gain² · expected + read_noise²``.

    Raises
    ------
    ValueError
        As for `poisson`, or if a number is out of range.

    References
    ----------
    laine2021, Box 2 (excess noise).
    """
    at_least("em_gain", em_gain, 0, strict=True)
    at_least("read_noise", read_noise, 0)
    finite("offset", offset)
    electrons = rng.poisson(photons(expected))
    signal = rng.gamma(electrons, em_gain)  # a shape of 0 gives exactly 0: no electron, no signal
    return with_values(expected, signal + rng.normal(offset, read_noise, expected.shape), "ADU")
