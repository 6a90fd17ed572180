"""MUSICAL, the multiple signal classification algorithm, for stacks of fluctuating fluorescence.

A window slides over the stack one raw pixel at a time. The eigenimages of each window are split into a signal and a
noise subspace, and every test point of a finer grid is asked how much of the image that an emitter would have there
lies in the one and in the other. `musical` makes the image; `singular_values` and `signal_dimension` show the
decision that was taken in each window.

References
----------
agarwal2016 (the algorithm), acuna2020 (soft thresholds), jadhav2021 (its use for training pairs).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
import xarray as xr

from nbsupport.checks import nearest, whole_number
from nbsupport.optics import Optics
from nbsupport.reconstruct.eigenimages import (
    NOISE_FLOOR,
    SoftThreshold,
    airy_dictionary,
    dictionary,
    fine_offsets,
    hard_dimension,
    stitched_indicator,
)
from nbsupport.reconstruct.musical_options import described, device_meant, odd_window, threshold_meant
from nbsupport.reconstruct.stacks import framed
from nbsupport.reconstruct.windows import over_tiles, weighted_windows

EDGES = ("zero", "interior")
LARGEST_ALPHA = 50.0  # NOISE_FLOOR^(-alpha/2) must fit a float64


def musical(
    stack: xr.DataArray,
    optics: Optics,
    *,
    alpha: float = 4.0,
    subpixels: int = 10,
    threshold: float | str | SoftThreshold = -1.0,
    edges: str = "zero",
    window_px: int | None = None,
    device: str = "cpu",
    progress: Callable[[float], None] | None = None,
) -> xr.DataArray:
    """MUSICAL image of a stack.

    The stack is divided by its largest value; nothing is subtracted. One hot pixel therefore rescales every singular
    value, and with it the meaning of `threshold`. All computation is in float64.

    Parameters
    ----------
    stack : DataArray, (frame, y, x)
        Any real type; ``y`` and ``x`` in µm. Negative values are allowed if the largest is positive.
    optics : Optics
        Numerical aperture and emission wavelength of the in-focus Airy pattern that an emitter is expected to have.
    alpha : float
        Contrast: the indicator is (PS/PN)^(alpha/2). Above 0, at most 50.
    subpixels : int
        Test points per raw pixel and axis.
    threshold : float, "soft" or SoftThreshold
        log10(σ0). The first singular value below σ0 still counts as signal; if that leaves no noise subspace the signal
        subspace has window² − 3 dimensions. "soft" means ``SoftThreshold()``.
    edges : {"zero", "interior"}
        "zero" surrounds the stack with half a window of zeros and puts a window on every raw pixel; "interior" uses
        only windows that lie inside the stack. The image covers the whole stack either way, since interior windows
        reach its edge; there fewer windows are averaged.
    window_px : int, optional
        Edge of the sliding window in raw pixels, odd and at least 3; by default `window_size`, the Airy disc.
    device : str
        Where torch computes, "cpu" or "cuda".
    progress : callable, optional
        Called with the finished fraction, last with 1.0.

    Returns
    -------
    DataArray, (y, x), 1
        Indicator on a grid of `subpixels`² points per raw pixel, with their centres in µm as coordinates; plain mean
        over the windows that cover a point. Never NaN: a window without signal contributes 0, and PN is at least
        1e-12 |g|². The attributes hold every parameter.

    Raises
    ------
    ValueError
        If a parameter cannot be meant, or the stack has one frame, is smaller than the window, or holds NaN, an
        infinity or nothing positive.

    Notes
    -----
    Singular values that are zero (fewer frames than window pixels, a window without light) span no signal, even if
    the counting rule reaches them: their eigenimages are arbitrary.

    References
    ----------
    agarwal2016; jadhav2021, Methods.
    """
    if not 0 < alpha <= LARGEST_ALPHA:
        raise ValueError(f"alpha={alpha!r} must lie above 0 and not above {LARGEST_ALPHA:g}; 4 is usual")
    subpixels = whole_number("subpixels", subpixels, least=1)
    threshold = threshold_meant(threshold)
    pixel_um, window_px, pixels = _pixels(stack, optics, edges, window_px, device)
    vectors = dictionary(optics, pixel_um, window_px, subpixels, pixels.device)
    image = stitched_indicator(pixels, vectors, threshold, alpha, progress or _silent)
    crop = window_px // 2 * subpixels if edges == "zero" else 0
    image = image[crop : image.shape[0] - crop, crop : image.shape[1] - crop]
    return xr.DataArray(
        image.cpu().numpy(),
        dims=("y", "x"),
        coords={axis: _fine_centres(stack[axis], pixel_um, subpixels) for axis in ("y", "x")},
        name="musical",
        attrs={
            "units": "1",
            "long_name": "MUSICAL indicator",
            **described(threshold),
            "alpha": float(alpha),
            "subpixels": subpixels,
            "edges": edges,
            "window_px": window_px,
            "pixel_um": pixel_um,
            "frames": pixels.shape[-1],
            "numerical_aperture": float(optics.numerical_aperture),
            "wavelength_um": float(optics.wavelength_um),
            "noise_floor": NOISE_FLOOR,
        },
    )


def singular_values(
    stack: xr.DataArray,
    optics: Optics,
    *,
    edges: str = "zero",
    window_px: int | None = None,
    device: str = "cpu",
    progress: Callable[[float], None] | None = None,
) -> xr.DataArray:
    """Singular values of every weighted window, the numbers that a MUSICAL threshold is compared with.

    Parameters
    ----------
    stack, optics, edges, window_px, device, progress
        As for `musical`.

    Returns
    -------
    DataArray, (y, x, index), 1
        Descending along ``index``, window² of them, 0 where there are fewer frames; ``y`` and ``x`` are the window
        centres, which for "interior" begin half a window inside the stack.

    Raises
    ------
    ValueError
        As for `musical`.
    """
    pixel_um, window_px, pixels = _pixels(stack, optics, edges, window_px, device)
    rows, columns = (size - window_px + 1 for size in pixels.shape[:2])
    frames = pixels.shape[-1]
    values = np.zeros((rows, columns, window_px**2))

    def of_tile(tile):
        return torch.linalg.svdvals(weighted_windows(pixels, window_px, tile)).cpu()

    floats = 3 * window_px**2 * frames
    for tile, found in over_tiles(of_tile, rows, columns, floats, pixels.device, progress or _silent):
        top, left, height, width = tile
        values[top : top + height, left : left + width, : found.shape[-1]] = found.view(height, width, -1)
    inset = window_px // 2 if edges == "interior" else 0
    return xr.DataArray(
        values,
        dims=("y", "x", "index"),
        coords={
            "y": stack["y"].values[inset : inset + rows],
            "x": stack["x"].values[inset : inset + columns],
            "index": np.arange(window_px**2),
        },
        name="singular_value",
        attrs={"units": "1", "edges": edges, "window_px": window_px, "pixel_um": pixel_um, "frames": frames},
    )


def signal_dimension(values: xr.DataArray, threshold: float = -1.0) -> xr.DataArray:
    """Dimension of the signal subspace of every window under a hard threshold.

    Parameters
    ----------
    values : DataArray, (y, x, index), 1
        From `singular_values`.
    threshold : float
        log10(σ0).

    Returns
    -------
    DataArray, (y, x), int
        Number of eigenimages counted as signal, the first one below σ0 among them.
    """
    threshold = float(threshold)
    dimension = hard_dimension(torch.from_numpy(values.transpose("y", "x", "index").values), threshold)
    attrs = {**values.attrs, "log10_sigma0": threshold}
    coords = {axis: values[axis] for axis in ("y", "x")}
    return xr.DataArray(dimension.numpy(), dims=("y", "x"), coords=coords, name="signal_dimension", attrs=attrs)


def window_size(optics: Optics, pixel_um: float) -> int:
    """Edge of the sliding window in raw pixels: 1 + 2 floor(0.61 λ / (NA pixel)), the Airy disc.

    Raises
    ------
    ValueError
        If the pixel is not positive, or so wide that the window would be a single pixel.
    """
    if not pixel_um > 0:
        raise ValueError(f"pixel_um={pixel_um!r} must be positive")
    radius_px = 0.61 * optics.wavelength_um / (optics.numerical_aperture * pixel_um)
    half = math.floor(radius_px + 1e-9)  # a radius of whole pixels must survive the rounding of the pixel size
    if half < 1:
        raise ValueError(f"pixel_um={pixel_um:g} is wider than the Airy radius, {radius_px * pixel_um:.3g} µm")
    return 1 + 2 * half


def test_vectors(optics: Optics, pixel_um: float, window_px: int, subpixels: int) -> torch.Tensor:
    """Dictionary G: what each pixel of the window sees of an emitter at each test point, (J1(u)/u)².

    Parameters
    ----------
    optics : Optics
    pixel_um : float
        Raw pixel, µm.
    window_px, subpixels : int

    Returns
    -------
    Tensor, (window², (window · subpixels)²), 1
        Neither normalised nor weighted; pixels and test points in row-major order, both ascending; 0.25 where an
        emitter sits on a pixel centre.
    """
    subpixels = whole_number("subpixels", subpixels, least=1)
    return airy_dictionary(optics, pixel_um, window_px, fine_offsets(window_px, subpixels) * pixel_um)


def _pixels(stack, optics, edges, window_px, device):
    """Pixel size, window size and the checked stack (y, x, frame) over its maximum, padded as `edges` says."""
    if edges not in EDGES:
        raise ValueError(f"edges={edges!r} is unknown{nearest(edges, EDGES)}")
    pixel_um, frames = framed(stack, device_meant(device))
    window_px = window_size(optics, pixel_um) if window_px is None else odd_window(window_px)
    height, width = frames.shape[1:]
    if min(height, width) < window_px:
        size = f"{height} × {width} pixels"
        raise ValueError(f"stack is {size}, smaller than the window of {window_px} × {window_px}")
    largest = float(frames.max())
    if largest <= 0:
        raise ValueError(f"stack has no positive value (largest {largest:g}); it is divided by its maximum")
    half = window_px // 2 if edges == "zero" else 0
    pixels = torch.nn.functional.pad(frames.permute(1, 2, 0) / largest, (0, 0) + (half,) * 4)
    return pixel_um, window_px, pixels.contiguous()


def _silent(fraction):
    pass


def _fine_centres(centres, pixel_um, subpixels):
    """Centres of the sub-pixels along one axis, µm."""
    offsets = ((np.arange(subpixels) + 0.5) / subpixels - 0.5) * pixel_um
    values = (centres.values[:, None] + offsets).ravel()
    return xr.DataArray(values, dims=centres.dims, attrs={"units": "µm", **centres.attrs})
