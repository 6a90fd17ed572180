"""Structure of a known kind where the truth has none of it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter, grey_opening

from nbsupport.optics import FWHM_PER_SIGMA, pixel_size_um

from .geometry import Truth, checked_image, distance_to_structure, positive_um

DETECTORS = ("filament", "spot")
ORIENTATIONS = 12


def false_structure(
    truth: Truth, image: xr.DataArray, *, width_um: float, detector: str = "filament", clear_um: float = 0.3
) -> float:
    """Mean response of a structure detector where the truth has no such structure.

    The detector splits an image in three. A Gaussian of the width of the structures smooths it. What a disc of
    twice the width that the structures then have can be pushed into from below is broad; what is left and can hold a
    straight line three times that width, in one of twelve directions, is "filament"; the rest is "spot" (grey-value
    openings by a disc and by lines).

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        The structures of the detector's kind that the truth does hold, as in `distance_to_structure`.
    image : DataArray, (y, x), coordinates in µm
    width_um : float
        Full width at half maximum of the structures looked for, µm.
    detector : {"filament", "spot"}
    clear_um : float
        Only pixels farther than this from such structure count, µm.

    Returns
    -------
    float, 0 or more, in units of the image
        Proportional to the scale of intensity; independent of an offset and a common shift. NaN if no pixel counts.
        Noise responds too, as spots above all: compare restorations of one noise level.

    Raises
    ------
    ValueError
        If there is no such detector.
    """
    if detector not in DETECTORS:
        raise ValueError(f"detector={detector!r} is not known; there are {' and '.join(map(repr, DETECTORS))}")
    image = checked_image("image", image)
    clear_um = positive_um("clear_um", clear_um)
    free = distance_to_structure(truth, image, up_to_um=clear_um).values > clear_um
    width_px = positive_um("width_um", width_um) / pixel_size_um(image)
    smooth = gaussian_filter(image.values, width_px / FWHM_PER_SIGMA)
    width_px *= np.sqrt(2)
    broad = grey_opening(smooth, footprint=_disc(width_px))
    lines = [grey_opening(smooth, footprint=_line(1.5 * width_px, k)) for k in range(ORIENTATIONS)]
    drawn_out = np.maximum(np.max(lines, axis=0), broad)
    response = drawn_out - broad if detector == "filament" else smooth - drawn_out
    return float(response[free].mean()) if free.any() else float("nan")


def _disc(radius_px: float) -> np.ndarray:
    reach = max(1, int(radius_px))
    offset = np.arange(-reach, reach + 1)
    return np.hypot(*np.meshgrid(offset, offset)) <= max(1.0, radius_px)


def _line(half_px: float, direction: int) -> np.ndarray:
    """Pixels of a straight line through the centre, one per step of its longer axis."""
    reach = max(1, round(half_px))
    angle = np.pi * direction / ORIENTATIONS
    step = np.array([np.sin(angle), np.cos(angle)])
    steps = np.arange(-reach, reach + 1)[:, None]
    footprint = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=bool)
    along = steps[np.abs(steps[:, 0]) <= max(1, round(reach * np.abs(step).max()))] / np.abs(step).max()
    footprint[tuple((np.rint(along * step).astype(int) + reach).T)] = True
    return footprint
