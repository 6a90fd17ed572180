"""SOFI: images from the cumulants of fluctuating pixels, and bSOFI, which balances three of them.

`cumulant` keeps the pixels of the stack and takes each with itself; `cross_cumulant` combines distinct pixels and so
fills a finer grid and is free of shot noise. `bsofi` linearises the cross-cumulants of orders 2 to 4 and merges orders
3 and 4 according to `molecular_parameters`, the maps of brightness, on-ratio and density.

References
----------
dertinger2009 (cumulants), dertinger2010 (cross-cumulants), geissbuehler2012 (bSOFI), jadhav2021 (their use).
"""

import operator
from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import combinations, product

import numpy as np
import torch
import xarray as xr
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from nbsupport.optics import Optics, pixel_size_um

ORDERS = (2, 3, 4)
FLATTENINGS = ("means", "distance", "none")
SOURCES = ("flattened", "linearised")
_FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
_RICHARDSON_LUCY = "Richardson-Lucy, started from the image, Gaussian cut at 3 sigma, mirrored edges"
_TRUSTED_ORDER_4 = ((-np.inf, 0.128), (0.278, 0.722), (0.872, np.inf))  # on-ratios away from the roots of kappa_4


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
    image = _flattened(image, order, flattening, optics and optics.airy_fwhm_um / pixel_um)
    attrs = {"kind": "cross-cumulant", "flattening": flattening} | _record(stack, order, pixel_um, block_frames)
    coords = _between_pixels(stack, pixel_um, order)
    return xr.DataArray(image, dims=("y", "x"), coords=coords, name="cross_cumulant", attrs=attrs)


def bsofi(
    stack: xr.DataArray,
    optics: Optics,
    *,
    flattening: str = "means",
    iterations: int = 5,
    parameters_from: str = "flattened",
    profile_exponent: float = 1.5,
    block_frames: int | None = None,
    device: str = "cpu",
) -> xr.DataArray:
    """Balanced SOFI image: order 4 where the on-ratio lets it be trusted, order 3 elsewhere.

    Every flattened cross-cumulant is linearised: absolute value, minus its mean and clipped at 0, Richardson-Lucy
    deconvolution with the Gaussian of order n (width FWHM/√n), power 1/n, zero below n % of the maximum; then blurred
    to a width of FWHM/n. The mean that is taken off is a background cut of the reference implementation, with no
    derivation; it makes the result depend on how empty the field is. The mask between the orders, smoothed by
    1.5 fine pixels, is 1 where the on-ratio lies below 0.128, between 0.278 and 0.722, or above 0.872.

    Parameters
    ----------
    stack, block_frames, device
        As for `cumulant`. At least 6 × 6 pixels.
    optics : Optics
        Their Airy full width at half maximum is the width of the point spread function.
    flattening : {"means", "distance", "none"}
        Of the images, as for `cross_cumulant`.
    iterations : int
        Of the deconvolution: Richardson-Lucy without acceleration, started from the image, with mirrored edges.
    parameters_from : {"flattened", "linearised"}
        What the on-ratio comes from: "flattened" as for `molecular_parameters`, or, as in the reference
        implementation, the linearised images, which are roots already and for which the formulas do not hold.
    profile_exponent : float
        As for `molecular_parameters`.

    Returns
    -------
    DataArray, (y, x), 1
        From 0 to 1, on the grid of the order-4 cross-cumulant. A stack without fluctuations gives 0.

    Raises
    ------
    ValueError
        As for `cumulant`, or if a parameter cannot be meant.

    References
    ----------
    geissbuehler2012; girsault2016 (the reference implementation); jadhav2021, Methods.
    """
    iterations = _whole("iterations", iterations, least=0)
    if parameters_from not in SOURCES:
        raise ValueError(f"parameters_from={parameters_from!r} is unknown; give one of {SOURCES}")
    width_px, lattices = _lattices(stack, optics, block_frames, device)
    flat = _flattened_orders(lattices, flattening, width_px)
    linear = {order: _linearised(flat[order], order, width_px / _FWHM_PER_SIGMA, iterations) for order in ORDERS}
    source = linear if parameters_from == "linearised" else _flattened_orders(lattices, "distance", width_px)
    ratio = _parameters(source, lattices, profile_exponent)["on_ratio"]
    trusted = reduce(operator.or_, ((ratio > low) & (ratio < high) for low, high in _TRUSTED_ORDER_4))
    mask = gaussian_filter(trusted.astype(float), 1.5)
    third, fourth = (_per_maximum(_on_finest(linear[order], lattices, order)) for order in (3, 4))
    image = lattices[4].copy(data=np.clip(mask * fourth + (1 - mask) * third, 0, 1)).rename("bsofi")
    attrs = {"units": "1", "long_name": "bSOFI", "kind": "balanced cumulant", "flattening": flattening}
    attrs |= {"parameters_from": parameters_from, "profile_exponent": float(profile_exponent)}
    return image.assign_attrs(attrs, deconvolution=f"{_RICHARDSON_LUCY}, {iterations} iterations")


