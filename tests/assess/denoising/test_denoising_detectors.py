import numpy as np
import pytest

from nbsupport.assess.denoising import DETECTORS, equal_quality, merged
from nbsupport.assess.fidelity import psnr_db


@pytest.mark.parametrize("name", [n for n in DETECTORS if n != "structured sCMOS"])
def test_a_detector_has_the_mean_and_the_variance_that_it_states(name):
    detector, rng = DETECTORS[name], np.random.default_rng(0)
    expected = np.full((4000, 4, 3), 15.0)
    frames = detector.record(expected, rng=rng)
    assert frames.mean() == pytest.approx(detector.without_noise(15.0), rel=0.01)
    assert frames.var(axis=0).mean() == pytest.approx(detector.variance(15.0), rel=0.05)


def test_a_fixed_pattern_is_the_same_in_every_image():
    detector, rng = DETECTORS["structured sCMOS"], np.random.default_rng(0)
    expected = np.full((300, 40, 40), 5.0)
    first, second = (detector.record(expected, rng=rng).mean(axis=0) for _ in range(2))
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.95


def test_independent_noise_and_stripes_are_equally_strong():
    assert DETECTORS["independent"].variance(10.0) == DETECTORS["stripes"].variance(10.0)


@pytest.mark.parametrize("name", ["point scanner", "EMCCD", "structured sCMOS"])
def test_detectors_are_brought_to_one_psnr(name):
    rng = np.random.default_rng(1)
    light = rng.random((200, 200)) ** 4
    photons = equal_quality(DETECTORS[name], light, 18.0)
    recorded = DETECTORS[name].examples([light / light.max()], photons, rng=rng)
    assert psnr_db(recorded.clean[0], recorded.noisy[0], convention="truth_range") == pytest.approx(18, abs=0.3)


def test_a_psnr_out_of_reach_is_refused():
    with pytest.raises(ValueError, match="psnr_db=-100"):
        equal_quality(DETECTORS["camera"], np.eye(8), -100)


def test_the_two_exposures_of_a_field_share_nothing_but_the_truth():
    recorded = DETECTORS["camera"].examples([np.eye(100)], 50.0, rng=np.random.default_rng(2))
    first, second = (recorded.noisy[0] - recorded.clean[0], recorded.again[0] - recorded.clean[0])
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.04


def test_merged_examples_run_on_in_order():
    rng = np.random.default_rng(3)
    parts = [DETECTORS["camera"].examples([np.eye(10)], photons, rng=rng) for photons in (5.0, 50.0)]
    joined = merged(parts)
    assert len(joined.noisy) == len(joined.clean) == 2
    np.testing.assert_array_equal(joined.noisy[1], parts[1].noisy[0])
