import csv
import io
import json
import re
import struct
from base64 import b64decode
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from PIL import Image as Picture

from nbsupport.study.figures import FIGURE_VALUES, PANEL_VALUES, in_256_colours, publish_figure, publish_table

TEXTS = {"alt": "A line rises from zero to nine.", "caption": "Value against index, rising."}


def line():
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot(range(10), label="α")
    axes.legend()
    return figure


def image(size):
    axis = (np.arange(size) + 0.5) * 0.1
    return xr.DataArray(
        np.arange(size**2, dtype=float).reshape(size, size), dims=("y", "x"), coords={"y": axis, "x": axis}
    )


def test_a_figure_comes_as_svg_png_csv_and_json_with_its_words(opened):
    publish_figure("toy-fig-1", line(), data={"x": [0, 1], "y": np.array([0.5, np.nan])}, **TEXTS)
    files = sorted(path.name for path in opened.folder.iterdir())
    assert files == ["toy-fig-1.csv", "toy-fig-1.json", "toy-fig-1.png", "toy-fig-1.svg"]
    card = json.loads((opened.folder / "toy-fig-1.json").read_text())
    assert (card["alt"], card["caption"]) == (TEXTS["alt"], TEXTS["caption"])
    assert card["provenance"]["parameters"] == {"frames": 3}
    assert (opened.folder / "toy-fig-1.csv").read_text() == "x,y\n0,0.5\n1,\n"
    assert opened.published == ["toy-fig-1"]


def test_the_png_has_300_dpi(opened):
    publish_figure("toy-fig-1", line(), data={"x": [0]}, **TEXTS)
    width, height = struct.unpack(">II", (opened.folder / "toy-fig-1.png").read_bytes()[16:24])
    assert (width, height) == (900, 600)


def test_equal_inputs_give_equal_bytes(opened):
    def publish():
        publish_figure("toy-fig-1", line(), data={"x": [0.1, 0.2]}, **TEXTS)
        return {path.name: path.read_bytes() for path in opened.folder.iterdir()}

    assert publish() == publish()


def test_the_csv_of_an_image_keeps_its_mean_and_says_how_it_was_averaged(opened):
    full = image(200)
    publish_figure("toy-fig-1", line(), data={"a": full, "b": image(10)}, **TEXTS)
    rows = list(csv.DictReader((opened.folder / "toy-fig-1.csv").read_text().splitlines()))
    a = [row for row in rows if row["panel"] == "a"]
    assert len(a) <= PANEL_VALUES
    assert np.mean([float(row["value"]) for row in a]) == pytest.approx(float(full.mean()), rel=1e-6)
    assert np.mean([float(row["x"]) for row in a]) == pytest.approx(float(full.x.mean()))
    blocks = json.loads((opened.folder / "toy-fig-1.json").read_text())["csv_block_mean_px"]
    assert blocks == {"a": 5, "b": 1}


def test_many_images_share_the_values_of_one_csv(opened):
    publish_figure("toy-fig-1", line(), data={f"panel {k}": image(60) for k in range(30)}, **TEXTS)
    rows = list(csv.DictReader((opened.folder / "toy-fig-1.csv").read_text().splitlines()))
    assert len({row["panel"] for row in rows}) == 30
    assert len(rows) <= FIGURE_VALUES


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Toy Fig", {}),
        ("toy-fig-1", {"alt": ""}),
        ("toy-fig-1", {"caption": "Figure"}),
        ("toy-fig-1", {"data": {}}),
        ("toy-fig-1", {"data": {"x": np.zeros((2, 2))}}),
    ],
)
def test_a_figure_without_a_name_words_or_numbers_is_refused_and_nothing_is_written(opened, name, change):
    figure = line()
    with pytest.raises(ValueError):
        publish_figure(name, figure, **({"data": {"x": [1]}} | TEXTS | change))
    plt.close(figure)
    assert not opened.folder.exists()


