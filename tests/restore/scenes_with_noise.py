"""Small scenes with known truth and the camera that records them, for tests of denoisers."""

import numpy as np
from scipy.ndimage import gaussian_filter, label

GAIN, OFFSET, READ_NOISE = 2.0, 100.0, 4.0


def blobs(side, *, rng, peak=40.0, size=2.0):
    """Expected photons of one field of soft blobs on a background of 3 photons, (y, x)."""
    light = gaussian_filter(rng.random((side, side)) ** 40, size, mode="wrap")
    return 3.0 + peak * light / light.max()


def discs(side, *, rng, count=6, radius=5):
    """Expected photons and numbered objects of bright discs that may touch, (y, x) each."""
    y, x = np.mgrid[:side, :side]
    centres = rng.uniform(radius, side - radius, (count, 2))
    inside = np.any([(y - a) ** 2 + (x - b) ** 2 <= radius**2 for a, b in centres], axis=0)
    return 3.0 + 15.0 * inside, label(inside)[0]


def clean(photons):
    """ADU without noise."""
    return GAIN * photons + OFFSET


def record(photons, *, rng):
    """ADU with shot and read noise."""
    return GAIN * rng.poisson(photons) + rng.normal(OFFSET, READ_NOISE, np.shape(photons))


def calibration(*, rng, most=60.0, frames=100):
    """One stack of exposures of a grey wedge."""
    wedge = np.linspace(1.0, most, 48 * 48).reshape(48, 48)
    return [record(np.broadcast_to(wedge, (frames, 48, 48)), rng=rng)]


def psnr_gain(truth, noisy, restored):
    """By how many decibels an image came nearer to the truth."""
    return 10 * np.log10(np.mean((noisy - truth) ** 2) / np.mean((restored - truth) ** 2))
