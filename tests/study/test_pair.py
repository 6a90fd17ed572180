import json

import nbformat
import pytest

from nbsupport.study.pair import cleaned, differences


def executed_copy(toy):
    """The toy notebook's .ipynb half as an execution would leave it, without executing it."""
    import jupytext

    notebook = jupytext.read(toy / "notebooks/01_toy.py")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
    return cleaned(notebook, "01_toy")


def test_equal_halves_have_no_differences(toy):
    nbformat.write(executed_copy(toy), toy / "notebooks/01_toy.ipynb")
    assert differences("01_toy") == []


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda nb: nb.cells[2].update(source="import os"), "the text"),
        (lambda nb: nb.cells[1].metadata.update(tags=["other"]), "the tags"),
        (lambda nb: nb.cells[1].update(execution_count=None), "not executed"),
        (lambda nb: nb.cells.pop(), "cells"),
    ],
)
def test_an_edited_half_is_found_and_the_message_names_the_file_to_edit(toy, edit, what):
    notebook = executed_copy(toy)
    edit(notebook)
    nbformat.write(notebook, toy / "notebooks/01_toy.ipynb")
    found = differences("01_toy")
    assert any(what in line for line in found)
    assert all("edit notebooks/01_toy.py" in line for line in found)


def test_a_missing_half_is_named(toy):
    assert differences("01_toy") == ["notebooks/01_toy.ipynb is missing; run `make pair`"]


def test_parameters_that_a_size_has_set_are_no_difference_and_other_halves_have_a_folder_of_their_size(toy):
    notebook = executed_copy(toy)
    injected = nbformat.v4.new_code_cell("frames = 3", metadata={"tags": ["injected-parameters"]}, execution_count=2)
    notebook.cells.insert(2, injected)
    (toy / "notebooks/smoke").mkdir()
    nbformat.write(notebook, toy / "notebooks/smoke/01_toy.ipynb")
    assert differences("01_toy", "smoke") == []
    notebook.cells[3].source = "import os"
    nbformat.write(notebook, toy / "notebooks/smoke/01_toy.ipynb")
    (found,) = differences("01_toy", "smoke")
    assert "notebooks/smoke/01_toy.ipynb" in found and "`nbsupport pair 01_toy --size smoke`" in found


@pytest.mark.notebook
def test_the_half_of_a_longer_size_is_taken_from_a_run_that_was_made_and_never_starts_one(toy, nbsupport_command):
    refused = nbsupport_command("pair", "--size", "smoke")
    assert refused.returncode == 1
    assert "data/runs/smoke/01_toy.ipynb is missing" in refused.stderr
    assert not (toy / "notebooks/smoke").exists()
    assert nbsupport_command("run", "01_toy", "--size", "smoke").returncode == 0
    assert nbsupport_command("pair", "--size", "smoke").returncode == 0
    assert nbsupport_command("pair", "--size", "smoke", "--check").returncode == 0
    assert not (toy / "notebooks/01_toy.ipynb").exists()
    source = toy / "notebooks/01_toy.py"
    source.write_text(source.read_text().replace("A toy notebook", "Another title"))
    stale = nbsupport_command("pair", "--size", "smoke")
    assert stale.returncode == 1 and "another source" in stale.stderr
    assert "A toy notebook" in (toy / "notebooks/smoke/01_toy.ipynb").read_text()
    assert "no size 'dsk'" in nbsupport_command("pair", "--size", "dsk", "--check").stderr


@pytest.mark.notebook
def test_the_pair_holds_results_and_nothing_of_the_machine(toy, nbsupport_command):
    assert nbsupport_command("pair").returncode == 0
    text = (toy / "notebooks/01_toy.ipynb").read_text()
    assert differences("01_toy") == []
    assert str(toy) not in text
    assert "papermill" not in json.dumps(json.loads(text)["metadata"])
    outputs = [output for cell in json.loads(text)["cells"] for output in cell.get("outputs", [])]
    image = next(output for output in outputs if "image/png" in output.get("data", {}))
    assert image["metadata"]["image/png"]["alt"].startswith("A straight line")
