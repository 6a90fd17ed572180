"""Losses pixel by pixel: mean absolute, mean squared and Huber error."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from nbsupport.checks import positive


class Loss(nn.Module):
    """A distance of restored images from their targets: a scalar, 0 for equal images, differentiable in the first.

    Whatever autocast surrounds the call, images are compared in float32, since squares and small differences lose too
    much in bfloat16. Targets receive no gradient. ``description`` says in words what is computed, for every result that
    the loss has shaped.
    """

    description: str

    def forward(self, restored: Tensor, target: Tensor) -> Tensor:
        """Loss of restored images (batch, …) against targets of the same shape; both are meant to lie in [0, 1]."""
        if restored.shape != target.shape:
            raise ValueError(f"restored has shape {tuple(restored.shape)}, target {tuple(target.shape)}; one is needed")
        with torch.autocast(restored.device.type, enabled=False):
            return self.compare(restored.float(), target.detach().float())

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """Loss of two float32 tensors of one shape."""
        raise NotImplementedError


class L1(Loss):
    """Mean absolute error (jadhav2021, equation 1)."""

    description = "L1 (mean absolute error)"

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """Mean of the absolute differences."""
        return functional.l1_loss(restored, target)


class L2(Loss):
    """Mean squared error (jadhav2021, equation 2)."""

    description = "L2 (mean squared error)"

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """Mean of the squared differences."""
        return functional.mse_loss(restored, target)


class Huber(Loss):
    """Smooth L1: half the squared error over `delta` up to an error of `delta`, and L1 less delta/2 beyond.

    Parameters
    ----------
    delta : float, above 0, in the unit of the images

    References
    ----------
    lefebvre2020 trains with delta = 1.
    """

    def __init__(self, *, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = positive("delta", delta, "an error above 0, in the unit of the images")
        self.description = f"smooth L1 (quadratic up to an error of {delta:g})"

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """Mean of the smooth absolute differences."""
        return functional.smooth_l1_loss(restored, target, beta=self.delta)
