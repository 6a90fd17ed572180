"""Structural losses: one minus SSIM, one minus MS-SSIM.

`nbsupport.assess.fidelity` measures the same similarities in float64 for tables; these are for training: float32, on
whole batches, and with fewer scales where the crops are small.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from nbsupport.checks import positive, whole_number

from .pixel import Loss

_RADIUS_PX, _SIGMA_PX = 5, 1.5
_K1, _K2 = 0.01, 0.03
SCALES = 5
"""Scales of MS-SSIM where the images are large enough."""


class SSIM(Loss):
    """1 - ReLU(SSIM), with a Gaussian window of 11 px, sigma 1.5 px, over the positions at which it fits.

    The value of each image is cut off at 0, so an image that is anticorrelated with its target has loss 1 and no
    gradient.

    Parameters
    ----------
    data_range : float, above 0
        Of the images; 1 for images divided by their maximum.

    References
    ----------
    jadhav2021, equation 3; wang2004.
    """

    description = "1 - ReLU(SSIM), window 11 px, sigma 1.5 px"

    def __init__(self, *, data_range: float = 1.0) -> None:
        super().__init__()
        self.data_range = positive("data_range", data_range, "the range of the images, 1 after division by the maximum")

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """One minus the mean over images of their SSIM."""
        _require_images(restored, smallest_px(1), "SSIM")
        similarity, _ = _similarity(restored, target, self.data_range)
        return 1 - functional.relu(similarity).mean()


class MSSSIM(Loss):
    """1 - MS-SSIM with all exponents 1: contrast and structure at every scale, luminance at the coarsest alone.

    Images are halved by the mean of 2 x 2 pixels. Every factor is cut off at 0 before the product is taken, so that two
    negative factors do not make a positive one.

    Parameters
    ----------
    data_range : float, above 0
        Of the images; 1 for images divided by their maximum.
    scales : int, optional
        1 to 5. None takes as many of the five as leave the window room at the coarsest: five from 161 px on, four from
        81 px, three from 41 px, two from 21 px. A number is taken as it is, and smaller images are refused.

    References
    ----------
    jadhav2021, equation 4, which does not print the number of scales; wang2003.
    """

    def __init__(self, *, data_range: float = 1.0, scales: int | None = None) -> None:
        super().__init__()
        self.data_range = positive("data_range", data_range, "the range of the images, 1 after division by the maximum")
        if scales is not None and whole_number("scales", scales, least=1) > SCALES:
            raise ValueError(f"scales={scales!r} must be at most {SCALES}")
        self.scales = scales
        number = f"{scales} scales" if scales else f"as many of {SCALES} scales as fit"
        self.description = f"1 - MS-SSIM, all exponents 1, {number}"

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """One minus the mean over images of their MS-SSIM."""
        scales = self.scales or scales_that_fit(min(restored.shape[-2:]))
        _require_images(restored, smallest_px(scales), f"MS-SSIM with scales={scales}")
        product = torch.ones(restored.shape[:2], device=restored.device)
        for scale in range(scales):
            similarity, contrast_structure = _similarity(restored, target, self.data_range)
            product = product * functional.relu(similarity if scale == scales - 1 else contrast_structure)
            restored, target = _halved(restored), _halved(target)
        return 1 - product.mean()


def smallest_px(scales: int) -> int:
    """Smallest side of an image on which the window of 11 px fits at all of so many scales, px."""
    return 2 * _RADIUS_PX * 2 ** (scales - 1) + 1


def scales_that_fit(side_px: int) -> int:
    """Number of scales, 1 to 5, that an image of this smaller side has room for."""
    return max([scales for scales in range(1, SCALES + 1) if smallest_px(scales) <= side_px], default=1)


def _require_images(images: Tensor, smallest: int, who: str) -> None:
    if images.ndim != 4 or min(images.shape[-2:]) < smallest:
        raise ValueError(
            f"images of shape {tuple(images.shape)} do not suit {who}; it takes (batch, channel, y, x) with "
            f"at least {smallest} px along y and x"
        )


def _similarity(restored: Tensor, target: Tensor, data_range: float) -> tuple[Tensor, Tensor]:
    """SSIM, and its contrast-structure factor alone, each the mean over an image (batch, channel)."""
    moments = _blurred(torch.stack([restored, target, restored**2, target**2, restored * target]))
    mean_r, mean_t, square_r, square_t, product = moments
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    variances = (square_r - mean_r**2) + (square_t - mean_t**2)
    contrast_structure = (2 * (product - mean_r * mean_t) + c2) / (variances + c2)
    luminance = (2 * mean_r * mean_t + c1) / (mean_r**2 + mean_t**2 + c1)
    return (luminance * contrast_structure).mean((-2, -1)), contrast_structure.mean((-2, -1))


def _blurred(images: Tensor) -> Tensor:
    """Gaussian mean of images (…, y, x) at the positions at which the window fits."""
    offset = torch.arange(-_RADIUS_PX, _RADIUS_PX + 1, device=images.device, dtype=images.dtype)
    window = torch.exp(-(offset**2) / (2 * _SIGMA_PX**2))
    window = window / window.sum()
    flat = images.flatten(0, -3)[:, None]
    flat = functional.conv2d(functional.conv2d(flat, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
    return flat.view(*images.shape[:-2], *flat.shape[-2:])


def _halved(images: Tensor) -> Tensor:
    """Means of 2 x 2 pixels; an odd side gets a border of zeros first, as in the reference implementation."""
    return functional.avg_pool2d(images, 2, padding=[side % 2 for side in images.shape[-2:]])
