"""Raw frames as tensors, their bands, and the spectra of the bands."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from nbsupport.optics import pixel_size_um

from .parameters import SimError

_WORST_CONDITION = 30  # of the separation; evenly spread phases have 2


def as_frames(raw: xr.DataArray, device: str | torch.device, dtype: torch.dtype) -> tuple[float, torch.Tensor]:
    """Pixel size in µm and frames (image, angle, phase, y, x) of raw frames.

    Parameters
    ----------
    raw : DataArray, ("angle", "phase", "y", "x") and any others, in any order
        ``y`` and ``x`` in µm. All other dimensions (z, time) become one, `image`, in the order of `other_dims`.

    Raises
    ------
    SimError
        If a dimension is missing, a value is not finite, or a frame holds nothing.
    """
    if not isinstance(raw, xr.DataArray) or not {"angle", "phase", "y", "x"} <= set(raw.dims):
        found = getattr(raw, "dims", type(raw).__name__)
        raise SimError(f"raw has {found}; needed is a DataArray with dims ('angle', 'phase', 'y', 'x')")
    values = raw.transpose(*other_dims(raw), "angle", "phase", "y", "x").values
    if values.dtype.kind not in "fiub":
        raise SimError(f"raw holds {values.dtype}; needed are real numbers")
    values = np.require(values, np.float64, "W").reshape(-1, *values.shape[-4:])
    if not np.isfinite(values).all():
        index = dict(zip(("angle", "phase", "y", "x"), np.argwhere(~np.isfinite(values))[0][1:].tolist(), strict=True))
        raise SimError(f"raw is not finite at {index}; all values must be finite")
    empty = np.argwhere(np.all(np.ptp(values, axis=(-2, -1)) == 0, axis=0))
    if len(empty):
        angle, phase = empty[0]
        raise SimError(f"the frame of angle {angle}, phase {phase} holds one value everywhere: it is missing")
    return pixel_size_um(raw), torch.as_tensor(values, dtype=dtype, device=device)


def other_dims(raw: xr.DataArray) -> tuple[str, ...]:
    """Dimensions of raw frames beside angle, phase, y and x."""
    return tuple(dim for dim in raw.dims if dim not in ("angle", "phase", "y", "x"))


def prepared(frames: torch.Tensor, background: float, fade_px: int) -> torch.Tensor:
    """Frames without background, negatives set to 0, that fall to 0 over `fade_px` pixels at every border."""
    if fade_px < 0 or 2 * fade_px > min(frames.shape[-2:]):
        raise ValueError(f"fade_px={fade_px} must be 0 to half the frame, {min(frames.shape[-2:]) // 2}")
    if background:
        frames = (frames - background).clamp(min=0)
    for axis in (-2, -1):
        window = torch.ones(frames.shape[axis], dtype=frames.dtype, device=frames.device)
        edge = torch.sin(np.pi / 2 * torch.arange(fade_px, dtype=frames.dtype, device=frames.device) / max(fade_px, 1))
        window[:fade_px] *= edge**2
        window = window * window.flip(0)
        frames = frames * (window[:, None] if axis == -2 else window)
    return frames


def separation(phase_rad: np.ndarray, modulation: np.ndarray) -> np.ndarray:
    """Weights of the frames that give the bands.

    A frame is ``B_0 + sum over m of modulation_m / 2 (exp(i m phase) B_m + its conjugate partner)``.

    Parameters
    ----------
    phase_rad : ndarray, (angle, phase)
    modulation : ndarray, (angle, order)

    Returns
    -------
    ndarray of complex, (angle, band, phase)
        Bands 0, 1, … up to the highest order; the partners of negative order are their conjugates in real space.

    Raises
    ------
    SimError
        If there are fewer phases than bands, or phases that do not tell the bands apart.
    """
    order = np.arange(1, modulation.shape[1] + 1)
    if phase_rad.shape[1] < 2 * len(order) + 1:
        raise SimError(
            f"{phase_rad.shape[1]} phases per angle cannot separate {2 * len(order) + 1} bands; a frame is missing, or "
            f"the pattern has fewer orders than {len(order)}"
        )
    waves = np.exp(1j * phase_rad[:, :, None] * order) / 2
    matrix = np.concatenate([np.ones((*phase_rad.shape, 1)), waves, waves.conj()], axis=2)
    condition = np.linalg.cond(matrix)
    if not np.all(condition < _WORST_CONDITION):
        angle = int(np.argmax(condition))
        degrees = np.degrees(phase_rad[angle] - phase_rad[angle, 0]) % 360
        raise SimError(f"phases {degrees.round().tolist()} degrees of angle {angle} do not tell the bands apart")
    weights = np.linalg.pinv(matrix)[:, : len(order) + 1]
    weights[:, 1:] /= modulation[:, :, None]
    return weights


def bands(frames: torch.Tensor, weights: np.ndarray) -> torch.Tensor:
    """Bands in real space, (image, angle, band, y, x), complex."""
    parts = (torch.as_tensor(part).to(frames) for part in (weights.real, weights.imag))
    return torch.complex(*(torch.einsum("abp,iapyx->iabyx", part, frames) for part in parts))


def frequencies(shape: tuple[int, int], pixel_um: float, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Frequencies (y, 1) and (x,) of a Fourier transform, cycles per µm."""
    options = {"d": pixel_um, "dtype": like.real.dtype, "device": like.device}
    return torch.fft.fftfreq(shape[0], **options)[:, None], torch.fft.fftfreq(shape[1], **options)
