"""Planted artefacts: what was planted is found again, by a measure or a library that knows nothing of the planting."""

import numpy as np
import pytest
from skimage.registration import phase_cross_correlation

from nbsupport.assess import artefacts
from nbsupport.assess.artefacts import PLANTED, clean_scene, plant
from nbsupport.simulate import structures

SCENE = clean_scene(structures.actin(rng=np.random.default_rng(1)), pixel_um=0.025, fwhm_um=0.08)


def planted(artefact, severity, seed=3):
    return plant(artefact, SCENE, severity, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("artefact", PLANTED)
def test_severity_zero_leaves_the_image_and_more_of_it_departs_further(artefact):
    departures = [float(((planted(artefact, s) - SCENE.image) ** 2).mean()) for s in (0, 0.25, 0.5, 0.75, 1)]
    assert departures[0] == 0
    assert np.all(np.diff(departures) > 0)


@pytest.mark.parametrize("severity", [0.2, 1.0])
def test_planted_debris_is_measured_back(severity):
    before = artefacts.debris(SCENE.sample, SCENE.image)
    wanted = before + (1 - before) * 0.4 * severity
    assert artefacts.debris(SCENE.sample, planted("debris", severity)) == pytest.approx(wanted, abs=0.003)


@pytest.mark.parametrize("severity", [0.25, 0.5, 1.0])
def test_erased_pieces_are_missing_from_the_centre_lines(severity):
    """The blur fills the ends of a gap a little: with 200 nm pieces and 80 nm of blur up to a third of it."""
    whole = artefacts.line_continuity(SCENE.sample, SCENE.image)
    broken = artefacts.line_continuity(SCENE.sample, planted("broken filaments", severity), threshold=0.5)
    dark = 1 - np.average(broken.continuity, weights=whole.length_um)
    assert 0.3 * severity < dark < 0.75 * severity + 0.1


def test_false_filaments_are_found_as_hallucinations_and_have_the_brightness_of_true_ones():
    image = planted("false filaments", 1.0)
    found = artefacts.hallucination(SCENE.sample, image, resolution_um=0.12)
    assert found.count >= 1
    added = image - SCENE.image
    typical = [np.median(v[v > 0.2 * v.max()]) for v in (added.values, SCENE.image.values)]
    assert typical[0] == pytest.approx(typical[1], rel=0.5)


def test_the_length_of_false_filaments_follows_the_severity():
    light = [float((planted("false filaments", s) - SCENE.image).sum()) for s in (0.3, 0.6)]
    assert light[1] / light[0] == pytest.approx(2, rel=0.2)


def test_the_shift_is_recovered_by_registration():
    pair = SCENE.image.values, planted("shift", 0.75).values
    moved, _, _ = phase_cross_correlation(*pair, upsample_factor=50, normalization=None)
    assert np.hypot(*moved) * 0.025 == pytest.approx(0.06, abs=0.003)


def test_blur_adds_its_variance_to_that_of_an_emitter():
    one = structures.Sample("emitter", np.zeros((1, 3)), np.zeros(1, int), ())
    scene = clean_scene(one, pixel_um=0.02, fwhm_um=0.08)
    y = scene.image.y.values
    variances = []
    for severity in (0.0, 0.5):
        profile = plant("blur", scene, severity, rng=np.random.default_rng()).sum("x").values
        mean = np.average(y, weights=profile)
        variances.append(np.average((y - mean) ** 2, weights=profile))
    assert np.sqrt(variances[1] - variances[0]) == pytest.approx(0.04, rel=0.01)


def test_noise_has_the_mean_of_the_image_and_the_variance_of_its_photons():
    draws = np.stack([planted("noise", 0.5, seed).values for seed in range(200)])
    error = draws.mean(axis=0) - SCENE.image.values
    variance = (SCENE.image.values + 0.1) / 40
    assert np.mean(error**2 / (variance / 200)) == pytest.approx(1, abs=0.05)
    assert np.mean(draws.var(axis=0, ddof=1) / variance) == pytest.approx(1, abs=0.02)


def test_the_warp_of_full_severity_is_the_square():
    np.testing.assert_allclose(planted("intensity warp", 1.0), SCENE.image**2, atol=1e-15)


def test_ripples_of_a_quarter_micrometre_are_amplified_fivefold():
    from scipy.fft import dctn

    before, after = (dctn(image.values) for image in (SCENE.image, planted("ringing", 1.0)))
    assert after[40, 0] / before[40, 0] == pytest.approx(5, rel=1e-6)  # 40 half-periods in 5 µm are 4 per µm
    assert after[0, 0] == pytest.approx(before[0, 0])


def test_an_unknown_artefact_or_severity_is_refused():
    with pytest.raises(ValueError, match="artefact='dust' is not known; there are blur, debris"):
        planted("dust", 0.5)
    with pytest.raises(ValueError, match="severity=2"):
        planted("blur", 2)
