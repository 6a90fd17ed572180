"""Progress with time left, for any loop that may take more than five seconds."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import TypeVar

from nbsupport.publish import write_text
from nbsupport.study import session

Item = TypeVar("Item")
INTERVAL_S = 0.5


class Progress:
    """Callable that takes the finished fraction of one piece of work, 0 to 1.

    Under the runner it writes to the run's progress file, and the runner draws the line; by hand it draws the line
    itself, on standard error, and wipes it at the end so that no notebook keeps it.
    """

    def __init__(self, label: str):
        self.label = label
        self.started = time.monotonic()
        self._shown = 0.0

    def __call__(self, fraction: float) -> None:
        """Report that this fraction of the work is done."""
        now = time.monotonic()
        if fraction < 1 and now - self._shown < INTERVAL_S:
            return
        self._shown = now
        file = session.current().progress_file if session.has_begun() else None
        if file:
            _write(file, {"label": self.label, "fraction": fraction, "elapsed_s": now - self.started})
        elif sys.stderr.isatty():
            line = f"{self.label} {fraction:4.0%}, {duration(left(now - self.started, fraction))} left"
            sys.stderr.write("\r\033[K" + ("" if fraction >= 1 else line))
            sys.stderr.flush()


def track(items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
    """Iterate and report progress.

    Parameters
    ----------
    items : iterable
    label : str
        What is being done, ``"simulating stacks"``.
    total : int, optional
        Number of items, when `items` has no length.
    """
    total = len(items) if total is None and isinstance(items, Sized) else total
    report = Progress(label)
    for done, item in enumerate(items):
        if total:
            report(done / total)
        yield item
    report(1.0)


def left(elapsed_s: float, fraction: float) -> float | None:
    """Seconds that are left when work goes on as before; None while nothing is known."""
    return elapsed_s * (1 - fraction) / fraction if fraction > 0 else None


def duration(seconds: float | None) -> str:
    """Say a time span: ``45 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds is None:
        return "unknown time"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _write(file: Path, state: dict) -> None:
    write_text(file, json.dumps(state))
