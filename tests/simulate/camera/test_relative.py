import numpy as np
import pytest
from camera_moments import assert_moments, flat

from nbsupport.simulate import camera


@pytest.mark.parametrize("variance", [0.1, 0.2])
def test_speckle_variance_scales_with_the_squared_signal(variance):
    assert_moments(
        camera.speckle(flat(3.0, "1"), variance=variance, rng=np.random.default_rng(9)).values, 3, variance * 9
    )


@pytest.mark.parametrize("variance", [0.01, 0.1])
def test_additive_gaussian_variance_is_relative_to_the_squared_maximum_of_the_stack(variance):
    signal = flat(2.0, "1")
    signal[0, 0, 0] = 8.0
    noise = (camera.additive_gaussian(signal, variance=variance, rng=np.random.default_rng(10)) - signal).values
    assert_moments(noise, 0.0, variance * 64.0)


def test_the_variances_named_snr_10_and_100_give_these_ratios_at_the_peak():
    """jadhav2021, Figs. 8 and 9: squared signal over noise variance is 10 for speckle 0.1 and 100 for Gaussian 0.01."""
    speckled = camera.speckle(flat(1.0, "1"), variance=0.1, rng=np.random.default_rng(11)).values
    added = camera.additive_gaussian(flat(1.0, "1"), variance=0.01, rng=np.random.default_rng(12)).values
    assert 1 / speckled.var() == pytest.approx(10, rel=0.01) and 1 / added.var() == pytest.approx(100, rel=0.01)
