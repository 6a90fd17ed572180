"""Did a training stay on its course? A rate that is too high undoes what has been learnt."""

from __future__ import annotations

import numpy as np


def loss_rise(loss: np.ndarray, *, parts: int = 10) -> float:
    """Mean loss of the worst later part of a training over that of its first part.

    Parameters
    ----------
    loss : array, (step,)
        Not negative.
    parts : int
        Equal spans of steps into which the training is divided.

    Returns
    -------
    float
        Below 1 for a training that only ever gets better; above 1 it **blew up**: somewhere it was worse than at its
        start. Infinite where a loss is not finite.

    Raises
    ------
    ValueError
        If there are fewer steps than parts, or fewer than two parts.

    Notes
    -----
    Weights that validation chooses hide such a training: they are those of an early step. What is measured with them is
    the learning rate. For supervised losses: where noise that nobody can predict makes up most of a loss, as behind a
    blind spot in dim images, a healthy training stays near 1.
    """
    loss = np.asarray(loss, dtype=float)
    if parts < 2 or loss.ndim != 1 or loss.size < parts:
        raise ValueError(
            f"loss of shape {loss.shape} cannot be divided into parts={parts}; give at least 2 and no more than steps"
        )
    if not np.isfinite(loss).all():
        return float("inf")
    means = [float(span.mean()) for span in np.array_split(loss, parts)]
    worst = max(means[1:])
    if worst == 0:
        return 0.0
    return worst / means[0] if means[0] else float("inf")
