"""Distances from the truth: closed expressions, other libraries and MicroSSIM."""

import numpy as np
import pytest
import torch
from bright_spots import scene
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from nbsupport.assess.fidelity import (
    micro_ms3im,
    micro_ssim,
    ms_ssim,
    mse,
    pearson,
    psnr,
    rescale,
    ssim,
)

quick = settings(max_examples=15, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**32 - 1)
gains = st.floats(0.01, 100)


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
