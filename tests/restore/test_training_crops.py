import numpy as np
import pytest
import torch

from nbsupport.restore.training import crops


def small():
    rng = np.random.default_rng(0)
    images = [rng.random((40, 40 + 8 * i)) for i in range(3)]
    return crops(images, images, size=16, batch=4, seed=0)


def test_crops_of_a_step_depend_on_step_and_seed_alone():
    first, again = small(), small()
    again.batch(3)
    assert torch.equal(first.batch(7)[0], again.batch(7)[0])
    assert not torch.equal(first.batch(7)[0], first.batch(8)[0])
    assert first.batch(0)[0].shape == (4, 1, 16, 16)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((20, 23), 8), ((3, 20, 23), 8), ((9, 20, 23), (4, 8, 8)), ((2, 9, 20, 23), (4, 8, 8))],
)
def test_input_and_target_are_cut_and_turned_alike(shape, size):
    image = np.random.default_rng(1).random(shape)
    degraded, target = crops([image], [10 * image], size=size, batch=6, seed=0).batch(0)
    assert torch.allclose(10 * degraded, target)
    channels = shape[0] if len(shape) > (2 if isinstance(size, int) else 3) else 1
    assert degraded.shape == (6, channels, *((8, 8) if isinstance(size, int) else size))


def test_augmentation_reaches_the_eight_symmetries_of_the_square_and_each_crop_is_one():
    image = np.arange(9.0).reshape(3, 3)
    symmetries = {tuple(np.rot90(m, k).ravel()) for m in (image, image.T) for k in range(4)}
    batch, _ = crops([image], [image], size=3, batch=200, seed=0).batch(0)
    assert {tuple(crop.ravel()) for crop in batch.double().numpy()} == symmetries
    plain, _ = crops([image], [image], size=3, batch=20, seed=0, augment=False).batch(0)
    assert {tuple(crop.ravel()) for crop in plain.double().numpy()} == {tuple(image.ravel())}


def test_every_place_of_every_image_is_as_likely():
    images = [np.arange(10.0).reshape(1, 10), np.arange(10.0, 14).reshape(1, 4)]
    batch, _ = crops(images, images, size=1, batch=8000, seed=0).batch(0)
    counts = np.bincount(batch.flatten().long(), minlength=14)
    assert counts[:10] == pytest.approx(400, rel=0.25)
    assert counts[10:] == pytest.approx(1000, rel=0.15)


def test_crops_can_be_divided_by_their_own_maximum_and_black_ones_stay_black():
    image = np.zeros((30, 30))
    image[:5] = 7.0
    degraded, target = crops([image], [2 * image], size=8, batch=64, seed=0, own_maximum=True).batch(0)
    assert set(degraded.amax(dim=(1, 2, 3)).tolist()) == {0.0, 1.0}
    assert torch.equal(degraded, target)


def test_crops_can_be_asked_to_show_something_bright_at_every_place_of_theirs():
    image = np.zeros((60, 60))
    image[30, 40], image[5, 5] = 1.0, 0.3
    batch, _ = crops([image], [image], size=8, batch=400, seed=0, bright=0.5, augment=False).batch(0)
    places = batch.argmax(dim=-1)[batch.amax(dim=-1) == 1.0]
    assert (batch.amax(dim=(1, 2, 3)) == 1.0).all()
    assert set(places.tolist()) == set(range(8))
    corner, _ = crops([image], [image], size=8, batch=50, seed=0, bright=0.3).batch(0)
    assert (corner.amax(dim=(1, 2, 3)) >= 0.3).all()


@pytest.mark.parametrize(
    ("inputs", "targets", "options", "message"),
    [
        ([], [], {}, "needed are pairs"),
        ([np.ones((9, 9))], [np.ones((9, 8))], {}, "differ in extent"),
        ([np.ones((7, 9))], [np.ones((7, 9))], {}, r"inputs\[0\] of shape \(7, 9\) is smaller"),
        ([np.full((9, 9), np.nan)], [np.ones((9, 9))], {}, r"inputs\[0\] holds values that are not finite"),
        ([np.ones((9, 9))], [np.ones((9, 9))], {"size": (8, 4)}, "turned need equal edges"),
        ([np.ones((9, 9))], [np.zeros((9, 9))], {"bright": 0.1}, r"targets\[0\] has no positive value"),
        ([np.ones((9, 9))], [np.ones((9, 9))], {"bright": 2}, "bright=2 must be a share"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(inputs, targets, options, message):
    with pytest.raises(ValueError, match=message):
        crops(inputs, targets, **({"size": 8, "batch": 2, "seed": 0} | options))
