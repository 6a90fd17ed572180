"""What differs between networks for images and for volumes."""

from torch import nn

CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}
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
