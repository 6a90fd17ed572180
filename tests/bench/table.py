"""The table of all speeds as CSV, Markdown and JSON."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from nbsupport.publish import write_json, write_text

from .measure import Row

COLUMNS = (
    *("speed", "what is compared", "value", "lowest", "highest", "unit", "asked", "met"),
    *("per core", "of fastest", "plain (s)", "ours (s)", "repeats", "note"),
)
NAME = "bench"


def write(folder: Path, rows: Sequence[Row], machine: dict) -> None:
    """Write bench.csv, bench.md and bench.json, each whole or not at all."""
    write_text(folder / f"{NAME}.csv", as_csv(rows))
    write_text(folder / f"{NAME}.md", as_markdown(rows, machine))
    records = [dict(zip(COLUMNS, _values(row), strict=True)) for row in rows]
    write_json(folder / f"{NAME}.json", {"machine": machine, "rows": records})


def as_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _values(row)] for row in rows)
    return text.getvalue()


def as_markdown(rows: Sequence[Row], machine: dict) -> str:
    lines = ["# Speeds", "", "Each value is a ratio of two things that were measured in turn, in this run."]
    lines += ["`per core` is the same ratio in processor time, `of fastest` that of the shortest times."]
    lines += ["Other work on the machine disturbs them less than the median, see its load below.", ""]
    lines += ["| machine | |", "|---|---|", *(f"| {key} | {_cell(value)} |" for key, value in machine.items()), ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(_cell(value) for value in _values(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def line(row: Row) -> str:
    """One row for the screen."""
    spread = "" if row.lowest is None else f" ({row.lowest:.3g} to {row.highest:.3g})"
    asked = f", asked {row.asked}: {'met' if row.met else 'NOT MET'}" if row.asked else ""
    others = "" if row.per_core is None else f"; per core {row.per_core:.3g}, of fastest {row.of_fastest:.3g}"
    return f"{row.name}: {row.value:.3g} {row.unit}{spread}{others}{asked}"


def _values(row):
    return (
        *(row.name, row.what, row.value, row.lowest, row.highest, row.unit, row.asked, row.met),
        *(row.per_core, row.of_fastest, row.plain_s, row.ours_s, row.repeats, row.note),
    )


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
