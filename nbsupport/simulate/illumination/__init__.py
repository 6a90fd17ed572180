"""Structured illumination: stripes on a sample, and the frames that a camera sees of it.

- `pattern`: where the stripes lie and how they move
- `moire`: the coarse fringes of two fine gratings
- `planar`: two beams on a thin sample, 3 × 3 frames
- `focal_series`: three beams in a thick sample, 3 × 5 frames at every focal plane
- `dose`: a bright and a dim exposure
"""

from .dose import exposed, thinned
from .focal_series import HUGHES_2024, ThreeBeamMicroscope, focal_series
from .moire import fringe_vector, grating
from .pattern import Pattern
from .planar import planar_frames

__all__ = [
    "HUGHES_2024",
    "Pattern",
    "ThreeBeamMicroscope",
    "exposed",
    "focal_series",
    "fringe_vector",
    "grating",
    "planar_frames",
    "thinned",
]
