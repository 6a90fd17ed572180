"""How fine is an image: Fourier ring correlation, decorrelation analysis, widths of line profiles.

Frequencies are in cycles per µm and resolutions in µm wherever an image carries coordinates, and in cycles per px and
px where it is a plain array; the field `unit` of every result says which.
"""

from .profiles import Width, fwhm, line_profile
from .rings import RingCorrelation, frc, half_bit, half_sets, mean_frc
from .single_image import Decorrelation, decorrelation
from .volumes import Cutoffs, volume_correlation, volume_cutoffs

__all__ = [
    "Cutoffs",
    "Decorrelation",
    "RingCorrelation",
    "Width",
    "decorrelation",
    "frc",
    "fwhm",
    "half_bit",
    "half_sets",
    "line_profile",
    "mean_frc",
    "volume_correlation",
    "volume_cutoffs",
]
