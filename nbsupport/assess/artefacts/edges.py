"""How sharp is the outer edge of a membrane?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.simulate.structures import Sample

from .membranes import membrane_profiles

LEVELS = (0.8, 0.2)


def wall_edge_um(sample: Sample, image: xr.DataArray, *, margin_um: float = 0.4, **settings) -> float:
    """Width of the outer edges of mitochondria: from 80 % to 20 % of the membrane's peak, going outwards.

    Parameters
    ----------
    sample, image, **settings
        As in `membrane_profiles`.
    margin_um : float
        How far a profile reaches beyond the walls, µm.

    Returns
    -------
    float, µm
        Mean over both edges of all profiles. An edge that has not fallen to a level within the profile counts as if it
        did at its end, so that debris beside the wall widens it; edges whose peak is dark are left out. NaN if there is
        none. Independent of the scale of intensity, but not of an offset.
    """
    profiles = membrane_profiles(sample, image, margin_um=margin_um, **settings)
    offset, half_um = profiles.offset_um.values, profiles.attrs["wall_distance_um"] / 2
    widths = []
    for values in (profiles.intensity.values, profiles.intensity.values[:, ::-1]):
        outwards = values[:, offset >= half_um / 2]
        distance = offset[offset >= half_um / 2]
        near = distance <= 1.5 * half_um * (1 + 1e-9)
        widths += [_fall_um(distance, row, np.argmax(row[near])) for row in outwards if row[near].max() > 0]
    return float(np.mean(widths)) if widths else float("nan")


def _fall_um(distance_um: np.ndarray, values: np.ndarray, peak: int) -> float:
    """Distance between the first places beyond the peak at which the values fall to the two levels of it."""
    fallen = values[peak:] / values[peak]
    places = []
    for level in LEVELS:
        below = np.flatnonzero(fallen <= level)
        if not below.size:
            places.append(distance_um[-1])
            continue
        last = below[0]
        part = (fallen[last - 1] - level) / (fallen[last - 1] - fallen[last])
        places.append(np.interp(peak + last - 1 + part, np.arange(len(distance_um)), distance_um))
    return float(places[1] - places[0])
