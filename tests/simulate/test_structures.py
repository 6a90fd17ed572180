"""Structures against geometry: densities, distances, uniformity; 4.9 standard errors miss once in a million."""

import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar
from scipy.spatial import KDTree

from nbsupport.simulate import structures
from nbsupport.simulate.structures import Ball, Curve, CurveRules, Filament, Sample, Tube, Vesicle

CONFIDENCE = 4.9
KINDS = ["actin", "mitochondria", "vesicles", "microtubules", "curved_lines", "lysosomes", "endoplasmic_reticulum"]
ROOMY = ((-50.0, 50.0), (-50.0, 50.0), (-50.0, 50.0))


def arc_of_circle(radius_um, angle, n=400):
    """Control points so close together, and so unevenly spaced, that the spline is a circle to about 1e-8."""
    phi = angle * np.linspace(0, 1, n) ** 1.5
    return Curve(np.column_stack([radius_um * np.cos(phi), radius_um * np.sin(phi), np.zeros(n)]))


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind, least, most", [("actin", 3, 10), ("mitochondria", 1, 4), ("vesicles", 10, 30)])
def test_objects_are_as_many_as_published_with_equal_chances(kind, least, most):
    """jadhav2021, section 2.1 A1; chi-square over all numbers."""
    quick = {"vesicles": {"density_per_um2": 0}, "mitochondria": {"density_per_um2": 0}, "actin": {"density_per_um": 0}}
    draws = 12 * (most - least + 1)
    stream = rng(1)
    if kind != "vesicles":
        quick[kind]["curves"] = CurveRules(points=(2, 2))
    counts = [len(getattr(structures, kind)(rng=stream, **quick[kind]).objects) for _ in range(draws)]
    observed = np.bincount(counts, minlength=most + 1)
    assert observed[:least].sum() == 0 and len(observed) == most + 1
    assert stats.chisquare(observed[least:]).pvalue > 1e-4


@pytest.mark.parametrize(
    "thing, density, expected",
    [
        (Filament(Curve([[-2, 0, 0], [2, 0, 0]])), 100, 100 * 4.0),
        (Tube(Curve([[-2, 0, 0], [2, 0, 0]]), 0.15), 500, 500 * 2 * np.pi * 0.15 * 4.0),
        (Tube(arc_of_circle(0.4, np.pi), 0.15), 500, 500 * 2 * np.pi * 0.15 * np.pi * 0.4),
        (Vesicle(np.zeros(3), 0.5), 2000, 2000 * np.pi),
        (Ball(np.zeros(3), 0.3), 5000, 5000 * 4 / 3 * np.pi * 0.027),
    ],
    ids=["filament", "straight tube", "bent tube", "vesicle", "ball"],
)
def test_emitter_numbers_are_poisson_with_density_times_measure(thing, density, expected):
    stream = rng(2)
    counts = np.array(
        [len(Sample.labelled("test", [thing], density, box_um=ROOMY, rng=stream).emitters_um) for _ in range(400)]
    )
    assert counts.mean() == pytest.approx(expected, abs=CONFIDENCE * np.sqrt(expected / 400))
    dispersion = counts.var(ddof=1) / expected * 399
    assert 1e-6 < stats.chi2.cdf(dispersion, 399) < 1 - 1e-6


@pytest.mark.parametrize(
    "kind, density, measure",
    [
        ("actin", 100, lambda thing: thing.length_um),
        ("mitochondria", 500, lambda thing: 2 * np.pi * 0.15 * thing.length_um),
        ("vesicles", 2000, lambda thing: 4 * np.pi * thing.radius_um**2),
    ],
)
def test_whole_samples_carry_the_published_density(kind, density, measure):
    """Emitters of objects that lie well inside the box, where none was dropped."""
    found = expected = 0.0
    for seed in range(25):
        sample = structures.sample(kind, rng=rng(seed))
        for index, thing in enumerate(sample.objects):
            reach = getattr(thing, "radius_um", 0.0)
            line = thing.centre_line if isinstance(thing, Filament) else thing.centre[None]
            if np.all(np.abs(line) + reach < [2.5, 2.5, 0.5]):
                found += np.sum(sample.owner == index)
                expected += density * measure(thing)
    assert expected > 5_000
    assert found == pytest.approx(expected, abs=CONFIDENCE * np.sqrt(expected))


