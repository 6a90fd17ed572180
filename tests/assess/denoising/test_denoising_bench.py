import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from nbsupport.assess import denoising
from nbsupport.assess.denoising import DETECTORS, Cell, score
from nbsupport.restore.denoisers import denoiser


def scene(side=48, count=2, photons=20.0, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    lights = [np.exp(-((x - side / 2 - 5 * n) ** 2 + (y - side / 2) ** 2) / 40) for n in range(count)]
    return DETECTORS["camera"].examples(lights, photons, rng=rng)


def test_the_psnr_of_a_score_is_that_of_an_independent_library():
    examples = scene()
    clean, noisy = examples.clean[0], examples.noisy[0]
    found = score(clean, noisy)["psnr_truth_range_db"]
    assert found == pytest.approx(peak_signal_noise_ratio(clean, noisy, data_range=np.ptp(clean)))


def test_the_scale_invariant_psnr_ignores_gain_and_offset():
    examples = scene()
    clean, noisy = examples.clean[0], examples.noisy[0]
    first, second = (score(clean, image)["psnr_scale_invariant_db"] for image in (noisy, 3 * noisy - 40))
    assert first == pytest.approx(second)


def test_a_matched_image_is_the_nearest_on_its_line():
    examples = scene()
    clean, noisy = examples.clean[0], examples.noisy[0]
    np.testing.assert_allclose(denoising.matched(clean, 5 * clean - 3), clean)
    residual = denoising.matched(clean, noisy) - clean
    assert residual.mean() == pytest.approx(0, abs=1e-9)
    assert np.mean(residual * noisy) == pytest.approx(0, abs=1e-6)


def test_a_table_holds_every_method_in_every_cell():
    cells = [Cell("blob", photons, scene(), scene(photons=photons, seed=1)) for photons in (5.0, 50.0)]
    restorers = {("input", "blob"): [[np.asarray]], ("zero", "blob"): [[np.zeros_like], [np.zeros_like]]}
    table = denoising.scores(restorers, cells)
    assert dict(table.sizes) == {"denoiser": 2, "structure": 1, "photons": 2, "seed": 2, "image": 2, "metric": 5}
    psnr = table.sel(metric="psnr_truth_range_db")
    assert (psnr.sel(denoiser="input", photons=50.0) > psnr.sel(denoiser="input", photons=5.0)).all()
    assert not psnr.isnull().any()


def test_the_best_of_a_group_is_compared_cell_by_cell():
    cells = [Cell("blob", 5.0, scene(), scene(count=4))]
    near = lambda noisy: noisy + 0.0  # noqa: E731
    restorers = {("a", "blob"): [[np.zeros_like]], ("b", "blob"): [[near]], ("c", "blob"): [[lambda n: n - 30]]}
    table = denoising.scores(restorers, cells)
    (difference,) = denoising.best_in_cell(
        table, "psnr_truth_range_db", ["a", "b"], ["c"], rng=np.random.default_rng(0)
    )
    assert difference.low > 0


def test_a_training_is_kept_and_taken_up_with_its_time(tmp_path):
    options = {"steps": 3, "features": 2, "batch": 1, "patch": 16}
    first = denoising.learned(denoiser("Noise2Void", **options), scene(), folder=tmp_path)
    again = denoising.learned(denoiser("Noise2Void", **options), scene(), folder=tmp_path)
    assert again.seconds == first.seconds
    np.testing.assert_array_equal(again.apply(scene().noisy[0]), first.apply(scene().noisy[0]))


@pytest.mark.parametrize("change", [{"seed": 1}, {"examples": 5.0}, {"options": {"steps": 2}}])
def test_another_seed_another_image_or_another_option_is_another_training(tmp_path, change):
    options = {"steps": 1, "features": 2, "batch": 1, "patch": 16}
    denoising.learned(denoiser("Noise2Void", **options), scene(), folder=tmp_path)
    examples = scene(photons=change.get("examples", 20.0))
    changed = denoiser("Noise2Void", **options | change.get("options", {}))
    denoising.learned(changed, examples, seed=change.get("seed", 0), folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
