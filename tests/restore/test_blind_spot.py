import numpy as np
import pytest
import torch
from scenes_with_noise import blobs, clean, psnr_gain, record

from nbsupport.restore import blind_spot
from nbsupport.restore.denoisers import Examples, denoiser
from nbsupport.restore.networks.blur_pool import BlurPool, blur_pool_unet
from nbsupport.restore.training import crops

SMALL = {"features": 4, "batch": 4, "patch": 32}


@pytest.fixture(scope="module")
def scene():
    """Truth, and a function that records it, ADU."""
    photons = blobs(64, rng=np.random.default_rng(0))
    return clean(photons), lambda seed: record(photons, rng=np.random.default_rng(seed))


def some_crops(side=32):
    images = [np.random.default_rng(0).normal(size=(64, 64))]
    return crops(images, images, size=side, batch=3, seed=0)


def test_the_network_of_n2v2_has_as_many_weights_as_the_published_one():
    assert sum(p.numel() for p in blur_pool_unet().parameters()) == 324_513


def test_blurred_pooling_changes_less_than_plain_pooling_when_its_input_moves_by_a_pixel():
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 1, 257, 257))).float()
    here, there = image[..., :-1, :-1], image[..., 1:, :-1]

    def alike(pool):
        return np.corrcoef(pool(here).ravel(), pool(there).ravel())[0, 1]

    assert alike(BlurPool()) > alike(torch.nn.MaxPool2d(2)) + 0.2


@pytest.mark.parametrize("direction", [None, "horizontal"])
def test_a_batch_is_a_function_of_its_step_alone(direction):
    first, again = (blind_spot.BlindSpots(some_crops(), percent=1.5, direction=direction, seed=1) for _ in range(2))
    first.batch(0)
    for a, b in zip(first.batch(7), again.batch(7), strict=True):
        assert torch.equal(a, b)


def test_structured_spots_hide_the_line_and_teach_its_middle_only():
    batches = blind_spot.BlindSpots(some_crops(), percent=1.5, direction="horizontal", reach=3, seed=1)
    seen, crop, mask = batches.batch(0)
    changed = (seen != crop).float().mean().item()
    assert mask.float().mean().item() == pytest.approx(1 / 64)
    assert changed == pytest.approx(7 / 64, rel=0.15)


def test_an_objective_reads_the_hidden_pixels_alone():
    seen, crop, mask = blind_spot.BlindSpots(some_crops(), percent=1.5, seed=1).batch(0)
    elsewhere = torch.where(mask, 0.0, 1e3)
    loss = blind_spot.masked_mse(lambda image: crop + elsewhere + 2.0, (seen, crop, mask))
    assert loss.item() == pytest.approx(4.0)


def test_the_loss_of_noise2self_is_the_error_at_masked_pixels_over_all_pixels():
    batches = blind_spot.GridMasks(some_crops(), width=4)
    crop, mask = batches.batch(5)
    loss = denoiser("Noise2Self").objective(lambda image: crop + 2.0, (crop, mask))
    assert loss.item() == pytest.approx(4.0 / 16)


@pytest.mark.parametrize(
    ("name", "options"),
    [("Noise2Void", {"percent": 6.25}), ("N2V2", {"percent": 6.25}), ("structN2V", {"reach": 1}), ("Noise2Self", {})],
)
def test_a_method_learns_to_denoise_from_one_noisy_image(name, options, scene):
    truth, recorded = scene
    learner = denoiser(name, steps=100, learning_rate=4e-3, **SMALL | {"features": 8}, **options)
    trained = learner.train(Examples([recorded(1)]))
    assert psnr_gain(truth, recorded(1), trained.apply(recorded(1))) > 2


def test_the_j_invariant_output_of_noise2self_ignores_a_change_of_its_own_pixel(scene):
    _, recorded = scene
    trained = denoiser("Noise2Self", steps=3, precision="float32", **SMALL).train(Examples([recorded(1)]))
    values = (recorded(1) - recorded(1).mean()) / recorded(1).std()
    changed = values.copy()
    changed[20, 31] += 5
    before, after = trained.run(values), trained.run(changed)
    assert after[20, 31] == pytest.approx(before[20, 31], abs=1e-6)
    assert np.abs(after - before).max() > 1e-3


def test_equal_seeds_give_equal_results(scene):
    _, recorded = scene
    first, again = (
        denoiser("Noise2Void", steps=2, **SMALL).train(Examples([recorded(1)]), seed=3).apply(recorded(1))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_an_unknown_way_of_inference_is_named(scene):
    with pytest.raises(ValueError, match="inference='twice'"):
        denoiser("Noise2Self", inference="twice", **SMALL).train(Examples([scene[1](1)]))
