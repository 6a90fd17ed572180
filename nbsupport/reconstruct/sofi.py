"""SOFI: images from the cumulants of fluctuating pixels, and bSOFI, which balances three of them.

`cumulant` and `cross_cumulant` are the images of one order. `bsofi` linearises the cross-cumulants of orders 2 to 4 and
merges orders 3 and 4 according to `molecular_parameters`, the maps of brightness, on-ratio and density.

References
----------
dertinger2009, dertinger2010 (cumulants), geissbuehler2012 (bSOFI), jadhav2021 (their use).
"""

import operator
from functools import reduce

import numpy as np
import xarray as xr
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from nbsupport.checks import whole_number
from nbsupport.optics import FWHM_PER_SIGMA, Optics
from nbsupport.reconstruct.cumulants import ORDERS, cross_cumulant, cumulant, flattened, joint_cumulant
from nbsupport.reconstruct.stacks import framed

__all__ = ["bsofi", "cross_cumulant", "cumulant", "joint_cumulant", "molecular_parameters"]

SOURCES = ("flattened", "linearised")
_RICHARDSON_LUCY = "Richardson-Lucy, started from the image, Gaussian cut at 3 sigma, mirrored edges"
_TRUSTED_ORDER_4 = ((-np.inf, 0.128), (0.278, 0.722), (0.872, np.inf))  # on-ratios away from the roots of kappa_4


def bsofi(
    stack: xr.DataArray,
    optics: Optics,
    *,
    flattening: str = "means",
    iterations: int = 5,
    parameters_from: str = "flattened",
    profile_exponent: float = 1.5,
    block_frames: int | None = None,
    device: str = "cpu",
) -> xr.DataArray:
    """Balanced SOFI image: order 4 where the on-ratio lets it be trusted, order 3 elsewhere.

    Every flattened cross-cumulant is linearised: absolute value, minus its mean and clipped at 0, Richardson-Lucy
    deconvolution with the Gaussian of order n (width FWHM/√n), power 1/n, zero below n % of the maximum; then blurred
    to a width of FWHM/n. The mean that is taken off is a background cut of the reference implementation, with no
    derivation; it makes the result depend on how empty the field is. The mask between the orders, smoothed by
    1.5 fine pixels, is 1 where the on-ratio lies below 0.128, between 0.278 and 0.722, or above 0.872.

    Parameters
    ----------
    stack, block_frames, device
        As for `cumulant`. At least 6 × 6 pixels.
    optics : Optics
        Their Airy full width at half maximum is the width of the point spread function.
    flattening : {"means", "distance", "none"}
        Of the images, as for `cross_cumulant`.
    iterations : int
        Of the deconvolution: Richardson-Lucy without acceleration, started from the image, with mirrored edges.
    parameters_from : {"flattened", "linearised"}
        What the on-ratio comes from: "flattened" as for `molecular_parameters`, or, as in the reference
        implementation, the linearised images, which are roots already and for which the formulas do not hold.
    profile_exponent : float
        As for `molecular_parameters`.

    Returns
    -------
    DataArray, (y, x), 1
        From 0 to 1, on the grid of the order-4 cross-cumulant. A stack without fluctuations gives 0.

    Raises
    ------
    ValueError
        As for `cumulant`, or if a parameter cannot be meant.

    References
    ----------
    geissbuehler2012; girsault2016 (the reference implementation); jadhav2021, Methods.
    """
    iterations = whole_number("iterations", iterations, least=0)
    if parameters_from not in SOURCES:
        raise ValueError(f"parameters_from={parameters_from!r} is unknown; give one of {SOURCES}")
    width_px, lattices = _lattices(stack, optics, block_frames, device)
    flat = _flattened_orders(lattices, flattening, width_px)
    linear = {order: _linearised(flat[order], order, width_px / FWHM_PER_SIGMA, iterations) for order in ORDERS}
    source = linear if parameters_from == "linearised" else _flattened_orders(lattices, "distance", width_px)
    ratio = _parameters(source, lattices, profile_exponent)["on_ratio"]
    trusted = reduce(operator.or_, ((ratio > low) & (ratio < high) for low, high in _TRUSTED_ORDER_4))
    mask = gaussian_filter(trusted.astype(float), 1.5)
    third, fourth = (_per_maximum(_on_finest(linear[order], lattices, order)) for order in (3, 4))
    image = lattices[4].copy(data=np.clip(mask * fourth + (1 - mask) * third, 0, 1)).rename("bsofi")
    attrs = {"units": "1", "long_name": "bSOFI", "kind": "balanced cumulant", "flattening": flattening}
    attrs |= {"parameters_from": parameters_from, "profile_exponent": float(profile_exponent)}
    return image.assign_attrs(attrs, deconvolution=f"{_RICHARDSON_LUCY}, {iterations} iterations")


