import numpy as np
import pytest
import xarray as xr

from nbsupport.assess.connections import Connections, connections, joined

AXIS = (np.arange(61) - 30) * 0.1


def two_spots(distance_um, sd_um=0.3, second=1.0):
    """Two Gaussian spots on the x axis."""
    y, x = np.meshgrid(AXIS, AXIS, indexing="ij")
    spots = [
        np.exp(-(y**2 + (x - side * distance_um / 2) ** 2) / 2 / sd_um**2) * height
        for side, height in ((-1, 1.0), (1, second))
    ]
    return xr.DataArray(sum(spots), dims=("y", "x"), coords={"y": AXIS, "x": AXIS})


def anchors(distance_um):
    return np.array([[[0.0, -distance_um / 2], [0.0, distance_um / 2]]])


@pytest.mark.parametrize("distance_um", [0.6, 0.7, 0.8, 1.0, 1.2])
def test_two_gaussians_are_joined_where_the_saddle_between_them_is_above_the_level(distance_um):
    saddle = 2 * np.exp(-((distance_um / 2) ** 2) / 2 / 0.3**2)
    peak = 1 + np.exp(-(distance_um**2) / 2 / 0.3**2)
    assert joined(two_spots(distance_um), anchors(distance_um), level=0.5)[0] == (saddle / peak > 0.5)


def test_the_dimmer_of_the_two_sets_the_threshold():
    bright, dim = two_spots(1.0), two_spots(1.0, second=0.2)
    assert not joined(bright, anchors(1.0))[0]
    assert joined(dim, anchors(1.0))[0]


def test_a_scale_of_intensity_changes_nothing():
    image = two_spots(0.7)
    assert joined(image, anchors(0.7))[0] == joined(1000 * image, anchors(0.7))[0]


def test_a_merge_and_a_split_are_counted_against_the_truth():
    apart, one = two_spots(1.2), two_spots(0.5)
    points = np.concatenate([anchors(1.2)])
    assert connections(one + 0.3, apart, points, np.array([False])) == Connections(1, 0, 1, 0)
    assert connections(apart, one + 0.3, points, np.array([True])) == Connections(0, 1, 0, 1)


def test_a_gap_that_the_noise_free_image_does_not_show_is_not_held_against_the_denoiser():
    one = two_spots(0.5)
    assert connections(one, one, anchors(0.5), np.array([False])) == Connections(0, 0, 0, 0)


def test_rates_of_sums_are_counts_over_counts():
    total = Connections(3, 2, 1, 0) + Connections(1, 0, 1, 0)
    assert total.merge_rate == 0.5
    assert total.split_rate == 0


def test_a_point_outside_the_image_is_refused():
    with pytest.raises(ValueError, match="outside"):
        joined(two_spots(1.0), anchors(9.0))
