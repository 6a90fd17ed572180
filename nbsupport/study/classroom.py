"""The class: the student's and the teacher's edition of every notebook, and the lesson plan beside them."""

import copy
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from nbsupport.publish import write_json, write_text
from nbsupport.study import layout
from nbsupport.study.pair import cleaned, differences, executed_half
from nbsupport.study.params import notebook_names, notebook_source
from nbsupport.study.progress import duration

SOLUTION, EXERCISE = "solution", "exercise"
"""Tags: of a cell that the student edition leaves out, and of the empty cell that stands there instead."""

CUT = re.compile(r"^# solution[ \t]*$.*", re.M | re.S)
"""From a line ``# solution`` to the end of its cell: what the student edition leaves out of a cell without the tag."""

MANIFEST = "editions.json"
CHECKPOINTS = ".ipynb_checkpoints"
"""Copies that JupyterLab keeps of a notebook that was opened; they are nobody's work."""

PLAN = re.compile(r"^```\{lessons\}\n(?P<entries>.*?)^```$", re.M | re.S)
"""The part of ``book/lessons.md`` that names minutes, prerequisites and question of every lesson."""

TIME = re.compile(r"\| time, peak memory \| (\d+) s")


def complete(name: str) -> NotebookNode:
    """The whole notebook: the executed half if it agrees with its source, else the source without results."""
    if not differences(name):
        return nbformat.read(executed_half(name), as_version=4)
    return cleaned(jupytext.read(notebook_source(name)), name)


def is_solution(cell: NotebookNode) -> bool:
    """Whether a cell is tagged as a solution."""
    return SOLUTION in cell.metadata.get("tags", [])


def teacher_edition(notebook: NotebookNode) -> NotebookNode:
    """Everything, with a heading above every solution cell.

    Parameters
    ----------
    notebook : NotebookNode
        From `complete`.

    Returns
    -------
    NotebookNode
        A copy; the cells of the notebook are in it unchanged.
    """
    edition, cells, number = copy.deepcopy(notebook), [], 0
    for cell in edition.cells:
        if is_solution(cell):
            number += 1
            cells.append(new_markdown_cell(f"**Solution to exercise {number}**", id=f"{cell.id}-heading"))
        cells.append(cell)
    edition.cells = cells
    return edition


def student_edition(notebook: NotebookNode) -> NotebookNode:
    """Everything but solutions: an empty cell in place of each, and cells cut at a line ``# solution``.

    Parameters
    ----------
    notebook : NotebookNode
        From `complete`.

    Returns
    -------
    NotebookNode
        A copy. A cell from which something was cut has lost its outputs; all others keep theirs. The empty cells carry
        the tag ``exercise`` and the ids of the solutions, so that answers can be gathered from many copies.
    """
    edition, number = copy.deepcopy(notebook), 0
    for index, cell in enumerate(edition.cells):
        if is_solution(cell):
            number += 1
            edition.cells[index] = _blank(cell, f"exercise {number}: your answer here")
        elif CUT.search(cell.source):
            kept = CUT.sub("", cell.source)
            edition.cells[index] = _blank(cell, "your answer here", kept, cell.metadata.get("tags", []))
    return edition


def _blank(cell: NotebookNode, invitation: str, kept: str = "", tags: Sequence[str] = ()) -> NotebookNode:
    """A cell without results that holds what is kept and an invitation to go on."""
    metadata = {"tags": [*tags, EXERCISE]}
    if cell.cell_type == "markdown":
        return new_markdown_cell(f"{kept}*{invitation.capitalize()}.*", id=cell.id, metadata=metadata)
    return new_code_cell(f"{kept}# {invitation}\n", id=cell.id, metadata=metadata)


EDITIONS: dict[str, Callable[[NotebookNode], NotebookNode]] = {"teacher": teacher_edition, "student": student_edition}


@dataclass(frozen=True)
class Lesson:
    """One notebook as a lesson.

    Parameters
    ----------
    notebook, title : str
    run_s : int or None
        Seconds that the committed run at class size took; None where there is none.
    teach_min : int
        Minutes of teaching.
    after : tuple of str
        Notebooks that come before.
    open_data : bool
        Whether it looks for open data, or a stand-in for them.
    asks : str
        The question of the lesson.
    """

    notebook: str
    title: str
    run_s: int | None
    teach_min: int
    after: tuple[str, ...]
    open_data: bool
    asks: str


