"""Pixel by pixel: mean squared and mean absolute error, PSNR, Pearson correlation."""

import numpy as np

from .pairs import image_pair, require_range


def mse(truth, estimate, *, data_range: float | None = None) -> float:
    """Mean squared error.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, any unit
    data_range : float, optional
        Has no influence. A table can so call `mse`, `psnr` and `ssim` in the same way.

    Returns
    -------
    float, in the squared unit of the images; 0 for equal images. Symmetric.

    Raises
    ------
    ValueError
        If the images do not fit together or hold values that are not finite (`image_pair`).
    """
    if data_range is not None:
        require_range(data_range)
    truth, estimate = image_pair(truth, estimate)
    return float(np.mean((truth - estimate) ** 2))


def mae(truth, estimate) -> float:
    """Mean absolute error.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, any unit

    Returns
    -------
    float, in the unit of the images; 0 for equal images. Symmetric, and at most the root of `mse`.

    Raises
    ------
    ValueError
        If the images do not fit together or hold values that are not finite (`image_pair`).
    """
    truth, estimate = image_pair(truth, estimate)
    return float(np.mean(np.abs(truth - estimate)))


def psnr(truth, estimate, *, data_range: float) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(data_range^2 / MSE)``, over all pixels at once.

    `data_range` has no default on purpose: every source takes another one, and a factor of two is 6.02 dB. The
    sources' own choices, with the scaling that precedes them, are in `PSNR_CONVENTIONS`. The mean of the PSNRs of
    several images is not the PSNR of their mean squared error; a stack given here yields the second.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, any unit
    data_range : float, above 0, in the unit of the images

    Returns
    -------
    float, dB; infinite for equal images. Symmetric, because the range is given and not taken from the truth.

    Raises
    ------
    ValueError
        If `data_range` is not one finite number above 0, or as in `image_pair`.

    References
    ----------
    laine2021, Box 1.
    """
    data_range, error = require_range(data_range), mse(truth, estimate)
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(data_range) - 10 * np.log10(error))


def pearson(truth, estimate) -> float:
    """Pearson correlation coefficient of all pixels.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, any unit

    Returns
    -------
    float, -1 to 1; NaN if an image is constant, since a constant correlates with nothing. Symmetric; unchanged by
    ``a * image + b`` with a > 0 of either image.

    Raises
    ------
    ValueError
        If the images do not fit together or hold values that are not finite (`image_pair`).
    """
    truth, estimate = image_pair(truth, estimate)
    if np.ptp(truth) == 0 or np.ptp(estimate) == 0:
        return float("nan")
    truth, estimate = truth - truth.mean(), estimate - estimate.mean()
    # each scaled first: products of very small or large deviations would leave the range of float64
    truth, estimate = truth / np.abs(truth).max(), estimate / np.abs(estimate).max()
    return float(np.clip(np.sum(truth * estimate) / np.sqrt(np.sum(truth**2) * np.sum(estimate**2)), -1, 1))
