"""The glossary: what it links to exists, what must be explained is, and the search finds it."""

import re

import pytest
from book_build import REPOSITORY

from nbsupport.study import layout
from nbsupport.study.scoreboard import VERDICTS

PAGE = REPOSITORY / "book" / "glossary.md"
LINKS = re.findall(r"\]\(\.\./notebooks/(\w+)\.ipynb#([^)]+)\)", PAGE.read_text(encoding="utf-8"))
EXPLAINED = (
    "PSF NA MUSICAL SOFI bSOFI SRRF SBR blinking dwell Poisson read sCMOS PSNR SSIM MS-SSIM MicroSSIM FRC "
    "decorrelation SQUIRREL RSE RSP N2N N2V Noise2Self J-invariance structN2V PN2V DecoNoising DivNoising CARE RCAN "
    "U-Net FPN transfer density Huber pattern modulation Wiener sectioning percentile bootstrap Kendall "
    "non-inferiority stand-in size"
)


def slug(heading):
    """Anchor of a heading as code-hosting sites make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def headings(notebook):
    source = (layout.NOTEBOOKS / f"{notebook}.py").read_text(encoding="utf-8")
    return {slug(heading) for heading in re.findall(r"^# #+ (.+)$", source, flags=re.MULTILINE)}


@pytest.mark.parametrize(("notebook", "anchor"), sorted(set(LINKS)))
def test_a_link_of_the_glossary_leads_to_a_section_that_exists(notebook, anchor):
    assert anchor in headings(notebook)


def test_every_definition_ends_with_a_link_to_where_the_term_is_computed():
    entries = re.findall(r"^\S.*\n  (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(entries) > 60
    assert [entry for entry in entries if not re.search(r"\[[^\]]+\]\([^)]+\)$", entry)] == []


@pytest.mark.book
def test_the_words_of_the_field_and_of_the_study_are_explained(book):
    terms = [term.get_text().rstrip("#") for term in book.pages["glossary.html"].select("dl.glossary dt")]
    known = {word for term in terms for word in re.split(r"[\s(),'’]+", term)}
    assert [word for word in EXPLAINED.split() if word not in known] == []
    assert set(VERDICTS) <= set(terms)
    text = book.pages["glossary.html"].get_text()
    assert all(size in text for size in layout.SIZES)


@pytest.mark.book
@pytest.mark.parametrize(
    ("asked", "page"),
    [("sCMOS", "glossary.html"), ("bSOFI", "notebooks/04_fluctuation_methods.html"), ("papermill", "batch.html")],
)
def test_the_search_finds_a_word_without_a_server(book, browser, asked, page):
    context = browser.new_context(offline=True)
    opened = context.new_page()
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(f"{(book.folder / 'search.html').as_uri()}?q={asked}", wait_until="load")
    opened.wait_for_selector(f'#search-results a[href*="{page}"]', timeout=20_000)
    context.close()
    assert errors == []
