"""Two walls or two lines side by side: can they be told apart?"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.signal import find_peaks
from scipy.spatial import KDTree

from nbsupport.optics import pixel_size_um
from nbsupport.simulate.structures import Sample, Tube

from .geometry import checked_image, intensity_at, positive_um, share

RAYLEIGH_DIP = 0.265
"""Fall between two Airy discs whose centres lie one Rayleigh distance apart, of their peaks."""


def membrane_profiles(
    sample: Sample,
    image: xr.DataArray,
    *,
    spacing_um: float = 0.05,
    margin_um: float = 0.15,
    focus_um: float = np.inf,
    isolated: bool = True,
) -> xr.Dataset:
    """Profiles across mitochondria, normal to their centre lines.

    Parameters
    ----------
    sample : Sample
        Tubes of one radius; other objects only stand in the way.
    image : DataArray, (y, x), coordinates in µm
        Read by linear interpolation.
    spacing_um : float
        Distance of neighbouring profiles along the centre line, µm.
    margin_um : float
        How far a profile reaches beyond the walls, µm.
    focus_um : float
        Profiles whose centre lies farther than this from the focal plane are left out, µm.
    isolated : bool
        Leave out profiles that another tube, or a distant part of the same one, comes so close to in projection that
        their margins meet.

    Returns
    -------
    Dataset over "profile" and "offset_um" (µm from the centre line)
        ``intensity``; ``left`` and ``right``, the two membrane peaks, each the largest intensity within half a radius
        of its wall; ``valley``, the smallest intensity between these two peaks; ``dip`` = 1 - valley/mean of the
        peaks, clipped to [0, 1], and 0 where both peaks are dark; ``peak_distance_um``, to be compared with the
        attribute ``wall_distance_um``. ``x`` and ``y`` are the centres of the profiles, µm. Half a radius next to the
        ends of a tube and whatever leaves the image is left out.

    Raises
    ------
    ValueError
        If the sample has no tube or tubes of several radii.

    Notes
    -----
    Minimum and maxima of a noisy profile are biased apart, so that pure noise on one flat band has a dip above 0;
    compare images of one noise level, or look at `peak_distance_um` too. A thin false ridge along the axis, with
    darkness on both its sides, does not lower the dip.
    """
    image, tubes = checked_image("image", image), [thing for thing in sample.objects if isinstance(thing, Tube)]
    radii = {tube.radius_um for tube in tubes}
    if len(radii) != 1:
        raise ValueError(f"sample has tubes of {len(radii)} different radii; profiles need one, as mitochondria have")
    radius_um, step_um = radii.pop(), pixel_size_um(image) / 2
    reach_um = radius_um + positive_um("margin_um", margin_um)
    feet = _feet(tubes, radius_um, positive_um("spacing_um", spacing_um))
    keep = np.abs(feet["centre"][:, 2]) <= focus_um
    if isolated:
        keep &= ~_crowded(feet, tubes, 2 * reach_um)
    offset = np.linspace(-reach_um, reach_um, 2 * int(np.ceil(reach_um / step_um)) + 1)
    centre, normal = feet["centre"][keep, :2], feet["normal"][keep]
    intensity = intensity_at(image, centre[:, None] + offset[:, None] * normal[:, None])
    inside = np.isfinite(intensity).all(axis=1)
    measured = _dips(offset, intensity[inside], radius_um, radius_um / 2)
    return xr.Dataset(
        {
            "intensity": (("profile", "offset_um"), intensity[inside]),
            **{k: ("profile", v) for k, v in measured.items()},
        },
        coords={"offset_um": offset, "x": ("profile", centre[inside, 0]), "y": ("profile", centre[inside, 1])},
        attrs={"wall_distance_um": 2 * radius_um},
    )


def dip(sample: Sample, image: xr.DataArray, **settings) -> float:
    """Boundary resolvability: 1 minus valley over mean of the two membrane peaks, clipped to [0, 1].

    Parameters
    ----------
    sample, image, **settings
        As in `membrane_profiles`, which says how peaks and valley are found and gives the single profiles.

    Returns
    -------
    float, 0 to 1
        Mean over all profiles: 0 if the walls have merged (or the image is black), 1 if there is no light between
        them. NaN if no profile is left. Independent of the scale of intensity and of a common shift; an offset lowers
        it, noise raises it.
    """
    dips = membrane_profiles(sample, image, **settings).dip.values
    return float(dips.mean()) if dips.size else float("nan")


def peaks_between_walls(profiles: xr.Dataset, *, prominence: float = 0.05, distance_um: float = 0.05) -> np.ndarray:
    """Peaks between the two walls of a tube, where there is a membrane above and below but none side by side.

    Parameters
    ----------
    profiles : Dataset
        What `membrane_profiles` gives.
    prominence : float, 0 to 1
        Least prominence of a peak, of the maximum of its profile.
    distance_um : float
        A peak up to this far from a wall belongs to it, µm.

    Returns
    -------
    ndarray of int, (profile,)
        Peaks farther than `distance_um` from both walls and between them, on profiles where each wall has a peak of
        its own. Elsewhere 0: one hill between two walls is a boundary that is not resolved, which `dip` measures.
        Independent of the scale of intensity.

    Raises
    ------
    ValueError
        If `prominence` is no share or `distance_um` not positive.
    """
    prominence, distance_um = share("prominence", prominence), positive_um("distance_um", distance_um)
    wall_um, offset = profiles.attrs["wall_distance_um"] / 2, profiles.offset_um.values
    counts = np.zeros(profiles.sizes["profile"], dtype=int)
    for i, profile in enumerate(profiles.intensity.values):
        peaks, _ = find_peaks(profile, prominence=max(prominence * profile.max(), np.finfo(float).tiny))
        own = [np.abs(offset[peaks] - side) <= distance_um * (1 + 1e-9) for side in (-wall_um, wall_um)]
        if all(at.any() for at in own):
            counts[i] = np.sum((np.abs(offset[peaks]) < wall_um) & ~own[0] & ~own[1])
    return counts


def line_pair_dip(image: xr.DataArray, start_um, end_um, *, spacing_um: float, profiles: int = 50) -> np.ndarray:
    """Dips between two parallel straight lines.

    Parameters
    ----------
    image : DataArray, (y, x), coordinates in µm
    start_um, end_um : (x, y), µm
        Ends of the line midway between the two.
    spacing_um : float
        Distance of the two lines, µm.
    profiles : int
        Profiles across, evenly spread between the ends.

    Returns
    -------
    ndarray, (profiles,), 0 to 1
        1 - valley/mean of the two peaks, clipped, as in `membrane_profiles`, a peak being the largest intensity within
        half the half-spacing of its line. Black profiles have dip 0.

    Raises
    ------
    ValueError
        If the profiles, which reach one spacing to either side, leave the image.
    """
    image, spacing_um = checked_image("image", image), positive_um("spacing_um", spacing_um)
    start, end = np.asarray(start_um, dtype=float), np.asarray(end_um, dtype=float)
    along = (end - start) / np.linalg.norm(end - start)
    offset = np.linspace(-spacing_um, spacing_um, 2 * max(8, int(np.ceil(2 * spacing_um / pixel_size_um(image)))) + 1)
    centre = start + (np.arange(profiles)[:, None] + 0.5) / profiles * (end - start)
    intensity = intensity_at(image, centre[:, None] + offset[:, None] * np.array([-along[1], along[0]]))
    if np.isnan(intensity).any():
        raise ValueError(f"profiles of +-{spacing_um:g} micrometres across the line pair leave the image")
    return _dips(offset, intensity, spacing_um / 2, spacing_um / 4)["dip"]


def smallest_resolved_spacing(spacing_um, dips, *, criterion: float = RAYLEIGH_DIP) -> float:
    """Spacing from which on two lines are told apart.

    Parameters
    ----------
    spacing_um : array_like, (n,), µm
        Tested spacings, in any order, each once.
    dips : array_like, (n,), 0 to 1
        Mean dip at each.
    criterion : float
        Least dip that counts as resolved; the default is that of two Airy discs at the Rayleigh distance.

    Returns
    -------
    float, µm
        The largest spacing at which the dip, interpolated linearly between tested spacings, rises through the
        criterion: one lucky dip at a close spacing does not count. The smallest tested spacing if all are resolved (an
        upper bound of the limit), infinite if the widest is not.

    Raises
    ------
    ValueError
        If the shapes differ, a spacing repeats, or a value is not finite.
    """
    spacing, depth = np.asarray(spacing_um, dtype=float), np.asarray(dips, dtype=float)
    if spacing.ndim != 1 or spacing.shape != depth.shape or not spacing.size or len(set(spacing)) != spacing.size:
        raise ValueError(f"spacing_um {spacing.shape} and dips {depth.shape} must be one dip for each distinct spacing")
    if not (np.isfinite(spacing).all() and np.isfinite(depth).all()):
        raise ValueError("spacing_um and dips must be finite")
    order = np.argsort(spacing)
    spacing, depth = spacing[order], depth[order]
    unresolved = np.flatnonzero(depth < criterion)
    if not unresolved.size:
        return float(spacing[0])
    last = unresolved[-1]
    if last == spacing.size - 1:
        return float("inf")
    part = (criterion - depth[last]) / (depth[last + 1] - depth[last])
    return float(spacing[last] + part * (spacing[last + 1] - spacing[last]))


def _feet(tubes: list[Tube], radius_um: float, spacing_um: float) -> dict[str, np.ndarray]:
    """Where profiles cross the centre lines: centre (n, 3), unit normal in the image (n, 2), tube and arc (n,)."""
    found = {"centre": [], "normal": [], "tube": [], "arc": []}
    for index, tube in enumerate(tubes):
        arc = np.arange(radius_um / 2, tube.length_um - radius_um / 2, spacing_um)
        tangent = tube.curve.tangents(arc)[:, :2]
        flat = np.linalg.norm(tangent, axis=1) > 0.1  # a tube seen end-on has no walls side by side
        found["centre"].append(tube.curve.points(arc)[flat])
        found["normal"].append((tangent[:, ::-1] * [-1, 1] / np.linalg.norm(tangent, axis=1, keepdims=True))[flat])
        found["tube"].append(np.full(flat.sum(), index))
        found["arc"].append(arc[flat])
    return {name: np.concatenate(values) for name, values in found.items()}


def _crowded(feet: dict[str, np.ndarray], tubes: list[Tube], clear_um: float) -> np.ndarray:
    """Whether another stretch of tube comes closer than `clear_um` in projection (n,)."""
    arcs = [tube.curve.sampled(0.05) for tube in tubes]
    points = np.concatenate([tube.curve.points(arc)[:, :2] for tube, arc in zip(tubes, arcs, strict=True)])
    owner, arc = np.repeat(np.arange(len(tubes)), [len(a) for a in arcs]), np.concatenate(arcs)
    pairs = KDTree(feet["centre"][:, :2]).sparse_distance_matrix(KDTree(points), clear_um, output_type="coo_matrix")
    foot, other = pairs.row, pairs.col
    # of its own tube, the stretch that a circle through the foot can hold does not count
    strange = (feet["tube"][foot] != owner[other]) | (np.abs(feet["arc"][foot] - arc[other]) > np.pi / 2 * clear_um)
    crowded = np.zeros(len(feet["arc"]), dtype=bool)
    crowded[foot[strange]] = True
    return crowded


def _dips(offset: np.ndarray, intensity: np.ndarray, half_um: float, window_um: float) -> dict[str, np.ndarray]:
    """Peaks near offsets -half and +half, the valley between the peaks, and their dip, for profiles (n, offset)."""
    sides = [np.flatnonzero(np.abs(offset - wall) <= window_um * (1 + 1e-9)) for wall in (-half_um, half_um)]
    left, right = (side[np.argmax(intensity[:, side], axis=1)] for side in sides)
    place = np.arange(offset.size)
    between = (place >= left[:, None]) & (place <= right[:, None])
    valley = np.min(np.where(between, intensity, np.inf), axis=1)
    peaks = [np.take_along_axis(intensity, side[:, None], axis=1)[:, 0] for side in (left, right)]
    mean = (peaks[0] + peaks[1]) / 2
    dark = mean <= 0
    depth = np.where(dark, 0.0, np.clip(1 - valley / np.where(dark, 1.0, mean), 0.0, 1.0))
    distance_um = offset[right] - offset[left]
    return {"left": peaks[0], "right": peaks[1], "valley": valley, "dip": depth, "peak_distance_um": distance_um}
