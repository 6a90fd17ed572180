"""Residual channel attention networks in two and three dimensions."""

from torch import Tensor, nn

from nbsupport.checks import whole_number
from nbsupport.restore.networks.dimensions import AXES, CONVOLUTIONS, require_dimensions
from nbsupport.restore.networks.initialisation import seeded
from nbsupport.restore.networks.padding import require_axes

BLOCK_SKIPS = ("every", "last")


class ChannelAttention(nn.Module):
    """Multiply every channel by a weight in (0, 1) that the means of all channels decide."""

    def __init__(self, dimensions: int, features: int, reduction: int):
        super().__init__()
        conv = CONVOLUTIONS[dimensions]
        self.weigh = nn.Sequential(
            conv(features, features // reduction, 1), nn.ReLU(), conv(features // reduction, features, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channel, ...) -> the same."""
        means = x.mean(dim=tuple(range(2, x.ndim)), keepdim=True)
        return x * self.weigh(means)


class Group(nn.Module):
    """Blocks of two convolutions and channel attention, then a convolution; the group's input is added at the end."""

    def __init__(self, dimensions: int, features: int, reduction: int, blocks: int, block_skip: str):
        super().__init__()
        conv = CONVOLUTIONS[dimensions]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                conv(features, features, 3, padding=1),
                nn.ReLU(),
                conv(features, features, 3, padding=1),
                ChannelAttention(dimensions, features, reduction),
            )
            for _ in range(blocks)
        )
        self.conv = conv(features, features, 3, padding=1)
        self.skipping = range(blocks) if block_skip == "every" else range(blocks - 1, blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, feature, ...) -> the same."""
        start = x
        for number, block in enumerate(self.blocks):
            x = x + block(x) if number in self.skipping else block(x)
        return start + self.conv(x)


class Tail(nn.Module):
    """A last convolution of the features; what entered the first group is added."""

    def __init__(self, dimensions: int, features: int):
        super().__init__()
        self.conv = CONVOLUTIONS[dimensions](features, features, 3, padding=1)

    def forward(self, x: Tensor, start: Tensor) -> Tensor:
        """Both (batch, feature, ...) -> the same."""
        return start + self.conv(x)


class Rcan(nn.Module):
    """A residual channel attention network without up-sampling; make it with `rcan`."""

    def __init__(
        self,
        dimensions: int,
        channels_in: int,
        channels_out: int,
        groups: int,
        blocks: int,
        features: int,
        reduction: int,
        block_skip: str,
    ):
        super().__init__()
        conv = CONVOLUTIONS[dimensions]
        self.dimensions, self.channels_in = dimensions, channels_in
        self.conv_in = conv(channels_in, features, 3, padding=1)
        self.groups = nn.ModuleList(Group(dimensions, features, reduction, blocks, block_skip) for _ in range(groups))
        self.tail = Tail(dimensions, features)
        self.conv_out = conv(features, channels_out, 3, padding=1)
        self.stage_modules = {"input": ("conv_in",)}
        self.stage_modules |= {f"group {n + 1}": (f"groups.{n}",) for n in range(groups)}
        self.stage_modules |= {"tail": ("tail",), "output": ("conv_out",)}

    def forward(self, images: Tensor) -> Tensor:
        """(batch, channel, [z,] y, x), about 0 to 1 -> the same axes with the output channels; nothing is clipped."""
        require_axes(images, AXES[self.dimensions], self.channels_in, "this rcan")
        start = x = self.conv_in(2 * images - 1)
        for group in self.groups:
            x = group(x)
        return 0.5 * self.conv_out(self.tail(x, start)) + 0.5


def rcan(
    dimensions: int,
    channels_in: int,
    channels_out: int,
    *,
    groups: int,
    blocks: int,
    features: int = 32,
    reduction: int = 8,
    block_skip: str = "every",
    seed: int = 0,
) -> Rcan:
    """Build a residual channel attention network for denoising.

    Parameters
    ----------
    dimensions : int
        2 for images, 3 for volumes.
    channels_in, channels_out : int
        Of the raw frames 9 (2-D) or 15 (3-D), one per angle and phase; of a reconstruction 1.
    groups, blocks : int
        Residual groups, and blocks per group; hughes2024 uses 5 × 3 in 2-D and 5 × 5 in 3-D.
    features : int
        Channels inside the network.
    reduction : int
        By how much channel attention narrows the channels.
    block_skip : str
        ``"every"`` adds its input to the output of each block, as the architecture was published; ``"last"`` only to
        that of the last block of a group, as the code of hughes2024 does.
    seed : int
        Of the random weights.

    Returns
    -------
    Rcan
        (batch, channel, [z,] y, x) scaled to about [0, 1], any size -> the same, with `channels_out` channels.

    Raises
    ------
    ValueError
        If a number is out of range, or `reduction` does not divide `features`, or `block_skip` is unknown.

    References
    ----------
    hughes2024, section 2.4 and its public code; Zhang et al., ECCV 2018; Chen et al., Nature Methods 18, 678 (2021).
    """
    require_dimensions(dimensions)
    given = {"channels_in": channels_in, "channels_out": channels_out, "groups": groups, "blocks": blocks}
    for name, value in (given | {"features": features, "reduction": reduction}).items():
        whole_number(name, value, least=1)
    if features % reduction:
        raise ValueError(f"reduction={reduction} must divide features={features}")
    if block_skip not in BLOCK_SKIPS:
        raise ValueError(f"block_skip={block_skip!r} is unknown; give one of {', '.join(BLOCK_SKIPS)}")
    with seeded(seed):
        return Rcan(dimensions, channels_in, channels_out, groups, blocks, features, reduction, block_skip)
