"""Is structure where it was? Lines that moved, lost their ends, vanished, or were invented, against known geometry.

A line is followed in the image: at every point of its true course the brightest place across it, within reach, is where
the image has it. Nothing is segmented by hand, and no image is compared with another image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from skimage.morphology import skeletonize

from nbsupport.optics import pixel_size_um

from .artefacts.geometry import checked_image, distance_to_structure, intensity_at, positive_um, share


class Distortion(NamedTuple):
    """How the lines of an image differ from the true ones."""

    shift_um: float  # median distance of the followed lines from their true course
    lost: float  # share of the true length that the image does not show, 0 to 1
    invented: float  # share of the image's own skeleton that lies beyond reach of every true line, 0 to 1


class Needle(NamedTuple):
    """A straight line of known ends, as an image shows it."""

    shortening: float  # lost length over the true length; negative if the image shows it too long
    end_shift_um: float  # mean distance of the two found ends from the true ones; NaN if the needle is lost
    offset_um: float  # mean distance across the needle


def followed(line_um: np.ndarray, image: xr.DataArray, *, reach_um: float) -> tuple[np.ndarray, np.ndarray]:
    """Where an image has a line, and how bright.

    Parameters
    ----------
    line_um : ndarray, (k, 2 or 3), µm
        True course, columns x, y (z is not used), points in order.
    image : DataArray, (y, x), coordinates in µm
    reach_um : float
        How far across the line it is sought, µm; less than half the distance to the next one.

    Returns
    -------
    offset_um : ndarray, (k,)
        Signed distance of the brightest place across the line, refined by a parabola; NaN outside the image.
    brightness : ndarray, (k,)
        There, in units of the image.
    """
    image, line = checked_image("image", image), np.asarray(line_um, dtype=float)[:, :2]
    reach_um = positive_um("reach_um", reach_um)
    if len(line) < 2:
        raise ValueError(f"line_um has {len(line)} points; a line needs 2 or more")
    along = np.gradient(line, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    steps = int(np.ceil(2 * reach_um / pixel_size_um(image)))
    offset = np.linspace(-reach_um, reach_um, 2 * steps + 1)
    profile = intensity_at(image, line[:, None] + offset[:, None] * normal[:, None])
    inside = np.isfinite(profile).all(axis=1)
    found, bright = np.full(len(line), np.nan), np.full(len(line), np.nan)
    if inside.any():
        found[inside], bright[inside] = _peaks(profile[inside], offset)
    return found, bright


def distortion(
    lines_um: Sequence[np.ndarray], image: xr.DataArray, *, reach_um: float, threshold: float = 0.25
) -> Distortion:
    """How far the lines of an image are displaced, lost and invented.

    Parameters
    ----------
    lines_um : sequence of ndarray, (k, 2 or 3), µm
        True centre lines with evenly spaced points.
    image : DataArray, (y, x), coordinates in µm
    reach_um : float
        Farthest displacement that still counts as the same line, µm; about the resolution.
    threshold : float, 0 to 1
        A line is shown where it is brighter than this share of the upper quartile along all lines.

    Returns
    -------
    Distortion
        Independent of the scale of intensity and of a common shift of lines and image. Values are NaN where there is
        nothing to measure: no line inside the image, or no skeleton.

    Raises
    ------
    ValueError
        If there are no lines.
    """
    if not len(lines_um):
        raise ValueError("lines_um is empty; give the true centre lines")
    offsets, values = (np.concatenate(parts) for parts in zip(*_all_followed(lines_um, image, reach_um), strict=True))
    inside = np.isfinite(offsets)
    if not inside.any():
        return Distortion(np.nan, np.nan, np.nan)
    level = share("threshold", threshold) * max(np.quantile(values[inside], 0.75), 0.0)
    shown = inside & (values > level)
    shift = float(np.median(np.abs(offsets[shown]))) if shown.any() else np.nan
    lost = 1 - shown.sum() / inside.sum()
    places = skeleton(image, level=level)
    points = np.concatenate([np.asarray(line, dtype=float)[:, :2] for line in lines_um])
    far = distance_to_structure(points, image, up_to_um=2 * reach_um).values > reach_um
    invented = float(far[places.values].mean()) if places.values.any() else np.nan
    return Distortion(shift, float(lost), invented)


def skeleton(image: xr.DataArray, *, level: float, smooth_px: float = 1.0) -> xr.DataArray:
    """Centre lines of what is brighter than a level.

    Parameters
    ----------
    image : DataArray, (y, x), coordinates in µm
    level : float, in units of the image
    smooth_px : float
        Standard deviation of a Gaussian before the threshold, without which noise frays every border.

    Returns
    -------
    DataArray of bool, (y, x)
    """
    image = checked_image("image", image)
    bright = gaussian_filter(image.values, smooth_px) > level
    return image.copy(data=skeletonize(bright))


def needle(
    ends_um: np.ndarray, image: xr.DataArray, *, reach_um: float, threshold: float = 0.5, beyond_um: float = 0.3
) -> Needle:
    """Length and place of a straight line whose true ends are known.

    The brightest value across the line is taken at every point along it and beyond its ends. The needle is the
    longest stretch that touches its true course and is brighter than a share of the median along that course, above the
    darkest tenth of the image.

    Parameters
    ----------
    ends_um : ndarray, (2, 2 or 3), µm
        Columns x, y (z is not used).
    image : DataArray, (y, x), coordinates in µm
    reach_um : float
        How far across the line it is sought, µm.
    threshold : float, 0 to 1
    beyond_um : float
        How far beyond its ends it is followed, µm.

    Returns
    -------
    Needle
        A shortening of 1 and NaN for the rest where nothing is found. A blur of the image moves both ends by the same
        amount in all images of one resolution: compare stages, not single values.
    """
    ends = np.asarray(ends_um, dtype=float)[:, :2]
    length = float(np.linalg.norm(ends[1] - ends[0]))
    beyond_um, step = positive_um("beyond_um", beyond_um), pixel_size_um(image) / 2
    arc = np.arange(-beyond_um, length + beyond_um, step)
    line = ends[0] + arc[:, None] * (ends[1] - ends[0]) / length
    offset, bright = followed(line, image, reach_um=reach_um)
    bright = np.nan_to_num(bright, nan=0.0)
    background = np.quantile(image.values, 0.1)
    true = (arc >= 0) & (arc <= length)
    level = background + share("threshold", threshold) * (np.median(bright[true]) - background)
    run = _longest_run(bright > level, true)
    if run is None:
        return Needle(1.0, np.nan, np.nan)
    first, last = run
    shifts = [np.hypot(arc[place] - end, offset[place]) for place, end in ((first, 0.0), (last, length))]
    across = float(np.nanmean(np.abs(offset[first : last + 1])))
    return Needle(1 - (arc[last] - arc[first]) / length, float(np.nanmean(shifts)), across)


def _all_followed(lines_um, image, reach_um):
    return [followed(line, image, reach_um=reach_um) for line in lines_um if len(line) > 1]


def _peaks(profile, offset):
    """Place and value of the largest entry of every row, by a parabola through its neighbours."""
    rows, best = np.arange(len(profile)), profile.argmax(axis=1)
    left, middle, right = (profile[rows, np.clip(best + d, 0, len(offset) - 1)] for d in (-1, 0, 1))
    bend = left - 2 * middle + right
    inner = (best > 0) & (best < len(offset) - 1) & (bend < 0)
    part = np.divide(left - right, 2 * bend, out=np.zeros_like(bend), where=inner)
    return offset[best] + part * (offset[1] - offset[0]), middle


def _longest_run(shown, true):
    """First and last place of the longest run of shown places that touches the true needle."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]]).astype(int)))
    runs = [(first, last - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)]
    runs = [run for run in runs if true[run[0] : run[1] + 1].any()]
    return max(runs, key=lambda run: run[1] - run[0]) if runs else None
