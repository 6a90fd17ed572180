"""What is kept of one sample, and the stores of many."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from nbsupport.reconstruct import sim
from nbsupport.seeds import streams
from nbsupport.simulate.illumination import Pattern
from nbsupport.store import SampleStore

from .planar import PlanarProtocol
from .volumetric import VolumeProtocol

Protocol = PlanarProtocol | VolumeProtocol


@dataclass(frozen=True, eq=False)
class Acquisition:
    """One sample, recorded bright and dim, with both reconstructions.

    Attributes
    ----------
    number : int
        Of the sample under its protocol.
    high, low : DataArray, (angle, phase, [z,] y, x)
        Bright and dim frames.
    truth : DataArray, ([z,] y, x)
        Fluorophores per pixel; in a plane on the grid of the reconstructions.
    high_image, low_image : DataArray, ([z,] y, x)
        Reconstructions with `pattern`, negative values kept.
    pattern : Pattern
        Found in the bright frames, or, where it was not found (`found` is False), the true one.
    true_pattern : Pattern
    found : bool
    """

    number: int
    high: xr.DataArray
    low: xr.DataArray
    truth: xr.DataArray
    high_image: xr.DataArray
    low_image: xr.DataArray
    pattern: Pattern
    true_pattern: Pattern
    found: bool


def acquire(protocol: Protocol, number: int, *, truth: xr.DataArray | None = None) -> Acquisition:
    """Record one sample, a pure function of the protocol and the number.

    Parameters
    ----------
    protocol : PlanarProtocol or VolumeProtocol
    number : int
    truth : DataArray, optional
        Record this object instead of the protocol's own.

    Returns
    -------
    Acquisition
    """
    rng = streams(protocol.seed, "phases", "noise", sample=number)
    truth = protocol.object(number) if truth is None else truth
    light = protocol.light(truth, rng.phases)
    high, low = protocol.exposure.frames(light, rng=rng.noise)
    true_pattern = Pattern.of(light)
    pattern = _pattern_of(protocol, high)
    found = pattern is not None
    pattern = pattern if found else true_pattern
    images = [protocol.reconstructed(frames, pattern) for frames in (high, low)]
    return Acquisition(number, high, low, protocol.in_focus(truth), *images, pattern, true_pattern, found)


def _pattern_of(protocol, frames):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sim.SimWarning)  # of modulations out of range, which the record keeps
        try:
            found = protocol.estimated(frames)
        except sim.SimError:
            return None
    return Pattern(found.wave_vector_per_um, found.phase_rad, found.modulation)


def open_store(folder: Path, name: str, protocol: Protocol, *, samples: int, shard: int = 4) -> SampleStore:
    """Open the store of one protocol, or make it.

    Parameters
    ----------
    folder : Path
    name : str
        Of the store in it.
    protocol : PlanarProtocol or VolumeProtocol
    samples, shard : int
        Acquisitions in the store, and in the part that a killed run loses.

    Returns
    -------
    SampleStore
        Of ``high``, ``low`` (sample, angle, phase, [z,] y, x), ``truth``, ``high_image`` and ``low_image``, float32;
        the patterns are parameters of the samples.

    Raises
    ------
    StoreError
        If the store there was made otherwise.
    """
    arrays = _arrays(_blank(protocol))
    template = xr.Dataset({key: (_dims(key, values.ndim), values) for key, values in arrays.items()})
    attrs = {"protocol": json.loads(json.dumps(asdict(protocol))), "kind": type(protocol).__name__}
    path = Path(folder) / f"{name}.zarr"
    return SampleStore.create_or_open(path, template=template, samples=samples, shard=shard, attrs=attrs)


def simulate(
    store: SampleStore,
    protocol: Protocol,
    *,
    shards: Iterable[int] | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Record what a store still lacks.

    Parameters
    ----------
    store : SampleStore
        From `open_store`.
    protocol : PlanarProtocol or VolumeProtocol
        The one it was opened with.
    shards : iterable of int, optional
        Parts to write; all that are missing if not given.
    progress : callable, optional
        Called with the finished fraction.
    """
    missing = [index for index in store.missing_shards() if shards is None or index in set(shards)]
    for done, index in enumerate(missing):
        made = [acquire(protocol, number) for number in store.shard_samples(index)]
        kept = [_arrays(one) for one in made]
        arrays = {key: np.stack([one[key] for one in kept]) for key in kept[0]}
        store.write_shard(index, arrays, [_record(one) for one in made])
        if progress is not None:
            progress((done + 1) / len(missing))


def load(store: SampleStore, protocol: Protocol, numbers: Iterable[int] | None = None) -> list[Acquisition]:
    """Acquisitions of a store.

    Parameters
    ----------
    store : SampleStore
    protocol : PlanarProtocol or VolumeProtocol
        The one it was opened with: gives the coordinates.
    numbers : iterable of int, optional
        Of the samples; all that are written if not given.

    Returns
    -------
    list of Acquisition
        In single precision.
    """
    numbers = store.done_samples() if numbers is None else np.asarray(list(numbers))
    stored, blank = store.read(), _blank(protocol)
    place = {number: row for row, number in enumerate(store.done_samples().tolist())}
    records, found = store.parameters(numbers), []
    for number, record in zip(numbers.tolist(), records, strict=True):
        row = stored.isel(sample=place[number])
        images = {key: getattr(blank, key).copy(data=row[key].values) for key in _KEYS}
        patterns = {key: Pattern(**record[key]) for key in ("pattern", "true_pattern")}
        found.append(Acquisition(number=number, found=record["found"], **images, **patterns))
    return found


_KEYS = ("high", "low", "truth", "high_image", "low_image")


def _arrays(acquisition):
    return {key: getattr(acquisition, key).values.astype(np.float32) for key in _KEYS}


def _record(acquisition):
    patterns = {key: getattr(acquisition, key).attrs for key in ("pattern", "true_pattern")}
    return {"found": acquisition.found, **patterns}


def _dims(key, axes):
    names = ("angle", "phase") if key in ("high", "low") else ()
    return names + tuple(f"{key}_{axis}" for axis in "zyx"[len(names) - axes :])


def _blank(protocol):
    """An acquisition without light: shapes and coordinates."""
    raw_um, fine_um, planes_um = protocol.grids_um
    frames = _zeros({"angle": np.arange(3), "phase": np.arange(protocol.channels // 3)}, planes_um, raw_um)
    image = _zeros({}, planes_um, fine_um)
    truth = image if planes_um is None else _zeros({}, planes_um, raw_um)
    none = Pattern(np.ones((1, 2)), np.zeros((1, 1)), np.ones((1, 1)))
    return Acquisition(-1, frames, frames, truth, image, image, none, none, False)


def _zeros(coords, planes_um, lateral_um):
    coords = dict(coords) | ({} if planes_um is None else {"z": planes_um}) | {"y": lateral_um, "x": lateral_um}
    values = np.zeros([len(axis) for axis in coords.values()])
    unnamed = {dim: axis for dim, axis in coords.items() if dim not in ("angle", "phase")}
    return xr.DataArray(values, dims=tuple(coords), coords=unnamed, attrs={"units": "1"})
