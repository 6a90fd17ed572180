"""A trained restorer is two files: weights, and a card that says what they are and what they are good for."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from torch import nn

from nbsupport.checks import nearest
from nbsupport.publish import file_sha256, publishing, write_text

from . import networks, tiling
from .limits import CardError, Limits
from .normalisation import Normalisation

CARD, WEIGHTS = "card.yaml", "weights.pt"
SCHEMA = 1
CONSTRUCTORS: dict[str, Callable[..., nn.Module]] = {
    constructor.__name__: constructor
    for constructor in (
        networks.artefact_remover,
        networks.care,
        networks.localisation_unet,
        networks.noise2self,
        networks.rcan,
        networks.time_unet,
    )
}
"""Networks that a card may name."""


@dataclass(frozen=True)
class Card:
    """What a restorer is, what made it, and for which images.

    Attributes
    ----------
    constructor : str
        One of `CONSTRUCTORS`.
    arguments : mapping
        Its arguments, without files of weights: what the network started from belongs under `training`.
    training : mapping
        Data, seeds, steps, losses, whatever made the weights; plain values.
    normalisation : Normalisation
    limits : Limits
    quality : mapping
        Measured: name of the measure, with its convention and unit, to number.
    weights_sha256 : str
        Of the file of weights; `save` fills it in.
    """

    constructor: str
    arguments: Mapping[str, Any]
    training: Mapping[str, Any]
    normalisation: Normalisation = field(default_factory=Normalisation)
    limits: Limits = field(default_factory=Limits)
    quality: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""

    def __post_init__(self):
        if self.constructor not in CONSTRUCTORS:
            raise CardError(f"no network is called {self.constructor!r}{nearest(self.constructor, CONSTRUCTORS)}")
        if "weights" in self.arguments:
            raise CardError("arguments has 'weights', a file of this machine; say under training what it was")

    def build(self) -> nn.Module:
        """The network, with the weights that its constructor gives it."""
        try:
            return CONSTRUCTORS[self.constructor](**self.arguments)
        except TypeError as error:
            raise CardError(f"the card gives {self.constructor} arguments that it does not take: {error}") from None


class Restorer(NamedTuple):
    """A network with its card."""

    card: Card
    network: nn.Module

    def restore(
        self,
        image: np.ndarray,
        *,
        device: str | torch.device = "cpu",
        precision: str = "float32",
        progress: Callable[[float], None] | None = None,
    ) -> np.ndarray:
        """Normalise one image, apply the network in tiles, and bring the result to the scale of the image.

        Parameters
        ----------
        image : ndarray, (y, x) or (z, y, x), with a leading axis where the network takes several channels
        device, precision, progress
            As in `tiling.apply`.

        Returns
        -------
        ndarray, float32

        Raises
        ------
        CardError
            If the values are outside the limits of the card. What it says of optics is not checked here.
        """
        self.card.limits.check_values(np.asarray(image))
        scaled, back = self.card.normalisation.scale(np.asarray(image))
        dimensions = self.card.limits.dimensions
        options = {"dimensions": dimensions, "device": device, "precision": precision, "progress": progress}
        return np.asarray(back(tiling.apply(self.network, scaled, **options)), dtype=np.float32)


def save(card: Card, network: nn.Module, folder: Path | str) -> Path:
    """Write weights and card; the card last, so that a folder with a card is whole.

    Parameters
    ----------
    card : Card
        Its `weights_sha256` is replaced.
    network : Module
        As `card.build` makes it, trained.
    folder : Path
        Made if need be; a restorer that is there is replaced.

    Returns
    -------
    Path
        Of the card.

    Raises
    ------
    CardError
        If the card would build another network than this one.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    _fill(card.build(), state, "the network")
    folder = Path(folder)
    with publishing(folder / WEIGHTS) as temporary:
        torch.save(state, temporary)
        sha256 = file_sha256(temporary)
    described = {"schema": SCHEMA, **_plain(asdict(card)), "weights_sha256": sha256}
    text = yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=110)
    write_text(folder / CARD, text)
    return folder / CARD


def load(path: Path | str) -> Restorer:
    """Read a restorer and check that it is what its card says.

    Parameters
    ----------
    path : Path
        Its folder, or the card in it.

    Returns
    -------
    Restorer
        With the network in eval mode.

    Raises
    ------
    CardError
        If a file is missing or damaged, the weights are not those of the card, or the card names an unknown network
        (the message gives the nearest) or field.
    """
    path = Path(path)
    path = path / CARD if path.is_dir() else path
    card, weights = read(path), path.with_name(WEIGHTS)
    if not weights.is_file():
        raise CardError(f"{path.name} lies without its {WEIGHTS}; keep the two in one folder")
    if (found := file_sha256(weights)) != card.weights_sha256:
        raise CardError(
            f"{WEIGHTS} is not the file of the card: its sha256 is {found[:12]}…, the card says "
            f"{card.weights_sha256[:12]}…; it was changed or belongs to another card"
        )
    network = card.build()
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CardError(f"{WEIGHTS} holds more than weights, and is not read: it could run code") from None
    _fill(network, state, WEIGHTS)
    return Restorer(card, network.eval())


def read(path: Path | str) -> Card:
    """Read a card alone.

    Raises
    ------
    CardError
        As in `load`.
    """
    path = Path(path)
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise CardError(f"there is no card {path.name!r}; give a {CARD} or its folder") from None
    except yaml.YAMLError as error:
        raise CardError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(described, dict) or described.pop("schema", None) != SCHEMA:
        raise CardError(f"{path.name} is no card of schema {SCHEMA}")
    parts = {"normalisation": Normalisation, "limits": Limits}
    for name, kind in parts.items():
        described[name] = _made(kind, described.get(name) or {}, f"{path.name}, {name}")
    return _made(Card, described, path.name)


def _made(kind: type, values: Mapping[str, Any], where: str):
    known = [entry.name for entry in fields(kind)]
    for name in values:
        if name not in known:
            raise CardError(f"{where}: no field {name!r}{nearest(name, known)}")
    try:
        return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
    except TypeError as error:
        raise CardError(f"{where}: {error}") from None


def _fill(network: nn.Module, state: Mapping[str, torch.Tensor], called: str) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise CardError(f"{called} is not what the card builds: {first}") from None


def _plain(value: Any) -> Any:
    """Values that YAML can hold, with tuples as lists and numpy's numbers as numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Path):
        return value.name
    return value.item() if hasattr(value, "item") else value
