"""Volumes along their axis: stripes, and where bright borders lie."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude


def residual(truth: xr.DataArray, image: xr.DataArray, *, blur_px: float = 1.0) -> xr.DataArray:
    """What an image holds beside the truth.

    Parameters
    ----------
    truth : DataArray, (z, y, x), fluorophores per voxel
    image : DataArray, (z, y, x), on the grid of `truth` or one twice as fine in y and x
    blur_px : float
        Standard deviation, in voxels of the truth, of a Gaussian that stands for the best image of it.

    Returns
    -------
    DataArray, (z, y, x), grid of the truth
        Image less the blurred truth times the factor and plus the offset that fit it best.

    Raises
    ------
    ValueError
        If the grids do not fit.
    """
    seen = on_grid(image, truth)
    wanted = gaussian_filter(truth.values.astype(float), blur_px)
    slope, offset = np.polyfit(wanted.ravel(), seen.values.ravel(), 1)
    return seen.copy(data=seen.values - slope * wanted - offset)


def on_grid(image: xr.DataArray, truth: xr.DataArray) -> xr.DataArray:
    """Every second pixel of an image that is twice as fine as the truth; one of its own size stays as it is.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if image.shape == truth.shape:
        return image
    if image.shape[-2:] != tuple(2 * size for size in truth.shape[-2:]) or image.shape[:-2] != truth.shape[:-2]:
        raise ValueError(f"image {image.shape} is neither on the grid of truth {truth.shape} nor twice as fine")
    return image[..., ::2, ::2]


def bright_borders(truth: xr.DataArray, *, share: float = 0.2, blur_px: float = 1.5) -> xr.DataArray:
    """Where the borders of bright structure are.

    Parameters
    ----------
    truth : DataArray, (z, y, x)
    share : float, 0 to 1
        Of the voxels, those with the steepest gradients count.
    blur_px : float
        Scale of the gradient, voxels.

    Returns
    -------
    DataArray of bool, (z, y, x)
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share} must lie between 0 and 1")
    steep = gaussian_gradient_magnitude(truth.values.astype(float), blur_px)
    return truth.copy(data=steep > np.quantile(steep, 1 - share))


def stripe_anisotropy(left: xr.DataArray, *, where: xr.DataArray | None = None) -> float:
    """Stripes along the axis: variance from column to column over the variance within columns.

    Parameters
    ----------
    left : DataArray, (z, y, x)
        What is left beside the truth.
    where : DataArray of bool, (z, y, x), optional
        Voxels that count; a column (all z at one y and x) counts if half of it does.

    Returns
    -------
    float, 0 or more
        Mean over y of the variance along x of the means over z, over the mean variance along z. White noise gives one
        over the number of planes. NaN if fewer than two columns count.
    """
    values = left.transpose("z", "y", "x").values
    chosen = np.ones(values.shape[1:], bool) if where is None else where.transpose("z", "y", "x").values.mean(0) >= 0.5
    rows = [row for row in range(values.shape[1]) if chosen[row].sum() > 1]
    if not rows:
        return float("nan")
    between = np.mean([values[:, row, chosen[row]].mean(axis=0).var(ddof=1) for row in rows])
    within = np.mean([values[:, row, chosen[row]].var(axis=0, ddof=1).mean() for row in rows])
    return float(between / within) if within > 0 else float("nan")
