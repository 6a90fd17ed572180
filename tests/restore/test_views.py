"""Windows on a field: inside it, invertible, and the same for blinks and structure."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbsupport.restore.views import View
from nbsupport.simulate.blinks import blinks, scene

FIELD = ((0.0, 2.56), (0.0, 2.56))


def rng(seed=0):
    return np.random.default_rng(seed)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_a_view_lies_inside_its_field_and_its_two_maps_undo_each_other(seed):
    view = View.drawn(FIELD, 0.64, rng=rng(seed))
    corners = np.array([[0, 0, 0.64, 0.64], [0, 0.64, 0, 0.64]])
    field = np.stack(view.out_of(*corners))
    assert field.min() >= -1e-9
    assert field.max() <= 2.56 + 1e-9
    assert np.stack(view.into(*field)) == pytest.approx(corners, abs=1e-9)
    distance = np.linalg.norm(field[:, :, None] - field[:, None], axis=0)
    assert distance == pytest.approx(np.linalg.norm(corners[:, :, None] - corners[:, None], axis=0), abs=1e-9)


def test_a_window_that_cannot_turn_in_its_field_is_refused():
    with pytest.raises(ValueError, match="must fit into field_um"):
        for seed in range(20):
            View.drawn(((0, 0.8), (0, 0.8)), 0.64, rng=rng(seed))


def test_an_untouched_view_shows_the_field_as_it_is():
    drawn = scene(rng=rng(), field_um=0.64)
    view = View((0.32, 0.32), 0.0, (False, False), 0.64)
    assert np.array_equal(view.scene(drawn).kinds.values, drawn.kinds.values)
    assert np.stack(view.into(np.array([0.1]), np.array([0.5]))).ravel() == pytest.approx([0.1, 0.5])


def test_a_view_turned_by_a_right_angle_shows_what_numpy_rot90_shows():
    drawn = scene(rng=rng(), field_um=0.64)
    views = [
        View((0.32, 0.32), quarter * np.pi / 2, (False, False), 0.64).scene(drawn).kinds.values for quarter in (1, 3)
    ]
    turned = [np.rot90(drawn.kinds.values, k) for k in (1, 3)]
    assert all(any(np.mean(view != turn) < 0.01 for turn in turned) for view in views)
    assert np.mean(views[0] != views[1]) > 0.05


def test_a_view_shows_blinks_and_structure_at_the_same_places():
    drawn = scene(rng=rng(4), field_um=1.28)
    cloud = blinks(drawn, density_per_um2=2e4, error_um=0.0, rng=rng())
    view = View.drawn(drawn.field_um, 0.64, rng=rng(1))
    y, x = view.into(cloud.y.values, cloud.x.values)
    inside = (y >= 0) & (y < 0.64) & (x >= 0) & (x < 0.64)
    cells = (np.stack([y, x])[:, inside] / 0.002).astype(int)
    on = view.scene(drawn).structure[cells[0], cells[1]]
    assert inside.sum() > 500
    assert on.mean() > 0.93  # cells at a rim, read at the nearest place, are the rest
