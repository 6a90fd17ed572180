import numpy as np
import pytest
from camera_moments import flat
from scipy import special, stats

from nbsupport.simulate import camera

VALUES = np.linspace(-0.5, 25.0, 301)


@pytest.mark.parametrize("expected, read_noise", [(0.0, 0.3), (0.4, 0.2), (5.0, 1.5), (5.0, 0.3)])
def test_the_additive_model_is_a_sum_of_gaussians_weighted_by_poisson_probabilities(expected, read_noise):
    counts = np.arange(60)
    summands = stats.poisson.pmf(counts, expected) * stats.norm.pdf(VALUES[:, None], counts, read_noise)
    density = np.exp(camera.log_likelihood(VALUES, expected, read_noise=read_noise, excess=False))
    np.testing.assert_allclose(density, summands.sum(axis=1), rtol=2e-3, atol=1e-10)


def test_the_excess_noise_model_is_the_bessel_density_where_read_noise_is_small():
    values, s = np.linspace(2.0, 25.0, 100), 8.0
    density = np.exp(camera.log_likelihood(values, s, read_noise=0.02, excess=True))
    bessel = np.sqrt(s / values) * np.exp(-s - values) * special.i1(2 * np.sqrt(s * values))
    np.testing.assert_allclose(density, bessel, rtol=1e-3)


@pytest.mark.parametrize("excess", [False, True])
def test_each_model_integrates_to_one_with_its_own_variance(excess):
    values = np.linspace(-10.0, 120.0, 40_001)
    density = np.exp(camera.log_likelihood(values, 20.0, read_noise=0.7, excess=excess))
    moments = [np.trapezoid(density * values**k, values) for k in range(3)]
    assert moments[0] == pytest.approx(1.0, abs=1e-3)
    assert moments[1] == pytest.approx(20.0, rel=1e-3)
    assert moments[2] - moments[1] ** 2 == pytest.approx((2 if excess else 1) * 20.0 + 0.49, rel=3e-3)


def test_the_simulated_emccd_follows_the_excess_noise_model():
    adu = camera.emccd(flat(3.0), em_gain=200.0, offset=50.0, read_noise=100.0, rng=np.random.default_rng(0)).values
    photons = (adu.ravel() - 50.0) / 200.0
    edges = np.concatenate([[-np.inf], np.linspace(-1.0, 12.0, 40), [np.inf]])
    fine = np.linspace(-6.0, 60.0, 66_001)
    density = np.exp(camera.log_likelihood(fine, 3.0, read_noise=0.5, excess=True))
    cumulative = np.interp(edges[1:-1], fine, np.cumsum(density) * (fine[1] - fine[0]))
    expected = len(photons) * np.diff(np.concatenate([[0.0], cumulative / 1.0, [1.0]]))
    observed = np.histogram(photons, edges)[0]
    assert np.abs(observed - expected).max() < 5 * np.sqrt(expected.max())


@pytest.mark.parametrize(
    "change, message",
    [
        ({"photons": [np.nan]}, "photons holds a value that is not finite"),
        ({"expected": -1.0}, "expected=-1.0 must be at least 0"),
        ({"read_noise": 0.0}, "read_noise=0.0 must be at least 0.02"),
    ],
)
def test_impossible_light_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        camera.log_likelihood(**({"photons": [1.0], "expected": 1.0, "read_noise": 1.0, "excess": True} | change))
