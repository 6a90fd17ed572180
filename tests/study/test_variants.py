"""Named variants of a notebook: read, checked and run beside one another."""

import json

import pytest

from nbsupport.study.params import ParameterError, notebook_source
from nbsupport.study.plan import plan
from nbsupport.study.variants import run_names, variant_parameters, variants

GROUPS = """\
groups:
  - sizes: [smoke, class]
    variants:
      loud: {gain: 2.0}
      long: {frames: 9}
  - sizes: [desk]
    parameters: {word: common}
    variants:
      loud: {gain: 3.0}
"""


@pytest.fixture
def varied(toy):
    (toy / "params/variants").mkdir()
    path = toy / "params/variants/01_toy.yaml"
    path.write_text(GROUPS)
    return path


def test_a_notebook_without_a_file_has_no_variants(toy):
    assert variants(notebook_source("01_toy"), "smoke") == {}
    assert run_names("smoke") == ["01_toy"]


def test_a_size_has_the_variants_of_its_groups_with_what_the_group_shares(varied):
    source = notebook_source("01_toy")
    assert variants(source, "smoke") == {"loud": {"gain": 2.0}, "long": {"frames": 9}}
    assert variants(source, "desk") == {"loud": {"word": "common", "gain": 3.0}}
    assert variants(source, "paper") == {}


def test_a_variant_stands_on_the_set_of_its_size(varied):
    planned = plan("01_toy", "smoke", variant="loud")
    assert (planned.values["frames"], planned.values["gain"]) == (3, 2.0)
    assert planned.name == "01_toy.loud"
    assert planned.size == "smoke"


def test_an_unknown_variant_is_refused_with_the_nearest(varied):
    with pytest.raises(ParameterError, match="did you mean 'loud'"):
        variant_parameters(notebook_source("01_toy"), "smoke", "loudd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("groups: [{sizes: [smoke], variants: {a: {frame: 1}}}]", "did you mean 'frames'"),
        ("groups: [{sizes: [smok], variants: {}}]", "did you mean 'smoke'"),
        ("groups: [{variants: {}}]", "needs sizes and variants"),
        ("groups: [{sizes: [smoke], variants: {../a: {}}}]", "letters, digits and hyphens"),
        ("groups: [{sizes: [smoke], variants: {a: {}}}, {sizes: [smoke], variants: {a: {}}}]", "stands twice"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(varied, text, message):
    varied.write_text(text)
    with pytest.raises(ParameterError, match=message):
        variants(notebook_source("01_toy"), "smoke")


@pytest.mark.notebook
def test_a_variant_runs_beside_the_notebook_and_keeps_a_record_of_its_own(varied, toy, nbsupport_command):
    for words in ((), ("--variant", "long")):
        done = nbsupport_command("run", "01_toy", "--size", "smoke", *words)
        assert done.returncode == 0, done.stderr
    records = {path.stem: json.loads(path.read_text()) for path in (toy / "figures/smoke/runs").glob("*.json")}
    assert {name: record["parameters"]["frames"] for name, record in records.items()} == {
        "01_toy": 3,
        "01_toy.long": 9,
    }
    assert (toy / "data/runs/smoke/01_toy.long.ipynb").exists()
    assert (toy / "data/runs/smoke/01_toy.long.log").exists()
