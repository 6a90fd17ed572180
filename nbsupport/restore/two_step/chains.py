"""The trainings of a study: each chain is named by what went into it, and trained once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from nbsupport.restore.fine_tuned import StartingPoint
from nbsupport.restore.training import Fit
from nbsupport.simulate.illumination import Pattern

from .acquisitions import Acquisition, Protocol, load, open_store, simulate
from .stages import normalised, second_pair, stages
from .training import Recipe, train


@dataclass(frozen=True, eq=False)
class Fields:
    """The acquisitions of one structure, divided once and for all.

    Attributes
    ----------
    protocol : PlanarProtocol or VolumeProtocol
    parts : dict
        "train", "validation", "test", and others where asked for, to lists of Acquisition.
    """

    protocol: Protocol
    parts: dict[str, list[Acquisition]]

    @classmethod
    def of(
        cls,
        folder: Path,
        name: str,
        protocol: Protocol,
        *,
        progress: Callable[[float], None] | None = None,
        **counts: int,
    ) -> Fields:
        """Simulate what is not there yet, and load it.

        Parameters
        ----------
        folder : Path
            Of the stores.
        name : str
            Of the structure.
        protocol : PlanarProtocol or VolumeProtocol
        progress : callable, optional
        **counts : int
            Samples of every part; "test" takes the first numbers, so that it stays when others grow.
        """
        key = hashlib.sha256(repr(protocol).encode()).hexdigest()[:10]
        total = sum(counts.values())
        store = open_store(folder, f"{name}-{key}-{total}", protocol, samples=total)
        simulate(store, protocol, progress=progress)
        order = sorted(counts, key=lambda part: part != "test")
        first = np.cumsum([0, *(counts[part] for part in order)])
        spans = zip(order, first, first[1:], strict=False)
        return cls(protocol, {part: load(store, protocol, range(start, end)) for part, start, end in spans})


@dataclass(frozen=True)
class Chain:
    """Two networks and what they learn from.

    Parameters
    ----------
    kinds : tuple of str
        Structures.
    recipe : Recipe
        Of the first network.
    second : Recipe, optional
        Of the second one; that of the first by default.
    seed : int
    normalisation : {"clipped", "plain"}
        Of what the second network learns from.
    second_part : str
        Part of the fields that the second network learns from.
    limit : int, optional
        Train on no more than this many fields of every structure.
    start : StartingPoint, optional
        Weights that the first network starts from.
    """

    kinds: tuple[str, ...]
    recipe: Recipe
    second: Recipe | None = None
    seed: int = 0
    normalisation: str = "clipped"
    second_part: str = "train"
    limit: int | None = None
    start: StartingPoint | None = None

    @property
    def beginning(self) -> tuple:
        """All that the first network depends on."""
        return self.kinds, self.recipe, self.seed, self.limit, self.start


class Chains:
    """Trained chains over some fields; every training is done once and kept as a file.

    Parameters
    ----------
    fields : dict of str to Fields
    folder : Path
        Of checkpoints: a killed training goes on there, a finished one is read.
    progress : callable, optional
        Called with a name; gives what is called with the finished fraction.
    """

    def __init__(self, fields: dict[str, Fields], folder: Path, progress: Callable | None = None):
        self.fields, self.folder, self.progress = fields, Path(folder), progress
        self._fits: dict[tuple, Fit] = {}
        self._pairs: dict[tuple, tuple[list, list]] = {}

    def first(self, chain: Chain) -> Fit:
        """Training of the first network."""
        key = ("first", *chain.beginning)
        if key not in self._fits:
            learned, checked = (self._frames(chain, part) for part in ("train", "validation"))
            self._fits[key] = self._trained(key, chain, learned, checked, chain.recipe)
        return self._fits[key]

    def second(self, chain: Chain) -> Fit:
        """Training of the second network, behind the first."""
        recipe = chain.second or chain.recipe
        key = ("second", *chain.beginning, recipe, chain.normalisation, chain.second_part)
        if key not in self._fits:
            learned, checked = (self._images(chain, part) for part in (chain.second_part, "validation"))
            self._fits[key] = self._trained(key, chain, learned, checked, recipe)
        return self._fits[key]

    def stages(
        self,
        chain: Chain,
        kind: str,
        *,
        part: str = "test",
        steps: int = 2,
        pattern: Pattern | Callable | None = None,
        cut: bool = False,
        limit: int | None = None,
    ) -> list[dict[str, xr.DataArray]]:
        """Images of every acquisition of a part, see `stages`.

        Parameters
        ----------
        chain : Chain
        kind : str
            Structure that is restored.
        part : str
        steps : {1, 2}
            1 ends the chain after the first network.
        pattern : Pattern or callable, optional
        cut : bool
            As in `stages`.
        limit : int, optional
            No more than this many.
        """
        fields, first = self.fields[kind], self.first(chain).network
        second = self.second(chain).network if steps == 2 else None
        options = {"normalisation": chain.normalisation, "pattern": pattern, "cut": cut}
        options |= {"precision": chain.recipe.precision, "device": chain.recipe.device}
        return [stages(one, fields.protocol, first, second, **options) for one in fields.parts[part][:limit]]

    @property
    def fits(self) -> list[Fit]:
        """All trainings so far, in the order in which they were asked for."""
        return list(self._fits.values())

    def seconds(self) -> float:
        """Time spent in all trainings, resumed runs included."""
        return sum(fit.seconds for fit in self.fits)

    def _chosen(self, chain, part):
        """Acquisitions of a part with their protocols."""
        limit = None if part == "validation" else chain.limit
        return [
            (self.fields[kind].protocol, one) for kind in chain.kinds for one in self.fields[kind].parts[part][:limit]
        ]

    def _frames(self, chain, part):
        chosen = [one for _, one in self._chosen(chain, part)]
        return tuple(
            [getattr(one, name).values.reshape(-1, *one.high.shape[2:]) for one in chosen] for name in ("low", "high")
        )

    def _images(self, chain, part):
        key = (*chain.beginning, part)
        if key not in self._pairs:
            first = self.first(chain).network
            options = {"precision": chain.recipe.precision, "device": chain.recipe.device}
            pairs = [second_pair(one, protocol, first, **options) for protocol, one in self._chosen(chain, part)]
            self._pairs[key] = tuple(list(images) for images in zip(*pairs, strict=True))
        return tuple([normalised(one, chain.normalisation).values[None] for one in sort] for sort in self._pairs[key])

    def _trained(self, key, chain: Chain, learned, checked, recipe: Recipe) -> Fit:
        protocols = [self.fields[kind].protocol for kind in chain.kinds]
        parts = ("train" if key[0] == "first" else chain.second_part, "validation")
        numbers = [[one.number for _, one in self._chosen(chain, part)] for part in parts]
        label = hashlib.sha256(repr((key, protocols, numbers)).encode()).hexdigest()[:16]
        return train(
            *learned,
            recipe,
            dimensions=protocols[0].dimensions,
            seed=chain.seed,
            validation=checked,
            one_scale=key[0] == "second",
            start=chain.start.weights if chain.start and key[0] == "first" else None,
            folder=self.folder / f"{key[0]}-{label}",
            progress=self.progress(f"{key[0]} network, {' and '.join(chain.kinds)}") if self.progress else None,
        )
