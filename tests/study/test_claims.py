import json
import os
from pathlib import Path

import pytest
import yaml

from nbsupport.study import layout
from nbsupport.study.claims import claim, ledger, recorded
from nbsupport.study.verdict import Estimate, names_in

ENTRY = {
    "id": "toy-gain",
    "source": "toy2020",
    "where": "Table 1",
    "kind": "ordering",
    "statement": "The toy gains.",
    "published": "1.0 dB",
    "measure": "Gain over the input.",
    "quantities": {"gain_db": {"unit": "dB", "meaning": "gain over the input"}},
    "rule": {"reproduced": "gain_db.low > 0", "partly": "gain_db > 0"},
    "artefacts": [],
    "notebook": "01_toy",
}


@pytest.fixture
def toy_ledger(tmp_path, monkeypatch, opened):
    """A ledger with one claim, and the folder that its records go to."""
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"artefacts": [], "claims": [ENTRY]}))
    monkeypatch.setattr(layout, "PARAMS", tmp_path)
    monkeypatch.setattr(layout, "FIGURES", tmp_path)
    opened.folder = tmp_path / "smoke"
    ledger.cache_clear()
    yield tmp_path / "smoke" / "claims" / "toy-gain.json"
    ledger.cache_clear()


def test_every_claim_of_the_ledger_has_a_rule_that_speaks_of_its_own_quantities_and_known_artefacts():
    artefacts, claims = ledger()
    assert len(claims) > 100
    for entry in claims.values():
        assert "reproduced" in entry.rule
        assert set().union(*map(names_in, entry.rule.values())) == set(entry.quantities), entry.id
        assert set(entry.artefacts) <= set(artefacts), entry.id


def test_the_ledger_holds_all_that_the_inventory_lists():
    inventory = Path(os.environ.get("NBSUPPORT_ORACLES", "")).parent / "inventory.yaml"
    if not inventory.is_file():
        pytest.skip("no inventory.yaml beside the oracle arrays")
    listed = yaml.load(inventory.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    artefacts, claims = ledger()
    assert set(artefacts) == {entry["id"] for entry in listed["artefacts"]}
    assert set(claims) == {entry["id"] for entry in listed["claims"]}


@pytest.mark.parametrize(
    ("measured", "outcome"),
    [
        (Estimate(1.0, 0.5, 1.5), "reproduced"),
        ((1.0, -0.5, 1.5), "partly"),
        ({"gain_db": (-1.0, -2.0, -0.1)}, "not reproduced"),
    ],
)
def test_a_measurement_is_judged_by_its_rule_and_recorded_with_it(toy_ledger, measured, outcome):
    shown = claim("toy-gain", measured=measured, spread="bootstrap, 95 %", n=36)
    record = json.loads(toy_ledger.read_text())
    assert record["verdict"] == outcome
    assert record["rule"] == ENTRY["rule"]
    assert f"n = 36, bootstrap, 95 %) → **{outcome}**" in shown.data


@pytest.mark.parametrize(
    ("given", "told"),
    [("no interval: one movie", "no interval: one movie"), ("bootstrap", "no interval: too few for bootstrap")],
)
def test_a_bare_value_stands_with_the_reason_why_it_has_no_interval(toy_ledger, given, told):
    plain = ENTRY | {"rule": {"reproduced": "gain_db > 0"}}
    (layout.PARAMS / "claims.yaml").write_text(yaml.safe_dump({"artefacts": [], "claims": [plain]}))
    shown = claim("toy-gain", measured=1.0, spread=given, n=1)
    record = json.loads(toy_ledger.read_text())
    assert record["measured"]["gain_db"] == {"value": 1.0, "low": None, "high": None}
    assert record["spread"] == told
    assert f"gain_db = 1 (n = 1, {told})" in shown.data


def test_what_cannot_be_tested_is_recorded_with_its_reason(toy_ledger):
    claim("toy-gain", not_testable="needs the toy's own camera frames")
    record = json.loads(toy_ledger.read_text())
    assert (record["verdict"], record["reason"]) == ("not testable here", "needs the toy's own camera frames")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"measured": 1.0, "not_testable": "both"},
        {"measured": 1.0},
        {"measured": (1.0, 0.5, 1.5), "n": 3},
        {"measured": {"gain": 1.0}, "n": 3, "spread": "no interval: one run"},
        {"measured": float("nan"), "n": 3, "spread": "no interval: one run"},
        {"measured": (1.0, 2.0, 3.0), "n": 3, "spread": "bootstrap"},
        {"measured": 1.0, "n": 3},
        {"measured": (1.0, 0.5, 1.5), "n": 3, "spread": "no interval: one run"},
    ],
)
def test_an_incomplete_or_impossible_measurement_is_refused_and_not_recorded(toy_ledger, arguments):
    with pytest.raises(ValueError, match="toy-gain|gain_db"):
        claim("toy-gain", **arguments)
    assert not toy_ledger.exists()


def test_an_unknown_claim_is_refused_with_the_nearest_id(toy_ledger):
    with pytest.raises(KeyError, match="did you mean 'toy-gain'"):
        claim("toy-gian", measured=1.0, n=1)


def test_the_ledger_shows_what_is_missing_and_what_was_judged_by_an_older_rule(toy_ledger):
    assert recorded("smoke")["toy-gain"]["verdict"] == "missing"
    claim("toy-gain", measured=Estimate(1.0, 0.5, 1.5), spread="bootstrap", n=3)
    assert recorded("smoke")["toy-gain"]["rule_changed_since"] is False
    changed = ENTRY | {"rule": {"reproduced": "gain_db.low > 1"}}
    (layout.PARAMS / "claims.yaml").write_text(yaml.safe_dump({"artefacts": [], "claims": [changed]}))
    ledger.cache_clear()
    assert recorded("smoke")["toy-gain"]["rule_changed_since"] is True
