import numpy as np
import pytest
from scipy.ndimage import label

from nbsupport.optics import Optics
from nbsupport.simulate.mitochondria_motion import FATES, mitochondria_movie

OPTICS = Optics(numerical_aperture=1.4, wavelength_um=0.6)


@pytest.fixture(scope="module")
def movie():
    return mitochondria_movie(OPTICS, rng=np.random.default_rng(3), frames=16, pixels=72, count=4)


def test_fates_are_told_by_the_gap_over_time(movie):
    assert set(movie.fate.values) == set(FATES)
    for fate, gap in zip(movie.fate.values, movie.gap_um.values, strict=True):
        ends = {"whole": (0, 0), "apart": (1, 1), "fission": (0, 1), "fusion": (1, 0)}[fate]
        assert (gap[0] > 0, gap[-1] > 0) == tuple(map(bool, ends))
    np.testing.assert_array_equal(movie.connected.values, movie.gap_um.values == 0)


def test_gaps_lie_between_the_narrowest_and_the_widest(movie):
    open_gaps = movie.gap_um.values[movie.gap_um.values > 0]
    assert open_gaps.min() >= 0.1 - 1e-9
    assert open_gaps.max() <= 0.4 + 1e-9


def test_without_blur_the_number_of_objects_is_that_of_the_truth():
    sharp = Optics(numerical_aperture=1.49, wavelength_um=0.2)
    made = mitochondria_movie(
        sharp, rng=np.random.default_rng(5), frames=10, pixels=72, count=3, gap_px=(3.0, 4.0), background=0.0
    )
    for t in range(10):
        objects = label(made.light.values[t] > 0.3, structure=np.ones((3, 3)))[1]
        assert objects == len(made.fate) + int((~made.connected.values[:, t]).sum())


def test_anchors_lie_on_bright_structure_of_different_parts(movie):
    index = np.rint((movie.anchors.values - float(movie.y[0])) / 0.1).astype(int)
    for t in range(16):
        at = movie.light.values[t][tuple(np.moveaxis(index[:, t], -1, 0))]
        assert at.min() > 0.4
    assert np.linalg.norm(np.diff(movie.anchors.values, axis=2), axis=-1).min() > 0.4


def test_neighbouring_frames_are_more_alike_than_distant_ones(movie):
    light = movie.light.values
    near = np.corrcoef(light[0].ravel(), light[1].ravel())[0, 1]
    far = np.corrcoef(light[0].ravel(), light[-1].ravel())[0, 1]
    assert near > 0.9
    assert near - far > 0.01


def test_a_field_without_room_is_refused():
    with pytest.raises(ValueError, match="leaves no room"):
        mitochondria_movie(OPTICS, rng=np.random.default_rng(0), frames=2, pixels=24, length_um=(5.0, 6.0))
