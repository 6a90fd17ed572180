"""Intervals of numbers that are worked out from a whole table of measurements."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from nbsupport.checks import whole_number

from .resampling import Interval, interval_of


def resampled(
    statistic: Callable[..., Mapping[str, float]],
    *counts: int,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """Percentile bootstrap of whatever can be worked out again from the images that are drawn.

    For ranks, shares of cases, places where curves cross, and counts of what holds: numbers that are no function of one
    value per image, which is what `bootstrap` takes.

    Parameters
    ----------
    statistic : callable
        Takes one array of indices for each count and returns numbers by name. It is called once for each draw, and
        first with every index once, in order, which gives the values themselves.
    *counts : int
        Numbers of things that are drawn independently of each other: of images, or of seeds and of images. What was
        measured on the same image has the same index.
    rng : numpy.random.Generator
    resamples : int
    confidence : float, 0 to 1

    Returns
    -------
    dict of Interval

    Raises
    ------
    ValueError
        If there is nothing to draw from, or a number is not finite for some draw.

    Notes
    -----
    Only what is drawn enters the interval: that of a network that was trained once says nothing of another training. A
    count of cases jumps; its interval may have no width although other images would change it.

    References
    ----------
    efron1993, chapters 6 and 13.
    """
    sizes = [whole_number("counts", count, least=1) for count in counts]
    if not sizes:
        raise ValueError("counts is empty; say how many images there are to draw from")
    whole = statistic(*(np.arange(size) for size in sizes))
    drawn = [
        statistic(*(rng.integers(size, size=size) for size in sizes))
        for _ in range(whole_number("resamples", resamples, least=1))
    ]
    columns = {name: np.array([each[name] for each in [whole, *drawn]], dtype=float) for name in whole}
    lacking = [name for name, column in columns.items() if not np.isfinite(column).all()]
    if lacking:
        raise ValueError(f"not finite for some draws: {', '.join(lacking)}; say what counts where nothing is measured")
    return {name: interval_of(float(column[0]), column[1:], confidence) for name, column in columns.items()}
