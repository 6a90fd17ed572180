"""The whole study at smoke size, through its own workflow, killed once on the way and judged by what it published."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import jupytext
import nbformat
import pytest
from smoke_study import finished, here

from nbsupport.study import layout
from nbsupport.study.claims import TOO_FEW, ledger
from nbsupport.study.pair import differences, executed_half
from nbsupport.study.params import declared_parameters, notebook_names, notebook_source, parameter_set

pytestmark = pytest.mark.notebook

NAMES = notebook_names()
LARGEST_PAIR = 1_500_000
"""Bytes; code-hosting sites stop rendering notebooks not far above."""


READERS = [name for name in NAMES if "study.locate(" in notebook_source(name).read_text(encoding="utf-8")]
"""Notebooks that use open data where they are at hand."""


@pytest.fixture(scope="session")
def without_data(study, tmp_path_factory):
    """What the runner said of every reader of open data when there were none, by notebook, and the root of the runs."""
    if "NBSUPPORT_DATA" not in os.environ:
        pytest.skip("no open data are at hand: the study of these tests has run without them")
    root = tmp_path_factory.mktemp("absent") / "study"
    shutil.copytree(study.root, root, ignore=shutil.ignore_patterns(".snakemake"))
    environment = {name: value for name, value in os.environ.items() if name != "NBSUPPORT_DATA"}
    environment |= {"NBSUPPORT_ROOT": str(root), "NBSUPPORT_OFFLINE": "1"}

    def run(name):
        command = [sys.executable, "-m", "nbsupport", "run", name, "--size", "smoke", "--threads", "1"]
        return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)

    with ThreadPoolExecutor(2) as pool:
        return root, dict(zip(READERS, pool.map(run, READERS), strict=True))


def executed(study, name):
    return nbformat.read(study.root / f"data/runs/smoke/{name}.ipynb", as_version=4)


def test_a_killed_study_leaves_nothing_that_looks_finished(study):
    assert study.left_behind == []


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_publishes_whole_artefacts_with_alt_texts(study, name):
    folder = study.root / "figures/smoke"
    record = json.loads((folder / "runs" / f"{name}.json").read_text())
    assert record["published"]
    for artefact in record["published"]:
        card = json.loads((folder / f"{artefact}.json").read_text())
        assert len(card["alt"].split()) >= 4
        assert len(card["caption"].split()) >= 4
        for file in card["files"]:
            assert (folder / file).stat().st_size > 50, file


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_makes_every_artefact_and_judges_every_claim_that_the_ledger_gives_it(study, name):
    artefacts, claims = ledger()
    folder = study.root / "figures/smoke"
    missing = [
        entry.id
        for entry in artefacts.values()
        if entry.notebook == name and not (folder / f"{entry.id}.json").exists()
    ]
    missing += [
        entry.id
        for entry in claims.values()
        if entry.notebook == name and not (folder / f"claims/{entry.id}.json").exists()
    ]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_prints_no_warning_and_shows_no_path_of_the_machine(study, name):
    for number, cell in enumerate(executed(study, name).cells, start=1):
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", f"cell {number}: {output.text}"
            assert str(study.root) not in json.dumps(output), f"cell {number}"


@pytest.mark.parametrize("name", READERS)
def test_a_notebook_runs_without_open_data_and_names_what_stands_in_for_them(without_data, name):
    root, runs = without_data
    assert runs[name].returncode == 0, runs[name].stdout + runs[name].stderr
    cells = nbformat.read(root / f"data/runs/smoke/{name}.ipynb", as_version=4).cells
    assert "**Stand-in:**" in json.dumps(cells, ensure_ascii=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_the_bones_of_the_house(name):
    cells = jupytext.read(notebook_source(name)).cells
    assert re.match(r"# [^\n]+\n\n\S", cells[0].source), (
        "title, then one paragraph: question, what is seen, needs, time"
    )
    text = "\n".join(cell.source for cell in cells)
    for part in ("**What this shows.**", "**What it does not.**", "## Exercises", "## Provenance"):
        assert part in text, part
    assert cells[-1].source.strip() == "study.end()"
    assert any("solution" in cell.metadata.get("tags", []) for cell in cells)


def unseen(code):
    """Sentences and verdicts of a cell that nobody would see: Jupyter shows the last expression of a cell alone."""
    tree = ast.parse(code)
    alone = {id(node) for node in tree.body[-1:]}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    hidden = [node for node in calls if id(node) not in alone]
    return [text for text in map(ast.unparse, hidden) if text.startswith(("study.say(", "study.claim("))]


def test_a_sentence_that_is_not_the_last_expression_of_its_cell_is_found():
    assert unseen("study.say('seen')") == []
    assert unseen("display(study.say('seen'))\nx = 1") == []
    assert unseen("study.say('lost')\n\ndef after(): ...") == ["study.say('lost')"]
    assert unseen("if x:\n    study.claim('lost')") == ["study.claim('lost')"]


@pytest.mark.parametrize("name", NAMES)
def test_every_sentence_and_every_verdict_is_shown(name):
    cells = [cell.source for cell in jupytext.read(notebook_source(name)).cells if cell.cell_type == "code"]
    assert [text for cell in cells for text in unseen(cell)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_two_halves_of_a_notebook_agree(name):
    assert differences(name) == []
    assert executed_half(name).stat().st_size < LARGEST_PAIR


@pytest.mark.parametrize("name", NAMES)
def test_in_a_lesson_every_claim_has_its_interval_or_a_reason_of_its_own(name):
    """The smallest size may be too small for an interval; elsewhere that would hide one that was forgotten."""
    assert TOO_FEW not in executed_half(name).read_text(encoding="utf-8")


@pytest.mark.parametrize("size", ["smoke", "desk"])
@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_set_fits_its_cell(name, size):
    source = notebook_source(name)
    assert parameter_set(source, size).keys() <= declared_parameters(source).keys()


@pytest.mark.parametrize("path", sorted(layout.PARAMS.glob("desk/*.yaml")) + sorted(layout.PARAMS.glob("paper/*.yaml")))
def test_a_reference_names_every_parameter_so_that_no_shorter_lesson_changes_it(path):
    source = notebook_source(path.stem)
    assert parameter_set(source, path.parent.name).keys() == declared_parameters(source).keys()


def test_no_parameter_set_lacks_its_notebook():
    sets = {path.stem for size in layout.SIZES for path in (layout.PARAMS / size).glob("*.yaml")}
    assert sets <= set(NAMES)


def test_a_finished_study_has_nothing_to_do_and_an_edited_set_reruns_only_its_own_notebook_and_says_why(study):
    again = finished(here(study.root, "--dry-run"))
    assert "Nothing to be done" in again.stdout + again.stderr
    edited = study.root / "params/smoke/03_musical.yaml"
    before = edited.read_text()
    edited.write_text(before.replace("subpixels: 4", "subpixels: 5"))
    planned = finished(here(study.root, "--dry-run"))
    text = planned.stdout + planned.stderr
    assert "reason: Updated input files: params/smoke/03_musical.yaml" in text
    assert "rule notebook_02_simulator" not in text
    edited.write_text(before)


def test_plain_papermill_runs_a_committed_notebook_which_names_the_stand_in_for_absent_data(tmp_path):
    command = [
        sys.executable,
        "-m",
        "papermill",
        "notebooks/03_musical.ipynb",
        str(tmp_path / "out.ipynb"),
        "--no-progress-bar",
    ]
    for name, value in (("frames", 50), ("pixel_um", 0.12), ("subpixels", 3), ("coarse", 2), ("repeats", 1)):
        command += ["-p", name, str(value)]
    environment = {name: value for name, value in os.environ.items() if name != "NBSUPPORT_DATA"}
    environment["NBSUPPORT_OFFLINE"] = "1"
    done = subprocess.run(command, cwd=layout.ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert "`frames=50`" in json.dumps(cells[-1], ensure_ascii=False)
    assert "**Stand-in:** Simulated mitochondrion" in json.dumps(cells, ensure_ascii=False)
