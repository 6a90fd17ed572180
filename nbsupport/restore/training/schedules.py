"""Learning rates as pure functions of the step, so that a resumed run goes on with the right one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from nbsupport.checks import whole_number

Schedule = Callable[[int], float]
"""Factor on the learning rate for step 0, 1, 2, …"""


def constant(step: int) -> float:
    """Return 1 for every step."""
    return 1.0


def halve_at(steps: Sequence[int]) -> Schedule:
    """Halve the learning rate at each of these steps.

    Parameters
    ----------
    steps : sequence of int
        First step of each lower rate; counted from 0.

    Raises
    ------
    ValueError
        If a step is not a whole number from 1.
    """
    steps = [whole_number("a step of halve_at", step, least=1) for step in steps]

    def schedule(step: int) -> float:
        return 0.5 ** sum(step >= start for start in steps)

    return schedule


def one_cycle(steps: int, *, warm_up: float = 0.3, start: float = 1 / 25, end: float = 1 / 250_000) -> Schedule:
    """Rise to the full rate along half a cosine, then fall almost to zero along another.

    Parameters
    ----------
    steps : int
        Of the whole training, at least 3.
    warm_up : float, between 0 and 1
        Share of the steps that the rise takes.
    start, end : float
        Factors of the first and the last step.

    Raises
    ------
    ValueError
        If there are too few steps or the rise takes none or all of them.

    Notes
    -----
    The learning rates of `torch.optim.lr_scheduler.OneCycleLR` with its defaults. The betas of Adam stay as they are.
    """
    steps = whole_number("steps", steps, least=3)
    if not 1 < warm_up * steps < steps - 1:
        raise ValueError(f"warm_up={warm_up!r} must leave a step or more to rise and to fall in, of {steps}")
    peak, last = warm_up * steps - 1, steps - 1

    def schedule(step: int) -> float:
        if step <= peak:
            return _cosine(start, 1.0, step / peak)
        return _cosine(1.0, end, min(1.0, (step - peak) / (last - peak)))

    return schedule


def _cosine(first: float, second: float, fraction: float) -> float:
    return second + (first - second) / 2 * (1 + math.cos(math.pi * fraction))
