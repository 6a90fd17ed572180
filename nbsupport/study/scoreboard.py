"""The whole ledger at one size: every verdict, every artefact, and what is missing."""

import html
import io
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nbsupport.study import layout
from nbsupport.study.claims import ledger, recorded
from nbsupport.study.verdict import MISSING, NOT_REPRODUCED, NOT_TESTABLE, PARTLY, REPRODUCED, Estimate

VERDICTS = (REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_TESTABLE, MISSING)
"""All verdicts, from what holds to what nothing has measured."""

THUMBNAIL_PX = 180


def counts(size: str) -> xr.DataArray:
    """Claims of every source by verdict.

    Parameters
    ----------
    size : str
        One of `nbsupport.study.layout.SIZES`.

    Returns
    -------
    DataArray, (source, verdict), int
        Sources in the order of the ledger, verdicts in that of `VERDICTS`.
    """
    _, claims = ledger()
    sources = list(dict.fromkeys(entry.source for entry in claims.values()))
    table = xr.DataArray(
        np.zeros((len(sources), len(VERDICTS)), dtype=int),
        dims=("source", "verdict"),
        coords={"source": sources, "verdict": list(VERDICTS)},
    )
    for name, record in recorded(size).items():
        table.loc[claims[name].source, record["verdict"]] += 1
    return table


def claims_table(size: str) -> dict[str, list[str]]:
    """Every claim beside what was measured for it.

    Parameters
    ----------
    size : str

    Returns
    -------
    dict
        Columns of equal length: claim, source, where, statement, published, measured, interval, n, verdict, reason
        (the rule that decided, or why the claim cannot be tested), stand-in and notebook.
    """
    _, claims = ledger()
    rows = []
    for name, record in recorded(size).items():
        entry = claims[name]
        rows.append(
            {
                "claim": name,
                "source": entry.source,
                "where": entry.where,
                "statement": _line(entry.statement),
                "published": _line(entry.published),
                "measured": _measured(record),
                "interval": record.get("spread") or "",
                "n": str(record.get("n") or ""),
                "verdict": record["verdict"],
                "reason": _reason(record),
                "stand-in": record.get("stand_in") or "",
                "notebook": entry.notebook,
            }
        )
    return {column: [row[column] for row in rows] for column in rows[0]}


def artefacts_table(size: str) -> dict[str, list[str]]:
    """Every figure, table and diagram that the ledger asks for, and whether it is there.

    Parameters
    ----------
    size : str

    Returns
    -------
    dict
        Columns of equal length: artefact, source, title, notebook, state ("made" or "missing").
    """
    artefacts, _ = ledger()
    absent = set(missing_artefacts(size))
    return {
        "artefact": list(artefacts),
        "source": [entry.source for entry in artefacts.values()],
        "title": [_line(entry.title) for entry in artefacts.values()],
        "notebook": [entry.notebook for entry in artefacts.values()],
        "state": ["missing" if name in absent else "made" for name in artefacts],
    }


def missing_artefacts(size: str) -> list[str]:
    """Artefacts of the ledger that lack their card, or a file that the card names, at one size."""
    artefacts, _ = ledger()
    return [name for name in artefacts if _card(size, name) is None]


