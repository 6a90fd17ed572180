"""Tests against a margin, and corrections for many comparisons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from .resampling import Interval, paired


class Equivalence(NamedTuple):
    """Result of a test against a margin."""

    shown: bool  # whether the test rejects at its level
    p_value: float
    difference: Interval  # mean difference; the test is shown exactly if this interval keeps within the margin


def equivalence(first, second, *, margin: float, level: float = 0.05) -> Equivalence:
    """Two one-sided paired t tests: is the mean difference within ± margin?

    Parameters
    ----------
    first, second : array_like, (image,)
    margin : float
        Largest difference that does not matter, above 0, in the unit of the values; to be fixed beforehand.
    level : float
        Of each of the two tests.

    Returns
    -------
    Equivalence
        The larger p value, and the interval of confidence 1 - 2 level. Not shown is not the same as different.

    Raises
    ------
    ValueError
        If the margin is not positive or there are fewer than two pairs.

    References
    ----------
    schuirmann1987.
    """
    low, high = (non_inferiority(*pair, margin=margin, level=level) for pair in ((first, second), (second, first)))
    p_value = max(low.p_value, high.p_value)
    return Equivalence(p_value <= level, p_value, low.difference)


def non_inferiority(first, second, *, margin: float, level: float = 0.05) -> Equivalence:
    """One-sided paired t test: is the mean of first - second above -margin?

    Parameters
    ----------
    first, second : array_like, (image,)
        Scores of which more is better; swap the two where less is.
    margin : float
        Loss that would not matter, above 0; to be fixed beforehand.
    level : float

    Returns
    -------
    Equivalence
        With the interval of confidence 1 - 2 level, whose lower end decides.

    Raises
    ------
    ValueError
        If the margin is not positive or there are fewer than two pairs.
    """
    difference = paired(first, second).ravel()
    if not (np.ndim(margin) == 0 and 0 < margin < np.inf) or difference.size < 2:
        raise ValueError(
            f"margin={margin!r} must be a positive number, and pairs two or more ({difference.size} given)"
        )
    mean, error = difference.mean(), difference.std(ddof=1) / np.sqrt(difference.size)
    reach = stats.t.ppf(1 - level, difference.size - 1) * error
    interval = Interval(float(mean), float(mean - reach), float(mean + reach))
    if error == 0:
        p_value = 0.0 if mean > -margin else 1.0
    else:
        p_value = float(stats.ttest_1samp(difference, -margin, alternative="greater").pvalue)
    return Equivalence(p_value <= level, p_value, interval)


def holm(p_values) -> np.ndarray:
    """P values adjusted for many comparisons so that the chance of any false alarm stays below the level.

    Parameters
    ----------
    p_values : array_like, (n,), 0 to 1

    Returns
    -------
    ndarray, (n,)
        In the order given; reject where it is at most the level. Valid under any dependence.

    References
    ----------
    holm1979.
    """
    p = _p_values(p_values)
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted


def benjamini_hochberg(p_values) -> np.ndarray:
    """P values adjusted so that the expected share of false alarms among all alarms stays below the level.

    Parameters
    ----------
    p_values : array_like, (n,), 0 to 1

    Returns
    -------
    ndarray, (n,)
        In the order given. Valid for independent or positively dependent tests.

    References
    ----------
    benjamini1995.
    """
    return stats.false_discovery_control(_p_values(p_values), method="bh")


def _p_values(p_values) -> np.ndarray:
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"p_values of shape {p.shape} must be one-dimensional and from 0 to 1")
    return p
