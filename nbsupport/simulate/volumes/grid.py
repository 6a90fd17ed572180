"""How a series of photographs is cut into blocks: a grid of squares, followed through a number of slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from nbsupport.checks import whole_number


@dataclass(frozen=True)
class CropGrid:
    """Rows by columns of equal squares, each a block through `slices` slices.

    Parameters
    ----------
    rows, columns : int
    side_px : int
        Edge of a square.
    slices : int
        Slices of a block.
    first_row, first_column : int
        Pixel of the photograph at the corner of the first square.

    References
    ----------
    hughes2024, section 2.2 and Fig. 3.
    """

    rows: int = 5
    columns: int = 12
    side_px: int = 256
    slices: int = 128
    first_row: int = 0
    first_column: int = 0

    def __post_init__(self):
        for name in ("rows", "columns", "side_px", "slices"):
            whole_number(name, getattr(self, name), least=1)
        for name in ("first_row", "first_column"):
            whole_number(name, getattr(self, name), least=0)

    @property
    def shape_px(self) -> tuple[int, int]:
        """Height and width of the whole grid."""
        return self.rows * self.side_px, self.columns * self.side_px

    @property
    def cells(self) -> list[tuple[slice, slice]]:
        """Rows and columns of the photograph that each square covers, row by row."""
        corners = [
            (self.first_row + self.side_px * row, self.first_column + self.side_px * column)
            for row in range(self.rows)
            for column in range(self.columns)
        ]
        return [(slice(y, y + self.side_px), slice(x, x + self.side_px)) for y, x in corners]

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the photograph that the grid covers."""
        height, width = self.shape_px
        return slice(self.first_row, self.first_row + height), slice(self.first_column, self.first_column + width)

    def placed_on(self, tissue) -> CropGrid:
        """The same grid where it covers most of the body.

        Parameters
        ----------
        tissue : array_like of bool, (y, x)
            True where the photograph shows the body.

        Returns
        -------
        CropGrid
            Of equally good places the one in their middle.

        Raises
        ------
        ValueError
            If the photograph is smaller than the grid.
        """
        mask = np.asarray(tissue, dtype=float)
        height, width = self.shape_px
        self._require_room(mask.shape[-2:])
        summed = np.pad(mask, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
        covered = summed[height:, width:] - summed[:-height, width:] - summed[height:, :-width]
        covered = covered + summed[:-height, :-width]
        best = np.argwhere(covered > covered.max() - 0.5)
        row, column = best[np.argmin(((best - best.mean(axis=0)) ** 2).sum(axis=1))]
        return replace(self, first_row=int(row), first_column=int(column))

    def blocks(self, volume: xr.DataArray) -> Iterator[xr.DataArray]:
        """Cut a volume into blocks.

        Parameters
        ----------
        volume : DataArray, (z, y, x)
            Whole photographs; slices that do not fill a last block are left out.

        Yields
        ------
        DataArray, (slices, side_px, side_px)
            Depth range by depth range, in each of them row by row; coordinates are those of the volume.

        Raises
        ------
        ValueError
            If the volume is smaller than one layer of blocks.
        """
        if volume.dims != ("z", "y", "x"):
            raise ValueError(f"volume has dims {volume.dims}; needed are ('z', 'y', 'x')")
        self._require_room(volume.shape[1:])
        if len(volume.z) < self.slices:
            raise ValueError(f"volume has {len(volume.z)} slices; a block needs {self.slices}")
        for first in range(0, len(volume.z) - self.slices + 1, self.slices):
            for rows, columns in self.cells:
                yield volume.isel(z=slice(first, first + self.slices), y=rows, x=columns)

    def _require_room(self, shape):
        needed = tuple(first + size for first, size in zip(self._first, self.shape_px, strict=True))
        if any(have < need for have, need in zip(shape, needed, strict=True)):
            raise ValueError(
                f"a photograph of {shape[0]} × {shape[1]} pixels does not hold {self.rows} × {self.columns} squares of "
                f"{self.side_px} from pixel {self._first}; needed are at least {needed[0]} × {needed[1]}"
            )

    @property
    def _first(self):
        return self.first_row, self.first_column


HUGHES_2024_GRID = CropGrid()
"""60 blocks of 128 × 256 × 256 to a depth range. Where its corner lies, the source does not say: see `placed_on`."""
