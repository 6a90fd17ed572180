"""The U-Net of content-aware restoration, for images, for volumes, and for windows of a movie."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from nbsupport.checks import whole_number
from nbsupport.restore.networks.dimensions import AXES, CONVOLUTIONS, POOLS, require_dimensions
from nbsupport.restore.networks.initialisation import glorot, seeded
from nbsupport.restore.networks.padding import crop_to, pad_to_multiple, require_axes

KERNELS = {2: 5, 3: 3}
"""Pixels per side of a kernel, images and volumes."""

TIMES = ("axis", "channels")


def convolutions(dimensions: int, kernel: int, *channels: int) -> list[nn.Module]:
    """Convolutions from each number of channels to the next, each followed by a ReLU."""
    made = [
        CONVOLUTIONS[dimensions](a, b, kernel, padding=kernel // 2)
        for a, b in zip(channels, channels[1:], strict=False)
    ]
    return [layer for conv in made for layer in (conv, nn.ReLU())]


class Join(nn.Module):
    """Repeat every pixel, put the maps of the same scale beside it, convolve twice."""

    def __init__(self, dimensions: int, kernel: int, pool: Sequence[int], channels: Sequence[int]):
        super().__init__()
        self.pool = tuple(float(n) for n in pool)
        self.convolve = nn.Sequential(*convolutions(dimensions, kernel, *channels))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Coarse maps and fine maps, (batch, feature, ...) -> fine maps."""
        return self.convolve(torch.cat([functional.interpolate(x, scale_factor=self.pool, mode="nearest"), skip], 1))


class UNet(nn.Module):
    """Body of a U-Net without normalisation layers.

    Parameters
    ----------
    dimensions : int
        2 or 3.
    channels_in : int
    depth : int
        How often the maps are made coarser.
    features : int
        Maps at the finest scale; they double with every coarser one.
    kernel : int
        Pixels per side, odd.
    pool : sequence of int
        Factor per axis from one scale to the next; must divide the image `depth` times.
    """

    def __init__(self, dimensions: int, channels_in: int, depth: int, features: int, kernel: int, pool: Sequence[int]):
        super().__init__()
        widths = [features * 2**level for level in range(depth + 1)]
        entries = [channels_in, *widths]
        finer = [features, *widths]
        self.encoders = nn.ModuleList()
        for level in range(depth):
            layers = convolutions(dimensions, kernel, entries[level], widths[level], widths[level])
            self.encoders.append(nn.Sequential(*([POOLS[dimensions](pool)] if level else []), *layers))
        self.middle = nn.Sequential(
            POOLS[dimensions](pool), *convolutions(dimensions, kernel, widths[-2], widths[-1], widths[-2])
        )
        self.decoders = nn.ModuleList(
            Join(dimensions, kernel, pool, (2 * widths[level], widths[level], finer[level]))
            for level in reversed(range(depth))
        )

    def stage_modules(self, prefix: str) -> dict[str, tuple[str, ...]]:
        """Names of the modules of every stage, in the order of the data, for `stages`."""
        depth = len(self.encoders)
        down = {f"encoder {n + 1}": (f"{prefix}encoders.{n}",) for n in range(depth)}
        up = {f"decoder {depth - n}": (f"{prefix}decoders.{n}",) for n in range(depth)}
        return down | {"middle": (f"{prefix}middle",)} | up

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channel, ...) -> (batch, feature, ...) at the finest scale."""
        skips = []
        for encoder in self.encoders:
            x = encoder(x)
            skips.append(x)
        x = self.middle(x)
        for decoder in self.decoders:
            x = decoder(x, skips.pop())
        return x


class Care(nn.Module):
    """U-Net that learns what to add to its input; make it with `care`."""

    def __init__(self, dimensions: int, depth: int, features: int):
        super().__init__()
        self.dimensions, self.multiples = dimensions, (2**depth,) * dimensions
        self.body = UNet(dimensions, 1, depth, features, KERNELS[dimensions], (2,) * dimensions)
        self.head = CONVOLUTIONS[dimensions](features, 1, 1)
        self.stage_modules = self.body.stage_modules("body.") | {"head": ("head",)}

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 1, [z,] y, x) of any size, normalised -> the same shape."""
        require_axes(images, AXES[self.dimensions], 1, "this care network")
        size = images.shape[2:]
        padded = pad_to_multiple(images, self.multiples, "replicate")
        return images + crop_to(self.head(self.body(padded)), size)


