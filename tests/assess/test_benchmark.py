"""Judges of test pairs, cached scores, tables of methods and the runs they come from."""

import json

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

from nbsupport.assess import artefacts, fidelity
from nbsupport.assess.benchmark import MEASURES, PSNR, Judge, Run, Table, interval, lines, runs_in, scores, together
from nbsupport.assess.benchmark.judge import _edge_um
from nbsupport.restore import cards, networks, pairs
from nbsupport.restore.normalisation import Normalisation
from nbsupport.simulate.structures import Sample, Vesicle, actin, mitochondria, vesicles

FIELD_UM, PIXEL_UM = 4.0, 0.1


def pair(structure, number=0, seed=0):
    """A pair of which the "noise-free image" is the blurred emitter density and the noisy one has a pedestal."""
    protocol = pairs.Protocol(seed=seed, field_um=FIELD_UM, subpixels=4, frames=2)
    parameters = pairs.draw_parameters(protocol, structure, PIXEL_UM, number)
    sample = pairs.draw_sample(parameters)
    density = sample.render(PIXEL_UM / 4, FIELD_UM).values
    spectrum = np.fft.fft2(density)
    frequency = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in density.shape), indexing="ij"))
    clean = np.maximum(np.fft.ifft2(spectrum * np.exp(-20 * frequency**2)).real, 0)
    clean /= clean.max()
    noisy = clean + 0.05 * np.random.default_rng(number).random(clean.shape)
    parameters |= {"noisy_maximum": 3.0, "clean_maximum": 50.0, "emitters_sha256": f"{number:064d}"}
    images = (image.astype(np.float32) for image in (noisy / noisy.max(), clean))
    return pairs.Pair(structure, PIXEL_UM, *images, sample.emitters_um.astype(np.float32), parameters)


@pytest.fixture(scope="module", params=pairs.STRUCTURES)
def judge(request):
    return Judge(pair(request.param))


@pytest.fixture(scope="module")
def judges():
    return [Judge(pair(structure)) for structure in pairs.STRUCTURES]


def test_a_judge_measures_what_the_single_functions_measure(judge):
    image = judge.pair.image(judge.pair.noisy.astype(float))
    found = judge.measure(judge.pair.noisy)
    assert found["debris"] == pytest.approx(artefacts.debris(judge.sample, image))
    assert found["halo"] == pytest.approx(artefacts.halo(judge.sample, image, noise_free=judge.clean))
    expected = artefacts.out_of_focus_ratio(judge.sample, image)
    assert found["out_of_focus"] == pytest.approx(expected, nan_ok=True)
    assert found["ssim"] == pytest.approx(fidelity.ssim(judge.pair.clean, image.values, data_range=1.0))


def test_the_target_itself_is_perfect_wherever_perfect_is_defined(judge):
    found = judge.measure(judge.pair.clean)
    assert found[PSNR] == np.inf
    assert found["ssim"] == pytest.approx(1)
    assert found["pearson"] == pytest.approx(1)
    assert found["lost"] == 0
    assert found["halo"] == pytest.approx(1)
    assert found["failed"] == 0


def test_a_black_image_wins_debris_and_loses_everything_that_asks_for_structure(judge):
    found = judge.measure(np.zeros_like(judge.pair.clean))
    assert found["debris"] == found["halo"] == 0
    assert found["lost"] == found["failed"] == 1
    assert found["structure_score"] == found["pearson"] == 0


def test_the_scale_of_an_image_changes_no_measure(judge):
    found, scaled = judge.measure(judge.pair.noisy), judge.measure(7 * judge.pair.noisy)
    assert set(found) == set(MEASURES)
    for name, value in found.items():
        assert scaled[name] == pytest.approx(value, rel=1e-5, nan_ok=True), name


def test_an_image_with_nan_counts_as_failed(judge):
    broken = judge.pair.noisy.copy()
    broken[3, 3] = np.nan
    assert judge.measure(broken)["failed"] == 1


def test_blurring_actin_widens_its_filaments():
    one = Judge(pair("actin"))
    sharp, wide = (one.measure(gaussian_filter(one.pair.clean, s))["width_um"] for s in (0, 2))
    fwhm_um = 2.355 * 2 * one.pair.fine_um
    assert wide**2 == pytest.approx(sharp**2 + fwhm_um**2, rel=0.15)


