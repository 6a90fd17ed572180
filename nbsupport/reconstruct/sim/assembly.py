"""Bands moved to where they belong in the spectrum of the object, weighted and added."""

from __future__ import annotations

import numpy as np
import torch

from nbsupport.optics import Optics
from nbsupport.simulate.illumination import Pattern

from .filters import Notch, damped_otf


class Assembly:
    """Weighted sum of all bands at home and the sum of their squared transfer functions, on the fine grid.

    Of two partners of opposite order only one is computed; the real part of the image holds the other.

    Parameters
    ----------
    separated : Tensor, (image, angle, band, y, x), complex
        Bands in real space, from `bands`.
    optics : Optics
    pattern : Pattern
    pixel_um : float
        Of the bands, µm.
    otf_damping : float
    notch : Notch or None
    zero_band_weight : float
        How often the zero band counts in `power`.

    Attributes
    ----------
    combined : Tensor, (image, 2y, 2x), complex
    power : Tensor, (2y, 2x)
    """

    def __init__(
        self,
        separated: torch.Tensor,
        optics: Optics,
        pattern: Pattern,
        pixel_um: float,
        *,
        otf_damping: float,
        notch: Notch | None,
        zero_band_weight: float,
    ):
        self.optics, self.pixel_um, self.damping, self.notch = optics, pixel_um, otf_damping, notch
        fine = [2 * size for size in separated.shape[-2:]]
        self.combined = separated.new_zeros(len(separated), *fine)
        self.power = separated.real.new_zeros(fine)
        angles = len(pattern.phase_rad)
        self._add(separated[:, :, 0].real.sum(dim=1), np.zeros(2), 1.0, zero_band_weight * angles / 2)
        for angle, order in np.ndindex(angles, pattern.orders):
            vector = (order + 1) * pattern.wave_vector_per_um[angle]
            self._add(separated[:, angle, order + 1], vector, 2.0, 1.0)
        self.power = self.power + mirrored(self.power)

    def _add(self, band, vector, share, counted):
        """Move a band by minus the vector, weight it with its transfer function and add it."""
        y, x = (
            _Axis(size, k, self.pixel_um, self.optics.cutoff_per_um, self.power)
            for size, k in zip(band.shape[-2:], vector, strict=True)
        )
        distance = torch.hypot(y.frequency[:, None], x.frequency)
        transfer = damped_otf(self.optics, distance, self.damping)
        weight = transfer if self.notch is None else transfer * self.notch.weight(distance)
        home = (y.home[:, None], x.home)
        self.combined[:, *home] += share * weight * _moved(band, y, x)
        self.power[home] += counted * transfer * weight


def _moved(band, y, x):
    """Spectrum of a band after its move, at the home rows and columns alone."""
    spectrum = on_fine_grid(torch.fft.fft2(band))
    if y.turn is None and x.turn is None:
        return spectrum[:, y.home[:, None], x.home]
    fine = torch.fft.ifft2(spectrum)
    fine *= y.turn[:, None]
    fine *= x.turn
    return torch.fft.fft(torch.fft.fft(fine, dim=-1)[..., x.home], dim=-2)[:, y.home]


class _Axis:
    """How one axis of a band is moved by minus k on the fine grid: the turn in real space, and where it lies then."""

    def __init__(self, size, k, pixel_um, cutoff_per_um, like):
        options = {"dtype": like.dtype, "device": like.device}
        self.turn = None
        if k:
            turns = -np.pi * k * pixel_um * np.arange(2 * size)  # many turns: not in single precision
            self.turn = torch.complex(*(torch.as_tensor(part).to(like) for part in (np.cos(turns), np.sin(turns))))
        frequency = torch.fft.fftfreq(2 * size, pixel_um / 2, **options) + k
        self.home = torch.nonzero(frequency.abs() < cutoff_per_um)[:, 0]
        self.frequency = frequency[self.home]


def on_fine_grid(spectrum: torch.Tensor) -> torch.Tensor:
    """Spectrum (…, 2y, 2x) of the same image on a grid of half the pixel size.

    The highest frequency of an even axis stands for its two signs alike and is shared between them, so that a band
    stays the conjugate of its partner.
    """
    height, width = spectrum.shape[-2:]
    fine = spectrum.new_zeros(*spectrum.shape[:-2], 2 * height, 2 * width)
    for highest in (-1, 1):
        rows, columns = (_signed(size, highest, spectrum.device) for size in (height, width))
        fine[..., rows[:, None], columns] += spectrum / 2
    return fine


def _signed(size, highest, device):
    """Index of every frequency of an axis, negative ones below 0; the highest of an even axis takes the given sign."""
    index = torch.arange(size, device=device)
    index = torch.where(index < (size + 1) // 2, index, index - size)
    return torch.where(2 * index.abs() == size, highest * (size // 2), index)


def mirrored(spectrum: torch.Tensor) -> torch.Tensor:
    """Values at the frequencies of opposite sign."""
    return spectrum.flip((-2, -1)).roll((1, 1), (-2, -1))
