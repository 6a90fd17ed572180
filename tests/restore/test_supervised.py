import numpy as np
import pytest
import torch
from scenes_with_noise import blobs, clean, psnr_gain, record

from nbsupport.restore.denoisers import Examples, denoiser
from nbsupport.restore.supervised import EitherWay
from nbsupport.restore.training import crops

SMALL = {"features": 8, "batch": 4, "patch": 32, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def fields():
    """Clean fields and two exposures of each, ADU."""
    rng = np.random.default_rng(0)
    photons = [blobs(48, rng=rng) for _ in range(4)]
    return [clean(p) for p in photons], *([record(p, rng=rng) for p in photons] for _ in range(2))


@pytest.mark.parametrize("name", ["CARE", "RCAN", "Noise2Noise"])
def test_a_method_learns_to_denoise_fields_that_it_has_not_seen(name, fields):
    truth, first, second = fields
    examples = Examples(first[1:], clean=truth[1:], again=second[1:])
    trained = denoiser(name, steps=60, **SMALL).train(examples)
    assert psnr_gain(truth[0], first[0], trained.apply(first[0])) > 2


def test_rcan_takes_two_channels_at_once(fields):
    truth, first, _ = fields
    both = Examples([np.stack(first[:2])], clean=[np.stack(truth[:2])])
    assert denoiser("RCAN", steps=1, **SMALL).train(both).apply(np.stack(first[:2])).shape == (2, 48, 48)


def test_the_noise_of_the_two_exposures_of_a_pair_is_independent_given_the_truth(fields):
    truth, first, second = fields
    a, b = (np.concatenate([(n - t).ravel() for n, t in zip(noisy, truth, strict=True)]) for noisy in (first, second))
    assert abs(np.corrcoef(a, b)[0, 1]) < 3 / np.sqrt(a.size)


def test_either_exposure_of_a_pair_is_the_input_half_of_the_time():
    ones, twos = [np.ones((8, 8))], [np.full((8, 8), 2.0)]
    batches = EitherWay(crops(ones, twos, size=8, batch=400, seed=0), seed=0)
    seen, wanted = batches.batch(0)
    assert (seen[:, 0, 0, 0] == 1).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert torch.equal(seen + wanted, torch.full_like(seen, 3))


def test_a_network_taught_with_noisy_targets_under_l2_learns_their_mean():
    rng = np.random.default_rng(0)
    signal = [np.sin(np.add.outer(np.arange(32), np.arange(32)) / 4)] * 8
    noisy, again = ([s + rng.exponential(0.5, s.shape) for s in signal] for _ in range(2))  # mean 0.5, median 0.35
    trained = denoiser("Noise2Noise", steps=100, **SMALL).train(Examples(noisy, again=again))
    bias = np.mean([trained.apply(n) - s for n, s in zip(noisy, signal, strict=True)])
    assert bias == pytest.approx(0.5, abs=0.07)


def test_an_unknown_loss_is_named(fields):
    with pytest.raises(ValueError, match="loss='L3'"):
        denoiser("CARE", loss="L3", steps=1, **SMALL).train(Examples(fields[1], clean=fields[0]))


def test_a_supervised_method_without_targets_says_what_is_missing(fields):
    with pytest.raises(ValueError, match="CARE cannot be trained: the examples have no clean"):
        denoiser("CARE").train(Examples(fields[1]))


@pytest.mark.parametrize("name", ["CARE", "RCAN"])
def test_a_network_for_volumes_restores_a_volume(name, fields):
    truth, first, _ = fields
    volume = Examples([np.stack(first)], clean=[np.stack(truth)])
    trained = denoiser(name, steps=1, volumes=True, **SMALL).train(volume)
    assert trained.apply(np.stack(first)).shape == (4, 48, 48)
