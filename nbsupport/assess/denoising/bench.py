"""Train every denoiser once, keep it, and score it on every cell: one structure at one exposure."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from nbsupport.assess.fidelity import ms_ssim, psnr_db, rescale, ssim
from nbsupport.assess.resolution import mean_frc
from nbsupport.assess.statistics import Interval, paired_difference
from nbsupport.codebase import code_sha256
from nbsupport.publish import write_json
from nbsupport.restore.denoisers import Denoiser, Examples

METRICS = {
    "psnr_truth_range_db": "PSNR, range of the clean image, dB",
    "ssim": "SSIM, window 11 px, range of the clean image",
    "ms_ssim": "MS-SSIM with the exponents of Wang et al., same range",
    "psnr_scale_invariant_db": "PSNR after the best linear fit onto the clean image (MSE on normalised images), dB",
    "mean_frc": "mean ring correlation with the clean image",
}
"""What `score` measures; all are better when larger. MS-SSIM needs images of 161 px or more and is NaN below."""

_SMALLEST_FOR_MS_SSIM = 161


@dataclass(frozen=True)
class Cell:
    """One structure at one exposure.

    Parameters
    ----------
    structure : str
    photons : float
        In the brightest pixel.
    training, test : Examples
        Of fields that have nothing in common.
    """

    structure: str
    photons: float
    training: Examples
    test: Examples


def learned(
    denoiser: Denoiser,
    examples: Examples,
    *,
    seed: int = 0,
    folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Denoiser:
    """Train a denoiser, or take up what an earlier run has left of the same training.

    Parameters
    ----------
    denoiser : Denoiser
        Untrained.
    examples : Examples
    seed : int
    folder : Path, optional
        Where trainings are kept, each in a folder named after a hash of method, options, seed, examples and code.
    progress : callable, optional
        Called with the finished fraction.

    Returns
    -------
    Denoiser
        The same, trained; ``seconds`` is what the training took, in whichever run.
    """
    if folder is None:
        return denoiser.train(examples, seed=seed, progress=progress)
    place = Path(folder) / _fingerprint(denoiser, examples, seed)
    denoiser.train(examples, seed=seed, checkpoint=place / "state", progress=progress)
    note = place / "training.json"
    if note.exists():
        denoiser.seconds = json.loads(note.read_text(encoding="utf-8"))["seconds"]
    else:
        write_json(note, {"name": denoiser.name, "seed": seed, "seconds": denoiser.seconds})
    return denoiser


def score(clean: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """All `METRICS` of one image.

    Parameters
    ----------
    clean, restored : array, (y, x), ADU

    Returns
    -------
    dict of float
    """
    span = float(np.ptp(clean))
    large = min(np.shape(clean)) >= _SMALLEST_FOR_MS_SSIM
    return {
        "psnr_truth_range_db": psnr_db(clean, restored, convention="truth_range"),
        "ssim": ssim(clean, restored, data_range=span),
        "ms_ssim": ms_ssim(clean, restored, data_range=span) if large else float("nan"),
        "psnr_scale_invariant_db": _scale_invariant(clean, restored),
        "mean_frc": mean_frc(clean, restored) if np.ptp(restored) > 0 else 0.0,
    }


def matched(clean: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """Restored image after the straight line through its values that brings it nearest to the clean one.

    For pairs whose two images have different units, as real ones often do.
    """
    if not np.ptp(restored) > 0:
        return np.full(np.shape(clean), float(np.mean(clean)))
    slope, level = np.polyfit(np.ravel(restored), np.ravel(clean), 1)
    return slope * restored + level


def scores(
    restorers: Mapping[tuple[str, str], Sequence[Sequence[Callable]]],
    cells: Sequence[Cell],
    *,
    track: Callable = iter,
) -> xr.DataArray:
    """Score every method on every test image of every cell.

    Parameters
    ----------
    restorers : mapping
        (method, structure) to what restores: one list per seed, with one callable per exposure, or a single one for
        all of them. Each takes an image, ADU, and gives one.
    cells : sequence of Cell
        The full grid of structures and exposures, structure by structure.
    track : callable
        Wraps the list of methods and structures, to report progress.

    Returns
    -------
    DataArray, (denoiser, structure, photons, seed, image, metric)
        A method with fewer seeds than others repeats its last one: its values do not vary.
    """
    methods = list(dict.fromkeys(method for method, _ in restorers))
    structures = list(dict.fromkeys(cell.structure for cell in cells))
    exposures = list(dict.fromkeys(cell.photons for cell in cells))
    seeds, images = max(len(r) for r in restorers.values()), len(cells[0].test.noisy)
    table = np.full((len(methods), len(structures), len(exposures), seeds, images, len(METRICS)), np.nan)
    for method, structure in track(list(restorers)):
        row = table[methods.index(method), structures.index(structure)]
        given = restorers[method, structure]
        for number, cell in enumerate(c for c in cells if c.structure == structure):
            for seed, restore in enumerate(given):
                row[number, seed] = _scored(restore[number if len(restore) > 1 else 0], cell.test)
            row[number, len(given) :] = row[number, len(given) - 1]
    coords = {"denoiser": methods, "structure": structures, "photons": exposures, "metric": list(METRICS)}
    return xr.DataArray(table, coords, ("denoiser", "structure", "photons", "seed", "image", "metric"))


def cell_means(table: xr.DataArray, metric: str) -> xr.DataArray:
    """Means over seeds and images of one metric, (denoiser, cell)."""
    return table.sel(metric=metric).mean(("seed", "image")).stack(cell=("structure", "photons"))


def best_in_cell(
    table: xr.DataArray, metric: str, first: Sequence[str], second: Sequence[str], *, rng: np.random.Generator
) -> list[Interval]:
    """Best of one group of methods minus best of another, cell by cell, paired over images.

    Parameters
    ----------
    table : DataArray of `scores`
    metric : str
    first, second : sequence of str
        Methods; the best of each group in a cell is the one with the best mean there.
    rng : numpy.random.Generator

    Returns
    -------
    list of Interval, one per cell
    """
    values = (
        table.sel(metric=metric).stack(cell=("structure", "photons")).transpose("cell", "denoiser", "seed", "image")
    )
    differences = []
    for cell in values:
        best = [
            cell.sel(denoiser=max(group, key=lambda m: float(cell.sel(denoiser=m).mean()))) for group in (first, second)
        ]
        differences.append(paired_difference(*(b.values for b in best), rng=rng, resamples=2000))
    return differences


def _scored(restore: Callable, test: Examples) -> np.ndarray:
    pairs = zip(test.clean, test.noisy, strict=True)
    return np.array([list(score(clean, restore(noisy)).values()) for clean, noisy in pairs])


def _scale_invariant(clean: np.ndarray, restored: np.ndarray) -> float:
    truth, estimate, span = rescale(clean, restored, convention="scale_invariant")
    return float(10 * np.log10(span**2 / np.mean((truth - estimate) ** 2)))


def _fingerprint(denoiser: Denoiser, examples: Examples, seed: int) -> str:
    """Hash of everything that a training depends on."""
    options = {f.name: getattr(denoiser, f.name) for f in fields(denoiser) if f.init}
    code = _code_sha256(type(denoiser).__module__)
    digest = hashlib.sha256(repr((denoiser.name, sorted(options.items()), seed, code)).encode())
    for f in fields(examples):
        value = getattr(examples, f.name)
        given = value if isinstance(value, list) else [value]
        for part in given:
            array = part if isinstance(part, np.ndarray) else None
            digest.update(repr((f.name, part if array is None else array.shape)).encode())
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:20]


@cache
def _code_sha256(module: str) -> str:
    """Hash of the file of a module and of all that it reaches in this package."""
    return code_sha256(Path(sys.modules[module].__file__))
