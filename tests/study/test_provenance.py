import json
import platform
import subprocess
from pathlib import Path

import pytest

from nbsupport.study import layout, provenance
from nbsupport.study.provenance import code_state, end


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout with one commit, which the provenance speaks of."""
    monkeypatch.setattr(layout, "ROOT", tmp_path)

    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "code.py").write_text("1\n")
    git("add", ".")
    git("commit", "-qm", "one")
    code_state.cache_clear()
    yield tmp_path
    code_state.cache_clear()


def test_a_clean_checkout_gives_its_commit_and_published_results_do_not_make_it_dirty(checkout):
    (checkout / "figures").mkdir()
    (checkout / "figures" / "new.png").write_text("x")
    state = code_state()
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True).stdout.strip()
    assert state == {"commit": head, "dirty": False}


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_changed_and_new_code_is_dirty(checkout, name):
    (checkout / name).write_text("2\n")
    assert code_state()["dirty"] is True


def test_outside_git_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    code_state.cache_clear()
    assert code_state() == {"commit": "unknown", "dirty": None}
    code_state.cache_clear()


@pytest.mark.parametrize(
    ("has", "units"), [({"avx512_bf16": True, "amx_bf16": True}, ", amx_bf16, avx512_bf16"), ({"avx2": True}, "")]
)
def test_a_run_names_its_processor_and_the_units_that_round_its_trainings(monkeypatch, has, units):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: has)
    provenance.environment.cache_clear()
    stamp = provenance.environment()
    assert stamp["device"] == f"cpu ({provenance.processor()}{units})"
    assert stamp["auto_precision"] == ("bf16" if units else "float32")
    provenance.environment.cache_clear()


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux lists its processors in a file")
def test_the_processor_is_the_one_that_the_system_lists():
    named = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.endswith(provenance.processor())]
    assert named or provenance.processor() == platform.machine()


def test_an_artefact_keeps_what_data_it_used_but_not_where_they_lay(opened, monkeypatch):
    found = {"name": "rods", "path": "a.tif", "sha256": "ab"}
    cards = []
    for place in ("cache", "NBSUPPORT_DATA"):
        monkeypatch.setattr(provenance, "data_used", lambda place=place: [found | {"source": place}])
        cards.append(provenance.provenance(opened)["data"])
    assert cards == [[found], [found]]
    absent = {"name": "rods", "source": "stand-in: simulated rods"}
    monkeypatch.setattr(provenance, "data_used", lambda: [absent])
    assert provenance.provenance(opened)["data"] == [absent]


def test_the_closing_cell_writes_time_memory_and_the_token_of_its_run(opened):
    opened.token = "abc"
    shown = end()
    record = json.loads((opened.folder / "runs" / "01_toy.json").read_text())
    assert record["token"] == "abc"
    assert record["wall_s"] >= 0
    assert 0.01 < record["peak_memory_gib"] < 100
    assert "| parameters | `frames=3` |" in shown.data


@pytest.mark.parametrize(
    ("chosen", "told"), [({}, True), ({"precision": "auto"}, True), ({"precision": "bf16"}, False)]
)
def test_what_precision_auto_means_is_told_where_the_parameters_leave_it_open(opened, chosen, told):
    opened.parameters |= chosen
    assert ("precision `auto`" in end().data) is told
