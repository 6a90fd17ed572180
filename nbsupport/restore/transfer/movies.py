"""CARE, frame by frame, and timeUnet, window by window, on movies: the same training for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from nbsupport.restore import networks
from nbsupport.restore.denoisers import Denoiser, Examples
from nbsupport.restore.normalisation import Normalisation
from nbsupport.restore.training import Fit, crops, fit, one_cycle, supervised
from nbsupport.restore.training.schedules import constant

ARCHITECTURES = ("CARE", "timeUnet")


@dataclass(kw_only=True)
class MovieDenoiser(Denoiser):
    """Supervised restoration of movies.

    Parameters
    ----------
    architecture : {"CARE", "timeUnet"}
        One frame after the other, or the middle frame of a sliding window. At the ends of a movie the window sees it
        mirrored.
    frames : int
        Of the window of timeUnet, odd.
    time : {"axis", "channels"}
        As in `networks.time_unet`.
    normalisation : Normalisation
        Of a whole window, or of a single frame; undone after it is restored.
    steps, batch, patch : int
        Of the training: steps, crops in a step, pixels per side of a crop.
    learning_rate : float
        Highest of one cycle; constant in trainings of fewer than ten steps.
    features, depth : int
        As in `networks.care`.

    References
    ----------
    wang2021, results 1 and Supplementary Fig. 1; the loss is that of CARE, the absolute error.
    """

    name: ClassVar[str] = "movies"
    supervision: ClassVar[str] = "clean targets"
    needs: ClassVar[tuple[str, ...]] = ("clean",)
    source: ClassVar[str] = "wang2021"
    dimensions: ClassVar[tuple[int, ...]] = (3,)
    architecture: str = "CARE"
    frames: int = 11
    time: str = "axis"
    normalisation: Normalisation = field(default_factory=lambda: Normalisation("mean and deviation"))
    steps: int = 1000
    batch: int = 8
    patch: int = 64
    learning_rate: float = 4e-4
    features: int = 32
    depth: int = 2
    precision: str = "float32"
    training: Fit | None = field(default=None, init=False)

    def __post_init__(self):
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"architecture={self.architecture!r} is unknown; give one of {', '.join(ARCHITECTURES)}")

    @property
    def network(self) -> nn.Module:
        """The trained network."""
        return self.training.network

    @property
    def window(self) -> int:
        """Frames that the network sees at once."""
        return self.frames if self.architecture == "timeUnet" else 1

    def make_network(self, seed: int) -> nn.Module:
        """(batch, window, y, x) -> (batch, 1, y, x)."""
        shape = {"depth": self.depth, "features": self.features, "seed": seed}
        if self.architecture == "CARE":
            return networks.care(2, **shape)
        return networks.time_unet(frames=self.frames, time=self.time, **shape)

    def _train(self, examples: Examples, *, seed: int, checkpoint: Path | None, progress: Callable | None) -> None:
        inputs, targets = [], []
        for noisy, clean in zip(examples.noisy, examples.clean, strict=True):
            for seen, wanted in zip(self._windows(noisy), clean, strict=True):
                scaled, _, (centre, scale) = self._scaled(seen)
                inputs.append(scaled)
                targets.append(((wanted - centre) / scale)[None])
        size = min(self.patch, *(edge for image in inputs for edge in image.shape[-2:]))
        self.training = fit(
            self.make_network(seed),
            supervised(lambda out, wanted: nn.functional.l1_loss(out.float(), wanted)),
            crops(inputs, targets, size=size, batch=self.batch, seed=seed),
            steps=self.steps,
            learning_rate=self.learning_rate,
            schedule=one_cycle(self.steps) if self.steps >= 10 else constant,
            checkpoint=checkpoint,
            precision=self.precision,
            seed=seed,
            progress=progress,
        )

    def _apply(self, image: np.ndarray) -> np.ndarray:
        return np.stack(self.restored_frames(image, range(len(image))))

    def restored_frames(self, movie: np.ndarray, frames: Sequence[int]) -> list[np.ndarray]:
        """Restore some frames of a movie (frame, y, x), each (y, x)."""
        windows, restored = self._windows(np.asarray(movie, dtype=float)), []
        for frame in frames:
            scaled, back, _ = self._scaled(windows[frame])
            with torch.no_grad():
                out = self.network(torch.from_numpy(scaled)[None])[0, 0].double().numpy()
            restored.append(back(out))
        return restored

    def _windows(self, movie: np.ndarray) -> list[np.ndarray]:
        """For every frame the window around it, (window, y, x)."""
        half = self.window // 2
        mode = "reflect" if len(movie) > half else "edge"
        padded = np.pad(movie, ((half, half), (0, 0), (0, 0)), mode=mode) if half else movie
        return [padded[t : t + self.window] for t in range(len(movie))]

    def _scaled(self, window: np.ndarray):
        """A window on the scale of the network, the way back, and its two numbers."""
        scaled, back = self.normalisation.scale(window)
        centre = float(back(np.zeros(1))[0])
        return scaled, back, (centre, float(back(np.ones(1))[0]) - centre)
