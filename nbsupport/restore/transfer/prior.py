"""The supervised stage: the U-Net of Noise2Self, taught by pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from nbsupport.restore import networks
from nbsupport.restore.denoisers import Examples
from nbsupport.restore.supervised import Care


@dataclass(kw_only=True)
class Prior(Care):
    """A network that can go on by Noise2Self, trained on pairs with the squared error.

    Parameters
    ----------
    features, depth : int
        Maps at the finest scale, and scales beyond it; the source has 32 maps and 3.
    normalisation, layout : str
        As in `networks.noise2self`.

    References
    ----------
    wang2021, methods: MSE, learning rate 1e-3, batch 32, 50 epochs.
    """

    name: ClassVar[str] = "pre-trained U-Net"
    source: ClassVar[str] = "wang2021"
    dimensions: ClassVar[tuple[int, ...]] = (2,)
    loss: str = "L2"
    depth: int = 3
    learning_rate: float = 1e-3
    batch: int = 32
    precision: str = "float32"
    normalisation: str | None = "instance"
    layout: str = "text"

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """U-Net of `networks.noise2self`."""
        widths = [self.features * 2**level for level in range(self.depth + 1)]
        return networks.noise2self(features=widths, normalisation=self.normalisation, layout=self.layout, seed=seed)
