"""What a network learns from first: pairs of noisy and clean images that have nothing to do with the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.checks import whole_number
from nbsupport.optics import Optics
from nbsupport.restore.denoisers import Examples
from nbsupport.restore.transfer.peak_signal import chip, noisy
from nbsupport.simulate.camera import emccd, poisson_gaussian
from nbsupport.simulate.curved_lines import curved_line_image
from nbsupport.simulate.nuclei import nuclei
from nbsupport.simulate.photographs import dead_leaves
from nbsupport.simulate.planar import planar

STRUCTURES = ("nuclei", "F-actin", "mitochondria", "brain", "zebrafish")
MODALITIES = ("confocal", "two-photon", "wide-field")
AVERAGES = (1, 2, 4, 8, 16)
"""Exposures that are averaged to one noisy image."""

_OPTICS = {
    "confocal": Optics(numerical_aperture=1.3, wavelength_um=0.45),
    "two-photon": Optics(numerical_aperture=1.0, wavelength_um=0.6),
    "wide-field": Optics(numerical_aperture=1.2, wavelength_um=0.6),
}


@dataclass(frozen=True)
class Pair:
    """A noisy image, its clean partner, and where they come from.

    Attributes
    ----------
    structure, modality : str
    averages : int
        Exposures in the noisy image.
    noisy, clean : ndarray, (y, x), of one scale
    """

    structure: str
    modality: str
    averages: int
    noisy: np.ndarray
    clean: np.ndarray


def generic_pairs(count: int, *, pixels: int, rng: np.random.Generator) -> list[Pair]:
    """Simulated microscopy of many sorts, the stand-in for FMD.

    Parameters
    ----------
    count : int
        Pairs. Structures and modalities go round, levels of averaging are drawn.
    pixels : int
        Per side, 16 or more.
    rng : numpy.random.Generator

    Returns
    -------
    list of Pair
        Neither microtubules nor lysosomes are among them. Confocal images have photon noise alone, two-photon ones the
        excess noise of a multiplier, wide-field ones haze from out of focus and the read noise of a camera.

    References
    ----------
    wang2021, methods: five sorts of sample, three of microscope, averages of 1 to 16 of 50 exposures. What stands for
    brain slices (blobs of all sizes) and for zebrafish (rings) is chosen here.
    """
    cells = list(product(STRUCTURES, MODALITIES))
    order = rng.permutation(len(cells))
    return [_pair(*cells[order[n % len(cells)]], pixels, rng) for n in range(whole_number("count", count, least=1))]


def line_pairs(
    count: int, *, pixels: int, rng: np.random.Generator, sd_px: float = 1.0, peaks: tuple[float, float] = (3.0, 500.0)
) -> list[Pair]:
    """Curved lines under a Gaussian point spread function, with Poisson and sCMOS noise.

    Parameters
    ----------
    count, pixels : int
    rng : numpy.random.Generator
    sd_px : float
        Standard deviation of the point spread function, pixels.
    peaks : (float, float)
        Least and greatest peak signal, photons; drawn evenly in its logarithm.

    Returns
    -------
    list of Pair

    References
    ----------
    wang2021, methods and Supplementary Fig. 6. Its range of peak signals is not stated.
    """
    sensor, pairs = chip(pixels, rng=rng), []
    for _ in range(whole_number("count", count, least=1)):
        light = curved_line_image(rng=rng, pixels=pixels, sd_px=sd_px).light.values
        peak = float(np.exp(rng.uniform(*np.log(peaks))))
        pairs.append(Pair("curved lines", "simulated", 1, noisy(light, peak, sensor, rng=rng), peak * light))
    return pairs


def examples(pairs: Sequence[Pair]) -> Examples:
    """Pairs as what a denoiser is trained with."""
    return Examples([pair.noisy for pair in pairs], clean=[pair.clean for pair in pairs])


def _pair(structure: str, modality: str, pixels: int, rng: np.random.Generator) -> Pair:
    light = _light(structure, modality, pixels, rng)
    if modality == "wide-field":
        light = light + rng.uniform(0.2, 0.6) * gaussian_filter(light, 6.0)
    peak, averages = float(np.exp(rng.uniform(*np.log((3.0, 40.0))))), int(rng.choice(AVERAGES))
    light = peak * (0.05 + 0.95 * light / max(light.max(), 1e-12))
    exposures = _exposed(np.broadcast_to(light, (averages, *light.shape)), modality, rng)
    return Pair(structure, modality, averages, exposures.mean(axis=0), light)


def _light(structure: str, modality: str, pixels: int, rng: np.random.Generator) -> np.ndarray:
    optics = _OPTICS[modality]
    if structure == "nuclei":
        return nuclei(rng=rng, pixels=pixels, pixel_um=0.4).light.values
    if structure == "brain":
        leaves = gaussian_filter(dead_leaves(pixels, rng=rng), 1.0)
        return np.maximum(leaves - np.quantile(leaves, 0.4), 0)
    kind = {"F-actin": "filaments", "mitochondria": "tubes", "zebrafish": "rings"}[structure]
    return planar(kind, optics, rng=rng, pixels=pixels).light.values


def _exposed(light: np.ndarray, modality: str, rng: np.random.Generator) -> np.ndarray:
    """Photons, calibrated."""
    expected = xr.DataArray(light, dims=("frame", "y", "x"), attrs={"units": "photons"})
    if modality == "two-photon":
        return emccd(expected, em_gain=10.0, read_noise=1.0, rng=rng).values / 10.0
    return poisson_gaussian(expected, read_noise=0.0 if modality == "confocal" else 1.2, rng=rng).values
