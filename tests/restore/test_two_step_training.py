from dataclasses import replace

import numpy as np
import pytest
import torch

from nbsupport.restore import two_step
from nbsupport.restore.two_step import FreelyTurned, PatternError, Recipe
from nbsupport.simulate.illumination import Pattern

TOY = Recipe(groups=1, blocks=2, features=8, steps=12, batch=2, patch=16, precision="float32")


def count(network):
    return sum(weights.numel() for weights in network.parameters())


class Fixed:
    """The same pair of images at every step."""

    def __init__(self, images):
        self.pair = torch.as_tensor(images, dtype=torch.float32)

    def batch(self, step):
        return self.pair.clone(), self.pair.clone()


def test_the_network_of_the_source_has_its_published_number_of_weights():
    stated = Recipe()
    assert count(stated.network(2, 9, 0)) == 342_533
    assert count(stated.network(2, 1, 0)) == 337_917


def test_shared_blocks_leave_one_block_of_weights():
    plain, shared = (replace(TOY, groups=2, shared=flag).network(2, 1, 0) for flag in (False, True))
    block = count(plain.groups[0].blocks[0])
    assert count(plain) - count(shared) == 3 * block


def test_free_rotation_keeps_a_field_that_has_no_direction():
    y, x = np.mgrid[:41, :41] - 20.0
    ring = np.exp(-(((np.hypot(y, x) - 8) / 3) ** 2))[None, None]
    turned, _ = FreelyTurned(Fixed(ring), size=25, seed=0).batch(0)
    np.testing.assert_allclose(turned[0, 0].numpy(), ring[0, 0, 8:-8, 8:-8], atol=0.03)


def test_free_rotation_turns_input_and_target_alike_and_lowers_the_contrast_of_fine_stripes():
    x = np.arange(60)
    stripes = np.tile(np.cos(2 * np.pi * x / 3.2), (60, 1))[None, None]
    given, wanted = FreelyTurned(Fixed(stripes), size=40, seed=1).batch(0)
    torch.testing.assert_close(given, wanted)
    assert given.var() < 0.9 * stripes.var()


@pytest.mark.parametrize("one_scale", [True, False])
def test_only_a_target_on_the_scale_of_its_input_comes_back_as_it_was(monkeypatch, one_scale):
    seen = []
    monkeypatch.setattr(
        "nbsupport.restore.two_step.training.fit", lambda network, loss, batches, **_: seen.append(batches)
    )
    image = np.random.default_rng(0).normal(size=(1, 24, 24))
    target = 2 * image - 3
    two_step.train([image], [target], replace(TOY, augmentation="none", patch=24), one_scale=one_scale)
    given, wanted = (crop[0].numpy() for crop in seen[0].batch(0))
    low, high = np.percentile(image, [2.0, 99.9])
    returned = wanted * (high - low) + low
    np.testing.assert_allclose(returned, target if one_scale else image, atol=1e-5)
    np.testing.assert_allclose(given * (high - low) + low, image, atol=1e-5)


def test_training_is_the_same_for_the_same_seed_and_learns():
    rng = np.random.default_rng(0)
    targets = [rng.random((2, 24, 24)) for _ in range(3)]
    inputs = [image + 0.3 * rng.standard_normal(image.shape) for image in targets]
    recipe = replace(TOY, steps=60)
    first, second = (two_step.train(inputs, targets, recipe, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.history.loss, second.history.loss)
    assert first.history.loss[-10:].mean() < 0.85 * first.history.loss[:5].mean()


def test_training_goes_on_from_given_weights():
    rng = np.random.default_rng(0)
    images = [rng.random((1, 24, 24)) for _ in range(2)]
    learned = two_step.train(images, images, replace(TOY, steps=60), seed=0)
    further = two_step.train(images, images, TOY, seed=1, start=learned.network.state_dict())
    assert further.history.loss[0] < 1.2 * learned.history.loss[-1]


def test_an_unknown_augmentation_is_refused():
    with pytest.raises(ValueError, match="augmentation='tilt'"):
        Recipe(augmentation="tilt")


def test_a_pattern_has_no_error_against_itself_and_a_turned_phase_is_read():
    true = Pattern.regular(0.375, modulation=0.8)
    late = replace(true, phase_rad=true.phase_rad + 0.2, modulation=true.modulation - 0.1)
    assert two_step.pattern_error(true, true, field_um=(5, 5)) == PatternError(0, 0, 0)
    found = two_step.pattern_error(late, true, field_um=(5, 5))
    assert found == pytest.approx((0, 0.2, 0.1))
