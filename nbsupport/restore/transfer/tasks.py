"""Fields of the tasks, microtubules and lysosomes, with the truth that their measures need."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.signal import fftconvolve

from nbsupport.checks import whole_number
from nbsupport.optics import Optics, require_pixel_um
from nbsupport.simulate.planar import point_spread_kernel
from nbsupport.simulate.structures import lysosomes, microtubules

KINDS = ("microtubules", "lysosomes")

_FINER = 3  # pixels of the grid on which emitters are counted, per pixel and axis
_MARGIN_UM = 1.0  # around the field, from which structures send light into it


def task_field(
    kind: str,
    optics: Optics,
    *,
    rng: np.random.Generator,
    pixels: int,
    pixel_um: float = 0.1,
    background: float = 0.05,
) -> xr.Dataset:
    """Draw one field in focus.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    optics : Optics
    rng : numpy.random.Generator
        Source of all draws.
    pixels : int
        Per side, 16 or more.
    pixel_um : float
        µm.
    background : float
        Light without structure, share of the brightest.

    Returns
    -------
    Dataset, (y, x)
        ``light``: noise-free image, brightest pixel 1; ``object``: emitters per pixel. For lysosomes
        ``attrs["points_px"]`` (n, 2) holds the positions (y, x) of their centres, pixels, and ``attrs["radii_um"]``
        their radii.

    Raises
    ------
    ValueError
        If there is no such kind or a number is out of range.

    References
    ----------
    wang2021, Figs. 1 and 2, which use cells; number and density of structures are chosen here.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is unknown; give one of {', '.join(KINDS)}")
    pixels, pixel_um = whole_number("pixels", pixels, least=16), require_pixel_um("pixel_um", pixel_um)
    margin = round(_MARGIN_UM / pixel_um)
    field_um = (pixels + 2 * margin) * pixel_um
    half = field_um / 2
    sample, known = _DRAW[kind](rng, half, field_um)
    fine = sample.render(pixel_um / _FINER, field_um + 1e-9).values
    image = np.maximum(fftconvolve(fine, point_spread_kernel(optics, pixel_um / _FINER), mode="same"), 0)
    inner = (slice(margin, margin + pixels),) * 2
    light, emitters = (
        a.reshape(pixels + 2 * margin, _FINER, -1, _FINER).sum(axis=(1, 3))[inner] for a in (image, fine)
    )
    axis = (np.arange(pixels) - (pixels - 1) / 2) * pixel_um
    light = background + (1 - background) * light / max(light.max(), 1e-12)
    if known:
        points = (known["points_um"] / pixel_um + (pixels - 1) / 2).reshape(-1, 2)
        seen = np.all((points > -0.5) & (points < pixels - 0.5), axis=1)
        known = {"points_px": points[seen], "radii_um": known["radii_um"][seen]}
    data = {"light": (("y", "x"), light), "object": (("y", "x"), emitters)}
    return xr.Dataset(data, coords={"y": axis, "x": axis}, attrs={"kind": kind, **known})


def _microtubules(rng, half, field_um):
    box = ((-half, half), (-half, half), (0.0, 0.0))
    return microtubules(rng=rng, count=max(3, round(field_um**2 / 3)), density_per_um2=2500.0, box_um=_thick(box)), {}


def _lysosomes(rng, half, field_um):
    box = ((-half, half), (-half, half), (-0.1, 0.1))
    number = max(3, int(rng.poisson(field_um**2 / 2)))
    sample = lysosomes(rng=rng, count=number, radius_um=(0.1, 0.25), density_per_um3=20_000.0, box_um=box)
    centres = np.array([ball.centre[[1, 0]] for ball in sample.objects])
    return sample, {"points_um": centres, "radii_um": np.array([ball.radius_um for ball in sample.objects])}


def _thick(box):
    """Room for the radius of a tube above and below its centre line."""
    return (*box[:2], (-0.05, 0.05))


_DRAW = {"microtubules": _microtubules, "lysosomes": _lysosomes}
