"""Publish a figure or a table with everything that belongs to it, byte-stable for equal inputs."""

import csv
import io
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from IPython.display import HTML, Image, Markdown, display
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.pyplot import close

from nbsupport.publish import publishing, write_json, write_text
from nbsupport.study.provenance import provenance
from nbsupport.study.session import Session, current

PRINT_DPI, VECTOR_DPI, SCREEN_DPI = 300, 150, 80
"""Of the PNG, of the images inside the SVG, and of the copy that a notebook keeps (it must stay small)."""

LARGEST = 1_400_000
"""Bytes of a file; pictures in a larger one (of noise) are reduced to 256 colours, as many as a colour map has."""

PANEL_VALUES, FIGURE_VALUES = 2304, 24_000
"""An image in the CSV is averaged over blocks until it has at most the first, all of a figure at most the second."""

CELL = (str, int, float, np.number, np.bool_, type(None))
"""What a cell of a table can be; anything else would be printed as its Python text."""

NAME = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")


def publish_figure(
    artefact: str, figure: Figure, *, alt: str, caption: str, data: Mapping[str, Any], stand_in: str | None = None
) -> None:
    """Publish a figure as SVG, PNG (300 dpi), CSV and JSON, and show it with its alt text and caption.

    Parameters
    ----------
    artefact : str
        Id of the artefact, ``"jadhav2021-fig-1"``; it names the files.
    figure : matplotlib.figure.Figure
        Closed afterwards.
    alt : str
        What a reader who cannot see the figure needs: what is drawn and what it shows. One to four sentences.
    caption : str
        Caption in Markdown.
    data : mapping
        The numbers drawn: either columns (name to 1-D sequence; shorter ones end with empty cells) or images (panel
        name to 2-D `DataArray` with coordinates). A large image is averaged over blocks; the JSON says how large.
    stand_in : str, optional
        Sentence that says what stands in for data that are not at hand; it is printed in the caption.

    Raises
    ------
    ValueError
        If the id is malformed, a text is missing or too short to mean anything, or the data are neither of the two.
    """
    session = current()
    caption = _checked_texts(artefact, alt=alt, caption=caption) + (f" **Stand-in:** {stand_in}" if stand_in else "")
    table, csv_blocks = _csv(artefact, data)
    # Matplotlib salts the ids inside an SVG with a random number and stamps dates and versions into both formats.
    with rc_context({"svg.hashsalt": artefact, "savefig.bbox": "standard"}):
        with publishing(session.folder / f"{artefact}.svg") as path:
            figure.savefig(path, dpi=VECTOR_DPI, metadata={"Date": None, "Creator": None})
            if path.stat().st_size > LARGEST:
                path.write_text(with_smaller_pictures(path.read_text(encoding="utf-8")), encoding="utf-8")
        with publishing(session.folder / f"{artefact}.png") as path:
            figure.savefig(path, dpi=PRINT_DPI, metadata={"Software": None})
            if path.stat().st_size > LARGEST:
                path.write_bytes(in_256_colours(path.read_bytes()))
        screen = io.BytesIO()
        figure.savefig(screen, format="png", dpi=SCREEN_DPI, metadata={"Software": None})
    close(figure)
    write_text(session.folder / f"{artefact}.csv", table)
    _write_card(session, artefact, "figure", alt, caption, csv_blocks, ["svg", "png", "csv"])
    display(Image(screen.getvalue(), format="png", alt=alt), Markdown(f"**{artefact}.** {caption}"))


def publish_table(
    artefact: str, columns: Mapping[str, Sequence[Any]], *, caption: str, alt: str | None = None, view: str = ""
) -> None:
    """Publish a table as CSV, Markdown and JSON, and show it with its caption.

    Parameters
    ----------
    artefact : str
        Id of the artefact; it names the files.
    columns : mapping
        Column heading (with its unit) to values, all columns of one length. A cell is a text or a number.
    caption : str
        Caption in Markdown.
    alt : str, optional
        What the table shows, in a sentence; the caption where none is given.
    view : str, optional
        HTML that is shown in place of the published Markdown, such as rows that a reader can filter.

    Raises
    ------
    ValueError
        If the id is malformed, the caption is missing, the columns differ in length, or a cell is neither.
    """
    session = current()
    caption = _checked_texts(artefact, caption=caption, alt=alt or caption)
    # Iterating over a DataArray gives DataArrays, whose text is a paragraph; its values are numbers.
    columns = {name: v.values if isinstance(v, xr.DataArray) else v for name, v in columns.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if not columns or len(set(lengths.values())) != 1:
        raise ValueError(f"{artefact}: columns of a table need one common length; got {lengths}")
    rows = list(zip(*columns.values(), strict=True))
    odd = {name: v for row in rows for name, v in zip(columns, row, strict=True) if not isinstance(v, CELL)}
    if odd:
        name, value = next(iter(odd.items()))
        raise ValueError(f"{artefact}: a cell of column {name!r} is a {type(value).__name__}; give texts and numbers")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(value, "—") for value in row) + " |" for row in rows]
    markdown = "\n".join(lines) + "\n"
    write_text(session.folder / f"{artefact}.csv", _rows_to_csv(list(columns), rows))
    write_text(session.folder / f"{artefact}.md", markdown)
    _write_card(session, artefact, "table", alt or caption, caption, None, ["csv", "md"])
    said = f"**{artefact}.** {caption}"
    display(*((HTML(view), Markdown(said)) if view else (Markdown(f"{markdown}\n{said}"),)))


