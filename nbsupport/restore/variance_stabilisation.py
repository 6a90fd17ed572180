"""Make noise that grows with the signal uniform, denoise as if it were Gaussian, and come back without bias."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.stats import poisson

from nbsupport.checks import finite_array
from nbsupport.restore.denoisers import Camera

DARKEST = 2 * np.sqrt(3 / 8)
"""Expected stabilised value of a pixel that neither light nor read noise reaches."""

INVERSES = ("closed form", "exact", "algebraic")

_NOISE_GAIN = 6.0  # root of the sum of squares of [1 -2 1] times itself
_MEDIAN_OF_NORMAL = 0.6745  # median of the absolute value of a standard normal variable
_BRIGHTEST = 200.0  # photons up to which the exact inverse is tabulated; the closed form is right to 1e-2 beyond


def stabilise(values, camera: Camera) -> np.ndarray:
    """Apply the generalised Anscombe transform: Poisson and read noise become noise of standard deviation near 1.

    Parameters
    ----------
    values : array, any shape, ADU
    camera : Camera

    Returns
    -------
    ndarray, shape of `values`
        ``2 √max(0, p + 3/8 + r²)`` with p photons and r the read noise in photons.

    References
    ----------
    Starck, Murtagh and Bijaoui, Image Processing and Data Analysis (1998); laine2021, section 2.2.
    """
    photons = (finite_array("values", values) - camera.offset) / camera.gain
    return _root(photons, camera.read_noise / camera.gain)


def unstabilise(stabilised, camera: Camera, *, inverse: str = "closed form") -> np.ndarray:
    """Return from stabilised values, denoised meanwhile, to the camera's units.

    Parameters
    ----------
    stabilised : array, any shape
        Estimates of the expected stabilised value.
    camera : Camera
    inverse : str
        ``"exact"``: the signal whose stabilised noisy values have this mean, by a table computed here;
        ``"closed form"``: its published approximation; ``"algebraic"``: the inverse function, biased at few photons.

    Returns
    -------
    ndarray, shape of `stabilised`, ADU, not below the offset

    Raises
    ------
    ValueError
        If a value is not finite or the inverse unknown.

    References
    ----------
    Mäkitalo and Foi, IEEE Trans. Image Process. 20, 99 (2011) and 22, 91 (2013).
    """
    if inverse not in INVERSES:
        raise ValueError(f"inverse={inverse!r} is unknown; give one of {', '.join(INVERSES)}")
    stabilised = finite_array("stabilised", stabilised)
    read_noise = camera.read_noise / camera.gain
    if inverse == "algebraic":
        photons = (stabilised / 2) ** 2 - 3 / 8 - read_noise**2
    else:
        photons = _closed_form(stabilised, read_noise)
    if inverse == "exact":
        expected, signal = _table(read_noise)
        photons = np.where(stabilised < expected[-1], np.interp(stabilised, expected, signal), photons)
    return camera.gain * np.maximum(photons, 0) + camera.offset


def expected_stabilised(photons, read_noise: float = 0.0) -> np.ndarray:
    """Mean of the stabilised values of a pixel that expects this many photons.

    Parameters
    ----------
    photons : array, 1-D, non-negative
    read_noise : float
        Standard deviation, photons.

    Returns
    -------
    ndarray, shape of `photons`
    """
    photons = finite_array("photons", photons)
    counts = np.arange(int(photons.max() + 12 * np.sqrt(photons.max()) + 30))
    # a sum over a fine grid, because the kink of the root at zero spoils Gauss-Hermite quadrature
    normal = np.linspace(-8, 8, 641) if read_noise else np.zeros(1)
    weights = np.exp(-(normal**2) / 2) / np.exp(-(normal**2) / 2).sum()
    of_count = _root(counts[:, None] + read_noise * normal, read_noise) @ weights
    return poisson.pmf(counts, photons[:, None]) @ of_count


def estimate_camera(images, *, block: int = 8, offset: float | None = None) -> Camera:
    """Gain and read noise from single images, where nobody has measured the camera.

    Second differences along both axes remove whatever is smooth; what is left of them is noise. A line through the
    noise variance of blocks of equal brightness against their mean gives the gain (its slope) and the read noise.

    Parameters
    ----------
    images : sequence of arrays, (y, x), ADU
    block : int
        Side of a block, pixels.
    offset : float, optional
        ADU; by default the lowest mean of a block, so that the darkest place counts as dark.

    Returns
    -------
    Camera

    Raises
    ------
    ValueError
        If nothing but rounding shows in the images, or their noise does not grow with the signal.

    Notes
    -----
    A substitute for calibration frames: structure finer than the blocks passes for noise, and clipped or deconvolved
    images have no such line at all.
    """
    blocks = [_block_statistics(finite_array("image", i), block) for i in images]
    means, residuals = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    dark = float(means.min()) if offset is None else offset
    edges = np.quantile(means, np.linspace(0, 1, 17))
    groups = np.clip(np.searchsorted(edges, means, "right") - 1, 0, 15)
    inside = [groups == g for g in np.unique(groups)]
    mean = np.array([means[i].mean() for i in inside])
    # edges and points make some residuals large and none small: their median stands for the noise
    variance = np.array([(np.median(np.abs(residuals[i])) / _MEDIAN_OF_NORMAL) ** 2 for i in inside])
    grainy = variance > _rounding(images)  # less shows no noise
    if grainy.sum() < 2:
        raise ValueError("images show no noise above their rounding to grey values; calibrate the camera")
    gain, floor = _line(mean[grainy] - dark, variance[grainy])
    if not gain > 0:
        raise ValueError(
            f"images show noise that does not grow with the signal (slope {gain:.3g}); calibrate the camera"
        )
    return Camera(gain=float(gain), offset=dark, read_noise=float(np.sqrt(max(floor, 0.0))))


def _line(signal: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """Slope and intercept where errors grow with the variance.

    The weights come from the line itself: those of the measured variances would let blocks that are dark but for a few
    pixels, whose median shows no signal, outweigh all others.
    """
    weights = np.ones_like(signal)
    for _ in range(10):
        gain, floor = np.polyfit(signal, variance, 1, w=weights)
        weights = 1 / np.maximum(gain * signal + max(floor, 0), 1e-3 * variance.max())
    return gain, floor


def _rounding(images) -> float:
    """Variance of rounding to the grey values that occur, ADU²."""
    values = np.unique(np.concatenate([np.ravel(image) for image in images]))
    return float(np.diff(values).min(initial=np.inf)) ** 2 / 12


def _block_statistics(image: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Means (block,) and residuals (block, pixel) of all blocks of an image."""
    second = image[2:] - 2 * image[1:-1] + image[:-2]
    second = second[:, 2:] - 2 * second[:, 1:-1] + second[:, :-2]
    rows, columns = (n // block for n in second.shape)
    cut = (slice(rows * block), slice(columns * block))
    means, residuals = (
        a[cut].reshape(rows, block, columns, block).swapaxes(1, 2).reshape(rows * columns, -1)
        for a in (image[1:-1, 1:-1], second / _NOISE_GAIN)
    )
    return means.mean(axis=1), residuals


def _root(photons: np.ndarray, read_noise: float) -> np.ndarray:
    return 2 * np.sqrt(np.maximum(photons + 3 / 8 + read_noise**2, 0))


def _closed_form(stabilised: np.ndarray, read_noise: float) -> np.ndarray:
    d = np.maximum(stabilised, DARKEST)  # below, its negative powers turn upwards again
    half = np.sqrt(3 / 2)
    return d**2 / 4 + half / (4 * d) - 11 / (8 * d**2) + 5 * half / (8 * d**3) - 1 / 8 - read_noise**2


@cache
def _table(read_noise: float) -> tuple[np.ndarray, np.ndarray]:
    signal = np.linspace(0, np.sqrt(_BRIGHTEST), 800) ** 2
    return expected_stabilised(signal, read_noise), signal