def test_the_edge_of_a_blurred_step_has_the_width_of_the_error_function():
    distance = np.linspace(0.6, 0, 1201)
    sigma, radius = 0.03, 0.3
    side = xr.DataArray(ndtr((radius - distance) / sigma), dims="distance_um", coords={"distance_um": distance})
    # levels 20 % and 80 % of the plateau lie 2 x 0.8416 sigma apart
    assert _edge_um(side, radius - 0.2) == pytest.approx(2 * 0.8416 * sigma, rel=0.02)


def test_lines_through_nothing_stay_clear_of_every_emitter():
    sample = vesicles(rng=np.random.default_rng(1), count=8)
    found = lines.through_nothing(sample, 2.5, clear_um=0.15)
    points = found[:, :1] + np.linspace(0, 1, 50)[:, None] * (found[:, 1:] - found[:, :1])
    distance = np.linalg.norm(points[..., None, :] - sample.emitters_um[::20, :2], axis=-1)
    assert len(found) > 0
    assert distance.min() > 0.14


def test_lines_across_tubes_are_normal_to_them_and_of_the_length_asked_for():
    sample = mitochondria(rng=np.random.default_rng(2), count=1)
    found = lines.across_tubes(sample, 2.5, reach_um=0.4)
    np.testing.assert_allclose(np.linalg.norm(found[:, 1] - found[:, 0], axis=1), 0.8)
    line = sample.centre_lines()[0][:, :2]
    nearest = [np.linalg.norm(line - middle, axis=1).argmin() for middle in found.mean(axis=1)]
    tangents = np.gradient(line, axis=0)[nearest]
    across = found[:, 1] - found[:, 0]
    cosine = (tangents * across).sum(1) / np.linalg.norm(tangents, axis=1) / np.linalg.norm(across, axis=1)
    assert np.abs(cosine).max() < 0.1


def test_lines_across_filaments_meet_no_second_filament():
    sample = actin(rng=np.random.default_rng(3), count=4)
    found = lines.across_filaments(sample, 2.5, reach_um=0.15)
    curves = [line[:, :2] for line in sample.centre_lines()]
    for start, end in found:
        middle = (start + end) / 2
        close = [np.linalg.norm(curve - middle, axis=1).min() < 0.29 for curve in curves]
        assert sum(close) == 1


def test_lines_across_vesicles_pass_their_centres():
    balls = tuple(Vesicle(np.array([x, 0.2, 0.0]), 0.3) for x in (-1.0, 1.0))
    sample = Sample.labelled("vesicles", balls, 10.0, rng=np.random.default_rng(0))
    found, radii = lines.across_vesicles(sample, 2.5)
    np.testing.assert_allclose(found.mean(axis=1), [[-1, 0.2], [1, 0.2]])
    np.testing.assert_allclose(radii, 0.3)


def test_scores_are_measured_once_and_again_only_for_another_identity(judges, tmp_path):
    asked = []

    def restore(judge):
        asked.append(judge.name)
        return judge.pair.noisy

    first = scores(restore, judges, cache=tmp_path / "scores.json", identity="a")
    again = scores(restore, judges, cache=tmp_path / "scores.json", identity="a")
    assert asked == [judge.name for judge in judges]
    xr.testing.assert_identical(first, again)
    scores(restore, judges[:1], cache=tmp_path / "scores.json", identity="b")
    assert len(asked) == 4


def test_a_measure_that_a_structure_does_not_allow_survives_the_cache_as_nan(judges, tmp_path):
    scores(lambda judge: judge.pair.noisy, judges, cache=tmp_path / "scores.json")
    kept = scores(lambda judge: pytest.fail("measured again"), judges, cache=tmp_path / "scores.json")
    assert np.isnan(kept.dip.sel(pair=kept.structure == "actin")).all()
    assert json.loads((tmp_path / "scores.json").read_text())["pairs"]


def table(values, methods):
    """Scores (run, pair) of two structures with two pairs each."""
    everything = xr.Dataset(
        {name: (("run", "pair"), np.array(values, dtype=float)) for name in (PSNR, "debris")},
        {
            "run": np.arange(len(values)),
            "method": ("run", methods),
            "pair": list("abcd"),
            "structure": ("pair", ["actin", "actin", "vesicles", "vesicles"]),
        },
    )
    return Table(everything)


def test_means_run_over_seeds_and_images():
    found = table([[1, 3, 5, 7], [3, 5, 7, 9], [0, 0, 0, 0]], ["A", "A", "B"]).means()
    np.testing.assert_allclose(found.sel(restorer="A"), [3, 7])
    np.testing.assert_allclose(found.sel(restorer="B"), [0, 0])


