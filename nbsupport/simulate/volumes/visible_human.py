"""The Visible Human of the U.S. National Library of Medicine, read from files as objects of a microscope.

Photographs of the frozen female body are numbered by slice and public at
``data.lhncbc.nlm.nih.gov/public/Visible-Human/Female-Images/70mm/4K_Tiff-Images``, one TIFF of 3061 × 4096 RGB pixels
each. Between two of them lie 0.33 mm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile
import xarray as xr
from PIL import Image, UnidentifiedImageError

from nbsupport.checks import whole_number
from nbsupport.optics import require_pixel_um

from .grid import HUGHES_2024_GRID, CropGrid

VOXEL_UM = 0.05
"""What hughes2024 takes a voxel of anatomy for."""

_WHOLE = slice(None)


def read_photograph(path: str | Path, *, voxel_um: float = VOXEL_UM) -> xr.DataArray:
    """One photograph in colour.

    Parameters
    ----------
    path : str or Path
        TIFF or PNG, 8-bit RGB.
    voxel_um : float
        Size that a pixel is taken for, µm.

    Returns
    -------
    DataArray of uint8, (y, x, channel)

    Raises
    ------
    ValueError
        If the file is missing, damaged, or no 8-bit colour picture.
    """
    values = _picture(Path(path))
    if values.ndim != 3 or values.shape[-1] != 3 or values.dtype != np.uint8:
        found = f"{values.dtype} of shape {values.shape}"
        raise ValueError(f"{Path(path).name} holds {found}; needed is 8-bit RGB (y, x, 3)")
    height, width, _ = values.shape
    return xr.DataArray(values, dims=("y", "x", "channel"), coords=_centres(voxel_um, y=height, x=width))


def grey(photograph: xr.DataArray) -> xr.DataArray:
    """Grey values of a colour photograph as the source makes them: the mean of the channels, its fraction cut off.

    Parameters
    ----------
    photograph : DataArray of uint8, (y, x, channel)

    Returns
    -------
    DataArray of float32, (y, x), 0 to 1

    References
    ----------
    hughes2024 (author's code).
    """
    values = _grey(photograph.transpose("y", "x", "channel").values)
    coords = {dim: photograph[dim] for dim in ("y", "x")}
    return xr.DataArray(values.astype(np.float32) / 255, dims=("y", "x"), coords=coords, attrs={"units": "1"})


def tissue(photograph: xr.DataArray, *, darkest: int = 25) -> xr.DataArray:
    """Where a photograph shows the body: not the blue gel around it and not the dark behind.

    Parameters
    ----------
    photograph : DataArray of uint8, (y, x, channel)
    darkest : int
        Red value up to which a pixel counts as dark.

    Returns
    -------
    DataArray of bool, (y, x)
        Cards and scales in the picture count as body; crop them away before.
    """
    red, _, blue = (photograph.isel(channel=i).astype(int) for i in range(3))
    return (red > darkest) & (red > blue)


def read_slice(path: str | Path, *, voxel_um: float = VOXEL_UM) -> xr.DataArray:
    """One photograph in grey, as a volume of one slice.

    Parameters
    ----------
    path, voxel_um
        As in `read_photograph`.

    Returns
    -------
    DataArray of float32, (1, y, x), 0 to 1
    """
    return grey(read_photograph(path, voxel_um=voxel_um)).expand_dims(z=[voxel_um / 2])


def read_photographs(
    folder: str | Path,
    *,
    first: int = 2000,
    count: int = 128,
    rows: slice = _WHOLE,
    columns: slice = _WHOLE,
    voxel_um: float = VOXEL_UM,
) -> xr.DataArray:
    """A stack of numbered photographs in grey.

    Parameters
    ----------
    folder : str or Path
        Holds files ``2000.tif`` and so on.
    first, count : int
        Number of the first photograph, and how many follow each other.
    rows, columns : slice
        Part that is kept; a whole photograph takes 50 MB here.
    voxel_um : float
        Size that a voxel is taken for along all axes, µm. The body's voxels are longer along z than they are wide; the
        source takes them for cubes too.

    Returns
    -------
    DataArray of float32, (z, y, x), 0 to 1, slices in the order of their numbers

    Raises
    ------
    ValueError
        If photographs are missing, damaged, no colour pictures or of different size, or the part lies outside of them.

    References
    ----------
    hughes2024, section 2.2.
    """
    return _in_light(_stack(Path(folder), first, count, rows, columns), rows, columns, voxel_um)


def photographed_blocks(
    folder: str | Path, grid: CropGrid = HUGHES_2024_GRID, *, first: int = 2000, voxel_um: float = VOXEL_UM
) -> Iterator[xr.DataArray]:
    """All blocks of one depth range of a folder of photographs, one after the other.

    Parameters
    ----------
    folder, first, voxel_um
        As in `read_photographs`.
    grid : CropGrid

    Yields
    ------
    DataArray of float32, (z, y, x), 0 to 1, row by row
        The source's 180 are those that begin at the photographs 2000, 2128 and 2256. Half a gigabyte is held for the
        source's grid.

    Raises
    ------
    ValueError
        As in `read_photographs`.
    """
    rows, columns = grid.window
    slab = _stack(Path(folder), first, grid.slices, rows, columns)
    corner = replace(grid, first_row=0, first_column=0)
    for (inner_rows, inner_columns), (y, x) in zip(corner.cells, grid.cells, strict=True):
        yield _in_light(slab[:, inner_rows, inner_columns], y, x, voxel_um)


def read_ct(path: str | Path, *, voxel_um: float = VOXEL_UM) -> xr.DataArray:
    """A computed tomography packed into one TIFF of 8-bit slices.

    Parameters
    ----------
    path : str or Path
    voxel_um : float
        Size that a voxel is taken for along all axes, µm.

    Returns
    -------
    DataArray of float32, (z, y, x), 0 to 1; no Hounsfield units

    Raises
    ------
    ValueError
        If the file is missing, damaged, or no stack of 8-bit grey slices.
    """
    values = _picture(Path(path))
    if values.ndim != 3 or values.dtype != np.uint8 or (values.shape[-1] in (3, 4) and values.shape[0] > 4):
        raise ValueError(
            f"{Path(path).name} holds {values.dtype} of shape {values.shape}; needed are 8-bit grey slices (z, y, x)"
        )
    return _in_light(values, _WHOLE, _WHOLE, voxel_um)


def _stack(folder, first, count, rows, columns):
    """Grey photographs as uint8, read one by one so that only the wanted part is held."""
    whole_number("first", first, least=0)
    whole_number("count", count, least=1)
    if not folder.is_dir():
        raise ValueError(f"folder {folder} does not exist; name the one that holds {first}.tif and the following")
    paths = [folder / f"{number}.tif" for number in range(first, first + count)]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        some = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        raise ValueError(f"folder {folder.name} lacks {len(missing)} of {count} photographs: {some}")
    stack, shape = None, None
    for index, path in enumerate(paths):
        photograph = read_photograph(path).values
        if shape is None:
            shape = photograph.shape
            height, width = (len(range(*cut.indices(size))) for cut, size in zip((rows, columns), shape, strict=False))
            for name, cut, size in (("rows", rows, shape[0]), ("columns", columns, shape[1])):
                if not 0 <= (cut.start or 0) < (size if cut.stop is None else cut.stop) <= size:
                    raise ValueError(f"{name}={cut} lie outside of a photograph of {shape[0]} × {shape[1]} pixels")
            stack = np.empty((count, height, width), dtype=np.uint8)
        if photograph.shape != shape:
            raise ValueError(f"{path.name} has shape {photograph.shape}, {paths[0].name} has {shape}; they must agree")
        stack[index] = _grey(photograph[rows, columns])
    return stack


def _grey(colour):
    return (colour.sum(axis=-1, dtype=np.uint16) // 3).astype(np.uint8)


def _picture(path):
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    with path.open("rb") as stream:
        begin = stream.read(4)
    try:
        if begin[:2] in (b"II", b"MM"):
            return tifffile.imread(path)
        with Image.open(path) as picture:
            return np.asarray(picture)
    except UnidentifiedImageError:
        hint = "; a web server's error page was perhaps saved in its place" if begin[:1] == b"<" else ""
        raise ValueError(f"{path.name} is no picture (it begins with {begin!r}){hint}") from None
    except (OSError, ValueError, IndexError, tifffile.TiffFileError) as error:
        raise ValueError(f"{path.name} is damaged ({error}); fetch it again") from error


def _in_light(values, rows, columns, voxel_um):
    """Grey values as fluorophores per voxel, with the coordinates of the whole photograph."""
    depth, height, width = values.shape
    coords = _centres(voxel_um, z=depth, y=height, x=width)
    coords["y"] = coords["y"] + (rows.start or 0) * voxel_um
    coords["x"] = coords["x"] + (columns.start or 0) * voxel_um
    values = values.astype(np.float32) / 255
    return xr.DataArray(values, dims=("z", "y", "x"), coords=coords, attrs={"units": "1"})


def _centres(voxel_um, **sizes):
    require_pixel_um("voxel_um", voxel_um)
    return {dim: (np.arange(size) + 0.5) * voxel_um for dim, size in sizes.items()}
