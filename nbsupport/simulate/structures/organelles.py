"""Samples made of membranes: mitochondria, vesicles, lysosome-like puncta, endoplasmic-reticulum-like networks."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Voronoi

from .curve import Curve
from .sample import BOX_UM, Ball, Box, Sample, Tube, Vesicle, box_corners, object_count
from .walk import CurveRules, random_curve

MITOCHONDRION_CURVES = CurveRules()


def mitochondria(
    *,
    rng: np.random.Generator,
    count: int | None = None,
    radius_um: float = 0.15,
    density_per_um2: float = 500.0,
    curves: CurveRules = MITOCHONDRION_CURVES,
    box_um: Box = BOX_UM,
) -> Sample:
    """Mitochondria: tubes of constant radius around random smooth curves, emitters uniform on the wall.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    count : int, optional
        Number of mitochondria; None draws it uniformly from 1 to 4.
    radius_um : float
        Radius of the tube, µm. A centre line that bends more sharply, or brings the tube in touch with itself, is drawn
        again, so that every emitter lies exactly one radius from its whole centre line.
    density_per_um2 : float
        Mean number of emitters per µm² of wall; each tube carries a Poisson number of them.
    curves : CurveRules
        Control points (3 to 6), length (at most 5 µm, longer ones are scaled down) and bending of the centre lines.
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        Control points are drawn inside; emitters outside are dropped.

    Returns
    -------
    Sample
        Of kind "mitochondria"; objects are `Tube`.

    Raises
    ------
    ValueError
        If a parameter is out of range or no curve can obey the rules.

    References
    ----------
    jadhav2021, section 2.1 A1. Not stated there, chosen here: open ends (no caps), emitters uniform in area on bends,
    Poisson numbers, the two rules on centre lines, and that different mitochondria may overlap.
    """
    _require_radius("radius_um", radius_um)
    number = object_count(count, 1, 4, rng=rng)
    tubes = [Tube(random_curve(box_um, curves, tube_radius_um=radius_um, rng=rng), radius_um) for _ in range(number)]
    return Sample.labelled("mitochondria", tubes, density_per_um2, box_um=box_um, rng=rng)


def vesicles(
    *,
    rng: np.random.Generator,
    count: int | None = None,
    radius_um: tuple[float, float] = (0.025, 0.5),
    density_per_um2: float = 2000.0,
    box_um: Box = BOX_UM,
) -> Sample:
    """Vesicles: spheres with emitters uniform on the membrane.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    count : int, optional
        Number of vesicles; None draws it uniformly from 10 to 30.
    radius_um : (float, float)
        Smallest and largest radius, µm, drawn uniformly.
    density_per_um2 : float
        Mean number of emitters per µm² of membrane; each vesicle carries a Poisson number of them.
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        Centres are drawn inside, uniformly; emitters outside are dropped, which opens vesicles at the walls.

    Returns
    -------
    Sample
        Of kind "vesicles"; objects are `Vesicle`.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    jadhav2021, section 2.1 A1 and 3.2. Not stated there, chosen here: Poisson numbers, uniform centres, and that
    vesicles may overlap and be cut by the box.
    """
    spheres = _spheres(Vesicle, object_count(count, 10, 30, rng=rng), radius_um, box_um, rng=rng)
    return Sample.labelled("vesicles", spheres, density_per_um2, box_um=box_um, rng=rng)


def lysosomes(
    *,
    rng: np.random.Generator,
    count: int | None = None,
    radius_um: tuple[float, float] = (0.1, 0.3),
    density_per_um3: float = 5000.0,
    box_um: Box = BOX_UM,
) -> Sample:
    """Lysosome-like puncta: balls filled with emitters, uniform in volume, as a dye of acid compartments fills them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    count : int, optional
        Number of puncta; None draws it uniformly from 10 to 40.
    radius_um : (float, float)
        Smallest and largest radius, µm, drawn uniformly.
    density_per_um3 : float
        Mean number of emitters per µm³.
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        Centres are drawn inside, uniformly; emitters outside are dropped.

    Returns
    -------
    Sample
        Of kind "lysosomes"; objects are `Ball`.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    Stand-in for wang2021, Fig. 2, which uses cells. Number, size and labelling are chosen here.
    """
    balls = _spheres(Ball, object_count(count, 10, 40, rng=rng), radius_um, box_um, rng=rng)
    return Sample.labelled("lysosomes", balls, density_per_um3, box_um=box_um, rng=rng)


def endoplasmic_reticulum(
    *,
    rng: np.random.Generator,
    count: int | None = None,
    radius_um: float = 0.05,
    density_per_um2: float = 500.0,
    undulation_um: float = 0.1,
    box_um: Box = BOX_UM,
) -> Sample:
    """Endoplasmic-reticulum-like network: slightly bent tubes along the edges of random polygons, three at a junction.

    The polygons are the Voronoi cells of random points in a box twice as wide as the field.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    count : int, optional
        Mean number of polygons over the field; None draws it uniformly from 15 to 40.
    radius_um : float
        Radius of the tubes, µm.
    density_per_um2 : float
        Mean number of emitters per µm² of wall.
    undulation_um : float
        Standard deviation of the junctions' height about the middle of the box, µm.
    box_um : ((x0, x1), (y0, y1), (z0, z1)), µm
        Emitters outside are dropped.

    Returns
    -------
    Sample
        Of kind "endoplasmic_reticulum"; objects are `Tube`, one per edge. Tubes run into each other at junctions.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    Stand-in for hughes2024, Fig. 2, which uses cells. Geometry and labelling are chosen here.
    """
    _require_radius("radius_um", radius_um)
    low, high = box_corners(box_um)
    number = 4 * object_count(count, 15, 40, rng=rng)
    if number == 0:
        return Sample.labelled("endoplasmic_reticulum", [], density_per_um2, box_um=box_um, rng=rng)
    middle, extent = (low + high) / 2, (high - low)[:2]
    cells = Voronoi(middle[:2] + extent * rng.uniform(-1, 1, (number, 2)))
    height = np.clip(rng.normal(middle[2], undulation_um, len(cells.vertices)), low[2], high[2])
    junctions = np.column_stack([cells.vertices, height])
    over_field = np.all(np.abs(junctions[:, :2] - middle[:2]) <= extent / 2, axis=1)
    tubes = []
    for ends in cells.ridge_vertices:
        if min(ends) >= 0 and over_field[ends].any():
            tubes.append(Tube(_bent_edge(*junctions[ends], radius_um, rng=rng), radius_um))
    return Sample.labelled("endoplasmic_reticulum", tubes, density_per_um2, box_um=box_um, rng=rng)


def _bent_edge(start: np.ndarray, end: np.ndarray, radius_um: float, *, rng: np.random.Generator) -> Curve:
    """Edge whose middle is pushed sideways by up to 15 % of its length; straight if too short to bend as a tube."""
    x, y, _ = across = end - start
    sag = np.clip(rng.normal(0, 0.05), -0.15, 0.15)
    if np.hypot(x, y) < 2 * radius_um:
        return Curve([start, end])
    return Curve([start, start + across / 2 + sag * np.array([-y, x, 0.0]), end])


def _spheres(shape, number: int, radius_um, box_um: Box, *, rng: np.random.Generator) -> list:
    smallest, largest = radius_um
    _require_radius("radius_um", smallest)
    if largest < smallest:
        raise ValueError(f"radius_um={radius_um!r} must be a smallest and a largest radius")
    radii, centres = rng.uniform(smallest, largest, number), rng.uniform(*box_corners(box_um), (number, 3))
    return [shape(centre, float(radius)) for centre, radius in zip(centres, radii, strict=True)]


def _require_radius(name: str, radius_um: float) -> None:
    if not 0 < radius_um <= 5:
        hint = f"looks like nanometres; give micrometres, {radius_um / 1000:g}" if radius_um > 5 else "must be above 0"
        raise ValueError(f"{name}={radius_um!r} {hint}")
