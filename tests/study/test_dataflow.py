import re

import pytest

from nbsupport.study.dataflow import DIAGRAM, declared_edges, depths, draw_dataflow, edges_of
from nbsupport.study.params import notebook_names

DOT = """digraph snakemake_dag {
    graph[bgcolor=white, margin=0];
    0[label = "study", color = "0.00 0.6 0.85"];
    1[label = "notebook_01_a", color = "0.33 0.6 0.85"];
    2[label = "notebook_02_b", color = "0.17 0.6 0.85"];
    1 -> 0
    2 -> 0
    1 -> 2
}"""


def test_edges_are_read_from_the_graph_that_snakemake_prints():
    assert edges_of(DOT) == [
        ("notebook_01_a", "notebook_02_b"),
        ("notebook_01_a", "study"),
        ("notebook_02_b", "study"),
    ]


def test_depth_is_the_longest_way_from_a_notebook_that_needs_nothing():
    assert depths(edges_of(DOT)) == {"notebook_01_a": 0, "notebook_02_b": 1, "study": 2}


def test_the_diagram_is_the_same_for_the_same_edges(tmp_path):
    for name in ("one.svg", "two.svg"):
        draw_dataflow(edges_of(DOT), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.notebook
def test_every_notebook_is_declared_in_the_snakefile_and_drawn_in_the_committed_diagram(tmp_path):
    edges = declared_edges()
    assert {before.removeprefix("notebook_") for before, _ in edges} == set(notebook_names())
    draw_dataflow(edges, tmp_path / "dataflow.svg")

    def texts(path):
        return re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"))

    assert texts(tmp_path / "dataflow.svg") == texts(DIAGRAM), "the Snakefile has changed; run `make diagram`"
