"""Apply a network to an image of any size, tile by tile."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product

import numpy as np
import torch
from torch import nn

from nbsupport.checks import whole_number
from nbsupport.restore.networks.encoders import Head
from nbsupport.restore.precision import channels_last, computing, prepare

TILE = {2: (512, 512), 3: (16, 256, 256)}
OVERLAP = {2: (32, 32), 3: (4, 32, 32)}
PHASE = 32
"""Tiles start at multiples of this, or of a smaller power of two: a network that halves its input five times gives the
same answer at the same place only if its grids lie alike."""


def apply(
    network: nn.Module,
    image: np.ndarray,
    *,
    dimensions: int = 2,
    tile: int | Sequence[int] | None = None,
    overlap: int | Sequence[int] | None = None,
    batch: int = 4,
    device: str | torch.device = "cpu",
    precision: str = "float32",
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Apply a network to one image.

    Tiles overlap. A quarter of the overlap at every cut edge is thrown away, and across the middle half the weights of
    neighbours rise and fall linearly; they sum to 1 everywhere. So the result is that of the whole image at once
    wherever the network sees no farther than a quarter of the overlap.

    A network that divides its output by the maximum of the image (`Head`) does so on the whole, after blending.

    Parameters
    ----------
    network : Module
        (batch, channel, y, x) or (batch, channel, z, y, x) to the same extent, of any size; put in eval mode.
    image : ndarray, (y, x) or (z, y, x), or with a leading axis of channels
        Normalised as the network was trained, on the whole image.
    dimensions : {2, 3}
        How many of the last axes are space.
    tile, overlap : int or sequence of int, optional
        Pixels, for all axes or for each; 512 and 32 in two dimensions, (16, 256, 256) and (4, 32, 32) in three.
    batch : int
        Tiles that go through the network at once.
    device : str or device
    precision : {"auto", "bf16", "float32"}
    progress : callable, optional
        Called with the finished fraction.

    Returns
    -------
    ndarray, float32
        Extent of `image`; with a leading axis of channels where `image` has one or the network gives several.

    Raises
    ------
    ValueError
        If the image does not have the axes it should, holds values that are not finite, or tiles would not advance.
    """
    pixels, spatial = _checked(image, dimensions)
    tile = _edges("tile", tile, TILE[dimensions], least=1)
    overlap = _edges("overlap", overlap, OVERLAP[dimensions], least=0)
    batch = whole_number("batch", batch, least=1)
    device = prepare(network, precision, device)
    network.eval()
    inner, finish = _split(network)
    tiles = list(product(*(spans(*axis) for axis in zip(spatial, tile, overlap, strict=True))))
    total, weight, done = None, np.zeros(spatial, np.float32), 0
    with torch.no_grad(), computing(precision, device):
        for group in _alike(tiles, batch):
            stacked = np.stack([pixels[(..., *(slice(*span) for span in spans_))] for spans_ in group])
            answers = inner(channels_last(torch.from_numpy(stacked).to(device))).float().cpu().numpy()
            if total is None:
                total = np.zeros((answers.shape[1], *spatial), np.float32)
            for spans_, answer in zip(group, answers, strict=True):
                area = tuple(slice(*span) for span in spans_)
                ramp = _ramp(spans_, spatial, overlap)
                total[(..., *area)] += ramp * answer
                weight[area] += ramp
            done += len(group)
            if progress:
                progress(done / len(tiles))
        whole = finish(torch.from_numpy(total / weight)[None].to(device))[0].float().cpu().numpy()
    return whole if np.ndim(image) > dimensions or len(whole) > 1 else whole[0]


def spans(size: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """First pixel of every tile along one axis, and the one behind its last.

    Parameters
    ----------
    size, tile, overlap : int, pixels

    Returns
    -------
    list of (int, int)
        One span if a tile holds the axis. All starts are multiples of one power of two (`PHASE` at most); the last tile
        ends at the end of the axis, and is shorter than the others where its start would not be such a multiple.

    Raises
    ------
    ValueError
        If tiles of this size and overlap do not advance.
    """
    if tile <= overlap:
        raise ValueError(f"tile={tile} must be larger than overlap={overlap}")
    if size <= tile:
        return [(0, size)]
    phase = min(PHASE, 2 ** int(math.log2(tile - overlap)))
    step = (tile - overlap) // phase * phase
    last = -(-(size - tile) // phase) * phase
    return [(start, start + tile) for start in range(0, last, step)] + [(last, size)]


def joints(size: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Where along one axis an image passes from one tile to the next: there a border would be seen.

    Parameters
    ----------
    size, tile, overlap : int, pixels

    Returns
    -------
    list of (int, int)
        First pixel in which two neighbouring tiles are blended and the one behind the last; equal where they touch.
    """
    margin = _unused(overlap)
    edges = spans(size, tile, overlap)
    return [(start + margin, end - margin) for (_, end), (start, _) in pairwise(edges)]


def _checked(image, dimensions):
    if dimensions not in TILE:
        raise ValueError(f"dimensions={dimensions!r} must be 2 or 3")
    pixels = np.asarray(image, dtype=np.float32)
    if pixels.ndim not in (dimensions, dimensions + 1) or not pixels.size:
        raise ValueError(f"image of shape {pixels.shape}; needed are {dimensions} axes, or channels before them")
    if not np.isfinite(pixels).all():
        raise ValueError("image holds values that are not finite; replace them before it is restored")
    return (pixels if pixels.ndim > dimensions else pixels[None]), pixels.shape[-dimensions:]


def _edges(name, given, default, *, least):
    if given is None:
        return default
    edges = (given,) * len(default) if np.ndim(given) == 0 else tuple(given)
    if len(edges) != len(default):
        raise ValueError(f"{name}={given!r} has {len(edges)} entries; give one number or {len(default)}")
    return tuple(whole_number(name, edge, least=least) for edge in edges)


def _split(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The network without a last step that couples all pixels, and that step."""
    if not isinstance(getattr(network, "head", None), Head):
        return network, nn.Identity()
    inner = copy.copy(network)
    inner._modules = {**network._modules, "head": nn.Identity()}
    return inner, network.head


def _alike(tiles: list, batch: int) -> Iterator[list]:
    """Groups of tiles of one shape, up to `batch` of them."""
    by_shape: dict[tuple, list] = {}
    for spans_ in tiles:
        by_shape.setdefault(tuple(end - start for start, end in spans_), []).append(spans_)
    for alike in by_shape.values():
        for first in range(0, len(alike), batch):
            yield alike[first : first + batch]


def _unused(overlap: int) -> int:
    """Pixels along a cut edge whose answers are thrown away: there a network sees least of what is around."""
    return overlap // 4


def _ramp(spans_, spatial, overlap) -> np.ndarray:
    """Weights of one tile: 1 inside and at the border of the image, falling to 0 towards cut edges."""
    ramp = np.ones((), np.float32)
    for (start, end), size, width in zip(spans_, spatial, overlap, strict=True):
        margin = _unused(width)
        rise = np.arange(1, end - start + 1) - margin
        slope = np.clip(rise / (width - 2 * margin + 1), 0.0, 1.0)
        along = np.ones(end - start)
        if start > 0:
            along = np.minimum(along, slope)
        if end < size:
            along = np.minimum(along, slope[::-1])
        ramp = np.multiply.outer(ramp, along.astype(np.float32))
    return ramp
