"""Measure every speed that the bench modules register and write one table."""

import argparse
import importlib
import time
from collections.abc import Sequence
from pathlib import Path

from nbsupport.study.progress import duration, left

from . import machine, table
from .measure import Row, Speed

FOLDER = Path(__file__).resolve().parents[2] / "figures" / "bench"
REPEATS, QUICK_REPEATS = 5, 1


def registered() -> list[Speed]:
    """Speeds of every module ``bench_*.py`` beside this one, in the order of their names."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    return [speed for module in modules for speed in importlib.import_module(f".{module}", __package__).SPEEDS]


def chosen(speeds: Sequence[Speed], names: Sequence[str] | None) -> list[Speed]:
    """Speeds whose name is, or begins with, one of the names; all without names."""
    for name in names or ():
        if not any(speed.name.startswith(name) for speed in speeds):
            known = ", ".join(speed.name for speed in speeds)
            raise SystemExit(f"bench: no speed is called {name!r}; there are {known}")
    return [speed for speed in speeds if not names or speed.name.startswith(tuple(names))]


def measured(speeds: Sequence[Speed], repeats: int) -> list[Row]:
    """Rows of all speeds, each said as it is found, with the time left."""
    rows, start, total = [], time.monotonic(), sum(speed.seconds for speed in speeds)
    done = 0.0
    for speed in speeds:
        remaining = duration(left(time.monotonic() - start, done / total))
        print(f"[{done / total:4.0%}, {remaining} left] {speed.name} …", flush=True)
        found = speed.measure(repeats)
        print(*(f"    {table.line(row)}" for row in found), sep="\n", flush=True)
        rows += found
        done += speed.seconds
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--only", metavar="NAME", nargs="+", help="speeds whose names begin so; prints, writes nothing")
    parser.add_argument("--quick", action="store_true", help="one repeat of each; prints, writes nothing")
    parser.add_argument("--out", type=Path, help="folder to write to, whatever was chosen")
    options = parser.parse_args(arguments)
    speeds = chosen(registered(), options.only)
    record = machine.describe() | machine.limits()
    print(*(f"{key}: {value}" for key, value in record.items()), sep="\n")
    rows = measured(speeds, QUICK_REPEATS if options.quick else REPEATS)
    folder = options.out or (None if options.only or options.quick else FOLDER)
    if folder:
        table.write(folder, rows, record | {"load average after": machine.describe()["load average before"]})
        print(f"written to {folder / table.NAME}.csv, .md and .json")
