"""Procedural anatomy and the measures of texture, against noise of known spectrum and the statistics of photographs."""

import numpy as np
import pytest
import xarray as xr

from nbsupport.simulate.photographs import dead_leaves
from nbsupport.simulate.volumes import anatomy_phantom, radial_power, read_slice, texture
from nbsupport.simulate.volumes.phantom import smooth_field


def image(values, pixel_um=0.05):
    centres = {dim: pixel_um * (np.arange(size) + 0.5) for dim, size in zip("yx", values.shape, strict=True)}
    return xr.DataArray(values, dims=("y", "x"), coords=centres)


def noise(exponent, side=256, seed=0):
    """Gaussian noise whose power falls with the frequency to an exponent."""
    white = np.fft.rfft2(np.random.default_rng(seed).standard_normal((side, side)))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = 1
    values = np.fft.irfft2(white * frequency ** (exponent / 2), s=(side, side))
    return image(values / values.std() + 10)


# Texture


def test_white_noise_has_power_one_at_all_frequencies():
    frequency, power = radial_power(noise(0))
    np.testing.assert_allclose(power[20:], 1, atol=0.25)
    assert frequency[-1] < 10 <= frequency[-1] + 2 / (256 * 0.05)


@pytest.mark.parametrize("exponent", [0.0, -2.0, -3.0])
def test_slope_is_the_exponent_of_the_noise(exponent):
    found = np.mean([texture(noise(exponent, seed=seed), cutoff_per_um=4.0)["slope"] for seed in range(3)])
    assert found == pytest.approx(exponent, abs=0.15)


def test_of_white_noise_a_lens_passes_the_share_of_its_disc():
    found = texture(noise(0), cutoff_per_um=5.0)
    assert found["beyond_cutoff"] == pytest.approx(1 - (5.0 / 10.0) ** 2, abs=0.03)
    assert found["edges"] == pytest.approx(0, abs=0.1)
    assert found["contrast"] == pytest.approx(0.1, rel=0.01)


def test_hard_edges_count_as_edges():
    assert texture(image(dead_leaves(128, rng=np.random.default_rng(0))), cutoff_per_um=4.0)["edges"] > 3


def test_texture_does_not_depend_on_brightness():
    one = noise(-2)
    ours, brighter = (texture(values, cutoff_per_um=4.0) for values in (one, 7 * one))
    assert ours == pytest.approx(brighter)


def test_images_without_texture_are_refused():
    with pytest.raises(ValueError, match="no contrast"):
        radial_power(image(np.ones((64, 64))))
    with pytest.raises(ValueError, match="at least 32 px"):
        radial_power(image(np.ones((64, 8))))
    with pytest.raises(ValueError, match="image is dark"):
        texture(noise(0) - 20, cutoff_per_um=4.0)


# Phantom


def test_a_smooth_field_has_mean_0_variance_1_and_the_scale_of_its_knots():
    fields = np.stack([smooth_field((40, 40, 40), (8, 8, 8), rng=np.random.default_rng(i)) for i in range(40)])
    assert fields.mean() == pytest.approx(0, abs=0.05)
    assert fields.var() == pytest.approx(1, abs=0.1)
    lagged = [np.mean(fields[:, :, :, lag:] * fields[:, :, :, : 40 - lag]) for lag in (8, 16, 32)]
    # autocorrelation of a cubic B-spline at whole knots: 1191 and 120 of 2416, and 0 from four knots on
    np.testing.assert_allclose(np.array(lagged) / fields.var(), [1191 / 2416, 120 / 2416, 0], atol=0.06)


def test_the_same_stream_gives_the_same_phantom_and_another_stream_another():
    one, again, other = (anatomy_phantom((6, 48, 48), rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    xr.testing.assert_equal(one, again)
    assert float(np.corrcoef(one.values.ravel(), other.values.ravel())[0, 1]) < 0.9


def test_power_falls_as_in_photographs():
    sections = [anatomy_phantom((2, 256, 256), rng=np.random.default_rng(seed))[1] for seed in range(6)]
    slopes = [texture(section, cutoff_per_um=4.8)["slope"] for section in sections]
    assert -3.3 < np.mean(slopes) < -2.0


def test_all_axes_look_alike_on_average():
    whole = anatomy_phantom((96, 96, 96), rng=np.random.default_rng(0)).values
    steps = [np.abs(np.diff(whole, axis=axis)).mean() for axis in range(3)]
    assert max(steps) / min(steps) < 1.2


def test_a_body_is_surrounded_by_even_gel():
    whole = anatomy_phantom((2, 120, 240), rng=np.random.default_rng(0), body=True).values
    corner, middle = whole[:, :8, :16], whole[:, 40:80, 80:160]
    assert corner.std() < 0.05 < middle.std()


def test_grey_values_lie_in_the_unit_interval():
    whole = anatomy_phantom((8, 64, 64), rng=np.random.default_rng(3))
    assert 0 <= float(whole.min()) < float(whole.max()) <= 1
    assert whole.dims == ("z", "y", "x")


def test_the_texture_lies_near_that_of_the_registry_s_slice(registry_file):
    path = registry_file("visible-human-female-slice", "anatomy/visible-human-female-slice.png")
    whole = read_slice(path)[0]
    real = [texture(whole[130:386, x : x + 256], cutoff_per_um=4.8) for x in (560, 816, 1072, 1328)]
    phantom = [
        texture(anatomy_phantom((2, 256, 256), rng=np.random.default_rng(seed))[1], cutoff_per_um=4.8)
        for seed in range(4)
    ]
    for name, tolerance in (("slope", 0.6), ("contrast", 0.2)):
        both = [np.median([one[name] for one in group]) for group in (real, phantom)]
        assert both[0] == pytest.approx(both[1], abs=tolerance)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"shape": (4, 4)}, "three numbers of voxels"),
        ({"shape": (4, 0, 4)}, "rows=0"),
        ({"organ_px": 1.0}, "organ_px=1.0 must be at least 4"),
        ({"voxel_um": 50.0}, "looks like nanometres"),
    ],
)
def test_phantoms_that_cannot_be_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        anatomy_phantom(**{"shape": (4, 8, 8)} | words, rng=np.random.default_rng(0))
