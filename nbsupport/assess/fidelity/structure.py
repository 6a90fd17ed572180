"""Structural similarity: SSIM and its multi-scale form.

Packages differ in what they do at the border and call the result by the same name. `ssim` here computes what
scikit-image, pytorch-msssim (``borders="valid"``) and torchmetrics (``borders="reflect"``) return.
"""

from functools import cache

import numpy as np
import torch
from pytorch_msssim import ms_ssim as _five_scales
from skimage.metrics import structural_similarity

from .pairs import image_pair, require_range

BORDERS = ("valid", "reflect")
EXPONENTS = {"ones": (1.0,) * 5, "wang2003": (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)}
_SIGMA_PX = 1.5
_RADIUS_PX = 5  # window of 11 px
_SMALLEST_PX = 161  # the window must fit after four halvings


def ssim(truth, estimate, *, data_range: float, borders: str = "valid", axes: int = 2) -> float:
    """Structural similarity with a Gaussian window of 11 px, σ 1.5 px, K1 = 0.01, K2 = 0.03, population variances.

    Computed by scikit-image in float64. Its own default is another metric, a uniform window of 7 px and sample
    variances; the values here are those of ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, any unit
    data_range : float, above 0, in the unit of the images
        Scales the two constants that steady the ratio in dark, flat regions. The larger the range, the more of the
        image counts as flat.
    borders : {"valid", "reflect"}
        "valid" averages the positions at which the window fits into the image, as Wang et al., scikit-image and
        pytorch-msssim do. "reflect" averages all pixels of an image continued by reflection without repeating the
        edge, as torchmetrics does.
    axes : {2, 3}
        Number of last axes that the window spans. Axes before them count images, whose values are averaged: a volume
        (z, y, x) is scored slice by slice with 2 and by a window of 11 voxels in every direction with 3.

    Returns
    -------
    float, -1 to 1; 1 for equal images. Symmetric; unchanged if both images and the range are multiplied by one number,
    but neither by an offset nor by a factor on one image. Constant images are compared by their brightness alone.

    Raises
    ------
    ValueError
        If the images are smaller than the window, `data_range`, `borders` or `axes` cannot be meant, or as in
        `image_pair`.

    References
    ----------
    wang2004.
    """
    data_range = require_range(data_range)
    if borders not in BORDERS:
        raise ValueError(f"borders={borders!r} is unknown; give one of {BORDERS}")
    if axes not in (2, 3):
        raise ValueError(f"axes={axes!r} must be 2 or 3")
    smallest = 2 * _RADIUS_PX + 1 if borders == "valid" else _RADIUS_PX + 1
    truth, estimate = _image_sets(truth, estimate, axes, smallest, f"ssim with borders={borders!r} and axes={axes}")
    values = [
        structural_similarity(
            *(_continued(image, borders) for image in pair),
            data_range=data_range,
            gaussian_weights=True,
            sigma=_SIGMA_PX,
            use_sample_covariance=False,
        )
        for pair in zip(truth, estimate, strict=True)
    ]
    return float(np.mean(values))


def ms_ssim(truth, estimate, *, data_range: float, exponents: str = "wang2003") -> float:
    """Multi-scale structural similarity: contrast and structure at five scales, luminance at the coarsest.

    Computed by pytorch-msssim in float64, with windows as in `ssim`, averages over the positions at which the window
    fits, halving by the mean of 2 x 2 pixels, and negative terms set to 0 before the product of powers. torchmetrics
    averages its coarsest term over a reflected border and so returns other values. An odd side is halved with a border
    of zeros on it.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, (y, x) or more axes before them, any unit
        At least 161 px along y and x. Axes before them count images, whose values are averaged.
    data_range : float, above 0, in the unit of the images
    exponents : {"wang2003", "ones"}
        "wang2003" weighs the scales by 0.0448, 0.2856, 0.3001, 0.2363 and 0.1333, as found by Wang et al. from human
        judgement. "ones" is the plain product, as in the loss of jadhav2021; it is far lower.

    Returns
    -------
    float, 0 to 1; 1 for equal images. Symmetric; unchanged if both images and the range are multiplied by one number.

    Raises
    ------
    ValueError
        If the images are too small, `data_range` or `exponents` cannot be meant, or as in `image_pair`.

    References
    ----------
    wang2003; jadhav2021 (the loss with unit exponents).
    """
    data_range = require_range(data_range)
    if exponents not in EXPONENTS:
        raise ValueError(f"exponents={exponents!r} are unknown; give one of {tuple(EXPONENTS)}")
    truth, estimate = _image_sets(truth, estimate, 2, _SMALLEST_PX, "ms_ssim with its five scales")
    values = _five_scales(
        *(torch.from_numpy(images)[:, None] for images in (truth, estimate)),
        data_range=data_range,
        win=_window(),
        weights=list(EXPONENTS[exponents]),
    )
    return float(values)


def _image_sets(truth, estimate, axes, smallest_px, who):
    """Both as (image, …) with `axes` axes per image."""
    truth, estimate = image_pair(truth, estimate)
    shape = truth.shape[-axes:]
    if len(shape) < axes or min(shape) < smallest_px:
        raise ValueError(f"images of shape {truth.shape} are too small for {who}; it needs {smallest_px} px per axis")
    return truth.reshape(-1, *shape), estimate.reshape(-1, *shape)


def _continued(image, borders):
    return np.pad(image, _RADIUS_PX, mode="reflect") if borders == "reflect" else image


@cache
def _window():
    """The Gaussian window in float64; the package would round it to float32, which costs seven digits."""
    offset = torch.arange(-_RADIUS_PX, _RADIUS_PX + 1, dtype=torch.float64)
    weights = torch.exp(-(offset**2) / (2 * _SIGMA_PX**2))
    return (weights / weights.sum()).view(1, 1, 1, -1)
