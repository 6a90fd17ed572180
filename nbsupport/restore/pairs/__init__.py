"""Simulated training pairs: MUSICAL of the same blinking emitters with and without noise.

A data set is one folder: a sample store per structure and pixel size (``actin-65nm.zarr``) and the file ``split.json``
that says which sample is for training, validation or test. `load` reads it, also while it grows; `recording` gives the
raw stacks of a pair again, to the bit; `make` makes a pair outside a data set, with other noise or by another method.
"""

from .pair import Pair, make
from .parts import PARTS, leaks, load, loaded, split
from .protocol import (
    PIXEL_SIZES_UM,
    STRUCTURES,
    Protocol,
    draw_parameters,
    draw_sample,
    microscope,
    reconstruction,
    recording,
)
from .stores import open_store, simulate, simulate_all, stores_in

__all__ = [
    "PARTS",
    "PIXEL_SIZES_UM",
    "Pair",
    "Protocol",
    "STRUCTURES",
    "draw_parameters",
    "draw_sample",
    "leaks",
    "load",
    "loaded",
    "make",
    "microscope",
    "open_store",
    "reconstruction",
    "recording",
    "simulate",
    "simulate_all",
    "split",
    "stores_in",
]
