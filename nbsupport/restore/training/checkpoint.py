"""One file that holds all a training needs to go on after it was killed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from nbsupport.publish import publishing

NAME = "checkpoint.pt"


class Checkpoint:
    """State of a training in a folder of its own.

    Parameters
    ----------
    folder : Path or None
        One folder for each configuration. None keeps nothing.
    settings : mapping
        What must be equal for a run to go on: numbers, texts and lists of them.
    """

    def __init__(self, folder: Path | str | None, settings: Mapping[str, Any]):
        self.path = None if folder is None else Path(folder) / NAME
        self.settings = dict(settings)

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """State that was saved last; None if there is none.

        Raises
        ------
        ValueError
            If it belongs to another training; the message names the first setting that differs.
        """
        if self.path is None:
            return None
        for torn in self.path.parent.glob(f".{self.path.stem}.*{self.path.suffix}"):  # of a run killed while it wrote
            torn.unlink(missing_ok=True)
        if not self.path.exists():
            return None
        state = torch.load(self.path, map_location=device, weights_only=True)
        for name, wanted in self.settings.items():
            found = state["settings"].get(name)
            if found != wanted:
                raise ValueError(
                    f"checkpoint={self.path.parent.name!r} belongs to a training with {name}={found!r}, not "
                    f"{wanted!r}; give another folder, or remove this one to start again"
                )
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the state in one step: a kill leaves the one before."""
        if self.path is None:
            return
        with publishing(self.path) as temporary:
            torch.save({**state, "settings": self.settings}, temporary)