def test_a_curve_passes_through_its_control_points_from_first_to_last():
    points = rng(3).normal(size=(5, 3))
    curve = Curve(points)
    ends = curve.points(np.array([0.0, curve.length_um]))
    np.testing.assert_allclose(ends, points[[0, -1]], atol=1e-7)
    dense = curve.points(curve.sampled(1e-4))
    for point in points:
        assert np.linalg.norm(dense - point, axis=1).min() < 1e-4


def test_a_curve_knows_the_length_and_the_bend_of_a_circle():
    curve = arc_of_circle(0.7, 2.0)
    assert curve.length_um == pytest.approx(1.4, rel=1e-7)
    arc = np.linspace(0.2, 1.2, 50)
    np.testing.assert_allclose(curve.points(arc)[:, 0], 0.7 * np.cos(arc / 0.7), atol=1e-6)
    centre = curve.points(arc) + curve.curvatures(arc) * 0.7**2
    np.testing.assert_allclose(centre, 0, atol=1e-3)


def test_filament_emitters_are_uniform_in_arc_length():
    """Angles on a circle whose control points crowd at one end (Kolmogorov–Smirnov)."""
    x, y, _ = Filament(arc_of_circle(1.0, 3.0)).place(20_000, rng=rng(4)).T
    assert stats.kstest(np.arctan2(y, x) / 3.0, "uniform").pvalue > 0.001


def test_actin_emitters_are_uniform_along_a_random_curve():
    """Positions are matched to a polyline of 0.1 nm steps that is measured by its chords."""
    filament = structures.actin(rng=rng(5), count=1, density_per_um=0).objects[0]
    line = filament.curve.points(filament.curve.sampled(1e-4))
    travelled = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    emitters = filament.place(2_000, rng=rng(6))
    _, nearest = KDTree(line).query(emitters)
    assert stats.kstest(travelled[nearest] / travelled[-1], "uniform").pvalue > 0.001


@pytest.mark.parametrize("kind", ["actin", "mitochondria"])
def test_no_curve_is_longer_than_five_micrometres_or_bends_sharper_than_150_nm(kind):
    lengths = []
    for seed in range(15):
        for thing in structures.sample(kind, rng=rng(seed)).objects:
            lengths.append(thing.length_um)
            assert 3 <= len(thing.curve.control_points) <= 6
            a, b, c = thing.centre_line[:-2], thing.centre_line[1:-1], thing.centre_line[2:]
            sides = [np.linalg.norm(p - q, axis=1) for p, q in ((a, b), (b, c), (c, a))]
            doubled_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
            assert np.min(np.prod(sides, axis=0) / np.maximum(2 * doubled_area, 1e-12)) > 0.15 * 0.99
    assert 4.9 < max(lengths) <= 5 + 1e-9 and min(lengths) > 0.5


def distance_to_spline(point, control_points):
    """Least distance to the natural cubic spline over chord length, without this package."""
    chord = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(control_points, axis=0), axis=1))])
    spline = CubicSpline(chord, control_points, bc_type="natural")
    u = np.linspace(0, chord[-1], 2001)
    squared = np.sum((spline(u) - point) ** 2, axis=1)
    at = np.argmin(squared)
    lower, upper = u[max(at - 1, 0)], u[min(at + 1, 2000)]
    found = minimize_scalar(
        lambda v: np.sum((spline(v) - point) ** 2), bounds=(lower, upper), method="bounded", options={"xatol": 1e-10}
    )
    return np.sqrt(min(found.fun, squared[at]))


