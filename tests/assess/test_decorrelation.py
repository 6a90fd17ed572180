"""Decorrelation analysis against nanopyx, images of a known band, and its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noisy_samples import PIXEL_UM, noise, noisy_pair, on_grid
from scipy.fft import fft2, fftshift, ifft2, ifftshift
from scipy.ndimage import gaussian_filter

from nbsupport.assess.resolution import decorrelation

quick = settings(max_examples=10, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)
gains = st.floats(0.01, 100)
ORACLES = ["metrics-open-1", "metrics-open-2"]


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("array", ["clean", "estimate", "noisy_a", "reference_same_size"])
def test_decorrelation_lies_within_10_per_cent_of_nanopyx(oracle, name, array):
    case = oracle(name)
    expected = case.parameters["values"]["decorrelation_nanopyx_px"][array]
    assert decorrelation(case.arrays[array]).resolution == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_decorrelation_finds_the_edge_of_a_band_limited_image(share):
    side = 255
    axis = np.linspace(-1, 1, side)
    inside = np.hypot(axis[:, None], axis[None, :]) < share
    limited = ifft2(ifftshift(fftshift(fft2(noise(0, side))) * inside)).real
    found = decorrelation(limited + 0.02 * limited.std() * noise(1, side))
    assert found.cutoff == pytest.approx(share, abs=0.03)
    assert found.resolution == pytest.approx(2 / found.cutoff)


@pytest.mark.parametrize("offset", [0, 10, 100])
@pytest.mark.parametrize("seed", range(3))
def test_white_noise_has_no_peak_but_that_of_its_mean(seed, offset):
    assert decorrelation(offset + noise(seed, 128)).cutoff <= 0.03


def test_a_constant_image_has_no_peak_but_that_of_its_mean():
    found = decorrelation(np.full((128, 100), 3.3))
    assert found.cutoff <= 0.03
    assert np.all(np.isfinite(found.peaks))


@quick
@given(seed=seeds, gain=gains)
def test_decorrelation_ignores_a_gain(seed, gain):
    image, _ = noisy_pair(seed, side=128)
    # powers of two change no digit, so that no value tips over a thousandth
    gain = 2.0 ** np.round(np.log2(gain))
    assert decorrelation(gain * image).cutoff == decorrelation(image).cutoff


def test_a_wider_blur_lowers_the_decorrelation_cutoff():
    rng = np.random.default_rng(3)
    points = np.zeros((256, 256))
    points[tuple(rng.integers(0, 256, (2, 400)))] = rng.uniform(500, 1000, 400)
    cutoffs = [
        decorrelation(rng.poisson(10 * sigma**2 * gaussian_filter(points, sigma) + 5)).cutoff
        for sigma in (1, 1.5, 2.2, 3.3, 5)
    ]
    assert np.all(np.diff(cutoffs) < 0)


def test_decorrelation_is_in_micrometres_where_the_image_is():
    image, _ = noisy_pair(side=128)
    in_px, in_um = decorrelation(image), decorrelation(on_grid(image))
    assert (in_px.unit, in_um.unit) == ("px", "µm")
    assert in_um.resolution == pytest.approx(PIXEL_UM * in_px.resolution)


def test_decorrelation_refuses_small_stacked_and_broken_images():
    with pytest.raises(ValueError, match="at least 64 px"):
        decorrelation(np.ones((63, 80)))
    with pytest.raises(ValueError, match=r"shape \(2, 80, 80\)"):
        decorrelation(np.ones((2, 80, 80)))
    with pytest.raises(ValueError, match=r"image holds nan at \(0, 0\)"):
        decorrelation(np.full((80, 80), np.nan))
