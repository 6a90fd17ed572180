"""Train a network: batches that depend on the step alone, one loop, schedules, checkpoints that survive a kill."""

from .crops import Crops, crops
from .loop import Divergence, Fit, fit, supervised
from .schedules import halve_at, one_cycle

__all__ = ["Crops", "Divergence", "Fit", "crops", "fit", "halve_at", "one_cycle", "supervised"]
