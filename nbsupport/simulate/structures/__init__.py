"""Simulated samples with known truth: actin, mitochondria, vesicles, and the structures that other sources need."""

from __future__ import annotations

import numpy as np

from nbsupport.checks import nearest

from .charts import line_pairs
from .curve import Curve
from .filaments import actin, curved_lines, microtubules
from .organelles import endoplasmic_reticulum, lysosomes, mitochondria, vesicles
from .sample import BOX_UM, Ball, Filament, Sample, Tube, Vesicle
from .walk import CurveRules

__all__ = [
    "BOX_UM",
    "Ball",
    "Curve",
    "CurveRules",
    "Filament",
    "KINDS",
    "Sample",
    "Tube",
    "Vesicle",
    "actin",
    "curved_lines",
    "endoplasmic_reticulum",
    "line_pairs",
    "lysosomes",
    "microtubules",
    "mitochondria",
    "sample",
    "vesicles",
]

KINDS = {
    maker.__name__: maker
    for maker in (actin, mitochondria, vesicles, microtubules, curved_lines, lysosomes, endoplasmic_reticulum)
}


def sample(kind: str, *, rng: np.random.Generator) -> Sample:
    """Draw one sample of a structure with its default parameters.

    Parameters
    ----------
    kind : str
        A key of `KINDS`, for example ``"actin"``.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    Sample
        Emitters and geometry, µm.

    Raises
    ------
    ValueError
        If there is no such structure; the message gives the nearest name.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not a structure{nearest(kind, KINDS)}")
    return KINDS[kind](rng=rng)
