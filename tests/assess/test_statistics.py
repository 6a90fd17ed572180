"""Intervals by their coverage, tests by their error rates, coefficients against scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nbsupport.assess import statistics
from nbsupport.study.verdict import Estimate, holds


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("n, low, high", [(50, 0.93, 0.96), (10, 0.86, 0.93)])
def test_the_bootstrap_covers_the_mean_of_a_normal_sample_as_often_as_documented(n, low, high):
    """1500 experiments: a coverage of 94 % is known to ± 1.2 % (two standard errors)."""
    stream, hits = rng(1), 0
    for _ in range(1500):
        interval = statistics.mean_interval(stream.normal(3, 2, n), rng=stream, resamples=600)
        hits += interval.low <= 3 <= interval.high
    assert low - 0.012 < hits / 1500 < high + 0.012


def test_the_bootstrap_of_a_mean_agrees_with_scipy():
    values = rng(2).gamma(2.0, 3.0, 60)
    ours = statistics.bootstrap(lambda x: np.mean(x, axis=-1), values, rng=rng(3), resamples=40_000)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=40_000, rng=rng(4))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.02 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.02 * width)


def test_a_statistic_of_two_samples_draws_them_together():
    before = rng(5).uniform(1, 9, 40)

    def fall(b, a):
        return 1 - a.mean(axis=-1) / b.mean(axis=-1)

    interval = statistics.bootstrap(fall, before, 0.25 * before, rng=rng(6), resamples=500)
    assert tuple(interval) == pytest.approx((0.75, 0.75, 0.75))


def test_pairing_takes_the_spread_between_images_out_of_the_difference():
    images = rng(7).normal(30, 5, 80)
    noise = rng(8).normal(0, 0.1, (2, 80))
    paired = statistics.paired_difference(images + 0.2 + noise[0], images + noise[1], rng=rng(9))
    assert 0 < paired.low < 0.2 < paired.high
    assert paired.high - paired.low == pytest.approx(2 * 1.96 * 0.1 * np.sqrt(2 / 80), rel=0.25)


def test_images_are_drawn_for_all_seeds_at_once():
    """Three seeds that agree image by image know no more than one; drawn one by one they would seem to."""
    images = rng(10).normal(0, 1, 60)
    one, three = (statistics.mean_interval(v, rng=rng(11), resamples=4000) for v in (images, np.tile(images, (3, 1))))
    assert tuple(three) == pytest.approx(tuple(one))


def test_drawing_seeds_too_adds_the_spread_between_them():
    """Variance of the mean: between seeds (divisor s) over s, plus between images over n."""
    table = np.array([-1.0, 0.0, 1.0])[:, None] + rng(12).normal(0, 1.0, 100)
    fixed, free = (
        statistics.mean_interval(table, rng=rng(13), resample=resample, resamples=20_000)
        for resample in ("images", "seeds and images")
    )
    wanted = 2 * 1.96 * np.sqrt(2 / 3 / 3 + table[0].var() / 100)
    assert free.high - free.low == pytest.approx(wanted, rel=0.06)
    assert fixed.high - fixed.low == pytest.approx(2 * 1.96 * table[0].std() / 10, rel=0.06)


def test_equal_values_have_an_interval_of_no_width_that_holds_their_mean():
    interval = statistics.mean_interval([0.1] * 7, rng=rng())
    assert interval.low <= interval.value <= interval.high
    assert interval.high - interval.low < 1e-15


def test_a_number_of_a_whole_table_has_the_interval_that_scipy_gives_it():
    x = rng(20).normal(size=50)
    table = np.array([x, x + rng(21).normal(0, 0.7, 50)])
    ours = statistics.resampled(
        lambda image: {"r": np.corrcoef(table[:, image])[0, 1], "share": np.mean(table[1, image] > 0)},
        50,
        rng=rng(22),
        resamples=4000,
    )
    for name, statistic in (("r", lambda a, b: np.corrcoef(a, b)[0, 1]), ("share", lambda a, b: np.mean(b > 0))):
        theirs = stats.bootstrap(
            table, statistic, method="percentile", paired=True, vectorized=False, n_resamples=4000, rng=rng(23)
        ).confidence_interval
        assert ours[name].value == pytest.approx(statistic(*table))
        assert tuple(ours[name])[1:] == pytest.approx(tuple(theirs), abs=0.08 * (theirs.high - theirs.low))


def test_seeds_and_images_are_drawn_independently_of_each_other():
    """As `mean_interval` draws them, which has its variance from theory."""
    table = np.array([-1.0, 0.0, 1.0])[:, None] + rng(24).normal(0, 1.0, 60)
    ours = statistics.resampled(
        lambda seed, image: {"mean": table[np.ix_(seed, image)].mean()}, 3, 60, rng=rng(25), resamples=4000
    )["mean"]
    theirs = statistics.mean_interval(table, rng=rng(26), resample="seeds and images", resamples=20_000)
    assert ours.value == pytest.approx(theirs.value)
    assert tuple(ours)[1:] == pytest.approx(tuple(theirs)[1:], abs=0.05 * (theirs.high - theirs.low))


def test_an_interval_is_what_a_claim_takes():
    interval = statistics.mean_interval(rng(14).normal(5, 1, 30), rng=rng())
    assert holds("gain.low > 0 and gain > 4", {"gain": Estimate(*interval)})


def test_the_permutation_test_of_few_pairs_counts_all_swaps():
    """Five pairs that all point one way: 1 of 32 swaps of the signs is as extreme, 2 of 32 in either direction."""
    first, second = np.array([5.0, 6.1, 7.3, 8.2, 9.9]), np.zeros(5)
    assert statistics.permutation_test(first, second, rng=rng(), alternative="greater") == pytest.approx(1 / 32)
    assert statistics.permutation_test(first, second, rng=rng()) == pytest.approx(2 / 32)


def test_without_a_difference_the_permutation_test_rejects_at_its_level():
    """400 experiments at 5 %: within 4.9 standard errors."""
    stream = rng(15)
    rejected = [
        statistics.permutation_test(stream.normal(size=12), stream.normal(size=12), rng=stream, resamples=400) <= 0.05
        for _ in range(400)
    ]
    assert np.mean(rejected) == pytest.approx(0.05, abs=4.9 * np.sqrt(0.05 * 0.95 / 400))


def test_mean_and_spread_over_seeds_keep_the_single_values():
    spread = statistics.over_seeds([36.0, 38.0, 37.0])
    assert spread == (37.0, 1.0, (36.0, 38.0, 37.0))
    assert str(spread) == "37 ± 1 (n = 3)"
    assert str(statistics.over_seeds([36.0])) == "36 (single run)"


scores = st.lists(st.integers(0, 4), min_size=12, max_size=12)


@settings(max_examples=60, deadline=None)
@given(scores, scores)
def test_kendall_agrees_with_scipy_with_and_without_ties(first, second):
    wanted = stats.kendalltau(first, second).statistic
    assert statistics.kendall(first, second) == pytest.approx(np.nan_to_num(wanted), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(scores, scores)
def test_rank_agreement_agrees_with_scipy_for_both_coefficients(first, second):
    if len(set(first)) == 1 or len(set(second)) == 1:
        return
    for coefficient, theirs in (("kendall", stats.kendalltau), ("spearman", stats.spearmanr)):
        ours = statistics.rank_agreement(first, second, rng=rng(), coefficient=coefficient, resamples=50)
        assert ours.value == pytest.approx(theirs(first, second).statistic, abs=1e-12)
        assert -1 <= ours.low <= ours.value <= ours.high <= 1


def test_the_interval_of_a_rank_agreement_covers_that_of_the_population():
    """Two scores of correlation r have Kendall's tau 2/π asin r; 150 samples, 4.9 standard errors below 95 %."""
    stream, hits = rng(16), 0
    for _ in range(150):
        first = stream.normal(size=40)
        second = 0.6 * first + 0.8 * stream.normal(size=40)
        interval = statistics.rank_agreement(first, second, rng=stream, resamples=300)
        hits += interval.low <= 2 / np.pi * np.arcsin(0.6) <= interval.high
    assert hits / 150 > 0.95 - 4.9 * np.sqrt(0.95 * 0.05 / 150)


