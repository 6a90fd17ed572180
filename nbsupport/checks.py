"""Numbers that several rooms refuse in the same words: the message names the parameter and its value."""

from __future__ import annotations

import math
import operator
from numbers import Real

import numpy as np


def whole_number(name: str, value: int, *, least: int) -> int:
    """Refuse anything but a whole number that is large enough.

    Parameters
    ----------
    name : str
        What the message calls the value.
    value : int
        Of Python or numpy. A float is refused, even one without a fraction.
    least : int
        Smallest number allowed.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If the value is not whole, or less than `least`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={value!r} must be a whole number") from None
    if number < least:
        raise ValueError(f"{name}={value!r} must be at least {least}")
    return number


def positive(name: str, value: float, meant: str) -> float:
    """Refuse anything but one finite number above 0.

    Parameters
    ----------
    name : str
        What the message calls the value.
    value : float
    meant : str
        What would be right, with its unit: ends the message after "must be".

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the value is not a real number, not finite, 0 or negative.
    """
    if not (isinstance(value, Real) and 0 < value < math.inf):
        raise ValueError(f"{name}={value!r} must be {meant}")
    return float(value)


def finite_array(name: str, values) -> np.ndarray:
    """Refuse numbers of which one is not finite.

    Parameters
    ----------
    name : str
        What the message calls the values.
    values : array_like, any shape

    Returns
    -------
    ndarray of float64, shape of `values`

    Raises
    ------
    ValueError
        If a value is not finite; the message gives the first one and its index.
    """
    values = np.asarray(values, dtype=float)
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"{name} must be finite; the first bad value is {values[bad][0]} at {np.argwhere(bad)[0].tolist()}"
        )
    return values
