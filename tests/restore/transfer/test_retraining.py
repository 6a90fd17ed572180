import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from nbsupport.restore import masking
from nbsupport.restore.networks import noise2self
from nbsupport.restore.transfer import Options, adapt, restore, retrain, trainable

QUICK = Options(steps=20, every=5, learning_rate=1e-3)


def small(seed=0):
    return noise2self(features=(2, 4), seed=seed)


def scene(count=2, side=24, noise=0.3, seed=0):
    """Truth and noisy images: waves under white noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    clean = [np.sin(x / 3 + n) * np.cos(y / 4) for n in range(count)]
    return clean, [image + rng.normal(0, noise, image.shape) for image in clean]


class Blur(nn.Module):
    """Mean of the eight neighbours times a weight; never reads the pixel itself."""

    def __init__(self):
        super().__init__()
        kernel = torch.ones(1, 1, 3, 3) / 8
        kernel[..., 1, 1] = 0
        self.register_buffer("kernel", kernel)
        self.weight = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        return self.weight * nn.functional.conv2d(nn.functional.pad(x, (1,) * 4, mode="reflect"), self.kernel)


def test_the_output_at_a_masked_pixel_has_no_gradient_with_respect_to_that_pixel():
    network = small()
    images = torch.randn(1, 1, 16, 16, requires_grad=True)
    mask = masking.grid_mask((16, 16), phase=5, width=4)
    out = network(masking.fill(images, mask, "zero"))
    gradient = torch.autograd.grad(out[..., mask].sum(), images)[0]
    assert gradient[..., mask].abs().max() == 0
    assert gradient[..., ~mask].abs().max() > 0


def test_the_j_invariant_restoration_at_a_pixel_ignores_that_pixel():
    _, noisy = scene(1)
    network = retrain(small(), noisy, QUICK).network
    moved = noisy[0].copy()
    moved[10, 11] += moved.std()
    before, after = (restore(network, [image], QUICK)[0] for image in (noisy[0], moved))
    # mean and deviation of the image, which the scale comes from, move a little
    shift = np.abs(after - before)
    assert shift[10, 11] < 0.02
    assert shift.max() > 0.05


def test_held_out_loss_less_that_of_the_truth_is_the_variance_of_the_noise():
    """E|f - x|² = E|f - s|² + E|x - s|² for a function that does not see the pixel (Batson and Royer)."""
    clean, noisy = scene(4, side=96, noise=0.4)
    found = retrain(Blur(), noisy, Options(steps=1, how="interpolate", learning_rate=1e-9))
    held_out = masking.grid_mask((96, 96), phase=int(np.random.default_rng(0).permutation(16)[0]), width=4).numpy()
    centre, scale = np.mean([i.mean() for i in noisy]), np.mean([i.std() for i in noisy])
    given = restore(Blur(), noisy, Options(how="interpolate"), inference="single pass")
    error = np.mean([(g - c)[held_out] ** 2 for g, c in zip(given, clean, strict=True)])
    assert found.held_out[0] * scale**2 - error == pytest.approx(0.4**2, rel=0.06)
    assert abs(centre) < 0.1


def test_no_step_asks_for_a_held_out_pixel():
    _, noisy = scene(1)
    asked = torch.zeros(24, 24, dtype=torch.bool)

    class Listening(Blur):
        def forward(self, x):
            nonlocal asked
            if self.training:
                asked = asked | (x[0, 0] == 0)
            return super().forward(x)

    retrain(Listening(), noisy, Options(steps=15, every=50, patience=None))
    held_out = masking.grid_mask((24, 24), phase=int(np.random.default_rng(0).permutation(16)[0]), width=4)
    assert torch.equal(asked, ~held_out)


def test_patience_ends_a_training_that_gets_no_better_and_gives_back_the_best_weights():
    _, noisy = scene(2)
    optimal = Blur()
    optimal.weight.data.fill_(0.9)
    found = retrain(optimal, noisy, Options(steps=500, every=1, patience=4, learning_rate=0.5))
    assert len(found.training) < 100
    assert found.looks[-1] - found.best_step == 4
    assert min(found.held_out) == found.held_out[found.looks.index(found.best_step)]


def test_without_patience_all_steps_are_taken_and_the_last_weights_kept():
    _, noisy = scene(2)
    found = retrain(small(), noisy, replace(QUICK, patience=None))
    assert found.best_step == len(found.training) == 20


def test_retraining_on_waves_takes_most_of_the_noise_away():
    clean, noisy = scene(4, side=48, noise=0.5)
    options = Options(steps=200, learning_rate=1e-2, every=10)
    restored = restore(retrain(noise2self(features=(4, 8)), noisy, options).network, noisy, options)
    errors = [np.mean((np.array(images) - clean) ** 2) for images in (noisy, restored)]
    assert errors[1] < 0.4 * errors[0]


@pytest.mark.parametrize("hides", ["grid", "scattered"])
def test_equal_seeds_give_equal_weights(hides):
    _, noisy = scene(2)
    first, again = (retrain(small(), noisy, replace(QUICK, hides=hides), seed=3).network for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_the_absolute_error_is_minimised_by_the_median():
    """A constant network that sees nothing: under L1 it learns the median, under L2 the mean."""

    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.value = nn.Parameter(torch.tensor(0.0))

        def forward(self, x):
            return self.value.expand(x.shape)

    image = np.random.default_rng(0).exponential(size=(64, 64))
    values = (image - image.mean()) / image.std()
    for loss, wanted in (("L1", np.median(values)), ("L2", values.mean())):
        found = retrain(
            Constant(), [image], Options(loss=loss, steps=300, every=100, patience=None, learning_rate=5e-3)
        )
        assert found.network.value.item() == pytest.approx(wanted, abs=0.06)


@pytest.mark.parametrize(
    ("recipe", "left_alone"),
    [("last blocks", "encoders.0"), ("normalisation", "encoders.0.0.first.0"), ("all weights", None)],
)
def test_a_recipe_trains_its_part_of_the_network_and_leaves_the_rest(recipe, left_alone):
    _, noisy = scene(2)
    network = noise2self(features=(2, 4, 8))
    before = copy.deepcopy(network.state_dict())
    adapted = adapt(network, noisy, recipe, QUICK)
    after = adapted.trainings[0].network.state_dict()
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert moved
    assert left_alone is None or not any(name.startswith(left_alone) for name in moved)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_training_per_image_gives_each_image_what_it_would_have_had_alone():
    _, noisy = scene(2)
    together = adapt(small(), noisy, "per image", QUICK).restored
    alone = [adapt(small(), [image], "all weights", QUICK).restored[0] for image in noisy]
    np.testing.assert_array_equal(together, alone)


def test_the_recipe_that_does_nothing_is_one_pass_of_the_network():
    _, noisy = scene(2)
    restored = adapt(small(), noisy, "none", QUICK).restored
    np.testing.assert_array_equal(restored, restore(small(), noisy, QUICK, inference="single pass"))


def test_recipes_train_fewer_weights_the_smaller_their_part():
    counts = [trainable(noise2self(features=(2, 4, 8)), r) for r in ("all weights", "last blocks", "normalisation")]
    assert counts[0] > counts[1] > counts[2] > 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Options(loss="L3"), "loss='L3'"),
        (lambda: Options(width=1), "width=1"),
        (lambda: retrain(small(), [np.zeros((16, 16)), np.zeros((16, 20))], QUICK), "shapes"),
        (lambda: restore(small(), [np.zeros((16, 16))], QUICK, inference="twice"), "inference='twice'"),
        (lambda: trainable(small(), "some"), "recipe='some'"),
        (lambda: trainable(noise2self(features=(2,), normalisation=None), "normalisation"), "nothing to train"),
    ],
)
def test_what_cannot_be_meant_is_named(call, says):
    with pytest.raises(ValueError, match=says):
        call()
