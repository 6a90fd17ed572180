"""The scoreboard counts every claim once, hides no gap and shows texts as they are."""

import csv
import json
from collections import Counter
from html.parser import HTMLParser

import pytest
import yaml

from nbsupport.study import layout, scoreboard
from nbsupport.study.claims import ledger


@pytest.fixture
def figures(tmp_path, monkeypatch):
    """Figures of a size at which one claim and one artefact have been published."""
    monkeypatch.setattr(layout, "FIGURES", tmp_path)
    folder = tmp_path / "smoke"
    (folder / "claims").mkdir(parents=True)
    artefacts, claims = ledger()
    name, entry = next(iter(claims.items()))
    quantity = next(iter(entry.quantities))
    record = {"id": name, "verdict": "partly", "rule": entry.rule, "rule_sha256": entry.rule_sha256}
    record |= {"measured": {quantity: {"value": 2.0, "low": 1.5, "high": 2.5}}, "n": 7, "spread": "bootstrap"}
    (folder / "claims" / f"{name}.json").write_text(json.dumps(record))
    artefact = next(iter(artefacts))
    (folder / f"{artefact}.json").write_text(
        json.dumps({"id": artefact, "kind": "table", "alt": "a b c d", "files": [f"{artefact}.csv"]})
    )
    (folder / f"{artefact}.csv").write_text("a\n1\n")
    return folder, name, artefact


def in_the_file(kind):
    return yaml.safe_load((layout.PARAMS / "claims.yaml").read_text(encoding="utf-8"))[kind]


def test_every_claim_of_the_ledger_is_counted_once(figures):
    counted = scoreboard.counts("smoke")
    expected = Counter(entry["source"] for entry in in_the_file("claims"))
    assert dict(zip(counted.source.values, counted.sum("verdict").values.tolist(), strict=True)) == expected


def test_a_claim_without_a_record_is_missing(figures):
    counted = scoreboard.counts("smoke").sum("source")
    assert int(counted.sel(verdict="partly")) == 1
    assert int(counted.sel(verdict="missing")) == len(in_the_file("claims")) - 1


def test_a_measured_claim_shows_value_interval_and_rule(figures):
    _, name, _ = figures
    table = scoreboard.claims_table("smoke")
    row = {column: values[table["claim"].index(name)] for column, values in table.items()}
    assert "2 [1.5, 2.5]" in row["measured"]
    assert (row["n"], row["interval"], row["verdict"]) == ("7", "bootstrap", "partly")
    assert row["reason"] == " ".join(in_the_file("claims")[0]["rule"]["partly"].split())


def test_a_record_made_under_another_rule_says_so(figures):
    folder, name, _ = figures
    path = folder / "claims" / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rule_sha256": "0"}))
    table = scoreboard.claims_table("smoke")
    assert table["reason"][table["claim"].index(name)].endswith("(the rule has changed since)")


def test_an_artefact_whose_files_are_not_all_there_is_missing(figures):
    folder, _, artefact = figures
    assert artefact not in scoreboard.missing_artefacts("smoke")
    (folder / f"{artefact}.csv").unlink()
    assert set(scoreboard.missing_artefacts("smoke")) == {entry["id"] for entry in in_the_file("artefacts")}


def test_the_markdown_table_adds_up(figures):
    rows = [line.strip("| ").split(" | ") for line in scoreboard.markdown("smoke").splitlines()[2:]]
    totals = [[int(cell) for cell in row[1:]] for row in rows]
    assert [sum(column) for column in zip(*totals[:-1], strict=True)] == totals[-1]
    assert all(sum(row[:-1]) == row[-1] for row in totals)


class Cells(HTMLParser):
    """Texts of the cells and marks of the rows of an HTML table."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.marks, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")
        self.marks += [dict(attributes)] if tag == "tr" and attributes else []

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        if tag == "tbody":
            self.cells.append("")  # what follows the table is none of its cells


def test_a_filterable_table_shows_any_text_as_it_is():
    columns = {"source": ['<b>"a" & b</b>', "c"], "verdict": ["x < 1", "y"]}
    parsed = Cells(scoreboard.filterable(columns, by=("source",), label="A table"))
    assert parsed.cells[:4] == ['<b>"a" & b</b>', "x < 1", "c", "y"]
    assert [mark["data-source"] for mark in parsed.marks] == columns["source"]
    assert parsed.tags.count("option") == 3
    assert "b" not in parsed.tags


def test_the_gallery_shows_every_artefact_and_names_the_missing_ones(figures):
    page = scoreboard.gallery("smoke")
    assert all(f"<code>{entry['id']}</code>" in page for entry in in_the_file("artefacts"))
    assert page.count("(missing)") == len(in_the_file("artefacts")) - 1


def test_the_committed_figures_hold_every_claim_that_their_table_counts():
    path = layout.figures_folder("desk") / "claims.csv"
    with path.open(encoding="utf-8", newline="") as file:
        verdicts = {row["claim"]: row["verdict"] for row in csv.DictReader(file)}
    now = scoreboard.claims_table("desk")
    assert verdicts == dict(zip(now["claim"], now["verdict"], strict=True))
