"""A table of methods: means over seeds and images, places, and differences on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from nbsupport.assess.statistics import Interval, bootstrap, paired_difference

from .judge import LOWER_IS_BETTER

PSNR = "psnr_max_range_db"


@dataclass(frozen=True)
class Table:
    """Scores of runs, of which several may be one method with other seeds.

    Parameters
    ----------
    scores : Dataset, (run, pair)
        Variables of `judge.MEASURES`; coordinates ``method`` (run) and ``structure`` (pair).
    """

    scores: xr.Dataset

    @property
    def methods(self) -> list[str]:
        """Methods in the order of their first run."""
        return list(dict.fromkeys(self.scores.method.values.tolist()))

    @property
    def structures(self) -> list[str]:
        """Structures in the order of their first pair."""
        return list(dict.fromkeys(self.scores.structure.values.tolist()))

    def values(self, method: str, measure: str = PSNR, structure: str | None = None) -> np.ndarray:
        """Scores (seed, pair) of one method, on one structure or on all.

        Raises
        ------
        ValueError
            If there is no such method.
        """
        runs = self.scores.method.values == method
        if not runs.any():
            raise ValueError(f"method={method!r} has no run; there are {', '.join(self.methods)}")
        pairs = np.ones(self.scores.sizes["pair"], bool) if structure is None else self._of(structure)
        return self.scores[measure].transpose("run", "pair").values[np.ix_(runs, pairs)]

    def means(self, measure: str = PSNR, methods: Sequence[str] | None = None) -> xr.DataArray:
        """Means over seeds and images, (restorer, structure); NaN where nothing was measured."""
        methods = list(methods or self.methods)
        cells = [[_mean(self.values(m, measure, s)) for s in self.structures] for m in methods]
        return xr.DataArray(cells, {"restorer": methods, "structure": self.structures}, ("restorer", "structure"))

    def seed_sd(self, method: str, measure: str = PSNR, structure: str | None = None) -> float:
        """Standard deviation between seeds of a method's mean score; NaN for a single seed."""
        values = self.values(method, measure, structure)
        return float(np.nanmean(values, axis=1).std(ddof=1)) if len(values) > 1 else float("nan")

    def pooled_seed_sd(self, measure: str = PSNR, structure: str | None = None) -> float:
        """Root mean square, over the methods with several seeds, of their `seed_sd`; NaN if there is none."""
        several = [self.seed_sd(method, measure, structure) for method in self.methods]
        several = [sd for sd in several if np.isfinite(sd)]
        return float(np.sqrt(np.mean(np.square(several)))) if several else float("nan")

    def difference(
        self,
        first: str,
        second: str,
        measure: str = PSNR,
        structure: str | None = None,
        *,
        rng: np.random.Generator,
    ) -> Interval:
        """Mean over images of first minus second, each image averaged over seeds, with its paired bootstrap interval.

        Images on which one of the two has no score are left out; with none left, all three numbers are NaN.
        """
        pair = [_over_seeds(self.values(method, measure, structure)) for method in (first, second)]
        both = np.isfinite(pair).all(axis=0)
        if not both.any():
            return Interval(float("nan"), float("nan"), float("nan"))
        return paired_difference(*(values[both] for values in pair), rng=rng)

    def mean_places(
        self, methods: Sequence[str], measures: Sequence[str], *, rng: np.random.Generator, resamples: int = 1000
    ) -> xr.DataArray:
        """Average place of each method over structures and measures, images resampled within structures.

        Parameters
        ----------
        methods, measures : sequences of str
            Place 1 is the best; `LOWER_IS_BETTER` says which way a measure goes. A measure counts once for every
            structure of which an image allows it; all measures of an image are drawn together.
        rng : numpy.random.Generator
        resamples : int

        Returns
        -------
        DataArray, (draw, restorer)
            The first draw is the images as they are.
        """
        groups = [[self._block(methods, measure, structure) for measure in measures] for structure in self.structures]
        draws = np.zeros((resamples + 1, len(methods)))
        for draw in range(resamples + 1):
            places = []
            for blocks in groups:
                count = blocks[0][1].shape[1]
                images = rng.integers(count, size=count) if draw else np.arange(count)
                places += [_places(sign, values[:, images]) for sign, values in blocks]
            draws[draw] = np.mean([those for those in places if those is not None], axis=0)
        return xr.DataArray(draws, {"restorer": list(methods)}, ("draw", "restorer"))

    def places(self, methods: Sequence[str], measure: str = PSNR, structure: str | None = None) -> dict[str, float]:
        """Place of each method by its mean score, over all structures if none is named: 1 is best, equals share."""
        cells = self.means(measure, methods)
        values = cells.mean("structure") if structure is None else cells.sel(structure=structure)
        sign = 1 if measure in LOWER_IS_BETTER else -1
        return dict(zip(methods, rankdata(sign * values.values, method="average").tolist(), strict=True))

    def _of(self, structure: str) -> np.ndarray:
        return self.scores.structure.values == structure

    def _block(self, methods, measure, structure) -> tuple[int, np.ndarray]:
        """Sign and scores (method, image), NaN on the images on which not all methods have one."""
        values = np.array([_over_seeds(self.values(method, measure, structure)) for method in methods])
        return (1 if measure in LOWER_IS_BETTER else -1), np.where(np.isfinite(values).all(axis=0), values, np.nan)


def interval(values, *, rng: np.random.Generator) -> Interval:
    """Mean of the finite values over images with its bootstrap interval."""
    values = np.asarray(values, dtype=float)
    return bootstrap(lambda x: np.mean(x, axis=-1), values[np.isfinite(values)], rng=rng)


def _places(sign: int, values: np.ndarray) -> np.ndarray | None:
    """Places by the mean over the images that have a score; None where none has."""
    known = values[:, np.isfinite(values[0])]
    return rankdata(np.round(sign * known.mean(axis=1), 12)) if known.size else None


def _over_seeds(values: np.ndarray) -> np.ndarray:
    """Mean over the seeds that have a score (pair,); NaN where none has."""
    counted = np.isfinite(values).sum(axis=0)
    return np.where(counted, np.nansum(values, axis=0) / np.maximum(counted, 1), np.nan)


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
