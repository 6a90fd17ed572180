"""Transfer learning: a network that has learnt from clean images of other things goes on with noisy ones of the task.

- `peak_signal`: an image scaled to a peak signal and seen by a calibrated sCMOS chip
- `tasks`: microtubules and lysosomes with truth
- `sets`: what a network learns from first: generic microscopy, curved lines
- `fmd`: the same from a local copy of the FMD data
- `prior`: the supervised stage
- `retraining`: the self-supervised stage, which stops by what it can measure without truth
- `recipes`: other ways to adapt a network under one budget
- `movies`: CARE and timeUnet on movies
"""

from .fmd import FMD_TYPES, fmd_pairs
from .movies import MovieDenoiser
from .peak_signal import Chip, chip, noisy
from .prior import Prior
from .recipes import RECIPES, Adapted, adapt, trainable
from .retraining import Options, Retraining, restore, retrain
from .sets import MODALITIES, STRUCTURES, Pair, examples, generic_pairs, line_pairs
from .tasks import KINDS, task_field

__all__ = [
    "Adapted",
    "Chip",
    "FMD_TYPES",
    "KINDS",
    "MODALITIES",
    "MovieDenoiser",
    "Options",
    "Pair",
    "Prior",
    "RECIPES",
    "Retraining",
    "STRUCTURES",
    "adapt",
    "chip",
    "examples",
    "fmd_pairs",
    "generic_pairs",
    "line_pairs",
    "noisy",
    "restore",
    "retrain",
    "task_field",
    "trainable",
]
