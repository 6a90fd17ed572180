"""The open data sets of the study: where their files are, whether they are intact, and what stands in for them.

``params/data.yaml`` names every file with its size and sha256. A file is looked for in the folder that
``NBSUPPORT_DATA`` names, then in the cache of the repository, then at its public address; ``NBSUPPORT_OFFLINE=1``
forbids the last step. Nothing is handed out unverified, and everything handed out is remembered for the provenance
record.
"""

import functools
import logging
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import pooch
import requests

from nbsupport.checks import nearest
from nbsupport.publish import file_sha256
from nbsupport.study import layout
from nbsupport.study.params import load_parameters

REGISTRY = layout.PARAMS / "data.yaml"
CACHE = layout.DATA / "registry"

log = logging.getLogger(__name__)


class DataError(ValueError):
    """A registry entry or a data file is not what it should be."""


class UnknownDataset(ValueError):
    """No data set of this name is in the registry."""


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes
    ----------
    path : str
        Below any folder that holds the data, with forward slashes.
    bytes : int
    sha256 : str
        64 lower-case hexadecimal digits.
    url : str or None
        Public address of the same bytes; None if there is none.
    """

    path: str
    bytes: int
    sha256: str
    url: str | None = None

    def __post_init__(self):
        parts = PurePosixPath(self.path)
        if parts.is_absolute() or ".." in parts.parts:
            raise DataError(f"path={self.path!r} leaves the data folder; give a relative path without '..'")
        if not re.fullmatch(r"[0-9a-f]{64}", str(self.sha256)):
            raise DataError(f"sha256={self.sha256!r} of {self.path} is not 64 lower-case hexadecimal digits")
        if self.url is not None and not self.url.startswith(("https://", "http://")):
            raise DataError(f"url={self.url!r} of {self.path} is not a web address; give https://… or null")


@dataclass(frozen=True)
class Dataset:
    """One entry of the registry.

    Attributes
    ----------
    name, what, kind, credit, axes, dtype : str
        ``kind`` says whether the data are measured or computed; ``axes`` has one letter per axis of ``shape``.
    licence, redistribute : str
    serves : tuple of str
        What the data set can stand for in the study.
    imaging : Mapping
        Acquisition parameters, unit in each name; None where the origin states nothing.
    shape : tuple of int
    doubts : tuple of str
    stand_in : str or None
        The simulation that takes the place of the data when no file is at hand.
    files : tuple of DataFile
    """

    name: str
    what: str
    kind: str
    licence: str
    credit: str
    redistribute: str
    serves: tuple[str, ...]
    imaging: Mapping
    axes: str
    shape: tuple[int, ...]
    dtype: str
    doubts: tuple[str, ...]
    stand_in: str | None
    files: tuple[DataFile, ...]

    def file(self, path_or_suffix: str | None = None) -> DataFile:
        """The one file whose path is, or ends in, `path_or_suffix`; without it, the only file.

        Raises
        ------
        DataError
            If no file or more than one fits; the message lists all of them.
        """
        fitting = [f for f in self.files if f.path == path_or_suffix] or [
            f for f in self.files if f.path.endswith(path_or_suffix or "")
        ]
        if len(fitting) == 1:
            return fitting[0]
        fault = "is ambiguous" if fitting else "fits no file"
        listing = ", ".join(f.path for f in self.files)
        raise DataError(f"path={path_or_suffix!r} {fault} of {self.name}; its files are {listing}")


def names(registry: Path | None = None) -> list[str]:
    """Names of all data sets, in the order of the registry."""
    return list(_load(Path(registry or REGISTRY)))


def dataset(name: str, registry: Path | None = None) -> Dataset:
    """The registry entry of one data set.

    Parameters
    ----------
    name : str
        As in the registry.
    registry : Path, optional
        Another registry than ``params/data.yaml``.

    Raises
    ------
    UnknownDataset
        With the nearest name that exists.
    """
    entries = _load(Path(registry or REGISTRY))
    if name not in entries:
        raise UnknownDataset(f"the registry has no data set {name!r}{nearest(name, entries)}")
    return entries[name]


def locate(name: str, path: str | None = None, *, download: bool = True, registry: Path | None = None) -> Path | None:
    """A verified local copy of one file of a data set.

    Parameters
    ----------
    name : str
        Data set.
    path : str, optional
        The file's path in the registry or the end of it, such as ``".tif"``; needed if there are several files.
    download : bool
        Whether the public address may be asked. ``NBSUPPORT_OFFLINE=1`` in the environment forbids it as well.
    registry : Path, optional
        Another registry than ``params/data.yaml``.

    Returns
    -------
    Path or None
        None if the file is in neither folder and cannot be fetched: time for `stand_in`.

    Raises
    ------
    DataError
        If a file is found whose size or sha256 differs from the registry (it is left where it is), or if
        ``NBSUPPORT_DATA`` names no folder.
    """
    wanted = dataset(name, registry).file(path)
    for source, folder in _folders():
        found = folder / wanted.path
        if found.exists():
            _verify(found, wanted)
            _record(name, source, wanted)
            return found
    if not download or wanted.url is None or os.environ.get("NBSUPPORT_OFFLINE", "0") not in ("", "0"):
        return None
    fetched = _fetch(wanted)
    if fetched is not None:
        _record(name, "download", wanted)
    return fetched


def stand_in(name: str, drawn: str | None = None, *, registry: Path | None = None) -> str:
    """Record that a simulation takes the place of the data.

    Parameters
    ----------
    name : str
        Data set.
    drawn : str, optional
        What is simulated, if it is not what the registry names.
    registry : Path, optional
        Another registry than ``params/data.yaml``.

    Returns
    -------
    str
        A sentence that says so, for the caption of every figure drawn from it.

    Raises
    ------
    DataError
        If the registry names no stand-in for this data set.
    """
    drawn = drawn or dataset(name, registry).stand_in
    if not drawn:
        raise DataError(f"the registry names no stand-in for {name}; its files are needed")
    _record(name, f"stand-in: {drawn}", None)
    return f"{drawn.rstrip('. ')} (in place of {name}, whose files were not at hand)."


_used: dict[tuple, dict] = {}


def data_used() -> list[dict]:
    """What this process took from the registry, in order of first use.

    Returns
    -------
    list of dict
        ``name``, ``path`` (as in the registry), ``sha256`` and ``source``: "NBSUPPORT_DATA", "cache", "download" or
        "stand-in: …"; a stand-in has neither path nor sha256 (None).
    """
    return [dict(record) for record in _used.values()]


def forget_data_used() -> None:
    """Start the record of `data_used` afresh."""
    _used.clear()


def _record(name, source, file):
    path, sha256 = (file.path, file.sha256) if file else (None, None)
    _used.setdefault((name, path, source), {"name": name, "path": path, "sha256": sha256, "source": source})


def _folders():
    named = os.environ.get("NBSUPPORT_DATA")
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise DataError(f"NBSUPPORT_DATA={named!r} is not a folder; name the one that holds the data, or unset it")
        yield "NBSUPPORT_DATA", folder
    yield "cache", CACHE


def _verify(found: Path, wanted: DataFile):
    sha256 = file_sha256(found)
    size = found.stat().st_size
    if (size, sha256) != (wanted.bytes, wanted.sha256):
        raise DataError(
            f"{found} is not the file of the registry: expected {wanted.bytes} bytes with sha256 {wanted.sha256}, "
            f"found {size} bytes with sha256 {sha256}; move it away to have it fetched again"
        )


def _fetch(wanted: DataFile) -> Path | None:
    target = CACHE / wanted.path
    pooch.get_logger().setLevel("WARNING")  # its notices spell out folders of this machine, in a notebook too
    log.info("fetching %s (%.1f MB)", wanted.path, wanted.bytes / 1e6)
    try:
        pooch.retrieve(
            wanted.url,
            known_hash=f"sha256:{wanted.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=30),
        )
    except requests.exceptions.RequestException as error:
        log.warning("could not fetch %s: %s", wanted.path, error)
        return None
    except ValueError as error:  # pooch keeps nothing whose hash differs
        raise DataError(f"{wanted.url} no longer serves {wanted.path} of the registry: {error}") from error
    _verify(target, wanted)
    return target


@functools.cache
def _load(registry: Path) -> dict[str, Dataset]:
    entries = {}
    for raw in load_parameters(registry)["datasets"]:
        try:
            files = tuple(DataFile(**file) for file in raw["files"])
            tuples = {key: tuple(raw[key]) for key in ("serves", "shape", "doubts")}
            entry = Dataset(**{**raw, **tuples, "files": files, "imaging": MappingProxyType(raw["imaging"])})
        except (KeyError, TypeError) as error:
            raise DataError(f"{registry.name}, data set {raw.get('name')!r}: wrong or missing key ({error})") from error
        if entry.name in entries:
            raise DataError(f"{registry.name} lists {entry.name!r} twice")
        entries[entry.name] = entry
    return entries
