"""The three-beam microscope of hughes2024 over simulated volumes that hold needles with recorded ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from nbsupport.reconstruct import sim
from nbsupport.seeds import streams
from nbsupport.simulate.illumination import HUGHES_2024, Pattern, focal_series
from nbsupport.simulate.volumes import anatomy_phantom

from .exposure import Exposure
from .rebuild import rebuilt

_PER_UM, _PER_BEAD, _THICKNESS_UM = 2400, 300, 0.02


@dataclass(frozen=True, kw_only=True)
class VolumeProtocol:
    """Volumes under three beams, a focal plane at a time.

    A volume is procedural anatomy, in place of the photographs that the source scales down to micrometres, with
    straight needles and beads in it.

    Parameters
    ----------
    seed : int
        Root of samples and noise.
    field_px, slices : int
        Lateral side and depth of a volume, voxels; the upper half of the slices is brought into focus.
    voxel_um : float
    needles, beads : int
        Per volume.
    scale_planes : bool
        Divide the frames of every plane by their own maximum, as the source does.
    wiener : float
    fade_px : int
        Border that the reconstruction fades out, pixels of the frames; 10 in the source, whose fields are larger.
    exposure : Exposure

    References
    ----------
    hughes2024, section 2.2 and Table 1.
    """

    seed: int = 0
    field_px: int = 64
    slices: int = 32
    voxel_um: float = 0.05
    needles: int = 3
    beads: int = 2
    scale_planes: bool = True
    wiener: float = 0.05
    fade_px: int = 4
    exposure: Exposure = field(default_factory=Exposure)

    dimensions = 3
    channels = 15

    @property
    def optics(self):
        """Detection as Table 1 states it, which is what the reconstruction assumes."""
        return sim.TABLE_1["3-D"]["optics"]

    @property
    def planes(self) -> slice:
        """Slices that are brought into focus."""
        return slice(1, self.slices // 2 + 1)

    @property
    def grids_um(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates of raw pixels, reconstructed pixels and focal planes, µm."""
        raw, z = _centred(self.field_px, self.voxel_um), _centred(self.slices, self.voxel_um)
        return raw, raw[0] + self.voxel_um / 2 * np.arange(2 * self.field_px), z[self.planes]

    def needle_ends_um(self, number: int) -> np.ndarray:
        """Ends of the needles of one volume, (needle, 2, 3), µm, columns x, y, z; they lie in planes of focus."""
        rng = streams(self.seed, "needles", sample=number)["needles"]
        raw, _, z = self.grids_um
        turn = rng.uniform(0, np.pi, self.needles)
        half = rng.uniform(0.15, 0.22, self.needles) * self.field_px * self.voxel_um
        across = np.stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)], axis=1) * half[:, None]
        reach = 0.15 * self.field_px * self.voxel_um
        places = rng.uniform(-reach, reach, (self.needles, 3))
        places[:, 2] = z[rng.integers(len(z) // 4, 3 * len(z) // 4 + 1, self.needles)]
        return np.stack([places - across, places + across], axis=1)

    def beads_um(self, number: int) -> np.ndarray:
        """Centres of the beads of one volume, (bead, 3), µm, columns x, y, z."""
        rng = streams(self.seed, "beads", sample=number)["beads"]
        raw, _, z = self.grids_um
        places = rng.uniform(0.7 * raw[0], 0.7 * raw[-1], (self.beads, 3))
        places[:, 2] = z[rng.integers(len(z) // 4, 3 * len(z) // 4 + 1, self.beads)]
        return places

    def object(self, number: int) -> xr.DataArray:
        """Fluorophores per voxel (z, y, x)."""
        rng = streams(self.seed, "anatomy", sample=number)["anatomy"]
        shape = (self.slices, self.field_px, self.field_px)
        organ_px = max(8.0, self.field_px / 4)
        anatomy = anatomy_phantom(shape, rng=rng, organ_px=organ_px, voxel_um=self.voxel_um).values
        return self.with_marks(anatomy.astype(float), number)

    def with_marks(self, anatomy: np.ndarray, number: int) -> xr.DataArray:
        """A volume with the needles and beads of one number in it.

        Parameters
        ----------
        anatomy : ndarray, (z, y, x), not negative, of the protocol's size
        number : int

        Returns
        -------
        DataArray, (z, y, x), its brightest hundredth about a tenth as bright as a needle
        """
        rng = streams(self.seed, "marks", sample=number)["marks"]
        emitters = np.concatenate([self._on_needles(number, rng), self._in_beads(number, rng)])
        edges = [_edges(size, self.voxel_um) for size in (self.slices, self.field_px, self.field_px)]
        marks, _ = np.histogramdd(emitters[:, ::-1], bins=edges)
        scale = 6 / max(float(np.quantile(anatomy, 0.99)), 1e-12)
        lateral, z = _centred(self.field_px, self.voxel_um), _centred(self.slices, self.voxel_um)
        coords = {"z": z, "y": lateral, "x": lateral}
        return xr.DataArray(scale * anatomy + marks, dims=("z", "y", "x"), coords=coords, attrs={"units": "1"})

    def _on_needles(self, number, rng):
        start, end = self.needle_ends_um(number).transpose(1, 0, 2)
        length = np.linalg.norm(end - start, axis=1)
        counts = rng.poisson(_PER_UM * length)
        share = [rng.uniform(size=(count, 1)) for count in counts]
        points = [a + s * (b - a) for a, b, s in zip(start, end, share, strict=True)]
        points = np.concatenate([np.empty((0, 3)), *points])
        return points + rng.normal(0, _THICKNESS_UM, points.shape)

    def _in_beads(self, number, rng):
        centres = np.repeat(self.beads_um(number), _PER_BEAD, axis=0)
        return centres + rng.normal(0, _THICKNESS_UM, centres.shape)

    def light(self, truth: xr.DataArray, rng: np.random.Generator) -> xr.DataArray:
        """Noise-free frames (angle, phase, z, y, x); the microscope is always the same, and draws nothing."""
        return focal_series(truth, HUGHES_2024, scale_planes=self.scale_planes)

    def in_focus(self, truth: xr.DataArray) -> xr.DataArray:
        """The slices that are brought into focus."""
        return truth.isel(z=self.planes)

    def estimated(self, frames: xr.DataArray, *, check: bool = True) -> Pattern:
        """Pattern that is found in frames, one for all planes."""
        return sim.estimate(frames, self.optics, check=check)

    def reconstructed(self, frames: xr.DataArray, pattern: Pattern) -> xr.DataArray:
        """Planes of twice the pixels (z, y, x), each reconstructed by itself; negative values are kept."""
        filters = sim.TABLE_1["3-D"]["filters"] | {"wiener": self.wiener, "fade_px": self.fade_px}
        return rebuilt(frames, self.optics, pattern, **filters)


def _centred(size: int, step_um: float) -> np.ndarray:
    return (np.arange(size) - (size - 1) / 2) * step_um


def _edges(size: int, step_um: float) -> np.ndarray:
    return (np.arange(size + 1) - size / 2) * step_um
