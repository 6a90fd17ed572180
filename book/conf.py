"""Sphinx configuration of the book: the executed notebooks as a site that needs no network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "nbsupport"
author = "the nbsupport authors"
copyright = "2026, the nbsupport authors"
language = "en"

extensions = [
    "myst_nb",
    "sphinxcontrib.bibtex",
    "sphinx-mathjax-offline",
    "gather",
    "ledger",
    "lessons",
]
include_patterns = ["*.md", "notebooks/*.ipynb", "artefacts/*.md"]
exclude_patterns = ["README.md"]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "off"
nb_render_markdown_format = "myst"
# Widgets would load their code from a content delivery network; the static half of the output is shown instead.
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "application/javascript", None),
]

bibtex_bibfiles = []  # set by `gather`
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

html_theme = "sphinx_book_theme"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_copy_source = False
html_use_index = False
# A browser does not let a page that was opened from a folder read other pages, as a summary of each hit would.
html_show_search_summary = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "footer_content_items": ["copyright.html"],
    "home_page_in_toc": True,
    "search_bar_text": "Search the book",
    "use_download_button": False,
    "use_fullscreen_button": False,
}
