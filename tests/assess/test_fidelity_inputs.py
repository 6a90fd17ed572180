"""Distances from the truth: constants, bad input and kinds of input."""

import inspect

import numpy as np
import pytest
import torch
import xarray as xr
from bright_spots import scene

from nbsupport.assess.fidelity import (
    PSNR_CONVENTIONS,
    image_pair,
    mae,
    micro_ssim,
    ms_ssim,
    mse,
    pearson,
    psnr,
    psnr_by_convention,
    psnr_db,
    ssim,
)


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
