import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.io import imsave

from nbsupport.optics import Optics
from nbsupport.restore.transfer import (
    FMD_TYPES,
    MODALITIES,
    STRUCTURES,
    Prior,
    chip,
    examples,
    fmd_pairs,
    generic_pairs,
    line_pairs,
    noisy,
    task_field,
)

OPTICS = Optics(numerical_aperture=1.4, wavelength_um=0.6)


def test_noise_has_the_mean_and_the_variance_of_photons_and_read_out():
    rng = np.random.default_rng(0)
    sensor = chip(8, rng=rng)
    light = np.linspace(0.1, 1, 64).reshape(8, 8)
    frames = noisy(np.broadcast_to(light, (20_000, 8, 8)), 30.0, sensor, rng=rng)
    np.testing.assert_allclose(frames.mean(axis=0), 30 * light, atol=5 * np.sqrt(33 / 20_000))
    np.testing.assert_allclose(frames.var(axis=0), 30 * light + sensor.variance / sensor.gain**2, rtol=0.06)


def test_a_chip_has_the_read_noise_that_was_asked_for():
    sensor = chip(200, rng=np.random.default_rng(0), read_noise=1.6)
    assert np.median(np.sqrt(sensor.variance) / sensor.gain) == pytest.approx(1.6, rel=0.01)


def test_an_image_larger_than_the_chip_is_refused():
    with pytest.raises(ValueError, match="larger than the chip"):
        noisy(np.ones((9, 9)), 10.0, chip(8, rng=np.random.default_rng(0)), rng=np.random.default_rng(0))


def test_generic_pairs_hold_every_structure_under_every_modality():
    pairs = generic_pairs(15, pixels=24, rng=np.random.default_rng(0))
    assert {(p.structure, p.modality) for p in pairs} == {(s, m) for s in STRUCTURES for m in MODALITIES}
    assert all(p.noisy.shape == p.clean.shape == (24, 24) for p in pairs)


def test_averaging_more_exposures_leaves_less_noise():
    pairs = [p for p in generic_pairs(120, pixels=24, rng=np.random.default_rng(1)) if p.modality == "confocal"]
    relative = {n: [np.mean((p.noisy - p.clean) ** 2 / p.clean) for p in pairs if p.averages == n] for n in (1, 4, 16)}
    for averages, values in relative.items():  # photon noise alone: variance = mean / exposures
        assert np.mean(values) == pytest.approx(1 / averages, rel=0.1)


def test_pairs_of_lines_differ_in_their_peak_and_by_photon_noise():
    pairs = line_pairs(30, pixels=32, rng=np.random.default_rng(0))
    peaks = [p.clean.max() for p in pairs]
    assert min(peaks) < 10 < 150 < max(peaks)
    bright = max(pairs, key=lambda p: p.clean.max())
    assert np.var(bright.noisy - bright.clean) == pytest.approx(bright.clean.mean() + 0.9**2, rel=0.15)


def test_lysosomes_are_where_they_are_said_to_be():
    field = task_field("lysosomes", OPTICS, rng=np.random.default_rng(2), pixels=64, background=0.0)
    found = np.zeros((64, 64))
    for (y, x), radius in zip(field.attrs["points_px"], field.attrs["radii_um"], strict=True):
        found[round(float(y)), round(float(x))] += radius**3
    drawn = gaussian_filter(field.object.values, 2.0)
    assert np.corrcoef(gaussian_filter(found, 2.0).ravel(), drawn.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("kind", ["microtubules", "lysosomes"])
def test_a_task_image_holds_no_frequency_beyond_its_optics(kind):
    light = task_field(kind, OPTICS, rng=np.random.default_rng(0), pixels=64, pixel_um=0.08).light.values
    spectrum = np.abs(np.fft.fft2((light - light.mean()) * np.outer(np.hanning(64), np.hanning(64)))) ** 2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(64, 0.08), np.fft.fftfreq(64, 0.08)))
    beyond = spectrum[radius > 1.15 * 2 * 1.4 / 0.6].sum() / spectrum.sum()
    assert beyond < 2e-4


def test_a_task_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="kind='actin'"):
        task_field("actin", OPTICS, rng=np.random.default_rng(0), pixels=32)


@pytest.fixture
def fmd(tmp_path):
    """Two types of FMD with two fields, one of which is the one for tests; images hold their own name as a number."""
    for number, name in enumerate(("Confocal_BPAE_R", "TwoPhoton_MICE")):
        for field in (2, 19):
            for level in ("raw", "avg2", "gt"):
                folder = tmp_path / name / level / str(field)
                folder.mkdir(parents=True)
                files = ["avg50.png"] if level == "gt" else ["HV110_P0500510000.png", "HV110_P0500510001.png"]
                for index, file in enumerate(files):
                    value = 100 * number + field + 10 * index + {"raw": 1, "avg2": 2, "gt": 3}[level]
                    imsave(folder / file, np.full((20, 20), value, np.uint8), check_contrast=False)
    return tmp_path


def test_fmd_is_read_field_by_field_without_the_one_for_tests(fmd):
    pairs = fmd_pairs(fmd, averages=(1, 2), exposures=2, crop_px=16)
    assert [(p.structure, p.modality) for p in pairs[::4]] == [("mitochondria", "confocal"), ("brain", "two-photon")]
    assert [p.noisy[0, 0] for p in pairs] == [3, 13, 4, 14, 103, 113, 104, 114]
    assert [p.clean[0, 0] for p in pairs] == 4 * [5] + 4 * [105]
    assert pairs[0].noisy.shape == (16, 16)


def test_a_folder_without_fmd_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds none of"):
        fmd_pairs(tmp_path)


def test_a_type_that_is_not_in_fmd_is_named(fmd):
    with pytest.raises(ValueError, match="Confocal_ACTIN"):
        fmd_pairs(fmd, types=["Confocal_ACTIN"])


def test_fmd_has_the_twelve_types_of_its_publication():
    assert len(FMD_TYPES) == 12


def test_a_prior_learns_to_take_noise_off_lines():
    pairs = line_pairs(12, pixels=32, rng=np.random.default_rng(0), peaks=(20.0, 30.0))
    prior = Prior(steps=60, features=4, depth=1, patch=32, batch=4, learning_rate=5e-3).train(examples(pairs))
    new = line_pairs(3, pixels=32, rng=np.random.default_rng(1), peaks=(20.0, 30.0))
    error = [
        np.mean([(image - p.clean) ** 2 for p in new for image in [f(p.noisy)]]) for f in (np.asarray, prior.apply)
    ]
    assert error[1] < 0.6 * error[0]
