"""Gathers what the book is made of into one source folder beside its output.

The folder mirrors the repository: the pages of ``book/`` stand at its root, the executed notebooks in ``notebooks/``
(those of the size that the book shows; as a lesson, where that size has none), and every file that one of them links to
keeps its path. Nothing of this is committed.
"""

import copy
import re
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from posixpath import normpath

import nbformat
from artefacts import INDEX, add_artefact_pages
from pybtex.database import parse_file
from sphinx.errors import ExtensionError
from sphinx.util import logging

logger = logging.getLogger(__name__)

IMAGES = ("image/png", "image/svg+xml", "image/jpeg")
VERBATIM = (
    r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[`~]*[ \t]*$"
    r"|(?P<ticks>(?<!`)`+(?!`)).+?(?<!`)(?P=ticks)(?!`)"
    r"|\$\$.+?\$\$|(?<![\\$])\$[^$\n]+\$"
)
LINK = re.compile(rf'{VERBATIM}|\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s]+)(?P<title>\s+"[^"]*")?\)', re.M | re.S)
NOTEBOOK_LINK = re.compile(r'href="(?P<name>\w+)\.ipynb"')
OF_A_LESSON = "*Results on this page: size class, that of a lesson.*"
OF_ANOTHER = (
    "*Results on this page: size {size}. Its values stand in the second cell below; those in the first, and the time "
    "that the text names, are of a lesson, size class.*"
)
IN_VIEW = {"parameters", "injected-parameters"}
ON_THE_COVER = ("What holds",)
TOCTREE = re.compile(r"^```\{toctree\}\n(?P<options>(?::.*\n)*)\n(?P<entries>[^`]*)```\n*", re.M)


def cite_known_keys(text, keys):
    """Turn ``[key]``, ``[key, key]`` and ``[key, section 2]`` into citations, outside code, formulas and links.

    Parameters
    ----------
    text : str
        Markdown, as it reads well where citations are unknown.
    keys : iterable of str
        Keys of the bibliography; brackets around anything else stay as they are.

    Returns
    -------
    str
    """
    if not keys:
        return text
    key = "|".join(sorted(map(re.escape, keys), key=len, reverse=True))
    bracket = re.compile(
        rf"{VERBATIM}|(?<!\])\[(?P<keys>(?:{key})(?:[,;]\s*(?:{key}))*)(?:,\s*(?P<place>[^\[\]{{}}`$]+))?\](?![(\[:])",
        re.M | re.S,
    )

    def cite(match):
        if not match["keys"]:
            return match.group()
        place = f"{{{match['place']}}}" if match["place"] else ""
        return "{cite}`" + re.sub(r"[;,]\s*", ",", match["keys"]) + place + "`"

    return bracket.sub(cite, text)


def fold_code(notebook):
    """Fold code and solutions, so that a page reads as text, figures and tables; parameters stay in view."""
    exercise = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or IN_VIEW.intersection(tags):
            continue
        folded, what = "hide-input", "the code"
        if "solution" in tags:
            exercise += 1
            folded, what = "hide-cell", f"the solution to exercise {exercise}"
        cell.metadata["tags"] = [*tags, folded]
        cell.metadata["mystnb"] = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}


def captioned_cells(cell, where):
    """The cell, followed by one cell per figure it shows, each with its alt text and caption.

    MyST-NB takes both from the cell's metadata; a notebook keeps them beside each output (the alt text in the
    metadata of the image, the caption as the Markdown output that follows it).

    Parameters
    ----------
    cell : NotebookNode
        A code cell.
    where : str
        Names the cell in the warning about a figure without alt text.

    Returns
    -------
    list of NotebookNode
    """
    runs = [({}, [])]
    outputs = list(cell.outputs)
    while outputs:
        output = outputs.pop(0)
        image = next((mime for mime in IMAGES if mime in output.get("data", {})), None)
        if image is None:
            if runs[-1][0]:
                runs.append(({}, []))
            runs[-1][1].append(output)
            continue
        alt = output.metadata.get(image, {}).get("alt") or output.metadata.get("alt")
        if not alt:
            logger.warning("%s: a figure without alt text", where)
        caption = ""
        if outputs and set(outputs[0].get("data", {})) & {"text/markdown", *IMAGES} == {"text/markdown"}:
            caption = outputs.pop(0).data["text/markdown"]
        runs.append(({"image": {"alt": alt or ""}, "figure": {"caption": caption}}, [output]))
    return [_part_of(cell, index, *run) for index, run in enumerate(runs)]


def _part_of(cell, index, options, outputs):
    part = copy.deepcopy(cell)
    part.outputs = outputs
    if options:
        part.metadata["mystnb"] = {**part.metadata.get("mystnb", {}), **options}
    if index:
        tags = {"hide-cell": "hide-output", "hide-input": "remove-input"}
        part.metadata["tags"] = ["remove-input", *(tags.get(tag, tag) for tag in part.metadata.get("tags", []))]
        if "id" in part:
            part.id = f"{part.id[:60]}-{index}"
    return part


