"""How far a pattern that was found in frames is from the true one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nbsupport.simulate.illumination import Pattern


class PatternError(NamedTuple):
    """Mean absolute errors over the directions of a pattern."""

    wave_vector_per_um: float
    phase_rad: float  # in the middle of the field, where an error of the wave vector turns it least
    modulation: float  # of the highest order


def pattern_error(found: Pattern, true: Pattern, *, field_um: tuple[float, float]) -> PatternError:
    """Compare two patterns of the same frames.

    Parameters
    ----------
    found, true : Pattern
        With the directions in the same order. The modulation that was fitted counts, where `found` has one, not what
        may have replaced it.
    field_um : (float, float)
        Extent of the frames in y and x, µm.

    Returns
    -------
    PatternError

    Raises
    ------
    ValueError
        If the numbers of angles or phases differ.
    """
    if found.phase_rad.shape != true.phase_rad.shape:
        raise ValueError(f"found has phases {found.phase_rad.shape}, true has {true.phase_rad.shape}")
    vector = np.hypot(*(found.wave_vector_per_um - true.wave_vector_per_um).T).mean()
    centre = np.asarray(field_um) / 2
    phases = [one.moved(centre).phase_rad for one in (found, true)]
    phase = np.abs(np.angle(np.exp(1j * (phases[0] - phases[1])))).mean()
    fitted = getattr(found, "modulation_fitted", found.modulation)
    return PatternError(float(vector), float(phase), float(np.abs(fitted - true.modulation)[:, -1].mean()))
