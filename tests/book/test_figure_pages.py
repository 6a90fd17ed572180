"""The cover's scoreboard, the pages of single figures and tables, and their index, against the files of the study."""

import csv
import json
import re
from collections import Counter
from urllib.parse import unquote

import pytest
import yaml
from book_build import REPOSITORY

FIGURES = REPOSITORY / "figures" / "desk"
CARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIGURES.glob("*.json"))}

pytestmark = pytest.mark.book


def verdicts():
    with (FIGURES / "claims.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words(text):
    return " ".join(text.split())


def test_every_published_artefact_has_a_page_with_its_words_and_where_it_comes_from(book):
    assert len(CARDS) > 100
    for name, card in CARDS.items():
        article = book.pages[f"artefacts/{name}.html"].article
        text = words(article.get_text())
        assert card["provenance"]["commit"] in text, name
        assert f"{card['provenance']['notebook']}" in text, name
        if card["kind"] == "figure":
            assert words(article.figure.img["alt"]) == words(card["alt"]), name


def test_the_files_of_a_page_are_those_that_were_published_byte_by_byte(book):
    for name, card in CARDS.items():
        links = book.pages[f"artefacts/{name}.html"].article.select("a.download")
        files = {link["href"].rpartition("/")[2]: book.folder / "artefacts" / unquote(link["href"]) for link in links}
        assert set(files) == {*card["files"], f"{name}.json"}, name
        assert all(path.read_bytes() == (FIGURES / file).read_bytes() for file, path in files.items()), name


def test_a_page_of_a_table_has_a_row_for_every_row_of_its_numbers(book):
    for name in (name for name, card in CARDS.items() if card["kind"] == "table"):
        with (FIGURES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = len(list(csv.reader(file))) - 1
        assert len(book.pages[f"artefacts/{name}.html"].article.table.select("tbody tr")) == rows, name


def test_the_index_shows_every_artefact_and_names_what_is_missing(book):
    article = book.pages["artefacts/index.html"].article
    links = {link["href"].removesuffix(".html") for link in article.select(".tile a")}
    pictures = {image["src"].rpartition("/")[2].removesuffix(".jpg") for image in article.select(".tile img")}
    ledger = yaml.safe_load((REPOSITORY / "params" / "claims.yaml").read_text(encoding="utf-8"))
    named = {code.get_text() for code in article.select("#still-missing code")}
    assert links == set(CARDS)
    assert pictures == {name for name, card in CARDS.items() if card["kind"] == "figure"}
    assert named == {entry["id"] for entry in ledger["artefacts"]} - set(CARDS)


def test_the_cover_counts_the_verdicts_and_leads_to_the_claims_of_each_source(book):
    counted = Counter((row["source"], row["verdict"]) for row in verdicts())
    table = book.pages["index.html"].article.select_one("table.verdicts")
    names = [words(cell.get_text()) for cell in table.select("thead th")][1:-1]
    for row in table.select("tbody tr")[:-1]:
        source, *numbers = (words(cell.get_text()) for cell in row.select("td"))
        key = source.rpartition(" ")[2]
        assert [int(number) for number in numbers[:-1]] == [counted[key, name] for name in names]
        assert row.a["href"].startswith("claims.html#")
        section = book.pages["claims.html"].find(id=row.a["href"].partition("#")[2])
        assert key in {claim["id"].partition("-")[0] for claim in section.select("table.claims tbody tr")}
    assert sum(int(cell.get_text()) for cell in table.select("tbody tr")[-1].select("td")[1:-1]) == len(verdicts())


def test_a_claim_shows_its_published_verdict(book):
    rows = {row["id"]: row for row in book.pages["claims.html"].select("table.claims tbody tr")}
    for row in verdicts():
        assert words(rows[row["claim"]].select("td")[2].strong.get_text()) == row["verdict"], row["claim"]


def test_every_link_within_the_book_leads_to_a_page_and_a_place_that_exist(book):
    places = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in book.pages.items()}
    lost = set()
    for name, page in book.pages.items():
        for link in page.article.find_all("a", href=True) if page.article else ():
            if re.match(r"[a-z]+:", link["href"]):
                continue
            path, _, place = unquote(link["href"]).partition("#")
            target = (book.folder / name).parent.joinpath(path).resolve() if path else book.folder / name
            known = places.get(target.relative_to(book.folder.resolve()).as_posix())
            if not target.is_file() or (place and known is not None and place not in known):
                lost.add((name, link["href"]))
    assert lost == set()
