"""Artefact measures against images drawn by hand, of which every number is known beforehand."""

import numpy as np
import pytest
from drawn_images import PIXEL_UM, blank, disc, drawn, sample_of, strand
from scipy.spatial.distance import cdist

from nbsupport.assess import artefacts
from nbsupport.simulate import structures

# debris, halo, missing, hallucination


def test_light_on_the_emitters_alone_is_free_of_debris():
    sample = structures.actin(rng=np.random.default_rng(3))
    assert artefacts.debris(sample, sample.render(0.02)) == 0


@pytest.mark.parametrize("added", [0.05, 0.3, 0.8])
def test_debris_of_known_share_is_measured_back(added):
    image = sample_of(strand()).render(PIXEL_UM, 4.0)
    speck = disc(image, 0.5, 1.0, 0.05)
    image = image + speck * float(image.sum()) * added / (1 - added) / float(speck.sum())
    assert artefacts.debris(sample_of(strand()), image) == pytest.approx(added, rel=1e-12)


def test_debris_of_a_flat_image_is_the_share_of_the_area_that_is_far_from_a_strand():
    """A strand of 3 µm covers a stadium of 3 · 0.2 + π 0.1² µm² out of 16."""
    covered = 3 * 0.2 + np.pi * 0.1**2
    assert artefacts.debris(sample_of(strand()), blank() + 1) == pytest.approx(1 - covered / 16, abs=5e-4)


def test_a_black_image_has_no_debris_no_continuity_and_misses_everything():
    sample, black = sample_of(strand()), blank()
    assert artefacts.debris(sample, black) == 0
    assert artefacts.continuity(sample, black) == 0
    assert artefacts.missing(sample, black) == 1
    assert artefacts.hallucination(sample, black, resolution_um=0.1) == (0, 0.0)


def test_distances_to_emitters_agree_with_those_between_all_pairs():
    emitters = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    image = blank(0.1)
    y, x = np.meshgrid(image.y, image.x, indexing="ij")
    wanted = cdist(np.column_stack([x.ravel(), y.ravel()]), emitters[:, :2]).min(axis=1).reshape(image.shape)
    np.testing.assert_allclose(artefacts.distance_to_structure(emitters, image), wanted, atol=1e-12)


def test_a_mask_of_the_structure_gives_the_distances_of_its_pixel_centres():
    image = blank(0.1)
    mask = disc(image, 0.2, -0.3, 0.4).transpose("y", "x")
    y, x = np.meshgrid(image.y, image.x, indexing="ij")
    points = np.column_stack([x[mask.values], y[mask.values]])
    by_mask, by_points = (artefacts.distance_to_structure(truth, image) for truth in (mask, points))
    np.testing.assert_allclose(by_mask, by_points, atol=1e-9)


def test_halo_is_one_for_the_noise_free_image_and_counts_only_its_band():
    sample = sample_of(strand())
    clean = drawn(sample, 0.05)
    assert artefacts.halo(sample, 7 * clean, noise_free=clean) == pytest.approx(1)
    inner, outer = (clean + disc(clean, 0, y, 0.02) * 5 for y in (0.0, 1.0))
    assert artefacts.halo(sample, inner, noise_free=clean) < 1
    assert artefacts.halo(sample, outer, noise_free=clean) < 1
    assert artefacts.halo(sample, clean + disc(clean, 0, 0.1, 0.02) * 5, noise_free=clean) > 1


def test_halo_of_gaussian_strands_follows_the_error_function():
    """Between 50 and 150 nm off a long line of standard deviation s lies erf(150/s√2) - erf(50/s√2) of its light."""
    from scipy.special import erf

    sample = sample_of(strand(half_um=2.3))  # longer than the field, so that its ends play no part
    shares = [erf(0.15 / s / np.sqrt(2)) - erf(0.05 / s / np.sqrt(2)) for s in (0.06, 0.03)]
    wide, narrow = (drawn(sample, s, 0.005) for s in (0.06, 0.03))
    assert artefacts.halo(sample, wide, noise_free=narrow) == pytest.approx(shares[0] / shares[1], rel=0.05)


@pytest.mark.parametrize("lost", [0.0, 0.25, 0.5])
def test_the_share_of_a_strand_that_was_erased_is_missing(lost):
    sample = sample_of(strand())
    image = drawn(sample).where(blank().x > -1.5 + 3 * lost, 0.0)
    assert artefacts.missing(sample, image) == pytest.approx(lost, abs=0.02)


