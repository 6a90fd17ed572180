"""What differs between networks for images and for volumes."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class VolumeConvolution(nn.Conv3d):
    """A convolution of volumes, with a stride of 1 and zeros around them, that is quick for a lone volume too.

    Torch convolves a lone small volume in float32, on a processor, with a kernel that takes two to seven times as
    long as the one for several. So a lone one goes in as two halves, which overlap by what the kernel reaches over: the
    same sums, and a few lines computed twice.
    """

    def forward(self, volumes: Tensor) -> Tensor:
        """(batch, channel, z, y, x) -> the same axes with the output channels."""
        quick = volumes.device.type != "cpu" or torch.is_autocast_enabled("cpu")
        if quick or len(volumes) != 1 or self.kernel_size[1] == 1:
            return super().forward(volumes)
        lines, (deep, margin, wide) = volumes.shape[3], self.padding
        half = (lines + 1) // 2
        padded = functional.pad(volumes, (0, 0, margin, margin))
        halves = torch.cat([padded[:, :, :, : half + 2 * margin], padded[:, :, :, lines - half :]])
        first, second = functional.conv3d(halves, self.weight, self.bias, padding=(deep, 0, wide))[:, None]
        return torch.cat([first, second[:, :, :, 2 * half - lines :]], dim=3)


CONVOLUTIONS = {2: nn.Conv2d, 3: VolumeConvolution}
POOLS = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
AXES = {2: ("batch", "channel", "y", "x"), 3: ("batch", "channel", "z", "y", "x")}


def require_dimensions(dimensions: int) -> None:
    """Refuse anything but images and volumes.

    Raises
    ------
    ValueError
        If `dimensions` is neither 2 nor 3.
    """
    if dimensions not in CONVOLUTIONS:
        raise ValueError(f"dimensions={dimensions!r} must be 2 (images) or 3 (volumes)")
