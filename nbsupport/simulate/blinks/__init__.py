"""Localisation microscopy without frames: random structures in a plane, and the blinks that are found on them."""

from .clouds import density_per_um2, field_of, point_cloud
from .sampling import blinks, draw_counts, expected_counts
from .scenes import KINDS, Primitive, Scene, SceneRules, scene

__all__ = [
    "KINDS",
    "Primitive",
    "Scene",
    "SceneRules",
    "blinks",
    "density_per_um2",
    "draw_counts",
    "expected_counts",
    "field_of",
    "point_cloud",
    "scene",
]
