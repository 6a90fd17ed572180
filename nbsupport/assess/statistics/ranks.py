"""Do two scores put things in one order?"""

from __future__ import annotations

import numpy as np
from scipy import stats

from nbsupport.checks import whole_number

from .resampling import Interval, in_blocks, interval_of

COEFFICIENTS = ("kendall", "spearman")


def rank_agreement(
    first,
    second,
    *,
    rng: np.random.Generator,
    coefficient: str = "kendall",
    resamples: int = 2_000,
    confidence: float = 0.95,
) -> Interval:
    """Rank correlation of two scores, with its bootstrap interval.

    Parameters
    ----------
    first, second : array_like, (item,) or (image, item)
        Scores of the same items (methods, degradations). With one row per image, ranks are those of the means over
        images and the images are drawn; without, the items are drawn.
    rng : numpy.random.Generator
    coefficient : {"kendall", "spearman"}
        Kendall's tau-b, which counts concordant pairs, or the correlation of ranks.
    resamples : int
    confidence : float, 0 to 1

    Returns
    -------
    Interval
        From -1 to 1; 0 where one of the two scores has no order at all, as scores that are all equal (scipy returns
        NaN). Unchanged by any increasing function of single rows' scores when there are no images to average.

    Raises
    ------
    ValueError
        If the shapes differ, there are fewer than two items, or values are not finite.
    """
    if coefficient not in COEFFICIENTS:
        raise ValueError(f"coefficient={coefficient!r} is not known; there are {', '.join(COEFFICIENTS)}")
    pair = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    shape = pair[0].shape
    if shape != pair[1].shape or len(shape) not in (1, 2) or shape[-1] < 2 or not np.isfinite(pair).all():
        raise ValueError(
            f"scores of shapes {shape} and {pair[1].shape} must be finite, alike, and of two items or more"
        )
    correlate = kendall if coefficient == "kendall" else _spearman
    index = rng.integers(shape[0], size=(whole_number("resamples", resamples, least=1), shape[0]))
    if len(shape) == 1:
        value, drawn = correlate(*pair), in_blocks(lambda i: correlate(pair[0][i], pair[1][i]), index, shape[0])
    else:
        value = correlate(*(scores.mean(axis=0) for scores in pair))
        drawn = in_blocks(lambda i: correlate(*(s[i].mean(axis=1) for s in pair)), index, shape[1])
    return interval_of(float(value), drawn, confidence)


def kendall(first, second) -> np.ndarray:
    """Kendall's tau-b along the last axis.

    Parameters
    ----------
    first, second : array_like, (..., item)
        Shapes that broadcast.

    Returns
    -------
    ndarray, (...), -1 to 1; 0 where all items of one score are equal.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    i, j = np.triu_indices(first.shape[-1], 1)
    one, two = (np.sign(scores[..., i] - scores[..., j]) for scores in (first, second))
    pairs = np.sqrt(np.sum(one**2, axis=-1) * np.sum(two**2, axis=-1))
    return np.sum(one * two, axis=-1) / np.where(pairs == 0, 1.0, pairs)


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    one, two = (stats.rankdata(scores, axis=-1) for scores in (first, second))
    one, two = one - one.mean(axis=-1, keepdims=True), two - two.mean(axis=-1, keepdims=True)
    norm = np.sqrt(np.sum(one**2, axis=-1) * np.sum(two**2, axis=-1))
    return np.sum(one * two, axis=-1) / np.where(norm == 0, 1.0, norm)
