"""Correlation of volumes, against passbands and noise of known strength."""

import numpy as np
import pytest
import xarray as xr

from nbsupport.assess.resolution import volume_correlation, volume_cutoffs


def volume(values, axial_um=0.1, lateral_um=0.05):
    centres = {axis: (np.arange(size) + 0.5) * lateral_um for axis, size in zip("yx", values.shape[1:], strict=True)}
    return xr.DataArray(values, dims=("z", "y", "x"), coords={"z": axial_um * np.arange(len(values)), **centres})


@pytest.fixture(scope="module")
def texture():
    return volume(np.random.default_rng(0).standard_normal((40, 96, 96)))


def passed(truth, keep):
    z = np.fft.fftfreq(truth.sizes["z"], 0.1)[:, None, None]
    y, x = (np.fft.fftfreq(truth.sizes["y"], 0.05)[at] for at in ((slice(None), None), slice(None)))
    spectrum = np.fft.fftn(truth.values) * keep(np.abs(z), np.hypot(y, x))
    grain = 1e-3 * np.random.default_rng(1).standard_normal(truth.shape)
    return truth.copy(data=np.fft.ifftn(spectrum).real + grain)


def test_noise_of_the_strength_of_the_signal_leaves_a_correlation_of_one_over_root_two(texture):
    noisy = texture + np.random.default_rng(1).standard_normal(texture.shape)
    found = volume_correlation(texture, noisy)
    assert float(found[:, 5:].mean()) == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_frequencies_reach_from_zero_to_below_those_of_nyquist(texture):
    found = volume_correlation(texture, texture)
    expected = np.ones(found.shape)
    expected[0, 0] = 0  # the mean is taken off
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(found.along, np.fft.rfftfreq(40, 0.1)[:-1])
    np.testing.assert_allclose(found.across, np.fft.rfftfreq(96, 0.05)[:-1])


def test_a_box_of_frequencies_has_its_edges_as_cutoffs(texture):
    image = passed(texture, lambda along, across: (along < 2.1) & (across < 4.5))
    found = volume_cutoffs(volume_correlation(texture, image), lateral_limit_per_um=4.5)
    assert found.across == pytest.approx(4.5, abs=0.45)  # two pixels of the spectrum
    assert found.along == pytest.approx(2.1, abs=0.5)


def test_each_axis_has_its_own_cutoff(texture):
    correlation = [
        volume_correlation(texture, passed(texture, keep))
        for keep in (lambda along, across: along < 2.1, lambda along, across: across < 4.5)
    ]
    axial, lateral = (volume_cutoffs(c) for c in correlation)
    assert axial.across == correlation[0].across[-1]
    assert lateral.along == correlation[1].along[-1]
    assert axial.along < 0.6 * lateral.along
    assert lateral.across < 0.6 * axial.across


def test_scale_offset_and_order_of_axes_do_not_matter(texture):
    image = passed(texture, lambda along, across: across < 4.5)
    same = volume_correlation(texture.transpose("x", "z", "y"), 3 * image.transpose("y", "x", "z") + 7)
    np.testing.assert_allclose(same, volume_correlation(texture, image), atol=1e-9)


def test_unrelated_volumes_agree_nowhere(texture):
    other = volume(np.random.default_rng(2).standard_normal(texture.shape))
    # chance leaves little even in the smallest rings, unsmoothed
    assert abs(volume_correlation(texture, other)[:, 3:]).max() < 0.5
    assert volume_cutoffs(volume_correlation(texture, other)).along == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t[:, :-1], "differ in shape"),
        (lambda t: t[1:], "differ in shape"),
    ],
)
def test_volumes_that_do_not_fit_are_refused(texture, change, words):
    with pytest.raises(ValueError, match=words):
        volume_correlation(texture, change(texture))


def test_planes_that_are_not_square_or_too_few_are_refused(texture):
    refused = {"square": texture[:, :-1], "at least 4 are": texture[:3], "at least 16": texture[:, :8, :8]}
    for words, one in refused.items():
        with pytest.raises(ValueError, match=words):
            volume_correlation(one, one)


def test_a_limit_below_the_first_ring_is_refused(texture):
    with pytest.raises(ValueError, match="lateral_limit_per_um=0.01"):
        volume_cutoffs(volume_correlation(texture, texture), lateral_limit_per_um=0.01)