def molecular_parameters(
    stack: xr.DataArray,
    optics: Optics,
    *,
    profile_exponent: float = 1.5,
    block_frames: int | None = None,
    device: str = "cpu",
) -> xr.Dataset:
    """Brightness, on-ratio and density of two-state emitters from the ratios of three cross-cumulants.

    The cumulants keep their signs and are flattened by distance. With K1 = 1.5^t c3/c2 and K2 = 2^t c4/c2 the
    brightness is √(3 K1² − 2 K2), the on-ratio ½ − K1/(2 brightness), held between 0 and 1, and the density
    c2/(brightness² on-ratio (1 − on-ratio)).

    Parameters
    ----------
    stack, block_frames, device
        As for `cumulant`. At least 6 × 6 pixels.
    optics : Optics
        Their Airy full width at half maximum is the width of the point spread function.
    profile_exponent : float
        t, which accounts for the volume of the point spread function: 1.5 in three dimensions, 2 for the
        evanescent field of TIRF; 0 for the value at the centre of a lone emitter.

    Returns
    -------
    Dataset, (y, x)
        ``brightness`` (units of the stack), ``on_ratio`` (1) and ``density`` (emitters per area of the profile), on the
        grid of the order-4 cross-cumulant; 0 where the cumulants leave a value undefined.

    Raises
    ------
    ValueError
        As for `cumulant`, or if `profile_exponent` is not finite.

    References
    ----------
    geissbuehler2012.
    """
    width_px, lattices = _lattices(stack, optics, block_frames, device)
    maps = _parameters(_flattened_orders(lattices, "distance", width_px), lattices, profile_exponent)
    units = {"brightness": stack.attrs.get("units", "1"), "on_ratio": "1", "density": "1"}
    return xr.Dataset(
        {name: (("y", "x"), values, {"units": units[name]}) for name, values in maps.items()},
        coords=lattices[4].coords,
        attrs={"profile_exponent": float(profile_exponent)},
    )


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


def framed(stack: xr.DataArray, device: str = "cpu", *, least: int = 2) -> tuple[float, torch.Tensor]:
    """Pixel size in µm and checked frames, (frame, y, x) in float64, of a stack of fluctuations.

    Parameters
    ----------
    stack : DataArray, (frame, y, x)
    device : str
    least : int
        Smallest size along y and x.

    Raises
    ------
    ValueError
        If the stack is none, has one frame or too few pixels, or holds a value that is not finite; the message gives
        the first such index.
    """
    if not isinstance(stack, xr.DataArray) or set(stack.dims) != {"frame", "y", "x"}:
        found = getattr(stack, "dims", type(stack).__name__)
        raise ValueError(f"stack has {found}; needed is a DataArray with dims ('frame', 'y', 'x')")
    if stack.sizes["frame"] < 2:
        raise ValueError(f"stack has {stack.sizes['frame']} frame; fluctuations need at least 2")
    if min(stack.sizes["y"], stack.sizes["x"]) < least:
        raise ValueError(f"stack is {stack.sizes['y']} × {stack.sizes['x']} pixels; needed are {least} × {least}")
    pixel_um = pixel_size_um(stack)
    values = stack.transpose("frame", "y", "x").values
    if values.dtype.kind not in "fiub":
        raise ValueError(f"stack holds {values.dtype}; needed are real numbers")
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"stack holds {values[where]} at (frame, y, x) index {where}; all values must be finite")
    return pixel_um, torch.from_numpy(values).to(device)


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


