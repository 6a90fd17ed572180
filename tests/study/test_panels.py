import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from nbsupport.study.panels import decades, draw_image, line_profile, percentile_limits


@pytest.fixture
def ramp():
    """An image whose value is y + 10 x, in µm."""
    y, x = (np.arange(40) + 0.5) * 0.05, (np.arange(60) + 0.5) * 0.05
    return xr.DataArray(y[:, None] + 10 * x, dims=("y", "x"), coords={"y": y, "x": x})


def test_the_scale_bar_has_its_length_in_the_coordinates_of_the_image(ramp):
    figure, axes = plt.subplots()
    draw_image(axes, ramp, scale_bar_um=1.5)
    bar = axes.lines[0].get_xdata()
    assert bar[1] - bar[0] == pytest.approx(1.5)
    assert axes.images[0].get_extent() == pytest.approx((0, 3, 2, 0))
    plt.close(figure)


def test_the_scale_bar_of_a_strip_lies_inside_it_with_its_whole_thickness(ramp):
    figure, axes = plt.subplots(figsize=(2, 2))
    draw_image(axes, ramp.isel(y=slice(4)), scale_bar_um=0.5)
    axes.apply_aspect()
    height_px = axes.get_window_extent().height
    bar_px = axes.transAxes.inverted().transform(axes.transData.transform([(0, axes.lines[0].get_ydata()[0])]))[0, 1]
    thickness = axes.lines[0].get_linewidth() / 72 * figure.dpi / height_px
    assert thickness / 2 < bar_px < 1 - thickness / 2
    plt.close(figure)


def test_a_bar_longer_than_the_image_is_refused(ramp):
    figure, axes = plt.subplots()
    with pytest.raises(ValueError, match="scale_bar_um=5"):
        draw_image(axes, ramp, scale_bar_um=5)
    plt.close(figure)


def test_a_profile_through_a_linear_image_is_linear(ramp):
    profile = line_profile(ramp, (0.5, 0.5), (1.5, 2.5), points=5)
    assert profile.values == pytest.approx(np.linspace(0.5 + 5.0, 1.5 + 25.0, 5))
    assert float(profile.distance_um[-1]) == pytest.approx(np.hypot(1, 2))


def test_logarithmic_limits_are_shared_and_refuse_images_without_light(ramp):
    norm = decades([ramp, 10 * ramp], 3)
    assert norm.vmax == pytest.approx(10 * float(ramp.max()))
    assert norm.vmin == pytest.approx(norm.vmax / 1000)
    with pytest.raises(ValueError, match="positive"):
        decades([0 * ramp], 3)


def test_the_saturated_view_ends_at_its_percentile(ramp):
    assert percentile_limits(ramp, high=50).vmax == pytest.approx(float(ramp.median()))
