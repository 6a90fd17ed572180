"""The PSNR of every source: what each does to the two images first, and the range that it then takes.

Between the conventions one pair of images moves by many decibels, and may even change places with another pair. A
number therefore carries its convention in its name: ``psnr_truth_range_db``.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .errors import psnr
from .pairs import image_pair


class Rescaled(NamedTuple):
    """Two images on a common scale and the range to score them with.

    Parameters
    ----------
    truth, estimate : ndarray, float64
    data_range : float, in the unit of the images
    """

    truth: np.ndarray
    estimate: np.ndarray
    data_range: float


def rescale(truth, estimate, *, convention: str) -> Rescaled:
    """Bring two images to the scale on which a source scores them.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, any unit
    convention : str
        A key of `PSNR_CONVENTIONS`:

        ========================  ==================================================  =============  ==============
        convention                images                                              range          used by
        ========================  ==================================================  =============  ==============
        ``truth_range``           as they are                                         max - min of   laine2021
                                                                                      the truth
        ``unit_range``            as they are                                         1              batson2019
        ``max_normalised``        each divided by its own maximum                     1              jadhav2021
        ``uint16``                likewise, clipped to [0, 1], times 65535, decimals  65536          hughes2024
                                  cut off
        ``percentile``            each mapped so that its own percentiles 3 and 99.8  1              weigert2018
                                  become 0 and 1
        ``percentile_affine``     truth: its percentiles 0.1 and 99.9 become 0 and    1              weigert2018
                                  1; estimate: least-squares fit a x + b onto it
        ``scale_invariant``       truth: mean 0, standard deviation 1; estimate:      max - min of   weigert2018
                                  mean 0, times the least-squares factor              scaled truth
        ``clamped_8bit``          clamped to [0, 255]                                 255            zhang2019
        ========================  ==================================================  =============  ==============

    Returns
    -------
    Rescaled

    Raises
    ------
    ValueError
        If there is no such convention, the truth is constant where its contrast is divided by, or an image that is to
        be divided by its maximum has a negative one; also as in `image_pair`.

    Notes
    -----
    jadhav2021 states no range; 1 after division by the maximum is the natural reading. hughes2024 takes one more than
    the largest value that a pixel can have; 65535 would give 0.00013 dB less. A constant estimate is scored like any
    other, and an image of zeros stays one.
    """
    if convention not in PSNR_CONVENTIONS:
        raise ValueError(f"convention={convention!r} is unknown; give one of {', '.join(PSNR_CONVENTIONS)}")
    return PSNR_CONVENTIONS[convention](*image_pair(truth, estimate))


def psnr_db(truth, estimate, *, convention: str) -> float:
    """PSNR as one source computes it, over all pixels at once.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, any unit
    convention : str
        As in `rescale`.

    Returns
    -------
    float, dB; infinite for equal images. Not symmetric where the range or the fit comes from the truth.

    Raises
    ------
    ValueError
        As in `rescale`.
    """
    scaled = rescale(truth, estimate, convention=convention)
    return psnr(scaled.truth, scaled.estimate, data_range=scaled.data_range)


def psnr_by_convention(truth, estimate) -> dict[str, float]:
    """PSNR of one pair under every convention.

    Parameters
    ----------
    truth, estimate : DataArray, ndarray or Tensor of one shape, any unit

    Returns
    -------
    dict, from names such as ``"psnr_truth_range_db"`` to dB, in the order of `PSNR_CONVENTIONS`

    Raises
    ------
    ValueError
        As in `rescale`.
    """
    return {f"psnr_{name}_db": psnr_db(truth, estimate, convention=name) for name in PSNR_CONVENTIONS}


def _truth_range(truth, estimate):
    return Rescaled(truth, estimate, _contrast(truth))


def _unit_range(truth, estimate):
    return Rescaled(truth, estimate, 1.0)


def _max_normalised(truth, estimate):
    if truth.max() == 0:
        raise ValueError("truth has the maximum 0 and cannot be divided by it")
    return Rescaled(_over_maximum("truth", truth), _over_maximum("estimate", estimate), 1.0)


def _uint16(truth, estimate):
    images = _max_normalised(truth, estimate)[:2]
    return Rescaled(*(np.floor(np.clip(image, 0, 1) * 65535) for image in images), 65536.0)


def _percentile(truth, estimate):
    _contrast(truth, 3, 99.8)
    return Rescaled(_between_percentiles(truth, 3, 99.8), _between_percentiles(estimate, 3, 99.8), 1.0)


def _percentile_affine(truth, estimate):
    _contrast(truth, 0.1, 99.9)
    truth = _between_percentiles(truth, 0.1, 99.9)
    return Rescaled(truth, _fitted(truth - truth.mean(), estimate) + truth.mean(), 1.0)


def _scale_invariant(truth, estimate):
    _contrast(truth)
    truth = (truth - truth.mean()) / truth.std()
    return Rescaled(truth, _fitted(truth, estimate), float(np.ptp(truth)))


def _clamped_8bit(truth, estimate):
    return Rescaled(np.clip(truth, 0, 255), np.clip(estimate, 0, 255), 255.0)


PSNR_CONVENTIONS: dict[str, Callable[[np.ndarray, np.ndarray], Rescaled]] = {
    "truth_range": _truth_range,
    "unit_range": _unit_range,
    "max_normalised": _max_normalised,
    "uint16": _uint16,
    "percentile": _percentile,
    "percentile_affine": _percentile_affine,
    "scale_invariant": _scale_invariant,
    "clamped_8bit": _clamped_8bit,
}


def _contrast(truth, low=0, high=100):
    """Distance of two percentiles of the truth, which must differ."""
    darkest, brightest = np.percentile(truth, [low, high])
    if darkest == brightest:
        raise ValueError(
            f"truth has the value {darkest:g} at its percentiles {low} and {high}, so that this convention has no "
            "range; give data_range to psnr instead"
        )
    return float(brightest - darkest)


def _over_maximum(name, values):
    if values.max() < 0:
        raise ValueError(f"{name} has the maximum {values.max():g}; an image that is divided by it must reach above 0")
    return values / values.max() if values.max() > 0 else values


def _between_percentiles(values, low, high):
    darkest, brightest = np.percentile(values, [low, high])
    # 1e-20 is CARE's own: it keeps a constant estimate defined, and ruins a nearly empty one whose percentiles agree
    return (values - darkest) / (brightest - darkest + 1e-20)


def _fitted(centred_truth, estimate):
    """The estimate without its mean, times the factor that brings it closest to the centred truth."""
    centred = estimate - estimate.mean()
    power = np.sum(centred**2)
    return centred * (np.sum(centred_truth * centred) / power) if power > 0 else centred
