"""MicroSSIM and MicroMS3IM: structural similarity after background and brightness have been matched.

On camera counts plain SSIM mostly sees the offset. Here the background goes first, and one factor per set of images is
fitted to the estimates.
"""

import contextlib
import io
import math
from dataclasses import dataclass

import numpy as np

from .pairs import image_pair

_SMALLEST_MICRO_PX = 11
# torchmetrics continues the coarsest image by reflection, and pads 5 px only if it has 6: 161 px fail and 176 work
_SMALLEST_MS3IM_PX = 176


@dataclass(frozen=True)
class MicroScore:
    """Scores of a set of images and what was fitted to the set.

    Parameters
    ----------
    scores : tuple of float
        One per image, at most 1; 1 for an estimate ``a * truth + b`` with a > 0.
    factor : float
        Multiplies the normalised estimates; maximises the mean SSIM of the set.
    offset_truth, offset_estimate : float
        Background: percentile 3 of all truths and of all estimates, in the unit of each.
    maximum : float
        Largest truth above its background; divides both after their background is gone.
    """

    scores: tuple[float, ...]
    factor: float
    offset_truth: float
    offset_estimate: float
    maximum: float

    @property
    def mean(self) -> float:
        """Mean of the scores."""
        return math.fsum(self.scores) / len(self.scores)


def micro_ssim(truth, estimate) -> MicroScore:
    """MicroSSIM by the package of its authors.

    Percentile 3 is subtracted from either set, both are divided by the largest truth left, one factor on the estimates
    maximises their mean SSIM (uniform window of 7 px), and the score is then SSIM with a Gaussian window of 11 px,
    σ 1.5 px, *sample* variances and the range of each normalised truth. Neither window nor variances are those of
    `ssim`, so that the two differ even where nothing is left to match. While it fits the factor to a set, the package
    takes the range of the last truth for all of them.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, (y, x) or (image, y, x), any unit
        At least 11 px along y and x. The images of a set share background, maximum and factor.

    Returns
    -------
    MicroScore

    Raises
    ------
    ValueError
        If the images are too small or have other axes, a truth is constant, or as in `image_pair`.

    References
    ----------
    ashesh2024.
    """
    from microssim import MicroSSIM  # loads for many seconds, which no other metric should wait for

    return _scored(MicroSSIM, truth, estimate, _SMALLEST_MICRO_PX)


def micro_ms3im(truth, estimate) -> MicroScore:
    """MicroMS3IM by the package of its authors: `micro_ssim` with multi-scale structural similarity as its score.

    The factor is still the one that suits single-scale SSIM. The score is torchmetrics' MS-SSIM with the exponents of
    wang2003, in float32; its border treatment is not that of `ms_ssim`.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, (y, x) or (image, y, x), any unit
        At least 176 px along y and x.

    Returns
    -------
    MicroScore

    Raises
    ------
    ValueError
        As in `micro_ssim`.

    References
    ----------
    ashesh2024.
    """
    from microssim import MicroMS3IM  # as in micro_ssim

    return _scored(MicroMS3IM, truth, estimate, _SMALLEST_MS3IM_PX)


def _scored(metric, truth, estimate, smallest_px):
    truth, estimate = image_pair(truth, estimate)
    if truth.ndim not in (2, 3) or min(truth.shape[-2:]) < smallest_px:
        raise ValueError(
            f"images of shape {truth.shape} do not fit; give (y, x) or (image, y, x) with at least {smallest_px} px "
            "along y and x"
        )
    truth, estimate = (images.reshape(-1, *images.shape[-2:]) for images in (truth, estimate))
    flat = np.ptp(truth, axis=(1, 2)) == 0
    if flat.any():
        raise ValueError(f"truth {int(np.argmax(flat))} of the set is constant; its range would be 0")
    # the package draws a progress bar and takes the root of a variance that rounding made negative (a term it drops)
    with contextlib.redirect_stderr(io.StringIO()), np.errstate(invalid="ignore"):
        fitted = metric().fit(truth, estimate)
        scores = tuple(float(fitted.score(*pair)) for pair in zip(truth, estimate, strict=True))
    found = {name: float(value) for name, value in fitted.get_parameters().items()}
    return MicroScore(scores, found["ri_factor"], found["offset_gt"], found["offset_pred"], found["max_val"])
