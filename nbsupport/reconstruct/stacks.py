"""Raw frames: read from a file with their coordinates, and checked as every reconstruction needs them."""

from pathlib import Path

import numpy as np
import tifffile
import torch
import xarray as xr

from nbsupport.optics import pixel_size_um, require_pixel_um

UNITS = ("ADU", "photons", "1")


def read_stack(path: Path, *, pixel_um: float, units: str = "ADU") -> xr.DataArray:
    """Read a TIFF of frames.

    Parameters
    ----------
    path : Path
        TIFF with one image series of three axes: frame, row, column. What the file calls its first axis does not
        matter, since many programs write frames as slices; colour does.
    pixel_um : float
        Edge of a square pixel in the sample, µm.
    units : {"ADU", "photons", "1"}
        What the stored values count.

    Returns
    -------
    DataArray, (frame, y, x)
        Values in the file's type and native byte order; ``y`` and ``x`` are pixel centres in µm from the corner of
        the image.

    Raises
    ------
    ValueError
        If the file holds anything but one series of grey frames, or `pixel_um` or `units` cannot be meant.
    """
    pixel_um = require_pixel_um("pixel_um", pixel_um)
    if units not in UNITS:
        raise ValueError(f"units={units!r} is unknown; give one of {UNITS}")
    with tifffile.TiffFile(path) as tiff:
        shapes = [series.shape for series in tiff.series]
        if len(shapes) != 1 or len(shapes[0]) != 3 or "S" in tiff.series[0].axes:
            described = " and ".join(f"{series.axes} {series.shape}" for series in tiff.series)
            raise ValueError(f"path={Path(path).name!r} holds {described}; needed is one series of (frame, y, x)")
        values = tiff.series[0].asarray()
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    centres = {
        dim: (dim, (np.arange(size) + 0.5) * pixel_um, {"units": "µm"})
        for dim, size in zip(("y", "x"), values.shape[1:], strict=True)
    }
    return xr.DataArray(
        values,
        dims=("frame", "y", "x"),
        coords={"frame": np.arange(len(values)), **centres},
        attrs={"units": units},
    )


def framed(stack: xr.DataArray, device: str | torch.device = "cpu", *, least: int = 2) -> tuple[float, torch.Tensor]:
    """Pixel size in µm and checked frames, (frame, y, x) in float64, of a stack of fluctuations.

    Parameters
    ----------
    stack : DataArray, (frame, y, x)
        Dimensions in any order, any real type; ``y`` and ``x`` in µm.
    device : str or device
        Where the tensor goes, "cpu" or "cuda".
    least : int
        Smallest size along y and x.

    Returns
    -------
    pixel_um : float
    frames : Tensor, (frame, y, x), float64, unit of the stack

    Raises
    ------
    ValueError
        If the stack is none, has one frame, too few pixels or no grid in µm, or holds a value that is not finite; the
        message gives the first such index.
    """
    if not isinstance(stack, xr.DataArray) or set(stack.dims) != {"frame", "y", "x"}:
        found = getattr(stack, "dims", type(stack).__name__)
        raise ValueError(f"stack has {found}; needed is a DataArray with dims ('frame', 'y', 'x')")
    if stack.sizes["frame"] < 2:
        raise ValueError(f"stack has {stack.sizes['frame']} frame; fluctuations need at least 2")
    if min(stack.sizes["y"], stack.sizes["x"]) < least:
        raise ValueError(f"stack is {stack.sizes['y']} × {stack.sizes['x']} pixels; needed are {least} × {least}")
    pixel_um = pixel_size_um(stack)
    values = stack.transpose("frame", "y", "x").values
    if values.dtype.kind not in "fiub":
        raise ValueError(f"stack holds {values.dtype}; needed are real numbers")
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"stack holds {values[where]} at (frame, y, x) index {where}; all values must be finite")
    return pixel_um, torch.from_numpy(values).to(device)
