"""Lines on which the images of one sample are compared: across walls, filaments and vesicles, and through nothing."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from nbsupport.simulate.structures import Sample, Vesicle

Lines = np.ndarray
"""(n, 2, 2), µm: start and end of every line, each (x, y)."""


def across_tubes(sample: Sample, half_field_um: float, *, spacing_um: float = 0.2, reach_um: float = 0.4) -> Lines:
    """Lines normal to the centre lines of tubes, where they lie inside the field.

    Parameters
    ----------
    sample : Sample
    half_field_um : float
        Half the edge of the field, µm.
    spacing_um, reach_um : float
        Distance of neighbouring lines, and how far each reaches to either side, µm.
    """
    arcs = [np.arange(spacing_um / 2, tube.length_um, spacing_um) for tube in _curves(sample)]
    feet = [_feet(tube.curve, arc) for tube, arc in zip(_curves(sample), arcs, strict=True)]
    return _inside(_lines(feet, reach_um), half_field_um)


def across_filaments(
    sample: Sample, half_field_um: float, *, spacing_um: float = 0.1, reach_um: float = 0.15, focus_um: float = 0.25
) -> Lines:
    """Lines normal to filaments near focus that no other stretch of filament comes close to in projection.

    Parameters
    ----------
    sample : Sample
    half_field_um : float
        Half the edge of the field, µm.
    spacing_um, reach_um : float
        As in `across_tubes`. Other stretches stay at least twice the reach away.
    focus_um : float
        Largest distance from the focal plane, µm.
    """
    feet, points, owners = [], [], []
    for owner, filament in enumerate(_curves(sample)):
        arc = np.arange(reach_um, filament.length_um - reach_um, spacing_um)
        feet.append(_feet(filament.curve, arc))
        line = filament.centre_line
        points.append(np.column_stack([line[:, :2], np.linspace(0, filament.length_um, len(line))]))
        owners.append(np.full(len(line), owner))
    if not feet:
        return np.empty((0, 2, 2))
    tree, along, owner = KDTree(np.concatenate(points)[:, :2]), np.concatenate(points)[:, 2], np.concatenate(owners)
    kept = []
    for own, (centre, normal, arc) in enumerate(feet):
        near = tree.query_ball_point(centre[:, :2], 2 * reach_um)
        alone = [
            np.all((owner[i] == own) & (np.abs(along[i] - a) < np.pi * reach_um))
            for i, a in zip(near, arc, strict=True)
        ]
        chosen = np.array(alone, dtype=bool) & (np.abs(centre[:, 2]) <= focus_um)
        kept.append((centre[chosen], normal[chosen], arc[chosen]))
    return _inside(_lines(kept, reach_um), half_field_um)


def across_vesicles(
    sample: Sample,
    half_field_um: float,
    *,
    radius_um: tuple[float, float] = (0.1, 0.5),
    margin_um: float = 0.25,
    focus_um: float = 0.25,
) -> tuple[Lines, np.ndarray]:
    """Lines along x through the centres of vesicles.

    Parameters
    ----------
    sample : Sample
    half_field_um : float
        Half the edge of the field, µm.
    radius_um : (float, float)
        Smallest and largest vesicle, µm.
    margin_um : float
        How far a line reaches beyond the membrane, µm.
    focus_um : float
        Largest distance of a centre from the focal plane, µm.

    Returns
    -------
    lines : ndarray, (n, 2, 2), µm
    radii : ndarray, (n,), µm
    """
    chosen = [
        thing
        for thing in sample.objects
        if isinstance(thing, Vesicle)
        and radius_um[0] <= thing.radius_um <= radius_um[1]
        and abs(thing.centre[2]) <= focus_um
        and np.abs(thing.centre[:2]).max() + thing.radius_um + margin_um < half_field_um
    ]
    radii = np.array([thing.radius_um for thing in chosen])
    centres = np.array([thing.centre[:2] for thing in chosen]).reshape(-1, 2)
    reach = np.column_stack([radii + margin_um, np.zeros(len(radii))])
    return np.stack([centres - reach, centres + reach], axis=1), radii


def through_nothing(
    sample: Sample,
    half_field_um: float,
    *,
    count: int = 20,
    length_um: float = 0.6,
    clear_um: float = 0.15,
    seed: int = 0,
) -> Lines:
    """Random lines that stay clear of every emitter in projection; fewer than asked for where there is little room.

    Parameters
    ----------
    sample : Sample
    half_field_um : float
        Half the edge of the field, µm.
    count : int
    length_um, clear_um : float
        Of every line, and its least distance from emitters, µm.
    seed : int
    """
    rng = np.random.default_rng(seed)
    centre, angle = rng.uniform(-half_field_um, half_field_um, (50 * count, 2)), rng.uniform(0, np.pi, 50 * count)
    half = length_um / 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    lines = _inside(np.stack([centre - half, centre + half], axis=1), half_field_um)
    if not len(sample.emitters_um):
        return lines[:count]
    along = np.linspace(0, 1, 2 + int(length_um / 0.05))[:, None]
    points = lines[:, :1] + along * (lines[:, 1:] - lines[:, :1])
    distance, _ = KDTree(sample.emitters_um[:, :2]).query(points, distance_upper_bound=2 * clear_um)
    return lines[(distance > clear_um).all(axis=1)][:count]


def _curves(sample: Sample) -> list:
    return [thing for thing in sample.objects if hasattr(thing, "curve")]


def _feet(curve, arc: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (n, 3), unit normals in the image (n, 2) and arc lengths (n,), where the curve is not seen end-on."""
    centre, tangent = curve.points(arc), curve.tangents(arc)[:, :2]
    size = np.linalg.norm(tangent, axis=1)
    flat = size > 0.3
    return centre[flat], tangent[flat][:, ::-1] * [-1, 1] / size[flat, None], arc[flat]


def _lines(feet, reach_um: float) -> Lines:
    ends = [np.stack([c[:, :2] - reach_um * n, c[:, :2] + reach_um * n], axis=1) for c, n, _ in feet]
    return np.concatenate([np.empty((0, 2, 2)), *ends])


def _inside(lines: Lines, half_field_um: float) -> Lines:
    return lines[(np.abs(lines) < half_field_um).all(axis=(1, 2))]
