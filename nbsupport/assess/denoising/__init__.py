"""A bench for denoisers: one set of images, many cameras, one table of scores.

- `detectors`: cameras, and the examples that they record of known light
- `bench`: train once and keep, score every cell
- `timing`: seconds per image, measured in turn
- `measures`: stripes, widths, ratios of channels, response to light
- `segmentation`: nuclei by threshold and watershed, and how well they match
"""

from .bench import METRICS, Cell, best_in_cell, cell_means, learned, matched, score, scores
from .detectors import DETECTORS, Detector, equal_quality, merged
from .measures import background_sd, line_width, ratio_errors, response, spot_width, stripe_amplitude
from .segmentation import counting_f1, dice, objects
from .timing import seconds_per_megapixel

__all__ = [
    "Cell",
    "DETECTORS",
    "Detector",
    "METRICS",
    "background_sd",
    "best_in_cell",
    "cell_means",
    "counting_f1",
    "dice",
    "equal_quality",
    "learned",
    "line_width",
    "matched",
    "merged",
    "objects",
    "ratio_errors",
    "response",
    "score",
    "scores",
    "seconds_per_megapixel",
    "spot_width",
    "stripe_amplitude",
]
