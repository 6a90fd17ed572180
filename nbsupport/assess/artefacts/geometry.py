"""Where the structure is, and how bright an image is there."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import distance_transform_edt, map_coordinates
from scipy.spatial import KDTree

from nbsupport.optics import pixel_size_um
from nbsupport.simulate.structures import Sample

Truth = Sample | np.ndarray | xr.DataArray
"""A sample; positions (n, 2 or 3) in µm with columns x, y, z; or a mask (y, x), True on the structure."""


def distance_to_structure(truth: Truth, image: xr.DataArray, *, up_to_um: float = np.inf) -> xr.DataArray:
    """Distance of every pixel centre from the nearest structure, in projection along z.

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        Emitters of the sample, positions in µm (columns x, y, z; z is not used), or the pixels of `image` that hold
        structure.
    image : DataArray, (y, x), coordinates in µm
    up_to_um : float
        Larger distances are given as infinite, µm. Emitters far from a pixel need not be searched then, which makes
        this several times faster.

    Returns
    -------
    DataArray, (y, x), µm
        To the nearest emitter, or to the centre of the nearest pixel of the mask; infinite where there is no structure
        within `up_to_um`.

    Raises
    ------
    ValueError
        If the truth is none of the three, holds values that are not finite, or is a mask on another grid.
    """
    image = checked_image("image", image)
    if isinstance(truth, xr.DataArray):
        distance = _distance_to_mask(truth, image)
    else:
        points = positions_um(truth)[:, :2]
        y, x = np.meshgrid(image.y.values, image.x.values, indexing="ij")
        distance = np.full(image.shape, np.inf)
        if len(points):
            # the bound of the search is exclusive, ours is not
            distance = KDTree(points).query(np.stack([x, y], axis=-1), distance_upper_bound=up_to_um * (1 + 1e-9))[0]
    distance = np.where(distance <= up_to_um, distance, np.inf)
    return xr.DataArray(distance, dims=("y", "x"), coords={"y": image.y, "x": image.x}, attrs={"units": "um"})


def intensity_at(image: xr.DataArray, points_um: np.ndarray) -> np.ndarray:
    """Intensity of an image at points, by linear interpolation between pixel centres.

    Parameters
    ----------
    image : DataArray, (y, x), coordinates in µm
    points_um : ndarray, (..., 2 or 3), µm, columns x, y, z; z is not used.

    Returns
    -------
    ndarray, (...), in the units of the image; NaN at points beyond the outer edges of the image. In the outer half of
    a pixel along the border the value of the nearest centre line of pixels continues.
    """
    image, points_um = checked_image("image", image), np.asarray(points_um, dtype=float)
    pixel_um = pixel_size_um(image)
    index = [(points_um[..., axis] - float(image[dim][0])) / pixel_um for axis, dim in ((1, "y"), (0, "x"))]
    values = map_coordinates(image.values, index, order=1, mode="nearest")
    # a thousandth of a pixel beyond the edge is rounding
    outside = [(i < -0.501) | (i > n - 0.499) for i, n in zip(index, image.shape, strict=True)]
    return np.where(outside[0] | outside[1], np.nan, values)


def structure_level(truth: Truth, image: xr.DataArray, *, quantile: float = 0.75) -> float:
    """Brightness that well-shown structure has in an image: a quantile of the intensity over the structure.

    The maximum of a super-resolved image is one hot spot, and the median is lost with half of the structure; the upper
    quartile stands until three quarters are lost.

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        As in `distance_to_structure`.
    image : DataArray, (y, x), coordinates in µm
    quantile : float
        0 to 1.

    Returns
    -------
    float
        Quantile over the emitters inside the image (over the pixels of a mask), in units of the image; negative
        intensity counts as none. NaN if no structure lies inside the image.
    """
    values = np.maximum(on_structure(truth, image), 0.0)
    return float(np.quantile(values, quantile)) if values.size else float("nan")


def on_structure(truth: Truth, image: xr.DataArray) -> np.ndarray:
    """Intensities (n,) at the emitters that lie inside the image, or at the pixels of a mask."""
    image = checked_image("image", image)
    if isinstance(truth, xr.DataArray):
        return image.values[_checked_mask(truth, image)]
    values = intensity_at(image, positions_um(truth))
    return values[np.isfinite(values)]


def positions_um(truth: Sample | np.ndarray) -> np.ndarray:
    """Emitter positions (n, 2 or 3), µm, of a sample or of an array of positions."""
    points = truth.emitters_um if isinstance(truth, Sample) else truth
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] not in (2, 3):
        found = f"an array of shape {points.shape}" if isinstance(points, np.ndarray) else type(truth).__name__
        raise ValueError(f"truth is {found}; give a Sample, positions (n, 2 or 3) in micrometres, or a mask (y, x)")
    if not np.isfinite(points).all():
        raise ValueError(f"truth holds positions that are not finite; the first is {_first_bad(points)}")
    return points


def checked_image(name: str, image: xr.DataArray) -> xr.DataArray:
    """Refuse anything but a finite image (y, x) with square pixels in µm; integers and booleans become float64."""
    if not isinstance(image, xr.DataArray) or set(image.dims) != {"y", "x"}:
        found = f"dims {image.dims}" if isinstance(image, xr.DataArray) else type(image).__name__
        raise ValueError(f"{name} is {found}; give a DataArray (y, x) with coordinates in micrometres")
    pixel_size_um(image)
    image = image.transpose("y", "x")
    image = image if image.dtype == np.float64 else image.astype(np.float64)
    if not np.isfinite(image.values).all():
        raise ValueError(f"{name} holds values that are not finite; the first is {_first_bad(image.values)}")
    return image


def same_grid(names: str, first: xr.DataArray, second: xr.DataArray) -> None:
    """Refuse two images whose pixels do not lie on each other, to a hundredth of a pixel."""
    slack = 0.01 * pixel_size_um(first)
    same = first.shape == second.shape and all(np.allclose(first[d], second[d], rtol=0, atol=slack) for d in first.dims)
    if not same:
        raise ValueError(f"{names} lie on different grids, {first.shape} and {second.shape} pixels; interpolate one")


def positive_um(name: str, value: float) -> float:
    """Refuse a length that is not one positive number of µm, or that looks like nanometres."""
    if not np.ndim(value) == 0 or not 0 < float(value) < np.inf:
        raise ValueError(f"{name}={value!r} must be one positive number of micrometres")
    if value > 10:
        raise ValueError(f"{name}={value:g} looks like nanometres; give micrometres, {value / 1000:g}")
    return float(value)


def share(name: str, value: float) -> float:
    """Refuse a share that does not lie from 0 to 1."""
    if not np.ndim(value) == 0 or not 0 <= float(value) <= 1:
        raise ValueError(f"{name}={value!r} must be a share from 0 to 1; 10 % is 0.1")
    return float(value)


def _distance_to_mask(mask: xr.DataArray, image: xr.DataArray) -> np.ndarray:
    inside = _checked_mask(mask, image)
    if not inside.any():
        return np.full(image.shape, np.inf)
    return distance_transform_edt(~inside, sampling=pixel_size_um(image))


def _checked_mask(mask: xr.DataArray, image: xr.DataArray) -> np.ndarray:
    if mask.dtype != bool:
        raise ValueError(f"truth is an image of {mask.dtype}; a mask of the structure is bool, truth > 0 for example")
    mask = mask.transpose("y", "x")
    same_grid("truth and image", mask, image)
    return mask.values


def _first_bad(values: np.ndarray) -> str:
    bad = np.argwhere(~np.isfinite(values))[0]
    return f"{values[tuple(bad)]} at {bad.tolist()}"
