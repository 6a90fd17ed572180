"""What a microscope meets in an object, whatever it shows: detail by size, edges, contrast."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import kurtosis

from nbsupport.optics import pixel_size_um

_SMALLEST_PX = 32
_SLOPE_RANGE = (0.02, 0.35)  # cycles per pixel: from some periods in the field to below the corners of the spectrum


def radial_power(image: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Power spectrum of an image, averaged over directions.

    Parameters
    ----------
    image : DataArray, (y, x), any unit, coordinates in µm

    Returns
    -------
    frequency : ndarray, (ring,), cycles per µm, rings one pixel of the spectrum wide, without frequency 0
    power : ndarray, (ring,)
        Mean squared modulus of the windowed spectrum (Hann), as a share of the variance per Fourier pixel: white noise
        gives 1.

    Raises
    ------
    ValueError
        If the image is too small or has no contrast.
    """
    pixel_um = pixel_size_um(image)
    values = np.asarray(image.values, dtype=float)
    if values.ndim != 2 or min(values.shape) < _SMALLEST_PX:
        raise ValueError(f"image has shape {values.shape}; needed are two axes of at least {_SMALLEST_PX} px")
    window = np.multiply.outer(*(np.hanning(size + 2)[1:-1] for size in values.shape))
    centred = values - np.average(values, weights=window)
    variance = np.average(centred**2, weights=window**2)
    if not variance > 0:
        raise ValueError("image has no contrast")
    power = np.abs(np.fft.rfft2(centred * window)) ** 2 / (variance * np.sum(window**2))
    rows, columns = np.fft.fftfreq(values.shape[0]), np.fft.rfftfreq(values.shape[1])
    side = min(values.shape)
    ring = np.rint(np.hypot(rows[:, None], columns) * side).astype(int)
    inside = (ring > 0) & (ring < side // 2)
    counts = np.bincount(ring[inside], minlength=side // 2)[1:]
    summed = np.bincount(ring[inside], weights=power[inside], minlength=side // 2)[1:]
    return np.arange(1, side // 2) / (side * pixel_um), summed / counts


def texture(image: xr.DataArray, *, cutoff_per_um: float) -> dict[str, float]:
    """Numbers by which the textures of two objects can be compared.

    Parameters
    ----------
    image : DataArray, (y, x), not negative, coordinates in µm
        A section of the object.
    cutoff_per_um : float
        Highest frequency that the lens passes.

    Returns
    -------
    dict
        ``slope``: exponent of the falling power spectrum between 0.02 and 0.35 cycles per pixel (photographs: about
        -2; white noise: 0). ``beyond_cutoff``: share of the variance that the lens does not pass. ``edges``: excess
        kurtosis of the differences of neighbours (0: Gaussian; the larger, the more the change sits in few places).
        ``contrast``: standard deviation over mean.

    Raises
    ------
    ValueError
        As in `radial_power`, or if the image is dark.
    """
    frequency, power = radial_power(image)
    cycles = frequency * pixel_size_um(image)
    fitted = (cycles >= _SLOPE_RANGE[0]) & (cycles <= _SLOPE_RANGE[1])
    # a straight line through rings at equal steps of log frequency, lest the many outer rings decide
    slope = np.polyfit(np.log(cycles[fitted]), np.log(power[fitted]), 1, w=cycles[fitted] ** -0.5)[0]
    light = frequency * power
    values = np.asarray(image.values, dtype=float)
    if not values.mean() > 0:
        raise ValueError(f"image is dark: its mean is {values.mean():g}")
    steps = np.concatenate([np.diff(values, axis=axis).ravel() for axis in (0, 1)])
    return {
        "slope": float(slope),
        "beyond_cutoff": float(light[frequency > cutoff_per_um].sum() / light.sum()),
        "edges": float(kurtosis(steps)),
        "contrast": float(values.std() / values.mean()),
    }
