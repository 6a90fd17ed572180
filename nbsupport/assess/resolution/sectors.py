"""How far an image agrees with the truth in each direction."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal.windows import tukey

from nbsupport.checks import whole_number

from .crossings import agreement_limit
from .sampling import sampled_pair

_SMALLEST_PX = 32
_RING_PX = 2.0
_SMOOTHED_RINGS = 1.0


def sector_cutoffs(truth, image, *, sectors: int = 12, threshold: float = 1 / 7) -> tuple[np.ndarray, np.ndarray]:
    """Frequency at which the ring correlation with the truth falls below a threshold, direction by direction.

    Parameters
    ----------
    truth, image : DataArray, ndarray or Tensor of one shape, (y, x), any unit
        At least 32 px on either axis; frequencies are in 1/µm if one of them is a DataArray and in 1/px otherwise.
    sectors : int
        Directions over half a turn; a real image holds the same in the opposite ones.
    threshold : float
        Between 0 and 1.

    Returns
    -------
    direction_rad : ndarray, (sector,)
        Middle of every sector, from +x towards +y, 0 to pi.
    cutoff : ndarray, (sector,)
        First frequency at which the correlation, smoothed over rings, falls through the threshold; 0 if it begins
        below it and the Nyquist frequency if it never falls. Smoothing puts the edge of a sharp passband some two
        pixels of the spectrum too far, in all images alike.

    Raises
    ------
    ValueError
        If the images do not fit together or a setting is out of range.

    Notes
    -----
    The truth must be known: of two noisy images `frc` finds the resolution. A sector of a ring holds few pixels near
    frequency 0, and what the subtraction of the mean leaves there correlates by chance; within `sectors` pixels of the
    spectrum, where directions cannot be told apart, all have the correlation of the whole disc.
    """
    whole_number("sectors", sectors, least=1)
    if not 0 < threshold < 1:
        raise ValueError(f"threshold={threshold} must lie between 0 and 1")
    truth, image, sampling = sampled_pair(truth, image, _SMALLEST_PX)
    window = np.multiply.outer(*(tukey(size, 0.25) for size in truth.shape))
    first, second = (np.fft.fft2((values - values.mean()) * window) for values in (truth, image))
    y, x = (np.fft.fftfreq(size, sampling.pixel) for size in truth.shape)
    step = _RING_PX / (min(truth.shape) * sampling.pixel)
    ring = np.floor(np.hypot(y[:, None], x) / step).astype(int)
    turn = np.arctan2(y[:, None], np.broadcast_to(x, ring.shape)) % np.pi
    sector = np.minimum((turn / np.pi * sectors).astype(int), sectors - 1)
    rings = int(0.5 / sampling.pixel / step)
    inside = ring < rings
    place = (sector * rings + ring)[inside]

    def sums(values):
        return np.bincount(place, weights=values[inside], minlength=sectors * rings).reshape(sectors, rings)

    powers = sums(np.abs(first) ** 2), sums(np.abs(second) ** 2)
    product = sums((first * second.conj()).real)
    correlation = _correlation(product, *powers)
    inner = min(rings, int(np.ceil(sectors / _RING_PX)))
    correlation[:, :inner] = _correlation(*(values[:, :inner].sum() for values in (product, *powers)))
    correlation = gaussian_filter1d(correlation, _SMOOTHED_RINGS, axis=1, mode="nearest")
    frequency = (np.arange(rings) + 0.5) * step
    cutoffs = np.array([agreement_limit(frequency, curve - threshold) for curve in correlation])
    return (np.arange(sectors) + 0.5) * np.pi / sectors, cutoffs


def _correlation(product, first_power, second_power):
    scale = np.sqrt(first_power * second_power)
    return np.divide(product, scale, out=np.zeros_like(product), where=scale > 1e-14 * scale.max())
