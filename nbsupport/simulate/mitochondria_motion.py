"""Movies of mitochondria that drift, bend, divide and fuse, with the truth of which are connected.

Every mitochondrion is a bent tube with one place at which it may be cut. The width of that gap over time is the truth:
0 where the two parts are one, growing in a fission, shrinking in a fusion, constant for a pair of neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.signal import fftconvolve
from scipy.spatial import KDTree

from nbsupport.checks import positive, whole_number
from nbsupport.optics import Optics, require_pixel_um
from nbsupport.simulate.planar import point_spread_kernel

FATES = ("whole", "apart", "fission", "fusion")
"""Connected throughout; a gap of constant width; a gap that opens; a gap that closes."""

_FINER = 3  # pixels of the grid on which tubes are drawn, per pixel and axis
_NODE_UM = 0.02  # distance of points along a centre line
_CLEAR_UM = 0.6  # least distance of two centre lines that are not parts of one mitochondrion
_TRIES = 400


@dataclass(frozen=True)
class _Path:
    """Centre line of a mitochondrion at rest, and how it moves, (frame, …)."""

    length_um: float
    bend: np.ndarray  # (2,), µm: amplitudes of the first two bending modes
    centre: np.ndarray  # (frame, 2), y and x, µm
    angle: np.ndarray  # (frame,), rad
    sway: np.ndarray  # (frame,), µm: amplitude added to the first mode

    def points(self, frame: int) -> np.ndarray:
        """(k, 2), y and x, µm; the middle one is where the mitochondrion may be cut."""
        s = np.linspace(-0.5, 0.5, 2 * max(8, round(self.length_um / _NODE_UM / 2)) + 1)
        across = (self.bend[0] + self.sway[frame]) * np.cos(np.pi * s) + self.bend[1] * np.sin(2 * np.pi * s)
        along, angle = s * self.length_um, self.angle[frame]
        turned = np.stack(
            [along * np.sin(angle) + across * np.cos(angle), along * np.cos(angle) - across * np.sin(angle)]
        )
        return turned.T + self.centre[frame]


def mitochondria_movie(
    optics: Optics,
    *,
    rng: np.random.Generator,
    frames: int,
    pixels: int,
    pixel_um: float = 0.1,
    count: int = 4,
    radius_um: float = 0.2,
    length_um: tuple[float, float] = (1.6, 3.2),
    gap_px: tuple[float, float] = (1.0, 4.0),
    step_um: float = 0.04,
    background: float = 0.05,
) -> xr.Dataset:
    """Simulate one movie.

    Parameters
    ----------
    optics : Optics
    rng : numpy.random.Generator
        Source of all draws.
    frames, pixels : int
        Of the movie, and per side of a frame (24 or more).
    pixel_um : float
        µm.
    count : int
        Mitochondria that are tried; one that finds no room in the field is left out. Fates go round `FATES`.
    radius_um : float
        Of the tubes, µm.
    length_um : (float, float)
        Shortest and longest, µm.
    gap_px : (float, float)
        Narrowest and widest gap between the two ends of a cut mitochondrion, pixels.
    step_um : float
        Standard deviation of the motion of a mitochondrion from frame to frame along each axis, µm.
    background : float
        Light without structure, share of the brightest.

    Returns
    -------
    Dataset
        ``light`` (frame, y, x): noise-free movie, brightest value 1. ``gap_um`` (pair, frame): distance of the two
        ends, 0 where they are one. ``connected`` (pair, frame): bool. ``anchors`` (pair, frame, part, axis): a point
        (y, x) on the middle line of either part, µm. ``fate`` (pair).

    Raises
    ------
    ValueError
        If a number is out of range or no mitochondrion finds room.

    References
    ----------
    wang2021, Supplementary Figs. 2 to 4, whose movies are measured. Shapes, sizes and motion are chosen here.
    """
    frames, pixels = whole_number("frames", frames, least=1), whole_number("pixels", pixels, least=24)
    pixel_um, radius_um = require_pixel_um("pixel_um", pixel_um), positive("radius_um", radius_um, "µm, above 0")
    paths = _placed(rng, frames, pixels * pixel_um, whole_number("count", count, least=1), length_um, step_um)
    first = int(rng.integers(len(FATES)))
    fates = [FATES[(first + n) % len(FATES)] for n in range(len(paths))]
    gaps = np.array([_gap(fate, frames, np.array(gap_px) * pixel_um, rng) for fate in fates])
    parts = [
        [_parts(path.points(t), gap[t], radius_um) for t in range(frames)]
        for path, gap in zip(paths, gaps, strict=True)
    ]
    psf = point_spread_kernel(optics, pixel_um / _FINER)
    drawn = [_drawn([part for path in parts for part in path[t]], pixels, pixel_um, radius_um) for t in range(frames)]
    light = np.stack([_binned(np.maximum(fftconvolve(image, psf, mode="same"), 0), pixels) for image in drawn])
    anchors = np.array(
        [[[_anchor(part, end) for part, end in zip(at, (-1, 0), strict=True)] for at in path] for path in parts]
    )
    axis = (np.arange(pixels) - (pixels - 1) / 2) * pixel_um
    data = {
        "light": (("frame", "y", "x"), background + (1 - background) * light / light.max(), {"units": "1"}),
        "gap_um": (("pair", "frame"), gaps, {"units": "um"}),
        "connected": (("pair", "frame"), gaps == 0),
        "anchors": (("pair", "frame", "part", "axis"), anchors, {"units": "um"}),
        "fate": (("pair",), fates),
    }
    return xr.Dataset(data, coords={"y": axis, "x": axis}, attrs={"radius_um": radius_um})


def _placed(rng, frames, field_um, count, length_um, step_um) -> list[_Path]:
    """Paths that stay inside the field and clear of each other in every frame."""
    paths: list[_Path] = []
    taken: list[list[np.ndarray]] = []
    for _ in range(_TRIES):
        path = _drawn_path(rng, frames, field_um, length_um, step_um)
        where = [path.points(t) for t in range(frames)]
        inside = all(np.abs(points).max() < field_um / 2 - 0.3 for points in where)
        if inside and all(_clear(a, b) for other in taken for a, b in zip(where, other, strict=True)):
            paths.append(path)
            taken.append(where)
        if len(paths) == count:
            break
    if not paths:
        raise ValueError(f"length_um={length_um} leaves no room in a field of {field_um:g} µm; choose shorter ones")
    return paths


def _drawn_path(rng, frames, field_um, length_um, step_um) -> _Path:
    reach = field_um / 2
    drift = np.cumsum(rng.normal(0, step_um, (frames, 2)), axis=0)
    phase, period = rng.uniform(0, 2 * np.pi), rng.uniform(15, 40)
    return _Path(
        length_um=rng.uniform(*length_um),
        bend=rng.normal(0, (0.2, 0.08)),
        centre=rng.uniform(-reach, reach, 2) + drift - drift[frames // 2],
        angle=rng.uniform(0, np.pi) + np.cumsum(rng.normal(0, step_um / 2, frames)),
        sway=0.08 * np.sin(phase + 2 * np.pi * np.arange(frames) / period),
    )


def _clear(first: np.ndarray, second: np.ndarray) -> bool:
    return KDTree(first).query(second)[0].min() > _CLEAR_UM


def _gap(fate: str, frames: int, limits_um: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Distance of the two ends in every frame, µm; 0 where there is none."""
    widest = rng.uniform(*limits_um)
    start = rng.uniform(0.3, 0.7) * frames
    opening = np.clip((np.arange(frames) - start) / max(4.0, frames / 6), 0, 1)
    opened = np.where(opening > 0, np.maximum(widest * opening, limits_um[0]), 0.0)
    of_fate = {"whole": np.zeros(frames), "apart": np.full(frames, widest), "fission": opened, "fusion": opened[::-1]}
    return of_fate[fate].copy()


