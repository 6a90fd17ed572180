import numpy as np
import pytest

from nbsupport.assess.statistics.coverage import coverage


def test_draws_from_the_distribution_of_the_truth_cover_it_at_the_stated_rate():
    rng = np.random.default_rng(0)
    centre, spread = rng.normal(size=20_000), rng.uniform(0.5, 2.0, 20_000)
    truth = rng.normal(centre, spread)
    draws = rng.normal(centre, spread, (400, 20_000))
    np.testing.assert_allclose(coverage(draws, truth, levels=(0.5, 0.9)), [0.5, 0.9], atol=0.02)


def test_draws_with_half_the_spread_cover_as_a_normal_law_of_half_the_width():
    rng = np.random.default_rng(1)
    draws = rng.normal(0.0, 0.5, (2000, 1)).repeat(50_000, axis=1)
    share = coverage(draws, rng.normal(size=50_000), levels=0.95)
    assert share[0] == pytest.approx(0.673, abs=0.02)  # P(|z| < 1.96 / 2)


def test_a_shift_and_a_scale_of_truth_and_draws_change_nothing():
    rng = np.random.default_rng(2)
    draws, truth = rng.normal(size=(50, 8, 9)), rng.normal(size=(8, 9))
    np.testing.assert_array_equal(coverage(draws, truth), coverage(7 * draws + 3, 7 * truth + 3))


def test_a_single_draw_has_no_spread():
    with pytest.raises(ValueError, match=r"draws has shape \(1, 4\); give two or more"):
        coverage(np.zeros((1, 4)), np.zeros(4))


def test_a_level_in_percent_is_refused():
    with pytest.raises(ValueError, match=r"levels=\[95.0\] must lie between 0 and 1"):
        coverage(np.zeros((2, 4)), np.zeros(4), levels=95)
