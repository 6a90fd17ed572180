"""bfloat16 and the memory layout in which convolutions are fastest, for training and for use alike."""

from __future__ import annotations

import torch
from torch import nn

PRECISIONS = ("bf16", "float32")


def prepare(network: nn.Module, precision: str, device: str | torch.device) -> torch.device:
    """Move a network to its device and lay its kernels out for `channels_last` inputs.

    Raises
    ------
    ValueError
        If the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} is unknown; give one of {', '.join(PRECISIONS)}")
    device = torch.device(device)
    network.to(device)
    for parameter in network.parameters():
        parameter.data = channels_last(parameter.data)
    return device


def channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """The same values with the channels of a pixel side by side in memory; other than 4 or 5 axes stay as they are."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    if tensor.ndim not in formats:
        return tensor
    return tensor.contiguous(memory_format=formats[tensor.ndim])


def computing(precision: str, device: torch.device) -> torch.autocast:
    """Context in which convolutions and matrix products run in bfloat16, if that is the precision.

    bfloat16 has 8 significant bits. Weights and their updates stay in float32, and so must whatever compares images:
    the losses of this room see to it themselves.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
