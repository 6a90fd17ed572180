"""The notebook's side of a run: which size it is, where results go, what it used."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbsupport.study import layout
from nbsupport.study.params import check, declared_parameters, notebook_source

CONTEXT = "NBSUPPORT_RUN"
"""Environment variable through which the runner hands its context (a JSON file) to the kernel."""


@dataclass
class Session:
    """One notebook being executed, by the runner or by hand."""

    notebook: str
    size: str
    parameters: dict[str, Any]
    folder: Path
    threads: int
    progress_file: Path | None = None
    token: str = ""
    started: float = field(default_factory=time.time)
    published: list[str] = field(default_factory=list)


_current: Session | None = None


def current() -> Session:
    """Return the session that `begin` opened.

    Raises
    ------
    RuntimeError
        If no notebook has begun in this process.
    """
    if _current is None:
        raise RuntimeError('no notebook has begun; its set-up cell must call study.begin("NN_topic", globals())')
    return _current


def has_begun() -> bool:
    """Whether a notebook has begun in this process."""
    return _current is not None


def interactive() -> bool:
    """Whether someone sits at the notebook who can move a slider.

    Returns
    -------
    bool
        True where the front end that runs the cell takes questions to its user, as JupyterLab does. The runner, plain
        papermill and nbconvert take none, nor does a script, which has no kernel.
    """
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and bool(kernel.get_parent().get("content", {}).get("allow_stdin"))


def begin(notebook: str, namespace: Mapping[str, Any]) -> None:
    """Open the study for a notebook: check its parameters, set threads and figure style, decide where results go.

    Parameters
    ----------
    notebook : str
        Name of the notebook, ``"03_musical"``.
    namespace : mapping
        Pass ``globals()``; the declared parameters are read from it.

    Raises
    ------
    ParameterError
        If a parameter has a value of another type than the cell declares (plain papermill passes it on unchecked).

    Notes
    -----
    Started by the runner, results go to its staging folder and are published when the last cell has ended well.
    Started by hand (JupyterLab, plain papermill), they are published at once: under ``figures/class`` while every
    parameter has the cell's own value, otherwise under ``figures/custom``.
    """
    global _current
    source = notebook_source(notebook)
    declared = declared_parameters(source)
    missing = [name for name in declared if name not in namespace]
    if missing:
        raise RuntimeError(f"run the parameters cell of {notebook} first; not set: {', '.join(missing)}")
    parameters = check({name: namespace[name] for name in declared}, declared, notebook)
    context_file = os.environ.get(CONTEXT)
    if context_file:
        context = json.loads(Path(context_file).read_text(encoding="utf-8"))
        if context["notebook"] != source.stem:
            raise RuntimeError(f"the runner started {context['notebook']}, but the notebook says {source.stem}")
        _current = Session(
            notebook=source.stem,
            size=context["size"],
            parameters=parameters,
            folder=Path(context["staging"]),
            threads=context["threads"],
            progress_file=Path(context["progress"]),
            token=context["token"],
        )
    else:
        plain = all(parameters[name] == entry.default for name, entry in declared.items())
        size = "class" if plain else layout.CUSTOM
        threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
        _current = Session(source.stem, size, parameters, layout.figures_folder(size), threads)
    _prepare_process(_current.threads)


def _prepare_process(threads: int) -> None:
    """Threads of torch follow the job's cores; figures follow the house style; data records start empty."""
    import matplotlib.pyplot as plt
    import torch

    from nbsupport.study.data import forget_data_used

    torch.set_num_threads(threads)
    plt.style.use(Path(__file__).with_name("house.mplstyle"))
    forget_data_used()
