"""TIFF images in and out, with what their metadata say about the microscope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

_IN_UM = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "μm": 1.0,  # the Greek letter; the line above has the micro sign
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "nm": 1e-3,
    "pm": 1e-6,
    "inch": 25_400.0,
}
_TAG_UNITS = {2: "inch", 3: "cm"}
_KEPT = ("unit", "spacing", "finterval", "fps", "loop", "Info", "Labels")


class ImageError(ValueError):
    """A file that is no image this study can read."""


@dataclass(frozen=True)
class Microscopy:
    """An image and its calibration.

    Attributes
    ----------
    values : ndarray
        As stored.
    axes : str
        One letter per axis, as tifffile has them: T time, Z depth, C channel, Y, X; Q and I are unknown.
    flavour : {"OME", "ImageJ", "plain"}
    pixel_um : float or None
        Pixel size, µm; None where the file states none that a microscope could have.
    numerical_aperture : float or None
        Of the objective, where OME metadata state it.
    calibration : Mapping
        Keywords for tifffile that write the same calibration again.
    """

    values: np.ndarray
    axes: str
    flavour: str = "plain"
    pixel_um: float | None = None
    numerical_aperture: float | None = None
    calibration: Mapping[str, Any] = field(default_factory=dict)


def read(path: Path) -> Microscopy:
    """Read a TIFF with one image or stack.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Microscopy

    Raises
    ------
    ImageError
        If there is no such file, it is no TIFF, holds several images of different shape, colour, or pixels that are
        not square.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            return _understood(tiff, path.name)
    except FileNotFoundError:
        raise ImageError(f"there is no file {path.name!r}") from None
    except tifffile.TiffFileError as error:
        raise ImageError(f"{path.name} is no TIFF: {error}") from None


def write(path: Path, values: np.ndarray, like: Microscopy, *, note: str) -> None:
    """Write a TIFF with the axes and calibration of another, as float32.

    Parameters
    ----------
    path : Path
    values : ndarray, shape of ``like.values``
    like : Microscopy
    note : str
        One line that says what was done; it joins the description of the image.
    """
    options = dict(like.calibration)
    metadata = dict(options.pop("metadata", {}), axes=like.axes)
    values = np.asarray(values, dtype=np.float32)
    if like.flavour == "ImageJ":
        if "unit" in metadata:
            metadata["unit"] = metadata["unit"].replace("µ", "\\u00B5")  # as ImageJ itself writes it; TIFF holds ASCII
        metadata["Info"] = "\n".join(filter(None, [metadata.get("Info"), note]))
        tifffile.imwrite(path, values, imagej=True, metadata=metadata, **options)
    elif like.flavour == "OME":
        tifffile.imwrite(path, values, ome=True, metadata={**metadata, "Description": note}, **options)
    else:
        tifffile.imwrite(path, values, description=note, metadata=None, **options)


def _understood(tiff: tifffile.TiffFile, name: str) -> Microscopy:
    if len(tiff.series) != 1:
        shapes = ", ".join(f"{series.axes} {series.shape}" for series in tiff.series)
        raise ImageError(f"{name} holds {len(tiff.series)} images ({shapes}); save the one you mean by itself")
    series = tiff.series[0]
    if "S" in series.axes:
        raise ImageError(f"{name} is a colour picture ({series.axes} {series.shape}); needed are grey values")
    if series.dtype.kind not in "uif":
        raise ImageError(f"{name} holds {series.dtype}; needed are real numbers")
    page = tiff.pages.first
    values = series.asarray()
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if tiff.is_ome:
        sizes, aperture, calibration = _ome(tiff.ome_metadata, name)
        return Microscopy(values, series.axes, "OME", _square(sizes, name), aperture, calibration)
    resolution = [_ratio(page, tag) for tag in ("XResolution", "YResolution")]
    if tiff.is_imagej:
        metadata = {key: value for key, value in tiff.imagej_metadata.items() if key in _KEPT}
        unit = _IN_UM.get(str(metadata.get("unit", "")).replace("\\u00B5", "µ"))
        calibration = {"metadata": metadata, "resolution": tuple(r or 1.0 for r in resolution)}
        sizes = [unit / r if unit and r else None for r in resolution]
        return Microscopy(values, series.axes, "ImageJ", _square(sizes, name), None, calibration)
    unit = page.tags["ResolutionUnit"].value if "ResolutionUnit" in page.tags else 1
    sizes = [_IN_UM[_TAG_UNITS[unit]] / r if unit in _TAG_UNITS and r else None for r in resolution]
    calibration = {"resolution": tuple(resolution), "resolutionunit": int(unit)} if all(resolution) else {}
    plausible = [size for size in sizes if size and 0.001 <= size <= 1]  # 72 dots per inch is no microscope
    return Microscopy(values, series.axes, "plain", _square(plausible or [None], name), None, calibration)


def _ratio(page: tifffile.TiffPage, tag: str) -> float | None:
    if tag not in page.tags:
        return None
    above, below = page.tags[tag].value
    return above / below if above and below else None


def _square(sizes_um: list[float | None], name: str) -> float | None:
    stated = [size for size in sizes_um if size]
    if not stated:
        return None
    if max(stated) > 1.001 * min(stated):
        raise ImageError(f"{name}: its pixels are not square, {stated[0]:g} × {stated[-1]:g} µm; resample it first")
    return stated[0]


def _ome(text: str, name: str) -> tuple[list[float | None], float | None, dict[str, Any]]:
    """Pixel sizes in µm, numerical aperture, and keywords that write the sizes again."""
    root = ElementTree.fromstring(text)
    pixels = next(element for element in root.iter() if element.tag.endswith("}Pixels"))
    sizes, metadata = [], {}
    for axis in "XYZ":
        size, unit = pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")
        if size is None:
            continue
        if unit not in _IN_UM:
            raise ImageError(f"{name}: PhysicalSize{axis}Unit={unit!r} is no length that this study knows")
        metadata |= {f"PhysicalSize{axis}": float(size), f"PhysicalSize{axis}Unit": unit}
        if axis != "Z":
            sizes.append(float(size) * _IN_UM[unit])
    for key in ("TimeIncrement", "TimeIncrementUnit"):
        if key in pixels.attrib:
            metadata[key] = pixels.get(key)
    apertures = [element.get("LensNA") for element in root.iter() if element.tag.endswith("}Objective")]
    aperture = float(apertures[0]) if len(apertures) == 1 and apertures[0] else None
    return sizes or [None], aperture, {"metadata": metadata}
