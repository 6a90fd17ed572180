"""Does a spread mean what it says? How often the truth lies inside the interval that samples span."""

from __future__ import annotations

import numpy as np

from nbsupport.checks import finite_array


def coverage(draws, truth, *, levels=(0.5, 0.8, 0.95)) -> np.ndarray:
    """Share of pixels whose truth lies in the central interval of samples drawn for it.

    Parameters
    ----------
    draws : array_like, (draw, ...)
        Samples of every pixel, from what claims to be the distribution of the truth given the data.
    truth : array_like, (...)
    levels : sequence of float, 0 to 1
        Shares of the draws that the intervals hold.

    Returns
    -------
    ndarray, (level,)
        For draws from the right distribution, `levels` themselves, less up to 2 / number of draws for the finite number
        of draws; smaller shares say that the draws are too sure of themselves.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite, a level is not between 0 and 1, or there is a single draw.
    """
    draws, truth = finite_array("draws", draws), finite_array("truth", truth)
    levels = finite_array("levels", np.atleast_1d(levels))
    if draws.shape[1:] != truth.shape or len(draws) < 2:
        raise ValueError(f"draws has shape {draws.shape}; give two or more of the shape of the truth, {truth.shape}")
    if not ((levels > 0) & (levels < 1)).all():
        raise ValueError(f"levels={levels.tolist()} must lie between 0 and 1; 95 % is 0.95")
    ends = [np.quantile(draws, (1 + side * levels) / 2, axis=0) for side in (-1, 1)]
    inside = (ends[0] <= truth) & (truth <= ends[1])
    return inside.reshape(len(levels), -1).mean(axis=1)
