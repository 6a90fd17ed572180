"""Cameras against the moments of their noise. "Within confidence" is 4.9 standard errors: one miss in a million."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from nbsupport.simulate import camera

N = 1_000_000
CONFIDENCE = 4.9


def stack(values, units="photons"):
    values = np.asarray(values, dtype=float)
    shape = values.shape
    coords = {"y": (np.arange(shape[-2]) + 0.5) * 0.1, "x": (np.arange(shape[-1]) + 0.5) * 0.1}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=coords, attrs={"units": units, "seed": 7})


def flat(level, units="photons"):
    return stack(np.full((100, 100, 100), float(level)), units)


def standard_errors(sample):
    """Standard errors of the sample's mean and variance, from its own second and fourth moment."""
    second, fourth = sample.var(), np.mean((sample - sample.mean()) ** 4)
    return np.sqrt(second / sample.size), np.sqrt((fourth - second**2) / sample.size)


def assert_moments(sample, mean, variance):
    error_of_mean, error_of_variance = standard_errors(sample)
    assert sample.mean() == pytest.approx(mean, abs=CONFIDENCE * error_of_mean)
    assert sample.var() == pytest.approx(variance, abs=CONFIDENCE * error_of_variance)


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


def test_poisson_gaussian_mean_and_variance_follow_gain_offset_and_read_noise():
    adu = camera.poisson_gaussian(flat(9.0), gain=2.2, offset=100.0, read_noise=3.5, rng=np.random.default_rng(4))
    assert_moments(adu.values, 2.2 * 9.0 + 100.0, 2.2**2 * 9.0 + 3.5**2)


def test_the_photon_transfer_slope_returns_the_gain():
    """Variance against mean over five exposures; the slope is the gain in ADU per photon, within 1 %."""
    frames = [
        camera.poisson_gaussian(flat(s), gain=2.2, offset=100.0, read_noise=1.6, rng=np.random.default_rng(int(s)))
        for s in (10.0, 50.0, 100.0, 200.0, 400.0)
    ]
    slope, _ = np.polyfit([float(f.mean()) for f in frames], [float(f.var()) for f in frames], 1)
    assert slope == pytest.approx(2.2, rel=0.01)


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


CAMERAS = {
    "poisson": (lambda s, rng: camera.poisson(s, rng=rng), "photons"),
    "poisson_gaussian": (lambda s, rng: camera.poisson_gaussian(s, gain=2.0, read_noise=1.0, rng=rng), "ADU"),
    "scmos": (
        lambda s, rng: camera.scmos(
            s, gain=np.ones((3, 4)), offset=np.zeros((3, 4)), variance=np.ones((3, 4)), rng=rng
        ),
        "ADU",
    ),
    "emccd": (lambda s, rng: camera.emccd(s, em_gain=5.0, read_noise=1.0, rng=rng), "ADU"),
    "speckle": (lambda s, rng: camera.speckle(s, variance=0.1, rng=rng), "photons"),
    "additive_gaussian": (lambda s, rng: camera.additive_gaussian(s, variance=0.1, rng=rng), "photons"),
}


@pytest.mark.parametrize("name", CAMERAS)
def test_every_camera_keeps_coordinates_and_names_its_units(name):
    expose, units = CAMERAS[name]
    given = stack(np.full((2, 3, 4), 10.0))
    taken = expose(given, np.random.default_rng(13))
    xr.testing.assert_equal(taken.coords.to_dataset(), given.coords.to_dataset())
    assert taken.dims == given.dims and taken.attrs == {"units": units, "seed": 7}
    assert given.attrs["units"] == "photons" and np.all(given == 10.0)


@pytest.mark.parametrize("name", CAMERAS)
def test_same_seed_gives_the_same_bits(name):
    expose, _ = CAMERAS[name]
    one, two = (expose(stack(np.full((2, 3, 4), 10.0)), np.random.default_rng(14)).values for _ in range(2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("name", [*CAMERAS, "to_expected"])
@pytest.mark.parametrize(
    "value, message",
    [(np.nan, "not finite .nan. at index"), (np.inf, "not finite .inf. at index"), (-2.0, "negative .-2.0. at index")],
)
def test_impossible_light_is_refused_at_its_index(name, value, message):
    expose = CAMERAS[name][0] if name in CAMERAS else lambda s, rng: camera.to_expected(s)
    given = stack(np.full((2, 3, 4), 10.0))
    given[1, 2, 3] = value
    with pytest.raises(ValueError, match=message + " {'frame': 1, 'y': 2, 'x': 3}"):
        expose(given, np.random.default_rng(0))


@pytest.mark.parametrize("name", [*CAMERAS, "to_expected"])
def test_wrong_dimensions_are_refused_by_name(name):
    expose = CAMERAS[name][0] if name in CAMERAS else lambda s, rng: camera.to_expected(s)
    with pytest.raises(ValueError, match=r"has dimensions \('x', 'y', 'frame'\)"):
        expose(stack(np.ones((2, 3, 4))).transpose("x", "y", "frame"), np.random.default_rng(0))
    with pytest.raises(ValueError, match="has a ndarray"):
        expose(np.ones((2, 3, 4)), np.random.default_rng(0))


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


def test_shot_noise_refuses_light_that_is_not_in_photons():
    with pytest.raises(ValueError, match="expected has units 'ADU'"):
        camera.poisson(stack(np.ones((2, 3, 4)), "ADU"), rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("poisson_gaussian", {"gain": 0.0, "read_noise": 1.0}, "gain=0.0 must be greater than 0"),
        ("poisson_gaussian", {"read_noise": -1.0}, "read_noise=-1.0 must be at least 0"),
        ("emccd", {"em_gain": -3.0, "read_noise": 1.0}, "em_gain=-3.0 must be greater than 0"),
        ("emccd", {"em_gain": 3.0, "read_noise": 1.0, "offset": None}, "offset=None must be a finite number"),
        ("speckle", {"variance": -0.1}, "variance=-0.1 must be at least 0"),
        ("additive_gaussian", {"variance": -0.1}, "variance=-0.1 must be at least 0"),
        ("scmos", {"gain": np.ones((4, 3)), "offset": np.ones((3, 4)), "variance": np.ones((3, 4))}, "gain has shape"),
        ("scmos", {"gain": np.zeros((3, 4)), "offset": np.ones((3, 4)), "variance": np.ones((3, 4))}, "gain must be"),
        ("scmos", {"gain": np.ones((3, 4)), "offset": np.ones((3, 4)), "variance": -np.ones((3, 4))}, "variance must"),
    ],
)
def test_impossible_cameras_are_refused_by_name(name, settings, message):
    with pytest.raises(ValueError, match=message):
        getattr(camera, name)(stack(np.ones((2, 3, 4))), **settings, rng=np.random.default_rng(0))