def test_every_mitochondrion_emitter_is_150_nm_from_its_centre_line():
    checked = 0
    for seed in range(6):
        sample = structures.mitochondria(rng=rng(seed), density_per_um2=20)
        for emitter, owner in zip(sample.emitters_um, sample.owner, strict=True):
            distance = distance_to_spline(emitter, sample.objects[owner].curve.control_points)
            assert distance == pytest.approx(0.15, abs=1e-9)
            checked += 1
    assert checked > 500


def test_a_bent_tube_carries_fewer_emitters_on_its_inside_as_a_torus_does():
    """On a torus the wall nearer to the axis than the centre line has 1/2 - radius / (π · bend radius) of the area."""
    n, bend, radius = 200_000, 0.25, 0.15
    emitters = Tube(arc_of_circle(bend, 3.0), radius).place(n, rng=rng(7))
    inside = np.mean(np.hypot(emitters[:, 0], emitters[:, 1]) < bend)
    share = 0.5 - radius / (np.pi * bend)
    assert inside == pytest.approx(share, abs=CONFIDENCE * np.sqrt(share * (1 - share) / n))


def test_tube_emitters_are_uniform_in_area_around_and_along_a_bend():
    """Distribution over the angle around the centre line, and over the angle along it (Kolmogorov–Smirnov)."""
    bend, radius = 0.25, 0.15
    x, y, z = Tube(arc_of_circle(bend, 3.0), radius).place(20_000, rng=rng(8)).T
    around = np.arctan2(z, bend - np.hypot(x, y))  # 0 points to the centre of the bend
    area = lambda phi: 0.5 + (phi - radius / bend * np.sin(phi)) / (2 * np.pi)  # noqa: E731
    assert stats.kstest(around, area).pvalue > 0.001
    assert stats.kstest(np.arctan2(y, x) / 3.0, "uniform").pvalue > 0.001


def self_distance_um(line, radius_um=0.15):
    """Least distance between points of a line that lie more than half a turn of the tube apart along it."""
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    gap = np.linalg.norm(line[:, None] - line[None], axis=2)
    return gap[np.abs(arc[:, None] - arc) > np.pi * radius_um + 0.01].min()


def test_a_tube_never_touches_itself():
    """Long walks in a plane, whose curves as filaments of the same bend cross themselves."""
    winding = CurveRules(points=(12, 12), step_um=(0.7, 0.9), tilt_rad=0.0, longest_um=20.0)
    tubes = structures.mitochondria(rng=rng(19), count=6, curves=winding, density_per_um2=0)
    filaments = structures.actin(rng=rng(19), count=6, curves=winding, density_per_um=0)
    assert min(self_distance_um(line) for line in tubes.centre_lines()) > 0.3 - 1e-3
    assert min(self_distance_um(line) for line in filaments.centre_lines()) < 0.2


def test_vesicle_emitters_are_uniform_on_the_sphere():
    """Archimedes: heights are uniform; so are azimuths, independently (Kolmogorov–Smirnov)."""
    centre = np.array([1.0, -2.0, 0.3])
    offsets = (Vesicle(centre, 0.2).place(20_000, rng=rng(9)) - centre) / 0.2
    np.testing.assert_allclose(np.linalg.norm(offsets, axis=1), 1, atol=1e-12)
    azimuth = np.arctan2(offsets[:, 1], offsets[:, 0])
    assert stats.kstest((offsets[:, 2] + 1) / 2, "uniform").pvalue > 0.001
    assert stats.kstest(azimuth / (2 * np.pi) + 0.5, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(offsets[:, 2], azimuth)[0, 1]) < CONFIDENCE / np.sqrt(20_000)


