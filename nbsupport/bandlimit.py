"""Band-limited functions on a grid: the few points of it whose values determine all others."""

from functools import lru_cache

import numpy as np
from scipy.linalg import qr, solve_triangular


def key_points(points: np.ndarray, cutoff: float, *, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Points along one axis whose values determine those of a band-limited function at all others.

    A column-pivoted QR decomposition of the admissible waves picks them (an interpolative decomposition). On a short
    axis they are hardly more than its length times twice the cut-off, and far fewer than a fine grid has.

    Parameters
    ----------
    points : ndarray, (point,), any unit of length
    cutoff : float
        Highest frequency of the function, cycles per that unit.
    tolerance : float
        Smallest pivot, relative to the largest, of a point that cannot be interpolated from others. Interpolated values
        err by somewhat more than this for waves, and by less for smooth functions.

    Returns
    -------
    keys : ndarray of int, (key,), increasing
    expand : ndarray, (point, key)
        Weights that give every point from the key points; key points reproduce themselves.

    Notes
    -----
    The answers for the grids asked about last are kept. A microscope asks about the same few again and again, and the
    threads that the decomposition wakes hold the cores for some 40 ms after it, at the cost of what is computed next.
    """
    keys, expand = _decomposed(tuple(np.asarray(points, dtype=float).tolist()), float(cutoff), float(tolerance))
    # in the order in memory that they have: a matrix product rounds by it
    return keys.copy(), expand.copy(order="K")


@lru_cache(maxsize=64)
def _decomposed(points: tuple[float, ...], cutoff: float, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    frequencies = cutoff * np.linspace(0, 1, 4 * len(points))
    angles = 2 * np.pi * np.outer(frequencies, points)
    triangle, order = qr(np.concatenate([np.cos(angles), np.sin(angles)]), mode="r", pivoting=True)
    pivots = np.abs(np.diag(triangle))
    rank = int(np.count_nonzero(pivots > tolerance * pivots[0]))
    expand = np.zeros((len(points), rank))
    expand[order[:rank]] = np.eye(rank)
    expand[order[rank:]] = solve_triangular(triangle[:rank, :rank], triangle[:rank, rank:]).T
    sorting = np.argsort(order[:rank])
    return order[:rank][sorting], expand[:, sorting]
