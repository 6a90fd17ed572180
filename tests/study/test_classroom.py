import ast
import builtins
import json
import re
from functools import cache

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbsupport.study import layout
from nbsupport.study.classroom import complete, is_solution, lessons, student_edition, teacher_edition, write_class
from nbsupport.study.dataflow import declared_edges
from nbsupport.study.params import notebook_names, notebook_source

NAMES = notebook_names()
whole_notebook = cache(complete)
ENTRIES = "01_toy:\n  teach: 30\n  after: []\n  asks: What does a line do?\n"
EXERCISE = """\
# %% [markdown]
# ## Exercises
#
# 1. What is the sum of all frames?
# 2. And their mean?

# %% tags=["solution"]
print("the sum is", sum(range(frames)))

# %%
values = list(range(frames))
# solution
print("the mean is", sum(values) / len(values))

# %%
study.end()
"""


@pytest.fixture
def lesson(toy):
    """The toy study with two exercises and a lesson plan."""
    source = toy / "notebooks/01_toy.py"
    source.write_text(source.read_text().replace("# %%\nstudy.end()\n", EXERCISE))
    (toy / "book").mkdir()
    (toy / "book/lessons.md").write_text(f"# Lesson plan\n\n```{{lessons}}\n{ENTRIES}```\n\nThe end.\n")
    return toy


def code_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def names_stored(tree):
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    definitions = (ast.FunctionDef, ast.ClassDef)
    return stored | {node.name for node in ast.walk(tree) if isinstance(node, definitions)}


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_of_a_notebook_has_its_solution(name):
    cells = jupytext.read(notebook_source(name)).cells
    (section,) = (cell.source for cell in cells if cell.source.startswith("## Exercises"))
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", section, re.M)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sum(map(is_solution, cells)) == len(numbers) >= 1


@pytest.mark.parametrize("name", NAMES)
def test_no_line_and_no_output_of_a_solution_is_in_the_student_edition(name):
    whole = whole_notebook(name)
    student = json.dumps(student_edition(whole), ensure_ascii=False)
    elsewhere = "\n".join(cell.source for cell in whole.cells if not is_solution(cell))
    lines = [line.strip() for cell in filter(is_solution, whole.cells) for line in cell.source.splitlines()]
    telling = [line for line in lines if len(line) > 12 and line not in elsewhere]
    assert telling
    assert [line for line in telling if json.dumps(line, ensure_ascii=False)[1:-1] in student] == []
    printed = [output for cell in filter(is_solution, whole.cells) for output in cell.get("outputs", [])]
    assert [output for output in printed if json.dumps(output, ensure_ascii=False) in student] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_solution_needs_nothing_that_a_solution_defines(name):
    solved, given, asked = set(), set(dir(builtins)), set()
    for cell in (cell for cell in jupytext.read(notebook_source(name)).cells if cell.cell_type == "code"):
        tree = ast.parse(cell.source)
        if is_solution(cell):
            solved |= names_stored(tree)
        else:
            given |= names_stored(tree)
            asked |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert (asked & solved) - given == set()


@pytest.mark.parametrize("name", NAMES)
def test_both_editions_are_valid_notebooks_that_link_to_nothing_outside_their_folder(name):
    whole = whole_notebook(name)
    for edition in (teacher_edition(whole), student_edition(whole)):
        nbformat.validate(edition)
        text = "\n".join(cell.source for cell in edition.cells if cell.cell_type == "markdown")
        targets = [target for target in re.findall(r"\]\(([^)\s#]+)\)", text) if "://" not in target]
        assert {target.removesuffix(".ipynb") for target in targets} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_teachers_edition_is_the_solved_notebook_with_headings(name):
    whole = whole_notebook(name)
    teacher = teacher_edition(whole)
    assert code_of(teacher) == code_of(whole)
    headings = [cell.source for cell in teacher.cells if cell.source.startswith("**Solution to exercise")]
    assert len(headings) == sum(map(is_solution, whole.cells))


def test_a_cut_cell_keeps_what_stands_above_the_mark_and_loses_its_outputs():
    shown = [nbformat.v4.new_output("stream", name="stdout", text="4\n")]
    cut = new_code_cell("a = 2\n# solution\nprint(a * a)", outputs=shown, execution_count=1)
    other = new_code_cell("print(4)", outputs=shown, execution_count=2)
    words = new_markdown_cell("The answer is yes.", metadata={"tags": ["solution"]})
    student = student_edition(new_notebook(cells=[cut, other, words])).cells
    assert student[0].source.startswith("a = 2\n")
    assert "print" not in student[0].source
    assert [student[0].outputs, student[0].execution_count] == [[], None]
    assert [student[1].source, student[1].outputs] == [other.source, other.outputs]
    assert [student[2].cell_type, "yes" in student[2].source] == ["markdown", False]
    assert [cell.id for cell in student] == [cut.id, other.id, words.id]


