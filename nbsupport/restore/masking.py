"""Hide pixels from a network: the regular grid of Noise2Self, the scattered blind spots of Noise2Void and its kin.

Masks are boolean tensors, True where a pixel is hidden. Images are (batch, 1, y, x).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nbsupport.checks import positive, whole_number

FILLS = ("zero", "interpolate")
REPLACEMENTS = ("uniform", "uniform with centre", "median")
DIRECTIONS = {"horizontal": (0, 1), "vertical": (1, 0), "cross": (1, 1)}
"""Axes along which structN2V widens the blind spot, as (along y, along x)."""

_TRIES = 8  # neighbours that are drawn until one is neither hidden nor outside


def grid_mask(shape: tuple[int, int], *, phase: int, width: int) -> Tensor:
    """Hide one pixel of every cell of a regular grid.

    Parameters
    ----------
    shape : (int, int)
        Of the image.
    phase : int
        Which pixel of the cells; any whole number, taken modulo ``width²``. All phases together hide each pixel once.
    width : int
        Side of a cell, pixels, 2 or more.

    Returns
    -------
    Tensor of bool, (y, x)

    References
    ----------
    Batson and Royer, ICML 2019; wang2021, methods.
    """
    width = whole_number("width", width, least=2)
    rows, columns = (torch.arange(n) for n in shape)
    return (rows % width == phase % width)[:, None] & (columns % width == phase // width % width)


def fill(images: Tensor, mask: Tensor, how: str) -> Tensor:
    """Put something else in the place of hidden pixels that does not depend on them.

    Parameters
    ----------
    images : Tensor, (batch, 1, y, x)
    mask : Tensor of bool, broadcasts with `images`
        No two hidden pixels may be neighbours, or ``"interpolate"`` would read one of them.
    how : str
        ``"zero"``, or ``"interpolate"``: the mean of the eight neighbours, those at the sides counting twice.

    Raises
    ------
    ValueError
        If `how` is unknown.
    """
    if how not in FILLS:
        raise ValueError(f"how={how!r} is unknown; give one of {', '.join(FILLS)}")
    if how == "zero":
        return images.masked_fill(mask, 0)
    kernel = torch.tensor([[0.5, 1.0, 0.5], [1.0, 0.0, 1.0], [0.5, 1.0, 0.5]], dtype=images.dtype, device=images.device)
    around = functional.conv2d(functional.pad(images, (1, 1, 1, 1), mode="reflect"), kernel[None, None] / kernel.sum())
    return torch.where(mask, around, images)


def j_invariant(network: Callable[[Tensor], Tensor], images: Tensor, *, width: int, how: str) -> Tensor:
    """Output whose every pixel was computed without the input of that pixel.

    Parameters
    ----------
    network : callable
        (batch, 1, y, x) -> the same.
    images : Tensor, (batch, 1, y, x)
    width : int
        Of the grid; the network runs ``width²`` times.
    how : str
        As in `fill`.

    Returns
    -------
    Tensor, shape of `images`
    """
    restored = torch.zeros_like(images)
    for phase in range(width**2):
        mask = grid_mask(images.shape[-2:], phase=phase, width=width).to(images.device)
        restored = torch.where(mask, network(fill(images, mask, how)).to(images.dtype), restored)
    return restored


def box_side(percent: float) -> int:
    """Side of the box, pixels, in which one pixel makes up this share of the image.

    Raises
    ------
    ValueError
        If the share is not between 0 and 25 %.
    """
    if not positive("percent", percent, "between 0 and 25") <= 25:
        raise ValueError(f"percent={percent} must be between 0 and 25, or hidden pixels touch each other")
    return round(np.sqrt(100 / percent))


def stratified_mask(shape: tuple[int, int, int], *, percent: float, rng: np.random.Generator) -> Tensor:
    """Hide one random pixel in every box of a grid, so that hidden pixels are spread evenly.

    Parameters
    ----------
    shape : (int, int, int)
        (batch, y, x).
    percent : float
        Share of hidden pixels, %; the boxes have a side of `box_side`. Where a box is cut by the border, its pixel may
        fall outside and is then left out.
    rng : numpy.random.Generator

    Returns
    -------
    Tensor of bool, (batch, 1, y, x)

    References
    ----------
    Krull, Buchholz and Jug, CVPR 2019, and their public code.
    """
    side = box_side(percent)
    batch, height, width = shape
    rows, columns = (-(-n // side) for n in (height, width))
    inside = rng.integers(side, size=(2, batch, rows, columns))
    y = inside[0] + side * np.arange(rows)[:, None]
    x = inside[1] + side * np.arange(columns)
    image = np.broadcast_to(np.arange(batch)[:, None, None], y.shape)
    kept = (y < height) & (x < width)
    mask = torch.zeros(batch, 1, height, width, dtype=torch.bool)
    mask[image[kept], 0, y[kept], x[kept]] = True
    return mask


def replace(images: Tensor, mask: Tensor, how: str, *, radius: int = 5, rng: np.random.Generator) -> Tensor:
    """Give every hidden pixel a value from its surroundings.

    Parameters
    ----------
    images : Tensor, (batch, 1, y, x)
    mask : Tensor of bool, (batch, 1, y, x)
    how : str
        ``"uniform"``: a random pixel of the window, never the hidden one itself nor another hidden one (through which
        a network would see a pixel in the wrong place); ``"uniform with centre"``: any pixel of the window, as in the
        first public code, which shows a pixel its own value once per window area; ``"median"``: the median of the
        window without its centre.
    radius : int
        Half side of the window, pixels.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If `how` is unknown or the radius is below 1.

    References
    ----------
    Krull, Buchholz and Jug, CVPR 2019; Höck et al., ECCV Workshops 2022 (median).
    """
    if how not in REPLACEMENTS:
        raise ValueError(f"how={how!r} is unknown; give one of {', '.join(REPLACEMENTS)}")
    radius = whole_number("radius", radius, least=1)
    image, _, y, x = hidden = mask.nonzero(as_tuple=True)
    values = _medians(images, hidden, radius) if how == "median" else None
    if values is None:
        free = mask.new_ones(mask.shape) if how == "uniform with centre" else ~mask
        source_y, source_x = _sources(image, y, x, free, radius, rng)
        values = images[image, 0, source_y, source_x]
    replaced = images.clone()
    replaced[hidden] = values
    return replaced


def structured_spot(mask: Tensor, *, direction: str, reach: int) -> Tensor:
    """Pixels beside the blind spots, along the direction in which noise is correlated.

    Parameters
    ----------
    mask : Tensor of bool, (batch, 1, y, x)
        Blind spots.
    direction : str
        ``"horizontal"``, ``"vertical"`` or ``"cross"``.
    reach : int
        Pixels on either side.

    Returns
    -------
    Tensor of bool, shape of `mask`, False at the blind spots themselves.

    References
    ----------
    Broaddus et al., ISBI 2020 (structN2V).
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction={direction!r} is unknown; give one of {', '.join(DIRECTIONS)}")
    reach = whole_number("reach", reach, least=1)
    spots = mask.float()
    wide = torch.zeros_like(mask)
    for axis, wanted in enumerate(DIRECTIONS[direction]):
        if wanted:
            size = [1, 1]
            size[axis] = 2 * reach + 1
            wide |= functional.max_pool2d(spots, size, stride=1, padding=[n // 2 for n in size]) > 0
    return wide & ~mask


def _sources(image: Tensor, y: Tensor, x: Tensor, free: Tensor, radius: int, rng: np.random.Generator):
    """For every hidden pixel the first of several random neighbours that is inside the image and free."""
    height, width = free.shape[-2:]
    # as many draws whatever is rejected: what comes later in the random stream does not depend on the mask
    steps = torch.from_numpy(rng.integers(-radius, radius + 1, size=(2, _TRIES, len(y))))
    rows, columns = y.cpu() + steps[0], x.cpu() + steps[1]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    good = inside & free.cpu()[image.cpu(), 0, rows, columns]
    # a neighbour at the side, towards the middle of the image, where every draw failed
    spare = torch.where(x.cpu() > width // 2, x.cpu() - 1, x.cpu() + 1)
    rows, columns, good = (
        torch.cat([a, b[None]]) for a, b in ((rows, y.cpu()), (columns, spare), (good, torch.ones_like(good[0])))
    )
    first = good.int().argmax(dim=0)[None]
    return rows.gather(0, first)[0].to(y.device), columns.gather(0, first)[0].to(x.device)


def _medians(images: Tensor, hidden: tuple[Tensor, ...], radius: int) -> Tensor:
    """Median of the window around every hidden pixel, reflected at the border, its centre left out."""
    side = 2 * radius + 1
    padded = functional.pad(images, (radius,) * 4, mode="reflect")
    around = torch.arange(side, device=images.device)
    image, _, y, x = hidden
    windows = padded[image[:, None, None], 0, (y[:, None] + around)[:, :, None], (x[:, None] + around)[:, None, :]]
    flat = windows.flatten(1)
    centre = side**2 // 2
    return torch.cat([flat[:, :centre], flat[:, centre + 1 :]], dim=1).median(dim=1).values
