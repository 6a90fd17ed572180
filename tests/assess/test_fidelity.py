"""Distances from the truth: oracles, other libraries, closed expressions and invariances."""

import inspect

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from nbsupport.assess.fidelity import (
    PSNR_CONVENTIONS,
    image_pair,
    mae,
    micro_ms3im,
    micro_ssim,
    ms_ssim,
    mse,
    pearson,
    psnr,
    psnr_by_convention,
    psnr_db,
    rescale,
    ssim,
)

quick = settings(max_examples=15, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)
gains = st.floats(0.01, 100)
ORACLES = ["metrics-open-1", "metrics-open-2"]
SCORED = ["estimate", "noisy_a"]


def scene(seed=0, shape=(40, 44)):
    """Bright smooth spots on a background, and the same with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape[-2:])
    truth = np.full(shape, 10.0)
    for _ in range(12):
        centre, width = rng.uniform(0, shape[-2:]), rng.uniform(2, 5)
        truth += rng.uniform(20, 200) * np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * width**2))
    return truth, truth + 8 * rng.normal(size=shape)


# --- oracles ------------------------------------------------------------------------------------------------------


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("scored", SCORED)
@pytest.mark.parametrize(
    ("convention", "published"),
    [
        ("truth_range", "clean_range"),
        ("percentile", "care_percentile"),
        ("percentile_affine", "care_affine"),
        ("scale_invariant", "scale_invariant"),
        ("clamped_8bit", "fmd_clamped_255"),
        ("uint16", "mphil_65536"),
    ],
)
def test_psnr_of_every_convention_equals_the_oracle(oracle, name, scored, convention, published):
    case = oracle(name)
    expected = case.parameters["values"][scored]["psnr_dB"][published]
    measured = psnr_db(case.arrays["clean"], case.arrays[scored], convention=convention)
    assert measured == pytest.approx(expected, abs=1e-6)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("scored", SCORED)
def test_psnr_with_range_1_equals_the_oracle(oracle, name, scored):
    case = oracle(name)
    truth, estimate = (case.arrays[key].astype(float) / 255 for key in ("clean", scored))
    expected = case.parameters["values"][scored]["psnr_dB"]["n2s_range_1"]
    assert psnr_db(truth, estimate, convention="unit_range") == pytest.approx(expected, abs=1e-6)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("scored", SCORED)
def test_ssim_equals_the_oracle_with_both_borders(oracle, name, scored):
    case = oracle(name)
    expected = case.parameters["values"][scored]["ssim"]
    pair = case.arrays["clean"], case.arrays[scored]
    contrast = float(np.ptp(pair[0]))
    as_hughes = rescale(*pair, convention="uint16")
    measured = {
        "range_255": ssim(*pair, data_range=255),
        "range_clean": ssim(*pair, data_range=contrast),
        "range_255_reflect_padded": ssim(*pair, data_range=255, borders="reflect"),
        "mphil_65536_reflect_padded": ssim(*as_hughes[:2], data_range=as_hughes.data_range, borders="reflect"),
    }
    assert measured == pytest.approx(expected, abs=1e-6)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("scored", SCORED)
def test_ms_ssim_equals_the_oracle_with_both_sets_of_exponents(oracle, name, scored):
    case = oracle(name)
    expected = case.parameters["values"][scored]["ms_ssim"]
    pair = case.arrays["clean"], case.arrays[scored]
    assert ms_ssim(*pair, data_range=255, exponents="ones") == pytest.approx(
        expected["exponents_1_range_255"], abs=1e-6
    )
    assert ms_ssim(*pair, data_range=float(np.ptp(pair[0])), exponents="ones") == pytest.approx(
        expected["exponents_1_range_clean"], abs=1e-6
    )
    assert ms_ssim(*pair, data_range=255, exponents="wang2003") == pytest.approx(
        expected["usual_exponents_range_255"], abs=1e-6
    )


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("scored", SCORED)
def test_micro_ssim_equals_the_oracle_in_score_and_fit(oracle, name, scored):
    case = oracle(name)
    expected = case.parameters["values"][scored]["microssim"]
    found = micro_ssim(case.arrays["clean"], case.arrays[scored])
    assert found.mean == pytest.approx(expected["score"], abs=1e-4)
    assert found.factor == pytest.approx(expected["ri_factor"], rel=1e-3)
    assert found.offset_truth == pytest.approx(expected["offset_clean"], rel=1e-6)
    assert found.offset_estimate == pytest.approx(expected["offset_estimate"], rel=1e-6)
    assert found.maximum == pytest.approx(expected["max_val"], rel=1e-6)


# --- closed expressions -------------------------------------------------------------------------------------------


@quick
@given(seed=seeds, error=st.floats(1e-3, 1e3), data_range=gains)
def test_psnr_of_a_constant_error_is_the_ratio_of_range_and_error(seed, error, data_range):
    truth, _ = scene(seed, (8, 9))
    expected = 20 * np.log10(data_range / error)
    assert psnr(truth, truth - error, data_range=data_range) == pytest.approx(expected, abs=1e-8)


def test_an_error_of_a_tenth_of_the_range_is_20_db():
    assert psnr(np.zeros((4, 4)), np.full((4, 4), 0.1), data_range=1) == pytest.approx(20)


def test_doubling_the_range_adds_six_decibels():
    pair = scene()
    assert psnr(*pair, data_range=2) - psnr(*pair, data_range=1) == pytest.approx(6.0206, abs=1e-4)


def test_psnr_of_a_stack_is_that_of_its_mean_squared_error_and_not_the_mean_of_psnrs():
    truth = np.zeros((2, 4, 4))
    estimate = np.stack([np.full((4, 4), 0.1), np.full((4, 4), 0.01)])
    assert psnr(truth, estimate, data_range=1) == pytest.approx(-10 * np.log10((1e-2 + 1e-4) / 2))
    assert np.mean([psnr(*pair, data_range=1) for pair in zip(truth, estimate, strict=True)]) == pytest.approx(30)


def test_ssim_of_two_constants_is_the_luminance_term():
    a, b, data_range = 3.0, 5.0, 10.0
    c1 = (0.01 * data_range) ** 2
    expected = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert ssim(np.full((20, 20), a), np.full((20, 20), b), data_range=data_range) == pytest.approx(expected)


def test_unit_exponents_lie_far_below_those_of_wang_on_uniform_noise():
    rng = np.random.default_rng(0)
    truth = rng.uniform(size=(256, 256))
    estimate = truth + 0.1 * rng.normal(size=truth.shape)
    assert ms_ssim(truth, estimate, data_range=1, exponents="ones") == pytest.approx(0.80, abs=0.02)
    assert ms_ssim(truth, estimate, data_range=1, exponents="wang2003") == pytest.approx(0.95, abs=0.01)


def test_ms_ssim_of_an_inverted_image_is_zero():
    truth, _ = scene(shape=(176, 176))
    assert ms_ssim(truth, truth.max() - truth, data_range=np.ptp(truth)) == 0


def test_range_of_hughes_is_one_above_the_largest_value():
    scaled = rescale(*scene(), convention="uint16")
    assert scaled.truth.max() == 65535
    assert scaled.data_range == 65536


# --- other libraries ----------------------------------------------------------------------------------------------


def test_mse_and_psnr_equal_those_of_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    pair = scene()
    assert mse(*pair) == pytest.approx(metrics.mean_squared_error(*pair), rel=1e-12)
    assert psnr(*pair, data_range=200) == pytest.approx(metrics.peak_signal_noise_ratio(*pair, data_range=200))


def test_pearson_equals_that_of_scipy():
    truth, estimate = scene()
    assert pearson(truth, estimate) == pytest.approx(pearsonr(truth.ravel(), estimate.ravel()).statistic, abs=1e-12)


def test_ssim_of_fitting_windows_equals_that_of_pytorch_msssim():
    package = pytest.importorskip("pytorch_msssim")
    truth, estimate = scene()
    expected = package.ssim(*(torch.from_numpy(image)[None, None] for image in (truth, estimate)), data_range=200)
    assert ssim(truth, estimate, data_range=200) == pytest.approx(float(expected), abs=1e-6)


def test_ssim_of_reflected_borders_equals_that_of_torchmetrics():
    package = pytest.importorskip("torchmetrics.functional.image")
    truth, estimate = scene()
    tensors = [torch.from_numpy(image)[None, None] for image in (estimate, truth)]
    expected = package.structural_similarity_index_measure(*tensors, data_range=200.0)
    assert ssim(truth, estimate, data_range=200, borders="reflect") == pytest.approx(float(expected), abs=1e-7)


def test_ssim_of_a_volume_with_a_cubic_window_equals_that_of_pytorch_msssim():
    package = pytest.importorskip("pytorch_msssim")
    pair = [np.ascontiguousarray(volume) for volume in scene(shape=(13, 20, 22))]
    expected = package.ssim(*(torch.from_numpy(volume)[None, None] for volume in pair), data_range=200)
    assert ssim(*pair, data_range=200, axes=3) == pytest.approx(float(expected), abs=1e-6)


def test_ssim_of_a_volume_by_slices_is_the_mean_over_slices():
    truth, estimate = scene(shape=(3, 20, 22))
    expected = np.mean([ssim(*pair, data_range=200) for pair in zip(truth, estimate, strict=True)])
    assert ssim(truth, estimate, data_range=200, axes=2) == pytest.approx(expected)


def test_care_conventions_equal_the_formulas_as_the_microssim_authors_wrote_them():
    care = pytest.importorskip("microssim.image_processing.care_normalization")
    truth, estimate = scene()
    scaled = rescale(truth, estimate, convention="percentile")
    np.testing.assert_allclose(scaled.truth, care.normalize_care(truth, dtype=np.float64), atol=1e-12)
    np.testing.assert_allclose(scaled.estimate, care.normalize_care(estimate, dtype=np.float64), atol=1e-12)
    fitted = rescale(truth, estimate, convention="percentile_affine")
    np.testing.assert_allclose(fitted.truth, care.normalize_care(truth, 0.1, 99.9, dtype=np.float64), atol=1e-12)
    np.testing.assert_allclose(fitted.estimate, care.normalize_min_mse(estimate, fitted.truth), atol=1e-9)


# --- perfect scores, symmetry, scale, monotony --------------------------------------------------------------------


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


# --- MicroSSIM ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gain", "offset"), [(0.1, 0), (2, 0), (1, 50)])
def test_micro_ssim_is_blind_to_gain_and_offset(gain, offset):
    truth, estimate = scene()
    plain = micro_ssim(truth, estimate).mean
    assert micro_ssim(truth, gain * estimate + offset).mean == pytest.approx(plain, abs=1e-5)


def test_micro_ssim_of_equal_images_is_one():
    truth, _ = scene()
    assert micro_ssim(truth, truth).mean == pytest.approx(1, abs=1e-6)


def test_micro_ssim_of_a_set_fits_one_factor_without_a_progress_bar(capfd):
    pairs = [scene(seed) for seed in (1, 2, 3)]
    truth, estimate = (np.stack(images) for images in zip(*pairs, strict=True))
    found = micro_ssim(truth, 3 * estimate)
    assert len(found.scores) == 3
    assert found.mean == pytest.approx(np.mean(found.scores))
    assert found.factor == pytest.approx(micro_ssim(truth, estimate).factor / 3, rel=1e-3)
    assert capfd.readouterr().err == ""


def test_micro_ms3im_of_equal_images_is_one_and_blind_to_gain():
    truth, estimate = scene(shape=(176, 176))
    assert micro_ms3im(truth, truth).mean == pytest.approx(1, abs=1e-5)
    assert micro_ms3im(truth, 2 * estimate).mean == pytest.approx(micro_ms3im(truth, estimate).mean, abs=1e-5)


def test_micro_ssim_of_a_constant_truth_is_an_error_that_names_it():
    truth, estimate = scene(shape=(2, 20, 20))
    truth[1] = 5
    with pytest.raises(ValueError, match="truth 1 of the set is constant"):
        micro_ssim(truth, estimate)


# --- constants and bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.0, 7.0])
@pytest.mark.parametrize("convention", PSNR_CONVENTIONS)
def test_a_constant_estimate_has_a_finite_psnr_under_every_convention(convention, level):
    truth, _ = scene()
    assert np.isfinite(psnr_db(truth, np.full_like(truth, level), convention=convention))


@pytest.mark.parametrize("convention", ["truth_range", "percentile", "percentile_affine", "scale_invariant"])
def test_a_constant_truth_has_no_range(convention):
    with pytest.raises(ValueError, match="truth has the value 7"):
        psnr_db(np.full((9, 9), 7.0), np.eye(9), convention=convention)


def test_a_truth_without_a_positive_maximum_cannot_be_divided_by_it():
    with pytest.raises(ValueError, match="truth has the maximum 0"):
        psnr_db(np.zeros((9, 9)), np.eye(9), convention="max_normalised")


def test_an_estimate_below_zero_cannot_be_divided_by_its_maximum():
    with pytest.raises(ValueError, match="estimate has the maximum -2"):
        psnr_db(np.eye(9), np.full((9, 9), -2.0), convention="uint16")


def test_a_constant_correlates_with_nothing():
    truth, _ = scene()
    assert np.isnan(pearson(truth, np.ones_like(truth)))
    assert np.isnan(pearson(np.ones_like(truth), np.ones_like(truth)))


@pytest.mark.parametrize("metric", [psnr, ssim, ms_ssim])
def test_the_range_has_no_default(metric):
    parameter = inspect.signature(metric).parameters["data_range"]
    assert parameter.default is inspect.Parameter.empty
    assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("data_range", [0, -1, np.nan, np.inf, None, "255"])
@pytest.mark.parametrize("metric", [psnr, ssim, ms_ssim])
def test_an_impossible_range_is_refused(metric, data_range):
    with pytest.raises(ValueError, match="data_range="):
        metric(*scene(), data_range=data_range)


def test_the_range_has_no_influence_on_the_mean_squared_error():
    assert mse(*scene(), data_range=255) == mse(*scene())


METRICS = {
    "mse": mse,
    "mae": mae,
    "pearson": pearson,
    "micro_ssim": micro_ssim,
    "psnr_by_convention": psnr_by_convention,
    "psnr": lambda truth, estimate: psnr(truth, estimate, data_range=1),
    "ssim": lambda truth, estimate: ssim(truth, estimate, data_range=1),
    "ms_ssim": lambda truth, estimate: ms_ssim(truth, estimate, data_range=1),
}


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_value_that_is_not_finite_is_an_error_that_gives_its_place(metric, value):
    truth, estimate = scene()
    estimate[3, 5] = value
    with pytest.raises(ValueError, match=r"estimate holds (nan|inf) at \(3, 5\)"):
        metric(truth, estimate)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_images_of_different_shape_are_an_error(metric):
    truth, estimate = scene()
    with pytest.raises(ValueError, match=r"estimate has shape \(39, 44\), truth \(40, 44\)"):
        metric(truth, estimate[1:])


def test_complex_and_empty_images_are_refused():
    with pytest.raises(ValueError, match="truth has type complex128"):
        mse(np.ones((2, 2), complex), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"truth has shape \(0, 4\)"):
        mse(np.ones((0, 4)), np.ones((0, 4)))


@pytest.mark.parametrize("size", [10, 160])
def test_images_smaller_than_the_windows_are_refused(size):
    truth, estimate = scene(shape=(size, 200))
    metric, needed = (ssim, "11 px") if size == 10 else (ms_ssim, "161 px")
    with pytest.raises(ValueError, match=needed):
        metric(truth, estimate, data_range=200)


def test_unknown_options_are_refused_with_the_known_ones():
    pair = scene()
    with pytest.raises(ValueError, match="valid"):
        ssim(*pair, data_range=1, borders="zero")
    with pytest.raises(ValueError, match="axes=1"):
        ssim(*pair, data_range=1, axes=1)
    with pytest.raises(ValueError, match="wang2003"):
        ms_ssim(*pair, data_range=1, exponents="usual")
    with pytest.raises(ValueError, match="truth_range"):
        psnr_db(*pair, convention="clean_range")


# --- kinds of input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_differences_of_integers_do_not_wrap_around(dtype):
    truth, estimate = np.full((4, 4), 2, dtype), np.full((4, 4), 5, dtype)
    assert mse(truth, estimate) == 9
    assert mae(truth, estimate) == 3


def test_integer_images_score_as_their_values_do():
    truth, estimate = (np.clip(image, 0, 255).astype("uint8") for image in scene())
    as_floats = ssim(truth.astype(float), estimate.astype(float), data_range=255)
    assert ssim(truth, estimate, data_range=255) == as_floats


def test_arrays_tensors_and_labelled_arrays_score_alike():
    truth, estimate = scene()
    forms = [np.asarray, lambda image: torch.tensor(image, requires_grad=True), lambda image: xr.DataArray(image)]
    scores = [ssim(form(truth), form(estimate), data_range=200) for form in forms]
    assert scores == [scores[0]] * 3


def test_labelled_images_on_different_grids_are_refused():
    grid = {"y": np.arange(4) * 0.08, "x": np.arange(4) * 0.08}
    truth = xr.DataArray(np.eye(4), dims=("y", "x"), coords=grid)
    with pytest.raises(ValueError, match="coordinate x of estimate"):
        image_pair(truth, truth.assign_coords(x=truth.x + 0.04))
    with pytest.raises(ValueError, match="estimate has dims"):
        image_pair(truth, truth.transpose("x", "y"))


def test_results_are_plain_floats():
    pair = scene()
    values = [mse(*pair), mae(*pair), pearson(*pair), psnr(*pair, data_range=1), *psnr_by_convention(*pair).values()]
    assert {type(value) for value in values} == {float}


def test_the_names_of_a_table_carry_their_convention():
    assert list(psnr_by_convention(*scene())) == [f"psnr_{name}_db" for name in PSNR_CONVENTIONS]
