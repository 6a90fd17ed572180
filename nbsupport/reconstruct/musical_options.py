"""What the options of MUSICAL may be, and the words that refuse the rest."""

import math

import torch

from nbsupport.checks import nearest, whole_number
from nbsupport.reconstruct.eigenimages import SoftThreshold


def odd_window(window_px):
    """Refuse a window without a middle pixel."""
    if whole_number("window_px", window_px, least=3) % 2 == 0:
        raise ValueError(f"window_px={window_px} must be odd, so that a window has a middle pixel; {window_px + 1} is")
    return window_px


def threshold_meant(threshold):
    """Threshold as a float, log10(σ0), or a `SoftThreshold`; refuse anything else."""
    if isinstance(threshold, SoftThreshold):
        return threshold
    if isinstance(threshold, str):
        if threshold != "soft":
            hint = nearest(threshold, ["soft"])
            raise ValueError(f"threshold={threshold!r} is unknown{hint}; give log10(σ0), 'soft' or a SoftThreshold")
        return SoftThreshold()
    if not math.isfinite(threshold):
        raise ValueError(f"threshold={threshold!r} must be finite; it is log10(σ0), such as -1")
    return float(threshold)


def device_meant(device):
    """Device of torch; refuse one that is unknown or not there."""
    try:
        meant = torch.device(device)
    except RuntimeError:
        raise ValueError(f"device={device!r} is unknown; give 'cpu' or 'cuda'") from None
    if meant.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={device!r} is not there: torch finds no CUDA device; give 'cpu'")
    return meant


def described(threshold):
    """Attributes that name the method and its threshold."""
    if isinstance(threshold, SoftThreshold):
        return {
            "method": "MUSICAL with the surrogate soft threshold S(q), not the published soft scheme",
            "threshold": "soft",
            "log10_sigma0": float(threshold.log10_sigma0),
            "soft_order": float(threshold.order),
        }
    return {"method": "MUSICAL, hard threshold", "threshold": "hard", "log10_sigma0": threshold}
