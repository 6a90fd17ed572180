"""The parts of the README that runs write: how long every notebook took, and how much memory."""

import json

from nbsupport.study import layout
from nbsupport.study.params import notebook_names
from nbsupport.study.progress import duration
from nbsupport.study.publish import write_text

START, END = "<!-- times: written by `make readme` -->", "<!-- end of times -->"
SHOWN = ("smoke", "class", "desk")


def times_table() -> str:
    """Markdown table of the run records at hand: time per notebook and size, largest peak memory; a dash for none."""
    lines = ["| notebook | " + " | ".join(SHOWN) + " | peak memory |", "|---|" + "---|" * (len(SHOWN) + 1)]
    totals = dict.fromkeys(SHOWN, 0.0)
    for name in notebook_names():
        cells, peak = [], 0.0
        for size in SHOWN:
            path = layout.figures_folder(size) / "runs" / f"{name}.json"
            record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
            cells.append(duration(record["wall_s"]) if record else "—")
            totals[size] += record["wall_s"] if record else 0.0
            peak = max(peak, record["peak_memory_gib"] if record else 0.0)
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
