"""Images of ten curved lines under a Gaussian point spread function, the simplest pictures of filaments."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.checks import positive, whole_number
from nbsupport.optics import require_pixel_um
from nbsupport.simulate.structures import curved_lines

_FINER = 3  # pixels of the grid on which lines are drawn, per pixel and axis


def curved_line_image(
    *, rng: np.random.Generator, pixels: int, lines: int = 10, sd_px: float = 1.0, pixel_um: float = 0.1
) -> xr.Dataset:
    """Draw one image of curved lines of various lengths, all equally bright.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    pixels : int
        Per side, 16 or more.
    lines : int
    sd_px : float
        Standard deviation of the Gaussian point spread function, pixels, greater than 0.
    pixel_um : float
        µm; lengths and bends of the lines are drawn in micrometres.

    Returns
    -------
    Dataset, (y, x)
        ``light``: noise-free image, brightest pixel 1; ``object``: length of line in each pixel, µm.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    wang2021, methods and Supplementary Fig. 6: ten random curved lines, a Gaussian of 1 px. How the curves bend is
    chosen here (`structures.curved_lines`).
    """
    pixels, sd_px = whole_number("pixels", pixels, least=16), positive("sd_px", sd_px, "pixels, greater than 0")
    half = pixels * require_pixel_um("pixel_um", pixel_um) / 2
    box = ((-half, half), (-half, half), (0.0, 0.0))
    sample = curved_lines(rng=rng, count=whole_number("lines", lines, least=1), density_per_um=0.0, box_um=box)
    edges = np.linspace(-half, half, _FINER * pixels + 1)
    fine = np.zeros((_FINER * pixels,) * 2)
    for line in sample.centre_lines():
        length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        fine += np.histogram2d(line[:, 1], line[:, 0], bins=(edges, edges))[0] * length / len(line)
    blurred = gaussian_filter(fine, sd_px * _FINER, mode="constant")
    light, drawn = (a.reshape(pixels, _FINER, pixels, _FINER).sum(axis=(1, 3)) for a in (blurred, fine))
    axis = (np.arange(pixels) - (pixels - 1) / 2) * pixel_um
    data = {"light": (("y", "x"), light / light.max()), "object": (("y", "x"), drawn, {"units": "um"})}
    return xr.Dataset(data, coords={"y": axis, "x": axis})