def test_the_spread_between_seeds_is_that_of_their_means():
    found = table([[1, 3, 5, 7], [3, 5, 7, 9], [0, 0, 0, 0]], ["A", "A", "B"])
    assert found.seed_sd("A") == pytest.approx(np.std([4, 6], ddof=1))
    assert np.isnan(found.seed_sd("B"))
    assert found.pooled_seed_sd() == pytest.approx(np.std([4, 6], ddof=1))


def test_a_difference_pairs_images_and_leaves_out_those_without_a_score():
    found = table([[1, 3, np.nan, 7], [0, 2, 9, 6]], ["A", "B"])
    change = found.difference("A", "B", rng=np.random.default_rng(0))
    assert change == (1, 1, 1)


def test_places_follow_the_direction_of_the_measure_and_equals_share():
    found = table([[1, 1, 1, 1], [2, 2, 2, 2], [2, 2, 2, 2]], ["A", "B", "C"])
    assert found.places(["A", "B", "C"]) == {"A": 3, "B": 1.5, "C": 1.5}
    assert found.places(["A", "B", "C"], "debris") == {"A": 1, "B": 2.5, "C": 2.5}


def test_mean_places_of_a_method_that_is_always_better_do_not_depend_on_the_images_drawn():
    found = table([[1, 2, 3, 4], [2, 3, 4, 5]], ["A", "B"])
    drawn = found.mean_places(["A", "B"], ["debris"], rng=np.random.default_rng(0), resamples=20)
    np.testing.assert_array_equal(drawn, np.tile([1.0, 2.0], (21, 1)))


def test_all_measures_of_an_image_are_drawn_together():
    """What one measure likes the other dislikes, image by image: drawn together, no method is ever ahead."""
    found = table([[1, 4, 1, 4], [2, 2, 2, 2]], ["A", "B"])
    drawn = found.mean_places(["A", "B"], [PSNR, "debris"], rng=np.random.default_rng(0), resamples=50)
    np.testing.assert_array_equal(drawn, 1.5)


def test_a_measure_that_no_drawn_image_allows_is_left_out():
    found = table([[1, np.nan, 4, 4], [2, 2, 2, 2]], ["A", "B"])
    drawn = found.mean_places(["A", "B"], ["debris"], rng=np.random.default_rng(0), resamples=50)
    assert set(drawn.sel(restorer="A").values.tolist()) == {1.5, 2.0}


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="method='C' has no run; there are A"):
        table([[1, 2, 3, 4]], ["A"]).values("C")


def test_the_interval_of_a_mean_leaves_out_what_was_not_measured():
    assert interval([1.0, np.nan, 1.0], rng=np.random.default_rng(0)) == (1, 1, 1)


def card(loss, *, head="max", encoder="R-34", seed=0, **options):
    arguments = {"architecture": "FPN", "encoder": encoder, "head": head, "seed": seed}
    kind = "maximum" if head == "max" else "none"
    return cards.Card("artefact_remover", arguments, {"loss": loss, "loss_options": options}, Normalisation(kind))


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (card("L1"), "FPN R-34 + L1"),
        (card("SSIM+L1", beta=0.4, swapped=False), "FPN R-34 + SSIM+L1"),
        (card("SSIM+L1", beta=0.6), "FPN R-34 + SSIM+L1 (beta 0.6)"),
        (card("VGG", weights="random", seed=0, reading="relu"), "FPN R-34 + VGG"),
        (card("VGG", weights="simulated", path="x.pt"), "FPN R-34 + VGG (weights simulated)"),
        (card("VGG", layers=[4]), "FPN R-34 + VGG (layers 4)"),
        (card("L1", head="relu"), "FPN R-34 + L1 (not normalised)"),
    ],
)
def test_a_method_is_named_by_its_network_its_loss_and_every_departure(made, name, tmp_path):
    assert Run(tmp_path, made).method == name


def test_runs_in_a_folder_are_scored_and_give_back_their_networks(tmp_path, judges):
    made = card("L1", seed=3)
    network = networks.artefact_remover(**made.arguments)
    with torch.no_grad():
        network.body.segmentation_head[0].bias.fill_(1.0)
    cards.save(made, network, tmp_path / "one")
    (run,) = runs_in(tmp_path)
    found = run.scores(judges[:1])
    assert (run.seed, run.network, run.loss) == (3, "FPN R-34", "L1")
    assert found.sizes["pair"] == 1
    assert "restorer" not in run.__dict__
    assert together({"one": found, "two": found}).sizes["run"] == 2


def test_a_folder_without_restorers_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="run 11_train_artefact_removal first"):
        runs_in(tmp_path)
