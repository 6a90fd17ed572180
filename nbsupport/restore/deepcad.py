"""DeepCAD: a movie denoised by a network that learns to tell its even frames from its odd ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from nbsupport.restore.denoisers import Examples
from nbsupport.restore.learned import NetworkDenoiser, normalisation
from nbsupport.restore.networks import care
from nbsupport.restore.training import Crops, crops


def interleaved(movie: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split a movie into two of half the frame rate, which show the same scene with independent noise.

    Parameters
    ----------
    movie : ndarray, (t, y, x)
        Faster than the scene it shows, 2 frames or more. An odd last frame is left out.

    Returns
    -------
    even, odd : ndarray, (t // 2, y, x)

    References
    ----------
    li2021.
    """
    pairs = len(movie) // 2 * 2
    return movie[:pairs:2], movie[1:pairs:2]


def half_and_half(restored: Tensor, target: Tensor) -> Tensor:
    """Mean of the absolute and of the squared error, each with weight one half."""
    return (functional.l1_loss(restored, target) + functional.mse_loss(restored, target)) / 2


@dataclass(kw_only=True)
class DeepCAD(NetworkDenoiser):
    """3-D U-Net trained on interleaved frames of the very movies that it restores.

    Parameters
    ----------
    frames : int
        Frames of a block, at most half of the shortest movie; 150 in the source.

    Notes
    -----
    Every movie is brought to mean 0 and standard deviation 1. The source subtracts the minimum and divides by 65,535,
    which leaves numbers so small that the squared error counts for nothing. The network learns at half the frame rate
    and is applied at the full one. The default is float32: the bfloat16 convolutions of volumes in torch 2.11 return
    gradients that are not finite, about once in a hundred steps on a processor.

    References
    ----------
    li2021; laine2021, section 4.
    """

    name: ClassVar[str] = "DeepCAD"
    supervision: ClassVar[str] = "noisy images"
    source: ClassVar[str] = "Li et al., Nature Methods 18, 1395 (2021)"
    dimensions: ClassVar[tuple[int, ...]] = (3,)
    batch: int = 2
    patch: int = 32
    learning_rate: float = 1e-3
    features: int = 16
    precision: str = "float32"
    frames: int = 32

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """3-D U-Net of `networks.care`."""
        return care(3, depth=self.depth, features=self.features, seed=seed)

    def make_batches(self, examples: Examples, seed: int) -> Crops:
        """Blocks of one half of a movie and of the other, either being the input."""
        shortest = min(len(movie) for movie in examples.noisy) // 2
        if shortest < self.frames:
            raise ValueError(f"frames={self.frames}: half of the shortest movie has {shortest}; give at most that many")
        halves = [interleaved(_normalised(movie)) for movie in examples.noisy]
        even, odd = ([pair[side] for pair in halves] for side in (0, 1))
        side = min(self.patch, *(edge for movie in examples.noisy for edge in movie.shape[1:]))
        return crops(even + odd, odd + even, size=(self.frames, side, side), batch=self.batch, seed=seed)

    def objective(self, network: Callable, batch: tuple[Tensor, ...]) -> Tensor:
        """Half the absolute and half the squared error."""
        frames, others = batch
        return half_and_half(network(frames).float(), others)

    @property
    def axes(self) -> int:
        """3: a movie, (frame, y, x), is restored block by block."""
        return 3


def _normalised(movie: np.ndarray) -> np.ndarray:
    centre, scale = normalisation(movie)
    return (movie - centre) / scale
