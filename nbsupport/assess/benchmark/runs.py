"""Trained restorers in a folder: which method each one is, and its scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr

from nbsupport.restore import cards
from nbsupport.restore.precision import definite

from .judge import Judge
from .scores import scores

SCORES, LEARNING = "scores.json", "results.json"
RANDOM_WEIGHTS = "random weights"
"""What a card says of an encoder that starts from no file."""
LEAK = 0.01
"""Share of the gradient that passes the last ReLU of the 21 methods where it cuts; see `restore.networks`."""

_BETA = {"MS-SSIM+L1": 0.6, "SSIM+L1": 0.4}
_FIRST_CHOICE = {"swapped": False, "weights": "random", "seed": 0, "reading": "relu", "layers": [4, 9, 16, 23]}


@dataclass(frozen=True)
class Run:
    """One trained restorer of jadhav2021's kind, in a folder with its card.

    Parameters
    ----------
    folder : path
    card : Card
    """

    folder: Path
    card: cards.Card

    @property
    def seed(self) -> int:
        """Seed of first weights and batches."""
        return int(self.card.arguments.get("seed", 0))

    @property
    def loss(self) -> str:
        """Name of the loss."""
        return self.card.training["loss"]

    @property
    def network(self) -> str:
        """Architecture and encoder, such as "U-Net R-50"."""
        return f"{self.card.arguments['architecture']} {self.card.arguments['encoder']}"

    @property
    def method(self) -> str:
        """Network and loss, with every departure from the 21 methods of the source in brackets."""
        options = dict(self.card.training.get("loss_options") or {})
        usual = _FIRST_CHOICE | {"beta": _BETA.get(self.loss)}
        changes = [
            _told(name, value) for name, value in sorted(options.items()) if name != "path" and value != usual.get(name)
        ]
        if self.card.arguments.get("head", "max") != "max" or self.card.normalisation.kind != "maximum":
            changes.append("not normalised")
        if (leak := self.card.arguments.get("leak", LEAK)) != LEAK:
            changes.append(f"leak {leak:g}")
        if self.card.training.get("encoder_starts_from", RANDOM_WEIGHTS) != RANDOM_WEIGHTS:
            changes.append("pretrained encoder")
        return f"{self.network} + {self.loss}" + (f" ({', '.join(changes)})" if changes else "")

    @cached_property
    def restorer(self) -> cards.Restorer:
        """Network with its weights, read when it is first needed."""
        return cards.load(self.folder)

    def restore(self, judge: Judge, *, precision: str = "float32") -> np.ndarray:
        """Restored image of the noisy one of a pair, (y, x); its scale means nothing."""
        pair = judge.pair
        raw = pair.noisy if self.card.normalisation.kind == "maximum" else pair.noisy * pair.parameters["noisy_maximum"]
        return self.restorer.restore(raw, precision=precision)

    @property
    def failed(self) -> bool | None:
        """Whether most validation images came out constant, or worse than untreated; None if the card is silent."""
        quality = self.card.quality
        if "validation_restored_psnr_db" not in quality:
            return None
        worse = quality["validation_restored_psnr_db"] < quality["validation_untreated_psnr_db"]
        return bool(worse or quality["validation_dead_share"] > 0.5)

    def learning(self) -> dict | None:
        """Learning curve as the training kept it beside the card; None without."""
        path = self.folder / LEARNING
        return json.loads(path.read_text("utf-8")) if path.exists() else None

    def release(self) -> None:
        """Forget the network, a hundred megabytes; it is read again when needed."""
        self.__dict__.pop("restorer", None)

    def scores(
        self,
        judges: Sequence[Judge],
        *,
        precision: str = "float32",
        progress: Callable[[float], None] | None = None,
    ) -> xr.Dataset:
        """Scores on the test pairs, kept in the folder of the run; the network is read only if some are missing."""
        found = scores(
            lambda judge: self.restore(judge, precision=precision),
            judges,
            cache=self.folder / SCORES,
            identity=f"{self.card.weights_sha256} {definite(precision)}",
            progress=progress,
        )
        self.release()
        return found


def runs_in(folder: Path) -> list[Run]:
    """Restorers in the subfolders of a folder that were trained by artefact removal, by method and seed.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    found = [Run(path.parent, cards.read(path)) for path in sorted(Path(folder).glob(f"*/{cards.CARD}"))]
    found = [run for run in found if run.card.constructor == "artefact_remover" and "loss" in run.card.training]
    if not found:
        raise FileNotFoundError(f"no trained restorer lies in {Path(folder).name}; run 11_train_artefact_removal first")
    return sorted(found, key=lambda run: (run.method, run.seed))


def _told(option: str, value) -> str:
    """An option of the loss in words."""
    return f"{option} {'-'.join(map(str, value)) if isinstance(value, (list, tuple)) else value}"