def test_with_rows_per_image_the_order_of_the_means_is_compared():
    steps = np.arange(6.0)
    first = steps + rng(17).normal(0, 0.1, (30, 6))
    second = -(steps**3) + rng(18).normal(0, 0.1, (30, 6))
    assert statistics.rank_agreement(first, second, rng=rng(), resamples=200) == (-1.0, -1.0, -1.0)


def test_equivalence_is_shown_as_often_as_its_power_says():
    """True difference 0, sd 1, n = 40, margin 0.6: power 2 Φ(margin √n - 1.685) - 1 = 0.97, normal approximation."""
    stream = rng(19)
    shown = [statistics.equivalence(stream.normal(size=40), np.zeros(40), margin=0.6).shown for _ in range(300)]
    assert np.mean(shown) == pytest.approx(0.966, abs=0.05)


def test_a_true_difference_at_the_margin_is_called_equivalent_at_the_level_only():
    stream = rng(20)
    shown = [statistics.equivalence(stream.normal(0.6, 1, 40), np.zeros(40), margin=0.6).shown for _ in range(1000)]
    assert np.mean(shown) == pytest.approx(0.05, abs=4.9 * np.sqrt(0.05 * 0.95 / 1000))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 2))
def test_equivalence_is_shown_exactly_if_its_interval_keeps_within_the_margin(seed, margin):
    first, second = rng(seed).normal(size=(2, 15))
    test = statistics.equivalence(first, second, margin=margin)
    assert test.shown == (-margin <= test.difference.low and test.difference.high <= margin)


