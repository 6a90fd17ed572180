"""Illumination and frames: closed forms, a plain loop over planes, an oracle's raw frames, Poisson statistics."""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.signal import fftconvolve

from nbsupport.optics import Optics, best_focus_um, gibson_lanni_energy_um2, gibson_lanni_intensity, otf
from nbsupport.simulate.illumination import (
    HUGHES_2024,
    Pattern,
    ThreeBeamMicroscope,
    exposed,
    focal_series,
    fringe_vector,
    grating,
    planar_frames,
    thinned,
)

OPTICS = Optics(numerical_aperture=1.1, wavelength_um=0.488)


def volume(shape=(16, 40, 36), *, step_um=0.05, seed=0):
    values = np.random.default_rng(seed).random(shape) ** 8
    coords = {dim: step_um * np.arange(size) for dim, size in zip("zyx", shape, strict=True)}
    return xr.DataArray(values, dims=("z", "y", "x"), coords=coords)


def field(values, pixel_um):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip("yx", values.shape, strict=True)}
    return xr.DataArray(values, dims=("y", "x"), coords=centres)


# Pattern


def test_pattern_has_mean_one_over_whole_periods():
    pattern = Pattern([[0.5, 0.25]], [[0.3, 1.7]], [[0.8, 0.3]])
    light = pattern.intensity(np.arange(200) * 0.1, np.arange(400) * 0.1)
    np.testing.assert_allclose(light.mean(axis=(2, 3)), 1, atol=1e-12)


def test_three_equal_beams_in_focus_make_a_square():
    phase = np.linspace(-np.pi, np.pi, 101)
    pattern = Pattern([[0.0, 1 / (2 * np.pi)]], [[0.0]], [[4 / 3, 2 / 3]])
    np.testing.assert_allclose(3 * pattern.intensity([0.0], phase)[0, 0, 0], (1 + 2 * np.cos(phase)) ** 2, atol=1e-12)


def test_a_moved_pattern_is_the_crop_of_the_whole():
    pattern = Pattern.regular(0.375, first_angle_rad=0.2, modulation=(0.8, 0.4), phases=5)
    whole = pattern.intensity(np.arange(40) * 0.1, np.arange(50) * 0.1)
    crop = pattern.moved([0.7, 1.1]).intensity(np.arange(20) * 0.1, np.arange(20) * 0.1)
    np.testing.assert_allclose(crop, whole[:, :, 7:27, 11:31], atol=1e-12)


def test_regular_pattern_has_its_period_directions_and_phase_steps():
    pattern = Pattern.regular(0.375, first_angle_rad=0.2, phases=5, modulation=(0.8, 0.4))
    np.testing.assert_allclose(pattern.period_um, 0.375)
    np.testing.assert_allclose(pattern.angle_rad, 0.2 + np.pi / 3 * np.arange(3))
    np.testing.assert_allclose(np.diff(pattern.phase_rad), 2 * np.pi / 5)
    assert pattern.orders == 2


def test_frames_carry_their_pattern():
    pattern = Pattern.regular(0.375, modulation=0.8)
    frames = planar_frames(field(np.ones((32, 32)), 0.05), OPTICS, pattern)
    found = Pattern.of(frames)
    for name, values in pattern.attrs.items():
        np.testing.assert_array_equal(getattr(found, name), values)
    with pytest.raises(ValueError, match="attrs lack"):
        Pattern.of(frames.drop_attrs())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (([[1.0]], [[0.0]], [[1.0]]), "y then x"),
        (([[1.0, 0.0]], [[0.0], [1.0]], [[1.0]]), "numbers of angles differ"),
        (([[np.nan, 0.0]], [[0.0]], [[1.0]]), "wave_vector_per_um must be finite"),
        (([1.0, 0.0], [[0.0]], [[1.0]]), "one row per pattern angle"),
    ],
)
def test_patterns_that_cannot_be_are_named(words, message):
    with pytest.raises(ValueError, match=message):
        Pattern(*words)


