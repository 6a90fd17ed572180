"""How sure is a number or a difference? Bootstrap, permutation, ranks, equivalence, many comparisons."""

from .margins import Equivalence, benjamini_hochberg, equivalence, holm, non_inferiority
from .ranks import kendall, rank_agreement
from .resampling import (
    Interval,
    Spread,
    bootstrap,
    mean_interval,
    over_seeds,
    paired_difference,
    permutation_test,
)
from .tables import resampled

__all__ = [
    "Equivalence",
    "Interval",
    "Spread",
    "benjamini_hochberg",
    "bootstrap",
    "equivalence",
    "holm",
    "kendall",
    "mean_interval",
    "non_inferiority",
    "over_seeds",
    "paired_difference",
    "permutation_test",
    "rank_agreement",
    "resampled",
]
