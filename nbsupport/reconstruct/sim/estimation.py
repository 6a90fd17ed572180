"""Find the pattern in raw frames: wave vector, phases and modulation of every angle."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from nbsupport.checks import whole_number
from nbsupport.optics import Optics

from .checks import require_pattern, require_regular_phases, require_same_geometry, warn_of_frames
from .filters import damped_otf
from .frames import as_frames, bands, frequencies, prepared, separation
from .parameters import Parameters, SimError, SimWarning

CREDIBLE, FALLBACK = (0.4, 1.1), 0.65
"""Modulations, and what replaces others, as in the program that the source ran."""

_GRID = (torch.arange(10, dtype=torch.float64) - 4.5) / 4.5
_CANDIDATES = 4
_LEAST_OTF, _COMMON = 0.05, (0.15, 0.85)
_DAMPED_CENTRE, _CENTRE_FWHM = 0.99, 0.15
_ROUNDING = 1e-20  # power of a band that is nothing but rounding, over that of the zero band
_SMALLEST = 1e-300  # bands that share nothing have no power there: their ratio is 0


def estimate(
    raw: xr.DataArray,
    optics: Optics,
    *,
    orders: int | None = None,
    phase_rad: np.ndarray | None = None,
    otf_damping: float = 0.15,
    exclude: float = 0.4,
    background: float = 0.0,
    fade_px: int = 10,
    credible: tuple[float, float] = CREDIBLE,
    check: bool = True,
    device: str | torch.device = "cpu",
) -> Parameters:
    """Estimate the illumination pattern from raw frames.

    The zero band and the highest band hold the same part of the object's spectrum, displaced by the wave vector. Their
    cross-correlation peaks there; a grid search on the part that they share refines the peak to a hundredth of a pixel
    of the spectrum. The complex ratio of the bands then gives phase and modulation.

    Parameters
    ----------
    raw : DataArray, ("angle", "phase", "y", "x") and any others, in any order
        Raw frames; other dimensions (z, time) share one pattern and are fitted together.
    optics : Optics
        Numerical aperture and emission wavelength count.
    orders : int, optional
        Orders of the pattern beside the mean: 1 for two beams, 2 for three. By default 1 for three or four phases and
        2 for more.
    phase_rad : array_like, (phase,) or (angle, phase), optional
        Phases of the frames relative to the first of each angle, if they are not evenly spread over a turn.
    otf_damping : float
        As in `reconstruct`.
    exclude : float
        The peak is sought beyond this frequency, in units of the detection cutoff.
    background, fade_px
        As in `reconstruct`.
    credible : (float, float)
        Fitted modulations outside this range are replaced by 0.65, with a warning.
    check : bool
        False: give what was found even where it looks wrong, without a word.
    device : str or device

    Returns
    -------
    `Parameters`
        ``wave_vector_per_um`` (angle, 2), ``phase_rad`` (angle, phase) at the first pixel, ``modulation``
        (angle, order), and how well they were found.

    Raises
    ------
    SimError
        If frames are missing, empty or without a pattern, or their phases or angles are in disorder.

    Warns
    -----
    SimWarning
        If frames are saturated, the sample drifts, or a modulation was replaced.

    References
    ----------
    hughes2024, section 2.1; gustafsson2008; muller2016.
    """
    if not 0 <= exclude < 2:
        raise ValueError(f"exclude={exclude} must lie in [0, 2), in units of the detection cutoff")
    pixel_um, frames = as_frames(raw, device, torch.float64)
    if check:
        warn_of_frames(raw)
    frames = prepared(frames, background, fade_px)
    angles, phases = frames.shape[1:3]
    orders = whole_number("orders", (1 if phases < 5 else 2) if orders is None else orders, least=1)
    steps = _steps(phase_rad, angles, phases)
    separated = bands(frames, separation(steps, np.ones((angles, orders))))
    fit = _Fit(separated, optics, pixel_um, otf_damping)
    coarse, significance = fit.coarse(orders, exclude)
    highest = fit.refined(orders, coarse)
    ratio = np.stack([fit.ratio(m, highest * m / orders) for m in range(1, orders + 1)], axis=1)
    vector = highest / orders
    own = fit.frame_agreement(frames, vector)
    if check:
        require_pattern(significance, np.abs(ratio[:, -1]))
        require_same_geometry(vector)
        require_regular_phases(own, steps)
    return _parameters(vector, ratio, steps, significance, np.angle(own), credible, quiet=not check)


def _steps(phase_rad, angles, phases):
    if phase_rad is None:
        return np.tile(2 * np.pi / phases * np.arange(phases), (angles, 1))
    steps = np.broadcast_to(np.asarray(phase_rad, dtype=float), (angles, phases))
    if not np.isfinite(steps).all():
        raise ValueError(f"phase_rad={phase_rad!r} must be finite")
    return steps - steps[:, :1]


def _parameters(vector, ratio, steps, significance, own, limits, *, quiet):
    """Phases come from the highest order, whose sign and fraction of a turn the lowest one settles."""
    orders = ratio.shape[1]
    fitted = np.abs(ratio)
    turns = np.round((orders * np.angle(ratio[:, 0]) - np.angle(ratio[:, -1])) / (2 * np.pi))
    first = (np.angle(ratio[:, -1]) + 2 * np.pi * turns) / orders
    credible = (limits[0] <= fitted) & (fitted <= limits[1])
    if not credible.all() and not quiet:
        which = ", ".join(f"{fitted[a, m]:.2f} (angle {a}, order {m + 1})" for a, m in np.argwhere(~credible))
        warnings.warn(f"modulation {which} is not credible; {FALLBACK} is used instead", SimWarning, stacklevel=3)
    return Parameters(
        vector,
        first[:, None] + steps,
        np.where(credible, fitted, FALLBACK),
        modulation_fitted=fitted,
        significance=significance,
        frame_phase_rad=own,
    )


@dataclass
class _Fit:
    """Correlation of the bands, for all images and angles at once. Vectors are (angle, 2), cycles per µm."""

    separated: torch.Tensor
    optics: Optics
    pixel_um: float
    damping: float

    def __post_init__(self):
        self.shape = self.separated.shape[-2:]
        self.y, self.x = frequencies(self.shape, self.pixel_um, self.separated)
        self.radius = torch.hypot(self.y, self.x)
        self.spectra = torch.fft.fft2(self.separated)
        self.step = 1 / (self.pixel_um * np.array(self.shape))  # frequency pixel along y and x
        otf = damped_otf(self.optics, self.radius, self.damping)
        self.inverse = 1 / otf.clamp(min=_LEAST_OTF)
        self.squared, self.reach = self.radius**2, float(self.radius[otf >= _LEAST_OTF].max())

    def coarse(self, order, exclude):
        """Whole frequency pixel at which the zero band and a band of higher order agree best, and how much.

        Candidates are the highest peaks of the cross-correlation, divided by what independent bands of the same power
        would give: the coarse parts of an object correlate strongly at small displacements, with or without a pattern.
        Of these the one wins whose bands agree best, beyond chance, in all that they share.
        """
        candidates = self._peaks(order, exclude)
        agreement = np.stack([self._agreement(order, vector) for vector in candidates])
        best = agreement.argmax(axis=0)
        angles = np.arange(len(best))
        return candidates[best, angles], agreement[best, angles]

    def _peaks(self, order, exclude):
        """Highest separate peaks of every angle, (candidate, angle, 2)."""
        sigma = _CENTRE_FWHM * self.optics.cutoff_per_um / 2.355
        centre = 1 - _DAMPED_CENTRE * torch.exp(-self.squared / (2 * sigma**2))
        centre = centre * (self.radius < self.optics.cutoff_per_um)
        high, zero = (self.spectra[:, :, band] * centre for band in (order, 0))
        expected = _correlation(*(part.real**2 + part.imag**2 for part in (high, zero))).real.clamp(min=0)
        expected += 1e-9 * expected.amax(dim=(1, 2), keepdim=True) + _SMALLEST
        height = _correlation(high, zero).abs() / expected.sqrt()
        searched = (self.radius > exclude * self.optics.cutoff_per_um) & (self.radius < 2 * self.optics.cutoff_per_um)
        if not searched.any():
            raise SimError("no frequency beyond the excluded ones; the frames are too small or exclude is too large")
        height = torch.where(searched, height, 0.0)
        summit = torch.nn.functional.max_pool2d(height[:, None], 5, stride=1, padding=2)[:, 0]
        index = torch.where(height == summit, height, 0.0).flatten(1).topk(_CANDIDATES, dim=1).indices.T
        found = torch.stack([self.y[index // self.shape[1], 0], self.x[index % self.shape[1]]], dim=-1)
        return found.cpu().numpy()

    def _agreement(self, order, vector):
        """Correlation of a band with the zero band in what both hold, over its spread by chance, (angle,)."""
        high, low = self._masks(order, vector)
        band, zero = (torch.fft.ifft2(self.spectra[:, :, b] * mask) for b, mask in ((order, high), (0, low)))
        product = self._sums((band * zero.conj()).sum(dim=0), vector, np.zeros(1))[:, 0, 0].abs()
        powers = [_power(part) for part in (band, zero)]
        shared = len(self.spectra) * (low > 0).sum(dim=(1, 2))
        empty = powers[0] <= _ROUNDING * powers[1]
        correlation = torch.where(empty, 0.0, product / (powers[0] * powers[1]).clamp(min=_SMALLEST).sqrt())
        return (correlation * shared.sqrt()).cpu().numpy()

    def refined(self, order, vector):
        """Best vector near one: three grids of 10 × 10 candidates, each five times finer than the last."""
        for half in (2.5, 0.5, 0.1):
            offset = half * _GRID.numpy()
            merit = self._merit(order, vector, offset)
            best = np.array([np.unravel_index(one.argmax(), one.shape) for one in merit])
            vector = vector + offset[best] * self.step
        return vector

    def ratio(self, order, vector):
        """Complex ratio of a band to the zero band where they overlap, (angle,)."""
        product, power = self._overlap(order, vector)
        return (self._sums(product, vector, np.zeros(1))[:, 0, 0] / power).cpu().numpy()

    def frame_agreement(self, frames, vector):
        """How every frame by itself agrees with the zero band displaced by the vector, (angle, phase), complex."""
        high, low = self._masks(1, vector)
        zero = torch.fft.ifft2(self.spectra[:, :, 0] * low)
        along_y, along_x = self._waves(vector, np.zeros(1))
        displaced = zero * (along_y.transpose(1, 2) * along_x).conj()
        wanted = torch.fft.ifft2(torch.fft.fft2(displaced) * high).conj()
        own = frames - frames.mean(dim=2, keepdim=True)
        found = torch.stack([torch.einsum("iapyx,iayx->ap", own, part) for part in (wanted.real, wanted.imag)])
        power = _power(zero).clamp(min=_SMALLEST)
        return 2 * torch.complex(*(found / power[:, None])).cpu().numpy()

    def _merit(self, order, vector, offset):
        product, power = self._overlap(order, vector)
        return (self._sums(product, vector, offset).abs() / power[:, None, None]).cpu().numpy()

    def _overlap(self, order, vector):
        """Product of the two bands in real space, (angle, y, x), and the power of the zero band, (angle,)."""
        high, low = self._masks(order, vector)
        band = torch.fft.ifft2(self.spectra[:, :, order] * high)
        zero = torch.fft.ifft2(self.spectra[:, :, 0] * low)
        return (band * zero.conj()).sum(dim=0), _power(zero).clamp(min=_SMALLEST)

    def _masks(self, order, vector):
        """Factors (angle, y, x) that leave, of a band and the zero band, what both hold, each divided by its OTF."""
        low, high = [], []
        strong = self.squared <= self.reach**2
        for ky, kx in vector:
            ahead = (self.y + ky) ** 2 + (self.x + kx) ** 2 <= self.reach**2
            behind = (self.y - ky) ** 2 + (self.x - kx) ** 2 <= self.reach**2
            along = self.squared / (ky**2 + kx**2)
            kept = (along >= _COMMON[0] ** 2) & (along <= _COMMON[1] ** 2)
            moved = kept.roll(tuple(int(k) for k in np.trunc((ky, kx) / self.step)), (0, 1))
            low.append(kept & strong & ahead)
            high.append(moved & strong & behind)
        return torch.stack(high) * self.inverse, torch.stack(low) * self.inverse

    def _sums(self, product, vector, offset):
        """Fourier sums of an image at the vector plus every pair of offsets in frequency pixels, (angle, dy, dx)."""
        along_y, along_x = self._waves(vector, offset)
        return along_y @ product @ along_x.transpose(1, 2)

    def _waves(self, vector, offset):
        """Waves exp(-2 pi i k r) along y and along x, (angle, offset, position)."""
        for axis in (0, 1):
            position = self.pixel_um * torch.arange(self.shape[axis], dtype=torch.float64, device=self.y.device)
            candidates = vector[:, axis, None] + offset * self.step[axis]
            turns = torch.as_tensor(candidates, device=self.y.device)[:, :, None] * position
            yield torch.polar(torch.ones_like(turns), -2 * np.pi * turns)


def _correlation(first, second):
    """Sum over frequencies and images of the first spectrum times the second one's conjugate, for every shift."""
    product = torch.fft.ifft2(first) * torch.fft.ifft2(second).conj()
    return torch.fft.fft2(product.sum(dim=0))


def _power(values):
    """Sum of the squared moduli over images and pixels, (angle,)."""
    return torch.view_as_real(values).square().sum(dim=(0, 2, 3, 4))
