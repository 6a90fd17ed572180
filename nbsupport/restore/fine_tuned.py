"""CARE that starts from a network trained elsewhere instead of from random weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from nbsupport.restore.denoisers import Examples
from nbsupport.restore.supervised import Care


class StartingPoint:
    """Weights to start from; its text is a fingerprint of them, so that trainings from different weights differ.

    Parameters
    ----------
    network : Module
        Trained; its weights are copied.
    """

    def __init__(self, network: nn.Module):
        self.weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}

    def __repr__(self) -> str:
        digest = hashlib.sha256()
        for name, tensor in self.weights.items():
            digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        return f"StartingPoint({digest.hexdigest()[:16]})"


@dataclass(kw_only=True)
class FineTuned(Care):
    """CARE trained further.

    Parameters
    ----------
    start : StartingPoint
        Of a network with the same features and depth.

    References
    ----------
    wang2021; laine2021, conclusion.
    """

    name: ClassVar[str] = "CARE, pretrained"
    start: StartingPoint

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """U-Net of `networks.care` with the weights to start from."""
        network = super().make_network(examples, seed)
        network.load_state_dict(self.start.weights)
        return network
