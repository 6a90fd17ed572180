"""The crop grid and the files of the Visible Human: counts of the source, files written by other libraries."""

import numpy as np
import pytest
import tifffile
import xarray as xr
from PIL import Image

from nbsupport.simulate.volumes import (
    HUGHES_2024_GRID,
    CropGrid,
    photographed_blocks,
    read_ct,
    read_photograph,
    read_photographs,
    read_slice,
    tissue,
)


@pytest.fixture
def folder(tmp_path):
    """Six photographs of 40 × 60 pixels, numbered from 2000."""
    colours = np.random.default_rng(0).integers(0, 256, (6, 40, 60, 3), dtype=np.uint8)
    for number, colour in enumerate(colours, start=2000):
        tifffile.imwrite(tmp_path / f"{number}.tif", colour, photometric="rgb")
    return tmp_path, colours


def volume(shape):
    coords = {dim: 0.05 * (np.arange(size) + 0.5) for dim, size in zip("zyx", shape, strict=True)}
    return xr.DataArray(np.arange(np.prod(shape)).reshape(shape), dims=("z", "y", "x"), coords=coords)


# Grid


def test_the_grid_of_the_source_has_60_cells_and_384_photographs_make_180_volumes():
    assert len(HUGHES_2024_GRID.cells) == 60
    assert 384 // HUGHES_2024_GRID.slices * len(HUGHES_2024_GRID.cells) == 180
    assert all(size <= have for size, have in zip(HUGHES_2024_GRID.shape_px, (3061, 4096), strict=True))


def test_blocks_hold_every_voxel_of_the_window_once():
    whole = volume((5, 9, 11))
    grid = CropGrid(rows=2, columns=3, side_px=3, slices=2, first_row=1, first_column=2)
    blocks = list(grid.blocks(whole))
    assert [block.shape for block in blocks] == 12 * [(2, 3, 3)]
    again = xr.combine_by_coords([block.rename("grey") for block in blocks])["grey"]
    xr.testing.assert_equal(again, whole.isel(z=slice(0, 4), y=slice(1, 7), x=slice(2, 11)).rename("grey"))


def test_a_grid_is_placed_over_the_body():
    body = np.zeros((50, 90), dtype=bool)
    body[13:33, 37:77] = True
    grid = CropGrid(rows=2, columns=4, side_px=10).placed_on(body)
    assert (grid.first_row, grid.first_column) == (13, 37)


def test_a_grid_smaller_than_the_body_lies_in_its_middle():
    body = np.zeros((60, 60), dtype=bool)
    body[20:50, 10:40] = True
    grid = CropGrid(rows=1, columns=1, side_px=20).placed_on(body)
    assert (grid.first_row, grid.first_column) == (25, 15)


def test_what_a_grid_cannot_cut_is_named():
    with pytest.raises(ValueError, match="needed are at least 1280 × 3072"):
        list(HUGHES_2024_GRID.blocks(volume((2, 5, 5))))
    with pytest.raises(ValueError, match="has 2 slices; a block needs 3"):
        list(CropGrid(1, 1, 5, 3).blocks(volume((2, 5, 5))))
    with pytest.raises(ValueError, match=r"needed are \('z', 'y', 'x'\)"):
        list(CropGrid(1, 1, 5, 3).blocks(volume((2, 5, 5)).isel(z=0)))
    with pytest.raises(ValueError, match="side_px=0 must be at least 1"):
        CropGrid(side_px=0)


# Photographs


def test_grey_is_the_mean_of_the_channels_without_its_fraction(folder):
    path, colours = folder
    expected = np.uint8(np.mean(colours, axis=-1))  # as the source computes it
    read = read_photographs(path, count=6)
    np.testing.assert_array_equal(np.rint(read * 255), expected)
    assert read.dims == ("z", "y", "x")


def test_a_part_of_the_photographs_keeps_its_place(folder):
    path, _ = folder
    whole = read_photographs(path, count=6)
    part = read_photographs(path, first=2002, count=3, rows=slice(10, 30), columns=slice(5, None))
    np.testing.assert_array_equal(part, whole[2:5, 10:30, 5:])
    for dim, first in (("y", 10), ("x", 5)):
        np.testing.assert_allclose(part[dim], 0.05 * (first + np.arange(len(part[dim])) + 0.5))


def test_blocks_of_a_folder_are_those_of_the_whole_stack(folder):
    path, _ = folder
    grid = CropGrid(rows=2, columns=3, side_px=16, slices=6, first_row=4, first_column=7)
    whole = list(grid.blocks(read_photographs(path, count=6)))
    for block, expected in zip(photographed_blocks(path, grid), whole, strict=True):
        xr.testing.assert_allclose(block, expected)


