"""bfloat16 and the memory layout in which convolutions are fastest, for training and for use alike."""

from __future__ import annotations

import torch
from torch import nn

PRECISIONS = ("auto", "bf16", "float32")


def definite(precision: str, device: str | torch.device = "cpu") -> str:
    """The precision in which a device computes; "auto" is the quicker one there.

    bfloat16 is quicker on a GPU, with the matrix units of Intel processors (AMX) and with AVX-512 of AMD's. Intel's
    AVX-512 has the instructions as well, but networks of two dimensions trained at 0.6 to 0.9 of float32's speed with
    them; other processors have to emulate bfloat16, and take three to thirty times as long.

    Parameters
    ----------
    precision : {"auto", "bf16", "float32"}
    device : str or device

    Returns
    -------
    {"bf16", "float32"}

    Raises
    ------
    ValueError
        If the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} is unknown; give one of {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision
    if torch.device(device).type != "cpu":
        return "bf16"
    has = torch.cpu.get_capabilities()
    by_amd = has.get("avx512_bf16") and "AMD" in has.get("cpu_name", "")
    return "bf16" if has.get("amx_bf16") or by_amd else "float32"


def prepare(network: nn.Module, precision: str, device: str | torch.device) -> torch.device:
    """Move a network to its device and lay its kernels out for `channels_last` inputs.

    Raises
    ------
    ValueError
        If the precision is unknown.
    """
    definite(precision, device)
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
    return torch.autocast(device.type, torch.bfloat16, enabled=definite(precision, device) == "bf16")
