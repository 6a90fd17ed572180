"""Reconstruction: against oracles, closed forms of the band algebra, known objects, and invariances."""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.ndimage import gaussian_filter, map_coordinates
from sim_frames import OPTICS, PERIOD_UM, PIXEL_UM, as_image, frames, lines, oracle_frames, three_beams, two_beams

from nbsupport.assess.resolution import frc
from nbsupport.reconstruct import sim
from nbsupport.reconstruct.sim.assembly import Assembly, mirrored
from nbsupport.reconstruct.sim.frames import bands, frequencies, separation
from nbsupport.simulate.illumination import Pattern, planar_frames

ORACLES = ["sim2d-open-beads-128", "sim2d-open-filaments-256", "sim2d-open-spokes-128"]
OTF_VALUES = {
    0.1: (0.872889, 0.722051),
    0.25: (0.685038, 0.426322),
    0.5: (0.391002, 0.151435),
    0.9: (0.037386, 0.006779),
}


def oracle_pattern(found, raw):
    field_um = raw.sizes["x"] * float(raw.x[1] - raw.x[0])
    return Pattern(
        found.arrays["k_estimated"][:, ::-1] / field_um,
        found.arrays["phase_estimated"][:, None] + 2 * np.pi / 3 * np.arange(3),
        found.arrays["modulation_used"][:, None],
    )


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_image_is_that_of_the_independent_program_given_its_pattern(oracle, name):
    found = oracle(name)
    raw, optics, preparation, filters = oracle_frames(found)
    image = sim.reconstruct(raw, optics, parameters=oracle_pattern(found, raw), **preparation, **filters)
    expected = found.arrays["reconstruction"]
    np.testing.assert_allclose(image, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_image_with_our_own_pattern_correlates_with_that_of_the_independent_program(oracle, name):
    found = oracle(name)
    raw, optics, preparation, filters = oracle_frames(found)
    image = sim.reconstruct(raw, optics, **preparation, **filters)
    assert np.corrcoef(image.values.ravel(), found.arrays["reconstruction"].ravel())[0, 1] > 0.999


@pytest.mark.conformance
@pytest.mark.parametrize("name", ["sim2d-open-beads-128", "sim2d-open-spokes-128"])
def test_filters_are_those_of_the_independent_program(oracle, name):
    found = oracle(name)
    raw, optics, preparation, filters = oracle_frames(found)
    size, pixel_um = raw.sizes["x"], float(raw.x[1] - raw.x[0])
    blank = torch.zeros(1, 3, 2, size, size, dtype=torch.complex128)
    options = {"otf_damping": preparation["otf_damping"], "notch": None, "zero_band_weight": 2.0}
    power = Assembly(blank, optics, oracle_pattern(found, raw), pixel_um, **options).power
    factor = (1 / (power + filters["wiener"] ** 2)).numpy()
    np.testing.assert_allclose(factor, found.arrays["wiener_factor"], rtol=0, atol=1e-5 * factor.max())
    radius = torch.hypot(*frequencies(power.shape, pixel_um / 2, power))
    keep = sim.apodisation(optics, radius, filters["apodisation_cutoff"], filters["apodisation_bend"])
    np.testing.assert_allclose(keep, found.arrays["apodisation"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("v", OTF_VALUES)
def test_transfer_functions_have_their_published_values(v):
    frequency = torch.tensor(v * OPTICS.cutoff_per_um, dtype=torch.float64)
    values = [float(sim.damped_otf(OPTICS, frequency, damping)) for damping in (1.0, 0.15)]
    np.testing.assert_allclose(values, OTF_VALUES[v], atol=6e-7)


@pytest.mark.parametrize("phases", [3, 5, 7])
def test_separation_of_evenly_spread_phases_is_the_discrete_fourier_transform(phases):
    phase = 0.7 + 2 * np.pi / phases * np.arange(phases)
    orders = (phases - 1) // 2
    weights = separation(phase[None], np.ones((1, orders)))[0]
    np.testing.assert_allclose(weights[0], 1 / phases, atol=1e-15)
    for order in range(1, orders + 1):
        np.testing.assert_allclose(weights[order], 2 / phases * np.exp(-1j * order * phase), atol=1e-14)


def test_more_phases_than_bands_are_averaged():
    rng, phase = np.random.default_rng(0), np.array([[0.0, 1.0, 2.3, 3.1, 5.0]])
    zero, one = rng.standard_normal((4, 4)), rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    raw = zero + np.real(0.8 * np.exp(1j * phase[0, :, None, None]) * one)
    found = bands(torch.as_tensor(raw)[None, None], separation(phase, np.full((1, 1), 0.8)))
    np.testing.assert_allclose(found[0, 0, 0], zero, atol=1e-12)
    np.testing.assert_allclose(found[0, 0, 1], one, atol=1e-12)


def test_flat_illumination_leaves_nothing_in_the_side_bands():
    raw = frames(pattern=two_beams(modulation=0.0), peak_photons=np.inf)
    found = bands(torch.as_tensor(raw.values)[None], separation(two_beams().phase_rad, two_beams().modulation))
    assert float(found[:, :, 1:].abs().max()) < 1e-12 * float(found.abs().max())


def whole_waves(size, orders=1):
    """A pattern with whole numbers of stripes per field, so that nothing leaks."""
    cycles = np.array([[6, 30], [26, -16], [-28, -12]]) * size / 128 / orders
    return Pattern(
        cycles / (size * PIXEL_UM),
        np.array([[0.3], [1.0], [2.0]]) + 2 * np.pi / 5 * np.arange(5),
        np.tile([0.8, 0.6][:orders], (3, 1)),
    )


@pytest.mark.parametrize("orders", [1, 2])
def test_without_noise_and_filters_the_object_comes_back_where_its_spectrum_is_held(orders):
    sample, pattern = lines() + 0.1, whole_waves(128, orders)
    raw = planar_frames(sample, OPTICS, pattern, otf_damping=0.15)
    options = {"wiener": 1e-7, "apodisation_cutoff": 9.0, "apodisation_bend": 0.0, "fade_px": 0}
    image = sim.reconstruct(raw, OPTICS, parameters=pattern, zero_band_weight=1.0, **options)
    found, true, distance = np.fft.fft2(image), np.fft.fft2(sample.values), nearest_band(pattern, sample.shape)
    held, beyond = distance < 0.9 * OPTICS.cutoff_per_um, distance > OPTICS.cutoff_per_um
    np.testing.assert_allclose(found[held], true[held], atol=1e-6 * np.abs(true).max())
    assert np.abs(found[beyond]).max() < 1e-6 * np.abs(true).max()


def nearest_band(pattern, shape):
    """Distance of every frequency from the nearest centre of a band."""
    y, x = (np.fft.fftfreq(size, PIXEL_UM / 2) for size in shape)
    steps = [order for order in range(-pattern.orders, pattern.orders + 1) if order]
    centres = [(0.0, 0.0), *(tuple(order * k) for k in pattern.wave_vector_per_um for order in steps)]
    return np.min([np.hypot(y[:, None] - ky, x - kx) for ky, kx in centres], axis=0)


def test_counting_the_zero_band_twice_halves_what_it_carries_alone():
    flat = as_image(np.ones((256, 256)), PIXEL_UM / 2)
    pattern = whole_waves(128)
    raw = planar_frames(flat, OPTICS, pattern)
    options = {"parameters": pattern, "fade_px": 0, "otf_damping": 1.0, "wiener": 1e-6, "apodisation_cutoff": 9.0}
    once, twice = (
        float(sim.reconstruct(raw, OPTICS, zero_band_weight=weight, **options).mean()) for weight in (1.0, 2.0)
    )
    shared = sum(
        float(sim.damped_otf(OPTICS, torch.tensor(np.hypot(*k), dtype=torch.float64), 1.0)) ** 2
        for k in pattern.wave_vector_per_um
    )
    assert twice / once == pytest.approx((3 + 2 * shared) / (6 + 2 * shared), rel=1e-4)


def test_image_has_twice_the_pixels_on_the_same_field():
    raw = frames(lines(128, 96))
    image = sim.reconstruct(raw, OPTICS)
    assert image.dims == ("y", "x")
    assert image.shape == (256, 192)
    np.testing.assert_allclose(image.y[::2], raw.y, rtol=1e-12)
    np.testing.assert_allclose(np.diff(image.x), PIXEL_UM / 2, rtol=1e-9)


def test_a_point_lies_where_it_was():
    point = np.zeros((256, 256))
    point[130, 121] = 1
    raw = planar_frames(as_image(point, PIXEL_UM / 2), OPTICS, two_beams())
    image = sim.reconstruct(raw, OPTICS, parameters=two_beams())
    assert np.unravel_index(image.values.argmax(), image.shape) == (130, 121)


def test_resolution_grows_by_the_pattern_over_the_cutoff():
    gains, expected = [], 1 + 1 / PERIOD_UM / OPTICS.cutoff_per_um
    for seed in range(3):
        sample = lines(256, 256, seed=seed, count=150)
        raw = frames(sample, peak_photons=1e5, seed=seed)
        image = sim.reconstruct(raw, OPTICS)
        gains.append(cutoff(sample, image) / cutoff(sample, sim.widefield(raw)))
    np.testing.assert_allclose(gains, expected, rtol=0.1)


def cutoff(sample, image):
    return frc(sample, image.assign_coords(sample.coords)).crossing


def siemens_star(size, spokes):
    """Spokes of a star, with smooth edges; their period at radius r is 2 pi r / spokes."""
    position = np.arange(size) - (size - 1) / 2
    angle = np.arctan2(position[:, None], position)
    return as_image(0.5 + 0.5 * np.cos(spokes * angle), PIXEL_UM / 2)


def test_a_siemens_star_is_resolved_nearer_to_its_centre_by_the_same_factor():
    spokes, star = 60, siemens_star(512, 60)
    raw = frames(star, peak_photons=1e5)
    image = sim.reconstruct(raw, OPTICS, apodisation_cutoff=1.6, apodisation_bend=0.2, wiener=0.005)
    finest = [spokes / (2 * np.pi * smallest_radius_um(one, spokes)) for one in (image, sim.widefield(raw))]
    assert finest[1] == pytest.approx(OPTICS.cutoff_per_um, rel=0.1)
    assert finest[0] / finest[1] == pytest.approx(1 + 1 / PERIOD_UM / OPTICS.cutoff_per_um, rel=0.1)


def smallest_radius_um(image, spokes):
    """Radius at which the contrast of the spokes sinks into what neighbouring angular frequencies hold by chance."""
    values, centre = image.values, (np.array(image.shape) - 1) / 2
    turn = np.linspace(0, 2 * np.pi, 2048, endpoint=False)
    for radius in np.arange(80, 5, -0.5):
        ring = [c + radius * f(turn) for c, f in zip(centre, (np.sin, np.cos), strict=True)]
        spectrum = np.abs(np.fft.rfft(map_coordinates(values, ring, order=3)))
        others = np.delete(spectrum[spokes - 12 : spokes + 13], [11, 12, 13])
        if spectrum[spokes] < 2 * others.max():
            return radius * PIXEL_UM / 2
    raise AssertionError("resolved to the centre")


def test_planes_of_a_stack_are_reconstructed_as_each_alone():
    planes = [frames(lines(seed=seed), seed=seed) for seed in range(10)]  # more than are computed at a time
    stack = xr.concat(planes, dim="z").assign_coords(z=0.1 * np.arange(10))
    found = sim.reconstruct(stack.transpose("angle", "z", "phase", "y", "x"), OPTICS, parameters=two_beams())
    assert found.dims == ("z", "y", "x")
    np.testing.assert_array_equal(found.z, stack.z)
    for plane, image in zip(planes, found, strict=True):
        np.testing.assert_allclose(image, sim.reconstruct(plane, OPTICS, parameters=two_beams()), atol=1e-9)


def test_every_plane_may_have_parameters_of_its_own():
    stack = xr.concat([frames(pattern=two_beams(first_phase_rad=phase)) for phase in (0.0, 1.0)], dim="z")
    patterns = [sim.estimate(stack.isel(z=i), OPTICS) for i in range(2)]
    found = sim.reconstruct(stack, OPTICS, parameters=patterns)
    for i, pattern in enumerate(patterns):
        np.testing.assert_allclose(found[i], sim.reconstruct(stack.isel(z=i), OPTICS, parameters=pattern))
    with pytest.raises(ValueError, match="1 parameters do not fit"):
        sim.reconstruct(stack, OPTICS, parameters=patterns[:1])


def test_parameters_of_a_bright_stack_serve_a_dim_one():
    sample = lines()
    bright, dim = frames(sample, peak_photons=5000), frames(sample, peak_photons=15, seed=1)
    image = sim.reconstruct(dim, OPTICS, parameters=sim.estimate(bright, OPTICS))
    reference = sim.reconstruct(bright, OPTICS)
    assert np.corrcoef(gaussian_filter(image, 1).ravel(), gaussian_filter(reference, 1).ravel())[0, 1] > 0.6


def test_parameters_serve_a_crop_after_they_moved_with_it():
    raw = frames(lines(192, 192))
    pattern = sim.estimate(raw, OPTICS)
    crop = raw.isel(y=slice(40, 168), x=slice(17, 145))
    image = sim.reconstruct(crop, OPTICS, parameters=pattern.moved([40 * PIXEL_UM, 17 * PIXEL_UM]))
    whole = sim.reconstruct(raw, OPTICS, parameters=pattern).isel(y=slice(80, 336), x=slice(34, 290))
    inner = np.s_[40:-40, 40:-40]
    assert np.corrcoef(image.values[inner].ravel(), whole.values[inner].ravel())[0, 1] > 0.999


def test_three_beams_reach_as_far_as_two_of_the_fine_period():
    sample = lines(seed=4)
    first = sim.reconstruct(frames(sample, two_beams(), peak_photons=np.inf), OPTICS, parameters=two_beams())
    pattern = three_beams()
    second = sim.reconstruct(frames(sample, pattern, peak_photons=np.inf), OPTICS, parameters=pattern)
    assert cutoff(sample, second) == pytest.approx(cutoff(sample, first), rel=0.03)


def test_image_is_linear_in_the_frames():
    raw = frames()
    first = sim.reconstruct(raw, OPTICS, parameters=two_beams())
    np.testing.assert_allclose(sim.reconstruct(3 * raw, OPTICS, parameters=two_beams()), 3 * first, atol=1e-9)


def test_single_precision_is_good_to_five_digits():
    raw = frames()
    exact = sim.reconstruct(raw, OPTICS, parameters=two_beams())
    quick = sim.reconstruct(raw, OPTICS, parameters=two_beams(), dtype=torch.float32)
    assert quick.dtype == np.float32
    np.testing.assert_allclose(quick, exact, atol=2e-5 * float(np.abs(exact).max()))


def test_notch_takes_away_haze_that_no_stripe_marks():
    sample = lines()
    haze = as_image(gaussian_filter(np.random.default_rng(0).random(sample.shape), 60), PIXEL_UM / 2)
    haze = 400 * (haze - haze.min()) / (haze.max() - haze.min())
    sharp = frames(sample, peak_photons=np.inf)
    hazy = sharp + float(sharp.max()) * haze[::2, ::2].values / 400 * 5
    plain, notched = (
        sim.reconstruct(hazy, OPTICS, parameters=two_beams(), notch=notch) for notch in (None, sim.Notch())
    )
    truth = gaussian_filter(sample, 1)[40:-40, 40:-40].ravel()
    likeness = [np.corrcoef(one.values[40:-40, 40:-40].ravel(), truth)[0, 1] for one in (plain, notched)]
    assert likeness[1] > likeness[0] + 0.1


def test_richardson_lucy_is_not_negative_and_nears_the_object_with_every_iteration():
    sample = lines()
    raw = frames(sample, peak_photons=np.inf)
    likeness = []
    for iterations in (1, 5, 20):
        image = sim.reconstruct(raw, OPTICS, parameters=two_beams(), richardson_lucy=iterations)
        assert float(image.min()) >= 0
        inner = np.s_[40:-40, 40:-40]
        likeness.append(np.corrcoef(image.values[inner].ravel(), sample.values[inner].ravel())[0, 1])
    assert likeness[0] < likeness[1] < likeness[2]


def test_mirrored_spectrum_of_a_real_image_is_its_conjugate():
    spectrum = torch.fft.fft2(torch.rand(6, 7, dtype=torch.float64))
    torch.testing.assert_close(mirrored(spectrum), spectrum.conj())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"wiener": -1.0}, "wiener"),
        ({"otf_damping": 0.0}, "otf_damping"),
        ({"apodisation_cutoff": 0.0}, "apodisation_cutoff"),
        ({"richardson_lucy": -1}, "richardson_lucy"),
        ({"fade_px": 100}, "fade_px"),
    ],
)
def test_settings_out_of_range_are_named(words, message):
    with pytest.raises(ValueError, match=message):
        sim.reconstruct(frames(), OPTICS, parameters=two_beams(), **words)


