"""How probable a measured value is for a given signal, learnt from calibration frames: p(x|s) for denoisers.

A noise model answers ``log_density(measured, signal)`` for tensors that broadcast, differentiably in the signal. Both
are in the units of the frames it was measured on; the density is per one such unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from nbsupport.checks import finite_array, positive, whole_number

_FLOOR = 1e-6  # of the density of a histogram that is flat over its range: what a value that never occurred is given
_FITTED_PAIRS = 4_000  # pairs of signal and value that one step of the mixture's fit sees
_NEAR = 50  # pairs on either side of a signal that stand for it: equal signals sort by no value, so any of them will do


class NoiseModel(Protocol):
    """Anything that says how probable a value is for a signal."""

    def log_density(self, measured: Tensor, signal: Tensor) -> Tensor:
        """Log of p(measured | signal), nat per unit of the frames; shapes broadcast."""


@dataclass(frozen=True, eq=False)
class Histogram:
    """p(x|s) counted on a grid of signals and values, linear between neighbouring signals.

    Parameters
    ----------
    density : Tensor, (signal, value), per unit
        Every row sums to one when multiplied by the width of a value bin, but for the first and the last of a measured
        one: they are nearly empty, for a signal beyond the calibration explains no value.
    signal_range, value_range : (float, float)
        Outer edges of the grid. Signals and values outside are treated like those at the edge.

    References
    ----------
    krull2020.
    """

    density: Tensor
    signal_range: tuple[float, float]
    value_range: tuple[float, float]

    def log_density(self, measured: Tensor, signal: Tensor) -> Tensor:
        """Log of p(measured | signal), nat per unit of the frames; shapes broadcast."""
        table = self.density.to(device=signal.device, dtype=signal.dtype)
        signals, values = table.shape
        row = ((signal - self.signal_range[0]) * (signals / _width(self.signal_range)) - 0.5).clamp(0, signals - 1)
        below = row.detach().long().clamp(max=signals - 2)
        column = (measured - self.value_range[0]) * (values / _width(self.value_range))
        below, column = torch.broadcast_tensors(below, column.long().clamp(0, values - 1))
        return torch.lerp(table[below, column], table[below + 1, column], row - below).log()


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """p(x|s) as a mixture of Gaussians whose weights, means and spreads change with the signal as polynomials.

    The mean over the mixture is the signal itself. With ``u`` the signal brought to [0, 1], component k has the weight
    ``softmax_k(weights_k(u))``, the mean ``s + scale (shifts_k(u) - mean shift)`` and the standard deviation
    ``scale exp(spreads_k(u))``.

    Parameters
    ----------
    weights, shifts, spreads : Tensor, (component, coefficient)
        Coefficients of the polynomials in u, constant first.
    signal_range : (float, float)
        Signals that become 0 and 1; beyond, u stays there.
    scale : float
        Unit of shifts and spreads.

    References
    ----------
    prakash2020.
    """

    weights: Tensor
    shifts: Tensor
    spreads: Tensor
    signal_range: tuple[float, float]
    scale: float

    def log_density(self, measured: Tensor, signal: Tensor) -> Tensor:
        """Log of p(measured | signal), nat per unit of the frames; shapes broadcast."""
        measured, signal = torch.broadcast_tensors(measured, signal)
        u = ((signal - self.signal_range[0]) / _width(self.signal_range)).clamp(0, 1)
        weight, shift, spread = (_polynomials(c.to(u), u) for c in (self.weights, self.shifts, self.spreads))
        log_weight = weight.log_softmax(0)
        shift = shift - (log_weight.exp() * shift).sum(0)
        z = ((measured - signal) / self.scale - shift) * (-spread).exp()
        return torch.logsumexp(log_weight - z.square() / 2 - spread, 0) - math.log(self.scale * math.sqrt(2 * math.pi))


def gaussian(read_noise: float) -> GaussianMixture:
    """Noise model of a camera with nothing but read noise, the same at every signal.

    Parameters
    ----------
    read_noise : float
        Standard deviation, in the units of the frames, greater than 0.

    Returns
    -------
    GaussianMixture
        With one component.
    """
    read_noise = positive("read_noise", read_noise, "one positive standard deviation in the units of the frames")
    zero = torch.zeros(1, 1, dtype=torch.float64)
    return GaussianMixture(zero, zero, zero, (0.0, 1.0), read_noise)


def measure_histogram(frames, *, signal=None, signal_bins: int = 64, value_bins: int = 128) -> Histogram:
    """Count which values a camera returns for which signal.

    Parameters
    ----------
    frames : DataArray or array_like, (frame, y, x), or a sequence of them
        Repeated exposures of scenes that do not change (a slide, a defocused field, a grey wedge), whose signals
        together span those that will be denoised.
    signal : array_like, (y, x), or a sequence of them, optional
        Noise-free value of every pixel of every scene, in the units of `frames`; None takes the mean over the frames,
        of which each value is a part: the variance comes out too small by one part in the number of frames.
    signal_bins, value_bins : int
        2 or more. Values need bins finer than the noise; of signals fewer do, and more make every row a poorer count:
        where neighbouring rows differ by chance as much as by signal, a descent along the likelihood is caught.

    Returns
    -------
    Histogram
        Signals of the range that no pixel had are interpolated from their neighbours. From one and a half bins beyond
        the range on, a signal is as improbable as a value that never occurred, whatever the value: else samples of a
        network out there would weigh as much as those at the edge.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, or fewer than half of the signal bins hold a pixel.

    References
    ----------
    krull2020.
    """
    values, signals = calibration_pairs(frames, signal)
    bins = [whole_number(n, b, least=2) for n, b in (("signal_bins", signal_bins), ("value_bins", value_bins))]
    ranges = [(float(a.min()), float(a.max())) for a in (signals, values)]
    counts, _, edges = np.histogram2d(signals, values, bins=bins, range=ranges)
    filled = np.flatnonzero(counts.sum(axis=1))
    if 2 * filled.size < signal_bins:
        raise ValueError(
            f"signal_bins={signal_bins}: only {filled.size} of them hold a pixel; give at most {max(2, filled.size)}, "
            "or frames with more levels of signal"
        )
    rows = counts[filled] / counts[filled].sum(axis=1, keepdims=True)
    place = np.interp(np.arange(signal_bins), filled, np.arange(filled.size))
    below = np.minimum(place.astype(int), max(filled.size - 2, 0))
    above = np.minimum(below + 1, filled.size - 1)
    share = (place - below)[:, None]
    table = (1 - share) * rows[below] + share * rows[above] + _FLOOR / value_bins
    table = np.pad(table / table.sum(axis=1, keepdims=True), ((1, 1), (0, 0)), mode="edge")
    table = np.pad(table, ((1, 1), (0, 0)), constant_values=_FLOOR / value_bins)
    (low, high), of_values = ranges
    margin = 2 * (high - low) / signal_bins
    return Histogram(torch.from_numpy(table / (edges[1] - edges[0])), (low - margin, high + margin), of_values)


def fit_mixture(
    frames,
    *,
    signal=None,
    components: int = 3,
    coefficients: int = 2,
    steps: int = 400,
    rng: np.random.Generator,
) -> GaussianMixture:
    """Fit a Gaussian mixture to which values a camera returns for which signal, by maximum likelihood.

    It needs fewer frames than `measure_histogram`, is smooth in the signal, and goes on beyond the values that were
    seen.

    Parameters
    ----------
    frames, signal
        As in `measure_histogram`.
    components : int
        Gaussians, 1 or more.
    coefficients : int
        Of every polynomial in the signal, 1 or more.
    steps : int
        Steps of Adam on random pairs of signal and value, half of the pixels uniform over the range of signals.
    rng : numpy.random.Generator
        Draws the pairs.

    Returns
    -------
    GaussianMixture

    Raises
    ------
    ValueError
        As in `measure_histogram`, or if all signals or all values are equal.

    References
    ----------
    prakash2020.
    """
    values, signals = calibration_pairs(frames, signal)
    components, coefficients = (
        whole_number(name, given, least=1)
        for name, given in (("components", components), ("coefficients", coefficients))
    )
    scale = float((values - signals).std())
    low, high = float(signals.min()), float(signals.max())
    if not (scale > 0 and high > low):
        raise ValueError(
            f"frames vary by {scale:g} about signals from {low:g} to {high:g}; both must differ to be fitted"
        )
    model = GaussianMixture(*_starting_points(components, coefficients), (low, high), scale)
    fitted = [model.weights, model.shifts, model.spreads]
    optimiser = torch.optim.Adam([c.requires_grad_() for c in fitted], lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, whole_number("steps", steps, least=1))
    order = np.argsort(signals)
    for _ in range(steps):
        pairs = _drawn_pairs(signals, order, rng)
        optimiser.zero_grad()
        loss = -model.log_density(torch.from_numpy(values[pairs]), torch.from_numpy(signals[pairs])).mean()
        loss.backward()
        optimiser.step()
        schedule.step()
    return GaussianMixture(*(c.detach() for c in fitted), (low, high), scale)


def calibration_pairs(frames, signal=None) -> tuple[np.ndarray, np.ndarray]:
    """Every value of calibration frames with the signal behind it.

    Parameters
    ----------
    frames, signal
        As in `measure_histogram`.

    Returns
    -------
    values, signals : ndarray of float64, (pair,), in the units of the frames

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite.
    """
    single = np.ndim(frames[0]) == 2
    stacks, signals = ([frames], [signal]) if single else (frames, [None] * len(frames) if signal is None else signal)
    pairs = [_pairs_of(stack, of_stack) for stack, of_stack in zip(stacks, signals, strict=True)]
    return tuple(np.concatenate(part) for part in zip(*pairs, strict=True))


def _pairs_of(frames, signal):
    frames = finite_array("frames", frames)
    if frames.ndim != 3 or len(frames) < 2:
        raise ValueError(f"frames has shape {frames.shape}; give (frame, y, x) with two exposures or more")
    signal = frames.mean(axis=0) if signal is None else finite_array("signal", signal)
    if signal.shape != frames.shape[1:]:
        raise ValueError(f"signal has shape {signal.shape}; give (y, x) like the frames, {frames.shape[1:]}")
    return frames.ravel(), np.broadcast_to(signal, frames.shape).ravel()


def _starting_points(components, coefficients):
    weights = torch.zeros(components, coefficients, dtype=torch.float64)
    shifts, spreads = torch.zeros_like(weights), torch.zeros_like(weights)
    shifts[:, 0] = torch.linspace(-0.5, 0.5, components) if components > 1 else 0.0
    return weights, shifts, spreads


def _drawn_pairs(signals, order, rng):
    """Indices of pairs, half of them such that every part of the range of signals is seen."""
    level = rng.uniform(signals[order[0]], signals[order[-1]], _FITTED_PAIRS // 2)
    near = np.searchsorted(signals, level, sorter=order) + rng.integers(-_NEAR, _NEAR + 1, _FITTED_PAIRS // 2)
    return np.concatenate([order[near.clip(0, order.size - 1)], rng.integers(order.size, size=_FITTED_PAIRS // 2)])


def _polynomials(coefficients, u):
    """Values (component, ...) of polynomials (component, coefficient) at u (...), constant coefficient first."""
    # elementwise: a matrix product would be done in half precision under autocast
    spread = coefficients.reshape(*coefficients.shape, *[1] * u.ndim)
    return sum(spread[:, k] * u**k for k in range(coefficients.shape[1]))


def _width(ends):
    return ends[1] - ends[0]
