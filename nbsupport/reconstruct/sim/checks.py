"""Faults of raw frames that a reconstruction would turn into a wrong image: found, and called by their name."""

from __future__ import annotations

import warnings

import numpy as np
import torch
import xarray as xr

from nbsupport.simulate.illumination import Pattern

from .parameters import SimError, SimWarning

LEAST_SIGNIFICANCE, LEAST_MODULATION = 5.0, 0.06
"""Of a pattern; see `Parameters.significance`."""

_PILED_UP, _FEWEST_SATURATED = 3, 16
_LARGEST_DRIFT_PX, _LEAST_LIKENESS = 0.5, 0.3
_LARGEST_FLICKER = 0.15
_LEAST_AGREEMENT, _LARGEST_PHASE_ERROR = 0.4, np.radians(45)
_LENGTH_SPREAD, _LEAST_TURN = 0.2, np.radians(10)


def warn_of_frames(raw: xr.DataArray) -> None:
    """Warn of saturated pixels, of a sample that drifts between the angles, and of light that changes.

    Parameters
    ----------
    raw : DataArray, ("angle", "phase", "y", "x") and any others
    """
    for finding in frame_faults(raw):
        warnings.warn(finding, SimWarning, stacklevel=3)


def frame_faults(raw: xr.DataArray) -> list[str]:
    """What is doubtful about raw frames, one sentence per fault, without knowing the pattern."""
    others = [dim for dim in raw.dims if dim not in ("angle", "phase", "y", "x")]
    ordered = raw.transpose(*others, "angle", "phase", "y", "x").values
    values = ordered.reshape(-1, *ordered.shape[-4:])
    found = [_saturated(values), _flickering(values), _drifting(values)]
    return [text for text in found if text]


def _saturated(values):
    """Pixels pile up at the largest value of an image, while the values just below are rarer."""
    flat = values.reshape(len(values), -1)
    top = flat.max(axis=1, keepdims=True)
    piled = np.count_nonzero(flat == top, axis=1)
    for i in np.flatnonzero(piled >= _FEWEST_SATURATED):
        below = flat[i][flat[i] < top[i]]
        second = np.count_nonzero(below == below.max()) if below.size else 0
        if piled[i] >= _PILED_UP * second:
            return f"{piled[i]} pixels hold the largest value, {top[i, 0]:g}: they are saturated, which adds stripes"
    return None


def _flickering(values):
    """Stripes change the light of a single frame, but all phases of an angle together light the sample evenly."""
    sums = values.sum(axis=(0, 2, 3, 4), dtype=float)
    lack = 1 - sums.min() / sums.max()
    if lack > _LARGEST_FLICKER:
        return f"angle {sums.argmin()} holds {lack:.0%} less light than angle {sums.argmax()}: it bleaches or flickers"
    return None


def _drifting(values):
    """Sums over the phases of an angle show the same sample; their displacement is its drift."""
    sums = torch.as_tensor(values.sum(axis=(0, 2), dtype=np.float64))
    fade = [torch.hann_window(size, periodic=False, dtype=sums.dtype) for size in sums.shape[1:]]
    window = fade[0][:, None] * fade[1]
    centred = (sums - (sums * window).sum(dim=(1, 2), keepdim=True) / window.sum()) * window
    spectra = torch.fft.rfft2(centred)
    likeness = torch.fft.irfft2(spectra * spectra[:1].conj(), s=centred.shape[1:])
    norm = centred.flatten(1).norm(dim=1)
    for angle in range(1, len(sums)):
        peak, shift = _peak(likeness[angle] / (norm[0] * norm[angle]).clamp(min=1e-300))
        if peak > _LEAST_LIKENESS and np.hypot(*shift) > _LARGEST_DRIFT_PX:
            dy, dx = shift
            return f"the sample moves by ({dy:.1f}, {dx:.1f}) pixels (y, x) from angle 0 to angle {angle}: it drifts"
    return None


