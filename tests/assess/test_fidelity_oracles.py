"""Distances from the truth against the stored oracles."""

import numpy as np
import pytest

from nbsupport.assess.fidelity import (
    micro_ssim,
    ms_ssim,
    psnr_db,
    rescale,
    ssim,
)

ORACLES = ["metrics-open-1", "metrics-open-2"]
SCORED = ["estimate", "noisy_a"]


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
