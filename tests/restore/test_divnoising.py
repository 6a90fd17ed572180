import numpy as np
import pytest
import scenes_with_noise as scenes
import torch

from nbsupport.restore import divnoising
from nbsupport.restore.denoisers import Examples, denoiser

SMALL = {"steps": 200, "batch": 8, "patch": 32, "features": 8, "latent": 16, "draws": 20}


@pytest.fixture(scope="module")
def recorded():
    rng = np.random.default_rng(0)
    photons = [scenes.blobs(64, rng=rng) for _ in range(4)]
    noisy = [scenes.record(p, rng=rng) for p in photons]
    return [scenes.clean(p) for p in photons], Examples(noisy=noisy, calibration=scenes.calibration(rng=rng))


@pytest.fixture(scope="module")
def trained(recorded):
    return denoiser("DivNoising", **SMALL).train(recorded[1])


def test_the_divergence_is_that_of_torch_distributions():
    rng = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 3, 4, 5, generator=rng)[:, None].unbind(0)
    normal = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum()
    torch.testing.assert_close(divnoising.divergence(mean, log_variance), expected)


def test_the_mean_of_the_samples_is_nearer_to_the_truth_than_the_noisy_image(recorded, trained):
    clean, examples = recorded
    gains = [scenes.psnr_gain(t, n, trained.apply(n)) for t, n in zip(clean, examples.noisy, strict=True)]
    assert np.mean(gains) > 2


def test_samples_differ_and_their_spread_is_larger_where_the_mean_is_wrong(recorded, trained):
    clean, examples = recorded
    draws = trained.samples(examples.noisy[0], 60)
    assert draws.shape == (60, 64, 64)
    spread, error = draws.std(axis=0), np.abs(draws.mean(axis=0) - clean[0])
    wrong = error > np.median(error)
    assert spread[wrong].mean() > spread[~wrong].mean() > 0


def test_the_spread_is_the_standard_deviation_over_the_samples(recorded, trained):
    image = recorded[1].noisy[1]
    np.testing.assert_allclose(
        trained.spread(image, 15, seed=3), trained.samples(image, 15, seed=3).std(axis=0, ddof=1), rtol=1e-10
    )


def test_an_image_of_any_size_keeps_it(recorded, trained):
    image = recorded[1].noisy[0][:37, :50]
    assert trained.apply(image).shape == (37, 50)


def test_a_trained_code_says_something_about_the_image(recorded, trained):
    assert trained.restarts == 0
    assert trained.divergence_per_pixel(recorded[1].noisy[0]) > 1000 * divnoising.COLLAPSED


def test_a_collapsed_posterior_restarts_the_training_once(recorded, monkeypatch):
    monkeypatch.setattr(divnoising, "COLLAPSED", np.inf)
    restarted = denoiser("DivNoising", **(SMALL | {"steps": 4})).train(recorded[1])
    assert restarted.restarts == 1


class Crops:
    def batch(self, step):
        return torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)


def test_after_a_restart_the_weight_of_the_divergence_grows_to_one():
    options = {"latent": 3, "depth": 1, "seed": 0}
    annealed, plain = (divnoising.WithCodeNoise(Crops(), annealed_over=n, **options) for n in (10, 0))
    assert [float(annealed.batch(step)[2]) for step in (0, 4, 9, 30)] == pytest.approx([0.1, 0.5, 1.0, 1.0])
    assert float(plain.batch(0)[2]) == 1.0


def test_batches_are_a_function_of_the_step_alone():
    options = {"latent": 3, "depth": 1, "annealed_over": 0, "seed": 1}
    first, again = (divnoising.WithCodeNoise(Crops(), **options) for _ in range(2))
    first.batch(0)
    assert torch.equal(first.batch(5)[1], again.batch(5)[1])
    assert first.batch(5)[1].shape == (2, 3, 4, 4)


def test_weights_depend_on_their_seed_alone():
    first, again, other = (divnoising.autoencoder(features=4, latent=4, seed=s).state_dict() for s in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_a_patch_that_cannot_be_halved_often_enough_is_refused(recorded):
    with pytest.raises(ValueError, match="patch=30 must be a multiple of 4"):
        denoiser("DivNoising", patch=30).train(recorded[1])
