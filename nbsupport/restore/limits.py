"""Images that a restorer was made for, and the refusal of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class CardError(ValueError):
    """A restorer that is damaged, unknown, or not made for the image at hand."""


@dataclass(frozen=True)
class Limits:
    """Images that a restorer was made for. A pair is (lowest, highest), both allowed; None allows everything.

    Attributes
    ----------
    pixel_um : pair of float or None
        Pixel size of the image that the network sees, µm.
    numerical_aperture : pair of float or None
    values : pair of float or None
        Before normalisation; an end may be None.
    smallest_px : int
        Least extent in y and x.
    dimensions : {2, 3}
        Axes that are restored together: planes or volumes.
    channels : int
    """

    pixel_um: tuple[float, float] | None = None
    numerical_aperture: tuple[float, float] | None = None
    values: tuple[float | None, float | None] | None = None
    smallest_px: int = 1
    dimensions: int = 2
    channels: int = 1

    def check(
        self, shape: tuple[int, ...], *, pixel_um: float | None = None, numerical_aperture: float | None = None
    ) -> None:
        """Refuse an image by what is known of it before it is read.

        Parameters
        ----------
        shape : tuple of int
            Extent in space, (y, x) or (z, y, x).
        pixel_um, numerical_aperture : float or None
            None: not known.

        Raises
        ------
        CardError
            If something is outside its limits, or limited and not known.
        """
        if min(shape[-2:]) < self.smallest_px:
            raise CardError(f"the image has {shape[-2]} × {shape[-1]} pixels; this restorer needs {self.smallest_px}")
        stated = (
            ("pixel size", " µm", self.pixel_um, pixel_um),
            ("numerical aperture", "", self.numerical_aperture, numerical_aperture),
        )
        for name, unit, allowed, value in stated:
            if allowed is None:
                continue
            made_for = f"this restorer was trained on {allowed[0]:g} to {allowed[1]:g}{unit}"
            if value is None:
                raise CardError(f"the {name} of the image is not known, and {made_for}; state it")
            if not allowed[0] * (1 - 1e-6) <= value <= allowed[1] * (1 + 1e-6):  # resolution tags are ratios, rounded
                raise CardError(f"the image has a {name} of {value:.4g}{unit}; {made_for}")

    def check_values(self, image: np.ndarray) -> None:
        """Refuse values that are not finite or out of range; the message gives the first such index."""
        low, high = self.values or (None, None)
        allowed = np.isfinite(image)
        allowed &= (image >= (-np.inf if low is None else low)) & (image <= (np.inf if high is None else high))
        if not allowed.all():
            where = tuple(int(i) for i in np.argwhere(~allowed)[0])
            ends = f"from {'-∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"
            raise CardError(f"the image holds {image[where]:g} at index {where}; this restorer takes numbers {ends}")
