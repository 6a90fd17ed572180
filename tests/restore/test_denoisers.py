from dataclasses import fields

import numpy as np
import pytest

from nbsupport.restore import denoisers
from nbsupport.restore.denoisers import Camera, Examples


@pytest.mark.parametrize("name", denoisers.HOMES)
def test_a_denoiser_declares_what_teaches_it_and_what_it_needs(name):
    kind = denoisers.kind(name)
    assert kind.name == name
    assert kind.source
    assert kind.supervision in denoisers.SUPERVISION
    assert set(kind.needs) <= {field.name for field in fields(Examples)}


def test_no_denoiser_that_learns_from_noisy_images_needs_a_clean_one():
    blind = [
        k for k in map(denoisers.kind, denoisers.HOMES) if k.supervision in ("none", "noisy images", "some labels")
    ]
    assert not any({"clean", "again"} & set(kind.needs) for kind in blind)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'Noise2Void'"):
        denoisers.denoiser("noise2void")


def test_an_untrained_denoiser_restores_nothing():
    with pytest.raises(ValueError, match="Gaussian is not trained"):
        denoisers.denoiser("Gaussian").apply(np.ones((8, 8)))


def test_examples_that_do_not_run_in_parallel_are_refused():
    with pytest.raises(ValueError, match="clean has shapes"):
        Examples([np.ones((8, 8))], clean=[np.ones((8, 9))])


def test_an_image_that_is_not_finite_is_named():
    with pytest.raises(ValueError, match=r"noisy\[1\] must be finite"):
        Examples([np.ones((8, 8)), np.full((8, 8), np.nan)])


def test_a_camera_has_the_variance_of_poisson_and_read_noise():
    camera = Camera(gain=2.0, offset=100.0, read_noise=3.0)
    np.testing.assert_allclose(camera.variance([90.0, 100.0, 120.0]), [9, 9, 2**2 * 10 + 9])


def test_a_camera_without_gain_is_refused():
    with pytest.raises(ValueError, match="gain=0"):
        Camera(gain=0)
