"""Temporal cumulants of fluctuating pixels, each with itself or with its neighbours.

`cumulant` keeps the pixels of the stack and takes each with itself; `cross_cumulant` combines distinct pixels and so
fills a finer grid and is free of shot noise. Both compute in torch, on tensors (frame, y, x) in float64.

References
----------
dertinger2009 (cumulants), dertinger2010 (cross-cumulants), jadhav2021 (their use).
"""

import operator
from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import combinations, product

import numpy as np
import torch
import xarray as xr

from nbsupport.checks import whole_number
from nbsupport.optics import Optics
from nbsupport.reconstruct.stacks import framed

ORDERS = (2, 3, 4)
FLATTENINGS = ("means", "distance", "none")


def cumulant(
    stack: xr.DataArray,
    order: int,
    *,
    lags: Sequence[int] | None = None,
    block_frames: int | None = None,
    device: str = "cpu",
) -> xr.DataArray:
    """Temporal auto-cumulant of every pixel.

    Moments are plain means over the frames (1/T, no correction of their bias). At lag 0 the cumulant contains the
    camera's noise, for instance the mean count in order 2.

    Parameters
    ----------
    stack : DataArray, (frame, y, x)
        Any real type; ``y`` and ``x`` in µm.
    order : {2, 3, 4}
    lags : sequence of int, optional
        Frames by which each of the `order` factors is delayed, not negative; zeros by default. ``range(order)`` is
        free of noise that is independent from frame to frame, and loses signal where emitters blink fast.
    block_frames : int, optional
        Cumulants are computed in blocks of about this many frames and averaged, which takes out bleaching. One block
        by default.
    device : str
        Where torch computes, "cpu" or "cuda".

    Returns
    -------
    DataArray, (y, x), units of the stack to the power `order`
        On the pixels of the stack; odd orders and order 4 may be negative.

    Raises
    ------
    ValueError
        If a parameter cannot be meant, or the stack has one frame, no grid in µm, or a value that is not finite.

    References
    ----------
    dertinger2009; jadhav2021, Methods.
    """
    order = _order_meant(order)
    lags = _lags_meant(lags, order)
    pixel_um, frames = framed(stack, device)

    def blockwise(block):
        span = len(block) - max(lags)
        return joint_cumulant([block[lag : lag + span] for lag in lags])

    image = _mean_over_blocks(frames, block_frames, blockwise, least=max(lags) + 2)
    attrs = {"kind": "auto-cumulant", "lags": list(lags)} | _record(stack, order, pixel_um, block_frames)
    coords = {axis: stack[axis] for axis in ("y", "x")}
    return xr.DataArray(image.cpu().numpy(), dims=("y", "x"), coords=coords, name="cumulant", attrs=attrs)


def cross_cumulant(
    stack: xr.DataArray,
    order: int,
    optics: Optics | None = None,
    *,
    flattening: str = "means",
    block_frames: int | None = None,
    device: str = "cpu",
) -> xr.DataArray:
    """Zero-lag cross-cumulant of distinct pixels on a grid `order` times finer.

    A combination of pixels measures at its centroid. Each fine position takes, inside a neighbourhood of 4 × 4 pixels,
    the combination of distinct pixels with the least summed squared distance; where several tie, their mean is taken,
    so that a turned or mirrored stack gives the turned or mirrored image (the reference implementation takes one).

    Parameters
    ----------
    stack, block_frames, device
        As for `cumulant`. At least 5 × 5 pixels.
    order : {2, 3, 4}
    optics : Optics, optional
        Needed by ``flattening="distance"`` alone, which takes the Airy width of an in-focus emitter from it.
    flattening : {"means", "distance", "none"}
        Combinations spread wide give less signal. "means" scales the order² interleaved sub-lattices to one mean
        absolute value; "distance" multiplies by exp(4 ln 2 d²/FWHM²), d² the sum of squared pixel distances over the
        order, exact for a Gaussian point spread function of known width; "none" leaves the pattern in. Signs stay,
        where the reference implementation takes absolute values.

    Returns
    -------
    DataArray, (y, x), units of the stack to the power `order`
        order · (size − 3) − (order − 1) points per axis, from the second pixel centre to the third last.

    Raises
    ------
    ValueError
        As for `cumulant`, or if "distance" comes without optics.

    References
    ----------
    dertinger2010; girsault2016 (the reference implementation); jadhav2021, Methods.
    """
    order = _order_meant(order)
    if flattening == "distance" and optics is None:
        raise ValueError("flattening='distance' needs optics, which give the width of the point spread function")
    pixel_um, frames = framed(stack, device, least=5)
    image = _mean_over_blocks(frames, block_frames, lambda block: _interleaved(block, order))
    image = image[: image.shape[0] - order + 1, : image.shape[1] - order + 1].cpu().numpy()
    image = flattened(image, order, flattening, optics and optics.airy_fwhm_um / pixel_um)
    attrs = {"kind": "cross-cumulant", "flattening": flattening} | _record(stack, order, pixel_um, block_frames)
    coords = _between_pixels(stack, pixel_um, order)
    return xr.DataArray(image, dims=("y", "x"), coords=coords, name="cross_cumulant", attrs=attrs)