def test_false_discs_are_counted_with_their_share_of_the_light():
    sample = sample_of(strand())
    clean = drawn(sample)
    false = (disc(clean, -1, 1, 0.1) | disc(clean, 0, -1, 0.15) | disc(clean, 1, 1, 0.1)).astype(float)
    found = artefacts.hallucination(sample, clean + 0.5 * false, resolution_um=0.1)
    assert found.count == 3
    assert found.share == pytest.approx(0.5 * float(false.sum()) / float((clean + 0.5 * false).sum()), rel=1e-9)


def test_specks_smaller_than_the_resolution_and_dim_discs_are_no_hallucination():
    sample = sample_of(strand())
    clean = drawn(sample)
    specks = disc(clean, -1, 1, 0.03).astype(float) + 0.05 * disc(clean, 1, 1, 0.2)
    assert artefacts.hallucination(sample, clean + specks, resolution_um=0.1) == (0, 0.0)


def test_a_false_filament_across_a_true_one_counts_by_its_two_ends():
    sample = sample_of(strand())
    image = drawn(sample)
    image = image + (np.abs(image.x) < 0.04) * (np.abs(image.y) < 0.8)
    assert artefacts.hallucination(sample, image, resolution_um=0.1).count == 2


# sectioning


def test_defocused_structure_at_a_third_of_the_brightness_has_a_ratio_of_a_third():
    sample = sample_of(strand(-1.0), strand(1.0, z_um=0.4), strand(0.0, z_um=0.2))
    image = drawn(sample)
    image = image.where(image.y < 0.5, image / 3).where(np.abs(image.y) > 0.5, 9 * image)
    assert artefacts.out_of_focus_ratio(sample, image) == pytest.approx(1 / 3, rel=1e-9)


def test_sectioning_is_undefined_without_structure_out_of_focus():
    sample = sample_of(strand())
    assert np.isnan(artefacts.out_of_focus_ratio(sample, drawn(sample)))


# filaments


def test_a_whole_strand_is_continuous_whatever_its_brightness():
    sample = sample_of(strand(-1.0), strand(1.0))
    image = drawn(sample)
    assert artefacts.continuity(sample, image.where(image.y < 0, 1e-3 * image)) == 1


@pytest.mark.parametrize("gap_um", [0.3, 0.9, 1.4])
def test_a_gap_takes_its_length_from_the_continuity(gap_um):
    sample = sample_of(strand())
    image = drawn(sample)
    found = artefacts.continuity(sample, image.where(np.abs(image.x) > gap_um / 2, 0.0))
    assert found == pytest.approx(1 - gap_um / 3, abs=2 * PIXEL_UM / 3)


def test_continuity_weighs_strands_by_their_length():
    sample = sample_of(strand(-1.0, half_um=1.5), strand(1.0, half_um=0.5))
    image = drawn(sample)
    lines = artefacts.line_continuity(sample, image.where(image.y < 0, 0.0))
    assert lines.continuity.values.tolist() == [1.0, 0.0]
    assert artefacts.continuity(sample, image.where(image.y < 0, 0.0)) == pytest.approx(3 / 4, abs=0.01)


def test_parts_of_a_strand_beyond_the_image_do_not_count():
    sample = sample_of(strand(half_um=2.4))
    image = drawn(sample)
    lines = artefacts.line_continuity(sample, image)
    assert float(lines.continuity[0]) == 1
    assert float(lines.length_um[0]) == pytest.approx(4.0, abs=0.02)


def test_planted_peaks_are_counted_where_they_are_prominent_and_off_the_structure():
    sample = sample_of(strand())
    image = drawn(sample)
    for y, height in ((0.5, 0.3), (0.9, 0.1), (-0.6, 0.02)):
        image = image + height * np.exp(-0.5 * ((image.y - y) / 0.04) ** 2)
    lines = np.array([[[0.0, -1.8], [0.0, 1.8]], [[1.0, 0.3], [1.0, 0.7]], [[-1, -0.3], [-1, 0.3]]])
    assert artefacts.spurious_peaks(sample, image, lines).tolist() == [2, 1, 0]


# ripples


def test_a_cosine_of_amplitude_a_rings_with_a_over_root_two():
    sample = sample_of(strand(half_um=2.3))
    image = drawn(sample, 0.03).where(np.abs(blank().y) < 0.15, 0.0)
    rippled = image + 0.1 * np.cos(2 * np.pi * 5 * image.x) * (np.abs(image.y) > 0.3)
    signal = float(image.values[np.abs(image.y.values) <= 0.1].mean())
    assert artefacts.ringing(sample, rippled) == pytest.approx(0.1 / np.sqrt(2) / signal, rel=1e-3)
    assert artefacts.ringing(sample, image) == 0


