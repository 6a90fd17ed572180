"""Write training pairs: one store per structure and pixel size, shard by shard, by any number of processes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from nbsupport.checks import whole_number
from nbsupport.restore.pairs.pair import fine_centres_um, make
from nbsupport.restore.pairs.protocol import Protocol, draw_parameters
from nbsupport.store import SampleStore

# Emitters that a store has room for: the most that the ranges of the source allow, and five standard deviations more.
_MOST_EMITTERS = {"actin": 5_400, "vesicles": 191_000, "mitochondria": 9_950}


def open_store(
    folder: Path, structure: str, pixel_um: float, protocol: Protocol, *, samples: int, shard: int
) -> SampleStore:
    """Open the store of one structure and pixel size, or make it.

    Parameters
    ----------
    folder : Path
        Of the data set.
    structure : str
        One of `STRUCTURES`.
    pixel_um : float
        Pixel of the raw frames, µm.
    protocol : Protocol
    samples : int
        Pairs that the store will hold.
    shard : int
        Pairs per shard: what a killed run loses at most, in each process.

    Returns
    -------
    SampleStore
        Of ``noisy`` and ``clean``, (sample, y, x), float32, each divided by its maximum, and ``emitters_um``,
        (sample, emitter, axis), float32, x, y, z in µm, filled up with NaN.

    Raises
    ------
    StoreError
        If the store there was made with other parameters.
    """
    centres_um = fine_centres_um(draw_parameters(protocol, structure, pixel_um, 0))
    image = (("y", "x"), np.zeros((len(centres_um), len(centres_um)), dtype=np.float32), {"units": "1"})
    emitters = np.zeros((_MOST_EMITTERS[structure], 3), dtype=np.float32)
    template = xr.Dataset(
        {"noisy": image, "clean": image, "emitters_um": (("emitter", "axis"), emitters, {"units": "µm"})},
        coords={axis: (axis, centres_um, {"units": "µm"}) for axis in ("y", "x")},
    )
    attrs = {"protocol": asdict(protocol), "structure": structure, "pixel_um": pixel_um}
    path = Path(folder) / f"{structure}-{1000 * pixel_um:g}nm.zarr"
    return SampleStore.create_or_open(path, template=template, samples=samples, shard=shard, attrs=attrs)


def stores_in(folder: Path, structure: str | None = None) -> list[SampleStore]:
    """Stores of a data set, of one structure if it is named, in the order of their names.

    Raises
    ------
    ValueError
        If there are none; the message says what is there.
    """
    found = [SampleStore(path) for path in sorted(Path(folder).glob("*.zarr"))]
    chosen = [store for store in found if structure in (None, store.attrs["structure"])]
    if not chosen:
        there = ", ".join(store.path.stem for store in found) or "nothing"
        raise ValueError(f"folder={Path(folder).name!r} holds no pairs of structure={structure!r}; it holds {there}")
    return chosen


def simulate(
    store: SampleStore, shards: Iterable[int] | None = None, *, progress: Callable[[float], None] | None = None
) -> list[int]:
    """Simulate the pairs of some shards and write them.

    Parameters
    ----------
    store : SampleStore
        From `open_store`.
    shards : iterable of int, optional
        All if not given. Those that are written already, or are being written by another process on this machine, are
        passed over, so that any number of processes may share a store, whatever shards they are given.
    progress : callable, optional
        Called with the finished fraction.

    Returns
    -------
    list of int
        Shards written by this call.
    """
    written, wanted = [], list(range(store.shards) if shards is None else shards)
    for done, index in enumerate(wanted):
        with _only_writer(store, index) as mine:
            if mine and index in store.missing_shards():
                store.write_shard(index, *_pairs(store, store.shard_samples(index)))
                written.append(index)
        if progress is not None:
            progress((done + 1) / len(wanted))
    return written


def simulate_all(
    stores: Sequence[SampleStore], *, workers: int = 1, progress: Callable[[float], None] | None = None
) -> None:
    """Write everything that is missing in several stores.

    Parameters
    ----------
    stores : sequence of SampleStore
    workers : int
        Processes of one thread each; 1 computes here. The images do not depend on it.
    progress : callable, optional
        Called with the finished fraction.
    """
    workers = whole_number("workers", workers, least=1)
    # the first shards of all stores first, so that a half-made data set is a smaller data set
    jobs = sorted((index, place) for place, store in enumerate(stores) for index in store.missing_shards())
    report = progress or (lambda fraction: None)
    if workers == 1 or len(jobs) < 2:
        for done, (index, place) in enumerate(jobs):
            simulate(stores[place], [index])
            report((done + 1) / len(jobs))
        return
    with ProcessPoolExecutor(min(workers, len(jobs)), multiprocessing.get_context("spawn"), _prepare_worker) as pool:
        waiting = [pool.submit(_simulate_at, stores[place].path, index) for index, place in jobs]
        for done, finished in enumerate(as_completed(waiting)):
            finished.result()
            report((done + 1) / len(jobs))


def _prepare_worker():
    torch.set_num_threads(1)
    # a pool whose owner was killed would go on alone
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _simulate_at(path, index):
    simulate(SampleStore(path), [index])


def _pairs(store, numbers):
    """Arrays and parameters of the pairs with these numbers."""
    made = [_pair(store, number) for number in numbers]
    arrays = {name: np.stack([arrays[name] for arrays, _ in made]) for name in ("noisy", "clean", "emitters_um")}
    return arrays, [parameters for _, parameters in made]


def _pair(store, number):
    structure = store.attrs["structure"]
    given = draw_parameters(Protocol(**store.attrs["protocol"]), structure, store.attrs["pixel_um"], number)
    made = make(given)
    arrays = {"noisy": made.noisy, "clean": made.clean}
    arrays["emitters_um"] = np.full((_MOST_EMITTERS[structure], 3), np.nan, dtype=np.float32)
    arrays["emitters_um"][: len(made.emitters_um)] = made.emitters_um
    sha256 = hashlib.sha256(made.emitters_um).hexdigest()
    return arrays, made.parameters | {"emitters": len(made.emitters_um), "emitters_sha256": sha256}


@contextlib.contextmanager
def _only_writer(store: SampleStore, index: int) -> Iterator[bool]:
    """Whether this process may write the shard; the system drops the lock when the process ends, however it ends."""
    path = store.path.with_name(f".{store.path.stem}.{index:06d}.lock")
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
