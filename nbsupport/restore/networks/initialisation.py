"""Weights drawn from a seed of their own, whatever else has drawn random numbers before."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let every draw of torch on the CPU inside the block follow `seed`; the stream outside goes on untouched.

    Parameters
    ----------
    seed : int
        Non-negative.

    Raises
    ------
    ValueError
        If the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"seed={seed} must not be negative")
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also seed every accelerator, whose streams are not forked here.
        torch.default_generator.manual_seed(seed)
        yield


def glorot(network: nn.Module) -> None:
    """Draw every kernel from the uniform distribution of Glorot and Bengio, and set every bias to zero."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
