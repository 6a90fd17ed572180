"""Restorers on one bench: the measures of every output of every method, from a test set with known emitters."""

from .judge import LOWER_IS_BETTER, MEASURES, Judge
from .runs import LEAK, RANDOM_WEIGHTS, Run, runs_in
from .scores import scores, together
from .table import PSNR, Table, interval

__all__ = [
    "LEAK",
    "LOWER_IS_BETTER",
    "MEASURES",
    "PSNR",
    "RANDOM_WEIGHTS",
    "Judge",
    "Run",
    "Table",
    "interval",
    "runs_in",
    "scores",
    "together",
]
