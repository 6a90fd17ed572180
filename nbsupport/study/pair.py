"""The halves of a notebook: the py:percent source and its executed .ipynb, as a lesson and at other sizes."""

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
from nbsupport.study.run import RunError, run

INJECTED = "injected-parameters"
"""Tag of the cell that papermill puts behind the parameters cell: the values of a size other than class."""

OUTPUT_ONLY_METADATA = ("papermill", "execution", "widgets", "jupytext", "language_info", "kernelspec")


def executed_half(name: str, size: str = "class") -> Path:
    """Path of the committed .ipynb of a notebook: a lesson's beside the source, others in a folder of their size."""
    pair = notebook_source(name).with_suffix(".ipynb")
    return pair if size == "class" else pair.parent / size / pair.name


def differences(name: str, size: str = "class") -> list[str]:
    """Compare the cells of source and executed half: kind, text and tags.

    Parameters
    ----------
    name : str
        Of the notebook.
    size : str
        One of `layout.SIZES`. The cell in which papermill sets a size's parameters is no difference.

    Returns
    -------
    list of str
        One line per difference, each naming the file to edit; empty when the halves agree.

    Raises
    ------
    ParameterError
        If the notebook has no such size.
    """
    source = plan(name, size).source
    pair = executed_half(name, size)
    command = "make pair" if size == "class" else f"nbsupport pair {name} --size {size}"
    if not pair.exists():
        return [f"{layout.relative(pair)} is missing; run `{command}`"]
    ours, theirs = jupytext.read(source).cells, _own_cells(pair)
    shown = layout.relative(pair)
    advice = f"edit {layout.relative(source)}, then run `{command}`"
    found = [
        f"cell {number}: {what} differs between {source.name} and {shown}; {advice}"
        for number, (a, b) in enumerate(zip(ours, theirs, strict=False), start=1)
        for what, same in _compare(a, b)
        if not same
    ]
    if len(ours) != len(theirs):
        found.append(f"{source.name} has {len(ours)} cells, {shown} has {len(theirs)}; {advice}")
    found += [f"{shown}: cell {i} was not executed; {advice}" for i in _unexecuted(theirs)]
    return found


def _own_cells(executed: Path) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(executed, as_version=4).cells
    return [cell for cell in cells if INJECTED not in cell.metadata.get("tags", [])]


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


def make_pair(name: str, size: str = "class", *, threads: int | None = None) -> Path:
    """Write the executed half from the run of the present source at one size.

    Parameters
    ----------
    name : str
        Of the notebook.
    size : str
        At ``class`` the run is made now if there is none yet; at other sizes it must be there, for it may take hours.
    threads : int, optional
        Of a run that is made now.

    Returns
    -------
    Path
        The written .ipynb.

    Raises
    ------
    RunError
        If there is no run of the present source at another size than ``class``, or the run made now ended badly.
    """
    planned = plan(name, size)
    if not (planned.output.exists() and _same_cells(planned.source, planned.output)):
        if size != "class":
            raise RunError(
                f"{layout.relative(planned.output)} is missing or was made from another source; "
                f"run `nbsupport run {planned.notebook} --size {size}` first"
            )
        run(planned, threads=threads)
    notebook = cleaned(nbformat.read(planned.output, as_version=4), planned.notebook)
    pair = executed_half(name, size)
    pair.parent.mkdir(exist_ok=True)
    with publishing(pair) as temporary:
        temporary.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return pair


def _same_cells(source: Path, executed: Path) -> bool:
    ours, theirs = jupytext.read(source).cells, _own_cells(executed)
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