def lessons(entries: str) -> list[Lesson]:
    """All lessons in reading order: what the plan says of them, and what is read from their notebooks.

    Parameters
    ----------
    entries : str
        YAML, a mapping from every notebook's name to ``teach`` (minutes), ``after`` (list of names) and ``asks``.

    Raises
    ------
    ValueError
        If a notebook has no entry or an entry no notebook, or a lesson comes after one that does not stand above it.
    """
    given = yaml.safe_load(entries) or {}
    names = notebook_names()
    if odd := sorted(set(names) ^ set(given)):
        raise ValueError(f"the lesson plan and the notebooks differ in {', '.join(odd)}; give each notebook one entry")
    for number, name in enumerate(names):
        if late := set(given[name]["after"]) - set(names[:number]):
            raise ValueError(f"{name} cannot come after {', '.join(sorted(late))}; name notebooks with smaller numbers")
    return [_lesson(name, given[name]) for name in names]


def _lesson(name: str, entry: dict) -> Lesson:
    source = jupytext.read(notebook_source(name))
    return Lesson(
        notebook=name,
        title=source.cells[0].source.splitlines()[0].removeprefix("# "),
        run_s=_seconds_of(executed_half(name)),
        teach_min=entry["teach"],
        after=tuple(entry["after"]),
        open_data=any("study.locate(" in cell.source for cell in source.cells),
        asks=entry["asks"],
    )


def _seconds_of(pair: Path) -> int | None:
    """What the last cell of an executed half says of its time, if there is one that does."""
    found = TIME.search(pair.read_text(encoding="utf-8")) if pair.exists() else None
    return int(found[1]) if found else None


def lesson_table(plan: Sequence[Lesson], link: Callable[[str], str | None]) -> str:
    """Markdown table of the lessons, with their sums.

    Parameters
    ----------
    plan : sequence of Lesson
    link : callable
        Gives the address of a notebook, or None where it has none.
    """
    header = ("lesson", "question", "run", "teach", "needs")
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for lesson in plan:
        name = f"{lesson.notebook.split('_')[0]} {lesson.title.split(':')[0]}"
        address = link(lesson.notebook)
        needs = [other.split("_")[0] for other in lesson.after] + ["open data"] * lesson.open_data
        cells = (
            f"[{name}]({address})" if address else name,
            lesson.asks,
            duration(lesson.run_s) if lesson.run_s is not None else "—",
            f"{lesson.teach_min} min",
            ", ".join(needs) or "—",
        )
        lines.append("| " + " | ".join(cells) + " |")
    over = "over " if any(one.run_s is None for one in plan) else ""
    running, teaching = sum(one.run_s or 0 for one in plan), sum(one.teach_min for one in plan)
    return "\n".join([*lines, f"| **all** | | {over}{duration(running)} | {duration(60 * teaching)} | |"]) + "\n"


def lesson_plan(page: str, link: Callable[[str], str | None]) -> str:
    """The page ``book/lessons.md`` as plain Markdown, with the table in its place."""
    return PLAN.sub(lambda part: lesson_table(lessons(part["entries"]), link), page)


def write_class(folder: Path) -> list[str]:
    """Write ``teacher/``, ``student/`` and ``README.md``, the lesson plan, all of them or none.

    Parameters
    ----------
    folder : Path
        Replaced as a whole if this function wrote it and nothing in it has changed since.

    Returns
    -------
    list of str
        Names of the notebooks that went in without results, because they have no executed half or an outdated one.

    Raises
    ------
    FileExistsError
        If the folder holds a file that this function did not write, or one that was changed since: it may be
        somebody's work. The message names it.
    """
    folder = Path(folder).resolve()
    _refuse_to_lose_work(folder)
    page = (layout.ROOT / "book" / "lessons.md").read_text(encoding="utf-8")
    bare = []
    with _replacing(folder) as fresh:
        for name in notebook_names():
            notebook = complete(name)
            if not any(cell.get("outputs") for cell in notebook.cells):
                bare.append(name)
            for edition, made in EDITIONS.items():
                text = json.dumps(made(notebook), indent=1, ensure_ascii=False) + "\n"
                write_text(fresh / edition / f"{name}.ipynb", text)
        write_text(fresh / "README.md", lesson_plan(page, lambda name: f"teacher/{name}.ipynb"))
        hashes = {path.relative_to(fresh).as_posix(): _sha256(path) for path in _files(fresh)}
        write_json(fresh / MANIFEST, {"written by": "nbsupport class", "sha256": hashes})
    return bare


def _refuse_to_lose_work(folder: Path) -> None:
    advice = "may hold somebody's work; move it away, or name another folder with --out"
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file():
        raise FileExistsError(f"{layout.relative(folder)} was not written by `nbsupport class` and {advice}")
    known = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name != MANIFEST and known.get(name) != _sha256(path):
            what = "has changed since it was written" if name in known else "was not written by `nbsupport class`"
            raise FileExistsError(f"{layout.relative(path)} {what} and {advice}")


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and CHECKPOINTS not in path.parts)


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Give a new folder beside `folder`, and put it in its place only if the block ends well."""
    fresh, former = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "former"))
    for left in (fresh, former):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if folder.exists():
            folder.rename(former)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)
