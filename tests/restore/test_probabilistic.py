import numpy as np
import pytest
import scenes_with_noise as scenes
import torch
from scipy.ndimage import convolve, gaussian_filter

from nbsupport.restore.blind_spot import BlindSpots
from nbsupport.restore.denoisers import Camera, Examples, denoiser
from nbsupport.restore.networks.multi_output import multi_output
from nbsupport.restore.noise_models import gaussian
from nbsupport.restore.probabilistic import blurred, likelihood_loss, mmse

SMALL = {"steps": 120, "batch": 4, "patch": 32, "features": 8, "learning_rate": 3e-3}


def test_the_loss_of_one_sample_under_gaussian_noise_is_the_squared_error_over_twice_the_variance():
    rng = torch.Generator().manual_seed(0)
    measured, samples = (torch.randn(size, generator=rng, dtype=torch.float64) for size in ((500,), (500, 1)))
    loss = likelihood_loss(gaussian(0.7), measured, samples)
    squared = ((measured - samples[:, 0]) ** 2).mean() / (2 * 0.7**2)
    torch.testing.assert_close(loss, squared + np.log(0.7 * np.sqrt(2 * np.pi)))


def test_the_loss_of_many_samples_of_the_prior_is_the_entropy_of_the_data():
    rng = np.random.default_rng(1)
    samples = torch.from_numpy(rng.normal(2.0, 1.5, (1, 1000))).expand(1000, -1)
    measured = torch.from_numpy(rng.normal(2.0, np.hypot(1.5, 0.8), 1000))
    entropy = 0.5 * np.log(2 * np.pi * np.e * (1.5**2 + 0.8**2))
    assert float(likelihood_loss(gaussian(0.8), measured, samples)) == pytest.approx(entropy, abs=0.05)


def test_the_weighted_mean_of_samples_of_a_normal_prior_is_the_posterior_mean():
    samples = torch.from_numpy(np.random.default_rng(2).normal(10.0, 2.0, (1, 200_000, 1)))
    for value in (7.0, 10.0, 14.0):
        measured = torch.full((1, 1, 1), value, dtype=torch.float64)
        posterior = (10.0 / 4 + value / 9) / (1 / 4 + 1 / 9)
        assert mmse(gaussian(3.0), measured, samples).item() == pytest.approx(posterior, abs=0.02)


def test_the_weighted_mean_lies_between_the_smallest_and_the_largest_sample():
    rng = torch.Generator().manual_seed(3)
    samples, measured = torch.randn(2, 30, 6, 7, generator=rng), 5 * torch.randn(2, 1, 6, 7, generator=rng)
    restored = mmse(gaussian(0.3), measured, samples)[:, 0]
    assert ((samples.amin(1) <= restored + 1e-6) & (restored <= samples.amax(1) + 1e-6)).all()


class Crops:
    """The same crop at every step, which remembers where its values came from."""

    def __init__(self, crop):
        self.crop = crop

    def batch(self, step):
        return (self.crop,)


def test_no_output_at_a_hidden_pixel_depends_on_what_was_measured_there():
    crop = torch.randn(1, 1, 24, 24, generator=torch.Generator().manual_seed(4), requires_grad=True)
    blinded, _, mask = BlindSpots(Crops(crop), percent=3.0, radius=2, seed=0).batch(7)
    output = multi_output(5, depth=2, features=4)(blinded)
    hidden = mask.nonzero()
    assert len(hidden) > 5
    for _, _, y, x in hidden:
        (slope,) = torch.autograd.grad(output[0, :, y, x].sum(), crop, retain_graph=True)
        assert slope[0, 0, y, x] == 0
        assert slope.abs().sum() > 0


@pytest.fixture(scope="module")
def pn2v(recorded):
    _, noisy, calibration = recorded
    return denoiser("PN2V", samples=30, **SMALL).train(Examples(noisy=noisy, calibration=calibration))


@pytest.fixture(scope="module")
def recorded():
    rng = np.random.default_rng(6)
    photons = [scenes.blobs(64, rng=rng) for _ in range(4)]
    noisy = [scenes.record(p, rng=rng) for p in photons]
    return [scenes.clean(p) for p in photons], noisy, scenes.calibration(rng=rng)


def test_pn2v_learns_from_noisy_images_alone(recorded, pn2v):
    clean, noisy, _ = recorded
    gains = [scenes.psnr_gain(t, n, pn2v.apply(n)) for t, n in zip(clean, noisy, strict=True)]
    assert np.mean(gains) > 4


def test_weighing_by_the_likelihood_moves_the_prior_towards_what_was_measured(recorded, pn2v):
    noisy = recorded[1]
    prior = pn2v.prior(noisy[0])
    moved, wanted = pn2v.apply(noisy[0]) - prior, noisy[0] - prior
    assert np.corrcoef(moved.ravel(), wanted.ravel())[0, 1] > 0.5


def test_blurring_agrees_with_a_convolution_by_scipy():
    rng = np.random.default_rng(7)
    image, psf = rng.random((12, 15)), rng.random((5, 3))
    psf /= psf.sum()
    ours = blurred(torch.from_numpy(image)[None, None], torch.from_numpy(psf))[0, 0].numpy()
    np.testing.assert_allclose(ours, convolve(image, psf, mode="mirror"), rtol=1e-12)


@pytest.mark.parametrize("psf", [np.full((4, 5), 0.05), np.full((3, 3), 1.0)])
def test_a_point_spread_function_without_centre_or_with_another_sum_is_refused(psf):
    with pytest.raises(ValueError, match="give odd sides and sum 1"):
        blurred(torch.zeros(1, 1, 9, 9), torch.from_numpy(psf))


def test_deconoising_comes_nearer_to_the_sharp_object_than_the_noise_free_blurred_image_is():
    rng = np.random.default_rng(8)
    delta = np.zeros((13, 13))
    delta[6, 6] = 1
    psf = gaussian_filter(delta, 1.5)
    sharp = [scenes.blobs(64, rng=rng, peak=400.0, size=0.8) for _ in range(4)]
    blurry = [convolve(s, psf, mode="mirror") for s in sharp]
    noisy = [scenes.record(b, rng=rng) for b in blurry]
    camera = Camera(gain=scenes.GAIN, offset=scenes.OFFSET, read_noise=scenes.READ_NOISE)
    trained = denoiser("DecoNoising", **(SMALL | {"steps": 250}))
    trained.train(Examples(noisy=noisy, psf=psf, camera=camera))
    gains = [
        scenes.psnr_gain(scenes.clean(s), scenes.clean(b), trained.apply(n))
        for s, b, n in zip(sharp, blurry, noisy, strict=True)
    ]
    assert np.mean(gains) > 0.5
