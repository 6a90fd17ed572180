"""The Gibson-Lanni point spread function: emitter, sample, coverslip, immersion medium and pupil, by quadrature."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import j0, roots_legendre

from nbsupport.checks import finite_array

if TYPE_CHECKING:
    from nbsupport.optics import Optics

_BLOCK_VALUES = 2**22  # Bessel values held at once: 32 MB
_PHASE_SAMPLES = 257


def gibson_lanni(optics: Optics, r_um, z_um, depth_um: float) -> np.ndarray:
    """Scalar Gibson-Lanni point spread function, 1 on the axis at the best focus of the given depth.

    Parameters
    ----------
    optics : Optics
    r_um : array_like, any shape, µm, distance from the optical axis.
    z_um : array_like, any shape, µm, displacement of the stage from the design position. Negative values bring the
        objective closer to the sample, which is where an emitter inside the sample comes into focus: about
        ``-depth_um * n_immersion / n_sample``. psfmodels counts z in the opposite direction and from the
        paraxial focus: ``z_psfmodels = -z_um + depth_um * (1 - n_immersion / n_sample)``.
    depth_um : float
        Distance of the emitter from the coverslip into the sample, µm, not negative.

    Returns
    -------
    ndarray, shape ``shape(z_um) + shape(r_um)``: two vectors give (z, r), two numbers give one number.

    Raises
    ------
    ValueError
        If a value is not finite or `depth_um` is not one number >= 0.

    Notes
    -----
    The peak is scaled to 1 depth by depth, which hides that deeper emitters look dimmer; `gibson_lanni_intensity`
    keeps the brightness.

    References
    ----------
    jadhav2021, Section 2.1; gibson1992; li2017.
    """
    focus_um = best_focus_um(optics, depth_um)
    peak = gibson_lanni_intensity(optics, 0.0, focus_um, depth_um)
    return gibson_lanni_intensity(optics, r_um, z_um, depth_um) / peak


def gibson_lanni_intensity(optics: Optics, r_um, z_um, depth_um) -> np.ndarray:
    """Gibson-Lanni intensity in the units of its pupil integral.

    Computes ``|integral of J0(k NA rho r) exp(i k OPD(rho)) rho d rho|^2`` over 0 <= rho <= `Optics.pupil_radius`
    with the optical path difference, q(n) = sqrt(n^2 - NA^2 rho^2),
    ``OPD = depth q(n_sample) + (z + t_i) q(n_immersion) - t_i q(n_immersion_design) + t_g q(n_coverslip)
    - t_gd q(n_coverslip_design)``; rays beyond the smallest critical angle are dropped and there is no
    apodisation. In the aberration-free focus the peak is ``pupil_radius**4 / 4``.

    Parameters
    ----------
    optics : Optics
    r_um : array_like, any shape, µm, distance from the optical axis.
    z_um : array_like, µm, displacement of the stage, signed as in `gibson_lanni`.
    depth_um : array_like, broadcasts against `z_um`, µm, distance of the emitter from the coverslip. Negative depths
        continue the formula across the interface, as hughes2024 does for the first slices of its volumes.

    Returns
    -------
    ndarray, shape ``broadcast(z_um, depth_um) + shape(r_um)``, float64; right to about 1e-12 of the peak. Its integral
    over the plane is `gibson_lanni_energy_um2`, the same for every depth and stage position.

    Raises
    ------
    ValueError
        If a value is not finite or the shapes of `z_um` and `depth_um` do not fit.

    Notes
    -----
    Gauss-Legendre quadrature in the angle theta, ``NA rho = n sin(theta)`` with n the lowest index of the media:
    the root in q(n), which ends the pupil in a branch point when NA >= n, becomes the smooth n cos(theta). The
    number of nodes grows with the phase that the integrand runs through.

    References
    ----------
    gibson1992; li2017.
    """
    r_um, z_um, depth_um = finite_array("r_um", r_um), finite_array("z_um", z_um), finite_array("depth_um", depth_um)
    try:
        z_um, depth_um = np.broadcast_arrays(z_um, depth_um)
    except ValueError:
        raise ValueError(f"z_um {z_um.shape} and depth_um {depth_um.shape} must broadcast") from None
    shape = z_um.shape + r_um.shape
    r, z, depth = np.abs(r_um).ravel(), z_um.ravel(), depth_um.ravel()
    if 0 in (r.size, z.size):
        return np.zeros(shape)
    sine, weights = _pupil_nodes(optics, _node_count(optics, r.max(), z, depth))
    pupil = weights * np.exp(1j * _phase(optics, sine, z, depth))
    k = 2 * np.pi / optics.wavelength_um
    intensity = np.empty((z.size, r.size))
    block = max(1, _BLOCK_VALUES // sine.size)
    for start in range(0, r.size, block):
        bessel = j0(k * sine[:, None] * r[None, start : start + block])
        intensity[:, start : start + block] = (pupil.real @ bessel) ** 2 + (pupil.imag @ bessel) ** 2
    return intensity.reshape(shape)


def gibson_lanni_energy_um2(optics: Optics) -> float:
    """Integral of `gibson_lanni_intensity` over the image plane, µm².

    Parseval's theorem of the Hankel transform gives ``pi pupil_radius^2 / (k NA)^2``: the aberrations are pure
    phase and move light about without losing any.

    Parameters
    ----------
    optics : Optics

    Returns
    -------
    float, µm² (the intensity itself has no unit).
    """
    return np.pi * (optics.pupil_radius / (np.pi * optics.cutoff_per_um)) ** 2


def best_focus_um(optics: Optics, depth_um: float) -> float:
    """Stage position at which an emitter of the given depth is brightest on the axis.

    Parameters
    ----------
    optics : Optics
    depth_um : float
        Distance of the emitter from the coverslip, µm, not negative.

    Returns
    -------
    float, µm, signed as in `gibson_lanni`.

    Raises
    ------
    ValueError
        If `depth_um` is not one finite number >= 0.

    Notes
    -----
    Each zone of the pupil has a focus of its own; the search covers those of the inner 90 % of the pupil's radius in
    steps well below the depth of field, then refines the highest step. Ties go to the lowest position.
    """
    if np.ndim(depth_um) != 0 or not np.isfinite(depth_um) or depth_um < 0:
        raise ValueError(f"depth_um={depth_um} must be one number >= 0, in micrometres from the coverslip")
    zones_um = _zone_foci(optics, depth_um)
    rim = optics.pupil_radius * optics.numerical_aperture
    # through one depth of field the rim of the pupil gains one wavelength on its centre
    depth_of_field = optics.wavelength_um / (optics.n_immersion - np.sqrt(optics.n_immersion**2 - rim**2))
    margin, step = depth_of_field, depth_of_field / 16
    scan = np.arange(zones_um.min() - margin, zones_um.max() + margin + step, step)
    brightest = scan[np.argmax(gibson_lanni_intensity(optics, 0.0, scan, depth_um))]
    refined = minimize_scalar(
        lambda z: -float(gibson_lanni_intensity(optics, 0.0, z, depth_um)),
        bounds=(brightest - step, brightest + step),
        method="bounded",
        options={"xatol": 1e-9},
    )
    # rounding hides the noise of the last steps, so that every machine puts the stage to the same place
    return round(float(refined.x), 7) + 0.0


def _phase(optics, sine, z, depth):
    """Phase (z, node) in radians over the pupil coordinate sine = NA rho, without its value at the centre."""
    squared = sine**2

    def path(index):
        # q(n) - n, written so that small angles keep their digits; a cut pupil ends where the root reaches 0
        return -squared / (np.sqrt(np.maximum(index**2 - squared, 0)) + index)

    design = (
        optics.working_distance_um * (path(optics.n_immersion) - path(optics.n_immersion_design))
        + optics.coverslip_um * path(optics.n_coverslip)
        - optics.coverslip_design_um * path(optics.n_coverslip_design)
    )
    difference = np.multiply.outer(depth, path(optics.n_sample)) + np.multiply.outer(z, path(optics.n_immersion))
    return 2 * np.pi / optics.wavelength_um * (difference + design)


def _pupil_nodes(optics, count):
    """Nodes NA rho and weights of the integral over rho d rho."""
    n = optics.lowest_index
    rim = np.arcsin(min(1.0, optics.numerical_aperture / n))
    x, w = _legendre(count)
    theta = rim * (x + 1) / 2
    weights = w * rim / 2 * (n / optics.numerical_aperture) ** 2 * np.sin(theta) * np.cos(theta)
    return n * np.sin(theta), weights


@lru_cache(maxsize=16)
def _legendre(count):
    return roots_legendre(count)


def _node_count(optics, r_max, z, depth):
    """Nodes that resolve the integrand: one per radian of phase, four times what a linear phase would need."""
    rim = optics.pupil_radius * optics.numerical_aperture
    sine = rim * np.sin(np.linspace(0, np.pi / 2, _PHASE_SAMPLES))
    corners_z, corners_depth = np.meshgrid([z.min(), z.max()], [depth.min(), depth.max()])
    phase = _phase(optics, sine, corners_z.ravel(), corners_depth.ravel())
    radians = np.abs(np.diff(phase, axis=-1)).sum(axis=-1).max() + 2 * np.pi / optics.wavelength_um * rim * r_max
    return 64 + int(np.ceil(radians))


def _zone_foci(optics, depth_um):
    """Stage positions at which single zones of the pupil are in focus: d OPD/d rho = 0."""
    sine = 0.9 * optics.pupil_radius * optics.numerical_aperture * np.linspace(0, 1, _PHASE_SAMPLES)

    def reduced(thickness, index):
        return thickness / np.sqrt(index**2 - sine**2)

    stretch = (
        reduced(optics.working_distance_um, optics.n_immersion_design)
        + reduced(optics.coverslip_design_um, optics.n_coverslip_design)
        - reduced(optics.coverslip_um, optics.n_coverslip)
        - reduced(depth_um, optics.n_sample)
    )
    return stretch * np.sqrt(optics.n_immersion**2 - sine**2) - optics.working_distance_um
