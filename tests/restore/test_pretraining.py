"""The VGG-16 that the study trains on telling simulated structures apart."""

import hashlib

import pytest
import torch

from nbsupport.restore import losses, pretraining

TINY = {"steps": 2, "size": 4, "side": 32, "fields": 1, "held_out": 28}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vgg")
    return folder, pretraining.pretrain(folder, **TINY)


def test_batches_are_a_pure_function_of_seed_and_step():
    first, again = (
        pretraining.LabelledCrops("training", seed=1, fields=1, size=4, side=32).batch(step=5) for _ in range(2)
    )
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])


def test_crops_have_maximum_1_and_every_class_comes_in_turn():
    crops = pretraining.LabelledCrops("training", seed=1, fields=1, size=len(pretraining.CLASSES), side=32)
    images, labels = crops.batch(0)
    assert sorted(labels.tolist()) == list(range(28))
    torch.testing.assert_close(images.amax((1, 2, 3)), torch.ones(28))


def test_training_and_held_out_samples_share_no_emitter():
    training, held_out = (
        pretraining.LabelledCrops(part, seed=1, fields=1, size=4, side=32) for part in ("training", "held out")
    )
    for kind, fields in training.emitters.items():
        assert not set(fields[0][:, 0]) & set(held_out.emitters[kind][0][:, 0])


def test_the_file_serves_the_perceptual_loss_and_its_hash_is_reported(made):
    folder, report = made
    assert hashlib.sha256((folder / report.file).read_bytes()).hexdigest() == report.sha256
    loss = losses.loss("VGG", weights="simulated", path=folder / report.file)
    assert sum(parameter.numel() for parameter in loss.network.parameters()) == 7_635_264
    assert f"simulated structures ({report.file}, sha256 {report.sha256[:12]}" in loss.description


def test_accuracy_is_a_share_of_the_held_out_crops(made):
    _, report = made
    assert report.held_out == 28
    assert (report.accuracy * 28) == pytest.approx(round(report.accuracy * 28))
    assert report.chance == pytest.approx(1 / 28)


def test_a_finished_file_is_used_again_and_a_damaged_one_is_not(made, tmp_path):
    folder, report = made
    assert pretraining.pretrain(folder, **TINY) == report
    (folder / report.file).write_bytes(b"damaged")
    assert pretraining.pretrain(folder, **TINY).sha256 == report.sha256


def test_a_few_steps_lower_the_cross_entropy():
    crops = pretraining.LabelledCrops("training", seed=2, fields=1, size=14, side=32)
    network = pretraining._classifier(0)
    before = pretraining._cross_entropy(network, crops.batch(0)).item()
    trained = pretraining.fit(network, pretraining._cross_entropy, crops, steps=12, learning_rate=3e-4).network
    assert pretraining._cross_entropy(trained, crops.batch(0)).item() < before


def test_crops_too_small_for_the_pools_are_refused(tmp_path):
    with pytest.raises(ValueError, match="side=8 must be at least 32"):
        pretraining.pretrain(tmp_path, side=8)