def test_the_caption_names_the_stand_in(opened):
    publish_figure("toy-fig-1", line(), data={"x": [0]}, stand_in="simulated rings.", **TEXTS)
    caption = json.loads((opened.folder / "toy-fig-1.json").read_text())["caption"]
    assert caption.endswith("**Stand-in:** simulated rings.")


def test_a_table_comes_as_csv_markdown_and_json(opened):
    publish_table(
        "toy-table-1", {"model": ["a", "b"], "PSNR (dB)": [38.123456789, None]}, caption="PSNR of two models."
    )
    assert (opened.folder / "toy-table-1.csv").read_text() == "model,PSNR (dB)\na,38.1235\nb,\n"
    assert (opened.folder / "toy-table-1.md").read_text().splitlines()[2:] == ["| a | 38.1235 |", "| b | — |"]
    with pytest.raises(ValueError, match="one common length"):
        publish_table("toy-table-1", {"a": [1], "b": [1, 2]}, caption="Columns of different length.")


def test_a_table_with_a_view_of_its_own_is_shown_once(opened, monkeypatch):
    shown = []
    monkeypatch.setattr("nbsupport.study.figures.display", lambda *objects: shown.extend(o.data for o in objects))
    publish_table("toy-table-1", {"model": ["a"]}, caption="One model, to be filtered.", view="<p>one model</p>")
    assert shown == ["<p>one model</p>", "**toy-table-1.** One model, to be filtered."]
    assert (opened.folder / "toy-table-1.md").read_text().splitlines()[2:] == ["| a |"]


def test_a_column_with_coordinates_gives_its_numbers(opened):
    photons = xr.DataArray([0.25, 0.5], coords={"peak": [1.0, 2.0]}, dims="peak")
    publish_table("toy-table-1", {"peak": photons.peak, "MSE": photons}, caption="Errors of two levels of light.")
    assert (opened.folder / "toy-table-1.csv").read_text() == "peak,MSE\n1,0.25\n2,0.5\n"


@pytest.mark.parametrize("cell", [[1, 2], np.ones(2), xr.DataArray(1.0), {"a": 1}, object()])
def test_a_cell_that_is_no_text_or_number_is_refused_and_nothing_is_written(opened, cell):
    with pytest.raises(ValueError, match=f"column 'b' is a {type(cell).__name__}"):
        publish_table("toy-table-1", {"a": [1], "b": [cell]}, caption="A table with an odd cell.")
    assert not list(opened.folder.glob("toy-table-1*"))


def test_a_picture_in_256_colours_looks_the_same_and_is_smaller():
    grey = np.random.default_rng(0).normal(size=(120, 120))
    figure, axes = plt.subplots(figsize=(3, 3))
    axes.imshow(grey, cmap="inferno")
    full = io.BytesIO()
    figure.savefig(full, dpi=200)
    plt.close(figure)
    small = in_256_colours(full.getvalue())
    before, after = (
        np.asarray(Picture.open(io.BytesIO(png)).convert("RGB"), dtype=float) for png in (full.getvalue(), small)
    )
    assert len(small) < 0.6 * len(full.getvalue())
    assert np.abs(before - after).max() < 20  # of 255: no step that an eye would see


def test_a_large_figure_keeps_its_files_small_and_its_svg_whole(opened):
    figure, axes = plt.subplots(figsize=(8, 8))
    axes.imshow(np.random.default_rng(0).normal(size=(1200, 1200)), cmap="inferno", interpolation="none")
    publish_figure("toy-fig-1", figure, data={"x": [0]}, **TEXTS)
    svg = (opened.folder / "toy-fig-1.svg").read_text()
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert (opened.folder / "toy-fig-1.png").stat().st_size < 3_000_000
    picture = re.search(r'"data:image/png;base64,([^"]+)"', svg)[1]
    assert Picture.open(io.BytesIO(b64decode(picture))).mode == "P"
