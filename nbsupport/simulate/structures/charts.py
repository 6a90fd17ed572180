"""Test charts: geometry that no cell has, made to measure resolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .curve import Curve
from .sample import BOX_UM, Filament, Sample


def line_pairs(
    spacings_um: Sequence[float],
    *,
    rng: np.random.Generator,
    length_um: float = 4.0,
    density_per_um: float = 100.0,
) -> Sample:
    """Pairs of parallel straight lines in focus, one pair per spacing, one below the other.

    Parameters
    ----------
    spacings_um : sequence of float
        Distance of the two lines of every pair, µm.
    rng : numpy.random.Generator
        Source of all draws.
    length_um : float
        Length of every line, µm; the lines run along x, centred at 0.
    density_per_um : float
        Mean number of emitters per µm; the default is that of actin.

    Returns
    -------
    Sample
        Of kind "line_pairs"; objects 2i and 2i + 1 are the lines of pair i. Pairs are spread evenly over the box.

    Raises
    ------
    ValueError
        If a spacing is not positive, two pairs would come closer to each other than twice the widest spacing, or a line
        would leave the box.
    """
    spacings = np.asarray(spacings_um, dtype=float)
    (x_low, x_high), (y_low, y_high), _ = BOX_UM
    if spacings.ndim != 1 or not spacings.size or not (np.isfinite(spacings) & (spacings > 0)).all():
        raise ValueError(f"spacings_um={spacings_um!r} must be positive numbers")
    if not 0 < length_um <= x_high - x_low:
        raise ValueError(f"length_um={length_um} must be positive and at most {x_high - x_low:g} µm")
    pitch = (y_high - y_low) / spacings.size
    if pitch < 3 * spacings.max():
        raise ValueError(f"{spacings.size} pairs with spacings up to {spacings.max():g} µm do not fit into the box")
    lines = []
    for number, spacing in enumerate(spacings):
        centre = y_low + (number + 0.5) * pitch
        for side in (-0.5, 0.5):
            ends = np.array([[-length_um / 2, centre + side * spacing, 0], [length_um / 2, centre + side * spacing, 0]])
            lines.append(Filament(Curve(ends)))
    return Sample.labelled("line_pairs", lines, density_per_um, rng=rng)
