"""Volumes of anatomy as objects for a microscope: the Visible Human, and a phantom that needs no data.

A voxel of anatomy is taken for a voxel of a sample, 50 nm by default, as hughes2024 takes it.

- `visible_human`: photographs of cryosections and computed tomography, read from files
- `grid`: which part of a photograph becomes which block
- `phantom`: procedural anatomy
- `texture`: how alike the textures of two objects are
"""

from .grid import HUGHES_2024_GRID, CropGrid
from .phantom import anatomy_phantom
from .texture import radial_power, texture
from .visible_human import (
    VOXEL_UM,
    grey,
    photographed_blocks,
    read_ct,
    read_photograph,
    read_photographs,
    read_slice,
    tissue,
)

__all__ = [
    "HUGHES_2024_GRID",
    "VOXEL_UM",
    "CropGrid",
    "anatomy_phantom",
    "grey",
    "photographed_blocks",
    "radial_power",
    "read_ct",
    "read_photograph",
    "read_photographs",
    "read_slice",
    "texture",
    "tissue",
]
