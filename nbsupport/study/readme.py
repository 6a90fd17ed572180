"""The parts of the README that runs write: the verdicts, and how long every notebook took with how much memory."""

import json

from nbsupport.publish import write_text
from nbsupport.study import layout
from nbsupport.study.params import notebook_names
from nbsupport.study.progress import duration
from nbsupport.study.scoreboard import markdown
from nbsupport.study.variants import runs_of

SHOWN = ("smoke", "class", "desk")
REFERENCE = "desk"
"""Size whose verdicts the README shows."""


def times_table() -> str:
    """Markdown table of the run records at hand: time per notebook and size, largest peak memory; a dash for none.

    Where runs of a notebook are missing, the cell says how many there are, and the sum that it is larger.
    """
    lines = ["| notebook | " + " | ".join(SHOWN) + " | peak memory |", "|---|" + "---|" * (len(SHOWN) + 1)]
    totals, gaps = dict.fromkeys(SHOWN, 0.0), set()
    for name in notebook_names():
        cells, peak = [], 0.0
        for size in SHOWN:
            folder, asked = layout.figures_folder(size) / "runs", runs_of(name, size)
            paths = [path for run in asked if (path := folder / f"{run}.json").exists()]
            records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
            spent = sum(record["wall_s"] for record in records)
            cells.append(duration(spent) + _count(len(records), len(asked)) if records else "—")
            totals[size] += spent
            gaps |= {size} if len(records) < len(asked) else set()
            peak = max([peak, *(record["peak_memory_gib"] for record in records)])
        lines.append(f"| {name} | {' | '.join(cells)} | {peak:.1f} GiB |")
    sums = [("over " if size in gaps else "") + duration(totals[size]) for size in SHOWN]
    lines.append(f"| **all** | {' | '.join(sums)} | |")
    return "\n".join(lines)


def _count(found: int, asked: int) -> str:
    if found < asked:
        return f" ({found} of {asked} runs)"
    return f" ({asked} runs)" if asked > 1 else ""


def write_readme() -> None:
    """Put the present tables between their marks in the README.

    Raises
    ------
    ValueError
        If the README lacks one of the marks.
    """
    path = layout.ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    for part, table in (("scoreboard", markdown(REFERENCE)), ("times", times_table())):
        text = _between(text, f"<!-- {part}: written by `make readme` -->", f"<!-- end of {part} -->", table)
    write_text(path, text)


def _between(text: str, start: str, end: str, table: str) -> str:
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not (found_start and found_end):
        raise ValueError(f"README.md needs the marks {start} and {end}")
    return f"{before}{start}\n\n{table}\n\n{end}{after}"