def _flattened(image, order, method, width_px):
    """Cross-cumulants with the interleaved sub-lattices brought to one level."""
    if method not in FLATTENINGS:
        raise ValueError(f"flattening={method!r} is unknown; give one of {FLATTENINGS}")
    image = image.copy()
    inner = np.abs(image[:-1, :-1])  # without the last row and column all sub-lattices have equally many points
    overall = inner.mean()
    for (row, column), (distance2, _) in _pixel_combinations(order).items():
        lattice = image[row::order, column::order]
        if method == "means":
            lattice *= _ratio(overall, inner[row::order, column::order].mean())
        elif method == "distance":
            lattice *= np.exp(4 * np.log(2) * distance2 / order / width_px**2)
    return image


def _flattened_orders(lattices, method, width_px):
    return {order: _flattened(image.values, order, method, width_px) for order, image in lattices.items()}


def _lattices(stack, optics, block_frames, device):
    """Width of the point spread function in pixels, and unflattened cross-cumulants by order."""
    pixel_um, _ = framed(stack, least=6)  # a cubic spline through order 2 needs four points
    options = {"flattening": "none", "block_frames": block_frames, "device": device}
    lattices = {order: cross_cumulant(stack, order, **options) for order in ORDERS}
    return optics.airy_fwhm_um / pixel_um, lattices


def _parameters(images, lattices, profile_exponent):
    """Brightness, on-ratio and density, arrays (y, x), from images by order."""
    if not np.isfinite(profile_exponent):
        raise ValueError(f"profile_exponent={profile_exponent!r} must be finite; 1.5 is usual")
    second, third, fourth = (_on_finest(images[order], lattices, order) for order in ORDERS)
    first_ratio = 1.5**profile_exponent * _ratio(third, second)
    second_ratio = 2**profile_exponent * _ratio(fourth, second)
    brightness = np.sqrt(np.maximum(3 * first_ratio**2 - 2 * second_ratio, 0))
    on_ratio = np.where(brightness > 0, np.clip(0.5 - 0.5 * _ratio(first_ratio, brightness), 0, 1), 0)
    density = _ratio(second, brightness**2 * on_ratio * (1 - on_ratio))
    return {"brightness": brightness, "on_ratio": on_ratio, "density": density}


def _linearised(values, order, sigma_px, iterations):
    """Deconvolved order-th root of a cumulant image, blurred to 1/order of the width of the point spread function."""
    values = np.abs(values)
    values = np.maximum(values - values.mean(), 0)
    largest = values.max()
    sharp = _deconvolved(_per_maximum(values), sigma_px * np.sqrt(order), iterations)
    root = (sharp * largest) ** (1 / order)
    root[root < order / 100 * root.max()] = 0
    return _blurred(root, sigma_px)


def _deconvolved(image, sigma_px, iterations):
    estimate = image
    for _ in range(iterations):
        estimate = estimate * _blurred(_ratio(image, _blurred(estimate, sigma_px)), sigma_px)
    return estimate


def _blurred(image, sigma_px):
    radius = int(np.ceil(3 * sigma_px))
    for axis in (0, 1):
        image = gaussian_filter1d(image, sigma_px, axis=axis, radius=radius, mode="reflect")
    return image


def _on_finest(values, lattices, order):
    """Cubic spline of an image of one order at the points of order 4; the corners of both grids coincide."""
    coarse, fine = lattices[order], lattices[4]
    return RectBivariateSpline(coarse.y, coarse.x, values)(fine.y, fine.x)


def _per_maximum(values):
    return _ratio(values, values.max())


def _ratio(a, b):
    """Quotient a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(np.shape(a), np.shape(b))), where=np.asarray(b) != 0)


def _mean_over_blocks(frames, block_frames, image_of, least=2):
    if block_frames is not None:
        block_frames = _whole("block_frames", block_frames, least=least)
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
    return [_whole("lags", lag, least=0) for lag in lags]


def _whole(name, value, *, least):
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={value!r} must be a whole number") from None
    if number < least:
        raise ValueError(f"{name}={value!r} must be at least {least}")
    return number
