"""Two interfering beams on a thin sample: frames of three angles and three phases."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from nbsupport.checks import finite_array
from nbsupport.optics import Optics, otf, pixel_size_um

from .pattern import Pattern


def planar_frames(
    sample: xr.DataArray,
    optics: Optics,
    pattern: Pattern,
    *,
    otf_damping: float = 1.0,
    device: str | torch.device = "cpu",
) -> xr.DataArray:
    """Noise-free frames of a thin sample in focus.

    Parameters
    ----------
    sample : DataArray, (y, x), not negative
        Fluorophores per pixel on a grid of half the camera's pixels, even sizes, coordinates in µm. The field repeats
        beyond its borders.
    optics : Optics
    pattern : Pattern
        Of any number of angles, phases and orders; phases count at the first pixel.
    otf_damping : float
        What a real lens leaves of the ideal transfer function at the cutoff, above 0 to 1 (ideal).
    device : str or device

    Returns
    -------
    DataArray, (angle, phase, y, x), expected light per camera pixel
        For a mean illumination of 1. Camera pixel (i, j) is centred on sample pixel (2i, 2j). attrs carry the
        pattern (`Pattern.of`).

    Raises
    ------
    ValueError
        If the sample is negative, not finite, or of odd size.

    References
    ----------
    hughes2024, section 2.1.
    """
    fine_um = pixel_size_um(sample)
    values = finite_array("sample", sample.transpose("y", "x").values)
    if values.min() < 0:
        raise ValueError(f"sample is negative ({values.min():g}); fluorophores per pixel are 0 or more")
    if any(size % 2 for size in values.shape):
        raise ValueError(f"sample has {values.shape} pixels; needed are even numbers, two per camera pixel")
    if not 0 < otf_damping <= 1:
        raise ValueError(f"otf_damping={otf_damping} must lie above 0 and be at most 1 (no damping)")
    light = pattern.intensity(*(fine_um * np.arange(size) for size in values.shape)) * values
    rows, columns = (np.fft.fftfreq(size, fine_um) for size in values.shape)
    radius = np.hypot(rows[:, None], columns[: values.shape[1] // 2 + 1])
    transfer = otf(optics, radius) * otf_damping ** np.minimum(radius / optics.cutoff_per_um, 1)
    spectrum = torch.fft.rfft2(torch.as_tensor(light, device=device)) * torch.as_tensor(transfer, device=device)
    frames = torch.fft.irfft2(_every_second(spectrum, values.shape), s=tuple(size // 2 for size in values.shape))
    return xr.DataArray(
        frames.clamp_(min=0).cpu().numpy(),
        dims=("angle", "phase", "y", "x"),
        coords={dim: sample[dim].values[::2] for dim in ("y", "x")},
        attrs={"units": "1", **pattern.attrs},
    )


def _every_second(spectrum, shape):
    """Half spectrum of every second pixel, which holds the light of four: the frequencies of the camera's grid."""
    height, width = (size // 2 for size in shape)
    kept = torch.cat([spectrum[..., : height - height // 2, :], spectrum[..., -(height // 2) :, :]], dim=-2)
    return kept[..., : width // 2 + 1]
