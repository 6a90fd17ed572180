"""Thin samples in focus, large and fast: one point spread function for the whole field, by Fourier transform.

`nbsupport.simulate.acquisition` images every emitter at its own depth; these fields have none to speak of, so that one
convolution does, and a bench may have hundreds of them.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import xarray as xr
from scipy.signal import fftconvolve

from nbsupport.checks import whole_number
from nbsupport.optics import Optics, require_pixel_um
from nbsupport.simulate.acquisition import acquire
from nbsupport.simulate.structures import Curve, Filament, Sample, curved_lines, lysosomes, mitochondria, vesicles

KINDS = ("filaments", "rings", "puncta", "tubes", "points and lines")

_FINER = 3  # pixels of the grid on which emitters are counted, per pixel and axis
REACH_UM = 1.2  # half side of the point spread function; some 4 % of the light of an Airy pattern lie farther out
_MARGIN_UM = 1.0  # around the field, from which structures send light into it
_SLICE_UM = 0.2  # thickness of what is hollow, so that its walls are seen from above


def planar(kind: str, optics: Optics, *, rng: np.random.Generator, pixels: int, pixel_um: float = 0.1) -> xr.Dataset:
    """Draw one field of a structure; give the object and its noise-free image.

    Parameters
    ----------
    kind : str
        One of `KINDS`; "points and lines" are isolated emitters and straight lines along y, to measure widths.
    optics : Optics
    rng : numpy.random.Generator
        Source of all draws.
    pixels : int
        Per side, 16 or more.
    pixel_um : float
        µm.

    Returns
    -------
    Dataset, (y, x)
        ``light``: the image, brightest pixel 1; ``object``: emitters per pixel on the scale of `light`, so that both
        have the same sum up to what leaves the field. For "points and lines" ``attrs["points"]`` (n, 2) and
        ``attrs["lines"]`` (n,) hold pixel positions (y, x) and columns.

    Raises
    ------
    ValueError
        If there is no such kind or a number is out of range.

    Notes
    -----
    Emitters are counted on a grid of a third of a pixel, which moves each by up to a sixth of a pixel along each axis.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is unknown; give one of {', '.join(KINDS)}")
    pixels, pixel_um = whole_number("pixels", pixels, least=16), require_pixel_um("pixel_um", pixel_um)
    field_um = pixels * pixel_um
    sample, known = _DRAW[kind](field_um, pixel_um, rng)
    margin = round(_MARGIN_UM / pixel_um)
    wide = (pixels + 2 * margin) * pixel_um
    fine = sample.render(pixel_um / _FINER, wide + 1e-9).values
    image = fftconvolve(fine, point_spread_kernel(optics, pixel_um / _FINER), mode="same")
    inner = (slice(margin, margin + pixels),) * 2
    light, emitters = (_binned(a)[inner] for a in (np.maximum(image, 0), fine))
    axis = (np.arange(pixels) - (pixels - 1) / 2) * pixel_um
    data = {"light": (("y", "x"), light / light.max()), "object": (("y", "x"), emitters / light.max())}
    return xr.Dataset(data, coords={"y": axis, "x": axis}, attrs={"kind": kind, **known})


@cache
def point_spread_kernel(optics: Optics, pixel_um: float) -> np.ndarray:
    """Image of one emitter in the centre of a pixel, out to `REACH_UM` on every side.

    Parameters
    ----------
    optics : Optics
    pixel_um : float
        µm; that of the camera, or of a finer grid.

    Returns
    -------
    ndarray, (2 n + 1, 2 n + 1)
        Sum 1.
    """
    side = (2 * round(REACH_UM / pixel_um) + 1) * pixel_um
    centre = np.zeros((1, 3))
    image = acquire(centre, np.ones((1, 1)), optics, pixel_um=pixel_um, field_um=side + 1e-9).values[0]
    return image / image.sum()


def _binned(fine: np.ndarray) -> np.ndarray:
    side = len(fine) // _FINER
    return fine.reshape(side, _FINER, side, _FINER).sum(axis=(1, 3))


def _box(field_um: float, thickness_um: float):
    side, depth = (-field_um / 2 - 0.5, field_um / 2 + 0.5), (-thickness_um / 2, thickness_um / 2)
    return side, side, depth


def _number(field_um: float, area_um2: float, rng: np.random.Generator) -> int:
    """Poisson number with one per `area_um2`, but never an empty field."""
    return max(1, int(rng.poisson((field_um + 1) ** 2 / area_um2)))


def _filaments(field_um, _, rng):
    return curved_lines(rng=rng, count=_number(field_um, 5, rng), box_um=_box(field_um, 0)), {}


def _rings(field_um, _, rng):
    box, number = _box(field_um, _SLICE_UM), _number(field_um, 3, rng)
    return vesicles(rng=rng, count=number, radius_um=(0.25, 0.6), density_per_um2=500, box_um=box), {}


def _puncta(field_um, _, rng):
    box, number = _box(field_um, _SLICE_UM), _number(field_um, 2, rng)
    return lysosomes(rng=rng, count=number, radius_um=(0.05, 0.15), density_per_um3=50_000, box_um=box), {}


def _tubes(field_um, _, rng):
    box, number = _box(field_um, _SLICE_UM), _number(field_um, 8, rng)
    return mitochondria(rng=rng, count=number, radius_um=0.25, density_per_um2=500, box_um=box), {}


def _points_and_lines(field_um, pixel_um, rng):
    """Points on the left three quarters, one every 2 µm, moved at random; straight lines along y on the right."""
    half, pitch = field_um / 2, 2.0
    columns = np.arange(-half + pitch / 2, half / 2 - pitch / 2, pitch)
    rows = np.arange(-half + pitch / 2, half - pitch / 4, pitch)
    y, x = (a.ravel() for a in np.meshgrid(rows, columns, indexing="ij"))
    y, x = (a + rng.uniform(-0.3, 0.3, a.shape) for a in (y, x))
    at = np.arange(half / 2 + pitch / 2, half - pitch / 4, pitch) + rng.uniform(-0.2, 0.2)
    lines = [Filament(Curve(np.array([[c, -half - 0.5, 0.0], [c, half + 0.5, 0.0]]))) for c in at]
    sample = Sample.labelled("points and lines", lines, 100.0, box_um=_box(field_um, 0), rng=rng)
    points = np.repeat(np.column_stack([x, y, np.zeros_like(x)]), 40, axis=0)
    emitters = np.concatenate([sample.emitters_um, points])
    owner = np.concatenate([sample.owner, np.full(len(points), -1)])
    known = {"points": np.column_stack([y, x]) / pixel_um + half / pixel_um - 0.5}
    known["lines"] = at / pixel_um + half / pixel_um - 0.5
    return Sample("points and lines", emitters, owner, tuple(lines), _box(field_um, 0)), known


_DRAW = dict(zip(KINDS, (_filaments, _rings, _puncta, _tubes, _points_and_lines), strict=True))
