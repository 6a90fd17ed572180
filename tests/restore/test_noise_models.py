import numpy as np
import pytest
import torch
import xarray as xr

from nbsupport.restore.noise_models import Histogram, fit_mixture, gaussian, measure_histogram
from nbsupport.simulate import camera

GAIN, OFFSET, READ_NOISE = 2.0, 100.0, 4.0
LEVELS = [12.0, 30.0, 60.0, 88.0]  # photons, inside the calibrated range


@pytest.fixture(scope="module")
def wedge():
    """Three hundred exposures of a grey wedge from 2 to 100 photons, and its noise-free values in ADU."""
    photons = xr.DataArray(np.linspace(2.0, 100.0, 4096).reshape(1, 64, 64).repeat(300, 0), dims=("frame", "y", "x"))
    photons = photons.assign_attrs(units="photons")
    detector = {"gain": GAIN, "offset": OFFSET, "read_noise": READ_NOISE}
    frames = camera.poisson_gaussian(photons, **detector, rng=np.random.default_rng(0))
    return frames, GAIN * photons.values[0] + OFFSET


@pytest.fixture(scope="module")
def models(wedge):
    frames, signal = wedge
    return {
        "histogram": measure_histogram(frames, signal=signal),
        "mixture": fit_mixture(frames, signal=signal, rng=np.random.default_rng(1)),
    }


def true_log_density(adu, photons):
    """Of the simulated camera, from its own likelihood; per ADU."""
    measured = (adu - OFFSET) / GAIN
    return camera.log_likelihood(measured, photons, read_noise=READ_NOISE / GAIN, excess=False) - np.log(GAIN)


def drawn(photons, count=20_000):
    flat = xr.DataArray(np.full((1, count), photons), dims=("y", "x"), attrs={"units": "photons"})
    detector = {"gain": GAIN, "offset": OFFSET, "read_noise": READ_NOISE}
    return camera.poisson_gaussian(flat, **detector, rng=np.random.default_rng(2)).values.ravel()


def log_density(model, adu, photons):
    signal = torch.full((len(adu),), GAIN * photons + OFFSET, dtype=torch.float64)
    return model.log_density(torch.as_tensor(adu), signal).numpy()


@pytest.mark.parametrize("name", ["histogram", "mixture"])
@pytest.mark.parametrize("photons", LEVELS)
def test_a_measured_model_loses_less_than_two_hundredths_of_a_nat_to_the_true_likelihood(models, name, photons):
    adu = drawn(photons)
    lost = (true_log_density(adu, photons) - log_density(models[name], adu, photons)).mean()
    assert -0.005 < lost < 0.02


def test_a_gaussian_of_the_mean_variance_loses_far_more_so_that_the_test_above_can_fail():
    adu, photons = drawn(LEVELS[0]), LEVELS[0]
    wrong = gaussian(np.sqrt(GAIN**2 * 51 + READ_NOISE**2))
    assert (true_log_density(adu, photons) - log_density(wrong, adu, photons)).mean() > 0.1


@pytest.mark.parametrize("name", ["histogram", "mixture"])
def test_every_row_of_a_measured_model_integrates_to_one(models, name):
    adu = np.linspace(20.0, 420.0, 40_001)
    inside = np.ones_like(adu, dtype=bool)
    if name == "histogram":
        low, high = models[name].value_range
        inside = (adu >= low) & (adu < high)
    for photons in LEVELS:
        density = np.where(inside, np.exp(log_density(models[name], adu, photons)), 0.0)
        assert np.trapezoid(density, adu) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("photons", LEVELS)
def test_the_mean_of_the_mixture_is_the_signal(models, photons):
    adu = np.linspace(20.0, 420.0, 40_001)
    density = np.exp(log_density(models["mixture"], adu, photons))
    assert np.trapezoid(density * adu, adu) == pytest.approx(GAIN * photons + OFFSET, abs=0.02)


def test_the_mean_of_the_frames_serves_as_signal(wedge):
    frames, _ = wedge
    model = measure_histogram(frames)
    adu, photons = drawn(60.0), 60.0
    lost = (true_log_density(adu, photons) - log_density(model, adu, photons)).mean()
    assert -0.005 < lost < 0.03


