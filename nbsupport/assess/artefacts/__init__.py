"""What restoration does wrong: measured against the known geometry of a simulation, or against a wide-field image.

Truth comes first, the image that is judged second. Every measure takes an image as it is: a scale of intensity changes
none of them, unless the docstring says so.
"""

from .background import Hallucination, debris, hallucination, halo, missing, out_of_focus_ratio
from .detectors import false_structure
from .error_map import Squirrel, squirrel
from .filaments import continuity, line_continuity, spurious_peaks
from .geometry import Truth, distance_to_structure, intensity_at, structure_level
from .membranes import dip, line_pair_dip, membrane_profiles, peaks_between_walls, smallest_resolved_spacing
from .planted import PLANTED, Scene, clean_scene, plant
from .ripples import pattern_peak, ringing

__all__ = [
    "Hallucination",
    "PLANTED",
    "Scene",
    "Squirrel",
    "Truth",
    "clean_scene",
    "continuity",
    "debris",
    "dip",
    "distance_to_structure",
    "false_structure",
    "hallucination",
    "halo",
    "intensity_at",
    "line_continuity",
    "line_pair_dip",
    "membrane_profiles",
    "missing",
    "out_of_focus_ratio",
    "pattern_peak",
    "peaks_between_walls",
    "plant",
    "ringing",
    "smallest_resolved_spacing",
    "spurious_peaks",
    "squirrel",
    "structure_level",
]
