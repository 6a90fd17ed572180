"""Scores of many restorers on one test set, measured once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from nbsupport.codebase import code_sha256
from nbsupport.publish import write_json

from .judge import MEASURES, Judge


def scores(
    restore: Callable[[Judge], np.ndarray],
    judges: Sequence[Judge],
    *,
    cache: Path | None = None,
    identity: str = "",
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Measure the output of one restorer on every test pair.

    Parameters
    ----------
    restore : callable
        Takes a judge and gives an image of its pair, (y, x).
    judges : sequence of Judge
    cache : path, optional
        JSON file of this restorer. Pairs that it holds are not measured again, unless the identity, the pair or the
        code of the measures has changed.
    identity : str
        Of the restorer, such as the sha256 of its weights.
    progress : callable, optional
        Called with the finished fraction.

    Returns
    -------
    Dataset, (pair,)
        A variable for every key of `MEASURES`, with coordinates ``pair`` (name), ``structure`` and ``pixel_um``.
    """
    stamp = {"identity": identity, "measures": _measures_sha256()}
    kept = _kept(cache, stamp)
    for done, judge in enumerate(judges):
        key = _key(judge)
        if key not in kept:
            kept[key] = judge.measure(restore(judge))
            _keep(cache, stamp, kept)
        if progress is not None:
            progress((done + 1) / len(judges))
    rows = [kept[_key(judge)] for judge in judges]
    return _dataset(rows, judges)


def together(tables: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Scores of several restorers on the same pairs, (run, pair)."""
    return xr.concat(list(tables.values()), dim="run").assign_coords(run=list(tables))


def _dataset(rows: list[dict], judges: Sequence[Judge]) -> xr.Dataset:
    columns = {name: ("pair", np.array([row[name] for row in rows], dtype=float)) for name in MEASURES}
    coords = {
        "pair": [judge.name for judge in judges],
        "structure": ("pair", [judge.pair.structure for judge in judges]),
        "pixel_um": ("pair", [judge.pair.pixel_um for judge in judges]),
    }
    return xr.Dataset(columns, coords)


def _kept(cache: Path | None, stamp: dict) -> dict[str, dict]:
    if cache is None or not Path(cache).exists():
        return {}
    stored = json.loads(Path(cache).read_text("utf-8"))
    if stored["stamp"] != stamp:
        return {}
    return {
        key: {name: float("nan") if value is None else value for name, value in row.items()}
        for key, row in stored["pairs"].items()
    }


def _keep(cache: Path | None, stamp: dict, kept: dict[str, dict]) -> None:
    if cache is None:
        return
    rows = {
        key: {name: value if np.isfinite(value) else None for name, value in row.items()} for key, row in kept.items()
    }
    write_json(Path(cache), {"stamp": stamp, "pairs": rows})


def _key(judge: Judge) -> str:
    """Name of a pair and a fingerprint of its two images."""
    images = judge.pair.noisy.tobytes() + judge.pair.clean.tobytes()
    return f"{judge.name} {hashlib.sha256(images).hexdigest()[:12]}"


@cache
def _measures_sha256() -> str:
    """Fingerprint of the code that restores and measures, with all that it imports."""
    return code_sha256(Path(__file__).with_name("runs.py"))