def test_a_residual_pattern_stands_out_at_its_own_wave_vector_alone():
    rng = np.random.default_rng(0)
    truth = blank(0.05) + rng.random((80, 80))
    wave = (2.0 * truth.x + 1.0 * truth.y).transpose("y", "x")
    estimate = truth + rng.normal(0, 0.1, truth.shape) + 0.1 * np.cos(2 * np.pi * wave + 0.4)
    ratio = artefacts.pattern_peak(truth, estimate, [(2.0, 1.0), (-2.0, 1.0), (1.0, -2.0)])
    assert float(ratio[0]) > 100
    assert float(ratio[1:].max()) < 15
    assert ratio.order.values.tolist() == [1] * 3 + [2] * 6


def test_white_noise_has_the_mean_peak_of_an_exponential_over_its_median():
    """1/ln 2 = 1.443; 4.9 standard errors of 600 exponentials, and the scatter of the median on top."""
    rng = np.random.default_rng(1)
    truth = blank(0.05)
    vectors = [(3.05, 0.31), (-1.52, 2.63), (-1.47, -2.71)]
    ratios = [
        artefacts.pattern_peak(truth, truth + rng.normal(size=truth.shape), vectors).values[:3] for _ in range(200)
    ]
    assert np.mean(ratios) == pytest.approx(1 / np.log(2), abs=4.9 * 1.443 / np.sqrt(600))


def test_the_filament_detector_answers_to_lines_and_not_to_spots():
    mask = (0 * blank()).astype(bool)
    line = np.exp(-0.5 * ((blank().y - 1) / 0.04) ** 2) + 0 * blank().x
    spot = np.exp(-0.5 * (blank().y ** 2 + blank().x ** 2) / 0.04**2)
    found = {
        (name, kind): artefacts.false_structure(mask, image.transpose("y", "x"), width_um=0.1, detector=kind)
        / float(image.sum())
        for name, image in (("line", line), ("spot", spot))
        for kind in ("filament", "spot")
    }
    assert found["line", "filament"] > 20 * found["spot", "filament"]
    assert found["spot", "spot"] > 20 * found["line", "spot"]


def test_the_filament_response_of_a_straight_ridge_is_what_rises_above_the_foot_of_a_disc():
    """Lines of Gaussian profile: smoothing widens them to sqrt(2) times the width, a disc of radius that width stays
    below 1/16 of the peak. The disc's radius is a whole number of pixels, 7 for 7.07."""
    image = (np.exp(-4 * np.log(2) * (blank().y / 0.1) ** 2) + 0 * blank().x).transpose("y", "x")
    profile = np.exp(-4 * np.log(2) * (image.y.values / 0.1) ** 2 / 2) / np.sqrt(2)
    wanted = np.maximum(profile - 1 / 16 / np.sqrt(2), 0).mean()
    mask = (0 * image).astype(bool)
    assert artefacts.false_structure(mask, image, width_um=0.1) == pytest.approx(wanted, rel=0.05)
    turned = image.copy(data=gaussian_ridge(image, np.deg2rad(37.5)))
    assert artefacts.false_structure(mask, turned, width_um=0.1) == pytest.approx(
        float(turned.sum() / image.sum()) * wanted, rel=0.08
    )


def gaussian_ridge(image, angle):
    distance = image.y.values[:, None] * np.cos(angle) - image.x.values * np.sin(angle)
    return np.exp(-4 * np.log(2) * (distance / 0.1) ** 2)


def test_false_structure_is_looked_for_away_from_the_true_one_only():
    sample = sample_of(strand())
    assert artefacts.false_structure(sample, drawn(sample), width_um=0.07) < 1e-6
    stray = drawn(sample) + drawn(sample_of(strand(1.0)))
    assert artefacts.false_structure(sample, stray, width_um=0.07) > 1e-3


@pytest.mark.parametrize("as_mask", [False, True])
def test_a_bounded_search_gives_the_same_distances_up_to_its_bound_and_infinity_beyond(as_mask):
    image = blank(0.05)
    truth = disc(image, 0.2, -0.3, 0.4).transpose("y", "x") if as_mask else sample_of(strand())
    whole, near = (artefacts.distance_to_structure(truth, image, up_to_um=bound).values for bound in (np.inf, 0.3))
    np.testing.assert_array_equal(near, np.where(whole <= 0.3, whole, np.inf))
