"""DivNoising: a variational autoencoder that knows the noise and draws many clean images that fit one noisy image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from nbsupport.checks import finite_array, whole_number
from nbsupport.restore.denoisers import Examples
from nbsupport.restore.networks.initialisation import seeded
from nbsupport.restore.networks.padding import crop_to, pad_to_multiple
from nbsupport.restore.networks.unets import convolutions
from nbsupport.restore.noise_models import NoiseModel, fit_mixture
from nbsupport.restore.one_scale import OneScaleDenoiser

COLLAPSED = 1e-7
"""Divergence of the posterior from the prior, nat per pixel, below which the code says nothing about the image."""

_LOG_VARIANCE = (-12.0, 6.0)  # of the code; keeps the first steps finite
_DRAWN_AT_ONCE = 2**22  # pixels that are decoded together


class Autoencoder(nn.Module):
    """Fully convolutional variational autoencoder; make it with `autoencoder`."""

    def __init__(self, depth: int, features: int, latent: int):
        super().__init__()
        widths = [features * 2**level for level in range(depth)]
        self.multiple = 2**depth
        down: list[nn.Module] = []
        for before, width in zip([1, *widths], widths, strict=False):
            down += [*convolutions(2, 3, before, width, width), nn.MaxPool2d(2)]
        self.encoder = nn.Sequential(*down, nn.Conv2d(widths[-1], 2 * latent, 3, padding=1))
        up: list[nn.Module] = []
        for before, width in zip([latent, *widths[::-1]], widths[::-1], strict=False):
            up += [*convolutions(2, 3, before, width), nn.Upsample(scale_factor=2), *convolutions(2, 3, width, width)]
        self.decoder = nn.Sequential(*up, nn.Conv2d(widths[0], 1, 1))

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 1, y, x) -> mean and log variance of the code, (batch, latent, y / 2^depth, x / 2^depth)."""
        mean, log_variance = self.encoder(images).float().chunk(2, dim=1)
        return mean, log_variance.clamp(*_LOG_VARIANCE)

    def decode(self, code: Tensor) -> Tensor:
        """Code -> signal, (batch, 1, y, x)."""
        return self.decoder(code).float()

    def forward(self, images: Tensor) -> Tensor:
        """Signal of the mean code: (batch, 1, y, x) of any size -> the same shape."""
        padded = pad_to_multiple(images, (self.multiple,) * 2, "replicate")
        return crop_to(self.decode(self.encode(padded)[0]), images.shape[2:])


def autoencoder(*, depth: int = 2, features: int = 32, latent: int = 64, seed: int = 0) -> Autoencoder:
    """Fully convolutional variational autoencoder with weights drawn from a seed of its own.

    Parameters
    ----------
    depth : int
        How often the image is halved.
    features : int
        Maps at the finest scale; they double with every coarser one.
    latent : int
        Numbers of the code at every place of the coarsest scale.
    seed : int

    Returns
    -------
    Autoencoder
        Images (batch, 1, y, x) to images; `encode` and `decode` are its halves.

    References
    ----------
    prakash2021. Kernels of 3 pixels and upsampling by repetition are chosen here.
    """
    with seeded(seed):
        return Autoencoder(
            *(whole_number(n, v, least=1) for n, v in (("depth", depth), ("features", features))), latent
        )


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of each code's normal distribution from the standard one, nat, summed over all."""
    return (mean.square() + log_variance.exp() - log_variance - 1).sum() / 2