def test_png_and_tiff_of_one_picture_read_alike(folder):
    path, colours = folder
    Image.fromarray(colours[0]).save(path / "one.png")
    xr.testing.assert_equal(read_photograph(path / "one.png"), read_photograph(path / "2000.tif"))
    assert read_slice(path / "one.png").shape == (1, 40, 60)


def test_gel_and_darkness_are_no_tissue():
    colours = np.array([[[200, 160, 90], [30, 110, 170], [8, 8, 6], [90, 30, 20]]], dtype=np.uint8)
    picture = xr.DataArray(colours, dims=("y", "x", "channel"))
    np.testing.assert_array_equal(tissue(picture), [[True, False, False, True]])


def test_missing_photographs_are_counted_and_named(folder):
    path, _ = folder
    (path / "2003.tif").unlink()
    with pytest.raises(ValueError, match=r"lacks 3 of 8 photographs: 2003.tif, 2006.tif, 2007.tif"):
        read_photographs(path, count=8)
    with pytest.raises(ValueError, match="does not exist"):
        read_photographs(path / "nowhere")


def test_an_error_page_in_place_of_a_photograph_is_recognised(folder):
    path, _ = folder
    (path / "2001.tif").write_text("<html>404</html>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"2001.tif is no picture .* error page"):
        read_photographs(path, count=6)


def test_a_truncated_photograph_is_named(folder):
    path, _ = folder
    whole = (path / "2001.tif").read_bytes()
    (path / "2001.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"2001.tif is damaged"):
        read_photographs(path, count=6)


def test_photographs_that_do_not_fit_are_refused(folder):
    path, _ = folder
    with pytest.raises(ValueError, match=r"rows=slice\(30, 50, None\) lie outside"):
        read_photographs(path, count=6, rows=slice(30, 50))
    tifffile.imwrite(path / "2002.tif", np.zeros((40, 61, 3), np.uint8), photometric="rgb")
    with pytest.raises(ValueError, match=r"2002.tif has shape \(40, 61, 3\), 2000.tif has"):
        read_photographs(path, count=6)
    tifffile.imwrite(path / "2000.tif", np.zeros((40, 60), np.uint8))
    with pytest.raises(ValueError, match="needed is 8-bit RGB"):
        read_photographs(path, count=6)
    with pytest.raises(ValueError, match="looks like nanometres"):
        read_photograph(path / "2001.tif", voxel_um=50)


# Tomography and the files of the registry


def test_slices_of_a_tomography_come_in_order(tmp_path):
    slices = np.random.default_rng(1).integers(0, 256, (5, 12, 14), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "ct.tif", slices, compression="zlib")
    read = read_ct(tmp_path / "ct.tif")
    np.testing.assert_allclose(read * 255, slices, rtol=1e-6)
    np.testing.assert_allclose(np.diff(read.z), 0.05)


def test_a_tomography_that_is_none_is_refused(tmp_path, folder):
    path, _ = folder
    with pytest.raises(ValueError, match="needed are 8-bit grey slices"):
        read_ct(path / "2000.tif")
    tifffile.imwrite(tmp_path / "deep.tif", np.zeros((5, 8, 9), np.uint16))
    with pytest.raises(ValueError, match="needed are 8-bit grey slices"):
        read_ct(tmp_path / "deep.tif")
    with pytest.raises(ValueError, match="is not a file"):
        read_ct(tmp_path / "none.tif")


def test_neighbouring_slices_of_the_registry_s_tomography_correlate_as_measured_there(registry_file):
    ct = read_ct(registry_file("visible-human-ct-head", "anatomy/visible-human-ct-head.tif"))
    assert ct.shape == (234, 512, 512)
    pairs = zip(ct.values, ct.values[1:], strict=False)
    lowest = min(float(np.corrcoef(a[::6, ::6].ravel(), b[::6, ::6].ravel())[0, 1]) for a, b in pairs)
    assert lowest == pytest.approx(0.948, abs=0.01)


def test_the_grid_of_the_source_covers_body_and_arms_of_the_registry_s_slice(registry_file):
    path = registry_file("visible-human-female-slice", "anatomy/visible-human-female-slice.png")
    body = tissue(read_photograph(path))[:900]  # below lie a card and a grey scale
    grid = CropGrid(side_px=128).placed_on(body)  # a photograph of the source has twice the pixels across
    assert float(body[grid.window].mean()) > 0.8
    assert float(body[grid.window].sum() / body.sum()) > 0.85
