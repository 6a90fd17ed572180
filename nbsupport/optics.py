"""The microscope: one record of its optics, its point spread functions and its transfer function.

Every point spread function here is scalar and rotationally symmetric, a function of the distance r from the
optical axis. `airy` and `gaussian` describe focus only; `gibson_lanni` follows the emitter through sample,
coverslip and immersion medium, and so depends on depth and on the position of the stage; how it is computed stands in
the module of that name.
"""

from dataclasses import dataclass, fields
from numbers import Real

import numpy as np
import xarray as xr
from scipy.special import j1

from nbsupport.checks import finite_array, positive
from nbsupport.gibson_lanni import best_focus_um, gibson_lanni, gibson_lanni_energy_um2, gibson_lanni_intensity

__all__ = [
    "FWHM_PER_SIGMA",
    "Optics",
    "airy",
    "best_focus_um",
    "gaussian",
    "gibson_lanni",
    "gibson_lanni_energy_um2",
    "gibson_lanni_intensity",
    "otf",
    "pixel_size_um",
    "require_pixel_um",
]

# u at which (2 J1(u)/u)^2 = 1/2; the full width at half maximum of an Airy pattern is u / pi * wavelength / NA.
_AIRY_HALF_MAXIMUM = 1.6163399483107032

FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
"""Full width at half maximum of a Gaussian over its standard deviation."""


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
        return min(self.numerical_aperture, self.lowest_index) / self.numerical_aperture

    @property
    def lowest_index(self) -> float:
        """Lowest refractive index on the way of the light, as it is or as designed; it limits the pupil."""
        return min(getattr(self, field.name) for field in fields(self) if field.name.startswith("n_"))


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
    size_um = positive(name, size_um, "one positive number of micrometres")
    if size_um > 1:
        raise ValueError(f"{name}={size_um:g} looks like nanometres; give micrometres, {size_um / 1000:g}")
    if size_um < 0.001:
        raise ValueError(
            f"{name}={size_um:g} micrometres is below a nanometre; a camera pixel is 0.001 to 1 micrometre"
        )
    return size_um


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
    u = np.pi * optics.cutoff_per_um * np.abs(finite_array("r_um", r_um))
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
    sigma_um = 0.61 * optics.wavelength_um / optics.numerical_aperture / FWHM_PER_SIGMA
    return np.exp(-0.5 * (finite_array("r_um", r_um) / sigma_um) ** 2)


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
    v = np.minimum(np.abs(finite_array("frequency_per_um", frequency_per_um)) / optics.cutoff_per_um, 1.0)
    return 2 / np.pi * (np.arccos(v) - v * np.sqrt(1 - v**2))
