"""The stripes of an illumination: where they lie, how they move from frame to frame, how deep they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from nbsupport.checks import finite_array, positive, whole_number

_ATTRS = ("wave_vector_per_um", "phase_rad", "modulation")


@dataclass(frozen=True, eq=False)
class Pattern:
    """Striped illumination ``1 + sum over orders m of modulation_m cos(m (2 pi k.r + phase))`` for every frame.

    Parameters
    ----------
    wave_vector_per_um : array_like, (angle, 2), cycles per µm
        Components (y, x) of the first order k, the coarsest stripes. Its sign says which way phases move.
    phase_rad : array_like, (angle, phase), rad
        Phase of the first order at the centre of the first pixel (index 0, 0) of every frame.
    modulation : array_like, (angle, order)
        Depth of every order relative to the mean: two interfering beams have one order, three have two.

    Raises
    ------
    ValueError
        If shapes do not fit together or a value is not finite.
    """

    wave_vector_per_um: np.ndarray
    phase_rad: np.ndarray
    modulation: np.ndarray

    def __post_init__(self):
        for name in _ATTRS:
            values = finite_array(name, getattr(self, name))
            if values.ndim != 2 or 0 in values.shape:
                raise ValueError(f"{name} has shape {values.shape}; give one row per pattern angle")
            object.__setattr__(self, name, values)
        if self.wave_vector_per_um.shape[1] != 2:
            raise ValueError(f"wave_vector_per_um has shape {self.wave_vector_per_um.shape}; give (angle, 2), y then x")
        if not len(self.wave_vector_per_um) == len(self.phase_rad) == len(self.modulation):
            counts = {name: len(getattr(self, name)) for name in _ATTRS}
            raise ValueError(f"numbers of angles differ: {counts}")

    @classmethod
    def regular(
        cls,
        period_um: float,
        *,
        first_angle_rad: float = 0.0,
        angles: int = 3,
        phases: int = 3,
        modulation: float | tuple[float, ...] = 1.0,
        first_phase_rad: float | tuple[float, ...] = 0.0,
    ) -> Pattern:
        """Directions evenly spread over half a turn and phases evenly spread over a whole one.

        Parameters
        ----------
        period_um : float
            Distance of the stripes of the first order, µm.
        first_angle_rad : float
            Direction of the first wave vector, from +x towards +y.
        angles, phases : int
        modulation : float or tuple of float, (order,)
        first_phase_rad : float or tuple of float, (angle,)
            Phase of the first frame of every angle.
        """
        period_um = positive("period_um", period_um, "a positive number of micrometres")
        whole_number("angles", angles, least=1)
        whole_number("phases", phases, least=1)
        direction = first_angle_rad + np.pi / angles * np.arange(angles)
        first = np.broadcast_to(np.asarray(first_phase_rad, dtype=float), angles)
        return cls(
            np.stack([np.sin(direction), np.cos(direction)], axis=1) / period_um,
            first[:, None] + 2 * np.pi / phases * np.arange(phases),
            np.tile(np.atleast_1d(np.asarray(modulation, dtype=float)), (angles, 1)),
        )

    @classmethod
    def of(cls, frames: xr.DataArray) -> Pattern:
        """The pattern that simulated frames carry in their attrs.

        Raises
        ------
        ValueError
            If they carry none.
        """
        missing = [name for name in _ATTRS if name not in frames.attrs]
        if missing:
            raise ValueError(f"the frames do not say their pattern: attrs lack {', '.join(missing)}")
        return cls(*(frames.attrs[name] for name in _ATTRS))

    @property
    def attrs(self) -> dict[str, list]:
        """Plain lists for the attrs of frames, which `of` reads."""
        return {name: getattr(self, name).tolist() for name in _ATTRS}

    @property
    def orders(self) -> int:
        """Number of orders beside the mean."""
        return self.modulation.shape[1]

    @property
    def period_um(self) -> np.ndarray:
        """Distance of the stripes of the first order, (angle,), µm."""
        return 1 / np.hypot(*self.wave_vector_per_um.T)

    @property
    def angle_rad(self) -> np.ndarray:
        """Direction of the wave vectors, (angle,), from +x towards +y."""
        return np.arctan2(*self.wave_vector_per_um.T)

    def moved(self, offset_um) -> Pattern:
        """The same stripes seen from a first pixel that lies elsewhere, as in a crop.

        Parameters
        ----------
        offset_um : (float, float), µm
            Position (y, x) of the new first pixel's centre relative to the old one.
        """
        turn = 2 * np.pi * self.wave_vector_per_um @ finite_array("offset_um", offset_um)
        return replace(self, phase_rad=self.phase_rad + turn[:, None])

    def intensity(self, y_um, x_um) -> np.ndarray:
        """Relative intensity of every frame on a grid.

        Parameters
        ----------
        y_um : array_like, (y,), µm, from the centre of the first pixel of the frames
        x_um : array_like, (x,), µm

        Returns
        -------
        ndarray, (angle, phase, y, x), mean 1 over whole periods
        """
        (ky, kx), (y, x) = self.wave_vector_per_um.T, (np.asarray(axis, dtype=float) for axis in (y_um, x_um))
        turns = ky[:, None, None] * y[:, None] + kx[:, None, None] * x
        phase = 2 * np.pi * turns[:, None] + self.phase_rad[:, :, None, None]
        order = np.arange(1, self.orders + 1)
        return 1 + sum(self.modulation[:, m - 1, None, None, None] * np.cos(m * phase) for m in order)
