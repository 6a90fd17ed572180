"""A small study, killed ten times in a row at random and taken up each time, ends as if nothing had happened."""

import json

import nbformat
import pytest
from toy_study import FIRST, SECOND, visible

pytestmark = pytest.mark.notebook


def test_ten_kills_leave_results_equal_byte_by_byte_to_those_of_an_unbroken_run(toy_studies):
    results = [
        {name: content for name, content in visible(root).items() if not name.startswith("figures/smoke/runs/")}
        for root in (toy_studies.unbroken, toy_studies.broken)
    ]
    assert "figures/smoke/toy-training.svg" in results[0]
    assert "figures/smoke/results/toy-weights.json" in results[0]
    assert results[1] == results[0]


def test_at_no_time_was_a_published_file_anything_but_whole(toy_studies):
    assert toy_studies.torn == []
    assert "figures/smoke/toy-pairs.csv" in toy_studies.seen


def test_run_records_differ_in_time_and_memory_alone(toy_studies):
    for name in (FIRST, SECOND):
        path = f"figures/smoke/runs/{name}.json"
        one, other = (json.loads((root / path).read_text()) for root in (toy_studies.unbroken, toy_studies.broken))
        assert one.keys() == other.keys()
        assert {key for key in one if one[key] != other[key]} <= {"wall_s", "cell_s", "peak_memory_gib"}


def test_the_executed_notebooks_show_the_same(toy_studies):
    for name in (FIRST, SECOND):
        one, other = (
            nbformat.read(root / f"data/runs/smoke/{name}.ipynb", as_version=4)
            for root in (toy_studies.unbroken, toy_studies.broken)
        )
        assert [cell.get("outputs") for cell in one.cells[:-1]] == [cell.get("outputs") for cell in other.cells[:-1]]


def test_the_study_that_was_killed_keeps_nothing_half_done(toy_studies):
    found = {path.relative_to(toy_studies.broken / "data") for path in (toy_studies.broken / "data").rglob("*")}
    expected = {path.relative_to(toy_studies.unbroken / "data") for path in (toy_studies.unbroken / "data").rglob("*")}
    assert found == expected
