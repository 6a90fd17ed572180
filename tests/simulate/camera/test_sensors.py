import numpy as np
import pytest
from camera_moments import CONFIDENCE, assert_moments, flat, stack, standard_errors

from nbsupport.simulate import camera


def test_scmos_pixels_follow_their_own_maps():
    """Four pixels with different maps, 250,000 frames."""
    gain, offset, variance = np.array([[[2.2, 0.5]], [[100.0, 98.0]], [[3.0, 40.0]]])
    rate = np.array([[5.0, 60.0]])
    expected = stack(np.broadcast_to(rate, (250_000, 1, 2)))
    adu = camera.scmos(expected, gain=gain, offset=offset, variance=variance, rng=np.random.default_rng(5)).values
    for x in range(2):
        mean = gain[0, x] * rate[0, x] + offset[0, x]
        assert_moments(adu[:, 0, x], mean, gain[0, x] ** 2 * rate[0, x] + variance[0, x])


def test_em_multiplication_doubles_the_shot_noise_variance():
    adu = camera.emccd(flat(20.0), em_gain=300.0, read_noise=0.0, rng=np.random.default_rng(6)).values
    excess = adu.var() / (300.0**2 * 20.0)
    assert excess == pytest.approx(2.0, abs=CONFIDENCE * standard_errors(adu)[1] / (300.0**2 * 20.0))
    assert excess == pytest.approx(2.0, rel=0.01)


def test_emccd_adds_offset_and_read_noise_after_the_register():
    adu = camera.emccd(flat(2.0), em_gain=10.0, offset=200.0, read_noise=30.0, rng=np.random.default_rng(7)).values
    assert_moments(adu, 10.0 * 2.0 + 200.0, 2 * 10.0**2 * 2.0 + 30.0**2)


def test_emccd_without_light_or_read_noise_returns_the_offset():
    adu = camera.emccd(flat(0.0), em_gain=300.0, offset=90.0, read_noise=0.0, rng=np.random.default_rng(8))
    assert np.all(adu == 90.0)