# Moiré


@pytest.mark.parametrize(("turn_degrees", "ratio"), [(6.5, 1.0), (3.0, 1.05), (10.0, 0.97)])
def test_fringes_of_two_gratings_have_the_difference_of_their_frequencies(turn_degrees, ratio):
    turn = np.radians(turn_degrees)
    first, second = np.array([0.0, 25.0]), 25 * ratio * np.array([np.sin(turn), np.cos(turn)])
    both = grating(400, 0.0025, wave_vector_per_um=first) * grating(400, 0.0025, wave_vector_per_um=second)
    found = fringe_vector(both, below_per_um=10)
    difference = (first - second) * np.sign((first - second)[1] or 1)
    np.testing.assert_allclose(found * np.sign(found @ difference), difference, atol=0.05)


@pytest.mark.parametrize("fill", [0.3, 0.5])
def test_lines_cover_their_share_of_the_field(fill):
    assert float(grating(300, 0.01, wave_vector_per_um=[3.0, 4.0], fill=fill).mean()) == pytest.approx(fill, abs=0.01)


# Two beams


def test_a_flat_sample_shows_the_stripes_at_the_contrast_of_the_transfer_function():
    cycles = np.array([[4, 20], [18, -10], [-20, 8]])
    pattern = Pattern(cycles / (64 * 0.107), np.zeros((3, 3)) + [0, 2, 4], np.full((3, 1), 0.7))
    frames = planar_frames(field(np.ones((128, 128)), 0.0535), OPTICS, pattern)
    contrast = 0.7 * otf(OPTICS, 1 / pattern.period_um)
    expected = Pattern(pattern.wave_vector_per_um, pattern.phase_rad, contrast[:, None])
    light = 4 * expected.intensity(0.107 * np.arange(64), 0.107 * np.arange(64))
    np.testing.assert_allclose(frames, light, atol=1e-9)


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("name", "variance"), [("sim2d-open-filaments-256", 1.5**2 + 1 / 12), ("sim2d-open-beads-128", 1.5**2 + 1 / 12)]
)
def test_frames_of_an_oracle_are_ours_plus_its_noise(oracle, name, variance):
    found = oracle(name)
    given, arrays = found.parameters, found.arrays
    size, pixel_um = given["image_size_px"], given["pixel_um"]
    pattern = Pattern(
        arrays["k_true"][:, ::-1] / (size * pixel_um),
        arrays["phase_true"][:, None] + 2 * np.pi / 3 * np.arange(3),
        np.full((3, 1), given["modulation_true"]),
    )
    optics = Optics(given["NA"], given["wavelength_nm"] / 1000)
    sample = field(arrays["ground_truth"].astype(float), pixel_um / 2)
    ours = planar_frames(sample, optics, pattern, otf_damping=given["true_otf_a"]).values
    gain, background = np.polyfit(ours.ravel(), arrays["raw"].ravel(), 1)
    expected = gain * ours + background
    assert background == pytest.approx(given["background_photons"], abs=0.5)
    residual = (arrays["raw"] - expected) ** 2
    assert residual.mean() / (expected.mean() + variance) == pytest.approx(1, abs=0.02)


def test_two_beam_frames_refuse_what_they_cannot_form():
    pattern = Pattern.regular(0.375)
    with pytest.raises(ValueError, match="even numbers"):
        planar_frames(field(np.ones((31, 32)), 0.05), OPTICS, pattern)
    with pytest.raises(ValueError, match="negative"):
        planar_frames(field(-np.ones((32, 32)), 0.05), OPTICS, pattern)


# Three beams


