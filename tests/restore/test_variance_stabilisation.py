import numpy as np
import pytest
import xarray as xr

from nbsupport.restore.denoisers import Camera
from nbsupport.restore.variance_stabilisation import (
    estimate_camera,
    expected_stabilised,
    stabilise,
    unstabilise,
)
from nbsupport.simulate.camera import poisson_gaussian

PHOTONS = np.array([0, 0.5, 1, 2, 5, 10, 20, 100.0])
EXPECTED = [1.224745, 1.741587, 2.186906, 2.928430, 4.527448, 6.363890, 8.972169, 20.012496]
VARIANCE = [0, 0.4669, 0.7174, 0.9243, 1.0022, 1.0009, 1.0002, 1.0]
CLOSED_FORM = [0.0, 0.500669, 0.996332, 1.993626, 5.008243, 10.016904, 20.018059, 100.011960]
ALGEBRAIC = [0.0, 0.383281, 0.820639, 1.768926, 4.749447, 9.749773, 19.749954, 99.749998]
CAMERA = Camera(gain=2.2, offset=100.0, read_noise=3.5)


def test_the_mean_of_stabilised_counts_is_that_of_the_published_table():
    np.testing.assert_allclose(expected_stabilised(PHOTONS), EXPECTED, atol=1e-6)


def test_the_variance_of_stabilised_counts_is_that_of_the_published_table():
    counts = np.random.default_rng(0).poisson(PHOTONS, size=(200_000, len(PHOTONS)))
    np.testing.assert_allclose(stabilise(counts, Camera()).var(axis=0), VARIANCE, atol=0.01)


@pytest.mark.parametrize(("inverse", "published"), [("closed form", CLOSED_FORM), ("algebraic", ALGEBRAIC)])
def test_an_inverse_returns_the_published_values(inverse, published):
    np.testing.assert_allclose(unstabilise(EXPECTED, Camera(), inverse=inverse), published, atol=3e-6)


@pytest.mark.parametrize("read_noise", [0.0, 0.5, 3.0])
def test_the_exact_inverse_returns_the_signal_that_has_this_mean(read_noise):
    signal = np.array([0.1, 1, 3, 17, 120, 400.0])
    back = unstabilise(expected_stabilised(signal, read_noise), Camera(read_noise=read_noise), inverse="exact")
    np.testing.assert_allclose(back, signal, rtol=1e-3, atol=1e-3)


def test_a_camera_with_gain_offset_and_read_noise_is_stabilised_to_unit_variance():
    expected = xr.DataArray(np.full((400, 400), 12.0), dims=("y", "x"), attrs={"units": "photons"})
    noise = vars(CAMERA)
    recorded = poisson_gaussian(expected, **noise, rng=np.random.default_rng(1))
    assert stabilise(recorded.values, CAMERA).var() == pytest.approx(1, abs=0.02)


def test_averaging_stabilised_frames_and_returning_is_unbiased_at_two_photons():
    expected = xr.DataArray(np.full((300, 300), 2.0), dims=("y", "x"), attrs={"units": "photons"})
    recorded = poisson_gaussian(expected, **vars(CAMERA), rng=np.random.default_rng(2))
    mean = stabilise(recorded.values, CAMERA).mean()
    assert unstabilise([mean], CAMERA, inverse="exact")[0] == pytest.approx(100 + 2.2 * 2, abs=0.05)


def test_a_camera_is_estimated_from_single_images_of_a_smooth_scene():
    ramp = np.linspace(5, 200, 256)
    scene = xr.DataArray(np.add.outer(ramp, ramp) / 2, dims=("y", "x"), attrs={"units": "photons"})
    rng = np.random.default_rng(3)
    images = [poisson_gaussian(scene, **vars(CAMERA), rng=rng).values for _ in range(2)]
    estimated = estimate_camera(images, offset=100.0)
    assert estimated.gain == pytest.approx(2.2, rel=0.1)


@pytest.mark.parametrize("scale", [1.0, 1 / 255])
def test_a_dark_background_that_shows_only_rounding_does_not_outweigh_the_noise_of_the_signal(scale):
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:256, :256]
    light = 40 * np.exp(-((x - 128) ** 2 + (y - 100) ** 2) / 2 / 40**2)
    light[light < 2] = 0
    recorded = [3 + 1.5 * rng.poisson(light) + rng.normal(0, 0.2, light.shape) for _ in range(4)]
    grey = [scale * np.clip(np.round(image), 0, 255) for image in recorded]
    assert estimate_camera(grey, offset=3.0 * scale).gain == pytest.approx(1.5 * scale, rel=0.1)


def test_images_that_show_nothing_but_rounding_are_refused():
    steps = np.floor(np.linspace(0, 4, 64))[:, None] * np.ones(64)
    with pytest.raises(ValueError, match="no noise above their rounding"):
        estimate_camera([steps])


def test_images_without_signal_dependent_noise_are_refused_by_name():
    uniform = 1000 - 900 * np.linspace(0, 1, 64)[:, None] ** 2 * np.ones(64)
    noise = np.random.default_rng(4).normal(0, 10 - 0.009 * (uniform - 100), uniform.shape)
    with pytest.raises(ValueError, match="calibrate the camera"):
        estimate_camera([uniform + noise])


def test_an_unknown_inverse_is_named():
    with pytest.raises(ValueError, match="inverse='exactly'"):
        unstabilise([1.0], Camera(), inverse="exactly")
