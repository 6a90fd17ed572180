"""Vesicles one by one: how much light each has, and how it stands out."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.optics import pixel_size_um
from nbsupport.simulate.structures import Sample, Vesicle

from .geometry import checked_image, positive_um


def vesicle_light(
    sample: Sample, image: xr.DataArray, *, beyond_um: float = 0.1, ring_um: tuple[float, float] = (0.15, 0.35)
) -> xr.Dataset:
    """Light of every vesicle that lies by itself, and its contrast to its surroundings.

    Parameters
    ----------
    sample : Sample
        With vesicles; those whose disc leaves the image or meets another are left out.
    image : DataArray, (y, x), coordinates in µm
        Negative values count as no light.
    beyond_um : float
        How far the disc of a vesicle reaches beyond its radius, µm.
    ring_um : (float, float)
        Distances beyond its radius between which the surroundings lie, µm. Discs of other vesicles are left out.

    Returns
    -------
    Dataset over "vesicle"
        ``radius_um``, µm; ``share``, of the light of the whole image, 0 to 1; ``brightness``, mean over the disc, in
        units of the image; ``contrast``, (brightness - surroundings)/(brightness + surroundings), -1 to 1, 0 where both
        are black; ``index``, the place among the objects. Share and contrast are independent of the scale of intensity.

    Raises
    ------
    ValueError
        If the ring is empty.
    """
    light = np.maximum(checked_image("image", image).values, 0.0)
    beyond_um = positive_um("beyond_um", beyond_um)
    if not beyond_um <= ring_um[0] < ring_um[1]:
        raise ValueError(f"ring_um={ring_um!r} must be two growing distances from beyond_um={beyond_um:g} on")
    indexed = [(index, thing) for index, thing in enumerate(sample.objects) if isinstance(thing, Vesicle)]
    distance = {index: _distance_um(image, thing) for index, thing in indexed}
    outside = np.all([distance[i] > thing.radius_um + beyond_um for i, thing in indexed], axis=0) if indexed else None
    rows, total = [], light.sum()
    for index, thing in indexed:
        if not (_inside(thing, image, beyond_um) and _alone(thing, indexed, beyond_um)):
            continue
        disc = distance[index] <= thing.radius_um + beyond_um
        beyond = distance[index] - thing.radius_um
        ring = (beyond >= ring_um[0]) & (beyond <= ring_um[1]) & outside
        if ring.any():
            inside, around = light[disc].mean(), light[ring].mean()
            contrast = (inside - around) / (inside + around) if inside + around > 0 else 0.0
            rows.append((thing.radius_um, light[disc].sum() / total if total else 0.0, inside, contrast, index))
    radius_um, share, brightness, contrast, index = np.array(rows, dtype=float).reshape(-1, 5).T
    columns = {"radius_um": radius_um, "share": share, "brightness": brightness, "contrast": contrast}
    return xr.Dataset(
        {name: ("vesicle", values) for name, values in columns.items()},
        coords={"index": ("vesicle", index.astype(int))},
    )


def _distance_um(image: xr.DataArray, vesicle: Vesicle) -> np.ndarray:
    x, y = vesicle.centre[:2]
    return np.hypot(image.y.values[:, None] - y, image.x.values - x)


def _inside(vesicle: Vesicle, image: xr.DataArray, beyond_um: float) -> bool:
    reach, half_px = vesicle.radius_um + beyond_um, pixel_size_um(image) / 2
    ends = [(image[dim].values[0] - half_px, image[dim].values[-1] + half_px) for dim in ("x", "y")]
    return all(low <= c - reach and c + reach <= high for c, (low, high) in zip(vesicle.centre[:2], ends, strict=True))


def _alone(vesicle: Vesicle, indexed: list[tuple[int, Vesicle]], beyond_um: float) -> bool:
    others = [thing for _, thing in indexed if thing is not vesicle]
    return all(
        np.hypot(*(thing.centre - vesicle.centre)[:2]) > thing.radius_um + vesicle.radius_um + 2 * beyond_um
        for thing in others
    )
