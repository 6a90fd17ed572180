"""Which pair is for training, validation or test, and reading them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from nbsupport.publish import write_json
from nbsupport.restore.pairs.pair import Pair
from nbsupport.restore.pairs.protocol import STRUCTURES
from nbsupport.restore.pairs.stores import stores_in
from nbsupport.seeds import streams
from nbsupport.store import SampleStore

PARTS = ("train", "validation", "test")
_SPLIT = "split.json"
_TEST_SHARE, _VALIDATION_SHARE = 1 / 4, 1 / 5


def split(folder: Path, *, seed: int = 0) -> dict[str, dict[str, dict[str, list[int]]]]:
    """Divide the pairs of a data set and store the division beside them, or read it if it was stored before.

    A quarter of the pairs of each structure is for test and a fifth of the others for validation, in equal shares of
    the pixel sizes as far as whole numbers allow.

    Parameters
    ----------
    folder : Path
        With the stores of all structures, which need not be filled.
    seed : int

    Returns
    -------
    dict
        Structure -> name of the store -> part -> numbers of the pairs, as it stands in ``split.json``.

    References
    ----------
    jadhav2021, section 2.1 A4, divides 75 to 25 at random and mentions no validation.
    """
    path = Path(folder) / _SPLIT
    if not path.exists():
        rng = streams(seed, "split").split
        there = {store.attrs["structure"] for store in stores_in(folder)}
        division = {kind: _divided(stores_in(folder, kind), rng) for kind in STRUCTURES if kind in there}
        write_json(path, division)
    return json.loads(path.read_text(encoding="utf-8"))


def load(folder: Path, structure: str, part: str) -> list[Pair]:
    """Read the pairs of one structure and part that are there; a data set may still be growing.

    Parameters
    ----------
    folder : Path
        Of the data set.
    structure : str
        One of `STRUCTURES`.
    part : str
        "train" (to fit), "validation" (to choose) or "test" (to judge). They have no pair in common.

    Returns
    -------
    list of Pair
        By pixel size and number.

    Raises
    ------
    ValueError
        If there is no such structure or part, or the data set has not been divided.
    """
    if part not in PARTS:
        raise ValueError(f"part={part!r} is unknown; there are {', '.join(PARTS)}")
    stores, path = stores_in(folder, structure), Path(folder) / _SPLIT
    if not path.exists():
        raise ValueError(f"folder={Path(folder).name!r} has no {_SPLIT}; call split first")
    division = json.loads(path.read_text(encoding="utf-8"))[structure]
    by_pixel = sorted(stores, key=lambda store: store.attrs["pixel_um"])
    return [pair for store in by_pixel for pair in loaded(store, division[store.path.stem][part])]


def loaded(store: SampleStore, numbers: Iterable[int]) -> list[Pair]:
    """Read the pairs with these numbers from one store, without those that are not written yet."""
    stored, pairs = store.read(), []
    there = sorted(set(numbers) & set(store.done_samples().tolist()))
    for number, parameters in zip(there, store.parameters(there), strict=True):
        arrays = stored.sel(sample=number)
        emitters_um = arrays.emitters_um.values[: parameters["emitters"]]
        where = store.attrs["structure"], store.attrs["pixel_um"]
        pairs.append(Pair(*where, arrays.noisy.values, arrays.clean.values, emitters_um, parameters))
    return pairs


def leaks(folder: Path) -> list[str]:
    """Say what parts of a data set have in common that they must not: numbers, random streams, emitters.

    Parameters
    ----------
    folder : Path
        Of a data set that has been divided; only pairs that are there are compared by their emitters.

    Returns
    -------
    list of str
        One sentence per leak; empty if there is none.
    """
    seen: dict[str, tuple[str, str]] = {}
    found = []
    for name, part, key in _identities(folder):
        earlier = seen.setdefault(key, (name, part))
        if earlier != (name, part):
            found.append(f"{name} ({part}) has {key} of {earlier[0]} ({earlier[1]})")
    return found


def _identities(folder):
    """Everything that may occur only once in a data set, with the pair and the part it belongs to."""
    division = split(folder)
    for store in stores_in(folder):
        kind, done = store.attrs["structure"], set(store.done_samples().tolist())
        for part, numbers in division[kind][store.path.stem].items():
            for place, number in enumerate(numbers):
                name = f"{store.path.stem} {number}"
                yield f"{name}, place {place}", part, f"the number {name}"
                if number in done:
                    parameters = store.parameters([number])[0]
                    stream = [parameters[key] for key in ("seed", "structure", "pixel_um", "number")]
                    yield name, part, f"the random stream {stream}"
                    yield name, part, f"the emitters {parameters['emitters_sha256']}"


def _divided(stores, rng):
    """Numbers per store and part: as many for test as the share asks over all stores, each in turn giving one."""
    order = {store.path.stem: rng.permutation(store.samples).tolist() for store in stores}
    total = sum(store.samples for store in stores)
    tests = max(1, round(_TEST_SHARE * total))
    validations = max(1, round(_VALIDATION_SHARE * (total - tests)))
    if tests + validations >= total:
        raise ValueError(f"{total} pairs of a structure are too few for training, validation and test; make 4 or more")
    parts = {name: {part: [] for part in PARTS} for name in order}
    turns = [name for _ in range(total) for name in rng.permutation(sorted(order)).tolist()]
    for part, wanted in (("test", tests), ("validation", validations), ("train", total - tests - validations)):
        for _ in range(wanted):
            turn = next(place for place, name in enumerate(turns) if order[name])
            name = turns.pop(turn)
            parts[name][part].append(order[name].pop())
    return {name: {part: sorted(numbers) for part, numbers in given.items()} for name, given in parts.items()}
