"""Whether tiles leave borders in an image."""

from __future__ import annotations

import numpy as np
from torch import nn

from nbsupport.restore import tiling

from .scaling import INPUT

ROUNDING = 4
"""RMS difference that rounding alone may leave between two images, in steps of float32 at the RMS of the image."""


def seam_ratio(network: nn.Module, image: np.ndarray, *, tile: int, overlap: int, width_px: int = 2) -> float:
    """How much more an image made of tiles differs from one made in one pass where tiles pass into each other.

    Parameters
    ----------
    network : Module
        (batch, channel, y, x) to the same.
    image : ndarray, (channel, y, x), larger than a tile
    tile, overlap : int, pixels
    width_px : int
        Pixels on either side of a joint that count as part of it.

    Returns
    -------
    float
        RMS difference in the joints, in which the answers of two tiles are blended or only touch, over that elsewhere.
        What rounding may leave is added to both: where the images differ by nothing else, the ratio is 1.

    Raises
    ------
    ValueError
        If one tile holds the whole image.
    """
    scaled = INPUT.scale(image)[0]
    size = scaled.shape[-2:]
    if max(size) <= tile:
        raise ValueError(f"tile={tile} holds the image of {size} pixels; there is no border")
    whole, tiled = (tiling.apply(network, scaled, tile=edge, overlap=overlap) for edge in (max(size), tile))
    squares = np.mean((whole - tiled) ** 2, axis=0)
    near = np.zeros(size, dtype=bool)
    for axis, length in enumerate(size):
        for start, end in tiling.joints(length, tile, overlap):
            near[(slice(None),) * axis + (slice(max(0, start - width_px), end + width_px),)] = True
    rounding = np.mean((ROUNDING * np.finfo(np.float32).eps * whole.astype(float)) ** 2) + np.finfo(float).tiny
    return float(np.sqrt((squares[near].mean() + rounding) / (squares[~near].mean() + rounding)))
