"""The perceptual loss: distance of two images in the layers of a frozen VGG-16."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from .pixel import Loss
from .vgg import IMAGENET, RANDOM, AsPhotograph, vgg16_features

LAYERS = (4, 9, 16, 23)
"""The source's layers: relu1_2, relu2_2, relu3_3, relu4_3 if counted from 1, the max-pools after them if from 0."""

READINGS = {"relu": 0, "max-pool": 1}


class VGG(Loss):
    """Sum over layers of the mean absolute difference of activations.

    Grey images are repeated to three channels and normalised like ImageNet photographs, whatever the weights. The
    convolutions follow the autocast that surrounds the call; activations are compared in float32.

    Parameters
    ----------
    weights : {"random", "simulated", "imagenet"}
    seed : int
        Of random weights.
    path : path, optional
        File of the other two; see `vgg16_features`.
    layers : sequence of int
        Some of 4, 9, 16 and 23.
    reading : {"relu", "max-pool"}
        Layers counted from 1, as a public pattern of this loss has it, or from 0.
    balance : bool, optional
        Divide each layer's term by its mean activation on the calibration batch, so that no layer dominates. By default
        for all weights but ImageNet's, which the source takes as they are.
    calibration : Tensor (batch, 1, y, x), optional
        Images in [0, 1]. By default four fixed sparse ones, so that the loss depends on its options alone.

    References
    ----------
    jadhav2021, equation 5, which states neither the weights nor the norm nor how layers are counted; johnson2016. For
    random weights: liu2021.
    """

    def __init__(
        self,
        *,
        weights: str = RANDOM,
        seed: int = 0,
        path: str | Path | None = None,
        layers: Sequence[int] = LAYERS,
        reading: str = "relu",
        balance: bool | None = None,
        calibration: Tensor | None = None,
    ) -> None:
        super().__init__()
        layers = tuple(layers)
        if not layers or set(layers) - set(LAYERS) or len(set(layers)) < len(layers):
            raise ValueError(f"layers={layers!r} must be some of {LAYERS}, each once")
        if reading not in READINGS:
            raise ValueError(f"reading={reading!r} is unknown; give one of {tuple(READINGS)}")
        network, origin = vgg16_features(weights, seed=seed, path=path)
        self.ends = sorted(layer + READINGS[reading] for layer in layers)
        if len(network) < max(self.ends):
            raise ValueError(
                f"layers={layers!r} with reading={reading!r} reach beyond the weights' {len(network)} layers"
            )
        self.network = network[: max(self.ends)].to(memory_format=torch.channels_last)
        self.as_photograph = AsPhotograph()
        balance = weights != IMAGENET if balance is None else balance
        scales = self._mean_activations(calibration) if balance else torch.ones(len(self.ends))
        self.register_buffer("scales", scales)
        which = "-".join(str(layer) for layer in sorted(layers)) + (
            ", max-pool reading" if reading == "max-pool" else ""
        )
        self.description = f"VGG: {origin}, layers {which}{', layers balanced' if balance else ''}"

    def forward(self, restored: Tensor, target: Tensor) -> Tensor:
        """Loss of restored images (batch, 1 or 3, y, x) against targets of the same shape."""
        if restored.shape != target.shape:
            raise ValueError(f"restored has shape {tuple(restored.shape)}, target {tuple(target.shape)}; one is needed")
        return self.compare(restored, target.detach())

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """Sum over layers, in the precision of the surrounding autocast up to the activations."""
        with torch.no_grad():
            wanted = self._activations(target)
        terms = [(a.float() - b.float()).abs().mean() for a, b in zip(self._activations(restored), wanted, strict=True)]
        return (torch.stack(terms) / self.scales).sum()

    def train(self, mode: bool = True) -> VGG:
        """Stay as it is: the network is a measuring device."""
        return super().train(False)

    def _activations(self, images: Tensor) -> list[Tensor]:
        if images.ndim != 4 or images.shape[1] not in (1, 3) or min(images.shape[-2:]) < 16:
            raise ValueError(f"images of shape {tuple(images.shape)} must be (batch, 1 or 3, y, x) of 16 px or more")
        values, found, start = self.as_photograph(images), [], 0
        for end in self.ends:
            values, start = self.network[start:end](values), end
            found.append(values)
        return found

    def _mean_activations(self, calibration: Tensor | None) -> Tensor:
        images = sparse_images() if calibration is None else calibration
        with torch.no_grad():
            return torch.stack([values.abs().mean() for values in self._activations(images)])


def sparse_images(number: int = 4, side: int = 128) -> Tensor:
    """Images of bright ridges on black with maximum 1, always the same: on these the layers are balanced.

    Parameters
    ----------
    number, side : int
        Images, and pixels per axis.

    Returns
    -------
    Tensor, (number, 1, side, side), float32, 0 to 1
        Ridges are where a band-limited random field crosses zero, about 4 px wide and 20 px apart, as membranes and
        filaments are in the images of the study.
    """
    noise = torch.randn(number, side, side, generator=torch.Generator().manual_seed(0))
    frequency = torch.hypot(torch.fft.fftfreq(side)[:, None], torch.fft.fftfreq(side)[None])
    band = torch.exp(-(((frequency - 0.025) / 0.01) ** 2))
    field = torch.fft.ifft2(torch.fft.fft2(noise) * band).real
    return torch.exp(-((field / field.std()) ** 2) / 0.02)[:, None]
