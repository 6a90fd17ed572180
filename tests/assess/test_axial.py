import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.assess.axial import bright_borders, residual, stripe_anisotropy


def volume(values, lateral_um=0.05):
    values = np.asarray(values, dtype=float)
    z, y, x = (np.arange(size) for size in values.shape)
    return xr.DataArray(values, dims=("z", "y", "x"), coords={"z": 0.05 * z, "y": lateral_um * y, "x": lateral_um * x})


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def test_white_noise_has_an_anisotropy_of_one_over_the_planes():
    assert stripe_anisotropy(volume(noise(10, 60, 60))) == pytest.approx(1 / 10, rel=0.05)


def test_stripes_along_the_axis_raise_it_and_planes_do_not():
    stripes = np.cos(np.arange(60))[None, None] + 0.3 * noise(10, 60, 60)
    planes = np.cos(np.arange(10))[:, None, None] + 0.3 * noise(10, 60, 60)
    assert stripe_anisotropy(volume(stripes)) == pytest.approx(0.5 / 0.09, rel=0.2)
    assert stripe_anisotropy(volume(planes)) < 0.1


def test_the_residual_does_not_hold_a_blurred_truth_of_any_scale():
    truth = volume(np.random.default_rng(0).random((8, 20, 20)))
    image = truth.copy(data=7 * gaussian_filter(truth.values, 1.0) + 3)
    assert abs(residual(truth, image)).max() < 1e-9


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match="neither"):
        residual(volume(np.zeros((4, 8, 8))), volume(np.zeros((4, 12, 12))))


def test_borders_are_where_a_block_ends():
    block = np.zeros((20, 40, 40))
    block[6:14, 12:28, 12:28] = 1
    edges = bright_borders(volume(block), share=0.1).values
    assert edges[10, 12, 20]
    assert not edges[10, 20, 20]
    assert not edges[1, 2, 2]