def _peak(correlation):
    """Largest value and its place, by parabolas, as a displacement from index 0."""
    values, shape = correlation.numpy(), correlation.shape
    row, column = np.unravel_index(values.argmax(), shape)
    shift = []
    for size, index, line in ((shape[0], row, values[:, column]), (shape[1], column, values[row])):
        left, middle, right = line[index - 1], line[index], line[(index + 1) % size]
        bend = left - 2 * middle + right
        part = (left - right) / (2 * bend) if bend < 0 else 0.0
        shift.append((index + part + size / 2) % size - size / 2)
    return values[row, column], shift


def require_fit(frames: torch.Tensor, pattern: Pattern) -> None:
    """Refuse a pattern with other numbers of angles or phases than the frames have."""
    have, given = tuple(frames.shape[1:3]), pattern.phase_rad.shape
    if have != given:
        raise SimError(f"raw has {have[0]} angles of {have[1]} phases, parameters describe {given[0]} of {given[1]}")


def require_pattern(significance: np.ndarray, modulation: np.ndarray) -> None:
    """Refuse angles whose bands agree no better than by chance, or whose stripes are too faint to be any."""
    weak = np.flatnonzero(~((significance >= LEAST_SIGNIFICANCE) & (modulation >= LEAST_MODULATION)))
    if len(weak):
        named = ", ".join(f"{angle} ({significance[angle]:.1f}, {modulation[angle]:.3f})" for angle in weak)
        raise SimError(
            f"no pattern found in the frames of angle {named}: agreement of its bands in standard deviations of "
            f"chance, {LEAST_SIGNIFICANCE:g} or more, and modulation, at least {LEAST_MODULATION:g} are needed. Is the "
            "light too low, the pattern coarser than `exclude` or beyond the cutoff? "
            "Parameters of brighter frames of the same acquisition may be used"
        )


def require_same_geometry(vector: np.ndarray) -> None:
    """Refuse angles with very different periods or with one and the same direction."""
    length = np.hypot(*vector.T)
    off = np.abs(length / np.median(length) - 1)
    if off.max() > _LENGTH_SPREAD:
        periods = ", ".join(f"{1000 / one:.0f}" for one in length)
        raise SimError(f"periods per angle differ, {periods} nm; one of them is no pattern, or phases are out of order")
    direction = np.arctan2(*vector.T)
    turn = np.abs((direction[:, None] - direction + np.pi / 2) % np.pi - np.pi / 2)
    same = np.argwhere((turn < _LEAST_TURN) & ~np.eye(len(vector), dtype=bool))
    if len(same):
        raise SimError(f"angles {same[0][0]} and {same[0][1]} have the same direction; {_EXCHANGED}")


_EXCHANGED = "the frames may be in another order (phase and angle exchanged?), or come twice"


def require_regular_phases(agreement: np.ndarray, steps: np.ndarray) -> None:
    """Refuse frames that do not carry the pattern of their angle, or not at the phase that was assumed.

    Parameters
    ----------
    agreement : ndarray of complex, (angle, phase)
        Of every frame by itself with the zero band displaced by the pattern's wave vector.
    steps : ndarray, (angle, phase), rad
        Phases that the separation assumed, relative to the first.
    """
    size = np.abs(agreement)
    weak = np.argwhere(size < _LEAST_AGREEMENT * size.max(axis=1, keepdims=True))
    if len(weak):
        angle, phase = weak[0]
        raise SimError(f"the frame of angle {angle}, phase {phase} lacks the pattern of its angle; {_EXCHANGED}")
    for angle, (own, assumed) in enumerate(zip(agreement, steps, strict=True)):
        error = _phase_errors(own, assumed)
        if np.abs(error).max() <= _LARGEST_PHASE_ERROR:
            continue
        degrees = np.degrees(np.angle(own * own[0].conj())).round() % 360
        rank = np.argsort(np.argsort(degrees))
        in_order = np.abs(_phase_errors(own[np.argsort(degrees)], assumed)).max() <= _LARGEST_PHASE_ERROR
        where = f"phases of angle {angle} are {degrees.astype(int).tolist()} degrees"
        if in_order:
            raise SimError(f"{where}: the frames are in the order {rank.tolist()}; sort them, or give phase_rad")
        raise SimError(f"{where} instead of {np.degrees(assumed).round().astype(int).tolist()}; give phase_rad")


def _phase_errors(own, assumed):
    turned = own / np.abs(own) * np.exp(-1j * assumed)
    return np.angle(turned / turned.sum())
