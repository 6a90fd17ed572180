import numpy as np
import pytest
import scenes_with_noise as scenes
import torch
from skimage.segmentation import find_boundaries

from nbsupport.restore.denoiseg import CLASS_WEIGHTS, UNKNOWN, joint_loss, three_classes
from nbsupport.restore.denoisers import Examples, denoiser

SMALL = {"steps": 150, "batch": 4, "patch": 32, "features": 8, "depth": 2, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def recorded():
    rng = np.random.default_rng(0)
    photons, labels = zip(*[scenes.discs(64, rng=rng) for _ in range(8)], strict=True)
    return [scenes.clean(p) for p in photons], [scenes.record(p, rng=rng) for p in photons], list(labels)


@pytest.fixture(scope="module")
def trained(recorded):
    _, noisy, labels = recorded
    return denoiser("DenoiSeg", **SMALL).train(Examples(noisy=noisy, labels=labels[:3] + [None] * 5))


def test_borders_are_the_inner_boundaries_of_scikit_image():
    labels = scenes.discs(48, rng=np.random.default_rng(1), count=8)[1]
    labels[:, 24:] += labels.max() * (labels[:, 24:] > 0)  # objects that touch
    classes = three_classes(labels)
    inner = find_boundaries(labels, connectivity=2, mode="inner")
    np.testing.assert_array_equal(classes == 2, inner)
    np.testing.assert_array_equal(classes == 0, labels == 0)


def outputs():
    rng = torch.Generator().manual_seed(2)
    output, noisy = torch.randn(2, 4, 8, 8, generator=rng), torch.randn(2, 1, 8, 8, generator=rng)
    mask = torch.rand(2, 1, 8, 8, generator=rng) < 0.2
    return output, noisy, mask, torch.randint(3, (2, 8, 8), generator=rng)


def test_with_no_weight_on_denoising_the_loss_is_the_weighted_cross_entropy_of_torch():
    output, noisy, mask, classes = outputs()
    expected = torch.nn.functional.cross_entropy(output[:, 1:], classes, torch.tensor(CLASS_WEIGHTS))
    torch.testing.assert_close(joint_loss(output, noisy, mask, classes, alpha=0.0), expected)


def test_images_that_nobody_annotated_teach_denoising_alone():
    output, noisy, mask, classes = outputs()
    loss = joint_loss(output, noisy, mask, torch.full_like(classes, UNKNOWN), alpha=0.5)
    torch.testing.assert_close(loss, 0.5 * (output[:, :1] - noisy)[mask].square().mean())


def test_an_image_without_annotation_does_not_dilute_the_annotated_one():
    output, noisy, mask, classes = outputs()
    alone = joint_loss(output[:1], noisy[:1], mask[:1], classes[:1], alpha=0.0)
    classes = torch.stack([classes[0], torch.full_like(classes[1], UNKNOWN)])
    torch.testing.assert_close(joint_loss(output, noisy, mask, classes, alpha=0.0), alone)


def test_three_annotated_images_of_eight_teach_to_find_the_objects(recorded, trained):
    _, noisy, labels = recorded
    scores = []
    for image, objects in zip(noisy[3:], labels[3:], strict=True):
        found = trained.segment(image)[..., 0] < 0.5
        scores.append(2 * np.sum(found & (objects > 0)) / (found.sum() + np.sum(objects > 0)))
    assert np.mean(scores) > 0.8


def test_the_same_network_denoises(recorded, trained):
    clean, noisy, _ = recorded
    gains = [scenes.psnr_gain(t, n, trained.apply(n)) for t, n in zip(clean, noisy, strict=True)]
    assert np.mean(gains) > 2


def test_probabilities_of_a_pixel_sum_to_one(recorded, trained):
    probabilities = trained.segment(recorded[1][0][:30, :41])
    assert probabilities.shape == (30, 41, 3)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0, rtol=1e-9)


def test_labels_that_are_all_missing_are_refused(recorded):
    with pytest.raises(ValueError, match="DenoiSeg needs at least one annotated image"):
        denoiser("DenoiSeg", **SMALL).train(Examples(noisy=recorded[1], labels=[None] * 8))


def test_a_weight_above_one_is_refused(recorded):
    with pytest.raises(ValueError, match="alpha=2 must be a share from 0"):
        denoiser("DenoiSeg", alpha=2).train(Examples(noisy=recorded[1], labels=recorded[2]))
