"""A book built offline from the repository's notebooks and one made here, and what a browser sees of its pages."""

import base64
import io
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib.image
import nbformat
import numpy as np
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLE = "29_sample"
LEFT, RIGHT = "A bright square on the left, dark elsewhere.", "A bright square on the right, dark elsewhere."
PROSE = r"""# A sample

The mean of $n$ frames has the standard deviation $\sigma_n = \sigma / \sqrt{n}$ [jadhav2021, section 2.1], as
`[jadhav2021]` and [jadhav2021](https://example.org/) do not say; compare [laine2021; wang2021] and [no-such-key].

$$
I(x, y) = \int h(x - u, y - v)\, o(u, v)\, \mathrm{d}u\, \mathrm{d}v + \sum_{k=1}^{K} \frac{a_k}{1 + b_k^2}
$$
"""


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
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def build(root, folder, environment=None):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    command += ["-D", f"study_root={root}", "-d", folder / "doctrees", REPOSITORY / "book", folder / "html"]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def with_sample(folder, environment):
    """Pages (by name), folder and sample of a book that holds the repository's notebooks and one made here."""
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
    parameters = new_code_cell("frames: int = 200", metadata={"tags": ["parameters"]}, execution_count=3)
    solution = new_code_cell("frames / 2", metadata={"tags": ["solution"]}, execution_count=4)
    solution.outputs = [shown(text_markdown="One hundred frames.")]
    cells = [new_markdown_cell(PROSE), code, code_that_is_wide, parameters, solution]
    write_notebook(root / "notebooks" / f"{SAMPLE}.ipynb", *cells)
    built = build(root, folder, environment)
    assert built.returncode == 0, built.stderr
    html = folder / "html"
    names = sorted(path.relative_to(html).as_posix() for path in html.rglob("*.html") if "_static" not in path.parts)
    pages = {name: BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser") for name in names}
    return SimpleNamespace(folder=html, pages=pages, sample=pages[f"notebooks/{SAMPLE}.html"].article)


def open_page(context, address):
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("requestfailed", lambda request: errors.append(f"{request.url}: {request.failure}"))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address, wait_until="load")
    page.evaluate("() => window.MathJax && MathJax.startup.promise")
    page.evaluate("() => document.querySelectorAll('details').forEach(fold => { fold.open = true })")
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
