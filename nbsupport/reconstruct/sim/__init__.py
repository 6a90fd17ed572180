"""Reconstruction of structured-illumination frames.

`estimate` finds the pattern in raw frames; `reconstruct` separates the bands, moves each to where it belongs in the
spectrum and filters their sum, plane by plane; `reconstruct_volume` does it for a focal series as a whole.

- `frames`: checks, fading, separation of the bands
- `estimation`, `checks`: the pattern, and what may be wrong with the frames
- `filters`: transfer function, notch, apodisation; the settings of the source
- `assembly`, `reconstruction`, `volumes`: the images
- `files`: raw frames and images as TIFF
"""

from .estimation import estimate
from .files import ORDERS, arranged, paged, read_raw, write_image, write_raw
from .filters import TABLE_1, Notch, apodisation, damped_otf, reach_per_um
from .parameters import Parameters, SimError, SimWarning, described
from .reconstruction import reconstruct, widefield
from .volumes import reconstruct_volume

__all__ = [
    "ORDERS",
    "TABLE_1",
    "Notch",
    "Parameters",
    "SimError",
    "SimWarning",
    "apodisation",
    "arranged",
    "damped_otf",
    "described",
    "estimate",
    "paged",
    "reach_per_um",
    "read_raw",
    "reconstruct",
    "reconstruct_volume",
    "widefield",
    "write_image",
    "write_raw",
]
