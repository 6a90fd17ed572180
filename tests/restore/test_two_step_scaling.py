import numpy as np
import pytest
import xarray as xr

from nbsupport.restore import two_step


def image(values):
    values = np.asarray(values, dtype=float)
    return xr.DataArray(values, dims=("y", "x"), coords={dim: 0.05 * np.arange(values.shape[0]) for dim in ("y", "x")})


def test_before_reconstruction_a_tenth_is_black_and_a_thousandth_is_white():
    values = np.random.default_rng(0).permutation(10_000.0 * np.linspace(0, 1, 10_000)).reshape(100, 100)
    scaled = two_step.before_reconstruction(image(values)).values
    assert np.mean(scaled == 0) == pytest.approx(0.1, abs=2e-3)
    assert np.mean(scaled == 65535) == pytest.approx(0.001, abs=2e-4)


def test_before_reconstruction_does_not_depend_on_scale_and_offset():
    values = np.random.default_rng(0).random((20, 20))
    first, second = (two_step.before_reconstruction(image(v)).values for v in (values, 7 * values + 3))
    np.testing.assert_allclose(first, second, atol=1e-8 * 65535)


def test_after_reconstruction_negative_values_vanish_and_the_brightest_is_full_scale():
    scaled = two_step.after_reconstruction(image([[-1.0, 0.5], [1.0, 2.0]])).values
    np.testing.assert_allclose(scaled, 65535 * np.array([[0, 0.25], [0.5, 1]]))


def test_a_dark_reconstruction_stays_dark():
    assert not two_step.after_reconstruction(image(-np.ones((2, 2)))).values.any()


def test_percentiles_out_of_order_are_refused():
    with pytest.raises(ValueError, match="low=99.9"):
        two_step.before_reconstruction(image(np.eye(4)), low=99.9, high=10)
