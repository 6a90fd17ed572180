"""SOFI and bSOFI against oracles and closed forms of two-state emitters and of Gaussian spots."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from gaussian_emitters import OPTICS, PIXEL_UM, SIGMA_PX, as_stack, lone_emitter, random_stack, spot

from nbsupport.reconstruct import sofi
from nbsupport.simulate.photokinetics import blink, on_time_autocovariance

ORDERS = (2, 3, 4)


def two_state(order, p):
    """Cumulant of a two-state variable, closed form."""
    return {2: p * (1 - p), 3: p * (1 - p) * (1 - 2 * p), 4: p * (1 - p) * (1 - 6 * p + 6 * p**2)}[order]


def squared_spot_width(image):
    """Variance of a Gaussian spot along y and x, px², from a parabola through the logarithm of its bright part."""
    y, x = np.meshgrid(image.y / PIXEL_UM - 12.5, image.x / PIXEL_UM - 12.5, indexing="ij")
    bright = (np.abs(image) > 0.05 * np.abs(image).max()).values
    terms = np.stack([np.ones_like(y), y, x, y**2, x**2], -1)[bright]
    fitted = np.linalg.lstsq(terms, np.log(np.abs(image.values[bright])), rcond=None)[0]
    return -1 / (2 * fitted[3:])


# Oracles


@pytest.mark.conformance
@pytest.mark.parametrize("order", ORDERS)
def test_auto_cumulants_of_a_random_stack_match_the_oracle(oracle, order):
    arrays = oracle("sofi-open-random").arrays
    expected = arrays[f"auto_cumulant_{order}"]
    found = sofi.cumulant(as_stack(arrays["stack"]), order)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


@pytest.mark.conformance
def test_joint_cumulants_of_pixel_tuples_match_the_oracle(oracle):
    arrays = oracle("sofi-open-random").arrays
    traces = torch.from_numpy(arrays["stack"].astype(float))
    found = []
    for row in arrays["cross_pixels"].astype(int):
        pixels = row[row >= 0].reshape(-1, 2)
        found.append(float(sofi.joint_cumulant([traces[:, y, x] for y, x in pixels])))
    expected = arrays["cross_cumulants"].reshape(3, 8)
    largest = np.abs(expected).max(1, keepdims=True)
    np.testing.assert_allclose(np.reshape(found, (3, 8)) / largest, expected / largest, rtol=0, atol=1e-10)


@pytest.mark.conformance
@pytest.mark.parametrize("order", ORDERS)
def test_balanced_design_gives_the_closed_form(oracle, order):
    arrays = oracle("sofi-open-factorial").arrays
    expected = arrays[f"cumulant_{order}"]
    found = sofi.cumulant(as_stack(arrays["stack"]), order)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.conformance
@pytest.mark.parametrize("order", ORDERS)
def test_cumulants_of_a_monte_carlo_stack_match_the_oracle(oracle, order):
    arrays = oracle("sofi-open-montecarlo").arrays
    expected = arrays[f"sample_{order}"]
    found = sofi.cumulant(as_stack(arrays["stack"]), order)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.conformance
@pytest.mark.parametrize("order", ORDERS)
def test_own_simulation_of_the_same_emitters_stays_within_five_sampling_deviations(oracle, order):
    arrays = oracle("sofi-open-montecarlo").arrays
    y, x, brightness, p = arrays["emitters"].T
    on = np.random.default_rng(11).random((2000, len(p))) < p
    pixels = np.arange(16)
    distance2 = (pixels[:, None] - y[:, None, None]) ** 2 + (pixels - x[:, None, None]) ** 2
    stack = as_stack(np.tensordot(on * brightness, np.exp(-distance2 / (2 * 1.5**2)), 1))
    deviation = np.abs(sofi.cumulant(stack, order) - arrays[f"expected_{order}"])
    assert (deviation <= 5 * arrays[f"sampling_sd_{order}"]).all()


@pytest.mark.conformance
def test_emitters_on_in_exact_shares_have_the_closed_form_cumulants(oracle):
    arrays = oracle("sofi-open-closed-form").arrays
    for (count, brightness, p), expected in zip(arrays["N_eps_p"], arrays["kappa_2_3_4"], strict=True):
        share = Fraction(p).limit_denominator(10000)
        trace = brightness * torch.from_numpy(np.arange(share.denominator) < share.numerator).double()
        found = [count * float(sofi.joint_cumulant([trace] * order)) for order in ORDERS]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * expected[0])


@pytest.mark.conformance
def test_cumulants_of_simulated_blinking_match_the_photokinetics_oracle(oracle):
    arrays = oracle("photokinetics-open").arrays
    for (tau_on, tau_off), expected in zip(arrays["tau_on_off"], arrays["cumulants"][:, -3:], strict=True):
        stack = independent_frames(tau_on, tau_off)
        for order, value in zip(ORDERS, expected, strict=True):
            assert_mean_agrees(sofi.cumulant(stack, order).values, value)


# Closed forms


def independent_frames(tau_on, tau_off, *, frames=3000, pixels=64, seed=5):
    """Frames of single-pixel emitters that all start anew, so that frames are independent."""
    on_time = blink(frames * pixels, 1, tau_on, tau_off, rng=np.random.default_rng(seed))
    return as_stack(on_time.reshape(frames, 8, -1))


def assert_mean_agrees(values, expected):
    """The mean over independent pixels lies within five standard errors; sample cumulants are biased by order 1/T."""
    error = values.std(ddof=1) / np.sqrt(values.size)
    assert abs(values.mean() - expected) <= 5 * error + 1e-3 * abs(expected)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, (3 - 3**0.5) / 6])
def test_slow_blinking_has_the_two_state_cumulants(order, p):
    stack = independent_frames(1e4 * p, 1e4 * (1 - p))
    assert_mean_agrees(sofi.cumulant(stack, order).values, two_state(order, p))


def test_fast_blinking_has_the_variance_of_a_frame_integrated_process():
    assert_mean_agrees(sofi.cumulant(independent_frames(2, 10), 2).values, on_time_autocovariance(2, 10, 0))


def test_a_lag_of_one_frame_gives_the_autocovariance():
    on_time = blink(100, 20_000, 2, 10, rng=np.random.default_rng(7))
    lagged = sofi.cumulant(as_stack(on_time.T.reshape(-1, 10, 10)), 2, lags=(0, 1))
    assert_mean_agrees(lagged.values, on_time_autocovariance(2, 10, 1))


def test_moments_6_and_42_give_minus_66():
    trace = torch.tensor([7.0**0.5] * 3 + [-(7.0**0.5)] * 3 + [0.0], dtype=torch.float64)
    assert float(sofi.joint_cumulant([trace] * 4)) == pytest.approx(-66, rel=1e-12)


def test_shot_noise_adds_its_rate_to_the_auto_cumulant_and_nothing_to_the_cross_cumulant():
    stack = as_stack(np.random.default_rng(3).poisson(40.0, (4000, 12, 12)))
    assert_mean_agrees(sofi.cumulant(stack, 2).values, 40.0)
    for order in ORDERS:
        cross = sofi.cross_cumulant(stack, order, flattening="none").values
        # the spread of a product of independent traces is rate^(order/2) / √T; order 4 subtracts no more than that
        assert np.abs(cross).max() < 6 * 40.0 ** (order / 2) / np.sqrt(4000)


@pytest.mark.parametrize("order", ORDERS)
def test_distance_flattened_image_of_a_gaussian_emitter_is_its_closed_form(order):
    image = sofi.cross_cumulant(lone_emitter(), order, OPTICS, flattening="distance")
    y, x = image.y.values / PIXEL_UM - 12.5, image.x.values / PIXEL_UM - 12.5
    pattern = np.exp(-order * (y[:, None] ** 2 + x**2) / (2 * SIGMA_PX**2))
    np.testing.assert_allclose(image, 50.0**order * two_state(order, 0.3) * pattern, atol=1e-9 * 50.0**order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flattening", ["distance", "means"])
def test_spot_narrows_by_the_root_of_the_order(order, flattening):
    image = sofi.cross_cumulant(lone_emitter(), order, OPTICS, flattening=flattening)
    np.testing.assert_allclose(squared_spot_width(image), SIGMA_PX**2 / order, rtol=0.01)


@pytest.mark.parametrize("order", ORDERS)
def test_auto_cumulant_of_a_spot_narrows_by_the_root_of_the_order(order):
    image = sofi.cumulant(lone_emitter(), order)
    np.testing.assert_allclose(squared_spot_width(image), SIGMA_PX**2 / order, rtol=1e-9)


def test_sub_lattices_flattened_by_means_have_one_mean():
    image = np.abs(sofi.cross_cumulant(lone_emitter(), 2, flattening="means").values)[:-1, :-1]
    means = [image[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)]
    np.testing.assert_allclose(means, means[0], rtol=1e-9)


def test_linear_fading_is_taken_out_by_blocks():
    # the variance of T equally spaced values is step² (T² − 1)/12
    stack = as_stack(np.broadcast_to(3.0 * np.arange(40.0)[:, None, None], (40, 5, 5)))
    np.testing.assert_allclose(sofi.cumulant(stack, 2), 9 * (40**2 - 1) / 12)
    np.testing.assert_allclose(sofi.cumulant(stack, 2, block_frames=10), 9 * (10**2 - 1) / 12)


# bSOFI


@pytest.mark.parametrize("share", [Fraction(1, 10), Fraction(3, 10), Fraction(7, 10)])
def test_parameters_of_a_lone_emitter_are_recovered_at_its_centre(share):
    maps = sofi.molecular_parameters(lone_emitter(share), OPTICS, profile_exponent=0)
    centre = maps.sel(y=1.25, x=1.25, method="nearest")
    assert float(centre.brightness) == pytest.approx(50.0, rel=1e-9)
    assert float(centre.on_ratio) == pytest.approx(float(share), rel=1e-9)
    assert float(centre.density) == pytest.approx(1.0, rel=1e-9)


def test_balanced_spot_narrows_with_deconvolution_by_at_most_the_order():
    variances = [
        squared_spot_width(sofi.bsofi(lone_emitter(), OPTICS, iterations=count)).mean() for count in (0, 5, 200)
    ]
    assert variances[0] > variances[1] > variances[2] >= SIGMA_PX**2 / 4**2
    assert variances[2] < SIGMA_PX**2 / 2**2


def test_balanced_image_shows_the_dim_of_two_emitters_at_its_relative_brightness():
    # order 4 alone shows a ratio of 2 as 16; linearised images give it back
    on = np.arange(100)
    bright, dim = 40.0 * (on % 10 < 3), 20.0 * (on // 10 < 3)
    values = bright[:, None, None] * spot(12, 7) + dim[:, None, None] * spot(12, 17)
    image = sofi.bsofi(as_stack(values), OPTICS)
    row = image.sel(y=1.25, method="nearest")
    ratio = float(row.sel(x=slice(0.3, 1.2)).max() / row.sel(x=slice(1.3, 2.2)).max())
    assert 1.6 < ratio < 2.5


def test_reference_variant_takes_the_parameters_from_linearised_images():
    image = sofi.bsofi(random_stack(60, 12, 12), OPTICS, parameters_from="linearised")
    assert image.attrs["parameters_from"] == "linearised"
    assert ((image >= 0) & (image <= 1)).all()


def test_balanced_image_names_its_deconvolution():
    assert "Richardson-Lucy" in sofi.bsofi(random_stack(), OPTICS).attrs["deconvolution"]
