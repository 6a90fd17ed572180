"""What is kept of a simulated sample: the geometry of its objects and the emitters on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Protocol

import numpy as np
import xarray as xr

from nbsupport.optics import require_pixel_um

from .curve import Curve

Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

# x, y and z range of the simulated volume, µm; z = 0 is the focal plane (jadhav2021, section 2.1 A1).
BOX_UM: Box = ((-2.5, 2.5), (-2.5, 2.5), (-0.5, 0.5))
_LINE_SPACING_UM = 0.01


def box_corners(box_um: Box) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner (3,) of a box, µm; a ValueError if it is not three finite (low, high) pairs."""
    box = np.asarray(box_um, dtype=np.float64)
    if box.shape != (3, 2) or not np.isfinite(box).all() or np.any(box[:, 0] > box[:, 1]):
        raise ValueError(f"box_um={box_um!r} must be three finite pairs (low, high) for x, y and z")
    return box[:, 0], box[:, 1]


def object_count(count: int | None, least: int, most: int, *, rng: np.random.Generator) -> int:
    """The number asked for, or if None a uniform draw from `least` to `most`, both included."""
    if count is None:
        return int(rng.integers(least, most, endpoint=True))
    if not isinstance(count, Integral) or count < 0:
        raise ValueError(f"count={count!r} must be a whole number of objects, 0 or more, or None to draw it")
    return int(count)


class Object(Protocol):
    """Anything that can carry emitters: its measure is a length, an area or a volume."""

    @property
    def measure(self) -> float:
        """Size of the labelled set in µm, µm² or µm³."""

    def place(self, n: int, *, rng: np.random.Generator) -> np.ndarray:
        """Positions (n, 3), µm, of n emitters placed uniformly on that set."""


@dataclass(frozen=True, eq=False)
class Filament:
    """Curve without thickness, labelled along its length."""

    curve: Curve

    @property
    def length_um(self) -> float:
        """Arc length, µm."""
        return self.curve.length_um

    @property
    def measure(self) -> float:
        """Length, µm."""
        return self.length_um

    @cached_property
    def centre_line(self) -> np.ndarray:
        """Points (k, 3), µm, along the curve, at most 10 nm apart."""
        return self.curve.points(self.curve.sampled(_LINE_SPACING_UM))

    def place(self, n: int, *, rng: np.random.Generator) -> np.ndarray:
        """Positions (n, 3), µm, uniform in arc length."""
        return self.curve.points(rng.uniform(0, self.length_um, n))


@dataclass(frozen=True, eq=False)
class Tube(Filament):
    """Tube of constant radius around a curve, labelled on its wall; both ends are open."""

    radius_um: float

    @property
    def measure(self) -> float:
        """Area of the wall, µm²: exactly 2π · radius · length, however the tube bends."""
        return 2 * np.pi * self.radius_um * self.length_um

    def place(self, n: int, *, rng: np.random.Generator) -> np.ndarray:
        """Positions (n, 3), µm, uniform in area.

        The wall's area element, over a straight tube's, is 1 - a with a = radius · (curvature vector · direction). Its
        mean over a turn is 1, so arc lengths are uniform. The direction is drawn uniformly in the normal plane, by
        projecting an isotropic vector, and where it points inside the bend it is reversed with probability a: together
        that is the density 1 - a exactly, and no frame has to be carried along the curve.
        """
        arc = rng.uniform(0, self.length_um, n)
        tangent, direction = self.curve.tangents(arc), rng.standard_normal((n, 3))
        direction -= np.sum(direction * tangent, axis=1, keepdims=True) * tangent
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        inside = self.radius_um * np.sum(self.curve.curvatures(arc) * direction, axis=1)
        direction[rng.random(n) < inside] *= -1
        return self.curve.points(arc) + self.radius_um * direction


