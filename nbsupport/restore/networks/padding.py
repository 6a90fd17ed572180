"""Batches of images: of any size through networks that halve them several times, and of the right axes."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional


def pad_to_multiple(images: Tensor, multiples: Sequence[int], mode: str) -> Tensor:
    """Extend images behind their last pixel of every axis to the next multiple.

    Parameters
    ----------
    images : Tensor, (batch, channel, ...) with one axis per entry of `multiples`
    multiples : sequence of int
        The wanted divisor of every spatial axis.
    mode : str
        ``"constant"`` (zeros) or ``"replicate"`` (the border value goes on).
    """
    sizes = images.shape[-len(multiples) :]
    missing = [-size % multiple for size, multiple in zip(sizes, multiples, strict=True)]
    if not any(missing):
        return images
    return functional.pad(images, [n for extra in reversed(missing) for n in (0, extra)], mode=mode)


def crop_to(images: Tensor, size: Sequence[int]) -> Tensor:
    """Cut padded images, (batch, channel, ...), back to the first `size` pixels of every spatial axis."""
    return images[(..., *(slice(length) for length in size))]


def require_axes(images: Tensor, axes: Sequence[str], channels: int, network: str) -> None:
    """Refuse a batch that does not have these axes or this number of channels.

    Raises
    ------
    ValueError
        Naming the shape and what the network takes.
    """
    if images.ndim != len(axes) or images.shape[1] != channels:
        taken = ", ".join(axes).replace(axes[1], f"{axes[1]} = {channels}", 1)
        raise ValueError(f"images of shape {tuple(images.shape)}: {network} takes ({taken})")
