"""Denoisers that learn from pairs: CARE and RCAN from clean images, Noise2Noise from a second noisy exposure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from nbsupport.restore import networks
from nbsupport.restore.denoisers import Examples
from nbsupport.restore.learned import NetworkDenoiser
from nbsupport.restore.networks.multi_output import multi_output

LOSSES = {"L1": nn.functional.l1_loss, "L2": nn.functional.mse_loss}


@dataclass(kw_only=True)
class Care(NetworkDenoiser):
    """Content-aware restoration: a U-Net learns the clean image of a noisy one.

    Parameters
    ----------
    loss : str
        ``"L1"`` as in the source, or ``"L2"``.
    residual : bool
        Whether the U-Net adds its input to what it computes, as in the source; volumes always do.
    volumes : bool
        Convolve three axes: examples and images are volumes (z, y, x) or movies (t, y, x).
    """

    name: ClassVar[str] = "CARE"
    supervision: ClassVar[str] = "clean targets"
    needs: ClassVar[tuple[str, ...]] = ("clean",)
    source: ClassVar[str] = "Weigert et al., Nature Methods 15, 1090 (2018)"
    dimensions: ClassVar[tuple[int, ...]] = (2, 3)
    loss: str = "L1"
    residual: bool = True
    volumes: bool = False

    @property
    def axes(self) -> int:
        """How many of an image's last axes the network convolves."""
        return 3 if self.volumes else 2

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """U-Net of `networks.care`, or the same without adding its input."""
        if not (self.residual or self.volumes):
            return multi_output(1, depth=self.depth, features=self.features, seed=seed)
        return networks.care(self.axes, depth=self.depth, features=self.features, seed=seed)

    def make_batches(self, examples: Examples, seed: int):
        """Crops of pairs (noisy, clean)."""
        return self.crops(examples.noisy, examples.clean, seed)

    def objective(self, network: Callable, batch: tuple[Tensor, ...]) -> Tensor:
        """Loss between output and target, over all pixels."""
        if self.loss not in LOSSES:
            raise ValueError(f"loss={self.loss!r} is unknown; give one of {', '.join(LOSSES)}")
        noisy, target = batch
        return LOSSES[self.loss](network(noisy), target)


@dataclass(kw_only=True)
class Rcan(Care):
    """Residual channel attention network (with `volumes` 3D-RCAN); takes several channels (channel, y, x) at once.

    Parameters
    ----------
    groups, blocks, reduction : int
        As in `networks.rcan`.
    """

    name: ClassVar[str] = "RCAN"
    source: ClassVar[str] = "Chen et al., Nature Methods 18, 678 (2021)"
    groups: int = 2
    blocks: int = 2
    reduction: int = 8

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """Network of `networks.rcan` with as many channels as the examples have."""
        channels = 1 if examples.noisy[0].ndim == self.axes else len(examples.noisy[0])
        shape = {"groups": self.groups, "blocks": self.blocks, "reduction": self.reduction}
        return networks.rcan(self.axes, channels, channels, features=self.features, seed=seed, **shape)


class EitherWay:
    """Batches (exposure, other exposure): which of the two is the input is drawn anew for every crop."""

    def __init__(self, pairs, *, seed: int):
        self.pairs, self.seed = pairs, seed

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Two exposures of the same crops, each (batch, 1, y, x), at one step from 0."""
        first, second = self.pairs.batch(step)
        swap = np.random.default_rng([self.seed, step]).integers(2, size=len(first)).astype(bool)
        swap = torch.from_numpy(swap)[:, None, None, None]
        return torch.where(swap, second, first), torch.where(swap, first, second)


@dataclass(kw_only=True)
class Noise2Noise(Care):
    """The U-Net of CARE, taught to predict one noisy exposure from another; under L2 it learns their mean."""

    name: ClassVar[str] = "Noise2Noise"
    supervision: ClassVar[str] = "noisy pairs"
    needs: ClassVar[tuple[str, ...]] = ("again",)
    dimensions: ClassVar[tuple[int, ...]] = (2,)
    source: ClassVar[str] = "Lehtinen et al., ICML 2018"
    loss: str = "L2"

    def make_batches(self, examples: Examples, seed: int) -> EitherWay:
        """Crops of pairs of exposures, in either order."""
        return EitherWay(self.crops(examples.noisy, examples.again, seed), seed=seed)