def test_the_source_microscope_has_its_published_geometry():
    assert np.degrees(HUGHES_2024.beam_angle_rad) == pytest.approx(40.80, abs=0.005)
    periods = 1 / np.hypot(*HUGHES_2024.wave_vector_per_um.T)
    np.testing.assert_allclose(periods, 0.5084, atol=1e-4)
    np.testing.assert_allclose(periods / 2, 0.2542, atol=1e-4)
    assert 1 / HUGHES_2024.axial_per_um == pytest.approx(1.367, abs=1e-3)
    np.testing.assert_allclose(HUGHES_2024.axial_modulation(0.0), [4 / 3, 2 / 3])
    assert HUGHES_2024.axial_modulation(0.5 / HUGHES_2024.axial_per_um)[0] == pytest.approx(-4 / 3)


def test_the_source_microscope_comes_from_its_seed():
    rng = np.random.default_rng(10052024)
    n_sample, n_immersion, n_coverslip = rng.uniform(1.3, 1.33), rng.uniform(1.33, 1.5), rng.uniform(1.45, 1.55)
    coverslip_um, aperture = rng.uniform(150, 200), rng.uniform(1.0, 1.2)
    lowest_um = n_immersion / n_sample * -32 * 0.05
    stage_um, turn = rng.uniform(lowest_um, 0.7 * lowest_um), rng.uniform(-np.pi, np.pi)
    rng.integers(40_000, 80_000), rng.uniform(50, 100)
    wavelength_um, beam_position = rng.uniform(0.4, 0.6), rng.uniform(0.7, 0.8)
    optics = HUGHES_2024.optics
    drawn = (n_sample, n_immersion, n_coverslip, coverslip_um, aperture, wavelength_um)
    kept = (optics.n_sample, optics.n_immersion, optics.n_coverslip, optics.coverslip_um)
    np.testing.assert_allclose((*kept, optics.numerical_aperture, optics.wavelength_um), drawn, rtol=1e-12)
    microscope = HUGHES_2024
    np.testing.assert_allclose(
        (microscope.stage_um, microscope.beam_position, -microscope.angles_rad[0], microscope.excitation_um),
        (stage_um, beam_position, turn, wavelength_um - 0.03),
        rtol=1e-12,
    )


def test_focal_series_is_that_of_a_plain_loop_over_planes_phases_and_slices():
    sample, window = volume(), 12
    frames = focal_series(sample, window_um=0.6, dtype=torch.float64)
    optics, pattern = HUGHES_2024.optics, Pattern.of(frames)
    offset = 0.05 * np.arange(-window, window + 1)
    radius = np.hypot(offset[:, None], offset)
    focus_um = -HUGHES_2024.stage_um * optics.n_sample / optics.n_immersion
    share = 0.05**2 / gibson_lanni_energy_um2(optics)
    position = [0.05 * np.arange(size) for size in sample.shape[1:]]
    for plane, focused in ((0, 1), (7, 8)):
        expected = np.zeros((3, 5, *sample.shape[1:]))
        for slice_, fluorophores in enumerate(sample.values):
            distance_um = 0.05 * (slice_ - focused)
            if not -8 <= slice_ - focused < 8:
                continue
            blur = share * gibson_lanni_intensity(optics, radius, HUGHES_2024.stage_um, focus_um + distance_um)
            depth = np.tile(HUGHES_2024.axial_modulation(distance_um), (3, 1))
            light = Pattern(pattern.wave_vector_per_um, pattern.phase_rad, depth).intensity(*position)
            expected += fftconvolve(fluorophores * light, blur[None, None], mode="same", axes=(2, 3))
        np.testing.assert_allclose(frames.isel(z=plane), expected, atol=1e-10 * expected.max())


def test_single_precision_is_good_to_five_digits():
    exact, quick = (focal_series(volume(), window_um=0.6, dtype=dtype) for dtype in (torch.float64, torch.float32))
    np.testing.assert_allclose(quick, exact, atol=1e-5 * float(exact.max()))