class CentreFrame(nn.Module):
    """Of maps in time, those of the frame in the middle."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, feature, frame, y, x) -> (batch, feature, y, x)."""
        return x[:, :, x.shape[2] // 2]


class TimeUNet(nn.Module):
    """U-Net that restores the middle frame of a window of a movie; make it with `time_unet`."""

    def __init__(self, frames: int, time: str, depth: int, features: int):
        super().__init__()
        self.frames, self.multiple = frames, 2**depth
        self.as_volume = time == "axis"
        if self.as_volume:
            self.body = UNet(3, 1, depth, features, 3, (1, 2, 2))
            self.head = nn.Sequential(CentreFrame(), nn.Conv2d(features, 1, 1))
        else:
            self.body = UNet(2, frames, depth, features, 3, (2, 2))
            self.head = nn.Sequential(nn.Conv2d(features, 1, 1))
        self.stage_modules = self.body.stage_modules("body.") | {"head": ("head",)}

    def forward(self, windows: Tensor) -> Tensor:
        """(batch, frame, y, x) of any size, normalised -> (batch, 1, y, x), the middle frame."""
        require_axes(windows, ("batch", "frame", "y", "x"), self.frames, "this time_unet")
        x = pad_to_multiple(windows, (self.multiple, self.multiple), "replicate")
        added = self.head(self.body(x[:, None] if self.as_volume else x))
        middle = self.frames // 2
        return windows[:, middle : middle + 1] + crop_to(added, windows.shape[-2:])


def care(dimensions: int, *, depth: int = 2, features: int = 32, seed: int = 0) -> Care:
    """Build the network of content-aware image restoration (CARE).

    Parameters
    ----------
    dimensions : int
        2 for images (kernels of 5 × 5), 3 for volumes (3 × 3 × 3).
    depth : int
        How often the maps are made coarser.
    features : int
        Maps at the finest scale.
    seed : int
        Of the random weights (Glorot uniform, biases zero).

    Returns
    -------
    Care
        (batch, 1, [z,] y, x) of any size, normalised by percentiles -> the same shape.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    laine2021; Weigert et al., Nature Methods 15, 1090 (2018), with the widths of its public code.
    """
    require_dimensions(dimensions)
    return _initialised(Care, dimensions, depth, features, seed=seed)


def time_unet(*, frames: int = 11, time: str = "axis", depth: int = 2, features: int = 32, seed: int = 0) -> TimeUNet:
    """Build timeUnet: a U-Net like CARE's that sees a window of a movie and restores its middle frame.

    Parameters
    ----------
    frames : int
        Of the window, odd.
    time : str
        ``"axis"``: the window is a volume, convolved in time as well and never made coarser in time. ``"channels"``:
        the frames are input channels of a 2-D network, a choice that the source leaves just as open.
    depth, features, seed : int
        As in `care`.

    Returns
    -------
    TimeUNet
        (batch, frame, y, x) of any size, normalised -> (batch, 1, y, x).

    Raises
    ------
    ValueError
        If `frames` is even, `time` unknown, or a number out of range.

    References
    ----------
    wang2021, results 1 and Supplementary Fig. 1. The source says that the window is 11 frames and the network is like
    CARE's with time as a further dimension; kernels of three pixels, pooling in y and x alone and the way from many
    frames to one are choices made here.
    """
    if whole_number("frames", frames, least=1) % 2 == 0:
        raise ValueError(f"frames={frames} must be odd, so that one frame is in the middle")
    if time not in TIMES:
        raise ValueError(f"time={time!r} is unknown; give one of {', '.join(TIMES)}")
    return _initialised(TimeUNet, frames, time, depth, features, seed=seed)


def _initialised(kind: type[nn.Module], *arguments, seed: int) -> nn.Module:
    *_, depth, features = arguments
    whole_number("depth", depth, least=1)
    whole_number("features", features, least=1)
    with seeded(seed):
        network = kind(*arguments)
        glorot(network)
    return network
