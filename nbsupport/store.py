"""A simulated training set as one Zarr store that grows shard by shard.

The samples of a shard are written first, its record (their parameters, the sha256 of every array) last and in one step.
A shard without a record does not exist for any reader, so a store can be read while it is being made, and a killed run
goes on with the missing shards. Several processes may write at once, but one shard has one writer.

All of it is plain Zarr 3; the record of shard 3 are the attributes of the group ``shards/000003``.
"""

import hashlib
import json
import operator
import os
import reprlib
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
import zarr


class StoreError(ValueError):
    """A sample store is not what was asked for, or not what was written."""


class SampleStore:
    """Samples of one kind, their parameters, and which of them are there.

    ``SampleStore(path)`` opens one that exists, finished or growing; `create_or_open` makes it if need be.

    Parameters
    ----------
    path : Path
        Folder of the Zarr store.

    Attributes
    ----------
    samples, shard, shards : int
        Samples that the whole store will hold, samples per shard (the last may hold fewer), number of shards.
    attrs : dict
        What all samples have in common.
    parameters_sha256 : str
        Hash of `attrs` written as JSON with sorted keys.

    Raises
    ------
    StoreError
        If there is no sample store at `path`.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        try:
            self._root = zarr.open_group(self.path, mode="r+", zarr_format=3)
            self._plan = self._root.attrs["store"]
        except (FileNotFoundError, KeyError):
            raise StoreError(f"path={str(path)!r} holds no sample store") from None
        self.samples, self.shard = self._plan["samples"], self._plan["shard"]
        self.shards = -(-self.samples // self.shard)
        self.attrs = self._plan["attrs"]
        self.parameters_sha256 = hashlib.sha256(_json(self.attrs).encode()).hexdigest()

    @classmethod
    def create_or_open(cls, path: Path, *, template: xr.Dataset, samples: int, shard: int, attrs: Mapping) -> Self:
        """Open the store at `path` if it is the one described, or make it.

        Parameters
        ----------
        path : Path
            Folder of the Zarr store.
        template : Dataset
            What one sample looks like: variables with dims, numeric dtype and attrs (``units``), coordinates. The
            values of the variables do not matter; those of the coordinates hold for all samples.
        samples : int
            Samples that the whole store will hold.
        shard : int
            Samples per shard: the unit that is written, and lost if a run is killed.
        attrs : Mapping
            What made the samples, such as simulation parameters and seed; anything that JSON can hold.

        Raises
        ------
        StoreError
            If `path` holds a store that differs in any of these (the message names the first difference), or a number
            or the template cannot be meant.
        """
        path = Path(path)
        if min(samples, shard) < 1:
            raise StoreError(f"samples={samples} and shard={shard} must both be at least 1")
        plan = json.loads(_json(_plan(template, int(samples), int(shard), attrs)))
        if not (path / "zarr.json").exists():
            _create(path, template, plan)
        store = cls(path)
        if difference := _first_difference(store._plan, plan):
            raise StoreError(f"the store {path.name} was made otherwise: {difference}; remove it or use another path")
        return store

    def shard_samples(self, index: int) -> range:
        """Numbers of the samples that shard `index` holds; a sample seeded by its number is the same in any shard."""
        if not 0 <= index < self.shards:
            raise StoreError(f"index={index} is no shard of {self.path.name}; it has shards 0 to {self.shards - 1}")
        return range(index * self.shard, min((index + 1) * self.shard, self.samples))

    def done_shards(self) -> list[int]:
        """Numbers of the shards that are completely written, ascending."""
        return [index for index in range(self.shards) if self._record_file(index).exists()]

    def missing_shards(self) -> list[int]:
        """Numbers of the shards still to be written, ascending."""
        return sorted(set(range(self.shards)) - set(self.done_shards()))

    def done_samples(self) -> np.ndarray:
        """Numbers of the samples in completely written shards, (sample,), int64, ascending."""
        done = [number for index in self.done_shards() for number in self.shard_samples(index)]
        return np.array(done, dtype=np.int64)

    def write_shard(self, index: int, arrays: Mapping[str, np.ndarray], parameters: Sequence[Mapping]) -> None:
        """Write all samples of one shard; they count only once this has returned.

        Parameters
        ----------
        index : int
            One of `missing_shards`.
        arrays : Mapping of str to ndarray, (sample, ...)
            Every variable of the template, in its dtype, for ``shard_samples(index)``.
        parameters : Sequence of Mapping
            One per sample: what distinguishes it, such as its seed; anything that JSON can hold.

        Raises
        ------
        StoreError
            If the shard is written already, or anything given does not fit; nothing is written then.
        """
        numbers = self.shard_samples(index)
        if self._record_file(index).exists():
            raise StoreError(f"index={index} is written already; call discard_shard first to write it again")
        if len(parameters) != len(numbers):
            raise StoreError(f"parameters has {len(parameters)} entries; shard {index} holds {len(numbers)} samples")
        arrays = {name: np.asarray(values) for name, values in arrays.items()}
        self._check(arrays, len(numbers))
        sha256 = {name: _sha256(values) for name, values in arrays.items()}
        record = json.loads(_json({"sha256": sha256, "parameters": list(parameters)}))
        for name, values in arrays.items():
            self._clear(name, index)
            self._root[name][numbers.start : numbers.stop] = values
        self._write_record(index, record)

    def discard_shard(self, index: int) -> None:
        """Make a shard missing again, for instance one that `verify` found damaged."""
        self.shard_samples(index)
        self._record_file(index).unlink(missing_ok=True)

    def read(self) -> xr.Dataset:
        """All samples of completely written shards.

        Returns
        -------
        Dataset, (sample, ...)
            Read from disk when used. The coordinate ``sample`` holds each sample's number in the whole store; attrs are
            those of the store and ``parameters_sha256``.
        """
        done = self.done_samples()
        # Decoding would turn a variable in seconds into a time difference.
        stored = xr.open_zarr(self.path, consolidated=False, chunks=None, zarr_format=3, decode_cf=False)
        stored = stored.set_coords(list(self._plan["coords"])).isel(sample=done)
        stored.attrs = self.attrs | {"parameters_sha256": self.parameters_sha256}
        return stored

    def parameters(self, samples: Sequence[int] | None = None) -> list[dict]:
        """Parameters of the samples with these numbers; of all that are completely written if none are given."""
        numbers = self.done_samples() if samples is None else np.asarray(samples)
        records = {index: self._record(index)["parameters"] for index in np.unique(numbers // self.shard)}
        return [records[number // self.shard][number % self.shard] for number in numbers]

    def verify(self) -> None:
        """Compare every written shard with the sha256 in its record.

        Raises
        ------
        StoreError
            Naming every damaged shard and variable.
        """
        damaged = [
            f"shard {index} ({name})"
            for index in self.done_shards()
            for name, sha256 in self._record(index)["sha256"].items()
            if sha256 != self._sha256_on_disk(name, index)
        ]
        if damaged:
            raise StoreError(f"{self.path.name} is damaged: {', '.join(damaged)}; discard and write these shards again")

    def _record_file(self, index):
        return self.path / "shards" / _key(index) / "zarr.json"

    def _write_record(self, index, record):
        # Made aside and renamed: a group made in place would first touch the metadata of its parents, and leave there,
        # for a moment or if it is killed for good, files that a reader takes for members of the store.
        final = self._record_file(index).parent
        aside = final.with_name(f".{final.name}")
        shutil.rmtree(aside, ignore_errors=True)
        zarr.create_group(aside, zarr_format=3, attributes=record)
        os.rename(aside, final)

    def _record(self, index):
        return self._root["shards"][_key(index)].attrs.asdict()

    def _sha256_on_disk(self, name, index):
        numbers = self.shard_samples(index)
        try:
            return _sha256(self._root[name][numbers.start : numbers.stop])
        except (OSError, RuntimeError, ValueError):  # what checksums and decompression raise on broken bytes
            return None

    def _check(self, arrays, count):
        if arrays.keys() != self._plan["variables"].keys():
            raise StoreError(f"arrays has {sorted(arrays)}; the store holds {sorted(self._plan['variables'])}")
        for name, variable in self._plan["variables"].items():
            asked = f"{variable['dtype']} {(count, *variable['shape'])}"
            given = f"{arrays[name].dtype} {arrays[name].shape}"
            if given != asked:
                raise StoreError(f"arrays[{name!r}] is {given}; this shard takes {asked}")

    def _clear(self, name, index):
        # Zarr merges a new shard with the bytes it finds, and those may be a torn file that a crash has left.
        chunks = self.path / name / "c"
        for left in [chunks / str(index), *chunks.glob(f"{index}.*.partial")]:
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def _key(index):
    return f"{index:06d}"


def _json(value):
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False, default=operator.methodcaller("tolist"))
    except (AttributeError, TypeError, ValueError) as error:
        raise StoreError(f"attrs and parameters must be what JSON can hold: {error}") from None


def _sha256(values):
    return hashlib.sha256(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))).hexdigest()


def _plan(template, samples, shard, attrs):
    if reserved := {"sample", "shards"} & {*template.dims, *template.variables}:
        raise StoreError(f"template uses {sorted(reserved)}, which the store adds itself; choose other names")
    for name, v in template.variables.items():
        if v.dtype.kind not in "biufc" or not v.dtype.isnative:
            raise StoreError(f"template[{name!r}] has dtype {v.dtype.str!r}; give numbers or bool in native byte order")

    def described(v):
        return {"dims": v.dims, "shape": v.shape, "dtype": str(v.dtype), "attrs": v.attrs}

    variables = {name: described(v) for name, v in template.data_vars.items()}
    coords = {name: {**described(v), "values": v.values} for name, v in template.coords.items()}
    return {"samples": samples, "shard": shard, "variables": variables, "coords": coords, "attrs": dict(attrs)}


def _first_difference(stored, asked, where=""):
    if isinstance(stored, list) and isinstance(asked, list):
        stored, asked = dict(enumerate(stored)), dict(enumerate(asked))
    if isinstance(stored, dict) and isinstance(asked, dict):
        for key in sorted({*stored, *asked}):
            if key not in asked:
                return f"it has {where}{key}={reprlib.repr(stored[key])}, which was not asked for"
            if key not in stored:
                return f"it lacks {where}{key}={reprlib.repr(asked[key])}"
            if difference := _first_difference(stored[key], asked[key], f"{where}{key}."):
                return difference
    elif stored != asked:
        return f"{where.rstrip('.')} is {reprlib.repr(stored)} there, {reprlib.repr(asked)} was asked for"
    return None


def _create(path, template, plan):
    # Under a temporary name, so that of several processes that start at once one makes the store and all open it.
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        root = zarr.create_group(temporary, zarr_format=3, attributes={"store": plan})
        root.create_group("shards")
        root.create_array("sample", data=np.arange(plan["samples"]), dimension_names=("sample",))
        for name, v in plan["coords"].items():
            values = template[name].values
            root.create_array(name, data=values, dimension_names=v["dims"], attributes=v["attrs"])
        for name, v in plan["variables"].items():
            root.create_array(
                name,
                shape=(plan["samples"], *v["shape"]),
                dtype=v["dtype"],
                chunks=(1, *v["shape"]),
                shards=(plan["shard"], *v["shape"]),
                dimension_names=("sample", *v["dims"]),
                attributes=v["attrs"],
                fill_value=np.nan if np.dtype(v["dtype"]).kind in "fc" else 0,
            )
        os.rename(temporary, path)
    except OSError:
        if not path.exists():
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
