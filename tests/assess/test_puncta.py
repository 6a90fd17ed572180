import numpy as np
import pytest

from nbsupport.assess.puncta import axis_ratios, detect

POINTS = np.array([[12.0, 12.0], [12.3, 40.6], [40.0, 25.2]])


def image_of(points, sd=(1.5, 1.5), angle=0.0):
    y, x = np.mgrid[:56, :56]
    turned = [
        ((y - a) * np.cos(angle) + (x - b) * np.sin(angle), (x - b) * np.cos(angle) - (y - a) * np.sin(angle))
        for a, b in points
    ]
    return sum(np.exp(-(u**2 / sd[0] ** 2 + v**2 / sd[1] ** 2) / 2) for u, v in turned)


def test_every_punctum_of_a_clean_image_is_found():
    assert detect(image_of(POINTS), POINTS) == (1, 1, 1)


def test_precision_and_recall_are_counted_by_hand():
    shown = np.array([[12.0, 12.0], [40.0, 25.0], [30.0, 50.0], [50.0, 5.0]])
    found = detect(image_of(shown), POINTS)
    assert (found.precision, found.recall) == (pytest.approx(2 / 4), pytest.approx(2 / 3))
    assert found.f1 == pytest.approx(2 * 2 / (4 + 3))


def test_a_black_image_shows_none():
    assert detect(np.zeros((56, 56)), POINTS).f1 == 0


def test_round_spots_have_the_ratio_one():
    np.testing.assert_allclose(axis_ratios(image_of(POINTS), POINTS), 1, atol=0.15)


@pytest.mark.parametrize("angle", [0.0, 0.6, 1.2])
def test_an_ellipse_has_the_ratio_of_its_axes_whichever_way_it_lies(angle):
    found = axis_ratios(image_of(POINTS, sd=(1.6, 0.8), angle=angle), POINTS, level=0.1)
    np.testing.assert_allclose(found, 2, rtol=0.15)


def test_puncta_that_touch_or_lie_at_the_border_are_left_out():
    points = np.array([[12.0, 12.0], [14.0, 12.0], [1.0, 40.0], [40.0, 40.0]])
    assert len(axis_ratios(image_of(points), points)) == 1
