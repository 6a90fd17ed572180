"""Draw images with their scale: shared limits, colour bar, scale bar from the coordinates, contrast views."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.image import AxesImage


def draw_image(
    ax: Axes,
    image: xr.DataArray,
    *,
    title: str = "",
    norm: Normalize | None = None,
    cmap: str = "inferno",
    scale_bar_um: float = 1.0,
) -> AxesImage:
    """Draw a 2-D image with a scale bar whose length comes from the image's own coordinates.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    image : DataArray, (y, x), coordinates in µm
    title : str
        Panel title.
    norm : matplotlib.colors.Normalize, optional
        Grey-value limits; pass one object to several panels to share them. By default from the image's own range.
    cmap : str
        A perceptually uniform map.
    scale_bar_um : float
        Length of the bar, µm; must be shorter than the image is wide.

    Raises
    ------
    ValueError
        If the image is not 2-D or the bar would not fit.
    """
    if image.ndim != 2:
        raise ValueError(f"image has dims {image.dims}; draw one with two dims (y, x)")
    y, x = (image[dim].values for dim in image.dims)
    step_y, step_x = (float(axis[1] - axis[0]) for axis in (y, x))
    extent = (x[0] - step_x / 2, x[-1] + step_x / 2, y[-1] + step_y / 2, y[0] - step_y / 2)
    width = extent[1] - extent[0]
    if not 0 < scale_bar_um < width:
        raise ValueError(f"scale_bar_um={scale_bar_um} must be positive and shorter than the image ({width:.3g} µm)")
    norm = norm or Normalize(float(image.min()), float(image.max()))
    drawn = ax.imshow(image.values, extent=extent, norm=norm, cmap=cmap)
    height = extent[2] - extent[3]
    # in a strip, too, the whole thickness of the bar is inside
    above = min(max(0.08 * height, 0.03 * width), height / 2)
    right, bottom = extent[1] - 0.06 * width, extent[2] - above
    ax.plot([right - scale_bar_um, right], [bottom, bottom], color="white", linewidth=2.5, solid_capstyle="butt")
    ax.set(title=title, xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return drawn


def decades(images: Sequence[xr.DataArray], count: float) -> LogNorm:
    """Return logarithmic limits shared by several images: the largest value and `count` decades below it.

    Values below the lowest decade, zeros included, take the darkest colour.
    """
    top = max(float(image.max()) for image in images)
    if not top > 0:
        raise ValueError(f"no image has a positive value (largest: {top}); a logarithmic view needs one")
    return LogNorm(top / 10**count, top, clip=True)


def percentile_limits(image: xr.DataArray, low: float = 0.0, high: float = 99.5) -> Normalize:
    """Linear limits between two percentiles of the image: the saturated view."""
    return Normalize(*np.percentile(image.values, [low, high]))


def line_profile(
    image: xr.DataArray, start_um: tuple[float, float], end_um: tuple[float, float], points: int = 200
) -> xr.DataArray:
    """Sample an image along a straight line, by linear interpolation.

    Parameters
    ----------
    image : DataArray, (y, x), coordinates in µm
    start_um, end_um : (y, x), µm
    points : int

    Returns
    -------
    DataArray, ("distance_um",), in the image's units.
    """
    fraction = xr.DataArray(np.linspace(0.0, 1.0, points), dims="distance_um")
    along = {
        dim: start + fraction * (end - start) for dim, start, end in zip(image.dims, start_um, end_um, strict=True)
    }
    length = float(np.hypot(*(end - start for start, end in zip(start_um, end_um, strict=True))))
    profile = image.interp(along).drop_vars(list(along))
    return profile.assign_coords(distance_um=np.linspace(0.0, length, points))
