import numpy as np
import pytest
import xarray as xr
from camera_moments import N, assert_moments, flat, stack
from scipy import stats

from nbsupport.simulate import camera


def test_expected_image_lies_between_background_and_sbr_times_background():
    expected = camera.to_expected(stack(np.arange(24).reshape(2, 3, 4) * 17.3, "1"))
    assert (float(expected.min()), float(expected.max())) == (100.0, 300.0)


def test_expected_image_is_linear_in_the_signal():
    expected = camera.to_expected(stack([[[0.0, 1.0, 4.0]]]), background=50.0, signal_to_background=5.0)
    np.testing.assert_allclose(expected.values, [[[50.0, 100.0, 250.0]]])


def test_one_maximum_scales_the_whole_stack_so_that_fluctuations_survive():
    dim, bright = camera.to_expected(stack([[[1.0, 0.0]], [[2.0, 0.0]]])).max(("y", "x")).values
    assert (dim, bright) == (200.0, 300.0)


def test_the_photon_rate_cancels_in_the_expected_image():
    signal = stack(np.random.default_rng(0).random((3, 4, 5)))
    xr.testing.assert_allclose(camera.to_expected(signal), camera.to_expected(signal * 1234.5))


def test_an_all_zero_stack_cannot_be_scaled():
    with pytest.raises(ValueError, match="noise_free is zero everywhere"):
        camera.to_expected(stack(np.zeros((2, 3, 4))))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"background": 0.0}, "background=0.0 must be greater than 0"),
        ({"background": -5.0}, "background=-5.0 must be greater than 0"),
        ({"signal_to_background": 0.5}, "signal_to_background=0.5 must be at least 1"),
        ({"signal_to_background": float("nan")}, "signal_to_background=nan must be a finite number"),
    ],
)
def test_impossible_scaling_is_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        camera.to_expected(stack(np.ones((2, 3, 4))), **settings)


@pytest.mark.parametrize("level", [0.02, 3.0, 300.0, 1e5])
def test_shot_noise_has_its_mean_for_variance(level):
    assert_moments(camera.poisson(flat(level), rng=np.random.default_rng(1)).values, level, level)


def test_shot_noise_is_poisson_distributed():
    counts = camera.poisson(flat(4.0), rng=np.random.default_rng(2)).values.ravel().astype(int)
    observed = np.bincount(np.minimum(counts, 12), minlength=13)
    expected = N * np.append(stats.poisson.pmf(np.arange(12), 4.0), stats.poisson.sf(11, 4.0))
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_a_dark_frame_counts_nothing():
    assert not camera.poisson(flat(0.0), rng=np.random.default_rng(3)).any()


def test_shot_noise_refuses_light_that_is_not_in_photons():
    with pytest.raises(ValueError, match="expected has units 'ADU'"):
        camera.poisson(stack(np.ones((2, 3, 4)), "ADU"), rng=np.random.default_rng(0))


def test_poisson_gaussian_mean_and_variance_follow_gain_offset_and_read_noise():
    adu = camera.poisson_gaussian(flat(9.0), gain=2.2, offset=100.0, read_noise=3.5, rng=np.random.default_rng(4))
    assert_moments(adu.values, 2.2 * 9.0 + 100.0, 2.2**2 * 9.0 + 3.5**2)
