"""Blind-spot denoisers that know more than the noisy image: PN2V its noise, DecoNoising its point spread function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nbsupport.checks import finite_array
from nbsupport.restore import tiling
from nbsupport.restore.blind_spot import BlindSpots
from nbsupport.restore.denoisers import Examples
from nbsupport.restore.networks.multi_output import multi_output
from nbsupport.restore.noise_models import NoiseModel, measure_histogram
from nbsupport.restore.one_scale import OneScaleDenoiser

SPREAD = 10.0
"""Factor on the samples that PN2V's network gives, so that they lie apart from the start (public code)."""


def mmse(noise_model: NoiseModel, measured: Tensor, samples: Tensor) -> Tensor:
    """Mean of samples of the signal, each weighted by how well it explains what was measured.

    Parameters
    ----------
    noise_model : NoiseModel
    measured : Tensor, (batch, 1, ...)
    samples : Tensor, (batch, sample, ...), in the units of `measured`

    Returns
    -------
    Tensor, (batch, 1, ...)
        Between the smallest and the largest sample.

    References
    ----------
    krull2020.
    """
    weights = noise_model.log_density(measured, samples).softmax(dim=1)
    return (weights * samples).sum(dim=1, keepdim=True)


def likelihood_loss(noise_model: NoiseModel, measured: Tensor, samples: Tensor) -> Tensor:
    """Negative log of the probability of what was measured, averaged over samples of the signal; mean over pixels.

    Parameters
    ----------
    noise_model : NoiseModel
    measured : Tensor, (pixel,)
    samples : Tensor, (pixel, sample), in the units of `measured`

    Returns
    -------
    Tensor, (), nat
        For one sample and Gaussian noise the squared error over twice the variance, up to a constant.

    References
    ----------
    krull2020.
    """
    log_density = noise_model.log_density(measured[:, None], samples)
    return math.log(samples.shape[1]) - torch.logsumexp(log_density, dim=1).mean()


@dataclass(kw_only=True)
class PN2V(OneScaleDenoiser):
    """Probabilistic Noise2Void: the network gives samples of what a pixel may be, the noise model weighs them.

    Parameters
    ----------
    samples : int
        Of every pixel; 800 in the public code.
    percent, radius : float, int
        Share of hidden pixels, %, and half side of the window from which they are replaced. The defaults are those of
        the public code, 312 pixels of 100 x 100.
    """

    name: ClassVar[str] = "PN2V"
    supervision: ClassVar[str] = "noisy images"
    source: ClassVar[str] = "Krull et al., Frontiers in Computer Science 2, 5 (2020)"
    needs: ClassVar[tuple[str, ...]] = ("calibration",)
    batch: int = 4
    samples: int = 100
    percent: float = 3.12
    radius: int = 2

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """U-Net with one output per sample."""
        return multi_output(self.samples, depth=self.depth, features=self.features, seed=seed)

    def make_batches(self, examples: Examples, seed: int) -> BlindSpots:
        """Crops with blind spots; measures the noise model."""
        self.noise_model = measure_histogram(examples.calibration)
        crops = self.crops(examples.noisy, examples.noisy, seed)
        return BlindSpots(crops, percent=self.percent, radius=self.radius, seed=seed)

    def objective(self, network: Callable, batch: tuple[Tensor, ...]) -> Tensor:
        """Likelihood of the hidden pixels, nat."""
        seen, crop, mask = batch
        samples = SPREAD * network(seen).float().movedim(1, -1)[mask[:, 0]]
        return likelihood_loss(self.noise_model, self.in_adu(crop[mask]), self.in_adu(samples))

    def run(self, image: np.ndarray) -> np.ndarray:
        """Mean of the samples weighted by the likelihood, of a normalised image."""
        return tiling.apply(_Mmse(self), image, device=self.device, precision=self.precision)

    def prior(self, image) -> np.ndarray:
        """What the network says before the pixel's own value is weighed: the plain mean of the samples.

        Parameters
        ----------
        image : array_like, (y, x), ADU

        Returns
        -------
        ndarray, (y, x), ADU
        """
        normalised = self.normalised(finite_array("image", image))
        mean = tiling.apply(_Prior(self.network), normalised, device=self.device, precision=self.precision)
        return self.in_adu(mean.astype(float))


class _Prior(nn.Module):
    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return SPREAD * self.network(images).float().mean(dim=1, keepdim=True)


class _Mmse(nn.Module):
    """Normalised images to their normalised restoration; the noise model reads both in ADU."""

    def __init__(self, trained: PN2V):
        super().__init__()
        self.network, self.trained = trained.network, trained

    def forward(self, images: Tensor) -> Tensor:
        samples = self.trained.in_adu(SPREAD * self.network(images).float())
        restored = mmse(self.trained.noise_model, self.trained.in_adu(images), samples)
        return (restored - self.trained.centre) / self.trained.scale


@dataclass(kw_only=True)
class DecoNoising(OneScaleDenoiser):
    """Noise2Void whose output is blurred by the point spread function before it is compared: it learns to deconvolve.

    Parameters
    ----------
    positivity : float
        Weight of the mean part of the output that lies below the camera's offset.
    percent, radius : float, int
        As in `PN2V`.
    """

    name: ClassVar[str] = "DecoNoising"
    supervision: ClassVar[str] = "noisy images"
    source: ClassVar[str] = "Goncharova et al., ECCV Workshops 2020"
    needs: ClassVar[tuple[str, ...]] = ("psf",)
    positivity: float = 1.0
    percent: float = 3.12
    radius: int = 2

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """U-Net with one output."""
        return multi_output(1, depth=self.depth, features=self.features, seed=seed)

    def make_batches(self, examples: Examples, seed: int) -> BlindSpots:
        """Crops with blind spots; takes the point spread function and the camera's offset."""
        self.psf = torch.as_tensor(examples.psf, dtype=torch.float32, device=self.device)
        crops = self.crops(examples.noisy, examples.noisy, seed)
        offset = examples.camera.offset if examples.camera else 0.0
        self.black = (offset - self.centre) / self.scale
        return BlindSpots(crops, percent=self.percent, radius=self.radius, seed=seed)

    def objective(self, network: Callable, batch: tuple[Tensor, ...]) -> Tensor:
        """Squared error of the blurred output at the hidden pixels, and what of the output is negative."""
        seen, crop, mask = batch
        sharp = network(seen).float()
        with torch.autocast(sharp.device.type, enabled=False):
            squared = (blurred(sharp, self.psf) - crop)[mask].square().mean()
        return squared + self.positivity * functional.relu(self.black - sharp).mean()


def blurred(images: Tensor, psf: Tensor) -> Tensor:
    """Images convolved with a point spread function, reflected at their borders.

    Parameters
    ----------
    images : Tensor, (batch, 1, y, x)
        Larger than half the point spread function on every side.
    psf : Tensor, (y, x)
        Sum 1, odd sides.

    Returns
    -------
    Tensor, shape of `images`

    Raises
    ------
    ValueError
        If the point spread function has an even side, or does not sum to 1 within a thousandth.
    """
    height, width = psf.shape
    if height % 2 == 0 or width % 2 == 0 or abs(float(psf.sum()) - 1) > 1e-3:
        raise ValueError(f"psf has shape {tuple(psf.shape)} and sum {float(psf.sum()):.4g}; give odd sides and sum 1")
    margins = (width // 2, width // 2, height // 2, height // 2)
    return functional.conv2d(functional.pad(images, margins, mode="reflect"), psf.flip(0, 1)[None, None])
