"""Run one notebook: check first, execute with papermill, publish everything or nothing."""

import contextlib
import fcntl
import json
import logging
import os
import resource
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from nbsupport.publish import publishing, write_json
from nbsupport.study import layout
from nbsupport.study.live import LiveLine
from nbsupport.study.plan import Plan
from nbsupport.study.session import CONTEXT

logging.getLogger("papermill").setLevel(logging.ERROR)
"""It warns of every parameter declared as ``X | None``, which its own inspection does not read; ours does."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class RunError(RuntimeError):
    """A run that did not end well; the message says what happened and where to read on."""


def run(planned: Plan, *, threads: int | None = None) -> dict[str, Any]:
    """Execute a planned run and publish its results.

    Parameters
    ----------
    planned : Plan
    threads : int, optional
        Threads of the numerical libraries; by default the cores that this process may use.

    Returns
    -------
    dict
        The run record.

    Raises
    ------
    RunError
        If a cell failed, the kernel died, or the same run is going on elsewhere. Nothing is published; the notebook as
        far as it came stays as ``*.failed.ipynb``.
    """
    threads = threads or len(os.sched_getaffinity(0))
    work = planned.output.with_name(f".{planned.name}")
    planned.output.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(planned), _environment(work, threads):
        shutil.rmtree(work, ignore_errors=True)
        context = _prepare(planned, work, threads)
        live = LiveLine(planned.name, Path(context["progress"]), planned.last_durations())
        started = time.time()
        try:
            _execute(planned, work, live)
            record = _closing_record(context)
        except (PapermillExecutionError, DeadKernelError, KeyboardInterrupt, RunError) as error:
            raise RunError(_keep_failed(planned, work, error, live)) from None
        record |= {"cell_s": live.durations, "wall_s": round(time.time() - started, 2)}
        _publish(planned, work, record)
        shutil.rmtree(work)
    return record


def _prepare(planned: Plan, work: Path, threads: int) -> dict[str, Any]:
    staging = work / "staging"
    staging.mkdir(parents=True)
    notebook = jupytext.read(planned.source)
    nbformat.write(notebook, work / "input.ipynb")
    context = {
        "notebook": planned.notebook,
        "size": planned.size,
        "staging": str(staging),
        "progress": str(work / "progress.json"),
        "threads": threads,
        "token": secrets.token_hex(8),
    }
    write_json(work / "context.json", context)
    return context


def _execute(planned: Plan, work: Path, live: LiveLine) -> None:
    # Sockets in a folder of their own: no other user can listen, and kernels that run side by side do not meet.
    with (
        planned.log.open("w", encoding="utf-8", buffering=1) as log,
        tempfile.TemporaryDirectory(prefix="kernel-") as sockets,
        live,
    ):
        papermill.execute_notebook(
            str(work / "input.ipynb"),
            str(work / "output.ipynb"),
            parameters=planned.given,
            cwd=str(layout.ROOT),
            progress_bar=False,
            stdout_file=log,
            stderr_file=log,
            config=Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"}),
            on_notebook_start=lambda notebook: live.cells(notebook),
            on_cell_start=lambda cell, cell_index: live.cell(cell_index),
            on_cell_executed=lambda cell, cell_index, execute_reply: live.cell_done(cell_index),
        )


def _closing_record(context: dict[str, Any]) -> dict[str, Any]:
    """Record that the notebook's last cell wrote; its token proves that this run, and no other, came so far."""
    path = Path(context["staging"]) / "runs" / f"{context['notebook']}.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if record.pop("token", None) != context["token"]:
        raise RunError("the notebook ended without its closing cell (`study.end()`); nothing is published")
    return record


def _publish(planned: Plan, work: Path, record: dict[str, Any]) -> None:
    """Move staged files to their places, drop what the last run had and this one has not, show the notebook last."""
    folder = layout.figures_folder(planned.size)
    staging = work / "staging"
    (staging / "runs" / f"{planned.notebook}.json").unlink()
    staged = sorted(path for path in staging.rglob("*") if path.is_file())
    record["files"] = [path.relative_to(staging).as_posix() for path in staged]
    earlier = []
    with contextlib.suppress(OSError, ValueError, KeyError):
        earlier = json.loads(planned.record.read_text(encoding="utf-8"))["files"]
    for path in staged:
        target = folder / path.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    for name in set(earlier) - set(record["files"]):
        (folder / name).unlink(missing_ok=True)
    write_json(planned.record, record)
    with publishing(planned.output) as temporary:
        shutil.copyfile(work / "output.ipynb", temporary)
    planned.failed.unlink(missing_ok=True)


def _keep_failed(planned: Plan, work: Path, error: BaseException, live: LiveLine) -> str:
    """Keep the notebook of a failed run with its error on top, and return the message for the person."""
    if isinstance(error, DeadKernelError):
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        reason = (
            f"the kernel died in cell {live.number}; the usual cause is memory "
            f"(it had used up to {peak:.1f} of this machine's {total:.0f} GiB)"
        )
    elif isinstance(error, PapermillExecutionError):
        reason = f"cell {live.number} failed: {error.ename}: {error.evalue}"
    elif isinstance(error, KeyboardInterrupt):
        reason = f"stopped in cell {live.number}"
    else:
        reason = str(error)
    written = work / "output.ipynb"
    if written.exists():
        notebook = nbformat.read(written, as_version=4)
        note = f"**This run did not end well and published nothing:** {reason}"
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(note, metadata={"tags": ["run-failed"]}))
        with publishing(planned.failed) as temporary:
            nbformat.write(notebook, temporary)
    planned.output.unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)
    where = f"see {layout.relative(planned.failed)} and {layout.relative(planned.log)}"
    return f"{planned.name}: {reason}; {where}"


@contextlib.contextmanager
def _only_one(planned: Plan) -> Iterator[None]:
    """Hold a lock that the system drops when the process ends, however it ends."""
    path = planned.output.with_name(f".{planned.name}.lock")
    with path.open("w", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"{planned.name} at size {planned.size} is already running") from None
        yield


@contextlib.contextmanager
def _environment(work: Path, threads: int) -> Iterator[None]:
    """Hand context and threads to the kernel, which inherits this process's environment; stop cleanly on SIGTERM."""
    changes = {CONTEXT: str(work / "context.json"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    changes |= {name: str(threads) for name in THREAD_VARIABLES}
    before = {name: os.environ.get(name) for name in changes}

    def stop(number, frame):
        raise KeyboardInterrupt

    handler = signal.signal(signal.SIGTERM, stop)
    os.environ.update(changes)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
