"""What all denoisers with one plain network share: normalisation, training, restoring tile by tile."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from nbsupport.restore import tiling
from nbsupport.restore.denoisers import Denoiser, Examples
from nbsupport.restore.training import Fit, crops, fit


@dataclass(kw_only=True)
class NetworkDenoiser(Denoiser):
    """A denoiser that learns the weights of one network; subclasses say which network, which batches, which loss.

    Every image is brought to mean 0 and standard deviation 1 by its own two numbers, which are undone after it is
    restored: one network serves exposures that differ in brightness.

    Parameters
    ----------
    steps : int
        Steps of the training.
    batch, patch : int
        Crops per step, and their side in pixels (no larger than the smallest image).
    learning_rate : float
        Of Adam.
    features, depth : int
        Maps at the finest scale, and how often they are made coarser.
    device, precision : str
        As in `fit`.
    """

    steps: int = 1000
    batch: int = 16
    patch: int = 64
    learning_rate: float = 4e-4
    features: int = 32
    depth: int = 2
    device: str = "cpu"
    precision: str = "auto"
    training: Fit | None = field(default=None, init=False)
    augment: ClassVar[bool] = True

    @property
    def network(self) -> nn.Module:
        """The trained network."""
        return self.training.network

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self.network.parameters())

    def crops(self, inputs: list[np.ndarray], targets: list[np.ndarray], seed: int):
        """Random crops of pairs, both normalised by the numbers of the input."""
        normed = [normalisation(image) for image in inputs]
        first = [(image - centre) / scale for image, (centre, scale) in zip(inputs, normed, strict=True)]
        second = [(image - centre) / scale for image, (centre, scale) in zip(targets, normed, strict=True)]
        smallest = np.min([image.shape[-self.axes :] for image in inputs], axis=0)
        size = (*smallest[:-2], *[min(self.patch, *smallest[-2:])] * 2)
        size = tuple(min(int(edge), self.patch) for edge in size)
        return crops(first, second, size=size, batch=self.batch, seed=seed, augment=self.augment)

    @property
    def axes(self) -> int:
        """How many of an image's last axes the network convolves: 2, or 3 for volumes and movies."""
        return 2

    @abstractmethod
    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """Untrained network, (batch, channel, y, x) -> the same."""

    @abstractmethod
    def make_batches(self, examples: Examples, seed: int):
        """Object whose ``batch(step)`` gives the tensors that `objective` takes."""

    @abstractmethod
    def objective(self, network: Callable, batch: tuple[Tensor, ...]) -> Tensor:
        """Loss of one batch, a scalar."""

    def _train(self, examples: Examples, *, seed: int, checkpoint: Path | None, progress: Callable | None) -> None:
        self.training = fit(
            self.make_network(examples, seed),
            self.objective,
            self.make_batches(examples, seed),
            steps=self.steps,
            learning_rate=self.learning_rate,
            checkpoint=checkpoint,
            precision=self.precision,
            device=self.device,
            seed=seed,
            progress=progress,
        )

    def _apply(self, image: np.ndarray) -> np.ndarray:
        centre, scale = normalisation(image)
        restored = self.run((image - centre) / scale)
        return np.asarray(restored, dtype=float) * scale + centre

    def run(self, image: np.ndarray) -> np.ndarray:
        """Output of the network for a normalised image, tile by tile."""
        return tiling.apply(self.network, image, dimensions=self.axes, device=self.device, precision=self.precision)


def normalisation(image: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of an image, the latter 1 where all pixels are equal."""
    return float(image.mean()), float(image.std()) or 1.0
