"""Smooth curves in space, measured by their arc length."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline

_NODES_PER_SPAN = 64  # arc lengths are then good to about 1e-8 µm
_GAUSS_POINTS, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(5)


@dataclass(frozen=True, eq=False)
class Curve:
    """Interpolating cubic spline through control points, with natural ends, over the length of their chords.

    Scaling, turning or shifting the control points does the same to the curve, so its length scales with them.

    Parameters
    ----------
    control_points : ndarray, (m, 3), µm
        At least two; columns x, y, z. Neighbours must differ.

    Raises
    ------
    ValueError
        If the control points have another shape, are not finite or coincide with a neighbour.

    References
    ----------
    jadhav2021, section 2.1 A1 names "a spline"; its type and parameter are choices made here.
    """

    control_points: np.ndarray

    def __post_init__(self):
        points = np.array(self.control_points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2 or not np.isfinite(points).all():
            raise ValueError(
                f"control_points must be finite and of shape (2 or more, 3), their shape is {points.shape}"
            )
        if not np.all(np.any(np.diff(points, axis=0) != 0, axis=1)):
            raise ValueError("control_points repeat a point: neighbours must differ")
        object.__setattr__(self, "control_points", points)

    @cached_property
    def _spline(self) -> CubicSpline:
        chords = np.linalg.norm(np.diff(self.control_points, axis=0), axis=1)
        return CubicSpline(np.concatenate([[0.0], np.cumsum(chords)]), self.control_points, bc_type="natural")

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Spline parameters from end to end and the arc length up to each, by Gauss–Legendre quadrature."""
        knots = self._spline.x
        inner = np.linspace(knots[:-1], knots[1:], _NODES_PER_SPAN, endpoint=False, axis=1).ravel()
        u = np.append(inner, knots[-1])
        half = np.diff(u)[:, None] / 2
        speed = np.linalg.norm(self._spline(u[:-1, None] + half * (1 + _GAUSS_POINTS), 1), axis=-1)
        return u, np.concatenate([[0.0], np.cumsum((half * speed) @ _GAUSS_WEIGHTS)])

    @cached_property
    def length_um(self) -> float:
        """Arc length, µm."""
        return float(self._nodes[1][-1])

    @cached_property
    def _parameter(self) -> CubicHermiteSpline:
        u, arc = self._nodes
        return CubicHermiteSpline(arc, u, 1 / np.linalg.norm(self._spline(u, 1), axis=1))

    def points(self, arc_um) -> np.ndarray:
        """Points (n, 3), µm, at the arc lengths `arc_um` (n,), µm, from the first control point."""
        return self._spline(self._parameter(arc_um))

    def tangents(self, arc_um) -> np.ndarray:
        """Unit tangents (n, 3) at the arc lengths `arc_um` (n,), µm."""
        velocity = self._spline(self._parameter(arc_um), 1)
        return velocity / np.linalg.norm(velocity, axis=1, keepdims=True)

    def curvatures(self, arc_um) -> np.ndarray:
        """Curvature vectors (n, 3), 1/µm, at the arc lengths `arc_um` (n,), µm: towards the centre of the bend."""
        u = self._parameter(arc_um)
        velocity, acceleration = self._spline(u, 1), self._spline(u, 2)
        square = np.sum(velocity**2, axis=1, keepdims=True)
        along = np.sum(velocity * acceleration, axis=1, keepdims=True) / square
        return (acceleration - along * velocity) / square

    def sampled(self, spacing_um: float) -> np.ndarray:
        """Arc lengths from end to end, µm, evenly spaced by at most `spacing_um`."""
        return np.linspace(0.0, self.length_um, int(np.ceil(self.length_um / spacing_um)) + 1)

    def shrunk(self, longest_um: float) -> Curve:
        """The curve, or if longer than `longest_um` its copy of that length, scaled about the mean control point."""
        factor = longest_um / self.length_um
        if factor >= 1:
            return self
        centre = self.control_points.mean(axis=0)
        return Curve(centre + factor * (self.control_points - centre))
