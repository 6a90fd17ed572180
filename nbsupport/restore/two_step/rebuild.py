"""Reconstruction as the chain does it: frames scaled by percentiles first."""

from __future__ import annotations

import warnings

import torch
import xarray as xr

from nbsupport.optics import Optics
from nbsupport.reconstruct import sim
from nbsupport.simulate.illumination import Pattern

from .scaling import before_reconstruction


def rebuilt(frames: xr.DataArray, optics: Optics, pattern: Pattern, **filters) -> xr.DataArray:
    """Reconstruct frames after `before_reconstruction`, in single precision.

    Parameters
    ----------
    frames : DataArray, (angle, phase, [z,] y, x), any unit
    optics : Optics
    pattern : Pattern
    **filters
        As in `sim.reconstruct`.

    Returns
    -------
    DataArray, ([z,] 2y, 2x)
        Negative values are kept.
    """
    with warnings.catch_warnings():
        # the brightest thousandth is clipped on purpose, and looks like a saturated camera
        warnings.simplefilter("ignore", sim.SimWarning)
        options = {"parameters": pattern, "dtype": torch.float32, **filters}
        return sim.reconstruct(before_reconstruction(frames), optics, **options)
