"""What every comparison asks of its two images: same grid, same shape, finite numbers."""

import numpy as np
import torch
import xarray as xr

from nbsupport.checks import positive


def image_pair(truth, estimate) -> tuple[np.ndarray, np.ndarray]:
    """Two images as float64 arrays of one shape.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor
        Real numbers of any type, any number of axes. Integers become float64 first, since a difference of unsigned
        integers wraps around.

    Returns
    -------
    tuple of two ndarrays, float64, of the same shape

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite or not real, an image is empty, or two DataArrays do not lie on
        the same grid.
    """
    pair = image("truth", truth), image("estimate", estimate)
    if pair[0].shape != pair[1].shape:
        raise ValueError(f"estimate has shape {pair[1].shape}, truth {pair[0].shape}; they must be the same")
    if isinstance(truth, xr.DataArray) and isinstance(estimate, xr.DataArray):
        _require_same_grid(truth, estimate)
    return pair


def image(name: str, values) -> np.ndarray:
    """One image as a float64 array.

    Parameters
    ----------
    name : str
        What messages call it.
    values : DataArray, ndarray or Tensor, real

    Returns
    -------
    ndarray, float64

    Raises
    ------
    ValueError
        If the image is empty or holds anything but finite real numbers; the message gives the first such index.
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} has type {values.dtype}; give real numbers")
    if values.size == 0:
        raise ValueError(f"{name} has shape {values.shape} and no values; give an image")
    values = values.astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} holds {values[first]} at {first} ({bad.sum()} such values); every value must be finite"
        )
    return values


def require_range(data_range: float) -> float:
    """Refuse a data range that no image can have.

    Parameters
    ----------
    data_range : float, in the unit of the images

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not one finite number above 0.
    """
    meant = "one finite number above 0, the distance from the darkest to the brightest value that the images can have"
    return positive("data_range", data_range, meant)


def _require_same_grid(truth, estimate):
    if truth.dims != estimate.dims:
        raise ValueError(f"estimate has dims {estimate.dims}, truth {truth.dims}; they must be the same")
    for dim in truth.dims:
        if dim in truth.coords and dim in estimate.coords:
            here, there = (np.asarray(array.coords[dim].values, dtype=float) for array in (truth, estimate))
            step = np.ptp(here) / max(1, here.size - 1)
            if not np.allclose(here, there, rtol=0, atol=1e-3 * step):
                raise ValueError(
                    f"coordinate {dim} of estimate starts at {there[0]:g} and ends at {there[-1]:g}, that of truth at "
                    f"{here[0]:g} and {here[-1]:g}; put both on the same grid"
                )
