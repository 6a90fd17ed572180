"""Two-state photokinetics: how long each emitter shines in each camera frame.

An emitter alternates between a bright and a dark state. Dwell times are exponential with means ``tau_on`` and
``tau_off``, all in frames. A frame integrates the light it receives, so the quantity simulated is the *on-time*, the
fraction of a frame that an emitter spends bright; multiply by a photon rate to get photons. Because dwell times are
memoryless, a process that starts bright with probability ``tau_on / (tau_on + tau_off)`` is stationary from its first
frame.
"""

from __future__ import annotations

import numpy as np

from nbsupport.checks import positive, whole_number

# Switches held in memory at once. Part of the random stream's layout: another value gives other bits for one seed.
_SWITCHES_PER_BATCH = 1_000_000
_FRAMES = "a positive, finite number of frames"


def on_time_mean(tau_on: float, tau_off: float) -> float:
    """Expected on-time per frame, which is also the duty cycle.

    Parameters
    ----------
    tau_on, tau_off : float
        Mean dwell times in frames.

    Returns
    -------
    float
        ``tau_on / (tau_on + tau_off)``, fraction of a frame.

    Raises
    ------
    ValueError
        If a dwell time is not positive and finite.

    References
    ----------
    jadhav2021, section 2.1 A2.
    """
    tau_on, tau_off = positive("tau_on", tau_on, _FRAMES), positive("tau_off", tau_off, _FRAMES)
    return tau_on / (tau_on + tau_off)


def on_time_autocovariance(tau_on: float, tau_off: float, lag) -> np.ndarray | float:
    """Autocovariance of the stationary, unbleached on-time per frame.

    The instantaneous state has autocovariance p(1-p) exp(-abs(t)/tau_c) with 1/tau_c = 1/tau_on + 1/tau_off;
    averaging it over two frames that lie ``lag`` frames apart gives the value returned. Lag 0 is the variance, which is
    smaller than the p(1-p) of a state looked at only once per frame.

    Parameters
    ----------
    tau_on, tau_off : float
        Mean dwell times in frames.
    lag : int or array of int
        Distance between two frames; its sign does not matter.

    Returns
    -------
    float or ndarray of float64, shape of `lag`
        Autocovariance, frame².

    Raises
    ------
    ValueError
        If a dwell time is not positive and finite, or a lag is not a whole number.

    References
    ----------
    jadhav2021, section 2.1 A2 (the process); the integral is elementary.
    """
    p = on_time_mean(tau_on, tau_off)
    rate = 1 / tau_on + 1 / tau_off
    lag = np.abs(np.asarray(lag, dtype=np.float64))
    if not np.all(lag == np.floor(lag)):
        raise ValueError(f"lag={lag.tolist()} must hold whole numbers of frames")
    variance = 2 * (rate + np.expm1(-rate)) / rate**2
    covariance = np.expm1(-rate) ** 2 * np.exp(-(np.maximum(lag, 1) - 1) * rate) / rate**2
    values = p * (1 - p) * np.where(lag == 0, variance, covariance)
    return values if values.ndim else float(values)


