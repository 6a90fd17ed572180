"""The pixel that a resolution is counted in: micrometres where an image has coordinates, pixels where it has none."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from nbsupport.assess.fidelity import image, image_pair
from nbsupport.optics import pixel_size_um


class Sampling(NamedTuple):
    """Edge of a pixel and its unit.

    Parameters
    ----------
    pixel : float
    unit : {"µm", "px"}
    """

    pixel: float
    unit: str


def sampled_image(name: str, values, smallest_px: int) -> tuple[np.ndarray, Sampling]:
    """One image and its sampling.

    Parameters
    ----------
    name : str
        What messages call it.
    values : DataArray, ndarray or Tensor, (y, x)
        A DataArray must have pixel centres in µm as coordinates.
    smallest_px : int
        Smallest side allowed.

    Returns
    -------
    tuple of ndarray, (y, x), float64, and Sampling

    Raises
    ------
    ValueError
        If it has not two axes, is too small or not finite, or if its coordinates are not those of square pixels.
    """
    array = image(name, values)
    if array.ndim != 2 or min(array.shape) < smallest_px:
        raise ValueError(f"{name} has shape {array.shape}; give (y, x) with at least {smallest_px} px on either axis")
    return array, _sampling(values)


def sampled_pair(first, second, smallest_px: int) -> tuple[np.ndarray, np.ndarray, Sampling]:
    """Two images of one grid and their sampling, which the first DataArray of the two gives.

    Parameters
    ----------
    first, second : DataArray, ndarray or Tensor of one shape, (y, x)
    smallest_px : int
        Smallest side allowed.

    Returns
    -------
    tuple of two ndarrays, (y, x), float64, and Sampling

    Raises
    ------
    ValueError
        As in `sampled_image`, or if the two do not fit together.
    """
    pair = image_pair(first, second)
    _, sampling = sampled_image("first", first if isinstance(first, xr.DataArray) else second, smallest_px)
    return *pair, sampling


def _sampling(values):
    return Sampling(pixel_size_um(values), "µm") if isinstance(values, xr.DataArray) else Sampling(1.0, "px")
