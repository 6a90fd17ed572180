"""The one line that a person watches while a notebook runs."""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from nbsupport.study.progress import duration

TERMINAL_S, ELSEWHERE_S = 0.5, 5.0
"""Seconds between two states of the line: redrawn in place on a terminal, a new line elsewhere."""


class LiveLine:
    """Progress of one notebook, with the time left.

    Parameters
    ----------
    notebook : str
    progress_file : Path
        Where the kernel reports the state of its own long loops.
    last : list of float, optional
        Seconds per cell of an earlier run; without it the time left is extrapolated from the cells done.
    """

    def __init__(self, notebook: str, progress_file: Path, last: list[float] | None):
        self.notebook, self.progress_file, self.last = notebook, progress_file, last
        self.total = 0
        self.index = 0
        self.durations: list[float] = []
        self.started = self._cell_started = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def number(self) -> str:
        """Where the run is, ``7 of 24``, counted from one."""
        return f"{self.index + 1} of {self.total or '?'}"

    def cells(self, notebook: Any) -> None:
        """Learn how many cells there are."""
        self.total = len(notebook.cells)
        if self.last and len(self.last) != self.total:
            self.last = None

    def cell(self, index: int) -> None:
        """Note that a cell starts."""
        self.index, self._cell_started = index, time.monotonic()
        self.progress_file.unlink(missing_ok=True)

    def cell_done(self, index: int) -> None:
        """Note that a cell has ended; Markdown cells take no time."""
        self.durations += [0.0] * (index - len(self.durations))
        self.durations.append(round(time.monotonic() - self._cell_started, 3))

    def seconds_left(self) -> float | None:
        """Estimate of the time left, or None while nothing is known."""
        in_cell = time.monotonic() - self._cell_started
        state = self._kernel_state()
        here = state["elapsed_s"] * (1 - state["fraction"]) / state["fraction"] if state.get("fraction") else None
        if self.last:
            rest = here if here is not None else max(0.0, self.last[self.index] - in_cell)
            return rest + sum(self.last[self.index + 1 :])
        if here is None and not self.durations:
            return None
        done = sum(self.durations) + in_cell + (here or 0.0)
        return (here or 0.0) + done / (self.index + 1) * max(0, self.total - self.index - 1)

    def line(self) -> str:
        """State of the run in one line."""
        state = self._kernel_state()
        inside = f", {state['label']} {state['fraction']:.0%}" if state else ""
        remaining = self.seconds_left()
        tail = "time left not known yet" if remaining is None else f"about {duration(remaining)} left"
        so_far = duration(time.monotonic() - self.started)
        return f"{self.notebook}: cell {self.number}{inside}, {so_far} so far, {tail}"

    def __enter__(self) -> "LiveLine":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.durations += [0.0] * (self.total - len(self.durations))
        if sys.stdout.isatty():
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()

    def _watch(self) -> None:
        terminal = sys.stdout.isatty()
        while not self._stop.wait(TERMINAL_S if terminal else ELSEWHERE_S):
            sys.stdout.write(f"\r\033[K{self.line()}" if terminal else f"{self.line()}\n")
            sys.stdout.flush()

    def _kernel_state(self) -> dict[str, Any]:
        try:
            return json.loads(self.progress_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