def filterable(columns: dict[str, list[str]], *, by: tuple[str, ...], label: str) -> str:
    """HTML of a table whose rows can be chosen by the values of some columns; all are shown without JavaScript.

    Parameters
    ----------
    columns : dict
        As from `claims_table`; texts, which are escaped.
    by : tuple of str
        Columns to choose by.
    label : str
        What the table holds, for readers who cannot see it; it also tells tables of one page apart.
    """
    names = list(columns)
    key = "".join(letter if letter.isalnum() else "-" for letter in label.lower())
    choices = "".join(_choice(name, sorted(set(columns[name]))) for name in by)
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    rows = []
    for row in zip(*columns.values(), strict=True):
        marks = "".join(f' data-{name}="{html.escape(row[names.index(name)], quote=True)}"' for name in by)
        rows.append(f"<tr{marks}>" + "".join(f"<td>{html.escape(value)}</td>" for value in row) + "</tr>")
    return (
        f'<div id="{key}"><p>{choices}</p><div style="overflow-x:auto;max-height:40rem">'
        f'<table aria-label="{html.escape(label, quote=True)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></div>"
        "<script>(function(){var box=document.getElementById('" + key + "'),"
        "selects=box.querySelectorAll('select');function show(){box.querySelectorAll('tbody tr').forEach("
        "function(row){var hidden=false;selects.forEach(function(s){if(s.value&&row.dataset[s.name]!==s.value)"
        "hidden=true});row.hidden=hidden})}selects.forEach(function(s){s.addEventListener('change',show)})})()</script>"
    )


def gallery(size: str) -> str:
    """HTML of all artefacts that are there: thumbnail, id, title and the notebook that makes them.

    Parameters
    ----------
    size : str
    """
    artefacts, _ = ledger()
    tiles = []
    for name, entry in artefacts.items():
        card = _card(size, name)
        picture = _thumbnail(size, card) if card else ""
        link = f'<a href="{entry.notebook}.ipynb"><code>{name}</code></a>'
        tiles.append(
            f'<figure style="width:{THUMBNAIL_PX}px;margin:0">{picture}<figcaption style="font-size:.75em">{link} '
            f"{html.escape(_line(entry.title))}{'' if card else ' <strong>(missing)</strong>'}</figcaption></figure>"
        )
    return f'<div style="display:flex;flex-wrap:wrap;gap:1rem">{"".join(tiles)}</div>'


def markdown(size: str) -> str:
    """Table of `counts` in Markdown, with a last row for all sources."""
    table = counts(size)
    lines = ["| source | " + " | ".join(VERDICTS) + " | claims |", "|---" * (len(VERDICTS) + 2) + "|"]
    rows = [*zip(table.source.values, table.values, strict=True), ("**all**", table.sum("source").values)]
    lines += [f"| {name} | " + " | ".join(map(str, row)) + f" | {row.sum()} |" for name, row in rows]
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _measured(record: dict[str, Any]) -> str:
    return "; ".join(f"{name} = {Estimate(**value)}" for name, value in record.get("measured", {}).items())


def _reason(record: dict[str, Any]) -> str:
    outcome = record["verdict"]
    if outcome == MISSING:
        return "no run of this size has measured it"
    rules = record["rule"]
    told = record.get("reason") or rules.get(outcome) or "none of: " + "; ".join(rules.values())
    return _line(told) + (" (the rule has changed since)" if record["rule_changed_since"] else "")


def _card(size: str, name: str) -> dict[str, Any] | None:
    """Card of an artefact whose files are all there, otherwise None."""
    path = layout.figures_folder(size) / f"{name}.json"
    if not path.exists():
        return None
    card = json.loads(path.read_text(encoding="utf-8"))
    return card if all((path.parent / file).exists() for file in card["files"]) else None


def _thumbnail(size: str, card: dict[str, Any]) -> str:
    if card["kind"] != "figure":
        return '<div style="padding:2rem 0;text-align:center;border:1px solid #999">table</div>'
    data = b64encode(_smaller(layout.figures_folder(size) / f"{card['id']}.png")).decode()
    alt = html.escape(card["alt"], quote=True)
    return f'<img src="data:image/webp;base64,{data}" alt="{alt}" style="max-width:100%">'


def _smaller(path: Path) -> bytes:
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=70)
    return buffer.getvalue()


def _choice(name: str, values: list[str]) -> str:
    options = "".join(f'<option value="{html.escape(v, quote=True)}">{html.escape(v)}</option>' for v in values)
    return f'<label>{html.escape(name)} <select name="{name}"><option value="">all</option>{options}</select></label> '
