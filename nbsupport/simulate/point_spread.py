"""Table of the point spread function over distance and depth, from which every emitter of a sample takes its image."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from nbsupport.optics import Optics, gibson_lanni_energy_um2, gibson_lanni_intensity

# Radial steps per wavelength/NA: linear interpolation then stays within (pi/320)^2/4 = 2.4e-5 of an Airy peak.
_STEPS_PER_RESOLUTION = 320
# The cubic spline behind the pixel average needs only every fourth of these steps, to 2e-6 of the peak.
_SPLINE_STEPS = 4
# Terms of the series over depth that are smaller than this, relative to the largest, are left out.
_LEAST_TERM = 1e-7


@dataclass(frozen=True)
class PointSpreadTable:
    """Photons per pixel of one emitted photon, over distance and depth.

    Attributes
    ----------
    step_um : float
        Step of the distance from the emitter; values between steps are linear.
    depth_range_um : tuple of float
        Lowest and highest depth below the coverslip that the table holds.
    coefficients : ndarray, (order, distance), photons per pixel
        Chebyshev series over that range of depths.
    """

    step_um: float
    depth_range_um: tuple[float, float]
    coefficients: np.ndarray

    def basis(self, depth_um: np.ndarray) -> np.ndarray:
        """Chebyshev polynomials, (emitter, order), whose product with `coefficients` is each emitter's profile."""
        low, high = self.depth_range_um
        span = high - low
        scaled = np.clip((2 * depth_um - low - high) / span, -1, 1) if span > 0 else np.zeros_like(depth_um)
        return np.polynomial.chebyshev.chebvander(scaled, len(self.coefficients) - 1)


def tabulate(
    optics: Optics,
    *,
    stage_um: float,
    depth_range_um: tuple[float, float],
    radius_um: float,
    pixel_um: float,
    pixel_integration: bool,
    refinement: int = 1,
) -> PointSpreadTable:
    """Radial table of the point spread function at a fixed stage position.

    Parameters
    ----------
    optics : Optics
    stage_um : float
        Stage position, µm, signed as in `nbsupport.optics.gibson_lanni`.
    depth_range_um : tuple of float
        Lowest and highest depth of an emitter below the coverslip, µm.
    radius_um : float
        Largest distance between an emitter and a pixel centre, µm.
    pixel_um : float
        Edge of a pixel, µm.
    pixel_integration : bool
        Whether to average over the area of a pixel, and over its orientation.
    refinement : int
        Divides the steps in distance and in depth.

    Returns
    -------
    PointSpreadTable

    Notes
    -----
    Over depth the intensity is band-limited (no ray's phase changes faster than n_sample/wavelength), so its Chebyshev
    series converges geometrically once it has more terms than radians of phase.
    """
    step_um = optics.wavelength_um / optics.numerical_aperture / (_STEPS_PER_RESOLUTION * refinement)
    distance_um = step_um * np.arange(int(np.ceil(radius_um / step_um)) + 2)
    low, high = depth_range_um
    rim = optics.pupil_radius * optics.numerical_aperture
    sag = optics.n_sample - np.sqrt(optics.n_sample**2 - rim**2)
    radians = np.pi / optics.wavelength_um * (high - low) * sag
    order = refinement * int(np.ceil(radians + 4 * np.cbrt(radians) + 8)) if high > low else 1
    nodes = np.polynomial.chebyshev.chebpts1(order)
    depth_um = (low + high) / 2 + nodes * (high - low) / 2
    if pixel_integration:
        profiles = _pixel_average(optics, distance_um, stage_um, depth_um, pixel_um)
    else:
        profiles = gibson_lanni_intensity(optics, distance_um, stage_um, depth_um)
    transform = np.polynomial.chebyshev.chebvander(nodes, order - 1).T * (2 / order)
    transform[0] /= 2
    coefficients = pixel_um**2 / gibson_lanni_energy_um2(optics) * (transform @ profiles)
    size = np.abs(coefficients).max(axis=1)
    terms = 1 + int(np.flatnonzero(size > _LEAST_TERM * size.max())[-1])
    return PointSpreadTable(step_um, depth_range_um, coefficients[:terms])


def _pixel_average(optics, distance_um, stage_um, depth_um, pixel_um):
    """Mean intensity (depth, distance) over square pixels of every orientation.

    Averaging a square over its orientation leaves, for each of its points, a ring around the pixel centre; so the
    mean runs over the points of the square and over the angle between each point and the emitter.
    """
    step_um = _SPLINE_STEPS * distance_um[1]
    reach_um = step_um * np.arange(int(np.ceil((distance_um[-1] + pixel_um) / step_um)) + 2)
    profiles = gibson_lanni_intensity(optics, reach_um, stage_um, depth_um).T
    # even in r, hence the zero slope on the axis
    ends = ("clamped", "not-a-knot")
    spline = CubicSpline(reach_um, profiles, bc_type=ends)
    order = 4 + int(np.ceil(4 * pixel_um * optics.cutoff_per_um))
    x, weight = np.polynomial.legendre.leggauss(order)
    offsets_um = pixel_um / 2 * np.hypot(*np.meshgrid(x, x))
    weights = np.outer(weight, weight) / 4
    angles = (np.arange(2 * order) + 0.5) * np.pi / (2 * order)
    centres_um = reach_um[: int(np.ceil(distance_um[-1] / step_um)) + 1]
    mean = np.zeros((len(centres_um), len(depth_um)))
    rings_um, which = np.unique(offsets_um.round(12), return_inverse=True)
    for ring_um, share in zip(rings_um, np.bincount(which.ravel(), weights.ravel()), strict=True):
        for angle in angles:
            moved_um = np.hypot(centres_um + ring_um * np.cos(angle), ring_um * np.sin(angle))
            mean += share / len(angles) * spline(moved_um)
    return CubicSpline(centres_um, mean, bc_type=ends)(distance_um).T
