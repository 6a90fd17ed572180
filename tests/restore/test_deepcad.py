import numpy as np
import pytest
import scenes_with_noise as scenes
import torch

from nbsupport.restore.deepcad import half_and_half, interleaved
from nbsupport.restore.denoisers import Examples, denoiser

SMALL = {"steps": 60, "batch": 1, "patch": 32, "frames": 8, "features": 8, "learning_rate": 3e-3}


def flickering(frames, *, rng):
    """Expected photons (t, y, x) of blobs whose brightness changes slowly."""
    blob = scenes.blobs(32, rng=rng)
    return blob * (1 + 0.5 * np.sin(np.arange(frames) / 6))[:, None, None]


def test_the_halves_of_a_movie_are_its_even_and_its_odd_frames():
    even, odd = interleaved(np.arange(7)[:, None, None] * np.ones((7, 2, 2)))
    assert even[:, 0, 0].tolist() == [0, 2, 4]
    assert odd[:, 0, 0].tolist() == [1, 3, 5]


def test_the_loss_is_half_of_the_absolute_and_half_of_the_squared_error():
    assert float(half_and_half(torch.tensor([1.0, 5.0]), torch.tensor([0.0, 2.0]))) == pytest.approx((2 + 5) / 2)


def test_a_movie_is_denoised_without_clean_frames():
    rng = np.random.default_rng(0)
    photons = flickering(40, rng=rng)
    noisy = scenes.record(photons, rng=rng)
    trained = denoiser("DeepCAD", **SMALL).train(Examples(noisy=[noisy]))
    restored = trained.apply(noisy)
    assert restored.shape == noisy.shape
    assert scenes.psnr_gain(scenes.clean(photons), noisy, restored) > 4


def test_a_movie_that_is_too_short_is_refused_with_the_longest_block():
    with pytest.raises(ValueError, match="frames=8: half of the shortest movie has 5; give at most that many"):
        denoiser("DeepCAD", **SMALL).train(Examples(noisy=[np.zeros((10, 32, 32))]))


def test_an_image_is_no_movie():
    with pytest.raises(ValueError, match=r"DeepCAD takes images of \(3,\) dimensions"):
        denoiser("DeepCAD").train(Examples(noisy=[np.zeros((32, 32))]))
