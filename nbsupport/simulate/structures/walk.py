"""Random smooth curves: a bounded walk of control points, a spline through them, and rules on length and bending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from .curve import Curve
from .sample import Box, box_corners

_CHECK_SPACING_UM = 0.01
_MOST_TRIES = 10_000


@dataclass(frozen=True)
class CurveRules:
    """How random centre lines are drawn.

    The source names a spline through 3 to 6 random control points that is at most 5 µm long. How far apart and how
    straight the points lie, and what happens to longer curves, are choices made here; compare runs with steps of half
    and twice the size.

    Parameters
    ----------
    points : (int, int)
        Least and greatest number of control points, drawn uniformly, both included.
    longest_um : float
        Longer curves are scaled down to this length about the mean of their control points.
    step_um : (float, float)
        Shortest and longest step between control points, drawn uniformly; at most half the box's smaller side.
    turn_rad, tilt_rad : float
        Standard deviations of the turn from step to step and of a step's angle to the focal plane, radians.
    least_bend_um : float
        Least radius of curvature; a curve that bends more sharply anywhere is drawn again.

    References
    ----------
    jadhav2021, section 2.1 A1.
    """

    points: tuple[int, int] = (3, 6)
    longest_um: float = 5.0
    step_um: tuple[float, float] = (0.5, 1.5)
    turn_rad: float = 0.6
    tilt_rad: float = 0.15
    least_bend_um: float = 0.15

    def __post_init__(self):
        if not 2 <= self.points[0] <= self.points[1]:
            raise ValueError(f"points={self.points} must be a least and a greatest number of control points, 2 or more")
        if not 0 < self.step_um[0] <= self.step_um[1]:
            raise ValueError(f"step_um={self.step_um} must be a shortest and a longest step, greater than 0")
        for name in ("longest_um", "turn_rad", "tilt_rad", "least_bend_um"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)!r} must not be negative")


def bounded_walk(box_um: Box, rules: CurveRules, *, rng: np.random.Generator) -> np.ndarray:
    """Control points of a random curve: a walk that keeps its heading for a while and never leaves the box.

    It starts anywhere in the box with any heading. Each step has a uniform length, turns in the plane by a normal angle
    and leaves the plane by another. A step across a side wall is drawn again, each time with a wider turn; one across
    the top or bottom is reflected there.

    Parameters
    ----------
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        A flat box (z0 = z1) gives a planar walk.
    rules : CurveRules
        Number of points, steps and turns.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    ndarray, (m, 3), µm
        Control points, all inside the box.

    Raises
    ------
    ValueError
        If the steps are too long for the box.
    """
    low, high = box_corners(box_um)
    if rules.step_um[1] > (high - low)[:2].min() / 2:
        raise ValueError(f"step_um={rules.step_um} must be at most half the smaller side of box_um={box_um}")
    walk, heading = [rng.uniform(low, high)], rng.uniform(-np.pi, np.pi)
    for _ in range(rng.integers(*rules.points, endpoint=True) - 1):
        spread = rules.turn_rad
        while True:
            turned, tilt, length = (
                heading + rng.normal(0, spread),
                rng.normal(0, rules.tilt_rad),
                rng.uniform(*rules.step_um),
            )
            along = [np.cos(tilt) * np.cos(turned), np.cos(tilt) * np.sin(turned), np.sin(tilt)]
            end = walk[-1] + length * np.array(along)
            if np.all((low <= end)[:2] & (end <= high)[:2]):
                break
            spread = min(1.3 * spread + 0.1, np.pi)
        heading = turned
        end[2] = low[2] + abs(end[2] - low[2])
        end[2] = np.clip(high[2] - abs(high[2] - end[2]), low[2], high[2])
        walk.append(end)
    return np.array(walk)


def random_curve(box_um: Box, rules: CurveRules, *, tube_radius_um: float = 0.0, rng: np.random.Generator) -> Curve:
    """Draw curves through bounded walks until one is fit to be a filament, or the centre line of a tube.

    A curve is fit if its radius of curvature is nowhere below the rules' least value or the tube's radius, and if the
    tube does not touch itself: points more than half a turn (π radii) apart along the curve are at least two
    radii apart in space. Then every point of the tube's wall is exactly one radius from the whole centre line.

    Parameters
    ----------
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        Volume that holds the control points. Between them the curve may swing out.
    rules : CurveRules
        Length, steps and bending.
    tube_radius_um : float
        Radius of the tube, µm; 0 for a filament, which may cross itself.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    Curve
        At most ``rules.longest_um`` long.

    Raises
    ------
    ValueError
        If 10,000 walks in turn were unfit: the rules contradict each other.
    """
    least_bend = max(rules.least_bend_um, tube_radius_um)
    for _ in range(_MOST_TRIES):
        curve = Curve(bounded_walk(box_um, rules, rng=rng)).shrunk(rules.longest_um)
        arc = curve.sampled(_CHECK_SPACING_UM)
        if np.linalg.norm(curve.curvatures(arc), axis=1).max() * least_bend > 1:
            continue
        if tube_radius_um == 0 or _keeps_clear(curve.points(arc), arc, tube_radius_um):
            return curve
    raise ValueError(f"no curve obeys {rules} with tube_radius_um={tube_radius_um} in box_um={box_um}: loosen a rule")


def _keeps_clear(points: np.ndarray, arc: np.ndarray, radius_um: float) -> bool:
    far_along = pdist(arc[:, None]) > np.pi * radius_um
    return bool(np.all(pdist(points)[far_along] >= 2 * radius_um))
