import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.restore import denoisers
from nbsupport.restore.denoisers import Camera, Examples, denoiser

CAMERA = Camera(gain=2.0, offset=100.0, read_noise=3.0)
CLASSICAL = [name for name, home in denoisers.HOMES.items() if home in ("classical", "poisson_wavelets")]


@pytest.fixture(scope="module")
def scene():
    """Clean image and a function that records it, ADU."""
    rng = np.random.default_rng(0)
    points = np.zeros((96, 96))
    points[tuple(rng.integers(96, size=(2, 60)))] = 1
    photons = 5 + 60 * gaussian_filter(points, 2.0) / gaussian_filter(points, 2.0).max()
    clean = CAMERA.gain * photons + CAMERA.offset

    def record(seed):
        noise = np.random.default_rng(seed)
        return CAMERA.gain * noise.poisson(photons) + noise.normal(CAMERA.offset, CAMERA.read_noise, photons.shape)

    return clean, record


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_filter_that_never_saw_the_truth_removes_most_of_the_error(name, scene):
    clean, record = scene
    restored = denoiser(name).train(Examples([record(1)], camera=CAMERA)).apply(record(2))
    assert np.mean((restored - clean) ** 2) < 0.3 * np.mean((record(2) - clean) ** 2)


@pytest.mark.parametrize("name", ["Gaussian", "TV"])
def test_the_blind_spot_rule_comes_close_to_the_parameter_that_the_truth_would_choose(name, scene):
    clean, record = scene
    chosen = denoiser(name).train(Examples([record(seed) for seed in range(3)], camera=CAMERA))
    best, _ = chosen.oracle(record(5), clean)
    assert np.mean((chosen.apply(record(5)) - clean) ** 2) < 1.3 * np.mean((best - clean) ** 2)


def test_an_oracle_is_never_worse_than_the_chosen_parameter(scene):
    clean, record = scene
    chosen = denoiser("median").train(Examples([record(1)], camera=CAMERA))
    best, _ = chosen.oracle(record(5), clean)
    assert np.mean((best - clean) ** 2) <= np.mean((chosen.apply(record(5)) - clean) ** 2)


def test_a_restored_array_keeps_its_coordinates(scene):
    _, record = scene
    axis = np.arange(96) * 0.1
    image = xr.DataArray(record(1), dims=("y", "x"), coords={"y": axis, "x": axis}, attrs={"units": "ADU"})
    restored = denoiser("Gaussian", grid=(1.0,)).train(Examples([record(1)])).apply(image)
    xr.testing.assert_equal(restored.x, image.x)
    assert restored.attrs == image.attrs


def test_validation_without_clean_images_is_refused(scene):
    with pytest.raises(ValueError, match="validation needs clean images"):
        denoiser("Gaussian", rule="validation").train(Examples([scene[1](1)]))


def test_a_filter_that_needs_the_camera_says_so(scene):
    with pytest.raises(ValueError, match="NLM cannot be trained: the examples have no camera"):
        denoiser("NLM").train(Examples([scene[1](1)]))