@dataclass(frozen=True, eq=False)
class Vesicle:
    """Sphere, labelled on its membrane."""

    centre: np.ndarray  # (3,), µm
    radius_um: float

    @property
    def measure(self) -> float:
        """Area of the membrane, µm²."""
        return 4 * np.pi * self.radius_um**2

    def place(self, n: int, *, rng: np.random.Generator) -> np.ndarray:
        """Positions (n, 3), µm, uniform in area."""
        direction = rng.standard_normal((n, 3))
        return self.centre + self.radius_um * direction / np.linalg.norm(direction, axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Ball(Vesicle):
    """Sphere, labelled throughout its inside."""

    @property
    def measure(self) -> float:
        """Volume, µm³."""
        return 4 / 3 * np.pi * self.radius_um**3

    def place(self, n: int, *, rng: np.random.Generator) -> np.ndarray:
        """Positions (n, 3), µm, uniform in volume."""
        depth = np.cbrt(rng.random((n, 1)))
        return self.centre + depth * (super().place(n, rng=rng) - self.centre)


@dataclass(frozen=True, eq=False)
class Sample:
    """One simulated sample with its truth.

    Parameters
    ----------
    kind : str
        Name of the structure, for example ``"actin"``.
    emitters_um : ndarray of float64, (n, 3), µm
        Positions, columns x, y, z; the field is centred at 0 and z = 0 is the focal plane.
    owner : ndarray of int64, (n,)
        Index into `objects` of the object that each emitter sits on.
    objects : tuple
        Geometry of every object: `Filament`, `Tube`, `Vesicle`, `Ball`. The box may have taken all emitters of one.
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        Volume outside of which no emitter is kept.
    """

    kind: str
    emitters_um: np.ndarray
    owner: np.ndarray
    objects: tuple[Object, ...]
    box_um: Box = BOX_UM

    @classmethod
    def labelled(cls, kind: str, objects, density: float, *, box_um: Box = BOX_UM, rng: np.random.Generator) -> Sample:
        """Put emitters on objects: a Poisson number of mean density × measure each, then drop those outside the box."""
        if not (np.isfinite(density) and density >= 0):
            raise ValueError(f"density={density!r} must be a finite number of emitters per µm, µm² or µm³, 0 or more")
        numbers = rng.poisson([density * thing.measure for thing in objects])
        placed = [thing.place(n, rng=rng) for thing, n in zip(objects, numbers, strict=True)]
        emitters = np.concatenate([np.empty((0, 3)), *placed])
        low, high = box_corners(box_um)
        kept = np.all((low <= emitters) & (emitters <= high), axis=1)
        owner = np.repeat(np.arange(len(objects)), numbers)
        return cls(kind, emitters[kept], owner[kept], tuple(objects), box_um)

    def centre_lines(self) -> list[np.ndarray]:
        """Centre line (k, 3), µm, of every filament and tube, points at most 10 nm apart; none for vesicles."""
        return [thing.centre_line for thing in self.objects if isinstance(thing, Filament)]

    def render(self, pixel_um: float, field_um: float = 5.0) -> xr.DataArray:
        """Count the emitters that lie over each pixel: the truth at any pixel size.

        Parameters
        ----------
        pixel_um : float
            Pixel size, µm.
        field_um : float
            Side of the square field, µm; floor(field / pixel) pixels per axis, centred at 0.

        Returns
        -------
        DataArray, ("y", "x"), emitters per pixel
            Coordinates in µm at pixel centres. Emitters beyond the last whole pixel are not counted.

        Raises
        ------
        ValueError
            If the pixel size is not between 0.001 and 1 µm or the field holds no pixel.
        """
        require_pixel_um("pixel_um", pixel_um)
        if field_um > 1000:
            raise ValueError(f"field_um={field_um:g} looks like nanometres; give micrometres, {field_um / 1000:g}")
        n = int(np.floor(field_um / pixel_um + 1e-9))
        if n < 1:
            raise ValueError(f"field_um={field_um!r} holds no whole pixel of {pixel_um} µm")
        edges = (np.arange(n + 1) - n / 2) * pixel_um
        counts, _, _ = np.histogram2d(self.emitters_um[:, 1], self.emitters_um[:, 0], bins=(edges, edges))
        centres = (edges[:-1] + edges[1:]) / 2
        return xr.DataArray(
            counts, dims=("y", "x"), coords={"y": centres, "x": centres}, name="emitters", attrs={"units": "1"}
        )