def _checked_texts(artefact: str, *, alt: str, caption: str) -> str:
    if not NAME.match(artefact):
        raise ValueError(f"artefact id {artefact!r}: lower-case words and digits joined by hyphens, jadhav2021-fig-1")
    for name, text in (("alt", alt), ("caption", caption)):
        if len(text.split()) < 4:
            raise ValueError(f"{artefact}: {name}={text!r} says too little; describe what is drawn and what it shows")
    return caption.strip()


def _write_card(
    session: Session, artefact: str, kind: str, alt: str, caption: str, blocks: dict | None, endings: list[str]
) -> None:
    card: dict[str, Any] = {"id": artefact, "kind": kind, "caption": caption, "alt": alt.strip()}
    card["files"] = [f"{artefact}.{ending}" for ending in endings]
    if blocks:
        card["csv_block_mean_px"] = blocks
    card["provenance"] = provenance(session)
    write_json(session.folder / f"{artefact}.json", card)
    session.published.append(artefact)


def _csv(artefact: str, data: Mapping[str, Any]) -> tuple[str, dict[str, int] | None]:
    """CSV text of the drawn numbers, and the block size per panel when images were averaged."""
    if not data:
        raise ValueError(f"{artefact}: data must hold the numbers drawn")
    if all(isinstance(value, xr.DataArray) and value.ndim == 2 for value in data.values()):
        rows, blocks, most = [], {}, min(PANEL_VALUES, FIGURE_VALUES / len(data))
        for panel, image in data.items():
            blocks[panel] = block = max(1, int(np.ceil(np.sqrt(image.size / most))))
            coarse = image.coarsen({dim: block for dim in image.dims}, boundary="trim").mean()
            first, second = (coarse[dim].values for dim in coarse.dims)
            grid = np.stack(np.broadcast_arrays(first[:, None], second[None, :], coarse.values), axis=-1).reshape(-1, 3)
            rows += [(panel, *row) for row in grid.tolist()]
        dims = next(iter(data.values())).dims
        return _rows_to_csv(["panel", *dims, "value"], rows), blocks
    columns = {name: np.atleast_1d(np.asarray(value)) for name, value in data.items()}
    wrong = [name for name, values in columns.items() if values.ndim != 1]
    if wrong:
        raise ValueError(
            f"{artefact}: data[{wrong[0]!r}] has shape {columns[wrong[0]].shape}; give 1-D columns or only images"
        )
    length = max(len(values) for values in columns.values())
    padded = [values.tolist() + [None] * (length - len(values)) for values in columns.values()]
    return _rows_to_csv(list(columns), list(zip(*padded, strict=True))), None


def _rows_to_csv(header: list[str], rows: list[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value, "") for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any, empty: str) -> str:
    """Six significant digits: more than any figure shows, and equal on machines that differ in the last bit."""
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return empty
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)


def in_256_colours(png: bytes) -> bytes:
    """Encode a PNG again with a palette of 256 colours: a third of the size, equal for equal input."""
    from PIL import Image as Picture

    smaller = io.BytesIO()
    opaque = Picture.open(io.BytesIO(png)).convert("RGB")
    # Median cut spends its colours on what is common and leaves steps in a colour bar; maximum coverage does not.
    palette = opaque.quantize(256, method=Picture.Quantize.MAXCOVERAGE, dither=Picture.Dither.NONE)
    palette.save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


def with_smaller_pictures(svg: str) -> str:
    """Reduce the opaque pictures inside an SVG to 256 colours."""

    def smaller(match: re.Match) -> str:
        png = b64decode(match["data"])
        return match["head"] + b64encode(in_256_colours(png)).decode() + '"'

    return re.sub(r'(?P<head>"data:image/png;base64,)(?P<data>[^"]+)"', smaller, svg)


def artefact_files(folder: Path) -> dict[str, Path]:
    """Cards (JSON) of the artefacts published in a folder, by id."""
    return {path.stem: path for path in sorted(folder.glob("*.json"))}
