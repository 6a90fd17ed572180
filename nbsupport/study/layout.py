"""Where things are: the folders of the study, named once."""

import os
from pathlib import Path

ROOT = Path(os.environ.get("NBSUPPORT_ROOT") or Path(__file__).resolve().parents[2])
"""Root of the checkout. ``NBSUPPORT_ROOT`` points the same code at another study (the tests use this)."""

NOTEBOOKS = ROOT / "notebooks"
PARAMS = ROOT / "params"
FIGURES = ROOT / "figures"
DATA = ROOT / "data"

SIZES = ("smoke", "class", "desk", "paper")
"""Named sizes, smallest first; the values of ``class`` are those of the parameters cells themselves."""

CUSTOM = "custom"
"""Where a run goes whose parameters were changed by hand: it must not overwrite the results of a named size."""


def figures_folder(size: str) -> Path:
    """Folder of the published artefacts, claims, results and run records of one size."""
    return FIGURES / size


def runs_folder(size: str) -> Path:
    """Folder of the executed notebooks and logs of one size (not kept in git)."""
    return DATA / "runs" / size


def relative(path: Path) -> str:
    """Path as a reader of this checkout would type it, without the machine's own folders."""
    try:
        return Path(path).resolve().relative_to(ROOT.resolve()).as_posix()
    except ValueError:
        return Path(path).name
