"""Pictures with the statistics of photographs: objects that hide each other, with sharp edges and of every size."""

from __future__ import annotations

import numpy as np

from nbsupport.checks import positive, whole_number

_RADII = 1000


def dead_leaves(
    side_px: int, *, rng: np.random.Generator, smallest_px: float = 2.0, largest_px: float | None = None
) -> np.ndarray:
    """Picture of opaque discs that fell on each other until nothing shows between them.

    Radii follow a power law of exponent -3, which makes the picture look alike at every scale, as photographs do; each
    disc has one grey value.

    Parameters
    ----------
    side_px : int
        Pixels per side, 8 or more.
    rng : numpy.random.Generator
        Source of all draws.
    smallest_px, largest_px : float
        Ends of the radii, pixels; None takes the side of the picture.

    Returns
    -------
    ndarray of float64, (y, x), 0 to 1

    Raises
    ------
    ValueError
        If the side is too short or the radii are not in order.

    References
    ----------
    lee2001.
    """
    side_px = whole_number("side_px", side_px, least=8)
    smallest_px = positive("smallest_px", smallest_px, "a positive radius in pixels")
    largest_px = float(side_px) if largest_px is None else largest_px
    if not smallest_px < largest_px < np.inf:
        raise ValueError(f"largest_px={largest_px} must be finite and above smallest_px={smallest_px}")
    radii = np.geomspace(smallest_px, largest_px, _RADII)
    # over steps of equal ratio r^-3 is r^-2; and of leaves that fell anywhere, large ones reach the picture more often
    reaching = np.cumsum(radii**-2 * (side_px + 2 * radii) ** 2)
    y, x = np.mgrid[:side_px, :side_px] + 0.5
    picture, bare = np.zeros((side_px, side_px)), np.ones((side_px, side_px), dtype=bool)
    while bare.any():
        # from the top leaf down: what is covered stays as it is
        radius = radii[np.searchsorted(reaching, reaching[-1] * rng.random())]
        centre_y, centre_x = rng.uniform(-radius, side_px + radius, 2)
        shown = bare & ((y - centre_y) ** 2 + (x - centre_x) ** 2 <= radius**2)
        picture[shown] = rng.random()
        bare &= ~shown
    return picture
