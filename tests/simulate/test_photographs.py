import numpy as np
import pytest

from nbsupport.simulate.photographs import dead_leaves


def pictures(count, side):
    return [dead_leaves(side, rng=np.random.default_rng(i)) for i in range(count)]


def test_power_falls_with_frequency_as_in_photographs():
    window = np.outer(*2 * [np.hanning(96)])
    power = np.mean([np.abs(np.fft.fft2((p - p.mean()) * window)) ** 2 for p in pictures(24, 96)], axis=0)
    frequency = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(96)]))
    edges = np.geomspace(0.03, 0.3, 8)
    rings = [power[(low <= frequency) & (frequency < high)].mean() for low, high in zip(edges, edges[1:], strict=False)]
    slope = np.polyfit(np.log(edges[1:] * edges[:-1]) / 2, np.log(rings), 1)[0]
    assert -2.9 < slope < -1.8  # photographs: about -2, steeper for discs of one grey each


def test_two_pixels_differ_mostly_where_an_edge_lies_between_them():
    steps = np.concatenate([np.abs(np.diff(p, axis=1)).ravel() for p in pictures(8, 64)])
    assert np.mean(steps == 0) > 0.7
    assert steps.max() > 0.9


def test_grey_values_are_uniform():
    picture = dead_leaves(200, rng=np.random.default_rng(3), largest_px=8.0)
    np.testing.assert_allclose(np.quantile(picture, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.05)


def test_the_same_stream_gives_the_same_picture():
    np.testing.assert_array_equal(*(dead_leaves(16, rng=np.random.default_rng(1)) for _ in range(2)))


@pytest.mark.parametrize("radii", [{"smallest_px": 0.0}, {"smallest_px": 5.0, "largest_px": 4.0}])
def test_radii_out_of_order_are_refused(radii):
    with pytest.raises(ValueError, match="smallest_px"):
        dead_leaves(16, rng=np.random.default_rng(0), **radii)
