"""A two-beam microscope over thin simulated samples, as a stand-in for the 2-D data of hughes2024."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from nbsupport.optics import Optics
from nbsupport.reconstruct import sim
from nbsupport.seeds import streams
from nbsupport.simulate.illumination import Pattern, planar_frames
from nbsupport.simulate.structures import KINDS, Sample
from nbsupport.simulate.volumes import anatomy_phantom

from .exposure import Exposure
from .rebuild import rebuilt

PER_UM2 = {
    "microtubules": 1 / 6,
    "endoplasmic_reticulum": 0.7,
    "actin": 0.3,
    "mitochondria": 0.15,
    "vesicles": 0.4,
    "lysosomes": 0.4,
    "curved_lines": 0.3,
}
"""Objects per µm² of a field."""

ANATOMY = "anatomy"
"""Sections of a procedural body in place of objects from a cell: what the source proposes to learn from first."""


@dataclass(frozen=True, kw_only=True)
class PlanarProtocol:
    """Thin samples of one structure under a microscope with striped illumination.

    Parameters
    ----------
    structure : str
        A key of `PER_UM2`, or `ANATOMY`.
    seed : int
        Root of samples, phases and noise.
    field_px : int
        Side of the raw frames.
    pixel_um, numerical_aperture, wavelength_um : float
        Wavelength of emission; µm.
    period_um : float
        Distance of the coarsest stripes, µm; 0.375 is what the apodisation cutoffs of the source's Table 1 imply.
    modulation : tuple of float
        Depth of every order.
    phases : int
        Frames per direction.
    first_angle_rad : float
        Direction of the first stripes; the others follow at a third of half a turn.
    otf_damping : float
        What the lens leaves of the ideal transfer function at its cutoff; the reconstruction assumes the same.
    wiener : float
        Wiener parameter of the reconstruction.
    exposure : Exposure

    References
    ----------
    hughes2024, sections 2.1 and 2.2, Table 1.
    """

    structure: str = "microtubules"
    seed: int = 0
    field_px: int = 96
    pixel_um: float = 0.107
    numerical_aperture: float = 1.1
    wavelength_um: float = 0.561
    period_um: float = 0.375
    modulation: tuple[float, ...] = (0.8,)
    phases: int = 3
    first_angle_rad: float = 0.1
    otf_damping: float = 0.15
    wiener: float = 0.05
    exposure: Exposure = field(default_factory=Exposure)

    def __post_init__(self):
        if self.structure not in (*PER_UM2, ANATOMY):
            raise ValueError(f"structure={self.structure!r} is unknown; give one of {', '.join(PER_UM2)} or {ANATOMY}")

    dimensions = 2

    @property
    def channels(self) -> int:
        """Frames of an acquisition, which are the channels of the first network."""
        return 3 * self.phases

    @property
    def optics(self) -> Optics:
        """Detection."""
        return Optics(numerical_aperture=self.numerical_aperture, wavelength_um=self.wavelength_um)

    @property
    def field_um(self) -> float:
        """Side of the field, µm."""
        return self.field_px * self.pixel_um

    @property
    def grids_um(self) -> tuple[np.ndarray, np.ndarray, None]:
        """Coordinates of raw and of reconstructed pixels, µm; a thin sample has no planes."""
        fine = (np.arange(2 * self.field_px) - self.field_px + 0.5) * self.pixel_um / 2
        return fine[::2], fine, None

    def sample(self, number: int) -> Sample:
        """Geometry and emitters of one sample; a section of anatomy has none."""
        if self.structure == ANATOMY:
            raise ValueError("sections of anatomy have no emitters; their object is an image")
        half = self.field_um / 2
        box = ((-half, half), (-half, half), (-0.1, 0.1))
        count = max(1, round(PER_UM2[self.structure] * self.field_um**2))
        rng = streams(self.seed, self.structure, sample=number)[self.structure]
        return KINDS[self.structure](rng=rng, count=count, box_um=box)

    def object(self, number: int) -> xr.DataArray:
        """Fluorophores per pixel of half the camera's size, (y, x): the truth on the grid of a reconstruction."""
        if self.structure != ANATOMY:
            return self.sample(number).render(self.pixel_um / 2, self.field_um)
        _, fine_um, _ = self.grids_um
        rng = streams(self.seed, ANATOMY, sample=number)[ANATOMY]
        values = anatomy_phantom((1, len(fine_um), len(fine_um)), rng=rng, organ_px=len(fine_um) / 4).values[0]
        coords = {"y": fine_um, "x": fine_um}
        return xr.DataArray(values.astype(float), dims=("y", "x"), coords=coords, attrs={"units": "1"})

    def pattern(self, rng: np.random.Generator) -> Pattern:
        """Stripes of one acquisition: directions and period are the microscope's, phases start anywhere."""
        return Pattern.regular(
            self.period_um,
            first_angle_rad=self.first_angle_rad,
            phases=self.phases,
            modulation=self.modulation,
            first_phase_rad=tuple(rng.uniform(0, 2 * np.pi, 3)),
        )

    def light(self, truth: xr.DataArray, rng: np.random.Generator) -> xr.DataArray:
        """Noise-free frames (angle, phase, y, x) of an object."""
        return planar_frames(truth, self.optics, self.pattern(rng), otf_damping=self.otf_damping)

    def in_focus(self, truth: xr.DataArray) -> xr.DataArray:
        """What of an object the frames show; of a thin one all."""
        return truth

    def estimated(self, frames: xr.DataArray, *, check: bool = True) -> Pattern:
        """Pattern that is found in frames."""
        return sim.estimate(frames, self.optics, otf_damping=self.otf_damping, check=check)

    def reconstructed(self, frames: xr.DataArray, pattern: Pattern) -> xr.DataArray:
        """Image of twice the pixels, by the settings of the source; negative values are kept."""
        highest = len(self.modulation) / self.period_um
        return rebuilt(
            frames,
            self.optics,
            pattern,
            otf_damping=self.otf_damping,
            wiener=self.wiener,
            apodisation_cutoff=1 + highest / self.optics.cutoff_per_um,
        )
