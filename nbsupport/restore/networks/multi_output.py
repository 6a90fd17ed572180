"""U-Net with several values per pixel: samples of a distribution, or an image and the classes of its pixels."""

import torch
from torch import Tensor, nn

from nbsupport.checks import whole_number
from nbsupport.restore.networks.initialisation import glorot, seeded
from nbsupport.restore.networks.padding import crop_to, pad_to_multiple, require_axes
from nbsupport.restore.networks.unets import AXES, UNet


class MultiOutput(nn.Module):
    """U-Net with a linear head of several maps; make it with `multi_output`."""

    def __init__(self, outputs: int, depth: int, features: int):
        super().__init__()
        self.multiples = (2**depth,) * 2
        self.body = UNet(2, 1, depth, features, 3, (2, 2))
        self.head = nn.Conv2d(features, outputs, 1)
        self.stage_modules = self.body.stage_modules("body.") | {"head": ("head",)}

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 1, y, x) of any size, normalised -> (batch, output, y, x)."""
        require_axes(images, AXES[2], 1, "this network")
        padded = pad_to_multiple(images, self.multiples, "replicate")
        return crop_to(self.head(self.body(padded)), images.shape[2:])


def multi_output(outputs: int, *, depth: int = 2, features: int = 32, seed: int = 0) -> MultiOutput:
    """U-Net from one image to several maps, without normalisation layers and without adding its input.

    Parameters
    ----------
    outputs : int
        Maps that it gives.
    depth : int
        How often the maps are made coarser.
    features : int
        Maps at the finest scale; they double with every coarser one.
    seed : int
        Of the weights, non-negative.

    Returns
    -------
    MultiOutput
        (batch, 1, y, x) of any size to (batch, output, y, x).

    Raises
    ------
    ValueError
        If a number is not whole or too small.

    References
    ----------
    krull2020 and buchholz2020 use such networks; kernels of 3 pixels as there.
    """
    sizes = [whole_number(n, v, least=1) for n, v in (("outputs", outputs), ("depth", depth), ("features", features))]
    with seeded(seed), torch.device("cpu"):
        network = MultiOutput(*sizes)
        glorot(network)
    return network