@pytest.mark.parametrize("name", ["histogram", "mixture"])
def test_the_most_probable_signal_of_many_equal_values_is_found_by_following_the_gradient(models, name):
    adu = torch.as_tensor(drawn(45.0, 4000))
    signal = torch.tensor(GAIN * 60.0 + OFFSET, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([signal], lr=0.5)
    for _ in range(200):
        optimiser.zero_grad()
        (-models[name].log_density(adu, signal).mean()).backward()
        optimiser.step()
    assert float(signal.detach()) == pytest.approx(GAIN * 45.0 + OFFSET, abs=2.0)


def test_one_gaussian_is_the_normal_density():
    values, signal = torch.linspace(-3, 5, 50, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)
    expected = torch.distributions.Normal(0.7, 1.3).log_prob(values)
    torch.testing.assert_close(gaussian(1.3).log_density(values, signal), expected)


def test_signals_that_no_pixel_had_are_interpolated():
    rng = np.random.default_rng(3)
    signal = np.repeat([0.0, 1.0, 2.0, 4.0], 500).reshape(40, 50)
    model = measure_histogram(signal + rng.normal(0, 1, (200, 40, 50)), signal=signal, signal_bins=5)
    rows = model.density.numpy()
    bin_of = {level: 2 + level for level in range(5)}  # behind an empty row and a copy of the first
    np.testing.assert_allclose(rows[bin_of[3]], (rows[bin_of[2]] + rows[bin_of[4]]) / 2, rtol=1e-6)


def test_values_and_signals_beyond_the_calibration_are_finite_and_improbable(models):
    far = models["histogram"].log_density(torch.tensor(1e6), torch.tensor(-1e6))
    assert torch.isfinite(far)
    assert far < -10


@pytest.mark.parametrize("beyond", [-20.0, 20.0])
def test_a_signal_beyond_the_calibration_explains_no_value_and_pulls_no_mean(models, wedge, beyond):
    """The empty rows of the public code: a sample far below black must not weigh as much as black."""
    signal = torch.as_tensor(wedge[1], dtype=torch.float64)
    edge = signal.min() if beyond < 0 else signal.max()
    at_edge, outside = (models["histogram"].log_density(edge, edge + shift) for shift in (0.0, beyond))
    assert at_edge - outside > 10
    samples = torch.stack([edge, edge + beyond])
    weights = models["histogram"].log_density(edge, samples).softmax(0)
    assert float((weights * samples).sum()) == pytest.approx(float(edge), abs=1e-3)


def test_two_frames_are_the_least_that_calibrate():
    with pytest.raises(ValueError, match=r"frames has shape \(1, 4, 4\); give \(frame, y, x\) with two"):
        measure_histogram(np.zeros((1, 4, 4)))


def test_a_calibration_with_too_few_signals_says_how_many_bins_it_carries():
    frames = np.random.default_rng(4).normal(size=(50, 8, 8)) + np.repeat([0.0, 50.0], 32).reshape(8, 8)
    with pytest.raises(ValueError, match="signal_bins=64: only 2 of them hold a pixel; give at most 2"):
        measure_histogram(frames, signal=np.repeat([0.0, 50.0], 32).reshape(8, 8))


def test_a_signal_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"signal has shape \(3, 3\); give \(y, x\) like the frames, \(4, 4\)"):
        measure_histogram(np.zeros((2, 4, 4)), signal=np.zeros((3, 3)))


def test_a_read_noise_of_zero_is_refused():
    with pytest.raises(ValueError, match="read_noise=0 must be one positive standard deviation"):
        gaussian(0)


def test_interpolation_between_two_signals_is_linear():
    table = Histogram(torch.tensor([[1.0, 0.0], [0.25, 0.75]], dtype=torch.float64), (0.0, 2.0), (0.0, 2.0))
    middle = table.log_density(torch.tensor(0.5, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
    assert float(middle.exp()) == pytest.approx(0.625)


def test_scenes_of_different_sizes_calibrate_together():
    rng = np.random.default_rng(5)
    scenes = [np.full((8, 8), 3.0), np.full((4, 6), 9.0)]
    stacks = [
        scene + rng.normal(0, 1, (count, *scene.shape)) for scene, count in zip(scenes, (2000, 3000), strict=True)
    ]
    model = measure_histogram(stacks, signal=scenes, signal_bins=2, value_bins=40)
    at = torch.tensor([3.0, 9.0], dtype=torch.float64)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(0.0)).exp()
    torch.testing.assert_close(model.log_density(at, at).exp(), expected.double().expand(2), rtol=0.05, atol=0.0)