def test_ball_emitters_fill_the_volume_evenly():
    """The cube of the distance from the centre is uniform (Kolmogorov–Smirnov)."""
    centre = np.array([0.5, 0.0, 0.1])
    distance = np.linalg.norm(Ball(centre, 0.3).place(20_000, rng=rng(10)) - centre, axis=1) / 0.3
    assert stats.kstest(distance**3, "uniform").pvalue > 0.001


def test_vesicle_radii_and_centres_are_uniform_in_the_published_ranges():
    vesicles = structures.vesicles(rng=rng(11), count=3_000, density_per_um2=0).objects
    radii = np.array([vesicle.radius_um for vesicle in vesicles])
    assert stats.kstest(radii, "uniform", args=(0.025, 0.475)).pvalue > 0.001
    for axis, half in enumerate((2.5, 2.5, 0.5)):
        centres = np.array([vesicle.centre[axis] for vesicle in vesicles])
        assert stats.kstest(centres, "uniform", args=(-half, 2 * half)).pvalue > 0.001


@pytest.mark.parametrize("kind", KINDS)
def test_every_structure_stays_in_the_box_and_every_emitter_has_an_owner(kind):
    for seed in range(3):
        sample = structures.sample(kind, rng=rng(seed))
        assert len(sample.emitters_um) > 300 and sample.emitters_um.dtype == np.float64
        assert np.all(np.abs(sample.emitters_um) <= [2.5, 2.5, 0.5])
        assert sample.owner.shape == (len(sample.emitters_um),)
        assert sample.owner.min() >= 0 and sample.owner.max() < len(sample.objects)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_gives_the_same_bits_and_another_seed_does_not(kind):
    one, two, other = (structures.sample(kind, rng=rng(seed)) for seed in (12, 12, 13))
    assert one.emitters_um.tobytes() == two.emitters_um.tobytes() and one.owner.tobytes() == two.owner.tobytes()
    assert one.emitters_um.tobytes() != other.emitters_um.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_render_counts_every_emitter_once(kind):
    sample = structures.sample(kind, rng=rng(14))
    image = sample.render(0.1)
    assert image.shape == (50, 50) and float(image.sum()) == len(sample.emitters_um)


def test_a_render_has_x_along_columns_and_y_along_rows():
    image = Sample("test", np.array([[1.03, -2.07, 0.0]]), np.zeros(1, int), ()).render(0.1)
    row, column = np.argwhere(image.values)[0]
    assert float(image.y[row]) == pytest.approx(-2.05) and float(image.x[column]) == pytest.approx(1.05)


@pytest.mark.parametrize("pixel_um, pixels", [(0.065, 76), (0.08, 62), (0.108, 46), (0.12, 41), (0.1, 50)])
def test_a_render_is_centred_whatever_the_pixel(pixel_um, pixels):
    image = structures.sample("actin", rng=rng(15)).render(pixel_um)
    assert image.dims == ("y", "x") and image.shape == (pixels, pixels)
    np.testing.assert_allclose(image.x + image.x.values[::-1], 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(image.y), pixel_um, rtol=1e-9)


def test_centre_lines_are_kept_for_lines_and_tubes_but_not_for_vesicles():
    actin = structures.actin(rng=rng(16), count=4)
    lines = actin.centre_lines()
    assert [line.shape[1] for line in lines] == [3, 3, 3, 3]
    for line, filament in zip(lines, actin.objects, strict=True):
        chords = np.linalg.norm(np.diff(line, axis=0), axis=1)
        assert chords.max() <= 0.01 and chords.sum() == pytest.approx(filament.length_um, rel=1e-3)
    assert structures.vesicles(rng=rng(16), count=2).centre_lines() == []


def test_curved_lines_stay_in_the_focal_plane():
    sample = structures.curved_lines(rng=rng(17))
    assert len(sample.objects) == 10 and not sample.emitters_um[:, 2].any()


