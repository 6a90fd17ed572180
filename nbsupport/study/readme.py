"""The parts of the README that runs write: how long every notebook took, and how much memory."""

import json

from nbsupport.study import layout
from nbsupport.study.params import notebook_names
from nbsupport.study.progress import duration
from nbsupport.study.publish import write_text
from nbsupport.study.variants import runs_of

START, END = "<!-- times: written by `make readme` -->", "<!-- end of times -->"
SHOWN = ("smoke", "class", "desk")


def times_table() -> str:
    """Markdown table of the run records at hand: time per notebook and size, largest peak memory; a dash for none."""
    lines = ["| notebook | " + " | ".join(SHOWN) + " | peak memory |", "|---|" + "---|" * (len(SHOWN) + 1)]
    totals = dict.fromkeys(SHOWN, 0.0)
    for name in notebook_names():
        cells, peak = [], 0.0
        for size in SHOWN:
            folder = layout.figures_folder(size) / "runs"
            paths = [path for run in runs_of(name, size) if (path := folder / f"{run}.json").exists()]
            records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
            spent = sum(record["wall_s"] for record in records)
            several = f" ({len(records)} runs)" if len(records) > 1 else ""
            cells.append(duration(spent) + several if records else "—")
            totals[size] += spent
            peak = max([peak, *(record["peak_memory_gib"] for record in records)])
        lines.append(f"| {name} | {' | '.join(cells)} | {peak:.1f} GiB |")
    lines.append("| **all** | " + " | ".join(duration(totals[size]) for size in SHOWN) + " | |")
    return "\n".join(lines)


def write_readme() -> None:
    """Put the present table of times between its marks in the README.

    Raises
    ------
    ValueError
        If the README lacks one of the marks.
    """
    path = layout.ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"README.md needs the marks {START} and {END}")
    write_text(path, f"{before}{START}\n\n{times_table()}\n\n{END}{after}")
