"""Puncta: are they found where they are, and are they round?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree
from skimage.feature import peak_local_max

_REACH = 4  # half side of the surroundings in which a shape is measured, pixels


class Detection(NamedTuple):
    """Precision, recall, and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def detect(
    image: np.ndarray, points_px: np.ndarray, *, threshold: float = 0.25, within_px: float = 2.0, smooth_px: float = 1.0
) -> Detection:
    """Compare local maxima with the true positions.

    Parameters
    ----------
    image : array, (y, x)
        On a scale where 0 is background.
    points_px : array, (n, 2)
        True positions (y, x), pixels, the centre of the first pixel being 0.
    threshold : float
        Least height of a maximum, share of the brightest.
    within_px : float
        Greatest distance of a maximum from the position that it is counted for.
    smooth_px : float
        Standard deviation of a Gaussian before maxima are sought, pixels.

    Returns
    -------
    Detection
        Each position is found once at most. 0 if nothing is found.
    """
    smooth = gaussian_filter(np.asarray(image, dtype=float), smooth_px)
    peaks = peak_local_max(smooth, min_distance=2, threshold_abs=threshold * smooth.max(), exclude_border=False)
    truth = np.atleast_2d(np.asarray(points_px, dtype=float))
    if not len(peaks) or smooth.max() <= 0:
        return Detection(0.0, 0.0, 0.0)
    distance, place = KDTree(truth).query(peaks, distance_upper_bound=within_px)
    taken = set(place[np.isfinite(distance)].tolist())
    precision, recall = len(taken) / len(peaks), len(taken) / len(truth)
    return Detection(precision, recall, 2 * precision * recall / max(precision + recall, 1e-12))


def axis_ratios(image: np.ndarray, points_px: np.ndarray, *, level: float = 0.3) -> np.ndarray:
    """Ratio of the axes of the ellipse with the second moments of every isolated punctum.

    Parameters
    ----------
    image : array, (y, x)
        On a scale where 0 is background.
    points_px : array, (n, 2)
        True positions (y, x), pixels; those near the border or less than 9 px from another are left out.
    level : float
        Pixels below this share of the brightest around the punctum do not count.

    Returns
    -------
    ndarray, (m,)
        Long over short axis, 1 or more. A punctum that is not there at all has the shape of what is found instead.
    """
    points = np.atleast_2d(np.asarray(points_px, dtype=float))
    near = np.rint(points).astype(int)
    inside = ((near >= _REACH) & (near < np.array(np.shape(image)) - _REACH)).all(axis=1)
    alone = KDTree(points).query(points, k=2)[0][:, 1] > 2 * _REACH + 1 if len(points) > 1 else np.ones(1, bool)
    span = np.arange(-_REACH, _REACH + 1)
    return np.array(
        [_axis_ratio(np.asarray(image)[np.ix_(y + span, x + span)], level) for y, x in near[inside & alone]]
    )


def _axis_ratio(around: np.ndarray, level: float) -> float:
    weight = np.where(around > level * around.max(), around, 0.0)
    if not weight.sum() > 0:
        return 1.0
    y, x = np.mgrid[: around.shape[0], : around.shape[1]]
    centre = [np.average(axis, weights=weight) for axis in (y, x)]
    covariance = np.cov(np.stack([(y - centre[0]).ravel(), (x - centre[1]).ravel()]), aweights=weight.ravel(), ddof=0)
    small, large = np.linalg.eigvalsh(covariance + np.eye(2) / 12)  # a pixel has an extent of its own
    return float(np.sqrt(large / small))
