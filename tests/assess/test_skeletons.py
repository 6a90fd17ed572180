import numpy as np
import pytest
import xarray as xr

from nbsupport.assess.skeletons import distortion, followed, needle, skeleton

PIXEL_UM = 0.05


def picture(lines, width_um=0.1, size=120):
    """Ridges of Gaussian profile along straight lines ((x0, y0), (x1, y1)), µm."""
    axis = (np.arange(size) - size / 2 + 0.5) * PIXEL_UM
    x, y = np.meshgrid(axis, axis)
    values = np.zeros_like(x)
    for start, end in np.asarray(lines, dtype=float):
        along = end - start
        share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along), 0, 1)
        distance = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
        values = np.maximum(values, np.exp(-((distance / width_um) ** 2)))
    return xr.DataArray(values, dims=("y", "x"), coords={"y": axis, "x": axis})


def points(start, end, step=0.02):
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    count = int(np.linalg.norm(end - start) / step) + 1
    return start + np.linspace(0, 1, count)[:, None] * (end - start)


LINE = ((-1.5, -0.7), (1.4, 0.9))


@pytest.mark.parametrize("shift", [0.0, 0.06, 0.11])
def test_a_line_that_was_moved_across_is_found_by_how_much(shift):
    along = np.subtract(LINE[1], LINE[0])
    normal = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    moved = np.asarray(LINE) + shift * normal
    offset, _ = followed(points(*LINE)[20:-20], picture([moved]), reach_um=0.2)
    np.testing.assert_allclose(offset, shift, atol=0.01)


def test_a_moved_line_is_displaced_and_neither_lost_nor_invented():
    moved = np.asarray(LINE) + [0.0, 0.05]
    found = distortion([points(*LINE)], picture([moved]), reach_um=0.15)
    along = np.subtract(LINE[1], LINE[0])
    assert found.shift_um == pytest.approx(0.05 * along[0] / np.linalg.norm(along), abs=0.01)
    assert found.lost < 0.05
    assert found.invented < 0.05


def test_half_a_line_that_is_missing_is_lost():
    half = (LINE[0], np.mean(LINE, axis=0))
    assert distortion([points(*LINE)], picture([half]), reach_um=0.1).lost == pytest.approx(0.5, abs=0.06)


def test_a_second_line_of_equal_length_is_half_of_the_skeleton():
    other = np.asarray(LINE) + [0.0, 1.0]
    assert distortion([points(*LINE)], picture([LINE, other]), reach_um=0.1).invented == pytest.approx(0.5, abs=0.05)


def test_distortion_does_not_depend_on_the_scale_of_intensity():
    image = picture([LINE, np.asarray(LINE) + [0.0, 1.0]])
    assert distortion([points(*LINE)], 70 * image, reach_um=0.1) == pytest.approx(
        distortion([points(*LINE)], image, reach_um=0.1)
    )


def test_the_skeleton_of_a_ridge_is_one_pixel_wide_and_as_long():
    image = picture([((-1.5, 0.025), (1.5, 0.025))])
    found = skeleton(image, level=0.5)
    assert found.sum() == pytest.approx(3.0 / PIXEL_UM, abs=4)
    assert found.sum("y").max() == 1


@pytest.mark.parametrize("cut", [0.0, 0.2, 0.4])
def test_a_needle_cut_at_one_end_is_shorter_by_that_share(cut):
    start, end = (np.asarray(point) for point in LINE)
    shorter = (start, end - cut * (end - start))
    whole, shown = (needle(np.array(LINE), picture([line]), reach_um=0.1) for line in (LINE, shorter))
    assert shown.shortening - whole.shortening == pytest.approx(cut, abs=0.03)


def test_a_needle_cut_at_one_end_has_its_mean_end_displaced_by_half_the_cut():
    start, end = (np.asarray(point) for point in LINE)
    length = np.linalg.norm(end - start)
    shorter = (start, end - 0.3 * (end - start))
    whole, shown = (needle(np.array(LINE), picture([line]), reach_um=0.1) for line in (LINE, shorter))
    assert shown.end_shift_um - whole.end_shift_um == pytest.approx(0.15 * length - whole.end_shift_um / 2, abs=0.06)


def test_a_needle_that_is_not_there_is_all_lost():
    assert needle(np.array(LINE), picture([LINE]) * 0, reach_um=0.1).shortening == 1


def test_lines_of_one_point_are_refused():
    with pytest.raises(ValueError, match="1 points"):
        followed(np.zeros((1, 2)), picture([LINE]), reach_um=0.1)
