"""The U-Net of N2V2, changed so that blind spots leave no checkerboard."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from nbsupport.checks import whole_number
from nbsupport.restore.networks.initialisation import seeded
from nbsupport.restore.networks.padding import crop_to, pad_to_multiple, require_axes


class BlurPool(nn.Module):
    """Maximum over 2 × 2 pixels at every pixel, then a binomial blur, then every second pixel."""

    def __init__(self):
        super().__init__()
        binomial = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("kernel", torch.outer(binomial, binomial)[None, None] / 16, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, feature, y, x) -> half of it along y and x."""
        x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), mode="replicate"), 2, stride=1)
        kernel = self.kernel.to(x).expand(x.shape[1], 1, 3, 3)
        return functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, stride=2, groups=x.shape[1])


class BlurPoolUNet(nn.Module):
    """U-Net without residual and without a skip at the finest scale; make it with `blur_pool_unet`."""

    def __init__(self, depth: int, features: int):
        super().__init__()
        widths = [features * 2**level for level in range(depth + 1)]
        self.multiple = 2**depth
        self.encoders = nn.ModuleList(_block(a, b, b) for a, b in zip([1, *widths[:-2]], widths[:-1], strict=True))
        self.pool = BlurPool()
        self.middle = _block(widths[-2], widths[-1], widths[-2])
        self.decoders = nn.ModuleList(
            _block(widths[level] * (2 if level else 1), widths[level], widths[max(level - 1, 0)])
            for level in reversed(range(depth))
        )
        self.head = nn.Conv2d(features, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 1, y, x) of any size, normalised -> the same shape."""
        require_axes(images, ("batch", "channel", "y", "x"), 1, "blur_pool_unet")
        x = pad_to_multiple(images, (self.multiple, self.multiple), "replicate")
        skips = []
        for encoder in self.encoders:
            x = encoder(x)
            skips.append(x)
            x = self.pool(x)
        x = self.middle(x)
        for decoder in self.decoders:
            x, skip = functional.interpolate(x, scale_factor=2.0, mode="bilinear"), skips.pop()
            x = decoder(torch.cat([x, skip], 1) if skips else x)
        return crop_to(self.head(x), images.shape[-2:])


def blur_pool_unet(*, depth: int = 2, features: int = 32, seed: int = 0) -> BlurPoolUNet:
    """Build the U-Net of N2V2.

    Parameters
    ----------
    depth : int
        How often the maps are made coarser.
    features : int
        Maps at the finest scale; they double with every coarser one.
    seed : int
        Of the random weights.

    Returns
    -------
    BlurPoolUNet
        (batch, 1, y, x) of any size, mean 0 and standard deviation 1 -> the same shape.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    Höck et al., ECCV Workshops 2022; blurred pooling: Zhang, ICML 2019. Its public code has batch normalisation in
    every block, kept here.
    """
    with seeded(seed):
        return BlurPoolUNet(whole_number("depth", depth, least=1), whole_number("features", features, least=1))


def _block(*channels: int) -> nn.Sequential:
    """Convolution, batch normalisation and ReLU from each number of channels to the next."""
    made = [
        (nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())
        for a, b in zip(channels, channels[1:], strict=False)
    ]
    return nn.Sequential(*(layer for layers in made for layer in layers))
