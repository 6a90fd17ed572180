"""Retrainings on one bench: the same tasks, noise and measures for every start, each computed once and kept."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from torch import nn

from nbsupport.assess.fidelity import mse, ssim
from nbsupport.assess.resolution import frc, mean_frc
from nbsupport.assess.statistics import Interval, paired_difference
from nbsupport.publish import publishing
from nbsupport.restore.transfer import Chip, Options, adapt, noisy, restore, retrain
from nbsupport.seeds import streams
from nbsupport.simulate.camera import line_noise

METRICS = {"mse": "MSE (peak = 1)", "ssim": "SSIM", "mean_frc": "mean FRC", "cutoff": "FRC cutoff (1/µm)"}
"""What is measured of a restored image whose truth has its peak at 1."""

THREE = tuple(METRICS)[:3]
"""The metrics of wang2021."""

SIGN = {"mse": -1, "ssim": 1, "mean_frc": 1, "cutoff": 1}
"""1 where larger is better."""


def scored(clean: np.ndarray, image: np.ndarray, *, pixel_um: float) -> list[float]:
    """All `METRICS` of one image.

    Parameters
    ----------
    clean, image : array, (y, x)
        On a scale on which the peak of the truth is 1.
    pixel_um : float

    Returns
    -------
    list of float
        The cutoff is where the ring correlation first falls through 1/7: the Nyquist frequency if it never does, 0 if
        it begins below.

    References
    ----------
    wang2021, Fig. 1c; the 1/7 and the range of SSIM are chosen here.
    """
    rings = frc(clean, image)
    beyond = 0.5 * float(rings.curve[-1] > 1 / 7)
    cutoff = rings.crossing if np.isfinite(rings.crossing) else beyond
    return [mse(clean, image), ssim(clean, image, data_range=1.0), mean_frc(clean, image), cutoff / pixel_um]


def ahead(table: xr.DataArray, metric: str, first: str, second: str, *, rng: np.random.Generator) -> list[Interval]:
    """By how much one start is better than another at every level, above 0 for better.

    Parameters
    ----------
    table : DataArray, (peak, start, repeat, image, metric)
    metric, first, second : str
    rng : numpy.random.Generator

    Returns
    -------
    list of Interval, one for each peak; both repeats and images are drawn.
    """
    of = SIGN[metric] * table.sel(metric=metric).transpose("peak", "start", "repeat", "image")
    return [
        paired_difference(level.sel(start=first), level.sel(start=second), rng=rng, resample="seeds and images")
        for level in of
    ]


def surely(table: xr.DataArray, metric: str, first: str, second: str, *, rng: np.random.Generator) -> np.ndarray:
    """At which levels the interval of `ahead` lies above 0, (peak,), bool."""
    return np.array([interval.low > 0 for interval in ahead(table, metric, first, second, rng=rng)])


def lead(first: xr.DataArray, second: xr.DataArray, metric: str, *, rng: np.random.Generator) -> Interval:
    """By how much one table (repeat, image, metric) is better than another; both repeats and images are drawn."""
    values = [SIGN[metric] * t.sel(metric=metric).transpose("repeat", "image").values for t in (first, second)]
    return paired_difference(*values, rng=rng, resample="seeds and images")


def stopped(values: Sequence[float], *, patience: int = 8) -> int:
    """Index of the value that a rule with patience would have kept: the best before so many in a row are no better."""
    best = 0
    for look, value in enumerate(values):
        best = look if value < values[best] else best
        if look - best >= patience:
            break
    return best


def error_by_half(clean: np.ndarray, image: np.ndarray, *, pixel_um: float, passband_per_um: float) -> list[float]:
    """Squared error of the spatial frequencies in the inner and in the outer half of a passband.

    Parameters
    ----------
    clean, image : array, (y, x), square
    pixel_um : float
    passband_per_um : float
        Highest frequency that the optics pass, cycles/µm.

    Returns
    -------
    list of two floats
        With what lies beyond the passband they add up to the mean squared error (Parseval).
    """
    power = np.abs(np.fft.fft2(image - clean)) ** 2 / np.size(clean) ** 2
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(len(clean), pixel_um)] * 2)) / passband_per_um
    return [float(power[(radius >= low) & (radius < low + 0.5)].sum()) for low in (0.0, 0.5)]


@dataclass
class TransferBench:
    """Tasks, starts and noise; every result is kept on disk under what it depends on.

    Parameters
    ----------
    lights : mapping
        Noise-free images of every task, (image, y, x), peak 1.
    starts : mapping
        Name to a function that gives the network for a repeat.
    ruler : array, (y, x), peak 1
        Known lines; every network that is retrained on `ruler_task` restores them as well.
    ruler_task : str
    chip : Chip
    options : Options
    pixel_um : float
    seed : int
    folder : Path
        Where results are kept; it must change with the code.
    settings : tuple
        What the tasks and the starts were made with.
    changes : mapping
        Of a start, the options that are its own: random weights need larger steps, and more of them.
    """

    lights: Mapping[str, np.ndarray]
    starts: dict[str, Callable[[int], nn.Module]]
    ruler: np.ndarray
    ruler_task: str
    chip: Chip
    options: Options
    pixel_um: float
    seed: int
    folder: Path
    settings: tuple = field(default=())
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def how(self, start: str, options: Options | None = None) -> Options:
        """How a start is retrained: the given options, or those of the bench, with its own changes."""
        return replace(options or self.options, **self.changes.get(start, {}))

    def kept(self, key: tuple, make: Callable[[], dict[str, Any]]) -> dict[str, np.ndarray]:
        """Arrays of one computation, from disk if an earlier run has made them."""
        name = hashlib.sha256(repr((key, self.settings, self.seed, self.pixel_um)).encode()).hexdigest()[:24]
        path = self.folder / f"{name}.npz"
        if not path.exists():
            with publishing(path) as temporary:
                np.savez(temporary, **make())
        with np.load(path) as saved:
            return dict(saved)

    def recorded(self, light: np.ndarray, peak: float, purpose: str, repeat: int) -> np.ndarray:
        """Noisy images on the scale of the truth; each purpose and repeat has noise of its own."""
        name = f"{purpose} {peak:g}"
        rng = streams(self.seed, name, sample=repeat)[name]
        return noisy(light, peak, self.chip, rng=rng) / peak

    def noisy(self, task: str, peak: float, repeat: int) -> np.ndarray:
        """Noisy images of a task, (image, y, x), peak of the truth 1."""
        return self.recorded(self.lights[task], peak, task, repeat)

    def adapted(
        self, task: str, peak: float, start: str, repeat: int, *,
        options: Options | None = None, recipe: str = "all weights", inference: str | None = None,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """One adaptation.

        Returns
        -------
        dict
            ``restored`` (image, y, x); ``steps`` and ``seconds`` of the trainings; ``weights`` that
            moved; of `ruler_task` also ``ruler`` (y, x).
        """
        how = self.how(start, options)

        def make() -> dict[str, Any]:
            seen, network = list(self.noisy(task, peak, repeat)), self.starts[start](repeat)
            done = adapt(network, seen, recipe, how, seed=repeat)
            last = done.trainings[-1].network if done.trainings else network
            given = done.restored if inference is None else restore(last, seen, how, inference=inference)
            found = {
                "restored": np.array(given),
                "steps": [t.best_step for t in done.trainings],
                "seconds": sum(t.seconds for t in done.trainings),
                "weights": done.trained_weights,
            }
            if task == self.ruler_task:
                found["ruler"] = restore(last, [self.recorded(self.ruler, peak, "ruler", repeat)], how)[0]
            return found

        return self.kept(("adapted", task, peak, start, repeat, how, recipe, inference), make)

    def runs(self, task: str, peak: float, start: str, repeats: int, **changes) -> list[np.ndarray]:
        """Restored images of every repeat, each (image, y, x)."""
        return [self.adapted(task, peak, start, repeat, **changes)["restored"] for repeat in range(repeats)]

    def table(self, task: str, runs: Sequence[np.ndarray]) -> xr.DataArray:
        """Metrics of restored images, (repeat, image, metric)."""
        pairs = [zip(self.lights[task], run, strict=True) for run in runs]
        values = [[scored(clean, image, pixel_um=self.pixel_um) for clean, image in of_run] for of_run in pairs]
        return xr.DataArray(values, coords={"metric": list(METRICS)}, dims=("repeat", "image", "metric"))

    def sweep(
        self, task: str, peaks: Sequence[float], starts: Sequence[str], repeats: int, *,
        options: Options | None = None, track: Callable = iter,
    ) -> xr.DataArray:  # fmt: skip
        """Metrics over levels and starts, (peak, start, repeat, image, metric)."""
        rows = {
            plan: self.table(task, self.runs(task, *plan, repeats, options=options))
            for plan in track(list(product(peaks, starts)))
        }
        of_peak = [xr.concat([rows[p, s] for s in starts], xr.Variable("start", list(starts))) for p in peaks]
        return xr.concat(of_peak, xr.Variable("peak", list(peaks)))

    def from_many(self, light: np.ndarray, task: str, peak: float, start: str, count: int, repeat: int) -> np.ndarray:
        """Retrain on the first images of a pool and restore those of a task, (image, y, x)."""
        how = self.how(start)

        def make() -> dict[str, Any]:
            seen = self.recorded(light[:count], peak, "pool", repeat)
            done = retrain(copy.deepcopy(self.starts[start](repeat)), list(seen), how, seed=repeat)
            return {"restored": restore(done.network, list(self.noisy(task, peak, repeat)), how)}

        return self.kept(("many", task, peak, start, count, repeat, how), make)["restored"]

    def judged(self, task: str, peak: float, start: str, repeat: int, *, row_sd: float = 0.0) -> np.ndarray:
        """What a retraining changed, and what could have been known of it without the truth.

        Parameters
        ----------
        task, peak, start, repeat
        row_sd : float
            Standard deviation of an offset that all pixels of a row share, peak 1; breaks the independence of noise.

        Returns
        -------
        ndarray, (2,)
            Fall of the true error, dB, and fall of the error at predicting pixels from all others, %. Before
            retraining, hidden pixels are filled by their neighbours: the network has never seen holes.
        """
        how = self.how(start)

        def risk(network, seen, fill):
            return np.mean((np.array(restore(network, list(seen), replace(how, how=fill))) - seen) ** 2)

        def make() -> dict[str, Any]:
            seen = self.noisy(task, peak, repeat)
            if row_sd:
                rows = f"rows {task} {peak:g}"
                frames = xr.DataArray(seen, dims=("frame", "y", "x"), attrs={"units": "ADU"})
                seen = line_noise(frames, row_sd=row_sd, rng=streams(self.seed, rows, sample=repeat)[rows]).values
            network = self.starts[start](repeat)
            done = retrain(copy.deepcopy(network), list(seen), how, seed=repeat).network
            before = restore(network, list(seen), how, inference="single pass")
            after = restore(done, list(seen), how)
            error = [np.mean((np.array(images) - self.lights[task]) ** 2) for images in (before, after)]
            risks = risk(network, seen, "interpolate"), risk(done, seen, how.how)
            return {"found": [10 * np.log10(error[0] / error[1]), 100 * (1 - risks[1] / risks[0])]}

        return self.kept(("judged", task, peak, start, repeat, row_sd, how), make)["found"]

    def course(self, task: str, peak: float, start: str, repeat: int, *, steps: int) -> dict[str, np.ndarray]:
        """A retraining that nobody stops: ``looks``, ``held_out`` and ``training`` loss, and ``true`` error at each."""
        how = replace(self.how(start), steps=steps, patience=None)

        def make() -> dict[str, Any]:
            seen = list(self.noisy(task, peak, repeat))

            def watch(network):
                return np.mean((np.array(restore(network, seen, how)) - self.lights[task]) ** 2)

            found = retrain(copy.deepcopy(self.starts[start](repeat)), seen, how, seed=repeat, watch=watch)
            losses = [np.mean(found.training[max(0, n - how.every) : n] or found.training[:1]) for n in found.looks]
            return {"looks": found.looks, "held_out": found.held_out, "training": losses, "true": found.watched}

        return self.kept(("course", task, peak, start, repeat, how), make)