def test_a_network_has_three_tubes_at_every_junction_inside_the_field():
    """Junctions of a Voronoi diagram in general position have degree 3."""
    tubes = structures.endoplasmic_reticulum(rng=rng(18), density_per_um2=0).objects
    ends = np.array([tube.curve.control_points[[0, -1]] for tube in tubes]).reshape(-1, 3).round(9)
    junctions, degree = np.unique(ends, axis=0, return_counts=True)
    inside = np.all(np.abs(junctions[:, :2]) < 2.5, axis=1)
    assert inside.sum() > 10 and set(degree[inside]) == {3}


def test_walls_of_the_box_hold_control_points_even_for_long_steps():
    rules = CurveRules(step_um=(2.0, 2.5), turn_rad=0.1, tilt_rad=0.5, longest_um=50.0)
    for seed in range(10):
        for thing in structures.actin(rng=rng(seed), count=3, curves=rules, density_per_um=0).objects:
            assert np.all(np.abs(thing.curve.control_points) <= [2.5, 2.5, 0.5])


@pytest.mark.parametrize(
    "wrong, near", [("actine", "actin"), ("vesicle", "vesicles"), ("Mitochondria", "mitochondria")]
)
def test_an_unknown_structure_is_refused_with_the_nearest_name(wrong, near):
    with pytest.raises(ValueError, match=f"kind='{wrong}' is not a structure; did you mean '{near}'"):
        structures.sample(wrong, rng=rng())


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: structures.actin(rng=rng(), count=-1), "count=-1 must be a whole number"),
        (lambda: structures.actin(rng=rng(), count=2.5), "count=2.5 must be a whole number"),
        (lambda: structures.actin(rng=rng(), density_per_um=-5), "density=-5 must be a finite number"),
        (lambda: structures.vesicles(rng=rng(), density_per_um2=np.nan), "density=nan must be a finite number"),
        (lambda: structures.vesicles(rng=rng(), radius_um=(25, 500)), "radius_um=25 looks like nanometres"),
        (lambda: structures.vesicles(rng=rng(), radius_um=(0.5, 0.1)), "smallest and a largest radius"),
        (lambda: structures.mitochondria(rng=rng(), radius_um=150), "radius_um=150 looks like nanometres; .*, 0.15"),
        (lambda: structures.mitochondria(rng=rng(), radius_um=0), "radius_um=0 must be above 0"),
        (lambda: structures.actin(rng=rng(), box_um=((0, 1), (0, 1))), "three finite pairs"),
        (lambda: structures.actin(rng=rng(), box_um=((-1, 1), (-1, 1), (0, 1))), "at most half the smaller side"),
        (lambda: CurveRules(points=(1, 3)), "points=.1, 3. must be"),
        (lambda: CurveRules(step_um=(0.0, 1.0)), "step_um=.0.0, 1.0. must be"),
        (lambda: CurveRules(turn_rad=-1), "turn_rad=-1 must not be negative"),
        (lambda: Curve(np.zeros((3, 2))), "control_points must be finite and of shape"),
        (lambda: Curve([[0, 0, 0], [0, 0, np.nan]]), "control_points must be finite"),
        (lambda: Curve([[0, 0, 0], [0, 0, 0]]), "control_points repeat a point"),
        (lambda: structures.sample("actin", rng=rng()).render(80), "pixel_um=80 looks like nanometres"),
        (lambda: structures.sample("actin", rng=rng()).render(0.1, 0.05), "field_um=0.05 holds no whole pixel"),
        (lambda: structures.sample("actin", rng=rng()).render(0.1, 5000), "field_um=5000 looks like nanometres"),
    ],
)
def test_bad_input_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_rules_that_no_curve_can_obey_are_refused(monkeypatch):
    monkeypatch.setattr("nbsupport.simulate.structures.walk._MOST_TRIES", 20)
    with pytest.raises(ValueError, match="no curve obeys .* with tube_radius_um=2.0"):
        structures.mitochondria(rng=rng(), radius_um=2.0)
