"""Cameras that record known light: with independent noise, with stripes, with excess noise, with photon noise alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from nbsupport.checks import positive
from nbsupport.restore.denoisers import Camera, Examples
from nbsupport.simulate.camera import emccd, line_noise, poisson_gaussian

BACKGROUND = 0.1
"""Share of the brightest expected value that is there without structure."""

_SENSOR = 4096  # columns of a simulated sensor; images show its first ones


@dataclass(frozen=True)
class Detector:
    """A camera and what is wrong with it.

    Parameters
    ----------
    camera : Camera
        Gain, offset and read noise, known to whoever denoises.
    row_sd : float
        Standard deviation of what all pixels of a row share, drawn anew in each image, ADU.
    white_sd : float
        Standard deviation of further noise that is independent between pixels, ADU.
    column_sd, pattern_sd : float
        Spread of the offsets of columns and of single pixels, the same in every image, ADU; nobody corrects them.
    multiplying : bool
        An electron-multiplying register: shot noise has twice the variance.
    """

    camera: Camera = field(default_factory=Camera)
    row_sd: float = 0.0
    white_sd: float = 0.0
    column_sd: float = 0.0
    pattern_sd: float = 0.0
    multiplying: bool = False

    def record(self, expected: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """One exposure.

        Parameters
        ----------
        expected : array, (..., y, x), photons
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape of `expected`, ADU
        """
        light = xr.DataArray(expected, dims=[*"ab"[: np.ndim(expected) - 2], "y", "x"], attrs={"units": "photons"})
        if self.multiplying:
            register = {"em_gain": self.camera.gain, "offset": self.camera.offset, "read_noise": self.camera.read_noise}
            frame = emccd(light, **register, rng=rng)
        else:
            frame = poisson_gaussian(light, **vars(self.camera), rng=rng)
        if self.row_sd:
            frame = line_noise(frame, row_sd=self.row_sd, rng=rng)
        values = frame.values + rng.normal(0, self.white_sd, frame.shape) if self.white_sd else frame.values
        return values + self._pattern(frame.shape[-2:])

    def variance(self, expected: np.ndarray) -> np.ndarray:
        """Variance of a pixel over images, ADU², where this many photons are expected; offsets of pixels count."""
        shot = (2 if self.multiplying else 1) * self.camera.gain**2 * np.asarray(expected)
        others = (self.camera.read_noise, self.row_sd, self.white_sd, self.column_sd, self.pattern_sd)
        return shot + sum(sd**2 for sd in others)

    def without_noise(self, expected: np.ndarray) -> np.ndarray:
        """What the camera would return on average if nothing were wrong with it, ADU."""
        return self.camera.gain * np.asarray(expected) + self.camera.offset

    def examples(
        self,
        lights: Sequence[np.ndarray],
        photons: float,
        *,
        rng: np.random.Generator,
        truths: Sequence[np.ndarray] | None = None,
        background: float = BACKGROUND,
    ) -> Examples:
        """Two exposures of every field, the clean image, and calibration frames.

        Parameters
        ----------
        lights : sequence of arrays, (..., y, x), 0 to 1
        photons : float
            Expected where the light is 1.
        rng : numpy.random.Generator
        truths : sequence of arrays, optional
            Other light as target (a sharp object, a field without haze).
        background : float
            Share of `photons` that is everywhere.

        Returns
        -------
        nbsupport.restore.denoisers.Examples
            With the camera; `clean` is free of stripes and patterns.
        """
        positive("photons", photons, "photons in the brightest pixel, greater than 0")
        expected = [photons * (background + (1 - background) * np.asarray(light)) for light in lights]
        wanted = lights if truths is None else truths
        return Examples(
            [self.record(e, rng=rng) for e in expected],
            clean=[self.without_noise(photons * (background + (1 - background) * np.asarray(t))) for t in wanted],
            again=[self.record(e, rng=rng) for e in expected],
            camera=self.camera,
            calibration=[self.record(_wedge(1.2 * photons), rng=rng)],
        )

    def _pattern(self, shape: tuple[int, int]) -> np.ndarray:
        if not (self.column_sd or self.pattern_sd):
            return np.zeros(shape)
        rows, columns = shape
        of_sensor = np.random.default_rng(20)
        offsets = self.column_sd * of_sensor.normal(size=_SENSOR)[:columns]
        return offsets + self.pattern_sd * of_sensor.normal(size=(rows, _SENSOR))[:, :columns]


CAMERA = Camera(gain=2.0, offset=100.0, read_noise=3.0)
DETECTORS = {
    "camera": Detector(CAMERA),
    "independent": Detector(CAMERA, white_sd=8.0),
    "stripes": Detector(CAMERA, row_sd=8.0),
    "structured sCMOS": Detector(CAMERA, column_sd=6.0, pattern_sd=4.0),
    "EMCCD": Detector(Camera(gain=10.0, offset=100.0, read_noise=10.0), multiplying=True),
    "point scanner": Detector(Camera(gain=2.0, offset=0.0, read_noise=0.0)),
}
"""The cameras of the bench. "independent" and "stripes" have the same variance in every pixel."""


def equal_quality(detector: Detector, light: np.ndarray, psnr_db: float, *, background: float = BACKGROUND) -> float:
    """Photons in the brightest pixel at which a recorded image has a given PSNR.

    Parameters
    ----------
    detector : Detector
    light : array, (y, x), 0 to 1
    psnr_db : float
        With the range of the clean image.
    background : float
        As in `Detector.examples`.

    Returns
    -------
    float, photons

    Raises
    ------
    ValueError
        If no number between 0.01 and 10⁷ photons gives this PSNR.
    """

    def excess(log_photons: float) -> float:
        expected = np.exp(log_photons) * (background + (1 - background) * light)
        span = np.ptp(detector.without_noise(expected))
        return 10 * np.log10(span**2 / detector.variance(expected).mean()) - psnr_db

    ends = np.log([1e-2, 1e7])
    if excess(ends[0]) > 0 or excess(ends[1]) < 0:
        raise ValueError(f"psnr_db={psnr_db} cannot be reached with 0.01 to 10^7 photons")
    return float(np.exp(brentq(excess, *ends)))


def merged(parts: Sequence[Examples]) -> Examples:
    """Examples of several exposures of one camera as one set."""
    joined = {
        name: None if getattr(parts[0], name) is None else [image for part in parts for image in getattr(part, name)]
        for name in ("noisy", "clean", "again", "labels", "calibration")
    }
    return replace(parts[0], **joined)


def _wedge(photons: float, frames: int = 100, side: int = 48) -> np.ndarray:
    """Light that rises over the frame from almost nothing to `photons`, standing still."""
    wedge = np.linspace(0.01 * photons, photons, side * side).reshape(side, side)
    return np.broadcast_to(wedge, (frames, side, side))