def test_non_inferiority_is_the_one_sided_t_test_against_the_margin():
    first, second = rng(21).normal(size=(2, 25))
    test = statistics.non_inferiority(first, second, margin=0.5)
    assert test.p_value == pytest.approx(stats.ttest_rel(first + 0.5, second, alternative="greater").pvalue)
    assert test.difference.value == pytest.approx((first - second).mean())


def test_equal_scores_are_equivalent_without_a_warning():
    assert statistics.equivalence(np.arange(5.0), np.arange(5.0), margin=0.1) == (True, 0.0, (0.0, 0.0, 0.0))


def test_holm_multiplies_the_smallest_by_n_and_never_steps_down():
    np.testing.assert_allclose(statistics.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.5, 0.9]).tolist() == [1.0, 1.0]


def test_holm_keeps_the_chance_of_any_false_alarm_below_the_level():
    p = rng(22).uniform(size=(2000, 20))
    alarms = np.mean([np.any(statistics.holm(row) <= 0.05) for row in p])
    assert alarms < 0.05 + 4.9 * np.sqrt(0.05 * 0.95 / 2000)


def test_benjamini_and_hochberg_find_in_their_own_example_what_they_published():
    """benjamini1995, section 4: fifteen p values, four rejections at 5 %, where Bonferroni's and Holm's find three."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1,
    ]
    assert np.sum(statistics.benjamini_hochberg(p) <= 0.05) == 4
    assert np.sum(statistics.holm(p) <= 0.05) == 3


def test_what_cannot_be_compared_is_refused_by_name():
    with pytest.raises(ValueError, match="paired: one shape"):
        statistics.paired_difference([1, 2], [1, 2, 3], rng=rng())
    with pytest.raises(ValueError, match="not finite"):
        statistics.over_seeds([1.0, np.nan])
    with pytest.raises(ValueError, match="margin=0"):
        statistics.equivalence([1, 2], [1, 2], margin=0)
    with pytest.raises(ValueError, match="resample='seeds'"):
        statistics.mean_interval([[1.0, 2.0]], rng=rng(), resample="seeds")
    with pytest.raises(ValueError, match="from 0 to 1"):
        statistics.holm([0.2, 1.3])
    with pytest.raises(ValueError, match="counts is empty"):
        statistics.resampled(lambda: {"mean": 1.0}, rng=rng())
    with pytest.raises(ValueError, match="counts=0"):
        statistics.resampled(lambda image: {"mean": 1.0}, 0, rng=rng())
    with pytest.raises(ValueError, match="not finite for some draws: crossing"):
        statistics.resampled(lambda image: {"mean": 0.0, "crossing": np.nan if image[0] else 1.0}, 9, rng=rng())
