"""Distances from the truth: perfect scores, symmetry, scale and monotony."""

import numpy as np
import pytest
from bright_spots import scene
from hypothesis import given, settings
from hypothesis import strategies as st

from nbsupport.assess.fidelity import (
    mae,
    ms_ssim,
    mse,
    pearson,
    psnr,
    psnr_db,
    ssim,
)

quick = settings(max_examples=15, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)
gains = st.floats(0.01, 100)


@quick
@given(seed=seeds)
def test_equal_images_score_perfectly(seed):
    truth, _ = scene(seed)
    assert mse(truth, truth) == 0
    assert mae(truth, truth) == 0
    assert psnr(truth, truth, data_range=1) == np.inf
    assert ssim(truth, truth, data_range=200) == pytest.approx(1, abs=1e-12)
    assert pearson(truth, truth) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("exponents", ["ones", "wang2003"])
def test_equal_images_have_ms_ssim_one(exponents):
    truth, _ = scene(shape=(161, 170))
    assert ms_ssim(truth, truth, data_range=200, exponents=exponents) == pytest.approx(1, abs=1e-12)


@quick
@given(seed=seeds)
def test_the_order_of_the_images_does_not_matter(seed):
    first, second = scene(seed)
    for metric in (mse, mae, pearson):
        assert metric(first, second) == pytest.approx(metric(second, first), rel=1e-12)
    for metric in (psnr, ssim):
        assert metric(first, second, data_range=200) == pytest.approx(metric(second, first, data_range=200), rel=1e-12)


def test_ms_ssim_does_not_depend_on_the_order_of_the_images():
    first, second = scene(shape=(161, 161))
    assert ms_ssim(first, second, data_range=200) == pytest.approx(ms_ssim(second, first, data_range=200), rel=1e-12)


@quick
@given(seed=seeds, gain=gains)
def test_a_gain_on_images_and_range_alike_changes_no_ratio(seed, gain):
    truth, estimate = scene(seed)
    for metric in (psnr, ssim):
        scaled = metric(gain * truth, gain * estimate, data_range=gain * 200)
        assert scaled == pytest.approx(metric(truth, estimate, data_range=200), rel=1e-9)
    assert mse(gain * truth, gain * estimate) == pytest.approx(gain**2 * mse(truth, estimate), rel=1e-9)
    assert mae(gain * truth, gain * estimate) == pytest.approx(gain * mae(truth, estimate), rel=1e-9)


@quick
@given(seed=seeds, gain=gains, offset=st.floats(-1e3, 1e3))
@pytest.mark.parametrize("convention", ["percentile", "percentile_affine", "scale_invariant"])
def test_gain_and_offset_of_the_estimate_vanish_where_a_convention_removes_them(convention, seed, gain, offset):
    truth, estimate = scene(seed, (12, 12))
    plain = psnr_db(truth, estimate, convention=convention)
    assert psnr_db(truth, gain * estimate + offset, convention=convention) == pytest.approx(plain, abs=1e-6)


@quick
@given(seed=seeds, gain=gains)
@pytest.mark.parametrize("convention", ["max_normalised", "uint16"])
def test_gain_of_the_estimate_vanishes_where_it_is_divided_by_its_maximum(convention, seed, gain):
    truth, estimate = scene(seed, (12, 12))
    plain = psnr_db(truth, estimate, convention=convention)
    # rounding to whole grey levels may tip a few pixels by one of 65535
    assert psnr_db(truth, gain * estimate, convention=convention) == pytest.approx(plain, abs=1e-2)


@quick
@given(seed=seeds, gain=gains, offset=st.floats(-1e3, 1e3))
def test_pearson_ignores_gain_and_offset_and_turns_with_the_sign(seed, gain, offset):
    truth, estimate = scene(seed, (12, 12))
    plain = pearson(truth, estimate)
    assert pearson(truth, gain * estimate + offset) == pytest.approx(plain, abs=1e-8)
    assert pearson(truth, -gain * estimate + offset) == pytest.approx(-plain, abs=1e-8)


@quick
@given(seed=seeds)
def test_twice_the_noise_is_scored_worse_by_every_metric(seed):
    truth, noisy = scene(seed)
    noise = noisy - truth
    estimates = [truth + factor * noise for factor in (0.25, 0.5, 1, 2, 4)]
    falling = [
        [-mse(truth, estimate) for estimate in estimates],
        [-mae(truth, estimate) for estimate in estimates],
        [psnr(truth, estimate, data_range=200) for estimate in estimates],
        [ssim(truth, estimate, data_range=200) for estimate in estimates],
        [pearson(truth, estimate) for estimate in estimates],
    ]
    for scores in falling:
        assert np.all(np.diff(scores) < 0)


def test_more_noise_lowers_ms_ssim_with_both_sets_of_exponents():
    truth, noisy = scene(shape=(161, 161))
    for exponents in ("ones", "wang2003"):
        scores = [
            ms_ssim(truth, truth + factor * (noisy - truth), data_range=200, exponents=exponents)
            for factor in (0.5, 1, 2)
        ]
        assert np.all(np.diff(scores) < 0)


@quick
@given(seed=seeds)
def test_mean_absolute_error_is_at_most_the_root_of_the_mean_squared_error(seed):
    pair = scene(seed, (12, 12))
    assert mae(*pair) <= np.sqrt(mse(*pair))
