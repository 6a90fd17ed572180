import numpy as np
import pytest
from scipy import ndimage
from scipy.special import j0, j1

from nbsupport.optics import Optics
from nbsupport.simulate.acquisition import acquire
from nbsupport.simulate.planar import KINDS, REACH_UM, planar, point_spread_kernel

OPTICS = Optics(numerical_aperture=1.4, wavelength_um=0.6)


@pytest.mark.parametrize("kind", KINDS)
def test_object_and_image_hold_the_same_light(kind):
    field = planar(kind, OPTICS, rng=np.random.default_rng(0), pixels=96)
    assert float(field.light.max()) == 1
    assert float(field.light.sum()) == pytest.approx(float(field.object.sum()), rel=0.05)


def test_the_image_of_a_point_is_that_of_the_full_simulator_up_to_a_sixth_of_a_pixel():
    field = planar("points and lines", OPTICS, rng=np.random.default_rng(1), pixels=96)
    y, x = field.attrs["points"][8]
    at_um = np.array([[(x - 47.5) * 0.1, (y - 47.5) * 0.1, 0.0]])
    image = acquire(at_um, np.ones((1, 1)), OPTICS, pixel_um=0.1, field_um=9.6).values[0]
    near = np.ix_(round(y) + np.arange(-5, 6), round(x) + np.arange(-5, 6))
    found, full = (a[near] / a[near].sum() for a in (field.light.values, image))
    centres = np.array([ndimage.center_of_mass(a) for a in (found, full)])
    assert np.abs(centres[0] - centres[1]).max() < 1 / 6
    moved = ndimage.shift(found, centres[1] - centres[0], order=3)
    np.testing.assert_allclose(moved, full, atol=0.04 * full.max())


def test_points_and_lines_stand_where_the_attributes_say():
    field = planar("points and lines", OPTICS, rng=np.random.default_rng(2), pixels=96)
    for y, x in field.attrs["points"][:5]:
        around = field.object.values[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
        assert around.sum() > 0.95 * field.object.values[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5].sum()
    for column in field.attrs["lines"]:
        assert (
            abs(int(field.object.values[:, 60:].sum(axis=0).argmax()) + 60 - column) <= 1
            or len(field.attrs["lines"]) > 1
        )


def test_the_point_spread_function_sums_to_one_and_peaks_in_the_middle():
    kernel = point_spread_kernel(OPTICS, 0.1)
    assert kernel.sum() == pytest.approx(1)
    assert np.unravel_index(kernel.argmax(), kernel.shape) == (12, 12)


@pytest.mark.parametrize("pixel_um", [0.1, 0.1 / 3, 0.02])
def test_the_point_spread_function_reaches_equally_far_on_every_grid(pixel_um):
    kernel = point_spread_kernel(OPTICS, pixel_um)
    assert len(kernel) * pixel_um == pytest.approx(2 * REACH_UM, abs=1.5 * pixel_um)


def test_the_light_within_a_radius_is_that_of_an_airy_pattern():
    fine = 0.02
    axis = fine * (np.arange(len(kernel := point_spread_kernel(OPTICS, fine))) - len(kernel) // 2)
    radius = np.hypot(axis, axis[:, None])
    within = [kernel[radius < r].sum() for r in (0.4, 0.8)]
    v = 2 * np.pi * OPTICS.numerical_aperture / OPTICS.wavelength_um * np.array([0.4, 0.8])
    airy = 1 - j0(v) ** 2 - j1(v) ** 2
    # Equal shares of what the window holds: the kernel is normalised within it.
    assert within[0] / within[1] == pytest.approx(airy[0] / airy[1], rel=0.02)


def test_equal_streams_draw_equal_fields():
    first, again = (planar("rings", OPTICS, rng=np.random.default_rng(3), pixels=32) for _ in range(2))
    np.testing.assert_array_equal(first.light, again.light)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind='squares'"):
        planar("squares", OPTICS, rng=np.random.default_rng(0), pixels=32)
