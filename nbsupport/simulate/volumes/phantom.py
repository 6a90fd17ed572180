"""Procedural anatomy: organs with membranes, fat, muscle and vessels, for when no body is at hand."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.checks import whole_number
from nbsupport.optics import require_pixel_um

from .visible_human import VOXEL_UM

_PREFERENCES = (0.3, 0.2, 0.2, 0.1)  # of fat, muscle, gland, spongy tissue: the larger, the more of the volume
_BLUR_PX = 0.6  # no edge of a photograph is sharper than its pixels


def anatomy_phantom(
    shape: tuple[int, int, int] = (128, 256, 256),
    *,
    rng: np.random.Generator,
    body: bool = False,
    organ_px: float = 56.0,
    voxel_um: float = VOXEL_UM,
) -> xr.DataArray:
    """A volume that looks like cryosections in grey: a stand-in for the Visible Human.

    Four tissues fill the volume, each where its own smooth random field is the highest: fat in bright lobules with dark
    septa, muscle in bundles of fibres, gland with speckle, and a spongy tissue of small cavities. Membranes lie between
    tissues, vessels with bright walls and dark lumina run through all of them, and grain lies over everything.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels along z, y and x.
    rng : numpy.random.Generator
        Source of all draws.
    body : bool
        Surround an elliptical body, which then fills most of every slice, with gel.
    organ_px : float
        Size of the organs; lobules, fibres and vessels scale with it.
    voxel_um : float
        Size of a voxel in the coordinates, µm.

    Returns
    -------
    DataArray of float32, (z, y, x), 0 to 1

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    if len(shape) != 3:
        raise ValueError(f"shape={shape!r} must be three numbers of voxels, z, y, x")
    for name, size in zip(("slices", "rows", "columns"), shape, strict=True):
        whole_number(name, size, least=1)
    if not 4 <= organ_px < np.inf:
        raise ValueError(f"organ_px={organ_px} must be at least 4 voxels")
    require_pixel_um("voxel_um", voxel_um)

    def field(scale, stretch=(1, 1, 1)):
        return smooth_field(shape, [scale * organ_px * s for s in stretch], rng=rng)

    values = _tissues(field, organ_px)
    for scale, radius in ((0.8, 0.2), (0.4, 0.12)):
        _draw_vessels(values, np.hypot(field(scale), field(scale)), radius)
    if body:
        _surround(values, field)
    values = gaussian_filter(values * (1 + 0.07 * field(0.04)), _BLUR_PX)
    values += 0.01 * rng.standard_normal(shape, dtype=np.float32)
    coords = {dim: (np.arange(size) + 0.5) * voxel_um for dim, size in zip("zyx", shape, strict=True)}
    np.clip(values, 0, 1, out=values)
    return xr.DataArray(values, dims=("z", "y", "x"), coords=coords, attrs={"units": "1"})


def smooth_field(shape, scale_px, *, rng: np.random.Generator) -> np.ndarray:
    """Random field with two continuous derivatives: cubic B-splines with Gaussian weights.

    Parameters
    ----------
    shape : (int, int, int)
    scale_px : (float, float, float)
        Distance of the knots along each axis, voxels.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, `shape`; mean 0, and variance 1 on average over voxels
    """
    bases = [_splines(size, scale, rng.random()) for size, scale in zip(shape, scale_px, strict=True)]
    weights = rng.standard_normal([base.shape[1] for base in bases]).astype(np.float32)
    for base in bases:  # each step contracts the first axis and appends it at the end
        weights = np.tensordot(weights, base, axes=(0, 1))
    return weights


def _splines(size, scale, offset):
    """Values of all cubic B-splines that reach an axis, (voxel, knot); squares sum to 1 on average."""
    knots = np.arange(-2, int(np.ceil(size / scale)) + 3) + offset
    distance = np.abs(np.arange(size)[:, None] / scale - knots)
    inner = 2 / 3 - distance**2 + distance**3 / 2
    outer = np.clip(2 - distance, 0, None) ** 3 / 6
    values = np.where(distance < 1, inner, outer)
    return (values / np.sqrt(151 / 315)).astype(np.float32)  # integral of the squared spline


def _tissues(field, organ_px):
    """Grey values of the four tissues and the membranes between them."""
    kind, highest, second = 0, -np.inf, -np.inf
    for number, preference in enumerate(_PREFERENCES):
        level = preference + field(1.0)
        kind = np.where(level > highest, number, kind)
        highest, second = np.maximum(level, highest), np.maximum(np.minimum(level, highest), second)
    shade = field(0.5)
    values = np.choose(kind, [maker(field, shade) for maker in (_fat, _muscle, _gland, _sponge)])
    values[highest - second < 2.4 / organ_px] = 0.42
    return values


def _fat(field, shade):
    """Lobules with dark septa."""
    lobule = field(0.25)
    return 0.62 + 0.05 * shade + 0.05 * lobule - 0.15 * np.clip(1 - np.abs(lobule) / 0.15, 0, 1)


def _muscle(field, shade):
    """Bundles of fibres in two directions."""
    return 0.22 + 0.05 * shade + 0.04 * np.maximum(field(0.06, (6, 1, 1)), field(0.05, (1, 1, 8)))


def _gland(field, shade):
    """Dark and nearly even, with a speckle."""
    return 0.14 + 0.02 * shade + 0.02 * field(0.07)


def _sponge(field, shade):
    """Small cavities."""
    return 0.27 + 0.05 * shade - 0.14 * np.clip(4 * field(0.09) - 2, 0, 1)


def _draw_vessels(values, distance, radius):
    """Tubes along the lines on which two fields are both 0: bright walls and dark lumina."""
    values[distance < radius] = 0.5
    values[distance < 0.7 * radius] = 0.06


def _surround(values, field):
    """Gel outside of an ellipse with a wavy rim and a bright skin."""
    _, height, width = values.shape
    y, x = (np.linspace(-1.02, 1.02, size, dtype=np.float32) for size in (height, width))
    radius = np.hypot(y[:, None], x) + 0.03 * field(1.5)
    values[radius > 0.97] = 0.7
    outside = radius > 1
    values[outside] = 0.35 + 0.03 * field(2.0)[outside]
