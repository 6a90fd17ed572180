import numpy as np
import pytest

from nbsupport.restore import poisson_wavelets
from nbsupport.restore.denoisers import Camera, Examples, denoiser


def test_the_haar_transform_is_inverted():
    image = np.random.default_rng(0).normal(size=(8, 12))
    np.testing.assert_allclose(poisson_wavelets.inverse_haar(*poisson_wavelets.haar(image)), image)


@pytest.mark.parametrize("read_noise", [0.0, 2.0])
def test_the_estimated_correlation_with_the_truth_is_unbiased(read_noise):
    rng, first, second, count = np.random.default_rng(1), 7.0, 3.0, 400_000
    a = rng.poisson(first, count) + rng.normal(0, read_noise, count)
    b = rng.poisson(second, count) + rng.normal(0, read_noise, count)
    slope = np.full(count, 3.0)
    estimates, correlation = poisson_wavelets.correlations(a - b, a + b, slope, 2 * read_noise**2)
    truth = [(first - second) * e.mean() for e in estimates]
    np.testing.assert_allclose(correlation, truth, atol=0.15)


def test_a_flat_field_comes_out_flat_and_unbiased():
    flat = np.random.default_rng(2).poisson(20.0, (128, 128)).astype(float)
    restored = denoiser("PURE-LET").train(Examples([flat], camera=Camera())).apply(flat)
    assert restored.mean() == pytest.approx(20, rel=0.02)
    assert restored.std() < 0.25 * flat.std()


def test_gain_and_offset_only_rescale_the_result():
    counts = np.random.default_rng(3).poisson(9.0, (64, 64)).astype(float)
    plain = denoiser("PURE-LET").train(Examples([counts], camera=Camera())).apply(counts)
    recorded = 2.5 * counts + 100
    scaled = denoiser("PURE-LET").train(Examples([recorded], camera=Camera(gain=2.5, offset=100))).apply(recorded)
    np.testing.assert_allclose(scaled, 2.5 * plain + 100)
