"""The microscope: one record of its optics, its point spread functions and its transfer function.

Every point spread function here is scalar and rotationally symmetric, a function of the distance r from the
optical axis. `airy` and `gaussian` describe focus only; `gibson_lanni` follows the emitter through sample,
coverslip and immersion medium, and so depends on depth and on the position of the stage.
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from numbers import Real

import numpy as np
import xarray as xr
from scipy.optimize import minimize_scalar
from scipy.special import j0, j1, roots_legendre

# u at which (2 J1(u)/u)^2 = 1/2; the full width at half maximum of an Airy pattern is u / pi * wavelength / NA.
_AIRY_HALF_MAXIMUM = 1.6163399483107032
_FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
_BLOCK_VALUES = 2**22  # Bessel values held at once: 32 MB
_PHASE_SAMPLES = 257


@dataclass(frozen=True)
class Optics:
    """Optical parameters of one microscope, in the notation of Gibson and Lanni.

    Parameters
    ----------
    numerical_aperture : float
        Nominal NA of the objective, positive and at most `n_immersion`.
    wavelength_um : float
        Emission wavelength in vacuum, µm, between 0.2 and 2.
    n_sample, n_immersion, n_coverslip : float
        Refractive indices of the media as they are, at least 1.
    n_immersion_design, n_coverslip_design : float
        Refractive indices that the objective was corrected for.
    working_distance_um : float
        Thickness of the immersion layer that the objective was corrected for, µm.
    coverslip_um, coverslip_design_um : float
        Thickness of the coverslip as it is and as designed, µm.

    Raises
    ------
    ValueError
        If a value is not finite or not physical; the message names it.

    References
    ----------
    jadhav2021, Section 2.1.
    """

    numerical_aperture: float
    wavelength_um: float
    n_sample: float = 1.33
    n_immersion: float = 1.515
    n_coverslip: float = 1.515
    n_immersion_design: float = 1.515
    n_coverslip_design: float = 1.515
    working_distance_um: float = 150.0
    coverslip_um: float = 170.0
    coverslip_design_um: float = 170.0

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, Real) or not np.isfinite(value):
                raise ValueError(f"{field.name}={value!r} must be one finite number")
            if field.name.startswith("n_") and not 1 <= value < 5:
                raise ValueError(f"{field.name}={value} is no refractive index; give a value from 1 (air) to below 5")
            if field.name.endswith("_um") and value < 0:
                raise ValueError(f"{field.name}={value} must not be negative")
        if self.wavelength_um > 10:
            micrometres = f"{self.wavelength_um / 1000:g}"
            raise ValueError(
                f"wavelength_um={self.wavelength_um} looks like nanometres; give micrometres, {micrometres}"
            )
        if not 0.2 <= self.wavelength_um <= 2:
            raise ValueError(f"wavelength_um={self.wavelength_um} must lie between 0.2 and 2 micrometres")
        if not 0 < self.numerical_aperture <= self.n_immersion:
            raise ValueError(
                f"numerical_aperture={self.numerical_aperture} must be positive and at most "
                f"n_immersion={self.n_immersion}"
            )

    @property
    def cutoff_per_um(self) -> float:
        """Highest spatial frequency an incoherent image can hold, 2 NA/wavelength, in cycles per µm."""
        return 2 * self.numerical_aperture / self.wavelength_um

    @property
    def airy_fwhm_um(self) -> float:
        """Full width at half maximum of the Airy pattern of the nominal NA, 0.5145 wavelength/NA, in µm."""
        return _AIRY_HALF_MAXIMUM / np.pi * self.wavelength_um / self.numerical_aperture

    @property
    def pupil_radius(self) -> float:
        """Radius of the transmitting pupil relative to the nominal one, at most 1.

        Rays that one of the media cannot carry (NA above its refractive index) are cut off, so that an oil
        objective of NA 1.49 looking into water works like one of NA 1.33 in focus.
        """
        return min(self.numerical_aperture, self._lowest_index) / self.numerical_aperture

    @property
    def _lowest_index(self) -> float:
        return min(getattr(self, field.name) for field in fields(self) if field.name.startswith("n_"))

    @property
    def _radial_frequency(self) -> float:
        """Radians per µm at the rim of the nominal pupil, 2 pi NA/wavelength."""
        return np.pi * self.cutoff_per_um


def pixel_size_um(array: xr.DataArray) -> float:
    """Pixel size that the coordinates y and x of an array describe.

    Parameters
    ----------
    array : DataArray with dims y and x and their coordinates in µm (pixel centres), at least 2 x 2 pixels.

    Returns
    -------
    float
        Distance of neighbouring pixel centres, µm, rounded to twelve decimals: a pixel of 0.08 µm reads as 0.08,
        whatever the summation order of its coordinates, so that window rules with a floor in them do not tip.

    Raises
    ------
    ValueError
        If a coordinate is missing, not uniform or not increasing, if pixels are not square, or if their size lies
        outside 0.001 to 1 µm.
    """
    steps = {}
    for dim in ("y", "x"):
        if dim not in array.coords or array.coords[dim].dims != (dim,):
            raise ValueError(f"the array has no coordinate {dim}; give pixel centres in micrometres along y and x")
        centres = np.asarray(array.coords[dim].values, dtype=float)
        if centres.size < 2:
            raise ValueError(f"coordinate {dim} has {centres.size} value(s); a pixel size needs at least two")
        step = (centres[-1] - centres[0]) / (centres.size - 1)
        # float32 coordinates of a wide field are good to about 1e-4 of a pixel
        if not step > 0 or not np.all(np.abs(np.diff(centres) - step) <= 1e-3 * step):
            raise ValueError(f"coordinate {dim} must increase in equal steps (in micrometres)")
        steps[dim] = step
    if abs(steps["y"] - steps["x"]) > 1e-3 * steps["x"]:
        raise ValueError(f"pixels must be square, not {steps['y']:g} x {steps['x']:g} micrometres (y, x)")
    return require_pixel_um("pixel size", round(steps["x"], 12))


def require_pixel_um(name: str, size_um: float) -> float:
    """Refuse a pixel size that cannot be micrometres.

    Parameters
    ----------
    name : str
        What the message calls the value.
    size_um : float, µm

    Returns
    -------
    float, `size_um`

    Raises
    ------
    ValueError
        If `size_um` is not one number from 0.001 to 1.
    """
    if not isinstance(size_um, Real) or not np.isfinite(size_um) or size_um <= 0:
        raise ValueError(f"{name}={size_um} must be one positive number of micrometres")
    if size_um > 1:
        raise ValueError(f"{name}={size_um:g} looks like nanometres; give micrometres, {size_um / 1000:g}")
    if size_um < 0.001:
        raise ValueError(
            f"{name}={size_um:g} micrometres is below a nanometre; a camera pixel is 0.001 to 1 micrometre"
        )
    return float(size_um)


def airy(optics: Optics, r_um) -> np.ndarray:
    """Intensity of an emitter in focus behind the whole nominal pupil, (2 J1(u)/u)^2 with u = 2 pi NA r/wavelength.

    Parameters
    ----------
    optics : Optics
    r_um : array_like, any shape, µm, distance from the optical axis.

    Returns
    -------
    ndarray, shape of `r_um`, peak 1. No pupil is cut here: above NA = n_sample `gibson_lanni` is wider.

    Raises
    ------
    ValueError
        If a distance is not finite.
    """
    u = optics._radial_frequency * np.abs(_finite("r_um", r_um))
    safe = np.where(u == 0, 1.0, u)
    return np.where(u == 0, 1.0, (2 * j1(safe) / safe) ** 2)


def gaussian(optics: Optics, r_um) -> np.ndarray:
    """Gaussian stand-in for the point spread function in focus, full width at half maximum 0.61 wavelength/NA.

    The width is that of the SOFI simulators (the Rayleigh distance), 19 % more than the Airy pattern's own
    `Optics.airy_fwhm_um`.

    Parameters
    ----------
    optics : Optics
    r_um : array_like, any shape, µm, distance from the optical axis.

    Returns
    -------
    ndarray, shape of `r_um`, peak 1, sampled at points (not integrated over pixels).

    Raises
    ------
    ValueError
        If a distance is not finite.
    """
    sigma_um = 0.61 * optics.wavelength_um / optics.numerical_aperture / _FWHM_PER_SIGMA
    return np.exp(-0.5 * (_finite("r_um", r_um) / sigma_um) ** 2)


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
    r_um, z_um, depth_um = _finite("r_um", r_um), _finite("z_um", z_um), _finite("depth_um", depth_um)
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
    return np.pi * (optics.pupil_radius / optics._radial_frequency) ** 2


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


def otf(optics: Optics, frequency_per_um) -> np.ndarray:
    """Incoherent transfer function of the nominal circular pupil in focus.

    ``(2/pi) (acos v - v sqrt(1 - v^2))`` with v = frequency/cutoff, 0 beyond the cutoff; the two-dimensional Fourier
    transform of `airy`, scaled to 1 at frequency 0.

    Parameters
    ----------
    optics : Optics
    frequency_per_um : array_like, any shape, cycles per µm; its sign does not matter.

    Returns
    -------
    ndarray, shape of `frequency_per_um`, from 0 to 1.

    Raises
    ------
    ValueError
        If a frequency is not finite.
    """
    v = np.minimum(np.abs(_finite("frequency_per_um", frequency_per_um)) / optics.cutoff_per_um, 1.0)
    return 2 / np.pi * (np.arccos(v) - v * np.sqrt(1 - v**2))


def _finite(name, values):
    values = np.asarray(values, dtype=float)
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"{name} must be finite; the first bad value is {values[bad][0]} at {np.argwhere(bad)[0].tolist()}"
        )
    return values


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
    n = optics._lowest_index
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
