"""Random scenes of geometrical primitives, painted on a grid of 2 nm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from scipy.interpolate import BSpline
from scipy.spatial import KDTree

from nbsupport.checks import positive

from .clouds import Field

KINDS = ("B-spline", "line", "circle", "ellipse", "ring")
GRID_UM = 0.002  # resolution of the true structure (lefebvre2020, section 2.2)
_DEGREE = 3


@dataclass(frozen=True)
class SceneRules:
    """How many primitives there are and how large: the source only says that such parameters are drawn at random.

    Parameters
    ----------
    per_um2 : float
        Primitives per µm² of the field; at least one is drawn.
    kinds : tuple of str
        Of `KINDS`, drawn with equal chances. Circles and ellipses are filled, rings are not.
    length_um : (float, float)
        Of lines, and of the control polygon of B-splines, µm. All ranges are drawn from uniformly.
    thickness_um : (float, float)
        Of lines, B-splines and rings, µm.
    radius_um : (float, float)
        Radius of circles, semi-axes of ellipses, µm.
    ring_um : (float, float)
        Radius of the middle of a ring, µm.
    control_points : (int, int)
        Of B-splines, both ends included.
    turn_rad : float
        Standard deviation of the turn from one side of the control polygon to the next, radians.

    Raises
    ------
    ValueError
        If a range is empty or not positive, or a kind is unknown.

    References
    ----------
    lefebvre2020, section 2.2, names the kinds; every number is chosen here.
    """

    per_um2: float = 6.0
    kinds: tuple[str, ...] = KINDS
    length_um: tuple[float, float] = (0.6, 2.0)
    thickness_um: tuple[float, float] = (0.01, 0.05)
    radius_um: tuple[float, float] = (0.04, 0.15)
    ring_um: tuple[float, float] = (0.08, 0.35)
    control_points: tuple[int, int] = (4, 7)
    turn_rad: float = 0.5

    def __post_init__(self):
        positive("per_um2", self.per_um2, "a positive number of primitives per µm²")
        unknown = set(self.kinds) - set(KINDS)
        if unknown or not self.kinds:
            raise ValueError(f"kinds={self.kinds!r} must be some of {', '.join(KINDS)}")
        for name in ("length_um", "thickness_um", "radius_um", "ring_um"):
            low, high = getattr(self, name)
            if not 0 < low <= high < 20:
                raise ValueError(f"{name}={(low, high)} must be a range in micrometres, such as (0.01, 0.05)")
        if not _DEGREE < self.control_points[0] <= self.control_points[1]:
            raise ValueError(f"control_points={self.control_points} must be a range of {_DEGREE + 1} or more")


@dataclass(frozen=True, eq=False)
class Primitive:
    """One shape of a scene.

    Parameters
    ----------
    kind : str
    centre_um : (float, float), y and x, µm
    angle_rad : float
        From x towards y.
    size_um : (float, float)
        Line: length and thickness. Circle and ellipse: semi-axes. Ring: radius of its middle and thickness. B-spline:
        length of its control polygon and thickness.
    centre_line_um : ndarray (k, 2) or None
        Columns y, x of a B-spline, at most half a grid step apart.
    """

    kind: str
    centre_um: tuple[float, float]
    angle_rad: float
    size_um: tuple[float, float]
    centre_line_um: np.ndarray | None = None

    @property
    def reach_um(self) -> float:
        """Distance from the centre beyond which the shape has no point."""
        first, second = self.size_um
        if self.kind in ("circle", "ellipse"):
            return max(first, second)
        return {"line": np.hypot(first, second) / 2, "ring": first + second / 2}[self.kind]

    def holds(self, y_um: np.ndarray, x_um: np.ndarray) -> np.ndarray:
        """Whether points belong to the shape; any shapes that broadcast. Not for B-splines, which are stamped."""
        dy, dx = y_um - self.centre_um[0], x_um - self.centre_um[1]
        along = dx * np.cos(self.angle_rad) + dy * np.sin(self.angle_rad)
        across = dy * np.cos(self.angle_rad) - dx * np.sin(self.angle_rad)
        first, second = self.size_um
        if self.kind == "line":
            return (np.abs(along) <= first / 2) & (np.abs(across) <= second / 2)
        if self.kind == "ring":
            return np.abs(np.hypot(along, across) - first) <= second / 2
        return (along / first) ** 2 + (across / second) ** 2 <= 1


@dataclass(frozen=True, eq=False)
class Scene:
    """The true structure of one field.

    Parameters
    ----------
    kinds : DataArray, (y, x), uint8
        0 where there is nothing, else 1 + the place of the kind in `KINDS`; later primitives lie on top. Coordinates
        are the centres of cells of 2 nm, µm.
    primitives : tuple of Primitive
        In the order of painting.
    field_um : ((y0, y1), (x0, x1)), µm
    """

    kinds: xr.DataArray
    primitives: tuple[Primitive, ...]
    field_um: Field

    @cached_property
    def structure(self) -> np.ndarray:
        """Bool (y, x): where blinks can be. Every such cell is equally likely to blink, however many shapes overlap."""
        return self.kinds.values > 0

    @cached_property
    def cells(self) -> np.ndarray:
        """Flat indices of the cells of the structure, (cell,)."""
        return np.flatnonzero(self.structure)

    @property
    def coverage(self) -> float:
        """Share of the field that is structure."""
        return float(self.structure.mean())


def scene(*, rng: np.random.Generator, field_um: float = 2.56, rules: SceneRules | None = None) -> Scene:
    """Draw a scene: primitives with uniform centres in a square field, cut where they leave it.

    Parameters
    ----------
    rng : numpy.random.Generator
    field_um : float
        Edge of the field, µm, a whole number of cells of 2 nm; 256 pixels of 10 nm in the source.
    rules : SceneRules, optional

    Returns
    -------
    Scene

    Raises
    ------
    ValueError
        If the field is no whole number of cells.

    References
    ----------
    lefebvre2020, section 2.2.
    """
    rules = rules or SceneRules()
    side = _cells(field_um)
    centres = (np.arange(side) + 0.5) * GRID_UM
    labels = np.zeros((side, side), dtype=np.uint8)
    primitives = []
    for _ in range(max(1, round(rules.per_um2 * field_um**2))):
        kind = rules.kinds[rng.integers(len(rules.kinds))]
        primitive = _drawn(kind, field_um, rules, rng)
        primitives.append(primitive)
        _paint(labels, centres, primitive)
    kinds = xr.DataArray(labels, dims=("y", "x"), coords={"y": centres, "x": centres}, attrs={"units": "1"})
    return Scene(kinds, tuple(primitives), ((0.0, float(field_um)), (0.0, float(field_um))))


def _cells(field_um: float) -> int:
    side = positive("field_um", field_um, "the edge of a square field in micrometres") / GRID_UM
    if abs(side - round(side)) > 1e-6 or side > 20_000:
        raise ValueError(f"field_um={field_um} must be a whole number of cells of {GRID_UM} µm, at most 40 µm")
    return round(side)


def _drawn(kind: str, field_um: float, rules: SceneRules, rng: np.random.Generator) -> Primitive:
    centre, angle = tuple(rng.uniform(0, field_um, 2)), rng.uniform(-np.pi, np.pi)
    thickness = rng.uniform(*rules.thickness_um)
    if kind == "B-spline":
        length = rng.uniform(*rules.length_um)
        return Primitive(kind, centre, angle, (length, thickness), _b_spline(centre, angle, length, rules, rng))
    if kind == "line":
        return Primitive(kind, centre, angle, (rng.uniform(*rules.length_um), thickness))
    if kind == "ring":
        return Primitive(kind, centre, angle, (rng.uniform(*rules.ring_um), thickness))
    first, second = rng.uniform(*rules.radius_um, 2)
    return Primitive(kind, centre, angle, (first, first if kind == "circle" else second))


def _b_spline(centre, angle: float, length: float, rules: SceneRules, rng: np.random.Generator) -> np.ndarray:
    """Points of a cubic B-spline that begins and ends at the ends of its control polygon, about its mean."""
    count = rng.integers(*rules.control_points, endpoint=True)
    headings = angle + np.cumsum(rng.normal(0, rules.turn_rad, count - 1))
    steps = length / (count - 1) * np.stack([np.sin(headings), np.cos(headings)], axis=1)
    control = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    control += np.asarray(centre) - control.mean(axis=0)
    inner = np.arange(1, count - _DEGREE)
    knots = np.concatenate([np.zeros(_DEGREE + 1), inner, np.full(_DEGREE + 1, count - _DEGREE)])
    # the curve runs at most three times as fast as its mean, since its derivative blends sides of equal length
    samples = int(np.ceil(3 * length / (GRID_UM / 2)))
    return BSpline(knots, control, _DEGREE)(np.linspace(0, count - _DEGREE, samples))


def _paint(labels: np.ndarray, centres: np.ndarray, primitive: Primitive) -> None:
    label = 1 + KINDS.index(primitive.kind)
    if primitive.kind == "B-spline":
        labels[_stamped(primitive, labels.shape[0])] = label
        return
    box = tuple(
        slice(*np.searchsorted(centres, [middle - primitive.reach_um, middle + primitive.reach_um]))
        for middle in primitive.centre_um
    )
    inside = primitive.holds(centres[box[0], None], centres[None, box[1]])
    labels[box][inside] = label


def _stamped(primitive: Primitive, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells whose centres lie in a band around a curve.

    Candidates are the cells that the band touches, found by points across it at every point along it, closer together
    than the cells.
    """
    line = primitive.centre_line_um
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    half = primitive.size_um[1] / 2
    across = np.linspace(-half, half, int(np.ceil(2 * half / (GRID_UM / 2))) + 1)
    points = line[:, None, :] + across[:, None] * normal[:, None, :]
    rows, columns = np.floor(points / GRID_UM).astype(int).reshape(-1, 2).T
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    rows, columns = np.divmod(np.unique(rows[inside] * side + columns[inside]), side)
    cells = (np.stack([rows, columns], axis=1) + 0.5) * GRID_UM
    near = np.isfinite(KDTree(line).query(cells, distance_upper_bound=half)[0])
    return rows[near], columns[near]
