import numpy as np
import pytest
import scenes_with_noise as scenes
import torch

from nbsupport.restore.denoisers import Examples, denoiser
from nbsupport.restore.fine_tuned import FineTuned, StartingPoint
from nbsupport.restore.networks import care

SMALL = {"batch": 2, "patch": 16, "features": 4, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(0)
    photons = [scenes.blobs(24, rng=rng) for _ in range(2)]
    return Examples([scenes.record(p, rng=rng) for p in photons], clean=[scenes.clean(p) for p in photons])


def test_training_goes_on_from_the_weights_that_were_given(examples):
    before = denoiser("CARE", steps=1, **SMALL).train(examples, seed=5)
    after = FineTuned(steps=1, start=StartingPoint(before.network), **SMALL).train(examples, seed=9)
    moved = [(a - b).abs().max() for a, b in zip(after.network.parameters(), before.network.parameters(), strict=True)]
    assert 0 < max(moved) < 2e-3  # one step of Adam at 1e-3, not a new draw


def test_the_network_that_was_started_from_keeps_its_weights(examples):
    before = denoiser("CARE", steps=1, **SMALL).train(examples)
    kept = [p.detach().clone() for p in before.network.parameters()]
    FineTuned(steps=2, start=StartingPoint(before.network), **SMALL).train(examples)
    assert all(torch.equal(a, b) for a, b in zip(kept, before.network.parameters(), strict=True))


def test_starting_points_are_told_apart_by_their_weights_alone():
    first, again, other = (repr(StartingPoint(care(2, features=4, seed=s))) for s in (1, 1, 2))
    assert first == again != other


def test_a_network_of_another_size_is_refused(examples):
    start = StartingPoint(care(2, features=8))
    with pytest.raises(RuntimeError, match="size mismatch"):
        FineTuned(steps=1, start=start, **SMALL).train(examples)
