"""Denoisers that must know which camera value a normalised one stands for: all images share one scale."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from nbsupport.restore.learned import NetworkDenoiser, normalisation
from nbsupport.restore.training import Crops, crops


@dataclass(kw_only=True)
class OneScaleDenoiser(NetworkDenoiser):
    """A denoiser that brings all images to mean 0 and standard deviation 1 by one pair of numbers.

    Its noise model, or the black level of its camera, is known in camera units. Parameters as in `NetworkDenoiser`.

    Attributes
    ----------
    centre, scale : float
        ADU; mean and standard deviation over all pixels of the images it learnt from.
    """

    centre: float = field(default=0.0, init=False)
    scale: float = field(default=1.0, init=False)

    def take_scale(self, images: list[np.ndarray]) -> None:
        """Choose the two numbers."""
        values = np.concatenate([image.ravel() for image in images])
        self.centre, self.scale = normalisation(values)

    def crops(self, inputs: list[np.ndarray], targets: list[np.ndarray], seed: int) -> Crops:
        """Random crops of pairs, both normalised by the numbers of all inputs."""
        self.take_scale(inputs)
        return self.crops_with(inputs, [self.normalised(image) for image in targets], seed)

    def crops_with(self, images: list[np.ndarray], others: list[np.ndarray], seed: int) -> Crops:
        """Random crops of images, which are normalised, and of something at the same places, which stays as it is."""
        self.take_scale(images)
        first = [self.normalised(image) for image in images]
        size = min(self.patch, *(edge for image in images for edge in image.shape))
        return crops(first, others, size=size, batch=self.batch, seed=seed, augment=self.augment)

    def normalised(self, image: np.ndarray) -> np.ndarray:
        """Camera values brought to the network's scale."""
        return (image - self.centre) / self.scale

    def in_adu(self, values: Tensor | np.ndarray) -> Tensor | np.ndarray:
        """Camera values of normalised ones."""
        return values * self.scale + self.centre

    def _apply(self, image: np.ndarray) -> np.ndarray:
        return self.in_adu(np.asarray(self.run(self.normalised(image)), dtype=float))
