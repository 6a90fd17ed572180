"""Fourier ring correlation: up to which frequency do two images of one sample agree?

It tells the resolution only of two images with independent noise. Two outputs of one network share what the network
believes, and an output compared with the truth (`mean_frc`) is scored for agreement, not for resolution.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.fft import fft2

from .crossings import first_fall
from .sampling import sampled_pair

THRESHOLDS = ("1/7", "half-bit")
_SMALLEST_PX = 16


@dataclass(frozen=True)
class RingCorrelation:
    """Fourier ring correlation and where it falls below its threshold.

    Parameters
    ----------
    frequency : ndarray, (ring,), cycles per `unit`, from 0 to below the Nyquist frequency
    correlation : ndarray, (ring,), -1 to 1
        As computed; 0 where a ring holds no power.
    curve : ndarray, (ring,)
        What is compared with the threshold: `correlation`, smoothed if asked for.
    curve_sd : ndarray, (ring,)
        Standard deviation of `curve` under independent noise.
    threshold : ndarray, (ring,)
    pixels : ndarray of int, (ring,)
        Fourier pixels in the ring.
    unit : {"µm", "px"}
    crossing : float, cycles per `unit`
        First frequency at which the curve falls through the threshold; NaN if it never does.
    crossing_sd : float, cycles per `unit`
        `curve_sd` there over the slope of the smoothed curve against the threshold.
    """

    frequency: np.ndarray
    correlation: np.ndarray
    curve: np.ndarray
    curve_sd: np.ndarray
    threshold: np.ndarray
    pixels: np.ndarray
    unit: str
    crossing: float
    crossing_sd: float

    @property
    def resolution(self) -> float:
        """Inverse of the crossing, in `unit`; NaN without a crossing, infinite for one at frequency 0."""
        return 1 / self.crossing if self.crossing else np.inf

    @property
    def resolution_sd(self) -> float:
        """Standard deviation of the resolution, in `unit`."""
        return self.crossing_sd * self.resolution**2


def frc(first, second, *, taper: bool = True, smooth: bool = True, threshold: str = "1/7") -> RingCorrelation:
    """Fourier ring correlation of two images with independent noise.

    Rings are one pixel of the spectrum wide, ``ring = floor(radius + 0.5)``, and the correlation of a ring is
    ``Re sum(F1 conj(F2)) / sqrt(sum |F1|^2 sum |F2|^2)``. Images that are not square are filled with zeros.

    Parameters
    ----------
    first, second : DataArray, ndarray or Tensor of one shape, (y, x), any unit
        At least 16 px on either axis. Frequencies are in 1/µm if one of them is a DataArray, with pixel centres in µm
        as coordinates, and in 1/px otherwise.
    taper : bool
        Fade the outer eighth of either side of each axis to 0 along a cosine, so that opposite edges meet.
    smooth : bool
        Find the crossing on a curve smoothed by local quadratic regression (tricube weights) over a twentieth of the
        image side in rings, made odd, at least 5. The outermost two have no weight: images of up to 100 px are not
        smoothed.
    threshold : {"1/7", "half-bit"}

    Returns
    -------
    RingCorrelation

    Raises
    ------
    ValueError
        If the images do not fit together, are too small or not finite, or `threshold` is unknown.

    Notes
    -----
    The correlation is unchanged if an image is multiplied by a positive number, and symmetric. The mean of the images
    is kept, which makes ring 0 of two positive images 1. Tapered, it leaks along the axes of the spectrum and
    correlates rings that hold little else: subtract it from images on an offset that is large beside what they show.

    ``curve_sd`` follows from the variance ``(1 + 2 f - f^2) (1 - f)^2 / n`` of a ring of n pixels with a fixed signal
    and white noise. A taper w makes neighbouring Fourier pixels depend on each other; their number is then reduced by
    ``(sum w^2)^2 / (pixels sum w^4)``.

    nanopyx crops instead of filling, tapers less, interpolates rings and smooths by another filter: its resolution
    agrees within a few per cent.

    References
    ----------
    nieuwenhuizen2013; vanheel2005 (half-bit threshold).
    """
    if threshold not in THRESHOLDS:
        raise ValueError(f"threshold={threshold!r} is unknown; give one of {THRESHOLDS}")
    first, second, sampling = sampled_pair(first, second, _SMALLEST_PX)
    side = max(first.shape)
    window = _window(first.shape, taper)
    correlation, pixels = _ring_correlation(first * window, second * window, side)
    limit = np.full(correlation.shape, 1 / 7) if threshold == "1/7" else half_bit(pixels)
    weights = _loess(correlation.size, _span(side))
    smoothed = weights @ correlation
    independent = np.sum(window**2) ** 2 / (side**2 * np.sum(window**4))
    variance = _ring_variance(np.clip(smoothed, 0, 1)) / (pixels * independent)
    curve_sd = np.sqrt(weights**2 @ variance if smooth else variance)
    curve = smoothed if smooth else correlation
    frequency = np.arange(correlation.size) / (side * sampling.pixel)
    crossing = first_fall(frequency, curve - limit)
    slope = np.interp(crossing, frequency, np.gradient(smoothed - limit, frequency))
    crossing_sd = float(np.interp(crossing, frequency, curve_sd) / abs(slope))
    return RingCorrelation(frequency, correlation, curve, curve_sd, limit, pixels, sampling.unit, crossing, crossing_sd)


def mean_frc(truth, estimate, *, taper: bool = True) -> float:
    """Mean over all rings of the correlation between an estimate and the truth, as wang2021 scores denoising.

    No resolution: an estimate that is blurred without noise still scores 1. The source does not say which rings it
    averages; here all count alike, from the first beside the mean of the image to the last below the Nyquist frequency,
    unsmoothed. Few low frequencies therefore weigh as much as the many high ones that only noise fills. The mean
    itself, an offset of the camera among it, is subtracted and counts for nothing.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, (y, x), any unit
    taper : bool
        As in `frc`.

    Returns
    -------
    float, -1 to 1; 1 for equal images without empty rings. Symmetric.

    Raises
    ------
    ValueError
        As in `frc`.

    References
    ----------
    wang2021.
    """
    truth, estimate, _ = sampled_pair(truth, estimate, _SMALLEST_PX)
    window = _window(truth.shape, taper)
    centred = [(image - np.average(image, weights=window)) * window for image in (truth, estimate)]
    return float(np.mean(_ring_correlation(*centred, max(truth.shape))[0][1:]))


def half_bit(pixels) -> np.ndarray:
    """Half-bit threshold: the correlation at which a ring carries half a bit of information per pixel.

    Parameters
    ----------
    pixels : array_like, any shape, Fourier pixels in the ring, at least 1.

    Returns
    -------
    ndarray, shape of `pixels`; 1 for one pixel, falling to 0.1716 for many.

    Raises
    ------
    ValueError
        If a number is below 1.

    References
    ----------
    vanheel2005.
    """
    pixels = np.asarray(pixels, dtype=float)
    if not np.all(pixels >= 1):
        raise ValueError(f"pixels={pixels.min()} must be at least 1")
    return (0.2071 + 1.9102 / np.sqrt(pixels)) / (1.2071 + 0.9102 / np.sqrt(pixels))


def half_sets(count: int, *, rng: np.random.Generator, blocks: int = 50) -> np.ndarray:
    """Assign frames or localisations to two halves, by whole blocks of time.

    Blocks keep the blinks of one emitter together. Drawn singly, they would end up in both halves, which then agree on
    the errors of a localisation as well.

    Parameters
    ----------
    count : int
        Frames or localisations, in the order of time.
    rng : numpy.random.Generator
    blocks : int
        Contiguous blocks of nearly equal length, at least 2; half of them, drawn at random, make the first half.

    Returns
    -------
    ndarray of bool, (count,), True for the first half

    Raises
    ------
    ValueError
        If there are fewer than two blocks or fewer entries than blocks.

    References
    ----------
    nieuwenhuizen2013.
    """
    if blocks < 2:
        raise ValueError(f"blocks={blocks} must be at least 2")
    if count < blocks:
        raise ValueError(f"count={count} is less than blocks={blocks}; a block needs an entry")
    chosen = np.zeros(blocks, dtype=bool)
    chosen[rng.permutation(blocks)[: blocks // 2]] = True
    return chosen[np.arange(count) * blocks // count]


def _taper(size):
    """1 in the middle three quarters, falling to 0 along half a cosine in the outer eighths."""
    x = (np.arange(size) - size / 2) / size
    return np.where(np.abs(x) >= 0.375, 0.5 - 0.5 * np.cos(8 * np.pi * x), 1.0)


def _window(shape, taper):
    return np.multiply.outer(*(_taper(size) if taper else np.ones(size) for size in shape))


def _ring_correlation(first, second, side):
    rings = _rings(side)
    spectra = [fft2(image, s=(side, side)) for image in (first, second)]
    powers = [_ring_sums(rings, np.abs(spectrum) ** 2) for spectrum in spectra]
    product = _ring_sums(rings, (spectra[0] * spectra[1].conj()).real)
    # below the rounding of the transform a ring holds nothing, and two roundings may correlate
    empty = [power <= 1e-28 * power.sum() for power in powers]
    scale = np.sqrt(np.where(empty[0], 1, powers[0])) * np.sqrt(np.where(empty[1], 1, powers[1]))
    correlation = np.where(empty[0] | empty[1], 0, np.clip(product / scale, -1, 1))
    return correlation, np.bincount(rings.ravel())[: correlation.size]


def _ring_sums(rings, values):
    side = rings.shape[0]
    return np.bincount(rings.ravel(), weights=values.ravel())[: (side + 1) // 2]


@lru_cache(maxsize=4)
def _rings(side):
    index = np.fft.fftfreq(side, 1 / side)
    return np.floor(np.hypot(index[:, None], index[None, :]) + 0.5).astype(int)


def _span(side):
    return max(5, -(-side // 20) // 2 * 2 + 1)


@lru_cache(maxsize=4)
def _loess(count, span):
    """Matrix (count, count) of local quadratic regression over `span` neighbours, shifted inwards at the ends."""
    weights = np.zeros((count, count))
    for i in range(count):
        start = min(max(i - span // 2, 0), count - span)
        distance = np.arange(start, start + span) - i
        # the farthest neighbour gets the weight 0, so that it enters and leaves without a step
        tricube = (1 - (np.abs(distance) / np.abs(distance).max()) ** 3) ** 1.5
        powers = np.vander(distance, 3, increasing=True) * tricube[:, None]
        weights[i, start : start + span] = np.linalg.pinv(powers)[0] * tricube
    return weights


def _ring_variance(f):
    return (1 + 2 * f - f**2) * (1 - f) ** 2
