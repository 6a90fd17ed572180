"""Fourier ring correlation: oracles, closed expressions, invariances and inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noisy_samples import PIXEL_UM, noise, noisy_pair, on_grid
from scipy.ndimage import gaussian_filter

from nbsupport.assess.resolution import frc, half_bit, half_sets, mean_frc

quick = settings(max_examples=10, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)
gains = st.floats(0.01, 100)
ORACLES = ["metrics-open-1", "metrics-open-2"]


# --- Fourier ring correlation: oracles ----------------------------------------------------------------------------


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_frc_curves_equal_the_oracle(oracle, name):
    arrays = oracle(name).arrays
    pair = arrays["noisy_a"], arrays["noisy_b"]
    plain, tapered, smoothed = frc(*pair, taper=False, smooth=False), frc(*pair, smooth=False), frc(*pair)
    np.testing.assert_allclose(plain.frequency, arrays["frc_frequency"], atol=1e-15)
    np.testing.assert_allclose(plain.correlation, arrays["frc_untapered"], atol=1e-8)
    np.testing.assert_allclose(tapered.correlation, arrays["frc_tapered"], atol=1e-8)
    np.testing.assert_allclose(smoothed.curve, arrays["frc_smoothed"], atol=1e-8)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_frc_crossings_equal_the_oracle(oracle, name):
    case = oracle(name)
    pair, expected = (case.arrays["noisy_a"], case.arrays["noisy_b"]), case.parameters["values"]["frc"]
    crossings = {
        "untapered": frc(*pair, taper=False, smooth=False).crossing,
        "tapered": frc(*pair, smooth=False).crossing,
        "smoothed": frc(*pair).crossing,
    }
    for kind, crossing in crossings.items():
        assert crossing == pytest.approx(expected[f"crossing_{kind}_cycles_per_px"], abs=1e-6)
    assert frc(*pair).resolution == pytest.approx(expected["resolution_smoothed_px"], abs=1e-5)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_frc_resolution_lies_within_5_per_cent_of_nanopyx(oracle, name):
    case = oracle(name)
    measured = frc(case.arrays["noisy_a"], case.arrays["noisy_b"]).resolution
    assert measured == pytest.approx(case.parameters["values"]["frc"]["nanopyx_resolution_px"], rel=0.05)


# --- Fourier ring correlation: closed expressions -----------------------------------------------------------------


@pytest.mark.parametrize("taper", [True, False])
def test_frc_of_an_image_with_itself_is_one_at_every_frequency(taper):
    found = frc(noise(1), noise(1), taper=taper)
    np.testing.assert_allclose(found.correlation, 1, atol=1e-12)
    np.testing.assert_allclose(found.curve_sd, 0, atol=1e-6)
    assert np.isnan(found.crossing)
    assert np.isnan(found.resolution)


def test_frc_of_independent_noise_scatters_about_zero_with_variance_one_over_the_pixels_of_the_ring():
    found = [frc(noise(2 * seed), noise(2 * seed + 1), taper=False, smooth=False) for seed in range(200)]
    correlation, pixels = np.stack([one.correlation for one in found])[:, 3:], found[0].pixels[3:]
    scaled = correlation * np.sqrt(pixels)
    assert scaled.mean() == pytest.approx(0, abs=4 / np.sqrt(scaled.size))
    assert scaled.var() == pytest.approx(1, abs=0.06)


def test_frc_of_white_signal_and_noise_is_the_share_of_the_signal():
    rng = np.random.default_rng(5)
    signal = 2 * rng.normal(size=(256, 256))
    pair = [signal + rng.normal(size=signal.shape) for _ in range(2)]
    found = frc(*pair, taper=False, smooth=False)
    assert np.average(found.correlation[1:], weights=found.pixels[1:]) == pytest.approx(4 / 5, abs=0.005)


@pytest.mark.parametrize("sigma_px", [1.0, 1.5, 2.5])
def test_frc_of_a_gaussian_blur_crosses_where_signal_power_is_a_sixth_of_the_noise(sigma_px):
    # white object of variance 1 behind exp(-2 pi^2 sigma^2 q^2), noise of variance v: S/(S + v) = 1/7 at S = v/6
    variance = 0.01
    expected = np.sqrt(np.log(6 / variance)) / (2 * np.pi * sigma_px)
    crossings = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sample = gaussian_filter(rng.normal(size=(256, 256)), sigma_px, mode="wrap", truncate=8)
        pair = [sample + np.sqrt(variance) * rng.normal(size=sample.shape) for _ in range(2)]
        crossings.append(frc(*pair, taper=False).crossing)
    assert np.mean(crossings) == pytest.approx(expected, rel=0.02)


def test_blur_without_noise_leaves_the_correlation_at_one():
    sample = noise(3, 64)
    blurred = gaussian_filter(sample, 1.0, mode="wrap", truncate=6)
    assert mean_frc(sample, blurred, taper=False) == pytest.approx(1, abs=0.01)


def test_stated_standard_deviations_match_the_scatter_of_repeated_noise():
    rng = np.random.default_rng(1)
    sample = gaussian_filter(rng.normal(size=(128, 128)), 1.5, mode="wrap")
    sample /= sample.std()
    found = [frc(*(sample + rng.normal(size=sample.shape) for _ in range(2))) for _ in range(60)]
    curves = np.stack([one.curve for one in found])[:, 8:]
    stated = np.mean([one.curve_sd for one in found], axis=0)[8:]
    assert np.mean(curves.std(axis=0) / stated) == pytest.approx(1, abs=0.15)
    resolutions = [one.resolution for one in found]
    assert np.std(resolutions) == pytest.approx(np.mean([one.resolution_sd for one in found]), rel=0.3)


def test_half_bit_threshold_starts_at_one_and_ends_at_0_1716():
    assert half_bit(1) == pytest.approx(1)
    assert half_bit(1e16) == pytest.approx(0.1716, abs=1e-4)
    assert np.all(np.diff(half_bit(np.arange(1, 100))) < 0)


def test_one_seventh_is_the_default_threshold_and_half_bit_is_stricter():
    pair = noisy_pair(side=128)
    assert np.all(frc(*pair).threshold == pytest.approx(1 / 7))
    half = frc(*pair, threshold="half-bit")
    np.testing.assert_allclose(half.threshold, half_bit(half.pixels))
    assert half.resolution > frc(*pair).resolution


# --- Fourier ring correlation: invariances and inputs -------------------------------------------------------------


@quick
@given(seed=seeds, gain=gains)
def test_frc_ignores_gains_and_the_order_of_the_images(seed, gain):
    first, second = noisy_pair(seed)
    plain = frc(first, second)
    np.testing.assert_allclose(frc(gain * second, first).curve, plain.curve, atol=1e-9)
    np.testing.assert_allclose(frc(second, first).crossing, plain.crossing, rtol=1e-9)


@quick
@given(seed=seeds)
def test_more_noise_makes_the_frc_resolution_coarser(seed):
    rng = np.random.default_rng(seed)
    sample = gaussian_filter(rng.normal(size=(128, 128)), 2, mode="wrap")
    noises = rng.normal(size=(2, 128, 128)) * sample.std()
    resolutions = [frc(*(sample + level * noises)).resolution for level in (0.1, 0.5, 2.5)]
    assert np.all(np.diff(resolutions) > 0)


def test_coordinates_turn_pixels_into_micrometres():
    pair = noisy_pair(side=128)
    in_px, in_um = frc(*pair), frc(*(on_grid(image) for image in pair))
    assert (in_px.unit, in_um.unit) == ("px", "µm")
    assert in_um.resolution == pytest.approx(PIXEL_UM * in_px.resolution)
    assert in_um.resolution_sd == pytest.approx(PIXEL_UM * in_px.resolution_sd)
    assert in_um.crossing == pytest.approx(in_px.crossing / PIXEL_UM)
    assert in_um.frequency[-1] < 0.5 / PIXEL_UM


@pytest.mark.parametrize("side", [63, 64])
def test_rings_end_below_the_nyquist_frequency(side):
    found = frc(noise(0, side), noise(1, side))
    assert found.frequency[-1] < 0.5 <= found.frequency[-1] + 1 / side
    assert found.pixels[0] == 1
    assert found.pixels[1] == 8


def test_an_oblong_image_is_filled_with_zeros_to_a_square():
    first, second = noisy_pair(side=64)
    filled = [np.pad(image[:48], ((0, 16), (0, 0))) for image in (first, second)]
    oblong = frc(first[:48], second[:48], taper=False)
    np.testing.assert_allclose(oblong.correlation, frc(*filled, taper=False).correlation, atol=1e-12)


@pytest.mark.parametrize("taper", [True, False])
def test_a_constant_image_correlates_with_noise_at_no_high_frequency(taper):
    correlation = frc(noise(0), np.ones((64, 64)), taper=taper, smooth=False).correlation
    assert np.all(np.isfinite(correlation))
    assert abs(correlation[8:].mean()) < 0.1


def test_two_constant_images_agree_in_nothing_but_their_mean_which_does_not_count():
    assert mean_frc(np.ones((64, 64)), np.full((64, 64), 3.0), taper=False) == 0


@pytest.mark.parametrize("side", [48, 64])
def test_the_offset_of_a_camera_is_no_agreement(side):
    """Tapered, a pedestal under noise leaks into the same Fourier pixels of both images."""
    first, second = noise(0, side), noise(1, side)
    centred = mean_frc(first + 10, second + 10)
    assert centred == pytest.approx(mean_frc(first, second), abs=1e-9)
    assert abs(centred) < 0.15
    assert np.mean(frc(first + 10, second + 10, smooth=False).correlation) > centred + 0.1


@pytest.mark.parametrize("function", [frc, mean_frc])
def test_frc_refuses_images_that_do_not_fit(function):
    image = noise(0)
    holed = image.copy()
    holed[2, 7] = np.nan
    with pytest.raises(ValueError, match=r"estimate holds nan at \(2, 7\)"):
        function(image, holed)
    with pytest.raises(ValueError, match="must be the same"):
        function(image, image[1:])
    with pytest.raises(ValueError, match="at least 16 px"):
        function(image[:10], image[:10])
    with pytest.raises(ValueError, match="same grid"):
        function(on_grid(image), on_grid(image).assign_coords(x=on_grid(image).x + 1))
    with pytest.raises(ValueError, match="looks like nanometres"):
        function(on_grid(image, 80), on_grid(image, 80))


def test_an_unknown_threshold_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="half-bit"):
        frc(noise(0), noise(1), threshold="2 sigma")


@quick
@given(seed=seeds)
def test_mean_frc_is_one_for_equal_images_and_falls_with_noise(seed):
    truth, other = noise(seed), noise(seed + 1)
    assert mean_frc(truth, truth) == pytest.approx(1)
    scores = [mean_frc(truth, truth + level * other) for level in (0, 0.3, 1, 3)]
    assert np.all(np.diff(scores) < 0)


@quick
@given(seed=seeds, count=st.integers(50, 400), blocks=st.integers(2, 50))
def test_half_sets_take_whole_blocks_and_half_of_them(seed, count, blocks):
    first = half_sets(count, blocks=blocks, rng=np.random.default_rng(seed))
    edges = np.flatnonzero(np.diff(np.arange(count) * blocks // count)) + 1
    pieces = np.split(first, edges)
    assert len(pieces) == blocks
    assert all(piece.all() or not piece.any() for piece in pieces)
    assert sum(piece[0] for piece in pieces) == blocks // 2
    assert np.ptp([piece.size for piece in pieces]) <= 1


def test_half_sets_need_an_entry_per_block():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="count=49"):
        half_sets(49, rng=rng)
    with pytest.raises(ValueError, match="blocks=1"):
        half_sets(49, blocks=1, rng=rng)
