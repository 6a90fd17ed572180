"""The two halves of a notebook: the py:percent source and its executed .ipynb."""

import json
from base64 import b64decode, b64encode
from pathlib import Path

import jupytext
import nbformat

from nbsupport.publish import publishing
from nbsupport.study import layout
from nbsupport.study.figures import in_256_colours
from nbsupport.study.params import notebook_source
from nbsupport.study.plan import plan
from nbsupport.study.run import run

OUTPUT_ONLY_METADATA = ("papermill", "execution", "widgets", "jupytext", "language_info", "kernelspec")


def executed_half(name: str) -> Path:
    """Path of the committed .ipynb of a notebook."""
    return notebook_source(name).with_suffix(".ipynb")


def differences(name: str) -> list[str]:
    """Compare the cells of the two halves: kind, text and tags.

    Returns
    -------
    list of str
        One line per difference, each naming the file to edit; empty when the halves agree.
    """
    source = notebook_source(name)
    pair = executed_half(name)
    if not pair.exists():
        return [f"{layout.relative(pair)} is missing; run `make pair`"]
    ours, theirs = jupytext.read(source).cells, nbformat.read(pair, as_version=4).cells
    advice = f"edit {layout.relative(source)}, then run `make pair`"
    found = [
        f"cell {number}: {what} differs between {source.name} and {pair.name}; {advice}"
        for number, (a, b) in enumerate(zip(ours, theirs, strict=False), start=1)
        for what, same in _compare(a, b)
        if not same
    ]
    if len(ours) != len(theirs):
        found.append(f"{source.name} has {len(ours)} cells, {pair.name} has {len(theirs)}; {advice}")
    found += [f"{pair.name}: cell {i} was not executed; {advice}" for i in _unexecuted(theirs)]
    return found


def _compare(a: nbformat.NotebookNode, b: nbformat.NotebookNode) -> list[tuple[str, bool]]:
    return [
        ("the kind of cell", a.cell_type == b.cell_type),
        ("the text", a.source.rstrip() == b.source.rstrip()),
        ("the tags", a.metadata.get("tags", []) == b.metadata.get("tags", [])),
    ]


def _unexecuted(cells: list[nbformat.NotebookNode]) -> list[int]:
    return [
        number
        for number, cell in enumerate(cells, start=1)
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None
    ]


def make_pair(name: str, *, threads: int | None = None) -> Path:
    """Write the executed half: the class-size run of the present source, run now if there is none yet.

    Returns
    -------
    Path
        The written .ipynb.
    """
    planned = plan(name, "class")
    if not (planned.output.exists() and _same_cells(planned.source, planned.output)):
        run(planned, threads=threads)
    notebook = cleaned(nbformat.read(planned.output, as_version=4), planned.notebook)
    pair = executed_half(name)
    with publishing(pair) as temporary:
        temporary.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return pair


def _same_cells(source: Path, executed: Path) -> bool:
    ours, theirs = jupytext.read(source).cells, nbformat.read(executed, as_version=4).cells
    return len(ours) == len(theirs) and all(
        same for a, b in zip(ours, theirs, strict=True) for _, same in _compare(a, b)
    )


def cleaned(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Return the notebook without what differs from machine to machine, and with its pictures made small."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{name}-{number:03d}"
        for key in OUTPUT_ONLY_METADATA:
            cell.metadata.pop(key, None)
        if "tags" in cell.metadata and not cell.metadata.tags:
            del cell.metadata["tags"]
        for data in (output.data for output in cell.get("outputs", []) if "image/png" in output.get("data", {})):
            data["image/png"] = b64encode(in_256_colours(b64decode(data["image/png"]))).decode()
    return notebook
