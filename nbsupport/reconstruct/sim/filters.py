"""Transfer function, weights and apodisation of the reconstruction, and the settings of the source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nbsupport.optics import Optics
from nbsupport.simulate.illumination import Pattern

TABLE_1 = {
    "2-D, 488 nm": {
        "optics": Optics(numerical_aperture=1.1, wavelength_um=0.488),
        "pixel_um": 0.107,
        "filters": {"otf_damping": 0.15, "wiener": 0.05, "apodisation_cutoff": 1.59, "apodisation_bend": 1.0},
    },
    "2-D, 561 nm": {
        "optics": Optics(numerical_aperture=1.1, wavelength_um=0.561),
        "pixel_um": 0.107,
        "filters": {"otf_damping": 0.15, "wiener": 0.05, "apodisation_cutoff": 1.68, "apodisation_bend": 1.0},
    },
    "3-D": {
        "optics": Optics(numerical_aperture=1.12, wavelength_um=0.464),
        "pixel_um": 0.05,
        "filters": {"otf_damping": 0.15, "wiener": 0.05, "apodisation_cutoff": 1.82, "apodisation_bend": 1.0},
    },
}
"""Settings of hughes2024, Table 1. Its wavelengths of the 2-D sets are excitation lines, used as emission."""


@dataclass(frozen=True)
class Notch:
    """Attenuation of every band around its own zero frequency, where defocused light lies.

    Parameters
    ----------
    strength : float
        Share that is taken away at zero frequency, 0 to 1.
    fwhm_per_um : float
        Width of the notch, cycles per µm.
    """

    strength: float = 0.99
    fwhm_per_um: float = 1.2

    def __post_init__(self):
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength={self.strength} must be 0 to 1")
        if not self.fwhm_per_um > 0:
            raise ValueError(f"fwhm_per_um={self.fwhm_per_um} must be positive")

    def weight(self, frequency_per_um: torch.Tensor) -> torch.Tensor:
        """Factor, 1 - strength at zero frequency and 1 far from it."""
        return 1 - self.strength * torch.exp(-(frequency_per_um**2) / (2 * (self.fwhm_per_um / 2.355) ** 2))


def damped_otf(optics: Optics, frequency_per_um: torch.Tensor, damping: float) -> torch.Tensor:
    """Transfer function of a real lens: the ideal one times damping^v, v = frequency/cutoff.

    Parameters
    ----------
    optics : Optics
    frequency_per_um : Tensor, any shape, not negative
    damping : float
        What is left at the cutoff, above 0 and at most 1; 1 is the ideal lens.
    """
    if not 0 < damping <= 1:
        raise ValueError(f"otf_damping={damping} must lie above 0 and be at most 1 (no damping)")
    v = (frequency_per_um / optics.cutoff_per_um).clamp(max=1)
    return ideal_otf(v) * torch.exp(np.log(damping) * v)


def ideal_otf(v: torch.Tensor) -> torch.Tensor:
    """Transfer function of a circular pupil at v = frequency/cutoff, 0 to 1."""
    return 2 / np.pi * (torch.acos(v) - v * torch.sqrt(1 - v**2))


def apodisation(optics: Optics, frequency_per_um: torch.Tensor, cutoff: float, bend: float) -> torch.Tensor:
    """The ideal transfer function of a lens whose cutoff is `cutoff` times higher, to the power `bend`."""
    if not cutoff > 0 or not bend >= 0:
        raise ValueError(f"apodisation_cutoff={cutoff} must be positive and apodisation_bend={bend} not negative")
    v = (frequency_per_um / (cutoff * optics.cutoff_per_um)).clamp(max=1)
    return ideal_otf(v) ** bend if bend else (v < 1).to(v.dtype)


def reach_per_um(optics: Optics, pattern: Pattern | None, direction_rad) -> np.ndarray:
    """Highest frequency that the bands hold in each direction, cycles per µm.

    Parameters
    ----------
    optics : Optics
    pattern : Pattern or None
        None: the zero band alone, widefield.
    direction_rad : array_like, any shape
        From +x towards +y.

    Returns
    -------
    ndarray, shape of `direction_rad`; cutoff + k along a wave vector k.
    """
    direction = np.asarray(direction_rad, dtype=float)
    reach = np.full(direction.shape, optics.cutoff_per_um)
    for ky, kx in () if pattern is None else pattern.wave_vector_per_um:
        for order in (order for m in range(1, pattern.orders + 1) for order in (m, -m)):
            along = order * (ky * np.sin(direction) + kx * np.cos(direction))
            across2 = order**2 * (ky**2 + kx**2) - along**2
            inside = across2 < optics.cutoff_per_um**2
            far = along + np.sqrt(np.where(inside, optics.cutoff_per_um**2 - across2, 0))
            reach = np.where(inside, np.maximum(reach, far), reach)
    return reach
