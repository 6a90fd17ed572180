"""Whether tiles leave borders in an image."""

from __future__ import annotations

import numpy as np
from torch import nn

from nbsupport.restore import tiling

from .scaling import INPUT


def seam_ratio(network: nn.Module, image: np.ndarray, *, tile: int, overlap: int, width_px: int = 2) -> float:
    """How much more an image made of tiles differs from one made in one pass along the borders of tiles than inside.

    Parameters
    ----------
    network : Module
        (batch, channel, y, x) to the same.
    image : ndarray, (channel, y, x), larger than a tile
    tile, overlap : int, pixels
    width_px : int
        Pixels on either side of an edge of a tile inside the image that count as its border.

    Returns
    -------
    float
        RMS difference at borders over that elsewhere; NaN if the two images are equal.

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
        for start, end in tiling.spans(length, tile, overlap):
            for border in [start] * (start > 0) + [end] * (end < length):
                near[(slice(None),) * axis + (slice(max(0, border - width_px), border + width_px),)] = True
    inside = squares[~near].mean()
    return float(np.sqrt(squares[near].mean() / inside)) if inside else float("nan")
