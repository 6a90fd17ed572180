"""Moiré fringes: what two fine gratings make together, and how coarse it is."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.checks import finite_array, positive, whole_number
from nbsupport.optics import pixel_size_um


def grating(size_px: int, pixel_um: float, *, wave_vector_per_um, fill: float = 0.5) -> xr.DataArray:
    """Black lines on white.

    Parameters
    ----------
    size_px : int
        Side of the square field.
    pixel_um : float
    wave_vector_per_um : (float, float), cycles per µm
        Components (y, x) of lines per length, across the lines.
    fill : float
        Share of the area that is white, 0 to 1.

    Returns
    -------
    DataArray, (y, x), 0 (black) to 1 (white); pixels that a line cuts are grey. Coordinates in µm, symmetric about 0.
    """
    whole_number("size_px", size_px, least=2)
    positive("pixel_um", pixel_um, "a positive number of micrometres")
    if not 0 < fill < 1:
        raise ValueError(f"fill={fill} must lie between 0 and 1")
    ky, kx = finite_array("wave_vector_per_um", wave_vector_per_um)
    centre = (np.arange(size_px) - (size_px - 1) / 2) * pixel_um
    turn = ky * centre[:, None] + kx * centre
    # distance from the edge of the line in pixels, clipped to one: the anti-aliased edge
    inside = (fill / 2 - np.abs(turn - np.round(turn))) / (max(np.hypot(ky, kx), 1e-12) * pixel_um)
    return xr.DataArray(np.clip(inside + 0.5, 0, 1), dims=("y", "x"), coords={"y": centre, "x": centre})


def fringe_vector(image: xr.DataArray, *, below_per_um: float) -> np.ndarray:
    """Strongest frequency of an image below a limit: the fringes of a Moiré pattern, where the gratings lie above it.

    Parameters
    ----------
    image : DataArray, (y, x), coordinates in µm
    below_per_um : float
        Highest frequency that counts, cycles per µm.

    Returns
    -------
    ndarray, (2,), cycles per µm
        Components (y, x), the x component not negative; refined to a small fraction of a frequency pixel.

    Raises
    ------
    ValueError
        If the limit leaves no frequency.
    """
    pixel_um = pixel_size_um(image)
    shape = image.shape
    window = np.multiply.outer(*(np.hanning(size + 2)[1:-1] for size in shape))
    values = (image.values - np.average(image.values, weights=window)) * window
    # eight times finer than the field resolves, so that a parabola fits the peak
    fine = tuple(8 * size for size in shape)
    spectrum = np.abs(np.fft.rfft2(values, s=fine))
    y, x = np.fft.fftfreq(fine[0], pixel_um), np.fft.rfftfreq(fine[1], pixel_um)
    searched = np.hypot(y[:, None], x) < below_per_um
    if not searched[1:, 1:].any():
        raise ValueError(f"below_per_um={below_per_um} leaves no frequency of this image")
    row, column = np.unravel_index(np.where(searched, spectrum, 0).argmax(), spectrum.shape)
    vertical = spectrum[[row - 1, row, (row + 1) % fine[0]], column]
    across = np.abs(np.fft.fft(np.fft.fft(values, fine[0], axis=0)[row], fine[1]))[[column - 1, column, column + 1]]
    steps = 1 / (pixel_um * np.array(fine))
    return np.array([y[row], x[column]]) + steps * [_vertex(*vertical), _vertex(*across)]


def _vertex(left, middle, right):
    return (left - right) / (2 * (left - 2 * middle + right))
