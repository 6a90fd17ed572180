"""The HTML report of one size: every notebook, figure, table and claim, and what is missing."""

import html
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from nbsupport.publish import write_text
from nbsupport.study import layout
from nbsupport.study.claims import ledger, recorded
from nbsupport.study.figures import artefact_files
from nbsupport.study.progress import duration
from nbsupport.study.variants import run_names
from nbsupport.study.verdict import Estimate

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td, th { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
img { max-width: 100%; height: auto; }
figure { margin: 1.5rem 0; }
figcaption { font-size: .9rem; }
.table { overflow-x: auto; }
.failed { color: #a33b00; font-weight: 600; }
.quiet { color: #666; }
"""


def write_report(size: str) -> Path:
    """Write ``figures/<size>/report.html`` from what was published; it needs no network and no server.

    Parameters
    ----------
    size : str

    Returns
    -------
    Path
        The report.
    """
    folder = layout.figures_folder(size)
    parts = [
        f"<h1>Report of the study, size {html.escape(size)}</h1>",
        "<h2>Notebooks</h2>",
        _notebooks(size),
        "<h2>Figures and tables</h2>",
        *(_artefact(json.loads(card.read_text(encoding="utf-8"))) for card in artefact_files(folder).values()),
        "<h2>Claims</h2>",
        _claims(size),
    ]
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>Report, size {html.escape(size)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
    path = folder / "report.html"
    write_text(path, page)
    return path


def _table(header: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _notebooks(size: str) -> str:
    rows = []
    for name in run_names(size):
        record = layout.figures_folder(size) / "runs" / f"{name}.json"
        output = layout.runs_folder(size) / f"{name}.ipynb"
        failed = output.with_name(f"{name}.failed.ipynb")
        if failed.exists():
            link = html.escape(os.path.relpath(failed, layout.figures_folder(size)))
            rows.append([name, f'<span class="failed">failed</span>, <a href="{link}">see the error</a>', "", "", ""])
        elif record.exists():
            entry = json.loads(record.read_text(encoding="utf-8"))
            code = entry["commit"][:12] + (" with changes" if entry["dirty"] else "")
            rows.append([name, "done", duration(entry["wall_s"]), f"{entry['peak_memory_gib']:.2f} GiB", code])
        else:
            rows.append([name, '<span class="quiet">not run at this size</span>', "", "", ""])
    return _table(["notebook", "state", "time", "peak memory", "commit"], rows)


def _artefact(card: dict[str, Any]) -> str:
    caption = html.escape(card["caption"].replace("**", ""))
    links = ", ".join(
        f'<a href="{name}">{name.rsplit(".", 1)[1]}</a>' for name in [*card["files"], f"{card['id']}.json"]
    )
    picture = (
        f'<img src="{card["id"]}.png" alt="{html.escape(card["alt"])}" loading="lazy">'
        if card["kind"] == "figure"
        else ""
    )
    return (
        f'<figure id="{card["id"]}">{picture}<figcaption><strong>{card["id"]}.</strong> {caption} '
        f'<span class="quiet">({card["provenance"]["notebook"]}; {links})</span></figcaption></figure>'
    )


def _claims(size: str) -> str:
    _, claims = ledger()
    records = recorded(size)
    counts = Counter((claims[name].source, record["verdict"]) for name, record in records.items())
    summary = "; ".join(
        f"{source}: " + ", ".join(f"{n} {verdict}" for (s, verdict), n in sorted(counts.items()) if s == source)
        for source in sorted({entry.source for entry in claims.values()})
    )
    rows = [
        [
            f"<code>{name}</code><br>{html.escape(claims[name].statement)}",
            html.escape(claims[name].published),
            _measured(record),
            html.escape(record["verdict"]) + (" (rule changed since)" if record["rule_changed_since"] else ""),
        ]
        for name, record in records.items()
    ]
    return f"<p>{html.escape(summary)}.</p>" + _table(["claim", "published", "measured", "verdict"], rows)


def _measured(record: dict[str, Any]) -> str:
    if "measured" not in record:
        return html.escape(record.get("reason", ""))
    values = "; ".join(f"{name} = {Estimate(**value)}" for name, value in record["measured"].items())
    return html.escape(f"{values} (n = {record['n']})")
