"""Where a correlation is lost: the frequency at which a curve falls through its threshold."""

import numpy as np


def first_fall(frequency: np.ndarray, above: np.ndarray) -> float:
    """First frequency at which a curve falls from its threshold or above to below it, interpolated linearly.

    Parameters
    ----------
    frequency, above : ndarray, (n,)
        Increasing frequencies, and the curve less its threshold.

    Returns
    -------
    float
        NaN if the curve never falls through.
    """
    falls = np.flatnonzero((above[:-1] >= 0) & (above[1:] < 0))
    if falls.size == 0:
        return float("nan")
    i = falls[0]
    share = above[i] / (above[i] - above[i + 1])
    return float(frequency[i] + share * (frequency[i + 1] - frequency[i]))


def agreement_limit(frequency: np.ndarray, above: np.ndarray) -> float:
    """Frequency up to which a curve stays at its threshold or above it.

    Returns
    -------
    float
        As `first_fall`; 0 if the curve begins below the threshold, the last frequency if it never falls.
    """
    if above[0] < 0:
        return 0.0
    fall = first_fall(frequency, above)
    return float(frequency[-1]) if np.isnan(fall) else fall
