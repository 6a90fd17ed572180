"""The U-Net that turns sparse localisation images into dense ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from nbsupport.checks import whole_number

from .initialisation import seeded
from .padding import crop_to, pad_to_multiple, require_axes

LEVELS = 4
SLOPE = 0.1


class LocalisationUNet(nn.Module):
    """Four times down and up again with one number of filters throughout, and no normalisation.

    Parameters
    ----------
    filters, first_kernel, both_first, bottleneck
        As in `localisation_unet`.
    """

    def __init__(self, filters: int, first_kernel: int, both_first: bool, bottleneck: bool):
        super().__init__()
        first = (first_kernel, first_kernel if both_first else 3)
        inner = (3, 3)
        self.down = nn.ModuleList(
            _block(filters if level else 1, filters, inner if level else first) for level in range(LEVELS)
        )
        self.bottom = _block(filters, filters, inner) if bottleneck else nn.Identity()
        self.up = nn.ModuleList(_block(2 * filters, filters, inner) for _ in range(LEVELS))
        self.head = nn.Conv2d(filters, 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Restore images (batch, 1, y, x) of any size; the output has the same shape and is not bounded."""
        require_axes(images, ("batch", "channel", "y", "x"), 1, "the localisation U-Net")
        size = images.shape[-2:]
        features, skips = pad_to_multiple(images, (2**LEVELS,) * 2, "replicate"), []
        for block in self.down:
            features = block(features)
            skips.append(features)
            features = functional.max_pool2d(features, 2)
        features = self.bottom(features)
        for block in self.up:
            features = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = block(torch.cat([features, skips.pop()], dim=1))
        return crop_to(self.head(features), size)


def localisation_unet(
    *,
    filters: int = 48,
    first_kernel: int = 7,
    both_first: bool = True,
    bottleneck: bool = False,
    seed: int = 0,
) -> LocalisationUNet:
    """Network of lefebvre2020: U-Net with one width, leaky ReLU and a linear output.

    Parameters
    ----------
    filters : int
        Of every convolution but the last; 48 in the source.
    first_kernel : int
        Odd edge of the kernels in the initial block, px; 7 in the source.
    both_first : bool
        Whether both convolutions of the initial block have that kernel, as the source's wording says, or the first.
    bottleneck : bool
        Whether two more convolutions stand between the last pooling and the first up-sampling; the source names none.
    seed : int
        Of the weights, which follow torch's own rule.

    Returns
    -------
    LocalisationUNet, (batch, 1, y, x) -> (batch, 1, y, x)
        489,697 weights by default; 397,537 with ``both_first=False``; 439,105 with a bottleneck besides.

    Raises
    ------
    ValueError
        If a number cannot be meant.

    References
    ----------
    lefebvre2020, section 2.1. Not stated there: whether what is concatenated is taken before the pooling (it is here),
    and the kernel of the last convolution (3 here, as "all" others).
    """
    filters = whole_number("filters", filters, least=1)
    if whole_number("first_kernel", first_kernel, least=1) % 2 == 0:
        raise ValueError(f"first_kernel={first_kernel} must be odd, so that the image keeps its size")
    with seeded(seed):
        return LocalisationUNet(filters, first_kernel, both_first, bottleneck)


def _block(channels: int, filters: int, kernels: tuple[int, int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for kernel in kernels:
        layers += [nn.Conv2d(channels, filters, kernel, padding=kernel // 2), nn.LeakyReLU(SLOPE)]
        channels = filters
    return nn.Sequential(*layers)
