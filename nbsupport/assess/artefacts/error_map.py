"""SQUIRREL: does a super-resolved image, blurred, explain the wide-field image of the same sample?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.optimize import minimize_scalar

from nbsupport.assess.fidelity import image
from nbsupport.optics import pixel_size_um

from .geometry import checked_image

VARIANTS = ("nanoj", "nanopyx")


class Squirrel(NamedTuple):
    """Result of `squirrel`."""

    error_map: xr.DataArray | np.ndarray  # (y, x) like the estimate, in units of the reference, 0 or more
    rse: float  # resolution-scaled error, in units of the reference, 0 or more
    rsp: float  # resolution-scaled Pearson correlation, -1 to 1
    alpha: float  # units of the reference per unit of the estimate
    beta: float  # units of the reference
    sigma_px: float  # standard deviation of the blur, pixels of the estimate


def squirrel(
    reference: xr.DataArray | np.ndarray,
    estimate: xr.DataArray | np.ndarray,
    *,
    variant: str = "nanoj",
    sigma_range_px: tuple[float, float] = (0.5, 10.0),
) -> Squirrel:
    """Error map, RSE and RSP of a super-resolved image against a diffraction-limited reference.

    Finds alpha, beta and sigma that make ``blur(alpha * estimate + beta, sigma)`` most like the reference in the mean
    square, where blur is a Gaussian continued by reflection at the borders. For each sigma, alpha and beta follow from
    a linear regression; sigma is searched on a grid and then refined.

    Parameters
    ----------
    reference : DataArray or ndarray, (y, x)
        The wide-field image; coordinates in µm.
    estimate : DataArray or ndarray, (y, x)
        The super-resolved image of the same field; its pixels divide those of the reference by a whole number. The
        two must be registered; nothing is shifted here. Arrays without coordinates are taken to be one field.
    variant : {"nanoj", "nanopyx"}
        "nanoj" compares at the size of the reference: the blurred estimate is averaged over the pixels of the
        reference. Its map, at the size of the estimate, is against the reference interpolated by cubic splines.
        "nanopyx" compares at the size of the estimate, with the reference magnified by zeros around its spectrum, its
        range restored, and its pixel centres laid on every m-th fine pixel (half a coarse pixel less half a fine one
        off its true place, which widens sigma). For images of one size the two are the same.
    sigma_range_px : (float, float)
        Bounds of sigma in pixels of the reference.

    Returns
    -------
    Squirrel
        RSE is the root mean square of the difference, RSP the Pearson correlation. Scaling the estimate or adding an
        offset changes neither; scaling the reference scales the RSE. A constant estimate has an RSP of 0 (beside an
        RSE that may look small): read the two together.

    Raises
    ------
    ValueError
        If there is no such variant, the fields differ, or the reference is constant.

    Notes
    -----
    The numbers of the two variants are not comparable where the sizes differ: name the variant with the number. What
    blurring removes, such as a hallucinated split of one filament into two, SQUIRREL cannot see.

    References
    ----------
    culley2018; saraiva2025 (nanopyx).
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant={variant!r} is not known; there are {' and '.join(map(repr, VARIANTS))}")
    if isinstance(reference, xr.DataArray) and isinstance(estimate, xr.DataArray):
        reference, estimate = checked_image("reference", reference), checked_image("estimate", estimate)
        _require_same_field(reference, estimate)
    wide, fine = image("reference", reference), image("estimate", estimate)
    times = _magnification(wide.shape, fine.shape)
    if np.ptp(wide) == 0:
        raise ValueError("reference is constant; there is nothing to explain")
    magnified = _fourier_magnified(wide, times) if variant == "nanopyx" else _spline_magnified(wide, times)
    target, bin_px = (magnified, 1) if variant == "nanopyx" else (wide, times)

    def mean_square(sigma_px):
        return _fit(_binned(gaussian_filter(fine, sigma_px), bin_px), target)[0]

    sigma_px = _minimum(mean_square, *(bound * times for bound in _bounds(sigma_range_px)))
    blurred = gaussian_filter(fine, sigma_px)
    square, alpha, beta, rsp = _fit(_binned(blurred, bin_px), target)
    errors = np.abs(alpha * blurred + beta - magnified)
    if isinstance(estimate, xr.DataArray):
        errors = xr.DataArray(errors, coords=estimate.coords, dims=estimate.dims, attrs={"variant": variant})
    return Squirrel(errors, float(np.sqrt(square)), float(rsp), alpha, beta, sigma_px)


