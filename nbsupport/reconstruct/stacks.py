"""Raw frames from a file, with the coordinates that every reconstruction reads."""

from pathlib import Path

import numpy as np
import tifffile
import xarray as xr

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
    if not 0.001 <= pixel_um <= 1:
        hint = f"looks like nanometres; give micrometres, {pixel_um / 1000:g}" if pixel_um > 1 else "is not 0.001 to 1"
        raise ValueError(f"pixel_um={pixel_um} {hint}")
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