def joint_cumulant(traces: Sequence[torch.Tensor]) -> torch.Tensor:
    """Joint cumulant of two, three or four traces at the same time.

    Parameters
    ----------
    traces : sequence of Tensor, (frame, …), of one shape
        Their means are taken off here.

    Returns
    -------
    Tensor, (…)
        ⟨ab⟩, ⟨abc⟩ or ⟨abcd⟩ − ⟨ab⟩⟨cd⟩ − ⟨ac⟩⟨bd⟩ − ⟨ad⟩⟨bc⟩ of the centred traces, ⟨⟩ a plain mean over frames.

    References
    ----------
    dertinger2010.
    """
    return _of_centred([trace - trace.mean(0) for trace in traces])


def flattened(image: np.ndarray, order: int, method: str, width_px: float | None) -> np.ndarray:
    """Cross-cumulants with the interleaved sub-lattices brought to one level.

    Parameters
    ----------
    image : array, (y, x)
        Values of ``cross_cumulant(..., flattening="none")``.
    order : {2, 3, 4}
        Of these cumulants.
    method : {"means", "distance", "none"}
        As `flattening` of `cross_cumulant`.
    width_px : float or None
        Full width at half maximum of the point spread function, in pixels of the stack; read by "distance" alone.

    Returns
    -------
    array, (y, x), unit of `image`

    Raises
    ------
    ValueError
        If the method is not known.

    References
    ----------
    dertinger2010; girsault2016.
    """
    if method not in FLATTENINGS:
        raise ValueError(f"flattening={method!r} is unknown; give one of {FLATTENINGS}")
    image = image.copy()
    inner = np.abs(image[:-1, :-1])  # without the last row and column all sub-lattices have equally many points
    overall = inner.mean()
    for (row, column), (distance2, _) in _pixel_combinations(order).items():
        lattice = image[row::order, column::order]
        if method == "means":
            level = inner[row::order, column::order].mean()
            lattice *= overall / level if level else 0
        elif method == "distance":
            lattice *= np.exp(4 * np.log(2) * distance2 / order / width_px**2)
    return image


@lru_cache(maxsize=len(ORDERS))
def _pixel_combinations(order):
    """Fine position (row, column, in 1/order pixels) to squared distance and the combinations of pixels that tie."""
    chosen = {}
    for pixels in combinations(product(range(4), repeat=2), order):
        position = tuple(sum(axis) - order for axis in zip(*pixels, strict=True))
        if all(0 <= step < order for step in position):
            distance2 = sum((a - c) ** 2 + (b - d) ** 2 for (a, b), (c, d) in combinations(pixels, 2))
            best = chosen.get(position, (np.inf, []))
            if distance2 <= best[0]:
                chosen[position] = distance2, (best[1] if distance2 == best[0] else []) + [pixels]
    return chosen


def _of_centred(traces):
    joint = reduce(operator.mul, traces).mean(0)
    if len(traces) == 4:
        a, b, c, d = traces
        for (p, q), (r, s) in (((a, b), (c, d)), ((a, c), (b, d)), ((a, d), (b, c))):
            joint -= (p * q).mean(0) * (r * s).mean(0)
    return joint


def _interleaved(frames, order):
    """Unflattened cross-cumulants, (order · (y − 3), order · (x − 3))."""
    centred = frames - frames.mean(0)
    rows, columns = (size - 3 for size in frames.shape[1:])
    image = frames.new_empty(order * rows, order * columns)
    for (row, column), (_, tied) in _pixel_combinations(order).items():
        found = [_of_centred([centred[:, y : y + rows, x : x + columns] for y, x in pixels]) for pixels in tied]
        image[row::order, column::order] = torch.stack(found).mean(0)
    return image


def _mean_over_blocks(frames, block_frames, image_of, least=2):
    if block_frames is not None:
        block_frames = whole_number("block_frames", block_frames, least=least)
    if len(frames) < least:
        raise ValueError(f"stack has {len(frames)} frames; these lags need at least {least}")
    blocks = frames.tensor_split(max(1, len(frames) // (block_frames or len(frames))))
    return torch.stack([image_of(block) for block in blocks]).mean(0)


def _between_pixels(stack, pixel_um, order):
    """Coordinates of the fine grid: from the second pixel centre to the third last in steps of 1/order pixel, µm."""
    return {
        axis: (
            axis,
            float(stack[axis][1]) + pixel_um * np.arange(order * (stack.sizes[axis] - 4) + 1) / order,
            {"units": "µm", **stack[axis].attrs},
        )
        for axis in ("y", "x")
    }


def _record(stack, order, pixel_um, block_frames):
    unit = stack.attrs.get("units", "1")
    return {
        "units": unit if unit == "1" else f"{unit}^{order}",
        "order": order,
        "block_frames": block_frames or stack.sizes["frame"],
        "frames": stack.sizes["frame"],
        "pixel_um": pixel_um,
    }


def _order_meant(order):
    if order not in ORDERS:
        raise ValueError(f"order={order!r} is not offered; give one of {ORDERS}")
    return int(order)


def _lags_meant(lags, order):
    lags = [0] * order if lags is None else list(lags)
    if len(lags) != order:
        raise ValueError(f"lags={lags} must hold one delay for each of the {order} factors")
    return [whole_number("lags", lag, least=0) for lag in lags]
