"""Cutoffs in each direction, against passbands of known shape."""

import numpy as np
import pytest
import xarray as xr

from nbsupport.assess.resolution.sectors import sector_cutoffs


def texture(size=256, seed=0):
    values = np.random.default_rng(seed).standard_normal((size, size))
    centres = (np.arange(size) + 0.5) * 0.05
    return xr.DataArray(values, dims=("y", "x"), coords={"y": centres, "x": centres})


def passed(image, keep):
    y, x = (np.fft.fftfreq(size, 0.05) for size in image.shape)
    return image.copy(data=np.fft.ifft2(np.fft.fft2(image.values) * keep(y[:, None], x)).real)


def test_a_round_passband_has_its_radius_in_every_direction():
    truth = texture()
    _, cutoff = sector_cutoffs(truth, passed(truth, lambda y, x: np.hypot(y, x) < 4.5))
    np.testing.assert_allclose(cutoff, 4.5, rtol=0.09)


def test_an_elliptical_passband_has_its_radius_of_each_direction():
    truth = texture()
    direction, cutoff = sector_cutoffs(truth, passed(truth, lambda y, x: np.hypot(y / 4, x / 7) < 1), sectors=9)
    expected = 1 / np.hypot(np.sin(direction) / 4, np.cos(direction) / 7)
    error = np.abs(cutoff / expected - 1)  # within a sector the radius changes
    assert np.median(error) < 0.09
    assert error.max() < 0.25


def test_scale_and_offset_do_not_matter():
    truth = texture()
    image = passed(truth, lambda y, x: np.hypot(y, x) < 4.5)
    np.testing.assert_allclose(sector_cutoffs(truth, 3 * image + 7)[1], sector_cutoffs(truth, image)[1], rtol=1e-9)


def test_equal_images_agree_to_the_nyquist_frequency_and_unrelated_ones_nowhere_far():
    assert np.all(sector_cutoffs(texture(), texture())[1] > 9.5)
    assert np.all(sector_cutoffs(texture(), texture(seed=1))[1] < 1)


@pytest.mark.parametrize(("words", "message"), [({"sectors": 0}, "sectors"), ({"threshold": 1.5}, "threshold")])
def test_settings_out_of_range_are_named(words, message):
    with pytest.raises(ValueError, match=message):
        sector_cutoffs(texture(), texture(), **words)


def test_a_few_waves_that_disagree_near_frequency_0_stop_no_direction():
    truth = texture()
    image = passed(truth, lambda y, x: np.hypot(y, x) < 4.5)
    columns = np.arange(truth.sizes["x"]) / truth.sizes["x"]
    for waves in (1, 2, 3):  # per field along x, turned round
        own = 2 * np.real(np.fft.fft2(truth.values)[0, waves] / truth.size * np.exp(2j * np.pi * waves * columns))
        image = image - 2 * own
    np.testing.assert_allclose(sector_cutoffs(truth, image)[1], 4.5, rtol=0.1)
