"""Tables of blinks in files: Zarr, and those of picasso and ThunderSTORM."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import yaml

from nbsupport.optics import require_pixel_um
from nbsupport.simulate.blinks import field_of, point_cloud
from nbsupport.simulate.blinks.clouds import Field

_THUNDERSTORM = {
    "frame": "frame",
    "intensity": "photons",
    "sigma": "sigma_um",
    "offset": "background",
    "bkgstd": "background_sd",
    "uncertainty": "uncertainty_um",
    "uncertainty_xy": "uncertainty_um",
}
_TO_UM = {"nm": 1e-3, "um": 1.0, "µm": 1.0}


def write_cloud(cloud: xr.Dataset, path: Path) -> None:
    """Write a cloud as a Zarr table, replacing what is there."""
    field_of(cloud)
    cloud.to_zarr(path, mode="w", zarr_format=3, consolidated=False)


def read_cloud(path: Path) -> xr.Dataset:
    """Read a cloud that `write_cloud` wrote.

    Raises
    ------
    ValueError
        If there is a Zarr table at `path` but it is no cloud.
    """
    cloud = xr.open_zarr(path, zarr_format=3, consolidated=False, chunks=None).load()
    field_of(cloud)
    return cloud


def read_picasso(path: Path, *, pixel_um: float | None = None, field_um: Field | None = None) -> xr.Dataset:
    """Read a table of picasso: HDF5 with the dataset ``locs``, and a YAML of the same name beside it.

    Parameters
    ----------
    path : Path
        The HDF5 file. Its ``x`` and ``y`` are in camera pixels, 0 at the centre of the first one.
    pixel_um : float, optional
        Camera pixel in the sample, µm; by default ``Pixelsize`` of the YAML, which is in nanometres.
    field_um : ((y0, y1), (x0, x1)), µm, optional
        Field of view; by default the whole camera, ``Height`` and ``Width`` of the YAML.

    Returns
    -------
    Dataset of `point_cloud`
        Lengths in µm from the corner of the first pixel; ``lpx`` and ``lpy`` become ``uncertainty_x_um`` and
        ``uncertainty_y_um``, ``sx`` and ``sy`` become ``sigma_x_um`` and ``sigma_y_um``, all else keeps its name.
        Blinks outside the field are left out.

    Raises
    ------
    ValueError
        If there is no table, or neither the YAML nor the call gives pixel size and field.
    """
    import h5py  # here alone: no other file of the study is HDF5

    with h5py.File(path) as file:
        if "locs" not in file:
            raise ValueError(f"path={Path(path).name!r} holds {sorted(file)}; a table of picasso has 'locs'")
        table = file["locs"][:]
    beside = Path(path).with_suffix(".yaml")
    notes: dict = {}
    if beside.exists():
        for part in yaml.safe_load_all(beside.read_text(encoding="utf-8")):
            notes = {**(part or {}), **notes}
    missing = [key for key, given in (("Pixelsize", pixel_um), ("Height", field_um)) if not given and key not in notes]
    if missing:
        raise ValueError(f"{beside.name} does not give {' and '.join(missing)}; pass pixel_um and field_um")
    pixel_um = require_pixel_um("pixel_um", pixel_um or notes["Pixelsize"] / 1000)
    field_um = field_um or ((0.0, notes["Height"] * pixel_um), (0.0, notes["Width"] * pixel_um))
    lengths = {"lpx": "uncertainty_x_um", "lpy": "uncertainty_y_um", "sx": "sigma_x_um", "sy": "sigma_y_um"}
    columns = {
        lengths.get(name, name): table[name] * (pixel_um if name in lengths else 1)
        for name in table.dtype.names
        if name not in ("x", "y")
    }
    return _inside(*((table[dim].astype(float) + 0.5) * pixel_um for dim in "yx"), field_um=field_um, columns=columns)


def read_thunderstorm(path: Path, *, field_um: Field) -> xr.Dataset:
    """Read a table of ThunderSTORM: CSV with headings such as ``"x [nm]"``.

    Parameters
    ----------
    path : Path
    field_um : ((y0, y1), (x0, x1)), µm
        Field of view; the file does not hold it.

    Returns
    -------
    Dataset of `point_cloud`
        Lengths in µm. ``frame``, ``photons`` (of ``intensity``), ``sigma_um``, ``background`` (``offset``),
        ``background_sd`` and ``uncertainty_um`` where the file has them; ``frame`` counts from 0, the file's from 1.
        Blinks outside the field are left out.

    Raises
    ------
    ValueError
        If the file lacks x or y, or gives them in pixels.
    """
    table = pd.read_csv(path)
    found = {}
    for heading in table.columns:
        name, unit = re.fullmatch(r"\s*(\w+)\s*(?:\[(.*)\])?\s*", heading).groups()
        found[name.lower()] = (table[heading].to_numpy(), unit)
    for dim in ("y", "x"):
        if dim not in found or found[dim][1] not in _TO_UM:
            unit = f"unit {found[dim][1]!r}" if dim in found else "no such column"
            raise ValueError(f"path={Path(path).name!r}: {dim} has {unit}; needed is a column {dim} [nm] or [um]")
    columns = {
        _THUNDERSTORM[name]: values * _TO_UM[unit] if unit in _TO_UM else values
        for name, (values, unit) in found.items()
        if name in _THUNDERSTORM
    }
    if "frame" in columns:
        columns["frame"] = columns["frame"].astype(np.int64) - 1
    return _inside(*(found[dim][0] * _TO_UM[found[dim][1]] for dim in "yx"), field_um=field_um, columns=columns)


def _inside(y_um, x_um, *, field_um, columns) -> xr.Dataset:
    (y0, y1), (x0, x1) = field_um
    kept = (y_um >= y0) & (y_um < y1) & (x_um >= x0) & (x_um < x1)
    return point_cloud(
        y_um[kept], x_um[kept], field_um=field_um, **{name: values[kept] for name, values in columns.items()}
    )
