"""Blinks on a grid: counts, without any blur."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.optics import require_pixel_um
from nbsupport.simulate.blinks import field_of


def render(cloud: xr.Dataset, *, pixel_um: float = 0.01) -> xr.DataArray:
    """Count the blinks in every pixel.

    Pixel i holds the positions from ``i * pixel_um`` up to but not including ``(i + 1) * pixel_um`` above the lower
    edge of the field, so that every blink goes to the pixel whose centre is nearest.

    Parameters
    ----------
    cloud : Dataset of `point_cloud`
    pixel_um : float
        Edge of a pixel, µm. A field that is no whole number of pixels wide is continued at its upper edges.

    Returns
    -------
    DataArray, (y, x), int64, blinks per pixel
        Coordinates are pixel centres, µm; the sum is the number of blinks.

    Raises
    ------
    ValueError
        If the pixel size cannot be micrometres.

    References
    ----------
    lefebvre2020, section 2.4. Programs that round positions instead of cutting off fractions lie half a pixel apart.
    """
    pixel_um = require_pixel_um("pixel_um", pixel_um)
    field = field_of(cloud)
    shape = tuple(int(np.ceil(round((high - low) / pixel_um, 9))) for low, high in field)
    cells = [
        np.minimum(((cloud[dim].values - low) / pixel_um).astype(np.int64), size - 1)
        for dim, (low, _), size in zip(("y", "x"), field, shape, strict=True)
    ]
    counts = np.bincount(cells[0] * shape[1] + cells[1], minlength=shape[0] * shape[1]).reshape(shape)
    centres = {
        dim: low + (np.arange(size) + 0.5) * pixel_um
        for dim, (low, _), size in zip(("y", "x"), field, shape, strict=True)
    }
    return xr.DataArray(counts, dims=("y", "x"), coords=centres, attrs={"units": "blinks per pixel"})
