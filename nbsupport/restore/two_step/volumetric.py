"""The three-beam microscope of hughes2024 over simulated volumes that hold needles with recorded ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.reconstruct import sim
from nbsupport.simulate.illumination import HUGHES_2024, Pattern, focal_series
from nbsupport.simulate.structures import microtubules, vesicles
from nbsupport.study.seeds import streams

from .exposure import Exposure
from .rebuild import rebuilt

_PER_UM3 = {"microtubules": 0.35, "vesicles": 0.25}
_GRAIN_UM, _SHELL = 0.35, 0.12


@dataclass(frozen=True, kw_only=True)
class VolumeProtocol:
    """Volumes under three beams, a focal plane at a time.

    A volume holds blobs with sharp borders, filaments, vesicles and straight needles. It stands in for the photographs
    of anatomy that the source scales down to micrometres.

    Parameters
    ----------
    seed : int
        Root of samples and noise.
    field_px, slices : int
        Lateral side and depth of a volume, voxels; the upper half of the slices is brought into focus.
    voxel_um : float
    needles : int
        Per volume.
    scale_planes : bool
        Divide the frames of every plane by their own maximum, as the source does.
    wiener : float
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
    scale_planes: bool = True
    wiener: float = 0.05
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
        half = rng.uniform(0.15, 0.25, self.needles) * self.field_px * self.voxel_um
        across = np.stack([np.cos(turn), np.sin(turn), np.zeros_like(turn)], axis=1) * half[:, None]
        reach = 0.22 * self.field_px * self.voxel_um
        places = rng.uniform(-reach, reach, (self.needles, 3))
        places[:, 2] = z[rng.integers(len(z) // 4, 3 * len(z) // 4 + 1, self.needles)]
        return np.stack([places - across, places + across], axis=1)

    def object(self, number: int) -> xr.DataArray:
        """Fluorophores per voxel (z, y, x)."""
        rng = streams(self.seed, "volume", "blobs", sample=number)
        side, depth = self.field_px * self.voxel_um / 2, self.slices * self.voxel_um / 2
        box = ((-side, side), (-side, side), (-depth, depth))
        volume_um3 = 8 * side**2 * depth
        counts = {kind: max(1, round(share * volume_um3)) for kind, share in _PER_UM3.items()}
        filaments = microtubules(rng=rng.volume, count=counts["microtubules"], box_um=box)
        spheres = vesicles(rng=rng.volume, count=counts["vesicles"], box_um=box, radius_um=(0.1, 0.25))
        drawn = [filaments.emitters_um, spheres.emitters_um, self._needle_emitters(number, rng.volume)]
        edges = [_edges(size, self.voxel_um) for size in (self.slices, self.field_px, self.field_px)]
        counted, _ = np.histogramdd(np.concatenate(drawn)[:, ::-1], bins=edges)
        values = counted + 4 * self._blobs(rng.blobs)
        lateral, z = _centred(self.field_px, self.voxel_um), _centred(self.slices, self.voxel_um)
        coords = {"z": z, "y": lateral, "x": lateral}
        return xr.DataArray(values, dims=("z", "y", "x"), coords=coords, attrs={"units": "1"})

    def _needle_emitters(self, number, rng):
        start, end = self.needle_ends_um(number).transpose(1, 0, 2)
        share = rng.uniform(size=(self.needles, 1200, 1))
        points = start[:, None] + share * (end - start)[:, None]
        return (points + rng.normal(0, 0.02, points.shape)).reshape(-1, 3)

    def _blobs(self, rng):
        """Bodies with borders: where a smooth random field is high; their rims are brighter than their insides."""
        noise = rng.standard_normal((self.slices, self.field_px, self.field_px))
        smooth = gaussian_filter(noise, _GRAIN_UM / self.voxel_um, mode="wrap")
        high = smooth / smooth.std() - 1.2
        return (high > 0) * (0.5 + 1.0 * (high < _SHELL))

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
        filters = sim.TABLE_1["3-D"]["filters"] | {"wiener": self.wiener}
        return rebuilt(frames, self.optics, pattern, **filters)


def _centred(size: int, step_um: float) -> np.ndarray:
    return (np.arange(size) - (size - 1) / 2) * step_um


def _edges(size: int, step_um: float) -> np.ndarray:
    return (np.arange(size + 1) - size / 2) * step_um