def molecular_parameters(
    stack: xr.DataArray,
    optics: Optics,
    *,
    profile_exponent: float = 1.5,
    block_frames: int | None = None,
    device: str = "cpu",
) -> xr.Dataset:
    """Brightness, on-ratio and density of two-state emitters from the ratios of three cross-cumulants.

    The cumulants keep their signs and are flattened by distance. With K1 = 1.5^t c3/c2 and K2 = 2^t c4/c2 the
    brightness is √(3 K1² − 2 K2), the on-ratio ½ − K1/(2 brightness), held between 0 and 1, and the density
    c2/(brightness² on-ratio (1 − on-ratio)).

    Parameters
    ----------
    stack, block_frames, device
        As for `cumulant`. At least 6 × 6 pixels.
    optics : Optics
        Their Airy full width at half maximum is the width of the point spread function.
    profile_exponent : float
        t, which accounts for the volume of the point spread function: 1.5 in three dimensions, 2 for the
        evanescent field of TIRF; 0 for the value at the centre of a lone emitter.

    Returns
    -------
    Dataset, (y, x)
        ``brightness`` (units of the stack), ``on_ratio`` (1) and ``density`` (emitters per area of the profile), on the
        grid of the order-4 cross-cumulant; 0 where the cumulants leave a value undefined.

    Raises
    ------
    ValueError
        As for `cumulant`, or if `profile_exponent` is not finite.

    References
    ----------
    geissbuehler2012.
    """
    width_px, lattices = _lattices(stack, optics, block_frames, device)
    maps = _parameters(_flattened_orders(lattices, "distance", width_px), lattices, profile_exponent)
    units = {"brightness": stack.attrs.get("units", "1"), "on_ratio": "1", "density": "1"}
    return xr.Dataset(
        {name: (("y", "x"), values, {"units": units[name]}) for name, values in maps.items()},
        coords=lattices[4].coords,
        attrs={"profile_exponent": float(profile_exponent)},
    )


def _flattened_orders(lattices, method, width_px):
    return {order: flattened(image.values, order, method, width_px) for order, image in lattices.items()}


def _lattices(stack, optics, block_frames, device):
    """Width of the point spread function in pixels, and unflattened cross-cumulants by order."""
    pixel_um, _ = framed(stack, least=6)  # a cubic spline through order 2 needs four points
    options = {"flattening": "none", "block_frames": block_frames, "device": device}
    lattices = {order: cross_cumulant(stack, order, **options) for order in ORDERS}
    return optics.airy_fwhm_um / pixel_um, lattices


def _parameters(images, lattices, profile_exponent):
    """Brightness, on-ratio and density, arrays (y, x), from images by order."""
    if not np.isfinite(profile_exponent):
        raise ValueError(f"profile_exponent={profile_exponent!r} must be finite; 1.5 is usual")
    second, third, fourth = (_on_finest(images[order], lattices, order) for order in ORDERS)
    first_ratio = 1.5**profile_exponent * _ratio(third, second)
    second_ratio = 2**profile_exponent * _ratio(fourth, second)
    brightness = np.sqrt(np.maximum(3 * first_ratio**2 - 2 * second_ratio, 0))
    on_ratio = np.where(brightness > 0, np.clip(0.5 - 0.5 * _ratio(first_ratio, brightness), 0, 1), 0)
    density = _ratio(second, brightness**2 * on_ratio * (1 - on_ratio))
    return {"brightness": brightness, "on_ratio": on_ratio, "density": density}


def _linearised(values, order, sigma_px, iterations):
    """Deconvolved order-th root of a cumulant image, blurred to 1/order of the width of the point spread function."""
    values = np.abs(values)
    values = np.maximum(values - values.mean(), 0)
    largest = values.max()
    sharp = _deconvolved(_per_maximum(values), sigma_px * np.sqrt(order), iterations)
    root = (sharp * largest) ** (1 / order)
    root[root < order / 100 * root.max()] = 0
    return _blurred(root, sigma_px)


def _deconvolved(image, sigma_px, iterations):
    estimate = image
    for _ in range(iterations):
        estimate = estimate * _blurred(_ratio(image, _blurred(estimate, sigma_px)), sigma_px)
    return estimate


def _blurred(image, sigma_px):
    radius = int(np.ceil(3 * sigma_px))
    for axis in (0, 1):
        image = gaussian_filter1d(image, sigma_px, axis=axis, radius=radius, mode="reflect")
    return image


def _on_finest(values, lattices, order):
    """Cubic spline of an image of one order at the points of order 4; the corners of both grids coincide."""
    coarse, fine = lattices[order], lattices[4]
    return RectBivariateSpline(coarse.y, coarse.x, values)(fine.y, fine.x)


def _per_maximum(values):
    return _ratio(values, values.max())


def _ratio(a, b):
    """Quotient a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(np.shape(a), np.shape(b))), where=np.asarray(b) != 0)
