"""A stack with any axes as the planes or volumes that a restorer takes one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from .cards import Restorer
from .limits import CardError, Limits


@dataclass(frozen=True)
class Pieces:
    """How a stack is taken apart.

    Attributes
    ----------
    shape : tuple of int
        Of the stack.
    spatial : tuple of int
        Extent of a piece in space, (y, x) or (z, y, x).
    indices : list of tuple
        Index of every piece in the stack.
    """

    shape: tuple[int, ...]
    spatial: tuple[int, ...]
    indices: list[tuple]

    def __str__(self) -> str:
        kind = "plane" if len(self.spatial) == 2 else "volume"
        extent = " × ".join(str(size) for size in self.spatial)
        return f"{len(self.indices)} {kind}{'s' * (len(self.indices) != 1)} of {extent} pixels"


def pieces(shape: tuple[int, ...], axes: str, limits: Limits) -> Pieces:
    """Take a stack apart for a restorer.

    Parameters
    ----------
    shape : tuple of int
    axes : str
        One letter each, ending in YX: Z depth, C channel; a single axis of unknown meaning counts as Z where volumes
        are needed.
    limits : Limits
        Of the restorer: planes or volumes, and how many channels at once.

    Returns
    -------
    Pieces

    Raises
    ------
    CardError
        If the stack has not the axes that the restorer needs.
    """
    if not axes.endswith("YX") or len(axes) != len(shape):
        raise CardError(f"the image has axes {axes}; needed are some that end in YX")
    taken = {"Y", "X"}
    if limits.dimensions == 3:
        unknown = [axis for axis in axes if axis in "QI"]
        depth = "Z" if "Z" in axes else unknown[0] if len(unknown) == 1 else None
        if depth is None:
            raise CardError(f"the image has axes {axes} {shape}; this restorer takes volumes and needs an axis Z")
        taken.add(depth)
    if limits.channels > 1:
        found = shape[axes.index("C")] if "C" in axes else 1
        if found != limits.channels:
            raise CardError(f"the image has {found} channel(s); this restorer takes {limits.channels} at once")
        taken.add("C")
    order = "".join(axis for axis in axes if axis in taken)
    if limits.channels > 1 and not order.startswith("C"):
        raise CardError(f"the image has axes {axes}; channels must stand before the axes of space")
    free = [range(size) if axis not in taken else [slice(None)] for axis, size in zip(axes, shape, strict=True)]
    spatial = tuple(size for axis, size in zip(axes, shape, strict=True) if axis in taken and axis != "C")
    return Pieces(tuple(shape), spatial, list(product(*free)))


def restore(
    restorer: Restorer,
    values: np.ndarray,
    found: Pieces,
    *,
    device: str = "cpu",
    precision: str = "float32",
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Restore every piece of a stack by itself.

    Parameters
    ----------
    restorer : Restorer
    values : ndarray, shape of `found`
    found : Pieces
    device, precision, progress
        As in `tiling.apply`.

    Returns
    -------
    ndarray, float32, shape of `values`

    Raises
    ------
    CardError
        If a piece holds values that the restorer does not take, or the network gives another number of channels.
    """
    restored = np.empty(found.shape, np.float32)
    for done, index in enumerate(found.indices):

        def report(fraction, done=done):
            if progress:
                progress((done + fraction) / len(found.indices))

        piece = restorer.restore(values[index], device=device, precision=precision, progress=report)
        if piece.shape != values[index].shape:
            raise CardError(f"the network turns {values[index].shape} into {piece.shape}; a file needs equal shapes")
        restored[index] = piece
    return restored
