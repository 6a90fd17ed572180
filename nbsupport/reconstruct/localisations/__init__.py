"""Localisation microscopy: tables of blinks from files or from frames, and the images that they make."""

from .fitting import cut_spots, find_spots, fit_gaussians, localise
from .rendering import render
from .tables import read_cloud, read_picasso, read_thunderstorm, write_cloud

__all__ = [
    "cut_spots",
    "find_spots",
    "fit_gaussians",
    "localise",
    "read_cloud",
    "read_picasso",
    "read_thunderstorm",
    "render",
    "write_cloud",
]
