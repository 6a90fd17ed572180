"""The outer edge of a tube, against Gaussian ridges whose edge is known."""

import numpy as np
import pytest
import xarray as xr

from nbsupport.assess.artefacts.edges import wall_edge_um
from nbsupport.simulate.structures import Curve, Sample, Tube

RADIUS_UM, PIXEL_UM = 0.15, 0.005
TUBE = Tube(Curve([np.array([-0.8, 0.0, 0.0]), np.array([0.8, 0.0, 0.0])]), RADIUS_UM)
SAMPLE = Sample("mitochondria", np.zeros((0, 3)), np.zeros(0, dtype=int), (TUBE,))


def walls(profile):
    """Image of a straight tube along x whose two walls have the given profile over the distance from the wall."""
    centres = (np.arange(400) - 199.5) * PIXEL_UM
    across = profile(centres - RADIUS_UM) + profile(-centres - RADIUS_UM)
    return xr.DataArray(np.tile(across[:, None], 400), dims=("y", "x"), coords={"y": centres, "x": centres})


@pytest.mark.parametrize("sigma_um", [0.03, 0.05])
def test_a_gaussian_wall_falls_from_80_to_20_percent_over_its_analytic_width(sigma_um):
    found = wall_edge_um(SAMPLE, walls(lambda d: np.exp(-(d**2) / (2 * sigma_um**2)) * (d > -RADIUS_UM)))
    expected = sigma_um * (np.sqrt(2 * np.log(5)) - np.sqrt(2 * np.log(1.25)))
    assert found == pytest.approx(expected, rel=0.03)


def test_the_edge_does_not_depend_on_the_scale_of_intensity():
    image = walls(lambda d: np.exp(-(d**2) / (2 * 0.04**2)))
    assert wall_edge_um(SAMPLE, 7 * image) == pytest.approx(wall_edge_um(SAMPLE, image))


def test_an_edge_that_never_falls_reaches_to_the_end_of_the_profile():
    image = walls(lambda d: np.where(d >= -RADIUS_UM, 1.0, 0.0) * np.exp(-np.maximum(0, -d) / 0.01))
    found = wall_edge_um(SAMPLE, image, margin_um=0.3)
    assert found == pytest.approx(0.0, abs=1e-9)


def test_a_black_image_has_no_edge():
    assert np.isnan(wall_edge_um(SAMPLE, walls(np.zeros_like)))
