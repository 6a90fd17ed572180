"""PURE-LET: Haar wavelet thresholds for Poisson noise, tuned by an unbiased estimate of their own error.

A variant, named as such. The distributed code of the authors cannot be read, so it is derived here from Poisson's
identity ``E[λ f(k)] = E[k f(k - 1)]``: the decimated, unnormalised Haar transform, averaged over shifts, with three
elementary thresholds per band (one of them with a threshold that reads the next coarser scale's slope).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from nbsupport.checks import whole_number
from nbsupport.restore.denoisers import Camera, Denoiser

BANDS = ("vertical", "horizontal", "diagonal")

_SHIFTS = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 2), (3, 1), (1, 3), (3, 3))


@dataclass(kw_only=True)
class PureLet(Denoiser):
    """Haar PURE-LET for Poisson noise with read noise; it has no parameter.

    Parameters
    ----------
    scales : int
        Levels of the transform.
    shifts : int
        Shifted copies that are averaged, 1 to 8.
    """

    name: ClassVar[str] = "PURE-LET"
    supervision: ClassVar[str] = "none"
    needs: ClassVar[tuple[str, ...]] = ("camera",)
    source: ClassVar[str] = "Luisier, Vonesch, Blu and Unser, Signal Processing 90, 415 (2010), variant"
    scales: int = 4
    shifts: int = 8
    camera: Camera | None = field(default=None, init=False)

    def _train(self, examples, **_) -> None:
        whole_number("scales", self.scales, least=1)
        if whole_number("shifts", self.shifts, least=1) > len(_SHIFTS):
            raise ValueError(f"shifts={self.shifts} must be at most {len(_SHIFTS)}")
        self.camera = examples.camera

    def _apply(self, image: np.ndarray) -> np.ndarray:
        photons = (image - self.camera.offset) / self.camera.gain
        variance = (self.camera.read_noise / self.camera.gain) ** 2
        factor = 2**self.scales
        margins = [(factor, factor + -n % factor) for n in image.shape]
        padded = np.pad(photons, margins, mode="symmetric")
        inner = tuple(slice(factor, factor + n) for n in image.shape)
        copies = [
            np.roll(_levels(np.roll(padded, s, (0, 1)), variance, self.scales), (-s[0], -s[1]), (0, 1))[inner]
            for s in _SHIFTS[: self.shifts]
        ]
        return self.camera.gain * np.maximum(np.mean(copies, axis=0), 0) + self.camera.offset


def haar(image: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sums and differences over blocks of 2 × 2 pixels.

    Parameters
    ----------
    image : array, (y, x), even sides

    Returns
    -------
    (array, dict of arrays), (y / 2, x / 2)
        Sums of four pixels, so that Poisson counts stay Poisson counts, and the three differences of two and two.
    """
    a, b, c, d = image[::2, ::2], image[::2, 1::2], image[1::2, ::2], image[1::2, 1::2]
    return a + b + c + d, dict(zip(BANDS, (a + b - c - d, a - b + c - d, a - b - c + d), strict=True))


def inverse_haar(sums: np.ndarray, bands: dict[str, np.ndarray]) -> np.ndarray:
    """Image whose `haar` transform this is."""
    v, h, d = (bands[name] for name in BANDS)
    image = np.empty((2 * sums.shape[0], 2 * sums.shape[1]))
    image[::2, ::2], image[::2, 1::2] = sums + v + h + d, sums + v - h - d
    image[1::2, ::2], image[1::2, 1::2] = sums - v + h - d, sums - v - h + d
    return image / 4


def elementary(difference: np.ndarray, total: np.ndarray, slope: np.ndarray, variance: float) -> list[np.ndarray]:
    """Three estimates of a coefficient's mean: itself, and itself where it, or its coarse slope, exceeds the noise."""
    noise = 6 * (np.abs(total) + variance + 1e-9)
    small = np.exp(-(difference**2) / noise)
    flat = np.exp(-(slope**2) / noise)
    return [difference, difference * (1 - small), difference * (1 - flat)]


def correlations(difference, total, slope, variance: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Elementary estimates, and unbiased estimates of the mean of each times the true coefficient.

    Parameters
    ----------
    difference, total : array
        Difference and sum of two counts, each Poisson plus normal noise of half of `variance`.
    slope : array
        Anything that does not depend on the two counts.
    variance : float
        Of the normal noise in the sum.

    Returns
    -------
    (list of arrays, array of one value per estimate)
    """
    estimates = elementary(difference, total, slope, variance)
    fewer_first = elementary(difference - 1, total - 1, slope, variance)
    fewer_second = elementary(difference + 1, total - 1, slope, variance)
    first, second = (total + difference) / 2, (total - difference) / 2
    products = [first * a - second * b for a, b in zip(fewer_first, fewer_second, strict=True)]
    if variance:
        step = 1e-3 * np.sqrt(variance)
        products = [
            p - variance / 2 * g
            for p, g in zip(products, _gradients(difference, total, slope, variance, step), strict=True)
        ]
    return estimates, np.array([p.mean() for p in products])


def _gradients(difference, total, slope, variance, step):
    """Derivative of the estimates in the first count minus that in the second, each with one photon fewer there."""
    gradients = 0
    for sign in (1, -1):
        shifted = [
            elementary(difference - sign + sign * move, total - 1 + move, slope, variance) for move in (step, -step)
        ]
        gradients = gradients + sign * np.array([(up - down) / (2 * step) for up, down in zip(*shifted, strict=True)])
    return gradients


def _levels(counts: np.ndarray, variance: float, scales: int) -> np.ndarray:
    """Denoise all bands from the finest scale to the coarsest; the coarsest sums stay as they are."""
    if scales == 0:
        return counts
    sums, bands = haar(counts)
    slopes = _slopes(sums)
    restored = {name: _threshold(bands[name], sums, slopes[name], 4 * variance) for name in BANDS}
    return inverse_haar(_levels(sums, 4 * variance, scales - 1), restored)


def _slopes(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Differences of neighbouring sums, one per band; none reads the block itself."""
    vertical = np.roll(sums, 1, 0) - np.roll(sums, -1, 0)
    horizontal = np.roll(sums, 1, 1) - np.roll(sums, -1, 1)
    diagonal = np.roll(horizontal, 1, 0) - np.roll(horizontal, -1, 0)
    return dict(zip(BANDS, (vertical, horizontal, diagonal), strict=True))


def _threshold(difference, total, slope, variance):
    """Best linear combination of the elementary estimates by the unbiased estimate of the error."""
    estimates, with_truth = correlations(difference, total, slope, variance)
    flat = np.array([e.ravel() for e in estimates])
    gram = flat @ flat.T / flat.shape[1]
    weights = np.linalg.lstsq(gram, with_truth, rcond=1e-6)[0]
    return np.tensordot(weights, np.array(estimates), axes=1)