def _parts(points: np.ndarray, gap_um: float, radius_um: float) -> tuple[np.ndarray, np.ndarray]:
    """Centre lines of the two parts; round ends reach a radius beyond them, so that far more is cut away."""
    middle = len(points) // 2
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    cut = gap_um / 2 + radius_um if gap_um else 0.0
    return points[arc <= arc[middle] - cut], points[arc >= arc[middle] + cut]


def _anchor(part: np.ndarray, end: int) -> np.ndarray:
    """A point inside a part, a quarter of a micrometre from the end that faces the other one."""
    back = min(round(0.25 / _NODE_UM), len(part) - 1)
    return part[-1 - back] if end == -1 else part[back]


def _drawn(parts: list[np.ndarray], pixels: int, pixel_um: float, radius_um: float) -> np.ndarray:
    """Thickness of the tubes over each fine pixel, as a dye that fills them shows it, µm."""
    fine = pixel_um / _FINER
    axis = (np.arange(_FINER * pixels) - (_FINER * pixels - 1) / 2) * fine
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    distance = KDTree(np.concatenate(parts)).query(grid, distance_upper_bound=radius_um)[0]
    return 2 * np.sqrt(np.maximum(radius_um**2 - np.minimum(distance, radius_um) ** 2, 0))


def _binned(fine: np.ndarray, pixels: int) -> np.ndarray:
    return fine.reshape(pixels, _FINER, pixels, _FINER).mean(axis=(1, 3))
