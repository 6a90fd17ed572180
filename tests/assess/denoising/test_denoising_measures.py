import numpy as np
import pytest

from nbsupport.assess import denoising


def test_stripes_are_measured_as_their_standard_deviation():
    rng = np.random.default_rng(0)
    stripes = rng.normal(0, 5, (4000, 1)) * np.ones((1, 50))
    assert denoising.stripe_amplitude(stripes) == pytest.approx(5, rel=0.05)


def test_independent_noise_passes_as_stripes_only_over_the_root_of_the_columns():
    noise = np.random.default_rng(1).normal(0, 5, (4000, 100))
    assert denoising.stripe_amplitude(noise) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("sigma", [1.0, 1.8])
def test_the_width_of_gaussian_spots_is_that_of_the_gaussian(sigma):
    y, x = np.mgrid[:60, :60]
    points = np.array([[15, 15], [15, 44], [44, 30]])
    image = sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * sigma**2)) for a, b in points)
    assert denoising.spot_width(image, points) == pytest.approx(2.3548 * sigma, rel=0.01)


def test_the_width_of_a_line_is_found_in_noise():
    x = np.arange(60)
    image = np.exp(-((x - 30.3) ** 2) / (2 * 1.5**2)) + np.random.default_rng(2).normal(0, 0.2, (200, 60))
    assert denoising.line_width(image, np.array([30.3])) == pytest.approx(2.3548 * 1.5, rel=0.05)


def test_only_what_is_far_from_structure_counts_as_background():
    light = np.zeros((60, 60))
    light[30, 30] = 1
    image = 1000 * light + np.random.default_rng(3).normal(0, 2, light.shape)
    assert denoising.background_sd(image, light) == pytest.approx(2, rel=0.05)


def test_true_channels_have_no_ratio_error_and_an_offset_counts_as_one():
    regions = np.repeat([0, 1, 2], 20)[:, None] * np.ones((1, 10), int)
    first, second = np.full(regions.shape, 50.0), np.where(regions == 1, 25.0, 10.0)
    ratio = np.array([0.5, 0.2])
    np.testing.assert_allclose(denoising.ratio_errors(first, second, ratio, regions, dark=0.0), 0, atol=1e-12)
    assert (denoising.ratio_errors(first + 10, second + 10, ratio, regions, dark=0.0) > 0.1).all()


def test_a_faithful_method_has_slope_one_and_no_curvature_and_a_root_is_bent():
    clean = np.random.default_rng(4).random((50, 50))
    assert denoising.response(clean, clean) == pytest.approx((1, 0), abs=1e-6)
    slope, curvature = denoising.response(clean, 0.5 * clean**2)
    assert (slope, curvature) == pytest.approx((0.5, 1.0), abs=0.03)


def squares():
    labels = np.zeros((60, 60), int)
    labels[5:20, 5:20], labels[30:50, 10:25], labels[30:50, 40:55] = 1, 2, 3
    return labels


def test_bright_squares_are_found_as_they_are():
    found = denoising.objects(np.where(squares() > 0, 100.0, 10.0))
    assert found.max() == 3
    assert denoising.dice(squares(), found) == 1
    assert denoising.counting_f1(squares(), found) == 1


def test_touching_discs_are_told_apart():
    y, x = np.mgrid[:40, :60]
    discs = [((y - 20) ** 2 + (x - c) ** 2 <= 100) for c in (20, 38)]
    assert denoising.objects(np.where(discs[0] | discs[1], 1.0, 0.0)).max() == 2


def test_a_missed_and_an_invented_object_lower_the_counting_score():
    found = squares()
    found[found == 3] = 0
    found[55:60, 55:60] = 3
    assert denoising.counting_f1(squares(), found) == pytest.approx(2 * 2 / 6)


def test_dice_is_twice_the_common_over_the_whole():
    first, second = np.zeros((4, 4)), np.zeros((4, 4))
    first[:2], second[1:3] = 1, 1
    assert denoising.dice(first, second) == 0.5


def test_an_overlap_that_allows_two_matches_is_refused():
    with pytest.raises(ValueError, match=r"overlap=0\.3"):
        denoising.counting_f1(squares(), squares(), overlap=0.3)
