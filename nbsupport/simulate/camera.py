"""Camera noise: from the light that is expected on each pixel to the numbers a camera returns.

Each function is one camera or one kind of noise. It takes an array whose last two dimensions are ``("y", "x")``, with
any number of leading ones (frames, illumination phases), treats every pixel as independent of every other and keeps the
coordinates. "Photons" are detected photons, that is, photoelectrons: the quantum efficiency is already in the expected
values. No function rounds to whole ADU or clips below zero or at saturation.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
import xarray as xr


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
    values = _checked("noise_free", noise_free)
    _at_least("background", background, 0, strict=True)
    _at_least("signal_to_background", signal_to_background, 1)
    peak = values.max(initial=0)
    if peak == 0:
        raise ValueError("noise_free is zero everywhere (maximum 0): it cannot be scaled to [0, 1]")
    return _with(noise_free, background * (signal_to_background - 1) * (values / peak) + background, "photons")


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
    return _with(expected, rng.poisson(_photons(expected)).astype(np.float64), "photons")


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
    _at_least("gain", gain, 0, strict=True)
    _at_least("read_noise", read_noise, 0)
    _finite("offset", offset)
    signal = gain * rng.poisson(_photons(expected))
    return _with(expected, signal + rng.normal(offset, read_noise, expected.shape), "ADU")


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
    rate = _photons(expected)
    gain, offset, variance = (
        _map(name, given, expected.shape[-2:])
        for name, given in [("gain", gain), ("offset", offset), ("variance", variance)]
    )
    if not gain.min() > 0:
        raise ValueError(f"gain must be greater than 0 in every pixel, its minimum is {gain.min()}")
    if not variance.min() >= 0:
        raise ValueError(f"variance must not be negative in any pixel, its minimum is {variance.min()}")
    signal = gain * rng.poisson(rate)
    return _with(expected, signal + offset + np.sqrt(variance) * rng.standard_normal(expected.shape), "ADU")


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
    _at_least("em_gain", em_gain, 0, strict=True)
    _at_least("read_noise", read_noise, 0)
    _finite("offset", offset)
    electrons = rng.poisson(_photons(expected))
    signal = rng.gamma(electrons, em_gain)  # a shape of 0 gives exactly 0: no electron, no signal
    return _with(expected, signal + rng.normal(offset, read_noise, expected.shape), "ADU")


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
    values = _checked("stack", stack)
    _at_least("variance", variance, 0)
    return _with(stack, values * (1 + rng.normal(0, np.sqrt(variance), values.shape)), stack.attrs.get("units", "1"))


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
    values = _checked("stack", stack)
    _at_least("variance", variance, 0)
    sd = np.sqrt(variance) * values.max(initial=0)
    return _with(stack, values + rng.normal(0, sd, values.shape), stack.attrs.get("units", "1"))


def _checked(name: str, array: xr.DataArray) -> np.ndarray:
    """The values of an image or stack as float64, after refusing wrong dimensions and impossible values by name."""
    if not isinstance(array, xr.DataArray) or array.dims[-2:] != ("y", "x"):
        given = f"dimensions {array.dims}" if isinstance(array, xr.DataArray) else f"a {type(array).__name__}"
        raise ValueError(f'{name} has {given}; give a DataArray whose last dimensions are ("y", "x")')
    values = np.asarray(array.values, dtype=np.float64)
    for wrong, what in [(~np.isfinite(values), "not finite"), (values < 0, "negative")]:
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(f"{name} is {what} ({values[index]}) at index {dict(zip(array.dims, index, strict=True))}")
    return values


def _photons(expected: xr.DataArray) -> np.ndarray:
    values = _checked("expected", expected)
    if expected.attrs.get("units") != "photons":
        raise ValueError(
            f'expected has units {expected.attrs.get("units")!r}; shot noise needs attrs["units"]="photons"'
        )
    return values


def _map(name: str, given, shape: tuple[int, int]) -> np.ndarray:
    values = np.asarray(given, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} has shape {values.shape}; give one value per pixel, shape {shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds a value that is not finite")
    return values


def _finite(name: str, value: float) -> None:
    if not (isinstance(value, Real) and np.isfinite(value)):
        raise ValueError(f"{name}={value!r} must be a finite number")


def _at_least(name: str, value: float, least: float, *, strict: bool = False) -> None:
    _finite(name, value)
    if value < least or (strict and value == least):
        raise ValueError(f"{name}={value!r} must be {'greater than' if strict else 'at least'} {least}")


def _with(array: xr.DataArray, values: np.ndarray, units: str) -> xr.DataArray:
    return array.copy(data=values).assign_attrs(units=units)