class SourceFolder:
    """The gathered sources of one book.

    Parameters
    ----------
    root : Path
        The repository.
    folder : Path
        Where the sources go.
    keys : iterable of str
        Keys of the bibliography.
    """

    def __init__(self, root, folder, keys=()):
        self.root, self.folder, self.keys = root, folder, keys
        self.gathered = set()

    def add(self, name, content):
        """Write one file unless it is there already: its date tells Sphinx what to read again."""
        path = self.folder / name
        self.gathered.add(path)
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def prose(self, text, beside=""):
        """Markdown of the repository's folder `beside`, with citations, and with the files it links to."""

        def bring(match):
            target = match["target"]
            if not target or re.match(r"[a-z]+:|#", target):
                return match.group()
            path, mark, place = target.partition("#")
            name = normpath(PurePosixPath(beside, path))
            if (self.root / name).is_dir() or (name.endswith(".ipynb") and not (self.root / name).is_file()):
                return match["text"]
            if name.startswith("book/"):  # its pages stand at the root
                return f"[{match['text']}]({name.removeprefix('book/')}{mark}{place})"
            if (self.root / name).is_file() and not name.endswith(".ipynb"):
                self.add(name, (self.root / name).read_bytes())
            return match.group()

        return cite_known_keys(LINK.sub(bring, text), self.keys)

    def page_of(self, match):
        """What a link from one notebook's HTML to another becomes: one to its page, or none where it has no page."""
        exists = (self.root / "notebooks" / f"{match['name']}.ipynb").is_file()
        return f'href="{match["name"]}.html"' if exists else ""

    def add_notebook(self, path, size):
        """One executed notebook, its figures with alt text and caption, and a line that says of which size it is."""
        reference, said = path.parent / size / path.name, OF_ANOTHER.format(size=size)
        if not reference.is_file():
            reference, said = path, OF_A_LESSON
        notebook = nbformat.read(reference, as_version=4)
        fold_code(notebook)
        cells = []
        for number, cell in enumerate(notebook.cells, 1):
            if cell.cell_type == "markdown":
                cell.source = self.prose(cell.source, "notebooks")
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                if "text/markdown" in data:
                    data["text/markdown"] = self.prose(data["text/markdown"], "notebooks")
                if "text/html" in data:
                    data["text/html"] = NOTEBOOK_LINK.sub(self.page_of, data["text/html"])
            where = f"{reference.relative_to(self.root)}, cell {number}"
            cells += captioned_cells(cell, where) if cell.cell_type == "code" else [cell]
        notebook.cells = [*cells[:1], nbformat.v4.new_markdown_cell(said, id="size"), *cells[1:]]
        self.add(f"notebooks/{path.name}", nbformat.writes(notebook).encode())

    def add_page(self, path, opening, sections):
        """One page of the book: the README's words in their places, its contents reduced to what exists."""
        text = path.read_text(encoding="utf-8").replace("](../", "](")  # the pages stand at the root of the sources
        text = text.replace("<!-- README: opening -->", opening).replace("<!-- README: sections -->", sections)
        notebooks = [f"notebooks/{file.stem}" for file in self.gathered if file.suffix == ".ipynb"]
        pages = [page.stem for page in path.parent.glob("*.md")]

        def existing(match):
            known = (*notebooks, *pages, INDEX)
            entries = [entry for entry in match["entries"].split() if any(fnmatch(name, entry) for name in known)]
            if not entries:
                return "Not executed yet; the sources stand in `notebooks/`.\n\n"
            return "\n".join(["```{toctree}", match["options"], *entries, "```\n\n"])

        self.add(path.name, self.prose(TOCTREE.sub(existing, text)).encode())

    def drop_the_rest(self):
        """Remove what an earlier build gathered and this one did not."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path not in self.gathered:
                path.unlink()


def read_readme(path):
    """Title, opening and sections of the README.

    Returns
    -------
    tuple of str
        The title's words; everything before the first section, title included; the sections, but for those that the
        cover shows from the published results themselves.

    Raises
    ------
    ExtensionError
        If the file has no title.
    """
    text = path.read_text(encoding="utf-8")
    title = re.match(r"\s*# (.+)", text)
    if not title:
        raise ExtensionError(f"{path.name} gives the book its title and must begin with '# …'")
    opening, *sections = text.split("\n## ")
    kept = (f"\n## {section}" for section in sections if section.partition("\n")[0] not in ON_THE_COVER)
    return title[1].strip(), opening, "".join(kept)


def gather(app, config):
    """Gather the sources beside the output folder and let Sphinx read them there."""
    root = Path(config.study_root or app.confdir.parent).resolve()
    config.study_root = str(root)
    bibliography = root / "params" / "sources.bib"
    sources = SourceFolder(root, Path(app.outdir).parent / "source", parse_file(str(bibliography)).entries)
    config.bibtex_bibfiles = [str(bibliography)]
    config.html_title, opening, sections = read_readme(root / "README.md")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        if not path.name.endswith(".failed.ipynb"):
            sources.add_notebook(path, config.study_size)
    for path in sorted(Path(app.confdir).glob("*.md")):
        sources.add_page(path, opening, sections)
    for name in ("workflow/dataflow.svg", f"figures/{config.study_size}/scoreboard.png"):
        if (root / name).exists():
            sources.add(name, (root / name).read_bytes())
    add_artefact_pages(sources, config.study_size)
    sources.drop_the_rest()
    app.srcdir = type(app.srcdir)(sources.folder)


def setup(app):
    """Register the gathering with Sphinx."""
    app.add_config_value("study_root", None, "env", [str])
    app.add_config_value("study_size", "desk", "env", [str])
    app.connect("config-inited", gather)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
