"""One browser for all tests of the book."""

import shutil

import pytest
from book_build import open_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
SWITCHES += " --disable-component-update --disable-sync"


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("neither chromium nor chromium-browser is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES.split())
        yield chromium
        chromium.close()


@pytest.fixture(scope="session", params=[1280, 390], ids=["wide", "phone"])
def visit(request, browser, book):
    """What a browser sees of the pages at one width, opened from the folder without a server.

    The pages of single figures are alike: every twelfth of them is opened; test_figure_pages.py reads them all.
    """
    alike = [name for name in book.pages if name.startswith("artefacts/") and name != "artefacts/index.html"]
    names = [name for name in book.pages if name not in alike] + alike[::12]
    context = browser.new_context(viewport={"width": request.param, "height": 900}, offline=True)
    seen = {name: open_page(context, (book.folder / name).as_uri()) for name in names}
    context.close()
    return seen
