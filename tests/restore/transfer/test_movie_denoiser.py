import numpy as np
import pytest

from nbsupport.restore.denoisers import Examples
from nbsupport.restore.normalisation import Normalisation
from nbsupport.restore.transfer import MovieDenoiser

SMALL = {"features": 4, "depth": 1, "patch": 16, "batch": 4, "learning_rate": 3e-3}


def movie(frames=12, side=24, noise=1.0, seed=0):
    """A wave that drifts slowly, and the same under noise."""
    rng = np.random.default_rng(seed)
    t, y, x = np.mgrid[:frames, :side, :side]
    clean = 5 + 2 * np.sin((x + 0.1 * t) / 3) * np.cos(y / 4)
    return clean, clean + rng.normal(0, noise, clean.shape)


def error(denoiser, seen, clean, frames=range(5, 8)):
    return np.mean((np.array(denoiser.restored_frames(seen, frames)) - clean[list(frames)]) ** 2)


@pytest.mark.parametrize("architecture", ["CARE", "timeUnet"])
def test_a_trained_network_takes_noise_off_a_movie_it_has_not_seen(architecture):
    clean, seen = movie()
    made = MovieDenoiser(architecture=architecture, frames=5, steps=120, **SMALL).train(Examples([seen], clean=[clean]))
    new_clean, new = movie(seed=1)
    assert error(made, new, new_clean) < 0.5


def test_a_window_is_centred_on_its_frame_and_mirrored_at_the_ends():
    made = MovieDenoiser(architecture="timeUnet", frames=5)
    numbered = np.arange(8.0)[:, None, None] * np.ones((8, 2, 2))
    windows = made._windows(numbered)
    assert [list(windows[t][:, 0, 0]) for t in (0, 4, 7)] == [[2, 1, 0, 1, 2], [2, 3, 4, 5, 6], [5, 6, 7, 6, 5]]


def test_a_frame_far_from_another_does_not_change_it():
    clean, seen = movie()
    made = MovieDenoiser(architecture="timeUnet", frames=5, steps=2, **SMALL).train(Examples([seen], clean=[clean]))
    changed = seen.copy()
    changed[11] += 50
    before, after = (made.restored_frames(m, [5, 10])[0] for m in (seen, changed))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("kind", ["mean and deviation", "percentiles"])
def test_restoring_follows_the_scale_of_the_movie(kind):
    clean, seen = movie()
    made = MovieDenoiser(steps=2, normalisation=Normalisation(kind), **SMALL).train(Examples([seen], clean=[clean]))
    once, scaled = made.apply(seen), made.apply(3 * seen + 7)
    np.testing.assert_allclose(scaled, 3 * once + 7, rtol=1e-4)


def test_an_architecture_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="architecture='RNN'"):
        MovieDenoiser(architecture="RNN")
