"""How bright and dim frames of one sample come about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbsupport.checks import positive
from nbsupport.simulate.camera import poisson, poisson_gaussian
from nbsupport.simulate.illumination import thinned

KINDS = ("drawn", "dim")


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Light and camera of an acquisition, bright and dim.

    Parameters
    ----------
    mean_photons : float
        Expected photons of the sample per pixel of a bright frame, mean over all frames.
    background_photons : float
        Expected photons per pixel of a bright frame from elsewhere.
    factor : float
        How much less light the dim frames have.
    kind : {"drawn", "dim"}
        Dim frames are drawn around the bright frames divided by `factor`, as hughes2024 does, or are exposures of their
        own with that much less light.
    gain, offset, read_noise : float
        Of the camera: ADU per photon, ADU, ADU. A gain of 0 stands for frames that are photon counts.
    converted : bool
        Frames in ADU are converted to photons by offset and gain before anything is drawn from them; False takes grey
        values for counts, as the source does.

    References
    ----------
    hughes2024, section 2.2.
    """

    mean_photons: float = 60.0
    background_photons: float = 2.0
    factor: float = 20.0
    kind: str = "drawn"
    gain: float = 0.0
    offset: float = 0.0
    read_noise: float = 0.0
    converted: bool = True

    def __post_init__(self):
        positive("mean_photons", self.mean_photons, "a positive number of photons")
        positive("factor", self.factor, "a positive number")
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} is unknown; give one of {', '.join(KINDS)}")

    def frames(self, light: xr.DataArray, *, rng: np.random.Generator) -> tuple[xr.DataArray, xr.DataArray]:
        """Bright and dim frames.

        Parameters
        ----------
        light : DataArray, (angle, phase, [z,] y, x)
            Noise-free frames, any unit, not dark.
        rng : numpy.random.Generator

        Returns
        -------
        two DataArrays, shape of `light`, float64
            In photons, or in ADU where a camera is given and nothing is converted.

        Raises
        ------
        ValueError
            If the light is dark.
        """
        mean = float(light.mean())
        if not mean > 0:
            raise ValueError(f"light is dark: its mean is {mean:g}")
        expected = light * (self.mean_photons / mean) + self.background_photons
        expected = expected.assign_attrs(light.attrs, units="photons")
        bright = self._recorded(expected, rng)
        if self.kind == "drawn":
            return bright, thinned(bright, factor=self.factor, rng=rng)
        dimmed = (expected / self.factor).assign_attrs(expected.attrs)
        return bright, self._recorded(dimmed, rng)

    def _recorded(self, expected, rng):
        if not self.gain:
            return poisson(expected, rng=rng)
        adu = poisson_gaussian(expected, gain=self.gain, offset=self.offset, read_noise=self.read_noise, rng=rng)
        if not self.converted:
            return adu.clip(min=0)
        return ((adu - self.offset) / self.gain).clip(min=0).assign_attrs(expected.attrs)
