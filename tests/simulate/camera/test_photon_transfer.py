import numpy as np
import pytest
import xarray as xr
from camera_moments import CONFIDENCE, flat, stack

from nbsupport.simulate import camera

CAMERA = {"gain": 2.2, "offset": 100.0, "read_noise": 3.0}


def gradient(frames=40, size=100, low=0.0, high=400.0):
    return stack(np.broadcast_to(np.linspace(low, high, size)[:, None], (frames, size, size)))


def test_a_flat_field_series_returns_gain_and_read_noise_within_one_percent():
    """A million pixels per level, as the check value of the photon transfer slope asks."""
    levels = [
        camera.transfer_points(
            camera.poisson_gaussian(flat(s), **CAMERA, rng=np.random.default_rng(int(s))), offset=100.0
        )
        for s in (0.0, 10.0, 50.0, 200.0)
    ]
    line = camera.fit_photon_transfer(xr.concat(levels, "level"))
    assert line.gain == pytest.approx(2.2, rel=0.01)
    assert line.read_noise == pytest.approx(3.0, rel=0.01)


def test_the_stated_errors_cover_the_truth_as_often_as_normal_errors_do():
    pulls = []
    for seed in range(60):
        frames = camera.poisson_gaussian(gradient(), **CAMERA, rng=np.random.default_rng(seed))
        line = camera.fit_photon_transfer(camera.transfer_points(frames, offset=100.0, bins=10))
        pulls.append([(line.gain - 2.2) / line.gain_sd, (line.read_variance - 9.0) / line.read_variance_sd])
    root_mean_square = np.sqrt(np.mean(np.square(pulls), axis=0))
    np.testing.assert_allclose(root_mean_square, 1.0, atol=0.4)  # 4.4 standard errors of 60 pulls
    assert np.abs(np.mean(pulls, axis=0)).max() < CONFIDENCE / np.sqrt(60)


def test_sorting_noisy_pixels_by_brightness_does_not_tilt_the_line():
    """A range of signal no wider than the noise of a pixel's mean: sorting and measuring the same values fails here."""
    frames = camera.poisson_gaussian(gradient(8, 300, 0.0, 10.0), **CAMERA, rng=np.random.default_rng(1))
    line = camera.fit_photon_transfer(camera.transfer_points(frames, offset=100.0, bins=20))
    assert line.gain == pytest.approx(2.2, abs=CONFIDENCE * line.gain_sd)
    mean, variance = frames.mean("frame").values.ravel() - 100.0, frames.var("frame", ddof=1).values.ravel()
    naive = np.polyfit(mean, variance, 1)[0]
    assert abs(naive - 2.2) > CONFIDENCE * line.gain_sd


def test_slow_bleaching_leaves_the_gain_alone():
    fading = gradient(40, 200) * xr.DataArray(np.linspace(1.0, 0.6, 40), dims="frame")
    fading = fading.assign_attrs(units="photons")
    frames = camera.poisson_gaussian(fading, **CAMERA, rng=np.random.default_rng(2))
    line = camera.fit_photon_transfer(camera.transfer_points(frames, offset=100.0, bins=20))
    assert line.gain == pytest.approx(2.2, rel=0.02)


def test_a_wrong_offset_moves_the_intercept_by_gain_times_its_error():
    frames = camera.poisson_gaussian(gradient(), **CAMERA, rng=np.random.default_rng(3))
    right, wrong = (
        camera.fit_photon_transfer(camera.transfer_points(frames, offset=o, bins=10)) for o in (100.0, 90.0)
    )
    assert wrong.gain == pytest.approx(right.gain)
    assert wrong.read_variance - right.read_variance == pytest.approx(-10 * right.gain)
    assert np.isnan(wrong.read_noise)


def test_calibrated_maps_take_the_read_noise_out():
    rng = np.random.default_rng(4)
    offset, variance = rng.normal(100, 5, (100, 100)), rng.lognormal(2.0, 1.0, (100, 100))
    frames = camera.scmos(gradient(), gain=np.full((100, 100), 2.2), offset=offset, variance=variance, rng=rng)
    line = camera.fit_photon_transfer(camera.transfer_points(frames, offset=offset, read_variance=variance, bins=10))
    assert line.read_variance == pytest.approx(0.0, abs=CONFIDENCE * line.read_variance_sd)


def test_only_pixels_inside_the_mask_count():
    frames = stack(np.random.default_rng(5).normal(0, 1, (40, 50, 50)), "ADU")
    frames[:, :25] *= 100.0
    inside = np.arange(50)[:, None] >= np.full((1, 50), 25)
    points = camera.transfer_points(frames, inside=inside)
    assert int(points.pixels.sum()) == 25 * 50
    assert float(points.variance.item()) == pytest.approx(1.0, abs=CONFIDENCE * float(points.standard_error.item()))


def test_points_off_a_line_raise_the_stated_errors():
    bent = xr.Dataset(
        {
            "mean": ("level", np.arange(6.0)),
            "variance": ("level", np.arange(6.0) ** 2),
            "standard_error": ("level", np.full(6, 0.1)),
        }
    )
    line = camera.fit_photon_transfer(bent)
    slope, covariance = np.polyfit(bent["mean"], bent["variance"], 1, cov=True)
    assert (line.gain, line.read_variance) == pytest.approx(tuple(slope))
    assert (line.gain_sd, line.read_variance_sd) == pytest.approx(tuple(np.sqrt(np.diag(covariance))))
    assert line.reduced_chi2 > 1


@pytest.mark.parametrize(
    "given, message",
    [
        ({"frames": stack(np.ones((4, 5, 5)))}, "give .* in .ADU."),
        ({"frames": stack(np.ones((1, 5, 5)), "ADU")}, "frames holds 1 frame.s.; bins=1 needs at least 2"),
        ({"frames": stack(np.ones((3, 5, 5)), "ADU"), "bins": 2}, "frames holds 3 frame.s.; bins=2 needs at least 4"),
        ({"frames": stack(np.ones((4, 5, 5)), "ADU"), "bins": 0}, "bins=0 must be at least 1"),
        ({"frames": stack(np.ones((4, 5, 5)), "ADU"), "bins": 1.5}, "bins=1.5 must be a whole number"),
        ({"frames": stack(np.ones((4, 5, 5)), "ADU"), "bins": 20}, "at least two pixels per bin, 40 in all"),
        ({"frames": stack(np.ones((4, 5, 5)), "ADU"), "offset": np.ones((5, 4))}, "offset has shape"),
        ({"frames": stack(np.ones((4, 5, 5)), "ADU"), "offset": np.nan}, "offset holds a value that is not finite"),
    ],
)
def test_frames_that_carry_no_transfer_curve_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        camera.transfer_points(**given)


def test_a_line_through_two_points_or_through_silence_is_refused():
    points = camera.transfer_points(stack(np.random.default_rng(6).normal(0, 1, (4, 5, 5)), "ADU"), bins=2)
    with pytest.raises(ValueError, match="points has 2 level"):
        camera.fit_photon_transfer(points)
    silent = camera.transfer_points(stack(np.broadcast_to(np.arange(25.0).reshape(5, 5), (4, 5, 5)), "ADU"), bins=4)
    with pytest.raises(ValueError, match="standard error that is not positive"):
        camera.fit_photon_transfer(silent)
