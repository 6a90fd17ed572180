import numpy as np
import pytest
from scipy import ndimage

from nbsupport.simulate.calcium import calcium_movie
from nbsupport.simulate.nuclei import nuclei


def test_a_trace_decays_with_its_time_constant():
    movie = calcium_movie(rng=np.random.default_rng(0), frames=200, pixels=32, spikes_per_frame=0, decay_frames=10)
    for trace in movie.traces.values - 1:
        start = trace.argmax()
        assert trace[start + 10] / trace[start] == pytest.approx(np.exp(-1), rel=1e-6)


def test_no_cell_is_silent():
    movie = calcium_movie(rng=np.random.default_rng(1), frames=16, pixels=32, spikes_per_frame=0)
    assert (np.ptp(movie.traces.values, axis=1) > 0).all()


def test_a_movie_follows_the_traces_where_cells_do_not_overlap():
    movie = calcium_movie(rng=np.random.default_rng(2), frames=60, pixels=64, cells=1)
    footprint = movie.footprints.values[0]
    y, x = np.unravel_index(footprint.argmax(), footprint.shape)
    assert np.corrcoef(movie.light.values[:, y, x], movie.traces.values[0])[0, 1] == pytest.approx(1)


def test_nuclei_are_numbered_and_bright():
    field = nuclei(rng=np.random.default_rng(0), pixels=96)
    labels = field.labels.values
    assert set(np.unique(labels)) == set(range(labels.max() + 1))
    inside = ndimage.binary_erosion(labels > 0, iterations=2)
    outside = ndimage.binary_erosion(labels == 0, iterations=3)
    assert field.light.values[inside].mean() > 20 * field.light.values[outside].mean()


def test_nuclei_have_the_size_that_was_asked_for():
    field = nuclei(rng=np.random.default_rng(1), pixels=128, radius_um=(3.0, 3.0), count=10)
    areas = np.bincount(field.labels.values.ravel())[1:] * 0.5**2
    assert np.median(areas) == pytest.approx(np.pi * 3.0**2 * 0.82, rel=0.25)