class WithCodeNoise:
    """Batches of crops with the noise of their codes and the weight of the divergence, a pure function of the step.

    Parameters
    ----------
    images : object with ``batch(step)``
    latent, depth : int
        As in `autoencoder`.
    annealed_over : int
        Steps in which the weight grows to 1; 0 for 1 throughout.
    seed : int
    """

    def __init__(self, images, *, latent: int, depth: int, annealed_over: int, seed: int):
        self.images, self.latent, self.multiple = images, latent, 2**depth
        self.annealed_over, self.seed = annealed_over, seed

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """Crops (batch, 1, y, x), noise (batch, latent, ...) and weight () of one step."""
        noisy = self.images.batch(step)[0]
        size = [len(noisy), self.latent, *(side // self.multiple for side in noisy.shape[2:])]
        noise = np.random.default_rng([self.seed, step]).standard_normal(size, dtype=np.float32)
        weight = min(1.0, (step + 1) / self.annealed_over) if self.annealed_over else 1.0
        return noisy, torch.from_numpy(noise), torch.tensor(weight)


@dataclass(kw_only=True)
class DivNoising(OneScaleDenoiser):
    """Learns the distribution of clean images from noisy ones and the noise model; restores with its mean.

    If the posterior collapses onto the prior, the training is done once more with new weights, the weight of the
    divergence growing from 0 to 1 over its first half.

    Parameters
    ----------
    latent : int
        As in `autoencoder`.
    draws : int
        Samples whose mean `apply` returns.

    Attributes
    ----------
    restarts : int
        How often the training was done again.
    """

    name: ClassVar[str] = "DivNoising"
    supervision: ClassVar[str] = "noisy images"
    source: ClassVar[str] = "Prakash, Krull and Jug, ICLR 2021"
    needs: ClassVar[tuple[str, ...]] = ("calibration",)
    learning_rate: float = 1e-3
    latent: int = 64
    draws: int = 100
    restarts: int = field(default=0, init=False)

    def make_network(self, examples: Examples, seed: int) -> Autoencoder:
        """Fully convolutional variational autoencoder."""
        return autoencoder(depth=self.depth, features=self.features, latent=self.latent, seed=seed + self.restarts)

    def make_batches(self, examples: Examples, seed: int) -> WithCodeNoise:
        """Crops and the noise of their codes; measures the noise model."""
        self.noise_model = fit_mixture(examples.calibration, rng=np.random.default_rng([seed, 1]))
        crops = self.crops(examples.noisy, examples.noisy, seed)
        annealed_over = self.restarts * self.steps // 2
        return WithCodeNoise(crops, latent=self.latent, depth=self.depth, annealed_over=annealed_over, seed=seed)

    def objective(self, network: Autoencoder, batch: tuple[Tensor, ...]) -> Tensor:
        """Negative evidence lower bound, nat per pixel."""
        return evidence_bound(network, self.noise_model, batch, centre=self.centre, scale=self.scale)

    def _train(self, examples: Examples, *, seed: int, checkpoint: Path | None, progress: Callable | None) -> None:
        if self.patch % 2**self.depth:
            raise ValueError(f"patch={self.patch} must be a multiple of {2**self.depth}, 2 to the power of depth")
        for self.restarts in (0, 1):
            folder = checkpoint / f"attempt-{self.restarts}" if checkpoint else None
            super()._train(examples, seed=seed, checkpoint=folder, progress=progress)
            if self.divergence_per_pixel(examples.noisy[0]) >= COLLAPSED:
                break

    def run(self, image: np.ndarray) -> np.ndarray:
        """Mean over the samples of a normalised image."""
        return sum(part.sum(axis=0) for part in self._drawn(image, self.draws, seed=0)) / self.draws

    def samples(self, image, count: int, *, seed: int = 0) -> np.ndarray:
        """Draw clean images that fit a noisy one.

        Parameters
        ----------
        image : array_like, (y, x), ADU
        count : int
        seed : int
            Of the draws.

        Returns
        -------
        ndarray, (count, y, x), ADU
        """
        normalised, count = self.normalised(finite_array("image", image)), whole_number("count", count, least=1)
        return self.in_adu(np.concatenate(list(self._drawn(normalised, count, seed))))

    def spread(self, image, count: int = 100, *, seed: int = 0) -> np.ndarray:
        """Standard deviation over the samples of every pixel, (y, x), ADU; parameters as in `samples`."""
        return self.samples(image, count, seed=seed).std(axis=0, ddof=1)

    def divergence_per_pixel(self, image) -> float:
        """Divergence of the code of an image (y, x), ADU, from the prior, nat per pixel; 0 where it is unused."""
        padded = self._padded(self.normalised(finite_array("image", image)))
        with torch.no_grad():
            return float(divergence(*self.network.encode(padded))) / padded[0, 0].numel()

    def _padded(self, normalised: np.ndarray) -> Tensor:
        image = torch.as_tensor(normalised, dtype=torch.float32, device=self.device)
        return pad_to_multiple(image[None, None], (2**self.depth,) * 2, "replicate")

    def _drawn(self, normalised: np.ndarray, count: int, seed: int) -> Iterator[np.ndarray]:
        """Blocks (draw, y, x) of samples, normalised."""
        rng, padded = np.random.default_rng(seed), self._padded(normalised)
        with torch.no_grad():
            mean, log_variance = self.network.encode(padded)
            block = max(1, _DRAWN_AT_ONCE // padded.numel())
            for start in range(0, count, block):
                size = (min(block, count - start), *mean.shape[1:])
                noise = torch.from_numpy(rng.standard_normal(size, dtype=np.float32)).to(mean)
                drawn = self.network.decode(mean + noise * (log_variance / 2).exp())
                yield crop_to(drawn, normalised.shape)[:, 0].double().cpu().numpy()


def evidence_bound(
    network: Autoencoder, noise_model: NoiseModel, batch: tuple[Tensor, ...], *, centre: float, scale: float
) -> Tensor:
    """Negative evidence lower bound of one batch, nat per pixel.

    Parameters
    ----------
    network : Autoencoder
    noise_model : NoiseModel
        In ADU.
    batch : tuple of Tensor
        From `WithCodeNoise`: images, noise of their codes, weight of the divergence.
    centre, scale : float
        What turned ADU into the network's units: ``(ADU - centre) / scale``.

    Returns
    -------
    Tensor, ()

    References
    ----------
    prakash2021.
    """
    noisy, noise, weight = batch
    code_mean, log_variance = network.encode(noisy)
    signal = network.decode(code_mean + noise * (log_variance / 2).exp())
    explained = noise_model.log_density(noisy * scale + centre, signal * scale + centre).mean()
    return weight * divergence(code_mean, log_variance) / noisy.numel() - explained
