"""Scores of a chain of restorations, image by image: after no step, after the first, after the second."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from .fidelity import psnr, psnr_db, rescale, ssim

METRICS = {"psnr_db": "PSNR (dB)", "ssim": "SSIM"}
COLOURS = {"low": "#666666", "step 1": "#0072B2", "step 2": "#D55E00"}


@dataclass(frozen=True, eq=False)
class StageScores:
    """PSNR and SSIM of every image at every stage.

    Attributes
    ----------
    values : DataArray, (metric, stage, image)
        "psnr_db" and "ssim", as hughes2024 takes them: both images divided by their maximum, 16 bits, range 65536.
        "psnr_truth_range_db" and "ssim_truth_range" take the reference's own range, both images as they are.
    """

    values: xr.DataArray

    @classmethod
    def of(cls, images: Sequence[Mapping[str, xr.DataArray]], *, reference: str = "high") -> StageScores:
        """Score images against their reference.

        Parameters
        ----------
        images : sequence of mapping
            For each sample, name of the stage to image ([z,] y, x); volumes are scored plane by plane for SSIM.
        reference : str
            The stage that the others are compared with.

        Raises
        ------
        ValueError
            If there are no images.
        """
        if not images:
            raise ValueError("images is empty; give one mapping of stages per sample")
        names = [name for name in images[0] if name != reference]
        metrics = (*METRICS, "psnr_truth_range_db", "ssim_truth_range")
        table = [[scored(one[reference], one[name]) for name in names] for one in images]
        values = [[[table[i][j][metric] for i in range(len(images))] for j in range(len(names))] for metric in metrics]
        coords = {"metric": list(metrics), "stage": names}
        return cls(xr.DataArray(values, dims=("metric", "stage", "image"), coords=coords))

    def of_stage(self, metric: str, stage: str) -> np.ndarray:
        """Values of one stage (image,)."""
        return self.values.sel(metric=metric, stage=stage).values

    def change(self, metric: str, stage: str, before: str = "low") -> np.ndarray:
        """How a metric of every image changes from one stage to another (image,)."""
        return self.of_stage(metric, stage) - self.of_stage(metric, before)

    def summary(self) -> dict[str, list]:
        """Columns of a table: metric, stage, n, mean and standard deviation over images, and those of the change."""
        rows = []
        for metric in METRICS:
            for stage in self.values.stage.values:
                own, change = self.of_stage(metric, stage), self.change(metric, stage)
                rows.append((metric, stage, len(own), own.mean(), _sd(own), change.mean(), _sd(change)))
        names = ("metric", "stage", "n", "mean", "sd", "change from low", "sd of the change")
        return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}

    def columns(self) -> dict[str, np.ndarray]:
        """Values drawn by `draw`, one column per metric and stage."""
        return {f"{metric} {stage}": self.of_stage(metric, stage) for metric in METRICS for stage in COLOURS}


def scored(reference: xr.DataArray, image: xr.DataArray) -> dict[str, float]:
    """PSNR and SSIM of one image; see `StageScores`."""
    scaled = rescale(reference, image, convention="uint16")
    pair = scaled.truth, scaled.estimate
    return {
        "psnr_db": psnr(*pair, data_range=scaled.data_range),
        "ssim": ssim(*pair, data_range=scaled.data_range),
        "psnr_truth_range_db": psnr_db(reference, image, convention="truth_range"),
        "ssim_truth_range": ssim(reference, image, data_range=float(np.ptp(reference.values))),
    }


def draw(axes: np.ndarray, scores: StageScores, published: Mapping | None = None) -> None:
    """Joined values of every image, and histograms of their changes with the mean as a black line.

    Parameters
    ----------
    axes : ndarray of Axes, (3, 2)
        Metrics in columns; values, changes after step 1, changes after step 2 in rows.
    scores : StageScores
        With the stages "low", "step 1" and "step 2".
    published : mapping, optional
        From `stated`: the source's mean change becomes a dashed line.
    """
    for column, (metric, label) in enumerate(METRICS.items()):
        _draw_values(axes[0, column], scores, metric, label)
        for row, stage in enumerate(("step 1", "step 2"), start=1):
            mean = published[metric]["change"][stage] if published else None
            _draw_changes(axes[row, column], scores.change(metric, stage), f"change of {label}, {stage} − low", mean)


def _draw_values(axis: Axes, scores: StageScores, metric: str, label: str) -> None:
    stages = list(COLOURS)
    values = np.array([scores.of_stage(metric, stage) for stage in stages])
    axis.plot(range(len(stages)), values, color="#999999", linewidth=0.7)
    for place, (stage, row) in enumerate(zip(stages, values, strict=True)):
        axis.plot(np.full(row.size, place), row, "o", markersize=3, color=COLOURS[stage])
    axis.plot(range(len(stages)), values.mean(axis=1), "k_", markersize=16)
    axis.set(xticks=range(len(stages)), xticklabels=stages, ylabel=label, xlim=(-0.4, len(stages) - 0.6))


def _draw_changes(axis: Axes, change: np.ndarray, label: str, mean: float | None) -> None:
    axis.hist(change, bins=min(10, max(4, change.size // 2)), color="#56B4E9")
    axis.axvline(change.mean(), color="black", linewidth=1.5)
    axis.axvline(0, color="#999999", linewidth=0.8, linestyle=":")
    if mean is not None:
        axis.axvline(mean, color="#D55E00", linewidth=1.2, linestyle="--")
    axis.set(xlabel=label, ylabel="images")


def _sd(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else float("nan")


def stated(path: Path, name: str) -> dict[str, dict[str, dict[str, float]]]:
    """Means, deviations and changes that a source states for one set of images.

    Parameters
    ----------
    path : Path
        A CSV file with the columns "set", "metric", "n", and for every stage its name, "sd" and its name, and, but for
        the first, "change" and its name.
    name : str
        Of the set.

    Returns
    -------
    dict
        Metric to "mean", "sd" and "change", each a dict from stage to number; and "n".

    Raises
    ------
    ValueError
        If the file has no such set.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["set"] == name]
    if not rows:
        raise ValueError(f"{path.name} holds no set {name!r}")
    prefixes = {"mean": "", "sd": "sd ", "change": "change "}
    return {
        row["metric"]: {
            what: {stage: float(row[prefix + stage]) for stage in COLOURS if prefix + stage in row}
            for what, prefix in prefixes.items()
        }
        | {"n": int(row["n"])}
        for row in rows
    }
