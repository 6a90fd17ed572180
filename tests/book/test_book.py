"""The book, built offline from the repository's notebooks and one made here, read as HTML and opened in a browser."""

import base64
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib.image
import nbformat
import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = "29_sample"
LEFT, RIGHT = "A bright square on the left, dark elsewhere.", "A bright square on the right, dark elsewhere."
PROSE = r"""# A sample

The mean of $n$ frames has the standard deviation $\sigma_n = \sigma / \sqrt{n}$ [jadhav2021, section 2.1], as
`[jadhav2021]` and [jadhav2021](https://example.org/) do not say; compare [laine2021; wang2021] and [no-such-key].

$$
I(x, y) = \int h(x - u, y - v)\, o(u, v)\, \mathrm{d}u\, \mathrm{d}v + \sum_{k=1}^{K} \frac{a_k}{1 + b_k^2}
$$
"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
SWITCHES += " --disable-component-update --disable-sync"

pytestmark = pytest.mark.book


def shown(**data):
    metadata = {"image/png": {"alt": data.pop("alt")}} if "alt" in data else {}
    return new_output(
        "display_data", {f"{kind.replace('_', '/')}": value for kind, value in data.items()}, metadata=metadata
    )


def square(start):
    pixels = np.zeros((90, 300))
    pixels[20:70, start : start + 50] = 1
    png = io.BytesIO()
    matplotlib.image.imsave(png, pixels, cmap="viridis")
    return base64.b64encode(png.getvalue()).decode()


def write_notebook(path, *cells):
    notebook = new_notebook(cells=list(cells), metadata={"language_info": {"name": "python"}})
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


def build(root, folder):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    command += ["-D", f"study_root={root}", "-d", folder / "doctrees", REPOSITORY / "book", folder / "html"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Pages (by name) and folder of a book that holds the repository's notebooks and a sample."""
    folder = tmp_path_factory.mktemp("book")
    root = folder / "study"
    shutil.copytree(REPOSITORY / "notebooks", root / "notebooks")
    for name in ("README.md", "params", "figures", "workflow", "LICENSE", "CITATION.cff", "environment.yml"):
        (root / name).symlink_to(REPOSITORY / name)
    figures = [
        shown(image_png=square(30), alt=LEFT),
        shown(text_markdown=r"**Left.** The square spans $\Delta x = 50$ pixels [jadhav2021]."),
        shown(image_png=square(200), alt=RIGHT),
        shown(text_markdown="**Right.** The same square, elsewhere."),
        shown(text_markdown="A sentence after both figures."),
    ]
    code = new_code_cell("draw(1)\ndraw(2)", execution_count=1, outputs=figures)
    code_that_is_wide = new_code_cell(f"print({'very_' * 40}long)", execution_count=2)
    table = "\n".join("|" + f" {word} |" * 40 for word in ("column", "---", "0.123456789"))
    code_that_is_wide.outputs = [
        new_output("stream", name="stdout", text="0.123456789 " * 40),
        shown(text_markdown=table),
    ]
    write_notebook(root / "notebooks" / f"{SAMPLE}.ipynb", new_markdown_cell(PROSE), code, code_that_is_wide)
    built = build(root, folder)
    assert built.returncode == 0, built.stderr
    html = folder / "html"
    names = sorted(path.relative_to(html).as_posix() for path in html.rglob("*.html") if "_static" not in path.parts)
    pages = {name: BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser") for name in names}
    return SimpleNamespace(folder=html, pages=pages, sample=pages[f"notebooks/{SAMPLE}.html"].article)


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
    root = tmp_path / "study"
    (root / "params").mkdir(parents=True)
    shutil.copy(REPOSITORY / "params" / "sources.bib", root / "params")
    (root / "README.md").write_text("# A study\n\nOf little.\n", encoding="utf-8")
    mute = new_code_cell("draw()", execution_count=1, outputs=[shown(image_png=square(0))])
    write_notebook(root / "notebooks" / "01_mute.ipynb", new_markdown_cell("# Mute"), mute)
    built = build(root, tmp_path)
    assert built.returncode != 0
    assert "notebooks/01_mute.ipynb, cell 2: a figure without alt text" in built.stderr
    assert "has not been written yet" in (tmp_path / "html" / "claims.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("neither chromium nor chromium-browser is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES.split())
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=[1280, 390], ids=["wide", "phone"])
def visit(request, browser, book):
    """What a browser sees of every page at one width, opened from the folder without a server."""
    context = browser.new_context(viewport={"width": request.param, "height": 900}, offline=True)
    seen = {name: open_page(context, (book.folder / name).as_uri()) for name in book.pages}
    context.close()
    return seen


def open_page(context, address):
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("requestfailed", lambda request: errors.append(f"{request.url}: {request.failure}"))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address, wait_until="load")
    page.evaluate("() => window.MathJax && MathJax.startup.promise")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    seen = page.evaluate("""() => {
        const root = document.documentElement
        const boxes = (selector, within) => [...document.querySelectorAll(selector)].map(element => {
            const box = (within ? element.querySelector(within) : element)?.getBoundingClientRect()
            return box ? [box.width, box.height] : [0, 0]
        })
        return {
            heading: document.querySelector("main h1")?.textContent ?? "",
            overflow: Math.max(root.scrollWidth, document.body.scrollWidth) - root.clientWidth,
            broken: [...document.images].filter(image => !image.naturalWidth).map(image => image.src),
            figures: boxes("article img"),
            formulas: boxes(".math", "mjx-container"),
            unreadable: document.querySelectorAll("mjx-merror").length,
        }
    }""")
    page.close()
    return SimpleNamespace(requests=requests, errors=errors, **seen)


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
