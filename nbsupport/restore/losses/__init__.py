"""Training losses by name: `loss("MS-SSIM+L1", beta=0.6)` is called with restored images and their targets."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from nbsupport.checks import nearest

from .combined import Combination
from .perceptual import LAYERS, VGG, sparse_images
from .pixel import L1, L2, Huber, Loss
from .structural import MSSSIM, SSIM, scales_that_fit, smallest_px
from .vgg import WEIGHTS, AsPhotograph, imagenet_file, vgg16_features

__all__ = [
    "L1",
    "L2",
    "LAYERS",
    "MSSSIM",
    "NAMES",
    "SSIM",
    "TABLE",
    "VGG",
    "WEIGHTS",
    "AsPhotograph",
    "Combination",
    "Huber",
    "Loss",
    "imagenet_file",
    "loss",
    "scales_that_fit",
    "smallest_px",
    "sparse_images",
    "vgg16_features",
]

TABLE = ("L2", "L1", "SSIM", "MS-SSIM", "VGG", "MS-SSIM+L1", "SSIM+L1")
"""The seven losses of jadhav2021, in the order of its Table 1."""


def _ms_ssim_and_l1(*, beta: float = 0.6, swapped: bool = False, scales: int | None = None) -> Combination:
    return Combination(MSSSIM(scales=scales), beta=beta, swapped=swapped)


def _ssim_and_l1(*, beta: float = 0.4, swapped: bool = False) -> Combination:
    return Combination(SSIM(), beta=beta, swapped=swapped)


_MAKERS: dict[str, Callable[..., Loss]] = {
    "L2": L2,
    "L1": L1,
    "SSIM": SSIM,
    "MS-SSIM": MSSSIM,
    "VGG": VGG,
    "MS-SSIM+L1": _ms_ssim_and_l1,
    "SSIM+L1": _ssim_and_l1,
    "Huber": Huber,
}
NAMES = tuple(_MAKERS)
"""Every name that `loss` knows."""


def loss(name: str, **options) -> Loss:
    """Make a training loss.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    **options
        Of that loss: ``data_range`` (SSIM, MS-SSIM), ``scales`` (MS-SSIM and its sum), ``beta`` and ``swapped`` (the
        sums; 0.6 and 0.4 as the source has them), ``delta`` (Huber), ``weights``, ``seed``, ``path``, ``layers``,
        ``reading``, ``balance``, ``calibration`` (VGG).

    Returns
    -------
    Loss
        Called with ``restored, target``; its ``description`` belongs beside every result.

    Raises
    ------
    ValueError
        If there is no such loss or it has no such option; the message lists what there is.

    References
    ----------
    jadhav2021, section 2.3.
    """
    if name not in _MAKERS:
        raise ValueError(f"name={name!r} is no loss{nearest(name, NAMES)}")
    maker = _MAKERS[name]
    known = [] if maker in (L1, L2) else [option for option in inspect.signature(maker).parameters if option != "self"]
    if unknown := set(options) - set(known):
        raise ValueError(f"{name} has no option {', '.join(sorted(unknown))}; it has {', '.join(known) or 'none'}")
    return maker(**options)
