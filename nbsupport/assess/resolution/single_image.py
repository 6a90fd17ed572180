"""Decorrelation analysis: the highest frequency that stands above the noise in a single image.

It needs no second image and no parameter, and it answers for the image as it is: up-sampling, filtering and networks
change the answer without changing what was resolved.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import fft2, fftshift

from .sampling import sampled_image

_SMALLEST_PX = 64
_TAPER_PX = 20
_RADII = 50
_FILTERS = 10
_WEAKEST_FILTER = 0.15
_LEAST_DROP = 5e-4
_LEAST_HEIGHT = 0.05


@dataclass(frozen=True)
class Decorrelation:
    """Result of a decorrelation analysis.

    Parameters
    ----------
    cutoff : float, 0 to 1
        Highest peak position over all filters, as a fraction of the Nyquist frequency. Up to 0.03 there was no peak
        but that of the mean of the image.
    height : float
        Height of the peak of the unfiltered image, a measure of its signal-to-noise ratio; 0 without a peak.
    pixel : float, in `unit`
    unit : {"µm", "px"}
    radii : ndarray, (50,), 0 to 1
        Radii of the unfiltered curve, as fractions of the Nyquist frequency.
    curve : ndarray, (50,)
        Decorrelation of the unfiltered image.
    peaks : ndarray, (filter, 3)
        Filter strength (0 for none), position and height of the peak for every filter tried; zeros without a peak.
    """

    cutoff: float
    height: float
    pixel: float
    unit: str
    radii: np.ndarray
    curve: np.ndarray
    peaks: np.ndarray

    @property
    def resolution(self) -> float:
        """Period of the cut-off frequency, 2 pixels / `cutoff`, in `unit`; infinite without any peak."""
        return 2 * self.pixel / self.cutoff if self.cutoff else np.inf


def decorrelation(image) -> Decorrelation:
    """Resolution of one image by decorrelation analysis.

    The spectrum is compared with itself after every frequency has been given the same weight, inside a circle of
    growing radius: ``d(r) = sum |I| / sqrt(sum of all |I|^2 * pixels in the circle)``. Signal raises d and noise lowers
    it, so that d peaks where noise takes over. High-pass filters of growing strength push the peak outwards, and the
    farthest one counts.

    Parameters
    ----------
    image : DataArray, ndarray or Tensor, (y, x), any unit
        At least 64 px on either axis. The resolution is in µm for a DataArray, with pixel centres in µm as coordinates,
        and in px otherwise.

    Returns
    -------
    Decorrelation
        Unchanged if the image is multiplied by a positive number.

    Raises
    ------
    ValueError
        If the image has not two axes, is too small or not finite.

    Notes
    -----
    50 radii, one filter of a quarter of the side and 10 in logarithmic steps from 2 over the unfiltered peak to 0.15
    (a filter of strength g passes ``1 - exp(-2 g^2 r^2)``); then, if a filtered image had a peak at all, 10 filters
    between the neighbours of the best one, on 50 radii around its peak. Peaks below 0.05 are discarded.

    nanopyx and the program of the authors differ by up to 7 %, and nanopyx and this function by up to 11 % on images
    whose signal is well above the noise. Near the noise the peaks are flat and implementations part by factors.

    References
    ----------
    descloux2019.
    """
    values, sampling = sampled_image("image", image, _SMALLEST_PX)
    spectrum = _Spectrum(values)
    radii = np.linspace(0, 1, _RADII)
    curve = spectrum.curve(0, radii)
    position, height = _peak(radii, curve)
    side = max(values.shape)
    strongest = 2 / position if position else side / 2
    strengths = np.array([side / 4, *np.geomspace(strongest, _WEAKEST_FILTER, _FILTERS)])
    peaks = np.array([(0, position, height), *spectrum.peaks(strengths, radii)])
    positions = _accepted(peaks)
    if positions[1:].any():
        refined = _between_neighbours(strengths, int(np.argmax(positions[1:]))), _around(positions.max(), radii)
        peaks = np.concatenate([peaks, spectrum.peaks(*refined)])
    cutoff = float(_accepted(peaks).max())
    return Decorrelation(cutoff, height, sampling.pixel, sampling.unit, radii, curve, peaks)


class _Spectrum:
    """Moduli of a spectrum inside its Nyquist ellipse, sorted by radius."""

    def __init__(self, image):
        image = _faded(image)[tuple(slice(size - 1 + size % 2) for size in image.shape)]
        y, x = (np.linspace(-1, 1, size) for size in image.shape)
        radius = np.hypot(y[:, None], x[None, :]).ravel()
        order = np.argsort(radius, kind="stable")
        order = order[radius[order] < 1]
        self.radius = radius[order]
        modulus = np.abs(fftshift(fft2(image))).ravel()[order]
        # what is left of a constant image is the rounding of the transform, which would be taken for structure
        self.modulus = np.where(modulus > 1e-13 * np.linalg.norm(image), modulus, 0)

    def curve(self, strength, radii):
        """Decorrelation inside every radius, rounded down to thousandths; strength 0 filters nothing."""
        modulus = self.modulus * (-np.expm1(-2 * (strength * self.radius) ** 2) if strength else 1)
        inside = np.searchsorted(self.radius, radii, side="left")
        norm = np.linalg.norm(modulus) * np.sqrt(inside)
        sums = np.concatenate([[0], np.cumsum(modulus)])[inside]
        return np.floor(1000 * np.divide(sums, norm, out=np.zeros(radii.size), where=norm > 0)) / 1000

    def peaks(self, strengths, radii):
        return np.array([(strength, *_peak(radii, self.curve(strength, radii))) for strength in strengths])


def _faded(image):
    """Edges that go over into the mean of the image along half a cosine."""

    def edge(size):
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(_TAPER_PX) + 0.5) / _TAPER_PX)
        return np.concatenate([ramp, np.ones(size - 2 * _TAPER_PX), ramp[::-1]])

    return (image - image.mean()) * np.multiply.outer(*(edge(size) for size in image.shape)) + image.mean()


def _peak(radii, curve):
    """Position and height of the maximum that the curve falls from, however the curve ends; zeros if there is none."""
    for stop in range(curve.size, 1, -1):
        top = int(np.argmax(curve[:stop]))
        if curve[top] - curve[top:stop].min() >= _LEAST_DROP:
            return float(radii[top]), float(curve[top])
    return 0.0, 0.0


def _accepted(peaks):
    """Positions of the peaks, 0 for one that is too low to count."""
    return np.where(peaks[:, 2] >= _LEAST_HEIGHT, peaks[:, 1], 0)


def _between_neighbours(strengths, best):
    return np.geomspace(strengths[max(best - 1, 0)], strengths[min(best + 1, strengths.size - 1)], _FILTERS)


def _around(position, radii):
    return np.linspace(max(position - radii[1], 0), min(position + 0.4, 1), _RADII)
