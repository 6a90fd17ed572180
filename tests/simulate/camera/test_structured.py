import numpy as np
import pytest
from camera_moments import CONFIDENCE, assert_moments, flat, stack

from nbsupport.simulate import camera


def noise(frames=200, size=64, seed=0):
    return stack(np.random.default_rng(seed).standard_normal((frames, size, size)), "ADU")


def test_the_variances_of_rows_and_columns_add_to_the_variance_of_a_pixel():
    lined = camera.line_noise(flat(0.0, "ADU"), row_sd=3.0, column_sd=4.0, rng=np.random.default_rng(1)).values
    rows, columns = lined.mean(axis=2), lined.mean(axis=1)
    # the mean along a row keeps the row's own draw and a hundredth of the variance of the columns
    assert_moments(rows.ravel(), 0.0, 9.0 + 16.0 / 100)
    assert_moments(columns.ravel(), 0.0, 16.0 + 9.0 / 100)
    np.testing.assert_allclose(lined, rows[:, :, None] + columns[:, None, :] - lined.mean(axis=(1, 2), keepdims=True))


def test_frozen_lines_repeat_in_every_frame_and_fresh_ones_do_not():
    dark = stack(np.zeros((2, 3, 4)), "ADU")
    frozen, fresh = (
        camera.line_noise(dark, column_sd=1.0, frozen=frozen, rng=np.random.default_rng(2)) for frozen in (True, False)
    )
    assert np.array_equal(frozen[0], frozen[1])
    assert not np.any(fresh[0] == fresh[1])


def test_correlated_noise_has_the_stated_standard_deviation():
    assert_moments(
        camera.correlated_noise(flat(5.0, "ADU"), sd=2.0, length_px=0.5, rng=np.random.default_rng(3)).values, 5.0, 4.0
    )


@pytest.mark.parametrize("length_px", [1.0, 2.0, 5.0])
def test_the_autocorrelation_falls_to_one_over_e_at_the_stated_length(length_px):
    dark = stack(np.zeros((300, 100, 100)), "ADU")
    drawn = camera.correlated_noise(dark, sd=1.0, length_px=length_px, rng=np.random.default_rng(4))
    correlation = camera.pixel_correlation(drawn, reach=6)
    d = np.hypot(correlation.y_lag, correlation.x_lag)
    grains = drawn.size / 2 / (np.pi * length_px**2)
    np.testing.assert_allclose(correlation, np.exp(-((d / length_px) ** 2)), rtol=0, atol=CONFIDENCE / np.sqrt(grains))


def test_pixels_with_independent_noise_do_not_correlate():
    scene = 100.0 * np.random.default_rng(9).random((64, 64))
    correlation = camera.pixel_correlation(noise() + scene)
    others = correlation.values[np.abs(correlation.values - 1) > 1e-9]
    assert np.abs(others).max() < CONFIDENCE * correlation.attrs["standard_error"]
    assert others.size == 48


def test_row_noise_correlates_pixels_of_a_row_by_its_share_of_the_variance():
    lined = camera.line_noise(noise(400), row_sd=0.5, rng=np.random.default_rng(5))
    correlation = camera.pixel_correlation(lined)
    share = 0.25 / 1.25
    rows = 200 * 64
    np.testing.assert_allclose(
        correlation.sel(y_lag=0).drop_sel(x_lag=0), share, atol=CONFIDENCE * share * np.sqrt(2 / rows) + 0.01
    )
    np.testing.assert_allclose(correlation.sel(y_lag=[1, 2], x_lag=[-2, 0, 1]), 0, atol=0.01)


def test_pixel_correlation_agrees_with_numpys_coefficient():
    frames = camera.correlated_noise(noise(2, 40), sd=1.0, length_px=2.0, rng=np.random.default_rng(6))
    difference = (frames[1] - frames[0]).values
    expected = np.corrcoef(difference[:-1, :-2].ravel(), difference[1:, 2:].ravel())[0, 1]
    # numpy takes means and variances of the two overlapping parts, not of the whole
    assert float(camera.pixel_correlation(frames).sel(y_lag=1, x_lag=2)) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    "frames, reach, message",
    [
        (np.zeros((1, 4, 4)), 1, "at least two frames"),
        (np.zeros((2, 4, 4)), 4, "reach=4 must be at least 0 and smaller than a frame"),
        (np.zeros((2, 4, 4)), 1.5, "reach=1.5 must be a whole number"),
        (np.zeros((2, 4, 4)), 1, "no noise to correlate"),
    ],
)
def test_frames_without_measurable_noise_are_refused(frames, reach, message):
    with pytest.raises(ValueError, match=message):
        camera.pixel_correlation(stack(frames, "ADU"), reach=reach)
