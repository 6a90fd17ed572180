import numpy as np
import pytest
import scenes_with_noise as scenes

from nbsupport.restore.denoisers import Examples, denoiser


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(0)
    noisy = [scenes.record(scenes.blobs(24, rng=rng) * factor, rng=rng) for factor in (1.0, 3.0)]
    calibration = scenes.calibration(rng=rng, frames=10)
    made = denoiser("PN2V", steps=1, batch=1, patch=16, features=4, samples=3)
    return made.train(Examples(noisy=noisy, calibration=calibration)), noisy


def test_the_scale_is_that_of_all_images_together(trained):
    made, noisy = trained
    values = np.concatenate([image.ravel() for image in noisy])
    assert (made.centre, made.scale) == (pytest.approx(values.mean()), pytest.approx(values.std()))


def test_camera_values_come_back_from_normalised_ones(trained):
    made, noisy = trained
    np.testing.assert_allclose(made.in_adu(made.normalised(noisy[1])), noisy[1], rtol=1e-12)


def test_crops_of_classes_keep_their_numbers(trained):
    made, noisy = trained
    classes = [np.full(image.shape, i) for i, image in enumerate(noisy)]
    _, drawn = made.crops_with(noisy, classes, seed=0).batch(0)
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}
