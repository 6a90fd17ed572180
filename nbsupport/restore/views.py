"""Windows that training draws on a field: where they lie, and which blinks they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbsupport.simulate.blinks import Scene
from nbsupport.simulate.blinks.scenes import GRID_UM


@dataclass(frozen=True)
class View:
    """A square window on a field, turned and mirrored.

    Parameters
    ----------
    centre_um : (float, float), y and x in the field, µm
    angle_rad : float
        By which the window is turned about its centre.
    mirrored : (bool, bool)
        Along its own y and x.
    side_um : float
    """

    centre_um: tuple[float, float]
    angle_rad: float
    mirrored: tuple[bool, bool]
    side_um: float

    @classmethod
    def drawn(cls, field_um, side_um: float, *, rng: np.random.Generator) -> View:
        """Any angle, either mirror, any centre at which the turned window lies inside the field."""
        angle = rng.uniform(-np.pi, np.pi)
        reach = side_um / 2 * (abs(np.cos(angle)) + abs(np.sin(angle)))
        room = [(low + reach, high - reach) for low, high in field_um]
        if any(low > high for low, high in room):
            raise ValueError(
                f"side_um={side_um:g} turned by any angle must fit into field_um={field_um}; draw it smaller"
            )
        mirrored = tuple(bool(side) for side in rng.integers(2, size=2))
        return cls(tuple(rng.uniform(low, high) for low, high in room), angle, mirrored, side_um)

    def into(self, y_um: np.ndarray, x_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions in the field as positions in the window, µm from its upper left corner."""
        y, x, cos, sin = (
            y_um - self.centre_um[0],
            x_um - self.centre_um[1],
            np.cos(self.angle_rad),
            np.sin(self.angle_rad),
        )
        turned = (cos * y - sin * x, sin * y + cos * x)
        return tuple((-t if m else t) + self.side_um / 2 for t, m in zip(turned, self.mirrored, strict=True))

    def out_of(self, y_um: np.ndarray, x_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions in the window as positions in the field, µm."""
        y, x = ((-1 if m else 1) * (p - self.side_um / 2) for p, m in zip((y_um, x_um), self.mirrored, strict=True))
        cos, sin = np.cos(self.angle_rad), np.sin(self.angle_rad)
        return cos * y + sin * x + self.centre_um[0], cos * x - sin * y + self.centre_um[1]

    def scene(self, scene: Scene) -> Scene:
        """The part of a scene in the window, read cell by cell where the cells of the window come to lie."""
        side = round(self.side_um / GRID_UM)
        centres = (np.arange(side) + 0.5) * GRID_UM
        rows, columns = (
            np.clip(np.floor((p - low) / GRID_UM).astype(int), 0, size - 1)
            for p, (low, _), size in zip(
                self.out_of(centres[:, None], centres[None, :]), scene.field_um, scene.kinds.shape, strict=True
            )
        )
        kinds = xr.DataArray(scene.kinds.values[rows, columns], dims=("y", "x"), coords={"y": centres, "x": centres})
        return Scene(kinds, (), ((0.0, self.side_um), (0.0, self.side_um)))


def in_view(
    points: tuple[np.ndarray, np.ndarray, np.ndarray | None], view: View, pixel_um: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixel of every blink that lies in a window.

    Parameters
    ----------
    points : (y, x, block)
        Positions in the field, µm, each (blink,), sorted along y; and the block of frames of every blink, or None.
    view : View
    pixel_um : float

    Returns
    -------
    cells : ndarray, (blink,)
        Index of the pixel in the flattened window, of the blinks inside alone.
    block : ndarray, (blink,), or None
        Their blocks.
    """
    y, x, block = points
    reach, side = view.side_um / 2**0.5, round(view.side_um / pixel_um)
    near = slice(*np.searchsorted(y, [view.centre_um[0] - reach, view.centre_um[0] + reach]))
    rows, columns = (np.floor(p / pixel_um).astype(np.int64) for p in view.into(y[near], x[near]))
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    return (rows * side + columns)[inside], None if block is None else block[near][inside]
