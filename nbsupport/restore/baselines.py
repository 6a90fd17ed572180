"""Classical filters on a finished super-resolved image: what artefact removal must beat.

A MUSICAL image has no noise model, so the strength of each filter is chosen on training pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from nbsupport.restore.denoisers import denoiser

FILTERS = {
    "Gaussian": (1.0, 2.0, 4.0, 8.0, 16.0),
    "NLM": (0.003, 0.01, 0.03, 0.1, 0.3),
    "BayesShrink": (0.003, 0.01, 0.03, 0.1, 0.3),
    "BM3D": (0.01, 0.03, 0.1, 0.3),
}
"""Strengths tried: standard deviation of the Gaussian, px; assumed noise of the others, as a share of the maximum."""

_COARSE = ("BM3D",)  # on every second pixel: structures are 4 px wide or more, and it takes a minute otherwise
_CROP_PX = 192


@dataclass(frozen=True)
class Baseline:
    """A filter and its strength.

    Parameters
    ----------
    name : str
        Key of `FILTERS`.
    strength : float
    """

    name: str
    strength: float

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Filter an image (y, x) with maximum 1; the result is non-negative and has maximum 1 too."""
        return _normalised(_filtered(self.name, image, self.strength))


def chosen(name: str, noisy: Sequence[np.ndarray], clean: Sequence[np.ndarray], *, images: int = 6) -> Baseline:
    """Choose the strength of a filter on pairs: least mean squared error after division by the maximum.

    Parameters
    ----------
    name : str
        Key of `FILTERS`.
    noisy, clean : sequences of ndarray, (y, x), with maximum 1
        Of training pairs.
    images : int
        How many are used, evenly spread; of each the part of 192 px around its brightest place.

    Returns
    -------
    Baseline

    Raises
    ------
    ValueError
        If there is no such filter or no pair.
    """
    if name not in FILTERS:
        raise ValueError(f"name={name!r} is unknown; there are {', '.join(FILTERS)}")
    if not len(noisy) or len(noisy) != len(clean):
        raise ValueError(f"noisy and clean hold {len(noisy)} and {len(clean)} images; give pairs")
    places = np.unique(np.linspace(0, len(noisy) - 1, images).round().astype(int))
    crops = [_crop(noisy[i], clean[i]) for i in places]

    def error(strength: float) -> float:
        return float(np.mean([np.mean((Baseline(name, strength)(n) - c) ** 2) for n, c in crops]))

    return Baseline(name, min(FILTERS[name], key=error))


def _crop(noisy: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    place = np.unravel_index(int(np.argmax(clean)), clean.shape)
    start = [max(0, min(p - _CROP_PX // 2, n - _CROP_PX)) for p, n in zip(place, clean.shape, strict=True)]
    area = tuple(slice(s, s + _CROP_PX) for s in start)
    return _normalised(noisy[area]), _normalised(clean[area])


def _filtered(name: str, image: np.ndarray, strength: float) -> np.ndarray:
    image = np.asarray(image, dtype=float)
    if name == "Gaussian":
        return gaussian_filter(image, strength)
    smooth: Callable = denoiser(name).filter_stabilised
    if name not in _COARSE:
        return smooth(image / strength, 1.0) * strength
    even = np.pad(image, [(0, n % 2) for n in image.shape], mode="edge")
    coarse = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean((1, 3))
    fine = zoom(smooth(coarse / strength, 1.0) * strength, 2, order=1, mode="nearest", grid_mode=True)
    return fine[: image.shape[0], : image.shape[1]]


def _normalised(image: np.ndarray) -> np.ndarray:
    positive = np.maximum(image, 0.0)
    return positive / (positive.max() or 1.0)
