"""Widths along lines: exact Gaussians, their stated uncertainty and lines across blurred objects."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from noisy_samples import PIXEL_UM, on_grid

from nbsupport.assess.resolution import fwhm, line_profile

quick = settings(max_examples=10, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)


def gaussian(position, centre, sigma, amplitude=5.0, offset=2.0):
    return offset + amplitude * np.exp(-((position - centre) ** 2) / (2 * sigma**2))


@quick
@given(centre=st.floats(-0.3, 0.3), sigma=st.floats(0.05, 0.3))
def test_fwhm_of_an_exact_gaussian_is_2_3548_sigma(centre, sigma):
    position = np.arange(-12, 13) * 0.08
    profile = xr.DataArray(gaussian(position, centre, sigma), dims="x", coords={"x": position})
    found = fwhm(profile)
    assert found.fwhm == pytest.approx(2 * np.sqrt(2 * np.log(2)) * sigma, rel=1e-6)
    assert found.centre == pytest.approx(centre, abs=1e-7)
    assert (found.amplitude, found.offset) == pytest.approx((5, 2), rel=1e-5)
    assert found.fwhm_sd < 1e-5 * found.fwhm
    assert found.unit == "µm"


def test_fwhm_of_a_plain_array_is_in_pixels():
    found = fwhm(gaussian(np.arange(21.0), 9.3, 2.0))
    assert (found.fwhm, found.centre) == pytest.approx((4.7096, 9.3), rel=1e-4)
    assert found.unit == "px"


def test_stated_uncertainty_of_the_width_matches_the_scatter_of_repeated_noise():
    rng = np.random.default_rng(4)
    position = np.arange(31.0)
    clean = gaussian(position, 14.6, 3.0)
    found = [fwhm(clean + 0.3 * rng.normal(size=clean.size)) for _ in range(300)]
    assert np.mean([one.fwhm for one in found]) == pytest.approx(2.3548 * 3, rel=0.01)
    assert np.std([one.fwhm for one in found]) == pytest.approx(np.mean([one.fwhm_sd for one in found]), rel=0.15)
    assert np.std([one.centre for one in found]) == pytest.approx(np.mean([one.centre_sd for one in found]), rel=0.15)


@quick
@given(gain=st.floats(1e-6, 1e6), offset=st.floats(-1e3, 1e3), seed=seeds)
def test_gain_and_offset_do_not_change_a_width(gain, offset, seed):
    profile = gaussian(np.arange(25.0), 11, 2.5) + 0.1 * np.random.default_rng(seed).normal(size=25)
    assert fwhm(gain * (profile + offset)).fwhm == pytest.approx(fwhm(profile).fwhm, rel=1e-4)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (np.ones(20), "constant"),
        (np.arange(20.0), "no peak"),
        (-gaussian(np.arange(20.0), 10, 2), "no peak"),
        (np.ones(5), "at least 6"),
        (np.ones((6, 6)), "one line"),
        (np.r_[np.nan, np.arange(9.0)], "nan at"),
    ],
)
def test_a_profile_without_a_peak_is_an_error(profile, message):
    with pytest.raises(ValueError, match=message):
        fwhm(profile)


def test_a_single_bright_pixel_is_refused_and_nothing_else_is_said():
    profile = np.zeros(21)  # on which the fit cannot estimate its errors
    profile[10] = 1.0
    with pytest.raises(ValueError, match="no peak whose centre and width"):
        fwhm(profile)


def test_a_labelled_profile_needs_positions():
    with pytest.raises(ValueError, match="no coordinate x"):
        fwhm(xr.DataArray(gaussian(np.arange(20.0), 10, 2), dims="x"))


def test_a_line_through_a_tilted_plane_has_the_slope_of_the_plane():
    y, x = np.meshgrid((np.arange(30) + 0.5) * PIXEL_UM, (np.arange(40) + 0.5) * PIXEL_UM, indexing="ij")
    profile = line_profile(on_grid(2 * y + 3 * x), (0.4, 0.4), (1.6, 2.0), width_px=3)
    length = np.hypot(1.2, 1.6)
    slope = (2 * 1.2 + 3 * 1.6) / length
    np.testing.assert_allclose(np.diff(profile) / np.diff(profile.distance), slope, rtol=1e-3)
    assert float(profile[0]) == pytest.approx(2 * 0.4 + 3 * 0.4, rel=1e-3)
    assert profile.attrs["units"] == "photons"


def test_the_width_of_a_blurred_line_is_found_along_any_direction():
    y, x = np.meshgrid((np.arange(64) + 0.5) * PIXEL_UM, (np.arange(64) + 0.5) * PIXEL_UM, indexing="ij")
    distance = (y - 2.56) * np.cos(0.5) - (x - 2.56) * np.sin(0.5)
    image = on_grid(np.exp(-(distance**2) / (2 * 0.2**2)))
    across = np.array([np.cos(0.5), -np.sin(0.5)])
    profile = line_profile(image, 2.56 - 1.2 * across, 2.56 + 1.2 * across, width_px=5)
    assert fwhm(profile).fwhm == pytest.approx(2.3548 * 0.2, rel=0.001)


def test_a_line_must_lie_in_the_image():
    image = on_grid(np.ones((30, 30)))
    with pytest.raises(ValueError, match="start_um"):
        line_profile(image, (-1, 1), (1, 1))
    with pytest.raises(ValueError, match="end_um"):
        line_profile(image, (1, 1), (1, 80))
    with pytest.raises(ValueError, match="less than a pixel"):
        line_profile(image, (1, 1), (1, 1.01))
    with pytest.raises(ValueError, match="width_px=0"):
        line_profile(image, (1, 1), (2, 2), width_px=0)
