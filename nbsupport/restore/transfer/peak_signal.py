"""A clean image scaled to a peak signal and recorded by an sCMOS chip whose maps are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbsupport.checks import positive, whole_number
from nbsupport.simulate.camera import scmos


@dataclass(frozen=True)
class Chip:
    """Maps of a sensor, each (y, x).

    Attributes
    ----------
    gain : ndarray, ADU per photon
    offset : ndarray, ADU
    variance : ndarray, ADU², of the read noise
    """

    gain: np.ndarray
    offset: np.ndarray
    variance: np.ndarray


def chip(pixels: int, *, rng: np.random.Generator, read_noise: float = 0.9) -> Chip:
    """Draw the maps of a chip like the camera of the source.

    Parameters
    ----------
    pixels : int
        Per side.
    rng : numpy.random.Generator
    read_noise : float
        Median standard deviation of the read noise, electrons, greater than 0.

    Returns
    -------
    Chip
        Gain 2.2 ADU per electron ± 1 %, offset 100 ± 2 ADU, read noise log-normal about its median.

    References
    ----------
    wang2021, methods (Andor Zyla 4.2, "based on the camera specifications"). The numbers are those of the maker;
    spreads are chosen here.
    """
    shape = (whole_number("pixels", pixels, least=1),) * 2
    sd = 2.2 * positive("read_noise", read_noise, "electrons, greater than 0") * rng.lognormal(0, 0.25, shape)
    return Chip(2.2 * rng.normal(1, 0.01, shape), rng.normal(100, 2, shape), sd**2)


def noisy(light: np.ndarray, peak: float, sensor: Chip, *, rng: np.random.Generator) -> np.ndarray:
    """Record an image whose brightest pixel expects a given number of photons.

    Parameters
    ----------
    light : array, (..., y, x), 0 to 1
        Noise-free; no larger than the chip, whose first rows and columns are used.
    peak : float
        Photons expected where the light is 1, greater than 0.
    sensor : Chip
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape of `light`, photons
        After calibration: each pixel less its offset, over its gain. Mean ``peak · light``; read noise still differs
        from pixel to pixel.

    Raises
    ------
    ValueError
        If the peak is not positive or the image is larger than the chip.
    """
    light, peak = np.asarray(light, dtype=float), positive("peak", peak, "photons, greater than 0")
    rows, columns = light.shape[-2:]
    if rows > sensor.gain.shape[0] or columns > sensor.gain.shape[1]:
        raise ValueError(f"light of {rows} × {columns} pixels is larger than the chip of {sensor.gain.shape}")
    maps = {name: getattr(sensor, name)[:rows, :columns] for name in ("gain", "offset", "variance")}
    expected = xr.DataArray(peak * light, dims=[*"ab"[: light.ndim - 2], "y", "x"], attrs={"units": "photons"})
    return (scmos(expected, **maps, rng=rng).values - maps["offset"]) / maps["gain"]
