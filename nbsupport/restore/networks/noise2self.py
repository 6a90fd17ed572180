"""The U-Net of Noise2Self, as its texts describe it and as its public code computes it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nbsupport.checks import whole_number
from nbsupport.restore.networks.initialisation import seeded
from nbsupport.restore.networks.padding import crop_to, pad_to_multiple, require_axes

NORMALISATIONS = ("instance", None)
LAYOUTS = ("text", "code")
SLOPE = 0.01
"""Of the leaky ReLU of the public code."""


class Block(nn.Module):
    """Twice: convolution, normalisation, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, normalisation: str | None):
        super().__init__()
        self.first = _convolution(channels_in, channels_out, normalisation)
        self.second = _convolution(channels_out, channels_out, normalisation)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, feature, y, x) -> the same with the output features."""
        return self.activation(self.second(self.activation(self.first(x))))


class ResidualBlock(Block):
    """The block of the public code: its input is added, channel by channel, before the last activation."""

    def __init__(self, channels_in: int, channels_out: int, normalisation: str | None):
        super().__init__(channels_in, channels_out, normalisation)
        self.activation = nn.LeakyReLU(SLOPE)
        self.shared = min(channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, feature, y, x) -> the same with the output features; channels that only one side has are left."""
        y = self.second(self.activation(self.first(x)))
        added = torch.cat([y[:, : self.shared] + x[:, : self.shared], y[:, self.shared :]], 1)
        return self.activation(added)


class Join(nn.Module):
    """Double the scale, put the maps of the same scale beside it, convolve."""

    def __init__(self, features: int, block: nn.Module):
        super().__init__()
        self.up = _averaging(nn.ConvTranspose2d(features, features, 2, stride=2, groups=features))
        self.block = block

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Coarse maps and fine maps, (batch, feature, y, x) -> fine maps."""
        return self.block(torch.cat([self.up(x), skip], 1))


class Noise2SelfUNet(nn.Module):
    """U-Net with strided convolutions down and transposed convolutions up; make it with `noise2self`."""

    def __init__(self, features: Sequence[int], normalisation: str | None, layout: str):
        super().__init__()
        block = Block if layout == "text" else ResidualBlock
        self.multiple = 2 ** len(features)
        entries = [1, *features]
        self.encoders = nn.ModuleList()
        for level, width in enumerate(features):
            down = [_down(features[level - 1])] if level else []
            self.encoders.append(nn.Sequential(*down, block(entries[level], width, normalisation)))
        self.middle = nn.Sequential(_down(features[-1]), block(features[-1], features[-1], normalisation))
        finest = features[0] if layout == "text" else 1
        leaving = [finest, *features[:-1]]
        self.decoders = nn.ModuleList(
            Join(width, block(2 * width, leaving[level], normalisation if leaving[level] > 1 else None))
            for level, width in reversed(list(enumerate(features)))
        )
        self.head = nn.Conv2d(finest, 1, 1) if layout == "text" else nn.Identity()
        depth = len(features)
        self.stage_modules = {f"encoder {n + 1}": (f"encoders.{n}",) for n in range(depth)} | {"middle": ("middle",)}
        self.stage_modules |= {f"decoder {depth - n}": (f"decoders.{n}",) for n in range(depth)} | {"head": ("head",)}

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 1, y, x) of any size, mean 0 and standard deviation 1 -> the same shape."""
        require_axes(images, ("batch", "channel", "y", "x"), 1, "noise2self")
        x = pad_to_multiple(images, (self.multiple, self.multiple), "replicate")
        skips = []
        for encoder in self.encoders:
            x = encoder(x)
            skips.append(x)
        x = self.middle(x)
        for decoder in self.decoders:
            x = decoder(x, skips.pop())
        return crop_to(self.head(x), images.shape[-2:])


def noise2self(
    *,
    features: Sequence[int] = (32, 64, 128, 256),
    normalisation: str | None = "instance",
    layout: str = "text",
    seed: int = 0,
) -> Noise2SelfUNet:
    """Build the U-Net that Noise2Self introduced and wang2021 uses.

    Parameters
    ----------
    features : sequence of int
        Maps per scale, finest first.
    normalisation : str or None
        ``"instance"`` after every convolution, as both texts say, or None: what the public code runs, because
        arguments of its blocks are shifted by one place.
    layout : str
        ``"text"``: plain blocks with ReLU and a linear output. ``"code"``: residual blocks with leaky ReLU, the last of
        which gives the output. The public code is ``normalisation=None, layout="code"``.
    seed : int
        Of the random weights.

    Returns
    -------
    Noise2SelfUNet
        (batch, 1, y, x) of any size, with the mean and standard deviation of the noisy set removed -> the same shape.

    Raises
    ------
    ValueError
        If `features` is empty or holds a number below 1, or a name is unknown.

    References
    ----------
    wang2021, methods; Batson and Royer, ICML 2019, appendix. Kernels of 2 × 2, one per map, that start near averaging
    lead down and up: so has the public code, and the texts do not contradict. The texts leave the activation open.
    """
    features = tuple(whole_number("features", width, least=1) for width in features)
    if not features:
        raise ValueError("features=() is empty; give the number of maps per scale, (32, 64, 128, 256)")
    for name, value, known in (("normalisation", normalisation, NORMALISATIONS), ("layout", layout, LAYOUTS)):
        if value not in known:
            raise ValueError(f"{name}={value!r} is unknown; give one of {', '.join(map(repr, known))}")
    with seeded(seed):
        return Noise2SelfUNet(features, normalisation, layout)


def _convolution(channels_in: int, channels_out: int, normalisation: str | None) -> nn.Module:
    conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    return nn.Sequential(conv, nn.InstanceNorm2d(channels_out, affine=True)) if normalisation else conv


def _down(features: int) -> nn.Conv2d:
    return _averaging(nn.Conv2d(features, features, 2, stride=2, groups=features))


def _averaging(conv: nn.Module) -> nn.Module:
    with torch.no_grad():
        conv.weight.mul_(0.01).add_(0.25)
        conv.bias.mul_(0.01)
    return conv