@pytest.mark.notebook
def test_the_student_edition_runs_and_says_nothing_where_answers_are_missing(lesson):
    student = student_edition(complete("01_toy"))
    NotebookClient(student, timeout=120, resources={"metadata": {"path": str(lesson)}}).execute()
    blanks = [cell for cell in student.cells if "exercise" in cell.metadata.get("tags", [])]
    assert len(blanks) == 2
    assert [cell.outputs for cell in blanks] == [[], []]


def test_a_class_written_twice_is_the_same_to_the_byte(lesson):
    for folder in ("one", "two"):
        assert write_class(lesson / folder) == ["01_toy"]
    files = sorted(path.relative_to(lesson / "one") for path in (lesson / "one").rglob("*") if path.is_file())
    assert {str(path) for path in files} == {
        "README.md",
        "editions.json",
        "student/01_toy.ipynb",
        "teacher/01_toy.ipynb",
    }
    assert all((lesson / "one" / path).read_bytes() == (lesson / "two" / path).read_bytes() for path in files)


def test_an_unchanged_class_is_replaced_and_nothing_is_left_beside_it(lesson):
    write_class(lesson / "class")
    (lesson / "class/student/.ipynb_checkpoints").mkdir()
    (lesson / "class/student/.ipynb_checkpoints/01_toy-checkpoint.ipynb").write_text("{}")
    source = lesson / "notebooks/01_toy.py"
    source.write_text(source.read_text().replace("A toy notebook", "A new title"))
    before = {path.name for path in lesson.iterdir()}
    write_class(lesson / "class")
    assert "A new title" in (lesson / "class/student/01_toy.ipynb").read_text()
    assert {path.name for path in lesson.iterdir()} == before


@pytest.mark.parametrize("file", ["student/01_toy.ipynb", "student/notes.txt"])
def test_a_class_with_somebodys_work_in_it_is_not_touched(lesson, file):
    write_class(lesson / "class")
    (lesson / "class" / file).write_text("my answers")
    with pytest.raises(FileExistsError, match=file):
        write_class(lesson / "class")
    assert (lesson / "class" / file).read_text() == "my answers"


def test_a_folder_of_other_origin_is_not_touched(lesson):
    with pytest.raises(FileExistsError, match="notebooks was not written"):
        write_class(lesson / "notebooks")
    assert (lesson / "notebooks/01_toy.py").exists()


def test_a_class_that_cannot_be_made_leaves_the_former_one(lesson):
    write_class(lesson / "class")
    former = (lesson / "class/README.md").read_text()
    (lesson / "book/lessons.md").write_text("```{lessons}\n{}\n```\n")
    with pytest.raises(ValueError, match="01_toy"):
        write_class(lesson / "class")
    assert (lesson / "class/README.md").read_text() == former
    assert [path.name for path in lesson.glob(".class*")] == []


@pytest.mark.notebook
def test_the_command_writes_the_class_and_names_notebooks_without_results(lesson, nbsupport_command):
    done = nbsupport_command("class")
    assert done.returncode == 0, done.stderr
    assert "01_toy: without results" in done.stdout
    assert "| [01 A toy notebook](teacher/01_toy.ipynb) |" in (lesson / "class/README.md").read_text()
    (lesson / "class/student/01_toy.ipynb").write_text("my answers")
    again = nbsupport_command("class")
    assert again.returncode == 1
    assert "class/student/01_toy.ipynb has changed" in again.stderr


def test_the_lesson_plan_takes_measured_times_from_the_executed_halves():
    plan = lessons(plan_of_the_book())
    timed = {lesson.notebook: lesson.run_s for lesson in plan}
    assert set(timed) == set(NAMES)
    for name, seconds in timed.items():
        pair = layout.NOTEBOOKS / f"{name}.ipynb"
        assert (seconds is None) == (not pair.exists())
        if seconds is not None:
            last = nbformat.read(pair, as_version=4).cells[-1].outputs[0].data["text/markdown"]
            assert f"| {seconds} s," in last


@pytest.mark.notebook
def test_no_lesson_stands_before_one_whose_results_it_reads():
    after = {lesson.notebook: set(lesson.after) for lesson in lessons(plan_of_the_book())}
    for name in NAMES:
        after[name] |= set().union(*(after[other] for other in after[name]))
    edges = [tuple(node.removeprefix("notebook_") for node in edge) for edge in declared_edges()]
    reads = [(before, name) for before, name in edges if name in after and name != "90_scoreboard"]
    assert reads
    assert [(before, name) for before, name in reads if before not in after[name]] == []


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("{}", "differ in 01_toy"),
        (ENTRIES + ENTRIES.replace("01_toy", "07_lost"), "differ in 07_lost"),
        (ENTRIES.replace("[]", "[01_toy]"), "01_toy cannot come after 01_toy"),
    ],
)
def test_a_lesson_plan_that_does_not_fit_the_notebooks_is_refused(lesson, entries, message):
    with pytest.raises(ValueError, match=message):
        lessons(entries)


def plan_of_the_book():
    page = (layout.ROOT / "book/lessons.md").read_text(encoding="utf-8")
    return re.search(r"```\{lessons\}\n(.*?)^```$", page, re.M | re.S)[1]
