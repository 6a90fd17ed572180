"""How probable a measured value is under the additive noise model and under the one with excess noise."""

from __future__ import annotations

import numpy as np

from ._checks import at_least

# Sigmas of the widest model beyond which a density is not tabulated.
_MARGIN = 12
_FLOOR = 1e-13  # what the discrete Fourier transform can resolve below the peak of a density


def log_likelihood(photons, expected: float, *, read_noise: float, excess: bool) -> np.ndarray:
    """Log-density of values measured at one expected light level, in units of photons.

    Additive: ``Poisson(s) + N(0, read_noise²)``. With excess noise: each of the Poisson(s) electrons is multiplied by
    an exponentially distributed factor of mean 1, so that n electrons give a gamma draw of shape n, before the read
    noise is added. The offset has been subtracted and the result divided by the gain.

    Parameters
    ----------
    photons : array_like, any shape, photons
        Measured values.
    expected : float
        s, photons, non-negative.
    read_noise : float
        Standard deviation, photons, at least 0.02 (below, the density is a comb too fine to tabulate).
    excess : bool
        Which of the two models.

    Returns
    -------
    ndarray, shape of `photons`, nat (log of a density per photon)
        Densities more than 13 decades below the highest are given as that floor.

    Raises
    ------
    ValueError
        If a value is not finite or a number is out of range.

    Notes
    -----
    Both densities are sums without end, but their characteristic functions are elementary,
    ``exp(s (exp(it) - 1))`` and ``exp(s (1 / (1 - it) - 1))``, each times ``exp(-read_noise² t² / 2)``; a Fourier
    transform tabulates the density.

    References
    ----------
    laine2021, Box 2.
    """
    photons = np.asarray(photons, dtype=np.float64)
    at_least("expected", expected, 0)
    at_least("read_noise", read_noise, 0.02)
    if not np.isfinite(photons).all():
        raise ValueError("photons holds a value that is not finite")
    reach = _MARGIN * np.sqrt(2 * expected + read_noise**2 + 1)
    low, high = -_MARGIN * read_noise - 1, expected + 2 * reach + 10
    low, high = min(low, photons.min(initial=low)), max(high, photons.max(initial=high))
    step = read_noise / 32  # straight lines between the logarithms of a Gaussian then err by 1.2e-4
    size = 1 << int(np.ceil(np.log2((high - low) / step)))
    t = 2 * np.pi * np.fft.fftfreq(size, step)
    light = expected * ((1 / (1 - 1j * t) if excess else np.exp(1j * t)) - 1)
    characteristic = np.exp(light - (read_noise * t) ** 2 / 2 - 1j * t * low)
    density = np.fft.fft(characteristic).real / (size * step)
    return np.interp(photons, low + step * np.arange(size), np.log(np.maximum(density, _FLOOR * density.max())))
