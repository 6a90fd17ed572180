"""SRRF and eSRRF: how well the intensity gradients around a point converge on it, frame by frame, then over time.

The frame-by-frame maps come from the compiled kernels of nanopyx, on the CPU and in float32; the steps over time are
computed here, since those of nanopyx 2.1.5 are faulty beyond order 2 (the third factor is added, not multiplied, in
order 3; order 4 subtracts products of sums).

References
----------
gustafsson2016 (SRRF), laine2023 (eSRRF), jadhav2021 (its use); nanopyx 2.1.5 (the implementation).
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import xarray as xr

from nbsupport.reconstruct.cumulants import joint_cumulant
from nbsupport.reconstruct.nanopyx_kernels import nanopyx_kernels
from nbsupport.reconstruct.stacks import framed

SRRF_TEMPORAL = ("tra", "max", "trppm", "trac2", "trac3", "trac4")
ESRRF_TEMPORAL = ("avg", "var", "tac2")
_BLOCK_VALUES = 2**21  # fine pixels per call of a kernel, which holds up to eleven arrays of that size
LARGEST_MAGNIFICATION = 40  # fine pixels of a float32 index then still resolve a field of 1000 pixels


def srrf(
    stack: xr.DataArray,
    *,
    temporal: str = "tra",
    magnification: int = 5,
    ring_radius_px: float = 0.5,
    border: int = 0,
    positivity: bool = True,
    intensity_weighting: bool = True,
    macro_pixel_correction: bool = True,
) -> xr.DataArray:
    """Image by SRRF: the radiality of every frame, brought together over time.

    Parameters
    ----------
    stack, magnification, ring_radius_px, border, positivity, intensity_weighting, macro_pixel_correction
        As for `radiality`.
    temporal : {"tra", "max", "trppm", "trac2", "trac3", "trac4"}
        Mean; maximum; mean of the products of all pairs of frames (t1 >= t0) with negative values set to 0; absolute
        value of the joint cumulant of order 2 to 4 of successive frames, moments as plain means over all runs of
        that many frames. jadhav2021 does not say which; "tra" is the package's default.

    Returns
    -------
    DataArray, (y, x), 1
        On `magnification`² points per pixel, with their centres in µm as coordinates. 0 for a uniform stack and
        within 1 + `border` pixels of the edge; never NaN. With the macro-pixel correction the level is arbitrary.

    Raises
    ------
    ValueError
        As for `radiality`, or if the stack has fewer frames than the order of a correlation.

    References
    ----------
    gustafsson2016; jadhav2021, Methods.
    """
    _one_of("temporal", temporal, SRRF_TEMPORAL)
    maps = radiality(
        stack,
        magnification=magnification,
        ring_radius_px=ring_radius_px,
        border=border,
        positivity=positivity,
        intensity_weighting=intensity_weighting,
        macro_pixel_correction=macro_pixel_correction,
    )
    return _image(maps, _over_time(maps.values, temporal), "srrf", "SRRF", temporal)


def radiality(
    stack: xr.DataArray,
    *,
    magnification: int = 5,
    ring_radius_px: float = 0.5,
    border: int = 0,
    positivity: bool = True,
    intensity_weighting: bool = True,
    macro_pixel_correction: bool = True,
) -> xr.DataArray:
    """Radiality of every frame, the spatial half of SRRF.

    Parameters
    ----------
    stack : DataArray, (frame, y, x)
        Any real type; ``y`` and ``x`` in µm. At least 4 × 4 pixels.
    magnification : int
        Fine pixels per pixel and axis.
    ring_radius_px : float
        Radius of the ring of twelve gradients, pixels; jadhav2021 uses 2.
    border : int
        Pixels at the edge, beyond the first, that are set to 0.
    positivity : bool
        Negative radiality, where gradients point outwards, becomes 0.
    intensity_weighting : bool
        Multiply by the interpolated intensity. The package takes it half a fine pixel up and to the left of the
        radiality.
    macro_pixel_correction : bool
        Divide the fine pixels at one place inside their pixels by their mean over the frame.

    Returns
    -------
    DataArray, (frame, y, x), 1 (units of the stack if weighted and not corrected), float32
        A spot at the centre of a pixel peaks at the fine points around that coordinate.

    Raises
    ------
    ValueError
        If a parameter cannot be meant, or the stack has one frame, no grid in µm, or a value that is not finite.

    References
    ----------
    gustafsson2016.
    """
    magnification = _magnification_meant(magnification)
    pixel_um, frames = framed(stack, least=4)
    if border != int(border) or not 0 <= border < (min(frames.shape[1:]) - 2) / 2:
        raise ValueError(f"border={border!r} must be a whole number of pixels that leaves some of {frames.shape[1:]}")
    _positive("ring_radius_px", ring_radius_px, min(frames.shape[1:]) / 2)
    kernels = nanopyx_kernels()
    options = magnification, ring_radius_px, int(border), positivity, intensity_weighting

    def of_frames(values):
        intensity = kernels.magnify(None, values, 0, 0, magnification, magnification)
        maps = kernels.radiality(None, values, intensity, *options)
        return kernels.macro_pixel_corrector(maps, magnification) if macro_pixel_correction else maps

    maps = _by_blocks(frames, magnification, of_frames)
    settings = {"ring_radius_px": float(ring_radius_px), "border": int(border), "positivity": positivity}
    settings |= {"intensity_weighting": intensity_weighting, "macro_pixel_correction": macro_pixel_correction}
    unit = stack.attrs.get("units", "1") if intensity_weighting and not macro_pixel_correction else "1"
    return _maps(stack, maps, pixel_um, magnification, {"units": unit, **settings})


def esrrf(
    stack: xr.DataArray,
    *,
    temporal: str = "avg",
    magnification: int = 5,
    radius_px: float = 1.5,
    sensitivity: float = 1.0,
    intensity_weighting: bool = True,
    macro_pixel_correction: bool = True,
) -> xr.DataArray:
    """Image by eSRRF: the radial gradient convergence of every frame, brought together over time.

    The package's image lies half a pixel down and to the right of the sample, because its gradients belong to the
    corners of pixels and are used as if they belonged to the centres. The coordinates returned here are corrected for
    it, to about a tenth of a pixel.

    Parameters
    ----------
    stack : DataArray, (frame, y, x)
        Any real type; ``y`` and ``x`` in µm. At least 4 × 4 pixels and wider than 2 `radius_px`.
    temporal : {"avg", "var", "tac2"}
        Mean, variance, or autocovariance at a lag of one frame (which may be negative).
    magnification : int
        Fine pixels per pixel and axis.
    radius_px : float
        Full width at half maximum of the weight of a gradient by distance, pixels.
    sensitivity : float
        Power that the convergence is raised to, at least 1.
    intensity_weighting, macro_pixel_correction : bool
        As for `radiality`, except that the correction follows the step over time.

    Returns
    -------
    DataArray, (y, x), 1
        On `magnification`² points per pixel. 0 for a uniform stack and within `radius_px` of the edge; never NaN.
        A linear ramp does not give 0, unlike in SRRF.

    Raises
    ------
    ValueError
        As for `radiality`.

    References
    ----------
    laine2023.
    """
    _one_of("temporal", temporal, ESRRF_TEMPORAL)
    magnification = _magnification_meant(magnification)
    pixel_um, frames = framed(stack, least=4)
    _positive("radius_px", radius_px, min(frames.shape[1:]) / 2)
    if not (np.isfinite(sensitivity) and sensitivity >= 1):
        raise ValueError(f"sensitivity={sensitivity!r} must be at least 1; the package ignores smaller values")
    kernels = nanopyx_kernels()

    def of_frames(values):
        intensity = kernels.magnify(None, values, 0, 0, magnification, magnification)
        gradients = kernels.roberts_cross(None, values)
        fine = [kernels.magnify(None, gradient, 0, 0, 2 * magnification, 2 * magnification) for gradient in gradients]
        options = magnification, radius_px, sensitivity, intensity_weighting, False
        return kernels.convergence(None, *fine, intensity, *options)

    maps = _by_blocks(frames, magnification, of_frames, workers=torch.get_num_threads())
    image = _over_time(maps, temporal)
    if macro_pixel_correction:
        image = kernels.macro_pixel_corrector(image[None], magnification)[0]
    settings = {"radius_px": float(radius_px), "sensitivity": float(sensitivity)}
    settings |= {"intensity_weighting": intensity_weighting, "macro_pixel_correction": macro_pixel_correction}
    maps = _maps(stack, maps, pixel_um, magnification, {"units": "1", **settings}, shift_px=-0.5)
    return _image(maps, image, "esrrf", "eSRRF", temporal)


def _by_blocks(frames, magnification, of_frames, workers=1):
    """Maps of all frames, (frame, y, x) in float32, made of a few frames at a time by some threads."""
    height, width = (size * magnification for size in frames.shape[1:])
    maps = np.empty((len(frames), height, width), np.float32)
    count = max(1, min(_BLOCK_VALUES // (height * width), -(-len(frames) // workers)))
    blocks = frames.numpy().astype(np.float32)
    blocks = [blocks[first : first + count] for first in range(0, len(frames), count)]
    with ThreadPoolExecutor(workers) as pool:
        for index, made in enumerate(pool.map(of_frames, blocks)):
            maps[index * count : index * count + len(made)] = made
    return maps


def _over_time(maps, temporal):
    """One image from maps (frame, y, x); sums in float64."""
    if temporal in ("tra", "avg"):
        return maps.mean(0, dtype=np.float64)
    if temporal == "max":
        return maps.max(0).astype(np.float64)
    if temporal == "var":
        return maps.var(0, dtype=np.float64)
    if temporal == "trppm":
        kept = np.maximum(maps, 0)
        squares = np.einsum("tyx,tyx->yx", kept, kept, dtype=np.float64)
        return (kept.sum(0, dtype=np.float64) ** 2 + squares) / (len(maps) * (len(maps) + 1))
    centred = maps - maps.mean(0, dtype=np.float64)
    if temporal == "tac2":
        return (centred[:-1] * centred[1:]).mean(0)
    order = int(temporal[-1])
    if len(maps) <= order:
        raise ValueError(f"temporal={temporal!r} needs at least {order + 1} frames; the stack has {len(maps)}")
    runs = [torch.from_numpy(centred[lag : len(maps) - order + 1 + lag]) for lag in range(order)]
    return np.abs(joint_cumulant(runs).numpy())


def _maps(stack, values, pixel_um, magnification, attrs, shift_px=0.0):
    """Maps on the fine grid, (frame, y, x); `shift_px` moves their coordinates."""
    offsets = ((np.arange(magnification) + 0.5) / magnification - 0.5 + shift_px) * pixel_um
    centres = {
        axis: (axis, (stack[axis].values[:, None] + offsets).ravel(), {"units": "µm", **stack[axis].attrs})
        for axis in ("y", "x")
    }
    attrs = {**attrs, "magnification": magnification, "pixel_um": pixel_um, "frames": stack.sizes["frame"]}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=centres, name="radiality", attrs=attrs)


def _image(maps, values, name, method, temporal):
    attrs = {**maps.attrs, "units": "1", "method": f"{method}, kernels of nanopyx", "temporal": temporal}
    coords = {axis: maps[axis] for axis in ("y", "x")}
    return xr.DataArray(values.astype(np.float64), dims=("y", "x"), coords=coords, name=name, attrs=attrs)


def _magnification_meant(magnification):
    if magnification != int(magnification) or not 1 <= magnification <= LARGEST_MAGNIFICATION:
        raise ValueError(f"magnification={magnification!r} must be a whole number from 1 to {LARGEST_MAGNIFICATION}")
    return int(magnification)


def _positive(name, value, below):
    if not 0 < value < below:
        raise ValueError(f"{name}={value!r} must be above 0 and below half the stack, {below:g} pixels")


def _one_of(name, value, known):
    if value not in known:
        raise ValueError(f"{name}={value!r} is unknown; give one of {known}")
