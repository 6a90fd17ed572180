"""What several rooms refuse in the same words: a message names the parameter, its value and the nearest right one."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable
from numbers import Real

import numpy as np


def nearest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'frames'?"`` when something similar is known, else the list of what is known.

    Parameters
    ----------
    word : str
        What was given; anything else is taken as its text.
    known : iterable of str

    Returns
    -------
    str
        End of a message; empty if nothing is known.
    """
    by_lower_case = {name.lower(): name for name in sorted(known)}
    close = difflib.get_close_matches(str(word).lower(), by_lower_case, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {by_lower_case[close[0]]!r}?"
    return f"; known: {', '.join(by_lower_case.values())}" if by_lower_case else ""


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
