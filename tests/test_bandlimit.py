import numpy as np
import pytest

from nbsupport.bandlimit import key_points


@pytest.mark.parametrize(("step", "points"), [(0.065, 76), (0.08, 62), (0.065, 307)])
def test_key_points_hold_every_wave_below_the_cutoff(step, points):
    grid = (np.arange(points) - (points - 1) / 2) * step
    keys, expand = key_points(grid, 3.64, tolerance=1e-6)
    waves = np.exp(2j * np.pi * np.outer(grid, np.linspace(-1, 1, 777) * 3.64))
    assert len(keys) < 0.8 * points
    np.testing.assert_allclose(expand @ waves[keys], waves, rtol=0, atol=1e-5)


def test_key_points_of_a_fine_grid_are_hardly_more_than_the_waves_that_fit():
    grid = np.linspace(-0.3, 0.3, 500)
    keys, expand = key_points(grid, 9.0, tolerance=1e-12)
    assert 2 * 9.0 * 0.6 < len(keys) < 2 * 9.0 * 0.6 + 20
    waves = np.exp(2j * np.pi * np.outer(grid, np.linspace(-1, 1, 777) * 9.0))
    np.testing.assert_allclose(expand @ waves[keys], waves, rtol=0, atol=1e-10)


def test_points_coarser_than_the_waves_are_all_key_points():
    keys, expand = key_points(np.arange(41) * 0.12, 3.64, tolerance=1e-6)
    np.testing.assert_array_equal(keys, np.arange(41))
    np.testing.assert_array_equal(expand, np.eye(41))


def test_what_a_caller_does_to_its_answer_does_not_reach_the_next():
    grid = np.linspace(-0.3, 0.3, 50)
    first = key_points(grid, 9.0, tolerance=1e-6)
    kept = [answer.copy() for answer in first]
    for answer in first:
        answer[:] = 0
    for answer, expected in zip(key_points(grid, 9.0, tolerance=1e-6), kept, strict=True):
        np.testing.assert_array_equal(answer, expected)
