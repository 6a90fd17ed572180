"""Scenes, blinks and their means, against geometry and the Poisson law."""

import numpy as np
import pytest
from scipy import stats

from nbsupport.simulate.blinks import (
    KINDS,
    SceneRules,
    blinks,
    density_per_um2,
    draw_counts,
    expected_counts,
    field_of,
    point_cloud,
    scene,
)

ALONE = {"per_um2": 0.01}  # one primitive in any field of the tests


def rng(seed=0):
    return np.random.default_rng(seed)


def one_shape(kind, seed=0):
    """A scene with one primitive that lies inside its field as a whole."""
    rules = SceneRules(kinds=(kind,), length_um=(0.5, 0.6), **ALONE)
    for attempt in range(seed, seed + 100):
        drawn = scene(rng=rng(attempt), field_um=2.56, rules=rules)
        border = np.concatenate([drawn.structure[edge] for edge in (0, -1)] + [drawn.structure[:, e] for e in (0, -1)])
        if not border.any():
            return drawn, drawn.primitives[0]
    raise AssertionError("every shape touched the border")


def area_um2(shape):
    first, second = shape.size_um
    length = np.linalg.norm(np.diff(shape.centre_line_um, axis=0), axis=1).sum() if shape.kind == "B-spline" else first
    return {
        "line": first * second,
        "B-spline": length * second,
        "circle": np.pi * first**2,
        "ellipse": np.pi * first * second,
        "ring": 2 * np.pi * first * second,
    }[shape.kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_painted_shape_covers_its_area(kind):
    drawn, shape = one_shape(kind)
    assert drawn.structure.sum() * 0.002**2 == pytest.approx(area_um2(shape), rel=0.04)


def test_a_b_spline_is_painted_without_holes_and_as_thick_as_it_says():
    drawn, shape = one_shape("B-spline")
    away = np.linalg.norm(
        np.argwhere(drawn.structure)[:, None] * 0.002 + 0.001 - shape.centre_line_um[None, ::20], axis=2
    ).min(axis=1)
    assert away.max() < shape.size_um[1] / 2 + 0.004
    middle = np.floor(shape.centre_line_um / 0.002).astype(int)
    assert drawn.structure[middle[:, 0], middle[:, 1]].all()


def test_a_b_spline_begins_and_ends_on_its_control_polygon_whose_length_bounds_it():
    _, shape = one_shape("B-spline")
    length = np.linalg.norm(np.diff(shape.centre_line_um, axis=0), axis=1).sum()
    ends = np.linalg.norm(shape.centre_line_um[-1] - shape.centre_line_um[0])
    assert ends <= length <= shape.size_um[0] * (1 + 1e-9)


def test_a_scene_shows_every_kind_and_labels_it():
    drawn = scene(rng=rng(), rules=SceneRules(per_um2=10.0))
    assert {shape.kind for shape in drawn.primitives} == set(KINDS)
    assert set(np.unique(drawn.kinds)) == set(range(len(KINDS) + 1))


def test_the_same_stream_draws_the_same_scene():
    assert scene(rng=rng(3), field_um=0.64).kinds.equals(scene(rng=rng(3), field_um=0.64).kinds)


def test_the_number_of_blinks_is_poisson_with_the_stated_density_over_the_field():
    drawn = scene(rng=rng(), field_um=0.64)
    numbers = [blinks(drawn, density_per_um2=1e3, error_um=0.0, rng=rng(i)).sizes["blink"] for i in range(300)]
    mean = 1e3 * 0.64**2
    assert np.mean(numbers) == pytest.approx(mean, abs=4 * np.sqrt(mean / 300))
    assert np.var(numbers) == pytest.approx(mean, rel=0.35)


def test_over_the_structure_a_density_gives_fewer_blinks_by_the_coverage():
    drawn = scene(rng=rng())
    number = blinks(drawn, density_per_um2=1e4, error_um=0.0, rng=rng(), over="structure").sizes["blink"]
    mean = 1e4 * drawn.coverage * 2.56**2
    assert number == pytest.approx(mean, abs=5 * np.sqrt(mean))


def test_without_error_blinks_lie_on_the_structure_and_fill_its_cells_evenly():
    drawn = scene(rng=rng(), field_um=0.64)
    cloud = blinks(drawn, density_per_um2=1e5, error_um=0.0, rng=rng())
    cells = np.floor(np.stack([cloud.y, cloud.x]) / 0.002).astype(int)
    assert drawn.structure[cells[0], cells[1]].all()
    counts = np.bincount(np.ravel_multi_index(cells, drawn.structure.shape), minlength=drawn.structure.size)
    counts = counts[drawn.cells]
    assert stats.chisquare(counts.reshape(-1)[: counts.size // 50 * 50].reshape(50, -1).sum(axis=1)).pvalue > 1e-3


def test_the_error_moves_blinks_by_its_standard_deviation_on_either_axis():
    rules = SceneRules(kinds=("circle",), radius_um=(0.002, 0.002), **ALONE)
    drawn = scene(rng=rng(0), field_um=0.64, rules=rules)
    cloud = blinks(drawn, density_per_um2=1e5, error_um=0.02, rng=rng())
    middle = drawn.primitives[0].centre_um
    assert min(*middle, *(0.64 - at for at in middle)) > 5 * 0.02
    for values, centre in zip((cloud.y, cloud.x), middle, strict=True):
        assert float(values.std()) == pytest.approx(0.02, rel=0.02)
        assert float(values.mean()) == pytest.approx(centre, abs=0.002)


@pytest.mark.parametrize("error_um", [0.0, 0.001, 0.005, 0.02])
def test_expected_counts_are_the_mean_of_rendered_blinks(error_um):
    drawn = scene(rng=rng(2), field_um=0.64)
    expected = expected_counts(drawn, density_per_um2=2e3, error_um=error_um)
    edges = np.linspace(0, 0.64, 65)
    total = np.zeros((64, 64))
    for i in range(200):
        cloud = blinks(drawn, density_per_um2=2e3, error_um=error_um, rng=rng(i))
        total += np.histogram2d(cloud.y, cloud.x, bins=(edges, edges))[0]
    mean = 200 * expected.values
    assert total.sum() == pytest.approx(mean.sum(), abs=5 * np.sqrt(mean.sum()))
    seen = mean > 5
    assert np.mean((total[seen] - mean[seen]) ** 2 / mean[seen]) == pytest.approx(1, abs=0.15)
    assert not total[mean == 0].any()


def test_two_million_blinks_are_two_hundred_per_pixel_of_10_nm_and_1900_are_019():
    drawn = scene(rng=rng())
    for density, mean in ((2e6, 200.0), (1e4, 1.0), (1.9e3, 0.19)):
        assert float(expected_counts(drawn, density_per_um2=density, error_um=0.0).mean()) == pytest.approx(mean)


def test_counts_drawn_from_the_mean_are_poisson():
    expected = expected_counts(scene(rng=rng(), field_um=0.64), density_per_um2=1e4, error_um=0.005)
    drawn = np.stack([draw_counts(expected, rng=rng(i)).values for i in range(400)])
    seen = expected.values > 1
    assert np.mean(drawn.var(axis=0)[seen] / expected.values[seen]) == pytest.approx(1, abs=0.02)


def test_density_counts_empty_parts_of_the_field():
    cloud = point_cloud([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], field_um=((0, 1), (0, 3)), frame=[0, 1, 2])
    assert density_per_um2(cloud) == pytest.approx(1.0)
    assert field_of(cloud) == ((0, 1), (0, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: point_cloud([100.0], [0.1], field_um=((0, 1), (0, 1))), "lies outside field_um"),
        (lambda: point_cloud([0.1], [0.1], field_um=((0, 2560), (0, 2560))), "not nanometres"),
        (lambda: point_cloud([0.1], [0.1, 0.2], field_um=((0, 1), (0, 1))), "one common length"),
        (lambda: point_cloud([np.nan], [0.1], field_um=((0, 1), (0, 1))), "y_um must be finite"),
        (lambda: scene(rng=rng(), field_um=0.6411), "whole number of cells"),
        (lambda: SceneRules(kinds=("square",)), "must be some of"),
        (lambda: SceneRules(thickness_um=(10, 50)), "range in micrometres"),
        (lambda: blinks(scene(rng=rng()), density_per_um2=1e4, error_um=5.0, rng=rng()), "give micrometres, 0.005"),
        (lambda: blinks(scene(rng=rng()), density_per_um2=1e4, error_um=0.0, rng=rng(), over="fov"), "give one of"),
        (
            lambda: expected_counts(scene(rng=rng()), density_per_um2=1.0, error_um=0, pixel_um=0.003),
            "divides the field",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
