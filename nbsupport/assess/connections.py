"""Are two parts one object? Counted in a restored image and compared with what is known to be true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.ndimage import label

from nbsupport.assess.artefacts.geometry import checked_image, intensity_at, share


def joined(image: xr.DataArray, anchors_um: np.ndarray, *, level: float = 0.5) -> np.ndarray:
    """Whether two points lie in one piece of what is brighter than a share of the dimmer of the two.

    Parameters
    ----------
    image : DataArray, (y, x), coordinates in µm
        Of a scale on which 0 is no light.
    anchors_um : array, (pair, 2, 2), µm
        For every pair two points (y, x), one on either part.
    level : float, 0 to 1
        Threshold, as a share of the smaller of the two intensities at the points.

    Returns
    -------
    ndarray of bool, (pair,)
        Pieces are joined along sides and corners. Independent of the scale of intensity. A pair of which one point is
        dark is not joined: there is nothing to join.

    Raises
    ------
    ValueError
        If the anchors have another shape or lie outside the image.
    """
    image, level = checked_image("image", image), share("level", level)
    anchors = np.asarray(anchors_um, dtype=float)
    if anchors.ndim != 3 or anchors.shape[1:] != (2, 2):
        raise ValueError(f"anchors_um has shape {anchors.shape}; give (pair, 2, 2): two points (y, x) of each pair")
    at = intensity_at(image, anchors[..., ::-1])
    if not np.isfinite(at).all():
        raise ValueError("anchors_um holds a point outside the image")
    nearest = [
        np.abs(image[dim].values[:, None] - anchors[..., axis].ravel()).argmin(axis=0) for axis, dim in enumerate("yx")
    ]
    places = np.stack(nearest, axis=-1).reshape(anchors.shape)
    found = np.zeros(len(anchors), dtype=bool)
    for n, (values, where) in enumerate(zip(at, places, strict=True)):
        if values.min() > 0:
            pieces, _ = label(image.values > level * values.min(), structure=np.ones((3, 3)))
            first, second = (pieces[tuple(point)] for point in where)
            found[n] = first == second and first > 0
    return found


@dataclass(frozen=True)
class Connections:
    """How often a restoration joins what is apart and splits what is one.

    Attributes
    ----------
    apart, whole : int
        Pairs that were judged: truly apart, truly one.
    merged, split : int
        Those of them that the restoration shows otherwise.
    """

    apart: int
    whole: int
    merged: int
    split: int

    def __add__(self, other: Connections) -> Connections:
        return Connections(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def merge_rate(self) -> float:
        """False merges per pair that is apart; NaN without such a pair."""
        return self.merged / self.apart if self.apart else float("nan")

    @property
    def split_rate(self) -> float:
        """False splits per pair that is one; NaN without such a pair."""
        return self.split / self.whole if self.whole else float("nan")


def connections(
    restored: xr.DataArray,
    noise_free: xr.DataArray,
    anchors_um: np.ndarray,
    connected: np.ndarray,
    *,
    level: float = 0.5,
) -> Connections:
    """Count what a restoration connects or separates against the truth.

    Parameters
    ----------
    restored, noise_free : DataArray, (y, x), coordinates in µm
    anchors_um : array, (pair, 2, 2), µm
        As in `joined`.
    connected : array of bool, (pair,)
        The truth.
    level : float
        As in `joined`.

    Returns
    -------
    Connections
        Only pairs count that the noise-free image shows as they truly are: a gap below the resolution of the optics is
        no fault of a denoiser.
    """
    truly = np.asarray(connected, dtype=bool)
    visible = joined(noise_free, anchors_um, level=level) == truly
    shown = joined(restored, anchors_um, level=level)
    apart, whole = visible & ~truly, visible & truly
    return Connections(*(int(np.sum(x)) for x in (apart, whole, apart & shown, whole & ~shown)))
