"""The book, read as HTML and opened in a browser at two widths."""

import re
import shutil

import pytest
import yaml
from book_build import LEFT, REPOSITORY, RIGHT, SAMPLE, build, shown, square, write_notebook
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell

pytestmark = pytest.mark.book


def bare_study(folder):
    """Root of a study with a README, a bibliography and nothing else."""
    root = folder / "study"
    (root / "params").mkdir(parents=True)
    shutil.copy(REPOSITORY / "params" / "sources.bib", root / "params")
    (root / "README.md").write_text("# A study\n\nOf little.\n", encoding="utf-8")
    return root


def test_every_image_of_every_page_has_words_for_who_cannot_see_it(book):
    images = [image for page in book.pages.values() for image in page.find_all("img")]
    silent = [image["src"] for image in images if len(image.get("alt", "").split()) < 3]
    assert images
    assert not silent


def test_each_figure_of_one_cell_keeps_its_own_alt_text_and_caption(book):
    figures = book.sample.find_all("figure")
    assert [figure.img["alt"] for figure in figures] == [LEFT, RIGHT]
    assert [figure.figcaption.get_text().split(".")[0].strip() for figure in figures] == ["Left", "Right"]
    assert book.sample.find("p", string="A sentence after both figures.").find_parent("figure") is None


def test_code_and_solutions_are_folded_and_parameters_and_results_are_not(book):
    folds = book.sample.find_all("details")
    said = [" ".join(fold.summary.stripped_strings) for fold in folds]
    names = ["the code", "the code", "the solution to exercise 1"]
    assert said == [f"Show {name} Hide {name}" for name in names]
    assert not any(fold.has_attr("open") for fold in folds)
    assert [fold.pre.get_text().split("(")[0].strip() for fold in folds] == ["draw", "print", "frames / 2"]
    assert folds[2].find(string=re.compile("One hundred frames"))
    opened = [pre.get_text() for pre in book.sample.find_all("pre") if pre.find_parent("details") is None]
    assert [text.split(":")[0] for text in opened if "frames" in text] == ["frames"]
    assert not [image for fold in folds[:2] for image in fold.find_all("img")]


def test_known_keys_in_brackets_are_citations_that_lead_to_the_bibliography(book):
    citations = book.sample.find_all("a", href=re.compile(r"^\.\./bibliography\.html#id"))
    entries = {entry["id"] for entry in book.pages["bibliography.html"].find_all(class_="citation")}
    assert len(citations) == 4
    assert {citation["href"].partition("#")[2] for citation in citations} <= entries
    assert "section 2.1" in book.sample.p.get_text()


def test_code_links_and_unknown_keys_in_brackets_stay_as_they_are(book):
    paragraph = book.sample.p
    assert paragraph.code.get_text() == "[jadhav2021]"
    assert paragraph.find("a", href="https://example.org/").get_text() == "jadhav2021"
    assert "[no-such-key]" in paragraph.get_text()


def test_formulas_are_marked_up_for_the_mathjax_that_the_book_brings(book):
    scripts = [
        tag["src"] for tag in book.pages[f"notebooks/{SAMPLE}.html"].find_all("script", src=re.compile("mathjax"))
    ]
    inline, display, caption = (book.sample.select(f"{kind}.math") for kind in ("p > span", "div", "figcaption span"))
    assert [len(inline), len(display), len(caption)] == [2, 1, 1]
    assert [(book.folder / "notebooks" / script.partition("?")[0]).is_file() for script in scripts] == [True]


def test_every_claim_of_the_ledger_has_its_row(book):
    ledger = yaml.safe_load((REPOSITORY / "params" / "claims.yaml").read_text(encoding="utf-8"))
    rows = book.pages["claims.html"].select("table.claims tbody tr")
    assert sorted(row["id"] for row in rows) == sorted(claim["id"] for claim in ledger["claims"])


def test_the_cover_opens_with_the_readme_and_lists_every_notebook(book):
    cover = book.pages["index.html"].article
    title = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    links = {link["href"] for link in cover.select(".toctree-wrapper a")}
    assert cover.h1.find(string=True) == title
    assert {name for name in book.pages if name.startswith("notebooks/")} <= links


def test_a_figure_without_alt_text_stops_the_build_and_an_absent_ledger_is_said_to_be_absent(tmp_path):
    root = bare_study(tmp_path)
    mute = new_code_cell("draw()", execution_count=1, outputs=[shown(image_png=square(0))])
    write_notebook(root / "notebooks" / "01_mute.ipynb", new_markdown_cell("# Mute"), mute)
    built = build(root, tmp_path)
    assert built.returncode != 0
    assert "notebooks/01_mute.ipynb, cell 2: a figure without alt text" in built.stderr
    assert "has not been written yet" in (tmp_path / "html" / "claims.html").read_text(encoding="utf-8")


def test_a_page_shows_the_reference_where_there_is_one_and_says_of_which_size_its_results_are(tmp_path):
    root = bare_study(tmp_path)
    for name in ("01_long", "02_short"):
        lesson = new_code_cell("count()", execution_count=1, outputs=[shown(text_markdown="Ten images.")])
        write_notebook(root / "notebooks" / f"{name}.ipynb", new_markdown_cell(f"# {name}\n\nA question."), lesson)
    reference = new_code_cell("count()", execution_count=1, outputs=[shown(text_markdown="A thousand images.")])
    set_by_size = new_code_cell("images = 1000", metadata={"tags": ["injected-parameters"]}, execution_count=1)
    title = new_markdown_cell("# 01_long\n\nA question.")
    write_notebook(root / "notebooks/desk/01_long.ipynb", title, set_by_size, reference)
    built = build(root, tmp_path)
    assert built.returncode == 0, built.stderr
    pages = [tmp_path / f"html/notebooks/{name}.html" for name in ("01_long", "02_short")]
    long, short = (BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").article for page in pages)
    assert "A thousand images." in long.text and "Ten images." not in long.text
    assert "Results on this page: size desk." in long.text
    assert ["images = 1000" in fold.text for fold in long.find_all("details")] == [False]
    assert "images = 1000" in long.text
    assert "Ten images." in short.text and "Results on this page: size class" in short.text


def test_every_page_loads_without_an_error(visit):
    assert {name: seen.errors for name, seen in visit.items() if seen.errors} == {}
    assert [name for name, seen in visit.items() if not seen.heading] == []


def test_no_page_asks_for_anything_beyond_its_folder(visit, book):
    inside = (book.folder.as_uri(), "data:", "blob:")
    requests = [url for seen in visit.values() for url in seen.requests]
    assert any("mathjax/output/chtml/fonts" in url for url in requests)
    assert [url for url in requests if not url.startswith(inside)] == []


def test_figures_and_formulas_have_a_size(visit):
    sample = visit[f"notebooks/{SAMPLE}.html"]
    boxes = [box for seen in visit.values() for box in (*seen.figures, *seen.formulas)]
    assert [name for name, seen in visit.items() if seen.broken or seen.unreadable] == []
    assert (len(sample.figures), len(sample.formulas)) == (2, 4)
    assert min(min(box) for box in boxes) > 1


def test_no_page_is_wider_than_the_window(visit):
    assert {name: seen.overflow for name, seen in visit.items() if seen.overflow > 0} == {}
