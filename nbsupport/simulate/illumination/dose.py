"""How much light: a camera exposure of a given strength, and the source's way to make a dim one of a bright one."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.checks import positive
from nbsupport.simulate.camera import poisson


def exposed(
    frames: xr.DataArray, *, peak_photons: float, rng: np.random.Generator, background_photons: float = 0.0
) -> xr.DataArray:
    """Photons that a camera counts of noise-free frames.

    Parameters
    ----------
    frames : DataArray, (..., "y", "x"), expected light, any unit, not negative
    peak_photons : float
        Expected photons of the brightest pixel of all frames, without background.
    rng : numpy.random.Generator
    background_photons : float
        Expected photons per pixel from elsewhere.

    Returns
    -------
    DataArray, shape of `frames`, photons; a Poisson draw per pixel.

    Raises
    ------
    ValueError
        If a number is out of range or the frames are dark.
    """
    positive("peak_photons", peak_photons, "a positive number of photons")
    if not background_photons >= 0:
        raise ValueError(f"background_photons={background_photons} must be 0 or more")
    brightest = float(frames.max())
    if not brightest > 0:
        raise ValueError(f"frames are dark: their largest value is {brightest:g}")
    expected = frames * (peak_photons / brightest) + background_photons
    return poisson(expected.assign_attrs(frames.attrs, units="photons"), rng=rng)


def thinned(frames: xr.DataArray, *, factor: float = 20.0, rng: np.random.Generator) -> xr.DataArray:
    """Low light as hughes2024 makes it of a recorded frame: a Poisson draw around every value divided by a factor.

    A frame that was counted itself carries shot noise already, so its variance is ``mean/factor + mean/factor^2``:
    1/factor more than that of a real exposure.

    Parameters
    ----------
    frames : DataArray, (..., "y", "x"), not negative
        Recorded counts, or grey values taken as counts, as the source takes them.
    factor : float
        How much less light.
    rng : numpy.random.Generator

    Returns
    -------
    DataArray, shape, coordinates and attrs of `frames`; whole numbers.

    Raises
    ------
    ValueError
        If the factor is not positive or a value is negative or not finite.

    References
    ----------
    hughes2024, section 2.2.
    """
    positive("factor", factor, "a positive number")
    units = frames.attrs.get("units", "1")
    drawn = poisson((frames / factor).assign_attrs(units="photons"), rng=rng)
    return drawn.assign_attrs(frames.attrs, units=units)
