"""Windows that slide over a stack one raw pixel at a time, worked on tile by tile.

Neighbouring windows share nearly all their pixels, so a tile of them costs little more memory than one; tiles bound
the working memory, keep it in the processor's cache and occupy every thread.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from nbsupport.parallel import in_order

Result = TypeVar("Result")

TILE_BYTES = {"cpu": 16e6, "cuda": 1e9}  # working memory of one tile; on a processor, what its cache holds


class Tile(NamedTuple):
    """Rectangle of windows: the upper left pixel of the first one, and how many there are down and across."""

    top: int
    left: int
    height: int
    width: int


def window_weights(window_px: int) -> torch.Tensor:
    """Gaussian weights of the window pixels, (window, window), peak 1, variance floor(window / 2) px²."""
    half = window_px // 2
    offset2 = (torch.arange(window_px, dtype=torch.float64) - half) ** 2
    return torch.exp(-(offset2[:, None] + offset2) / (2 * half))


def over_tiles(
    work: Callable[[Tile], Result],
    rows: int,
    columns: int,
    floats_per_window: int,
    device: torch.device,
    progress: Callable[[float], None],
) -> Iterator[tuple[Tile, Result]]:
    """Do the work of every tile on all threads, and give the results in order.

    Parameters
    ----------
    work : callable
        Takes a tile and gives tensors.
    rows, columns : int
        Windows down and across.
    floats_per_window : int
        Working memory of one window, in float64 numbers.
    device : device
    progress : callable
        Called with the finished fraction.

    Yields
    ------
    tile, result
    """
    side = max(1, math.isqrt(int(TILE_BYTES[device.type] / (8 * floats_per_window))))
    tiles = [
        Tile(top, left, height, width)
        for top, height in _divided(rows, side)
        for left, width in _divided(columns, side)
    ]
    done = 0
    for tile, result in zip(tiles, in_order(work, tiles, device), strict=True):
        yield tile, result
        done += tile.height * tile.width
        progress(done / (rows * columns))


def _divided(length, most):
    """Start and size of parts that are as equal as they can be and no longer than `most`."""
    ends = np.linspace(0, length, math.ceil(length / most) + 1).astype(int).tolist()
    return [(start, end - start) for start, end in itertools.pairwise(ends)]


def weighted_windows(
    pixels: torch.Tensor, window_px: int, tile: Tile, which: torch.Tensor | None = None
) -> torch.Tensor:
    """Windows of a tile times the window weights, as matrices.

    Parameters
    ----------
    pixels : Tensor, (y, x, frame)
    window_px : int
    tile : Tile
    which : Tensor, (height · width,), bool, optional
        Windows that are wanted; all without it.

    Returns
    -------
    Tensor, (window, window², frame)
    """
    windows = _under(pixels, window_px, tile).unfold(0, window_px, 1).unfold(1, window_px, 1)
    chosen = windows.flatten(0, 1) if which is None else windows[which.view(tile.height, tile.width)]
    weights = window_weights(window_px).to(pixels)[..., None]
    return (chosen.movedim(1, -1) * weights).reshape(len(chosen), window_px**2, -1)


def gram_matrices(pixels: torch.Tensor, window_px: int, tile: Tile) -> torch.Tensor:
    """Gram matrices of the weighted windows of a tile, their products summed over frames.

    A pair of pixels lies in many windows, so all pairs of the tile are multiplied once and each window is a view of
    that table.

    Parameters
    ----------
    pixels : Tensor, (y, x, frame)
    window_px : int
    tile : Tile

    Returns
    -------
    Tensor, (window, window², window²)
    """
    part = _under(pixels, window_px, tile)
    down, across, _ = part.shape
    part = part.reshape(down * across, -1)
    table = part @ part.T
    y, x = across * down * across, down * across  # steps in the table of one pixel down and across in its first index
    shape = (tile.height, tile.width) + 4 * (window_px,)
    shared = table.as_strided(shape, (y + across, x + 1, y, x, across, 1))
    weights = window_weights(window_px).to(pixels).flatten()
    grams = torch.mul(shared, torch.outer(weights, weights).view(shape[2:]), out=table.new_empty(shape))
    return grams.view(tile.height * tile.width, window_px**2, window_px**2)


def _under(pixels, window_px, tile):
    """Pixels that the windows of a tile cover, (y, x, frame)."""
    top, left, height, width = tile
    return pixels[top : top + height + window_px - 1, left : left + width + window_px - 1]


def overlap_add(patches: torch.Tensor, window_px: int, tile: Tile) -> torch.Tensor:
    """Sum of the patches of a tile, each at the place of its window.

    Parameters
    ----------
    patches : Tensor, (window · subpixels, window, window · subpixels)
        Row of the patch, window of the tile, column of the patch.
    window_px : int
    tile : Tile

    Returns
    -------
    Tensor, ((height + window − 1) · subpixels, (width + window − 1) · subpixels)
    """
    height, width = tile.height, tile.width
    subpixels = len(patches) // window_px
    down, across = height + window_px - 1, width + window_px - 1
    patches = patches.view(window_px, subpixels, height, width, window_px * subpixels)
    columns = patches.new_zeros(subpixels, down, width, window_px * subpixels)
    for offset in range(window_px):
        columns[:, offset : offset + height] += patches[offset]
    columns = columns.view(subpixels, down, width, window_px, subpixels)
    image = patches.new_zeros(subpixels, down, across, subpixels)
    for offset in range(window_px):
        image[:, :, offset : offset + width] += columns[:, :, :, offset]
    return image.transpose(0, 1).reshape(down * subpixels, across * subpixels)


def windows_covering(centres: int, window_px: int) -> torch.Tensor:
    """How many of `centres` adjacent windows cover each pixel along one axis, (centres + window − 1,)."""
    return torch.nn.functional.conv_transpose1d(torch.ones(1, 1, centres), torch.ones(1, 1, window_px))[0, 0]
