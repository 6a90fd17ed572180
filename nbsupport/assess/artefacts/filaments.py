"""Filaments: are they in one piece, and is there anything beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.signal import find_peaks

from nbsupport.optics import pixel_size_um
from nbsupport.simulate.structures import Sample

from .geometry import Truth, checked_image, distance_to_structure, intensity_at, positive_um, share

Lines = Sample | Sequence[np.ndarray]
"""A sample with filaments or tubes, or their centre lines, each (k, 2 or 3) in µm, evenly spaced."""


def continuity(truth: Lines, image: xr.DataArray, *, threshold: float = 0.1) -> float:
    """Share of the centre lines on which the intensity exceeds 10 % of its median along the same line.

    Parameters
    ----------
    truth : Sample or sequence of ndarray (k, 2 or 3)
        Filaments, or their centre lines in µm with columns x, y, z and evenly spaced points.
    image : DataArray, (y, x), coordinates in µm
        Read by linear interpolation; a ridge that lies beside its centre line counts as a gap.
    threshold : float, 0 to 1
        Of the median of the line.

    Returns
    -------
    float, 0 to 1
        Mean over the length of all lines inside the image (and inside the box of a sample). 0 for a black image; NaN
        if no line lies inside. Independent of the scale of intensity and of a common shift, but an offset raises it.
        If more than half of a line is lost, its median is too: the number then says how much of the line is not
        completely dark. The dark lumen of a wide tube counts as a gap.
    """
    lines = line_continuity(truth, image, threshold=threshold)
    weights = lines.length_um.values
    return float(np.average(lines.continuity.values, weights=weights)) if weights.sum() else float("nan")


def line_continuity(truth: Lines, image: xr.DataArray, *, threshold: float = 0.1) -> xr.Dataset:
    """Continuity of each filament, with its brightness: what one needs to look at the dimmest quarter of them.

    Parameters
    ----------
    truth, image, threshold
        As in `continuity`.

    Returns
    -------
    Dataset over "line", one entry for every centre line with a point inside
        ``continuity``, 0 to 1; ``median``, in units of the image; ``length_um``, µm, of the part inside; ``index``,
        the place of the line among all.
    """
    image, threshold = checked_image("image", image), share("threshold", threshold)
    rows = []
    for index, line in enumerate(_inside_box(truth)):
        values = intensity_at(image, line)
        inside = np.isfinite(values)
        if inside.any():
            median = np.median(values[inside])
            step_um = np.linalg.norm(np.diff(line, axis=0), axis=1).mean() if len(line) > 1 else 0.0
            rows.append((np.mean(values[inside] > threshold * max(median, 0.0)), median, step_um * inside.sum(), index))
    continuous, median, length_um, index = np.array(rows, dtype=float).reshape(-1, 4).T
    return xr.Dataset(
        {"continuity": ("line", continuous), "median": ("line", median), "length_um": ("line", length_um)},
        coords={"index": ("line", index.astype(int))},
    )


def spurious_peaks(
    truth: Truth, image: xr.DataArray, lines_um: np.ndarray, *, prominence: float = 0.05, distance_um: float = 0.05
) -> np.ndarray:
    """Peaks along straight lines that no structure explains.

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        As in `distance_to_structure`.
    image : DataArray, (y, x), coordinates in µm
        Read by linear interpolation, every half pixel.
    lines_um : ndarray, (n, 2, 2), µm
        Start and end, each (x, y), of every line.
    prominence : float, 0 to 1
        Least prominence of a peak, of the maximum of its line.
    distance_um : float
        A peak farther than this from all structure, in projection, is spurious, µm.

    Returns
    -------
    ndarray of int, (n,)
        Spurious peaks per line. Independent of the scale of intensity; a peak at the very end of a line is not one. On
        a line without structure the maximum itself is noise, so every bump of an empty background is found.

    Raises
    ------
    ValueError
        If a line has no length or leaves the image.
    """
    image, lines_um = checked_image("image", image), np.asarray(lines_um, dtype=float)
    prominence, distance_um = share("prominence", prominence), positive_um("distance_um", distance_um)
    if lines_um.ndim != 3 or lines_um.shape[1:] != (2, 2):
        raise ValueError(f"lines_um has shape {lines_um.shape}; give (n, 2, 2): start and end of each, (x, y)")
    lengths = np.linalg.norm(lines_um[:, 1] - lines_um[:, 0], axis=1)
    if np.any(lengths == 0) or np.isnan(intensity_at(image, lines_um)).any():
        raise ValueError("lines_um holds a line without length or one that leaves the image")
    distance = distance_to_structure(truth, image)
    counts = np.zeros(len(lines_um), dtype=int)
    for i, (start, end) in enumerate(lines_um):
        points = np.linspace(start, end, int(np.ceil(2 * lengths[i] / pixel_size_um(image))) + 1)
        profile = intensity_at(image, points)
        peaks, _ = find_peaks(profile, prominence=max(prominence * profile.max(), np.finfo(float).tiny))
        counts[i] = np.sum(intensity_at(distance, points[peaks]) > distance_um)
    return counts


def _inside_box(truth: Lines) -> list[np.ndarray]:
    """Centre lines; of a sample, the parts inside its box, beyond which there are no emitters."""
    if not isinstance(truth, Sample):
        return [np.asarray(line, dtype=float) for line in truth]
    low, high = np.array(truth.box_um).T
    return [line[np.all((low <= line) & (line <= high), axis=1)] for line in truth.centre_lines()]