def _magnification(coarse: tuple[int, ...], fine: tuple[int, ...]) -> int:
    """Pixels of the estimate per pixel of the reference and axis."""
    times = fine[0] // coarse[0] if len(coarse) == len(fine) == 2 else 0
    if times < 1 or fine != (coarse[0] * times, coarse[1] * times):
        raise ValueError(f"estimate has shape {fine}, which is not a whole multiple of that of reference, {coarse}")
    return times


def _require_same_field(reference: xr.DataArray, estimate: xr.DataArray) -> None:
    fine = pixel_size_um(estimate)
    edges = [
        [float(a[d][end] + sign * pixel_size_um(a) / 2) for d in ("y", "x") for end, sign in ((0, -1), (-1, 1))]
        for a in (reference, estimate)
    ]
    if not np.allclose(*edges, rtol=0, atol=0.02 * fine):
        raise ValueError(
            f"reference and estimate cover different fields, edges (y, y, x, x) at {np.round(edges[0], 4).tolist()} "
            f"and {np.round(edges[1], 4).tolist()} micrometres; crop or register them"
        )


def _bounds(sigma_range_px: tuple[float, float]) -> tuple[float, float]:
    low, high = sigma_range_px
    if not 0 < low < high < np.inf:
        raise ValueError(f"sigma_range_px={sigma_range_px!r} must be two rising positive numbers of reference pixels")
    return low, high


def _minimum(function, low: float, high: float) -> float:
    """Minimum of a function of one positive number: a geometric grid against side minima, then a bounded search."""
    grid = np.geomspace(low, high, 17)
    best = int(np.argmin([function(sigma) for sigma in grid]))
    bracket = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(minimize_scalar(function, bounds=bracket, method="bounded", options={"xatol": 1e-7}).x)


def _fit(explaining: np.ndarray, target: np.ndarray) -> tuple[float, float, float, float]:
    """Mean square residual, slope, intercept and correlation of the regression of `target` on `explaining`."""
    x, y = explaining - explaining.mean(), target - target.mean()
    xx, xy, yy = np.mean(x * x), np.mean(x * y), np.mean(y * y)
    # what is left of a constant image after its mean is rounding
    slope = xy / xx if xx > 1e-24 * np.mean(explaining**2) else 0.0
    correlation = xy / np.sqrt(xx * yy) if slope else 0.0
    return np.mean((slope * x - y) ** 2), float(slope), float(target.mean() - slope * explaining.mean()), correlation


def _binned(image: np.ndarray, size: int) -> np.ndarray:
    rows, columns = (n // size for n in image.shape)
    return image.reshape(rows, size, columns, size).mean(axis=(1, 3))


def _spline_magnified(image: np.ndarray, times: int) -> np.ndarray:
    if times == 1:
        return image
    places = [(np.arange(n * times) + 0.5) / times - 0.5 for n in image.shape]
    return map_coordinates(image, np.meshgrid(*places, indexing="ij"), order=3, mode="reflect")


def _fourier_magnified(image: np.ndarray, times: int) -> np.ndarray:
    """Magnify as nanopyx does: reflect up to a square of a power of two, zeros round the spectrum, range restored."""
    if times == 1:
        return image
    side = 2 ** int(np.ceil(np.log2(max(image.shape))))
    before = [(side - n) // 2 for n in image.shape]
    padding = [(b, side - n - b) for b, n in zip(before, image.shape, strict=True)]
    spectrum = np.fft.fftshift(np.fft.fft2(np.pad(image, padding, mode="symmetric")))
    border = (side * times - side) // 2
    fine = np.fft.ifft2(np.fft.ifftshift(np.pad(spectrum, (border, side * times - side - border)))).real
    fine = (fine - fine.min()) * np.ptp(image) / np.ptp(fine) + image.min()
    return fine[tuple(slice(b * times, (b + n) * times) for b, n in zip(before, image.shape, strict=True))]
