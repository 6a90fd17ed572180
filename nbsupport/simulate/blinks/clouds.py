"""A point cloud: the blinks of one field of view as a table, simulated or localised."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.checks import finite_array

Field = tuple[tuple[float, float], tuple[float, float]]
"""Lower and upper edge along y, then along x, µm."""

_WIDEST_UM = 1000.0


def point_cloud(y_um, x_um, *, field_um: Field, **columns) -> xr.Dataset:
    """Table of blinks in a field of view.

    Parameters
    ----------
    y_um, x_um : array_like, (blink,), µm
        Positions inside the field; a blink on its upper edge is outside.
    field_um : ((y0, y1), (x0, x1)), µm
        The field of view; empty parts of it are data too, so it is never taken from the blinks.
    **columns : array_like, (blink,)
        What else is known of each blink: ``frame``, ``photons``, ``uncertainty_um`` and so on.

    Returns
    -------
    Dataset over "blink" with ``y``, ``x`` and the columns; ``attrs["field_um"]`` holds the field.

    Raises
    ------
    ValueError
        If lengths differ, a position is not finite or outside the field, or the field cannot be in micrometres.
    """
    field = _checked_field(field_um)
    positions = {"y": finite_array("y_um", y_um), "x": finite_array("x_um", x_um)}
    table = {**positions, **{name: np.asarray(values) for name, values in columns.items()}}
    shapes = {name: values.shape for name, values in table.items()}
    if positions["y"].ndim != 1 or len(set(shapes.values())) != 1:
        raise ValueError(f"columns of a cloud need one common length (blink,); their shapes are {shapes}")
    for (name, values), (low, high) in zip(positions.items(), field, strict=True):
        outside = (values < low) | (values >= high)
        if outside.any():
            raise ValueError(
                f"{name}_um={values[outside][0]:g} lies outside field_um={field}; "
                "drop such blinks first, or give the field in the unit of the positions, micrometres"
            )
    units = {"y": "µm", "x": "µm"}
    variables = {
        name: ("blink", values, {"units": units[name]} if name in units else {}) for name, values in table.items()
    }
    return xr.Dataset(variables, attrs={"field_um": field})


def field_of(cloud: xr.Dataset) -> Field:
    """Field of view of a cloud, ((y0, y1), (x0, x1)) in µm."""
    if not isinstance(cloud, xr.Dataset) or "field_um" not in cloud.attrs:
        raise ValueError(f"cloud is {type(cloud).__name__}; give the Dataset of point_cloud, which knows its field_um")
    return tuple(tuple(float(edge) for edge in edges) for edges in cloud.attrs["field_um"])


def density_per_um2(cloud: xr.Dataset) -> float:
    """Blinks per µm², averaged over the whole field of view."""
    (y0, y1), (x0, x1) = field_of(cloud)
    return cloud.sizes["blink"] / ((y1 - y0) * (x1 - x0))


def _checked_field(field_um) -> list[list[float]]:
    field = np.asarray(field_um, dtype=float)
    if field.shape != (2, 2) or not np.isfinite(field).all() or not np.all(field[:, 1] > field[:, 0]):
        raise ValueError(f"field_um={field_um!r} must be ((y0, y1), (x0, x1)), finite and increasing, in micrometres")
    if np.ptp(field, axis=1).max() > _WIDEST_UM:
        raise ValueError(f"field_um={field_um!r} is more than a millimetre wide; give micrometres, not nanometres")
    return field.tolist()
