"""Two things measured side by side in one run, and peak memory measured in a process of its own."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: a number, what it must reach, and the two times that it is a ratio of."""

    name: str
    what: str
    value: float
    unit: str = "×"
    lowest: float | None = None
    highest: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    per_core: float | None = None  # the same ratio in processor time
    of_fastest: float | None = None  # the same ratio of the shortest times, which other work disturbed least
    plain_s: float | None = None
    ours_s: float | None = None
    repeats: int = 1
    note: str = ""

    @property
    def asked(self) -> str:
        """What was asked for, ``≥ 10``; empty where nothing was."""
        signs = (("≥", self.at_least), ("≤", self.at_most))
        return ", ".join(f"{sign} {bound:g}" for sign, bound in signs if bound is not None)

    @property
    def met(self) -> bool | None:
        if not self.asked:
            return None
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


@dataclass(frozen=True)
class Speed:
    """A measurement that a bench module registers in its list ``SPEEDS``.

    `measure` takes the number of repeats and gives the rows; `seconds` is roughly how long it takes, for the time left.
    """

    name: str
    seconds: float
    measure: Callable[[int], list[Row]]


def side_by_side(plain: Callable, ours: Callable, repeats: int, *, plain_scale: float = 1.0) -> dict:
    """Time two callables in turn, as many times as asked.

    Returns the fields of a row: the median of the ratios plain/ours with their range, the same in processor time and
    for the shortest times, and the median times. `plain_scale` multiplies the times of a plain loop that does only part
    of the work.
    """
    walls, processors = [], []
    for _ in range(repeats):
        times = [_timed(plain), _timed(ours)]
        walls.append((times[0][0] * plain_scale, times[1][0]))
        processors.append((times[0][1] * plain_scale, times[1][1]))
    ratios = [first / second for first, second in walls]
    return {
        "value": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "per_core": statistics.median(first / second for first, second in processors),
        "of_fastest": min(first for first, _ in walls) / min(second for _, second in walls),
        "plain_s": statistics.median(first for first, _ in walls),
        "ours_s": statistics.median(second for _, second in walls),
        "repeats": repeats,
    }


def _timed(work):
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def peak_memory_gb(module: str, function: str) -> float:
    """Peak resident memory, GB, of a new Python process that calls a function without arguments."""
    script = (
        f"import importlib, resource; importlib.import_module({module!r}).{function}(); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    return int(done.stdout.split()[-1]) * unit / 1e9