def test_widefield_is_the_mean_of_the_frames_between_its_pixels():
    raw = frames()
    image = sim.widefield(raw)
    np.testing.assert_allclose(image[::2, ::2], raw.mean(("angle", "phase")), atol=1e-9)
    assert float(image.mean()) == pytest.approx(float(raw.mean()))


def test_bands_reach_the_cutoff_plus_the_wave_vector_along_it():
    pattern = two_beams()
    along = sim.reach_per_um(OPTICS, pattern, pattern.angle_rad)
    np.testing.assert_allclose(along, OPTICS.cutoff_per_um + 1 / PERIOD_UM)
    between = sim.reach_per_um(OPTICS, pattern, pattern.angle_rad + np.pi / 6)
    k, c = 1 / PERIOD_UM, OPTICS.cutoff_per_um
    np.testing.assert_allclose(between, k * np.cos(np.pi / 6) + np.sqrt(c**2 - (k / 2) ** 2))
    np.testing.assert_array_equal(sim.reach_per_um(OPTICS, None, [0.0, 1.0]), c)


def test_table_1_holds_the_settings_of_the_source():
    expected = {
        "2-D, 488 nm": (1.1, 0.488, 0.107, 1.59),
        "2-D, 561 nm": (1.1, 0.561, 0.107, 1.68),
        "3-D": (1.12, 0.464, 0.05, 1.82),
    }
    for name, (aperture, wavelength, pixel, reach) in expected.items():
        row = sim.TABLE_1[name]
        assert (row["optics"].numerical_aperture, row["optics"].wavelength_um) == (aperture, wavelength)
        assert row["pixel_um"] == pixel
        assert row["filters"] == {
            "otf_damping": 0.15,
            "wiener": 0.05,
            "apodisation_cutoff": reach,
            "apodisation_bend": 1.0,
        }