def test_focus_meets_the_slice_that_its_coordinate_names():
    point = volume() * 0
    point[9, 20, 18] = 1
    microscope = ThreeBeamMicroscope(
        Optics(1.1, 0.46), excitation_um=0.43, beam_position=0.75, stage_um=best_focus_um(Optics(1.1, 0.46), 1.0)
    )
    widefield = focal_series(point, microscope, focal_planes=range(4, 14)).mean(("angle", "phase"))
    brightest = widefield.max(("y", "x"))
    assert float(brightest.idxmax("z")) == pytest.approx(0.45, abs=0.051)
    assert np.unravel_index(widefield.sel(z=0.45).values.argmax(), widefield.shape[1:]) == (20, 18)


def test_all_phases_and_angles_together_light_the_sample_evenly():
    optics = HUGHES_2024.optics
    flat = ThreeBeamMicroscope(optics, HUGHES_2024.excitation_um, 1e-9, HUGHES_2024.stage_um)
    striped = focal_series(volume(), window_um=0.6, dtype=torch.float64).mean("phase")
    even = focal_series(volume(), flat, window_um=0.6, dtype=torch.float64).mean("phase")
    np.testing.assert_allclose(striped, even, atol=1e-9 * float(even.max()))


def test_planes_scaled_as_in_the_source_lose_their_brightness_and_nothing_else():
    plain, scaled = focal_series(volume(), window_um=0.6), focal_series(volume(), window_um=0.6, scale_planes=True)
    np.testing.assert_allclose(scaled.max(("angle", "phase", "y", "x")), 1, rtol=1e-6)
    ratio = (plain / scaled).transpose("z", ...).values.reshape(plain.sizes["z"], -1)
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-4)
    assert ratio[:, 0].max() > 1.1 * ratio[:, 0].min()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"focal_planes": [16]}, "0 to 15"),
        ({"focal_planes": [0.5]}, "slices of the sample"),
        ({"window_um": 0.0}, "window_um"),
    ],
)
def test_focal_series_refuses_by_name(words, message):
    with pytest.raises(ValueError, match=message):
        focal_series(volume(), **words)


def test_samples_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="negative"):
        focal_series(volume() - 1)
    with pytest.raises(ValueError, match=r"dims \('z', 'y', 'x'\)"):
        focal_series(volume().isel(z=0))
    with pytest.raises(ValueError, match="coordinate z"):
        focal_series(volume().assign_coords(z=np.arange(16.0) ** 2))


# Dose


def counts(mean, shape=(400, 500)):
    return field(np.full(shape, float(mean)), 0.1).assign_attrs(units="photons")


def test_a_thinned_exposure_has_five_per_cent_more_variance_than_a_dim_one():
    rng = np.random.default_rng(0)
    bright = exposed(counts(1.0), peak_photons=200, rng=rng)
    thin = thinned(bright, factor=20, rng=rng)
    dim = exposed(counts(1.0), peak_photons=10, rng=rng)
    assert float(thin.mean()) == pytest.approx(10, rel=0.005)
    assert float(dim.var()) == pytest.approx(10, rel=0.015)
    assert float(thin.var() / thin.mean()) == pytest.approx(1 + 1 / 20, rel=0.015)


def test_an_exposure_has_its_peak_and_background():
    half = counts(1.0)
    half[:, :250] = 0
    found = exposed(half, peak_photons=90, background_photons=10, rng=np.random.default_rng(0))
    assert float(found[:, 250:].mean()) == pytest.approx(100, rel=0.005)
    assert float(found[:, :250].mean()) == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: exposed(counts(1), peak_photons=0, rng=rng), "peak_photons"),
        (lambda rng: exposed(counts(0), peak_photons=5, rng=rng), "dark"),
        (lambda rng: exposed(counts(1), peak_photons=5, background_photons=-1, rng=rng), "background_photons"),
        (lambda rng: thinned(counts(1), factor=0, rng=rng), "factor"),
        (lambda rng: thinned(counts(-1), factor=20, rng=rng), "negative"),
    ],
)
def test_doses_that_cannot_be_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))