def switching_times(
    n_emitters: int, duration: float, tau_on: float, tau_off: float, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Moments at which emitters switch between bright and dark.

    Parameters
    ----------
    n_emitters : int
        Number of independent emitters.
    duration : float
        Time to cover, frames.
    tau_on, tau_off : float
        Mean dwell times in frames.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    starts_on : ndarray of bool, (n_emitters,)
        Whether the emitter is bright at time 0.
    times : ndarray of float64, (n_emitters, k)
        Increasing switching times, frames; every switch flips the state. The last column is at or beyond `duration`, so
        the record is complete up to there; later entries are an unfinished surplus.

    Raises
    ------
    ValueError
        If a count is negative or a time is not positive and finite.

    References
    ----------
    jadhav2021, section 2.1 A2. The source does not say how a trace starts: a stationary start is chosen here.
    """
    n_emitters, duration = whole_number("n_emitters", n_emitters, least=0), positive("duration", duration, _FRAMES)
    p = on_time_mean(tau_on, tau_off)
    starts_on = rng.random(n_emitters) < p
    dwell = np.where(starts_on[:, None], [tau_on, tau_off], [tau_off, tau_on])[:, None, :]
    cycles = _cycles(duration, tau_on, tau_off)
    blocks, reached = [], np.zeros((n_emitters, 1))
    while not blocks or np.any(reached < duration):
        steps = rng.standard_exponential((n_emitters, cycles, 2))
        steps *= dwell
        times = np.cumsum(steps.reshape(n_emitters, -1), axis=1)
        times += reached
        blocks.append(times)
        reached = times[:, -1:]
    return starts_on, blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)


def blink(
    n_emitters: int,
    frames: int,
    tau_on: float,
    tau_off: float,
    *,
    rng: np.random.Generator,
    bleach_frames: float | None = None,
) -> np.ndarray:
    """On-time of every emitter in every frame, integrated exactly.

    Parameters
    ----------
    n_emitters : int
        Number of independent, identical emitters.
    frames : int
        Number of camera frames.
    tau_on, tau_off : float
        Mean dwell times in frames, greater than 0; jadhav2021 draws whole numbers 1 to 5 and 1 to 20.
    rng : numpy.random.Generator
        Source of all draws.
    bleach_frames : float, optional
        Mean total on-time before an emitter bleaches, frames; each emitter stops for good once its on-time since the
        first frame reaches an exponential draw of this mean. None means no bleaching: jadhav2021 mentions none.

    Returns
    -------
    ndarray of float64, (n_emitters, frames)
        On-time as a fraction of a frame, 0 to 1; exactly 0 or 1 in frames without a switch. Multiplied by a photon
        rate per frame it gives photons.

    Raises
    ------
    ValueError
        If a count is negative, `frames` is 0, or a time is not positive and finite.

    Notes
    -----
    The limits of bleaching are drawn last, so that from the same seed a bleached trace equals the unbleached one until
    it stops.

    References
    ----------
    jadhav2021, section 2.1 A2; the unit of its dwell times, unsaid there, is taken to be the frame.
    """
    n_emitters, frames = whole_number("n_emitters", n_emitters, least=0), whole_number("frames", frames, least=1)
    positive("tau_on", tau_on, _FRAMES), positive("tau_off", tau_off, _FRAMES)
    on_time = np.empty((n_emitters, frames))
    batch = max(1, _SWITCHES_PER_BATCH // (2 * _cycles(frames, tau_on, tau_off) + frames))
    for first in range(0, n_emitters, batch):
        part = on_time[first : first + batch]
        part[:] = _integrate(*switching_times(len(part), frames, tau_on, tau_off, rng=rng), frames)
    if bleach_frames is not None:
        limit = rng.exponential(positive("bleach_frames", bleach_frames, _FRAMES), size=(n_emitters, 1))
        left = limit - (np.cumsum(on_time, axis=1) - on_time)
        np.minimum(on_time, np.maximum(left, 0, out=left), out=on_time)
    return on_time


def _integrate(starts_on: np.ndarray, times: np.ndarray, frames: int) -> np.ndarray:
    """On-time per frame (n, frames) from switching times (n, k), without a loop over emitters or frames."""
    n, k = times.shape
    whole = np.minimum(times, frames).astype(np.int64)  # switches after the last frame fall into a surplus column
    left = whole + 1 - times
    sign = np.where(starts_on[:, None], -1.0, 1.0) * np.where(np.arange(k) % 2, -1.0, 1.0)
    cell = (whole + np.arange(n)[:, None] * (frames + 1)).ravel()
    shape, size = (n, frames + 1), n * (frames + 1)
    flips = np.bincount(cell, weights=sign.ravel(), minlength=size).reshape(shape)[:, :-1]
    left *= sign
    partial = np.bincount(cell, weights=left.ravel(), minlength=size).reshape(shape)[:, :-1]
    # The state at a frame's start is a sum of whole numbers: frames without a switch come out as exactly 0 or 1.
    on_time = np.cumsum(flips, axis=1) - flips + starts_on[:, None] + partial
    return np.clip(on_time, 0, 1, out=on_time)


def _cycles(duration: float, tau_on: float, tau_off: float) -> int:
    """On-off cycles drawn at once: the mean number in `duration` and five standard deviations more, mostly enough."""
    switches = 2 * duration / (tau_on + tau_off)
    return int(np.ceil((switches + 5 * np.sqrt(switches)) / 2)) + 4
