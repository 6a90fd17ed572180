"""Raw frames of structured illumination in TIFF files, in the page orders that programs of the field use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
import xarray as xr

from nbsupport.checks import positive, whole_number
from nbsupport.optics import pixel_size_um, require_pixel_um

from .parameters import SimError

ORDERS = {
    "OMX": ("angle", "z", "phase"),
    "PAZ": ("z", "angle", "phase"),
    "CZXY": ("angle", "phase", "z"),
}
"""Order of the pages, slowest first. CZXY is a file of four axes whose channel is angle × phases + phase."""

_PHASES = {9: 3, 15: 5}
_MICROMETRES = ("um", "µm", "μm", "micron", "microns", "micrometer", "\\u00B5m")


def arranged(pages: np.ndarray, order: str, *, angles: int = 3, phases: int | None = None) -> np.ndarray:
    """Pages of a file as (angle, phase, z, y, x).

    Parameters
    ----------
    pages : ndarray, (page, y, x), or (channel, z, y, x) for CZXY
    order : {"OMX", "PAZ", "CZXY"}
    angles : int
    phases : int, optional
        By default 3 for 9 pages or channels and 5 for 15.

    Returns
    -------
    ndarray, (angle, phase, z, y, x)

    Raises
    ------
    SimError
        If the order is unknown, or the pages do not make whole planes.

    References
    ----------
    hughes2024, section 2.3.
    """
    if order not in ORDERS:
        raise SimError(f"order={order!r} is unknown; give one of {', '.join(ORDERS)}")
    pages = np.asarray(pages)
    if pages.ndim == 2:
        pages = pages[None]
    if pages.ndim not in (3, 4) or (pages.ndim == 4 and order != "CZXY"):
        raise SimError(f"the file holds {pages.shape}; needed are pages (page, y, x), or (channel, z, y, x) for CZXY")
    frames = pages.shape[0]
    if phases is None:
        if frames not in _PHASES or angles != 3:
            raise SimError(f"{frames} pages: give the number of phases per angle")
        phases = _PHASES[frames]
    per_plane = whole_number("angles", angles, least=1) * whole_number("phases", phases, least=1)
    missing = -frames % per_plane
    if missing or (pages.ndim == 4 and frames != per_plane):
        raise SimError(
            f"{frames} frames do not make whole planes of {angles} angles × {phases} phases; "
            f"{missing or abs(per_plane - frames)} missing or too many"
        )
    planes = pages.shape[1] if pages.ndim == 4 else frames // per_plane
    sizes = {"angle": angles, "phase": phases, "z": planes}
    stored = pages.reshape(*(sizes[dim] for dim in ORDERS[order]), *pages.shape[-2:])
    return np.moveaxis(stored, [ORDERS[order].index(dim) for dim in ("angle", "phase", "z")], [0, 1, 2])


def paged(frames: np.ndarray, order: str) -> np.ndarray:
    """Undo `arranged`: frames (angle, phase, z, y, x) as pages, or as (channel, z, y, x) for CZXY."""
    if order not in ORDERS:
        raise SimError(f"order={order!r} is unknown; give one of {', '.join(ORDERS)}")
    stored = np.moveaxis(frames, [0, 1, 2], [ORDERS[order].index(dim) for dim in ("angle", "phase", "z")])
    if order == "CZXY":
        return stored.reshape(-1, *stored.shape[2:])
    return stored.reshape(-1, *stored.shape[3:])


def read_raw(
    path: Path,
    *,
    pixel_um: float,
    order: str = "OMX",
    angles: int = 3,
    phases: int | None = None,
    z_um: float | None = None,
) -> xr.DataArray:
    """Read raw frames from a TIFF.

    Parameters
    ----------
    path : Path
    pixel_um : float
        Pixel size, µm; a file that states another one is refused.
    order : {"OMX", "PAZ", "CZXY"}
    angles, phases : int
        As in `arranged`.
    z_um : float, optional
        Distance of the focal planes, µm; by default what the file states, or 1 without a coordinate in µm.

    Returns
    -------
    DataArray, ("angle", "phase", "y", "x"), and "z" before "y" where there are several planes

    Raises
    ------
    SimError
        If the file holds no grey frames, not whole planes, or another calibration.
    """
    require_pixel_um("pixel_um", pixel_um)
    try:
        with tifffile.TiffFile(path) as tiff:
            if len(tiff.series) != 1 or "S" in tiff.series[0].axes:
                raise SimError(f"{Path(path).name} does not hold one series of grey frames")
            values = tiff.series[0].asarray()
            stated = _calibration(tiff)
    except tifffile.TiffFileError as error:
        raise SimError(f"{Path(path).name} is no TIFF: {error}") from None
    if stated["pixel_um"] and abs(stated["pixel_um"] - pixel_um) > 0.01 * pixel_um:
        raise SimError(f"pixel_um={pixel_um:g} contradicts {Path(path).name}, which states {stated['pixel_um']:.4g} µm")
    if values.ndim > 3 and order != "CZXY":
        values = values.reshape(-1, *values.shape[-2:])
    frames = arranged(values.astype(values.dtype.newbyteorder("="), copy=False), order, angles=angles, phases=phases)
    raw = xr.DataArray(frames, dims=("angle", "phase", "z", "y", "x"), attrs={"units": "ADU"})
    for dim in ("y", "x"):
        raw[dim] = (dim, (np.arange(raw.sizes[dim]) + 0.5) * pixel_um, {"units": "µm"})
    if raw.sizes["z"] == 1:
        return raw.isel(z=0)
    step = positive("z_um", z_um, "a positive number of micrometres") if z_um is not None else stated["z_um"]
    return raw.assign_coords(z=("z", np.arange(raw.sizes["z"]) * (step or 1.0), {"units": "µm"} if step else {}))


def _calibration(tiff):
    """Pixel size and distance of planes in µm of an ImageJ file; None where the file does not state them."""
    found = {"pixel_um": None, "z_um": None}
    metadata = tiff.imagej_metadata if tiff.is_imagej else {}
    if metadata.get("unit") not in _MICROMETRES or "XResolution" not in tiff.pages.first.tags:
        return found
    above, below = tiff.pages.first.tags["XResolution"].value
    return {"pixel_um": below / above if above else None, "z_um": metadata.get("spacing")}


def write_raw(path: Path, frames: xr.DataArray, *, order: str = "OMX") -> None:
    """Write raw frames to a TIFF that ImageJ opens, in the given order of pages, with their calibration.

    Parameters
    ----------
    path : Path
    frames : DataArray, ("angle", "phase", "y", "x") with or without "z"
        Stored in its own type where ImageJ knows it (uint8, uint16, float32) and as float32 otherwise.
    order : {"OMX", "PAZ", "CZXY"}
    """
    if "z" not in frames.dims:
        frames = frames.expand_dims("z")
    values = paged(frames.transpose("angle", "phase", "z", "y", "x").values, order)
    # ImageJ wants its channels after z, so those of CZXY are called times
    _write(path, values, frames, axes="TZYX" if order == "CZXY" else "ZYX", note=f"structured illumination, {order}")


def write_image(path: Path, image: xr.DataArray, *, note: str = "") -> None:
    """Write an image or a stack of planes to a float32 TIFF that ImageJ opens, with its calibration.

    Parameters
    ----------
    path : Path
    image : DataArray, (y, x) or (z, y, x)
    note : str
        One line about how it was made.
    """
    _write(path, image.values.astype(np.float32), image, axes="ZYX"[3 - image.ndim :], note=note)


def _write(path, values, like, *, axes, note):
    if values.dtype not in (np.uint8, np.uint16, np.float32):
        values = values.astype(np.float32)
    metadata = {"axes": axes, "unit": "\\u00B5m", "Info": note}
    if "z" in like.coords and like.z.size > 1:
        metadata["spacing"] = float(like.z[1] - like.z[0])
    per_um = 1 / pixel_size_um(like)
    tifffile.imwrite(path, values, imagej=True, resolution=(per_um, per_um), metadata=metadata)
