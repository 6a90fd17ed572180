"""Widths of line profiles, with the uncertainty of the fit."""

import warnings
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.optimize import OptimizeWarning, curve_fit
from skimage.measure import profile_line

from nbsupport.assess.fidelity import image
from nbsupport.optics import FWHM_PER_SIGMA, pixel_size_um

_FEWEST_POINTS = 6


@dataclass(frozen=True)
class Width:
    """Gaussian fit to a line profile.

    Parameters
    ----------
    fwhm, fwhm_sd : float, in `unit`
        Full width at half maximum above the offset, and its standard deviation from the scatter about the fit.
    centre, centre_sd : float, in `unit`
    amplitude, offset : float, in the unit of the image
    unit : {"µm", "px"}
    """

    fwhm: float
    fwhm_sd: float
    centre: float
    centre_sd: float
    amplitude: float
    offset: float
    unit: str


def line_profile(image: xr.DataArray, start_um, end_um, *, width_px: int = 1) -> xr.DataArray:
    """Intensity along a straight line.

    Parameters
    ----------
    image : DataArray, (y, x), with pixel centres in µm as coordinates
    start_um, end_um : pair of float, (y, x), µm, inside the image
    width_px : int
        Number of parallel lines, one pixel apart, that are averaged.

    Returns
    -------
    DataArray, (distance,), in the unit of the image, from the start to the end in equal steps of at most a pixel;
    coordinate ``distance`` from the start in µm. Values between pixels come from cubic splines, because linear
    interpolation widens a peak of 1 px standard deviation by 8 %.

    Raises
    ------
    ValueError
        If an end lies outside the image, the line is shorter than a pixel, or `width_px` is below 1.
    """
    pixel_um = pixel_size_um(image)
    corner = np.array([float(image.y[0]), float(image.x[0])])
    last = np.array(image.transpose("y", "x").shape) - 1
    ends = [(np.asarray(point, dtype=float) - corner) / pixel_um for point in (start_um, end_um)]
    for name, point, position in zip(("start_um", "end_um"), (start_um, end_um), ends, strict=True):
        if position.shape != (2,) or not np.all((position >= -0.5) & (position <= last + 0.5)):
            raise ValueError(f"{name}={point} must be (y, x) in micrometres inside the image")
    length_um = pixel_um * np.hypot(*(ends[1] - ends[0]))
    if length_um < pixel_um:
        raise ValueError(f"end_um={end_um} lies less than a pixel from start_um={start_um}; give a longer line")
    if width_px < 1:
        raise ValueError(f"width_px={width_px} must be at least 1")
    values = profile_line(image.transpose("y", "x").values, *ends, linewidth=width_px, order=3, mode="nearest")
    distance = ("distance", np.linspace(0, length_um, values.size), {"units": "µm"})
    return xr.DataArray(values, dims="distance", coords={"distance": distance}, attrs=dict(image.attrs))


def fwhm(profile) -> Width:
    """Full width at half maximum of the one peak in a line profile.

    Least-squares fit of a Gaussian on a constant offset, with equal weights.

    Parameters
    ----------
    profile : DataArray, ndarray or Tensor, (position,)
        At least 6 values. The width is in µm for a DataArray, with positions in µm as its coordinate, and in px
        otherwise.

    Returns
    -------
    Width
        Unchanged, but for amplitude and offset, by ``a * profile + b`` with a > 0.

    Raises
    ------
    ValueError
        If the profile is not one line of finite numbers, is constant, or holds no peak whose centre and width lie
        within it.

    Notes
    -----
    The standard deviations assume that the profile is a Gaussian with independent noise of equal strength. Pixels widen
    the peak: their squared edge over 12 adds to its variance.
    """
    values = image("profile", profile)
    if values.ndim != 1 or values.size < _FEWEST_POINTS:
        raise ValueError(f"profile has shape {values.shape}; give one line of at least {_FEWEST_POINTS} values")
    if np.ptp(values) == 0:
        raise ValueError(f"profile is constant ({values[0]:g}) and has no width")
    position, unit = _positions(profile)
    # in units of its own length and height, so that the fit sees numbers near 1 whatever the unit
    origin, length, base, height = position[0], np.ptp(position), values.min(), np.ptp(values)
    parameters, errors = _fit((position - origin) / length, (values - base) / height)
    amplitude, centre, sigma, offset = parameters
    spacing = 1 / (values.size - 1)
    if not (amplitude > 0 and 0 <= centre <= 1 and spacing / 4 < abs(sigma) * FWHM_PER_SIGMA <= 1):
        raise ValueError("profile holds no peak whose centre and width lie within it; choose another line")
    scale = FWHM_PER_SIGMA * length
    return Width(
        fwhm=float(abs(sigma) * scale),
        fwhm_sd=float(errors[2] * scale),
        centre=float(centre * length + origin),
        centre_sd=float(errors[1] * length),
        amplitude=float(amplitude * height),
        offset=float(offset * height + base),
        unit=unit,
    )


def _positions(profile):
    if not isinstance(profile, xr.DataArray):
        return np.arange(len(profile), dtype=float), "px"
    (dim,) = profile.dims
    if dim not in profile.coords:
        raise ValueError(f"profile has no coordinate {dim}; give its positions in micrometres")
    position = np.asarray(profile.coords[dim].values, dtype=float)
    if not np.all(np.diff(position) > 0):
        raise ValueError(f"coordinate {dim} of profile must increase")
    return position, "µm"


def _fit(x, y):
    top = int(np.argmax(y))
    offset = float(np.percentile(y, 20))
    above = np.trapezoid(np.clip(y - offset, 0, None), x)
    sigma = max(above / np.sqrt(2 * np.pi) / max(y[top] - offset, 1e-3), 0.5 / (x.size - 1))
    start = (y[top] - offset, x[top], sigma, offset)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # the standard deviations are infinite then, and say so
            parameters, covariance = curve_fit(
                _gaussian, x, y, p0=start, jac=_gradient, maxfev=2000, ftol=1e-13, xtol=1e-13
            )
    except RuntimeError as error:
        raise ValueError("profile holds no peak that a Gaussian fits; choose another line") from error
    return parameters, np.sqrt(np.diag(covariance))


def _gaussian(x, amplitude, centre, sigma, offset):
    return offset + amplitude * np.exp(-0.5 * ((x - centre) / sigma) ** 2)


def _gradient(x, amplitude, centre, sigma, offset):
    z = (x - centre) / sigma
    bell = np.exp(-0.5 * z**2)
    return np.stack([bell, amplitude * bell * z / sigma, amplitude * bell * z**2 / sigma, np.ones_like(x)], axis=1)
