"""Light where there is no structure, structure without light, and light from beyond the focus."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.ndimage import label
from scipy.ndimage import sum as sum_labels

from nbsupport.optics import pixel_size_um
from nbsupport.simulate.structures import Sample

from .geometry import (
    Truth,
    checked_image,
    distance_to_structure,
    on_structure,
    positions_um,
    positive_um,
    same_grid,
    share,
    structure_level,
)


def debris(truth: Truth, image: xr.DataArray, *, distance_um: float = 0.1) -> float:
    """Share of the intensity that lies farther than 100 nm from every projected emitter.

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        As in `distance_to_structure`.
    image : DataArray, (y, x), coordinates in µm
        Negative values count as no intensity.
    distance_um : float
        µm. Measured to pixel centres, so the result depends on the pixel size through the pixels that the limit cuts.

    Returns
    -------
    float, 0 to 1
        0 for an image without light on or off the structure. Scaling the intensity changes nothing, so dividing by the
        maximum is not needed; nor does shifting truth and image together. Adding an offset does raise it. A blur wider
        than `distance_um` counts as debris.

    References
    ----------
    The word is that of jadhav2021, which gives no number; the definition is this study's.
    """
    light = _light(image)
    distance_um = positive_um("distance_um", distance_um)
    far = distance_to_structure(truth, image, up_to_um=distance_um).values > distance_um
    return _ratio(light[far].sum(), light.sum())


def halo(
    truth: Truth, image: xr.DataArray, *, noise_free: xr.DataArray, near_um: float = 0.05, far_um: float = 0.15
) -> float:
    """Light beside the structure, 50 to 150 nm off it, relative to the noise-free image.

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        As in `distance_to_structure`.
    image : DataArray, (y, x), coordinates in µm
        Negative values count as no intensity.
    noise_free : DataArray, (y, x)
        The same sample, imaged without noise, on the same grid.
    near_um, far_um : float
        The band of distances, µm: above the first, up to and with the second.

    Returns
    -------
    float, 0 or more
        Share of the light of `image` in the band over that of `noise_free`: 1 means as much halo as without noise. NaN
        if `noise_free` has no light in the band. Independent of the scale of either image.

    Raises
    ------
    ValueError
        If the band is empty or the images lie on different grids.
    """
    if not 0 <= near_um < positive_um("far_um", far_um):
        raise ValueError(f"near_um={near_um!r} must not be negative and must lie below far_um={far_um!r}")
    light, target = _light(image), _light(noise_free)
    same_grid("image and noise_free", image, noise_free)
    distance = distance_to_structure(truth, image, up_to_um=far_um).values
    band = (distance > near_um) & (distance <= far_um)
    wanted = _ratio(target[band].sum(), target.sum())
    return _ratio(light[band].sum(), light.sum()) / wanted if wanted else float("nan")


class Hallucination(NamedTuple):
    """Structure that was restored where there is none."""

    count: int  # connected pieces
    share: float  # of the intensity of the image, 0 to 1


def hallucination(truth: Truth, image: xr.DataArray, *, resolution_um: float, threshold: float = 0.1) -> Hallucination:
    """Connected restored structure that lies farther than the resolution from every emitter.

    A pixel is restored structure if it is brighter than `threshold` times the upper quartile of the intensity at the
    emitters (`structure_level`). Of these pixels, those farther than `resolution_um` from every emitter are joined
    with their eight neighbours, and a piece counts if its area is that of a disc of diameter `resolution_um` or more.
    Smaller specks are debris. A false filament that crosses a true one counts by its parts outside.

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        As in `distance_to_structure`.
    image : DataArray, (y, x), coordinates in µm
    resolution_um : float
        Smallest distance that the image can be trusted to tell apart, µm.
    threshold : float, 0 to 1
        Of the brightness of true structure.

    Returns
    -------
    Hallucination
        Number of pieces and their share of all (positive) intensity. Independent of the scale of intensity and of a
        common shift. If true structure is dark altogether, whatever is brighter than 0 counts as restored.
    """
    light, resolution_um = _light(image), positive_um("resolution_um", resolution_um)
    level = share("threshold", threshold) * np.nan_to_num(structure_level(truth, image))
    far = distance_to_structure(truth, image, up_to_um=resolution_um).values > resolution_um
    outside = (light > level) & far
    pieces, count = label(outside, structure=np.ones((3, 3)))
    areas_um2 = np.bincount(pieces.ravel(), minlength=count + 1)[1:] * pixel_size_um(image) ** 2
    large = np.flatnonzero(areas_um2 >= np.pi / 4 * resolution_um**2) + 1
    return Hallucination(len(large), _ratio(np.sum(sum_labels(light, pieces, large)), light.sum()))


def missing(truth: Truth, image: xr.DataArray, *, threshold: float = 0.1) -> float:
    """Share of the structure at which an image is dark.

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        Emitters (pixels of a mask) are counted, so dense structure weighs more. Pass only those in focus to leave out
        what the method is expected to suppress.
    image : DataArray, (y, x), coordinates in µm
    threshold : float, 0 to 1
        An emitter is missing where the intensity stays at or below this share of the upper quartile over all emitters
        (`structure_level`).

    Returns
    -------
    float, 0 to 1
        1 for a black image, NaN if no emitter lies inside the image. Independent of the scale of intensity. Adding a
        background above the threshold hides missing structure; once three quarters are lost the level itself is lost.
    """
    values = np.maximum(on_structure(truth, image), 0.0)
    level = share("threshold", threshold) * structure_level(truth, image)
    return float(np.mean(values <= level)) if values.size else float("nan")


def out_of_focus_ratio(
    truth: Sample | np.ndarray,
    image: xr.DataArray,
    *,
    focus_um: float = 0.1,
    defocus_um: float = 0.3,
    distance_um: float = 0.1,
) -> float:
    """Brightness of structure out of focus over that of structure in focus.

    Parameters
    ----------
    truth : Sample or ndarray (n, 3)
        Emitters, µm; z = 0 is the focal plane.
    image : DataArray, (y, x), coordinates in µm
        Values are averaged as they are, negative ones included.
    focus_um, defocus_um : float
        In focus is abs(z) <= `focus_um`, out of focus is abs(z) >= `defocus_um`, µm.
    distance_um : float
        Pixels whose centres lie within this distance of such an emitter, in projection, belong to it, µm. A pixel near
        emitters of both kinds belongs to both, so overlaps in projection pull the ratio towards 1.

    Returns
    -------
    float
        Mean over the pixels near defocused emitters over the mean near focused ones: 0 is perfect sectioning, 1 none.
        NaN if one of the two has no pixel in the image, or structure in focus is dark. Independent of the scale of
        intensity, but not of an offset.

    Raises
    ------
    ValueError
        If `truth` has no z or the two ranges overlap.
    """
    emitters = positions_um(truth)
    if emitters.shape[1] != 3:
        raise ValueError(f"truth has {emitters.shape[1]} columns; sectioning needs x, y and z")
    if not 0 <= focus_um < defocus_um:
        raise ValueError(f"focus_um={focus_um!r} must not be negative and must lie below defocus_um={defocus_um!r}")
    image, depth = checked_image("image", image), np.abs(emitters[:, 2])
    distance_um = positive_um("distance_um", distance_um)
    means = []
    for chosen in (depth >= defocus_um, depth <= focus_um):
        near = distance_to_structure(emitters[chosen], image, up_to_um=distance_um).values <= distance_um
        means.append(image.values[near].mean() if near.any() else np.nan)
    return float(means[0] / means[1]) if means[1] else float("nan")


def _light(image: xr.DataArray) -> np.ndarray:
    return np.maximum(checked_image("image", image).values, 0.0)


def _ratio(part: float, whole: float) -> float:
    """Share of the whole; none of nothing."""
    return float(part / whole) if whole > 0 else 0.0
