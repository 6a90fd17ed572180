"""Scales of an image: onto the one that a network was trained on, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

KINDS = ("maximum", "percentiles", "mean and deviation", "none")


@dataclass(frozen=True)
class Normalisation:
    """How images are scaled before a network sees them.

    Attributes
    ----------
    kind : {"maximum", "percentiles", "mean and deviation", "none"}
        Division by the maximum; two percentiles to 0 and 1; mean to 0 and standard deviation to 1; nothing.
    low, high : float, 0 to 100
        The percentiles.
    """

    kind: str = "none"
    low: float = 2.0
    high: float = 99.8

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} is no normalisation; give one of {', '.join(KINDS)}")
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"low={self.low!r} and high={self.high!r} must be percentiles in this order")

    def scale(
        self, image: np.ndarray, *, like: np.ndarray | None = None
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Scale one image, and give the way back.

        Parameters
        ----------
        image : ndarray, any shape
        like : ndarray, optional
            Image whose numbers are used; those of `image` itself by default.

        Returns
        -------
        ndarray, float32
            An image without width (constant, or for "maximum" nowhere positive) is not divided.
        callable
            Brings a restored image to the scale of `image`.
        """
        offset, width = self._offset_and_width(np.asarray(image if like is None else like, dtype=float))
        width = width if width > 0 else 1.0
        return ((image - offset) / width).astype(np.float32), lambda restored: restored * width + offset

    def _offset_and_width(self, image: np.ndarray) -> tuple[float, float]:
        if self.kind == "maximum":
            return 0.0, image.max()
        if self.kind == "percentiles":
            low, high = np.percentile(image, [self.low, self.high])
            return low, high - low
        if self.kind == "mean and deviation":
            return image.mean(), image.std()
        return 0.0, 1.0
