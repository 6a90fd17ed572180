"""Nuclei in an image: found by threshold and watershed, and compared with the true ones."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

_SMALLEST_PX = 20  # of an object; smaller ones are noise
_APART_PX = 4  # least distance of two centres


def objects(image: np.ndarray) -> np.ndarray:
    """Otsu's threshold, then a watershed of the distance from the background.

    Parameters
    ----------
    image : array, (y, x)
        Bright objects; a probability map works as well.

    Returns
    -------
    integer array, (y, x)
        Objects from 1 on background 0.
    """
    inside = image > threshold_otsu(image) if np.ptp(image) > 0 else np.zeros(image.shape, bool)
    parts, _ = ndimage.label(inside)
    sizes = np.bincount(parts.ravel())
    inside &= sizes[parts] >= _SMALLEST_PX
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), 1.0)
    seeds = np.zeros(image.shape, int)
    peaks = peak_local_max(depth, min_distance=_APART_PX, labels=inside.astype(int))
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-depth, seeds, mask=inside)


def dice(truth: np.ndarray, found: np.ndarray) -> float:
    """Twice the common area of two masks over the sum of their areas; 1 if both are empty."""
    truth, found = np.asarray(truth) > 0, np.asarray(found) > 0
    total = truth.sum() + found.sum()
    return float(2 * (truth & found).sum() / total) if total else 1.0


def counting_f1(truth: np.ndarray, found: np.ndarray, *, overlap: float = 0.5) -> float:
    """Harmonic mean of precision and recall of objects.

    Parameters
    ----------
    truth, found : integer array, (y, x)
    overlap : float, 0.5 or more
        Least area of the intersection over that of the union for two objects to be one; above a half, none matches
        two.

    Returns
    -------
    float, 0 to 1; 1 if there is nothing to find and nothing was found.
    """
    if overlap < 0.5:
        raise ValueError(f"overlap={overlap} must be at least 0.5, or one object matches two")
    truth, found = np.asarray(truth, int), np.asarray(found, int)
    shared = np.zeros((truth.max() + 1, found.max() + 1))
    np.add.at(shared, (truth.ravel(), found.ravel()), 1)
    areas = np.bincount(truth.ravel())[:, None] + np.bincount(found.ravel())[None, :]
    matches = int((shared[1:, 1:] / (areas - shared)[1:, 1:] > overlap).sum())
    total = len(np.unique(truth[truth > 0])) + len(np.unique(found[found > 0]))
    return 2 * matches / total if total else 1.0
