"""Samples made of thin lines: actin, microtubules, curved lines in a plane."""

from __future__ import annotations

import numpy as np

from .sample import BOX_UM, Box, Filament, Sample, Tube, object_count
from .walk import CurveRules, random_curve

ACTIN_CURVES = CurveRules()
MICROTUBULE_CURVES = CurveRules(
    points=(4, 6), longest_um=8.0, step_um=(1.0, 1.5), turn_rad=0.15, tilt_rad=0.05, least_bend_um=0.5
)
PLANAR_CURVES = CurveRules(step_um=(0.2, 1.5), tilt_rad=0.0)
PLANE_UM: Box = (*BOX_UM[:2], (0.0, 0.0))


def actin(
    *,
    rng: np.random.Generator,
    count: int | None = None,
    density_per_um: float = 100.0,
    curves: CurveRules = ACTIN_CURVES,
    box_um: Box = BOX_UM,
) -> Sample:
    """Actin filaments: random smooth curves with emitters along them, uniform in arc length.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    count : int, optional
        Number of filaments; None draws it uniformly from 3 to 10.
    density_per_um : float
        Mean number of emitters per µm; each filament carries a Poisson number of them.
    curves : CurveRules
        Control points (3 to 6), length (at most 5 µm, longer ones are scaled down) and bending of the curves.
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        Control points are drawn inside; emitters outside are dropped.

    Returns
    -------
    Sample
        Of kind "actin"; objects are `Filament`.

    Raises
    ------
    ValueError
        If a parameter is out of range or no curve can obey the rules.

    References
    ----------
    jadhav2021, section 2.1 A1. Not stated there, chosen here: Poisson numbers, kind of spline, spread of the control
    points, what happens at the box and to long curves. The least radius of curvature, 0.15 µm, is no property of actin
    but keeps the spline from folding where a walk turns back at a wall.
    """
    number = object_count(count, 3, 10, rng=rng)
    filaments = [Filament(random_curve(box_um, curves, rng=rng)) for _ in range(number)]
    return Sample.labelled("actin", filaments, density_per_um, box_um=box_um, rng=rng)


def curved_lines(
    *,
    rng: np.random.Generator,
    count: int | None = 10,
    density_per_um: float = 100.0,
    curves: CurveRules = PLANAR_CURVES,
    box_um: Box = PLANE_UM,
) -> Sample:
    """Curved lines of various lengths in the focal plane, for pre-training on simple images.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    count : int, optional
        Number of lines, 10 in the source; None draws it uniformly from 5 to 15.
    density_per_um : float
        Mean number of emitters per µm.
    curves : CurveRules
        Control points, length and bending of the curves.
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        A flat box (z0 = z1) keeps the lines in one plane.

    Returns
    -------
    Sample
        Of kind "curved_lines"; objects are `Filament`.

    Raises
    ------
    ValueError
        As for `actin`.

    References
    ----------
    wang2021, supplementary Fig. 6: 10 random curved lines of various lengths. All else is chosen here.
    """
    number = object_count(count, 5, 15, rng=rng)
    lines = [Filament(random_curve(box_um, curves, rng=rng)) for _ in range(number)]
    return Sample.labelled("curved_lines", lines, density_per_um, box_um=box_um, rng=rng)


def microtubules(
    *,
    rng: np.random.Generator,
    count: int | None = None,
    radius_um: float = 0.0125,
    density_per_um2: float = 1250.0,
    curves: CurveRules = MICROTUBULE_CURVES,
    box_um: Box = BOX_UM,
) -> Sample:
    """Microtubules: stiff tubes of 25 nm diameter, many of which run out of the field.

    Centre lines are drawn in a box twice as wide as the field and kept if a control point lies over the field itself.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    count : int, optional
        Number of microtubules; None draws it uniformly from 5 to 15.
    radius_um : float
        Radius of the labelled wall, µm.
    density_per_um2 : float
        Mean number of emitters per µm² of wall; the default is about 100 per µm of length.
    curves : CurveRules
        Control points, length and bending of the centre lines.
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        Emitters outside are dropped.

    Returns
    -------
    Sample
        Of kind "microtubules"; objects are `Tube`.

    Raises
    ------
    ValueError
        As for `actin`.

    References
    ----------
    Stand-in for jadhav2021, Fig. 11, and wang2021, Fig. 1, which use cells. Only the 25 nm are a property of
    microtubules; number, labelling and stiffness are chosen here.
    """
    wide = (*((1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low) for low, high in box_um[:2]), box_um[2])
    (x0, x1), (y0, y1), _ = box_um
    tubes, number = [], object_count(count, 5, 15, rng=rng)
    while len(tubes) < number:
        curve = random_curve(wide, curves, tube_radius_um=radius_um, rng=rng)
        x, y, _ = curve.control_points.T
        if np.any((x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)):
            tubes.append(Tube(curve, radius_um))
    return Sample.labelled("microtubules", tubes, density_per_um2, box_um=box_um, rng=rng)
