"""Fourier ring correlation, decorrelation analysis and line profiles: oracles, closed expressions, invariances."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import fft2, fftshift, ifft2, ifftshift
from scipy.ndimage import gaussian_filter

from nbsupport.assess.resolution import decorrelation, frc, fwhm, half_bit, half_sets, line_profile, mean_frc

quick = settings(max_examples=10, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)
gains = st.floats(0.01, 100)
ORACLES = ["metrics-open-1", "metrics-open-2"]
PIXEL_UM = 0.08


def noise(seed, side=64):
    return np.random.default_rng(seed).normal(size=(side, side))


def noisy_pair(seed=0, side=64, sigma_px=1.5, contrast=2.0):
    """Two images of one smooth random object with independent white noise of variance 1."""
    rng = np.random.default_rng(seed)
    sample = gaussian_filter(rng.normal(size=(side, side)), sigma_px, mode="wrap")
    sample *= contrast / sample.std()
    return sample + rng.normal(size=sample.shape), sample + rng.normal(size=sample.shape)


def on_grid(image, pixel_um=PIXEL_UM):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip(("y", "x"), image.shape, strict=True)}
    return xr.DataArray(image, dims=("y", "x"), coords=centres, attrs={"units": "photons"})


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


# --- decorrelation analysis ---------------------------------------------------------------------------------------


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


# --- line profiles ------------------------------------------------------------------------------------------------


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
