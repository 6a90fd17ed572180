"""What denoising does to stripes, to widths, to brightness and to the ratio of two channels."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter

from nbsupport.assess.resolution import fwhm

_REACH = 8  # half side of the surroundings of a point, pixels
_FAR_PX = 8  # from every structure, where an image counts as background


def stripe_amplitude(residual: np.ndarray) -> float:
    """Strength of what the pixels of a row share: standard deviation over rows of their mean.

    Parameters
    ----------
    residual : array, (y, x)
        Image minus truth.

    Returns
    -------
    float, unit of `residual`
        Independent noise of standard deviation s leaves s / √columns.
    """
    return float(np.asarray(residual).mean(axis=1).std())


def spot_width(image: np.ndarray, points: np.ndarray) -> float:
    """Mean width of isolated points: full width at half maximum of their averaged surroundings, along y and x.

    Parameters
    ----------
    image : array, (y, x)
    points : array, (n, 2)
        Known positions (y, x), pixels; those near the border are left out.

    Returns
    -------
    float, px
        Averaging over positions between pixels widens it by less than a tenth of a pixel; NaN where no peak stands out.
    """
    near = np.rint(np.asarray(points)).astype(int)
    inside = ((near >= _REACH) & (near < np.array(image.shape) - _REACH)).all(axis=1)
    span = np.arange(-_REACH, _REACH + 1)
    around = np.mean([image[np.ix_(y + span, x + span)] for y, x in near[inside]], axis=0)
    middle = slice(_REACH - 1, _REACH + 2)
    return float(np.mean([_width(around[middle].mean(axis=0)), _width(around[:, middle].mean(axis=1))]))


def line_width(image: np.ndarray, columns: np.ndarray) -> float:
    """Mean width of straight lines along y at known columns, px; NaN where no peak stands out."""
    profile, reach = np.asarray(image).mean(axis=0), np.arange(-_REACH, _REACH + 1)
    return float(np.mean([_width(profile[round(c) + reach]) for c in columns]))


def background_sd(image: np.ndarray, light: np.ndarray) -> float:
    """Standard deviation of an image where the truth is dark and no structure is near.

    Parameters
    ----------
    image : array, (y, x)
    light : array, (y, x), 0 to 1
        Noise-free image without background.
    """
    return float(np.asarray(image)[maximum_filter(light, 2 * _FAR_PX + 1) < 0.02].std())


def ratio_errors(
    first: np.ndarray, second: np.ndarray, ratio: np.ndarray, regions: np.ndarray, *, dark: float
) -> np.ndarray:
    """Relative error of the ratio of two channels' means, region by region.

    Parameters
    ----------
    first, second : array, (y, x), ADU
        Channels; the ratio is second / first.
    ratio : array, (region,)
        True ratios.
    regions : integer array, (y, x)
        Numbered from 1 on, 0 is left out.
    dark : float
        Value of both where there is no signal, ADU; subtracted.

    Returns
    -------
    ndarray, (region,)
    """
    numbers = np.arange(1, len(ratio) + 1)
    means = [[image[regions == n].mean() - dark for n in numbers] for image in (first, second)]
    return np.abs(np.divide(means[1], means[0]) / ratio - 1)


def response(clean: np.ndarray, restored: np.ndarray) -> tuple[float, float]:
    """How the output follows the true intensity: slope and curvature of a parabola through it.

    Parameters
    ----------
    clean, restored : array, any shape

    Returns
    -------
    (float, float)
        On a scale where the truth runs from 0 to 1: slope at its middle, 1 for a faithful method, and twice the
        quadratic coefficient, 0 for a linear one.
    """
    low, span = float(clean.min()), float(np.ptp(clean))
    true, given = (np.ravel(clean) - low) / span, (np.ravel(restored) - low) / span
    # dark pixels outnumber the others: every brightness counts alike
    bins = np.clip((20 * true).astype(int), 0, 19)
    filled = np.unique(bins)
    centres = np.array([true[bins == b].mean() for b in filled])
    means = np.array([given[bins == b].mean() for b in filled])
    quadratic, linear, _ = np.polyfit(centres, means, 2)
    return float(linear + quadratic), float(2 * quadratic)


def _width(profile: np.ndarray) -> float:
    try:
        return fwhm(profile).fwhm
    except ValueError:
        return float("nan")
