"""Reconstruction of a whole focal series, against the object that made it."""

import numpy as np
import pytest
import xarray as xr

from nbsupport.reconstruct import sim
from nbsupport.simulate.illumination import HUGHES_2024, Pattern, focal_series

MICROSCOPE = HUGHES_2024
DEPTH_UM = -MICROSCOPE.stage_um * MICROSCOPE.optics.n_sample / MICROSCOPE.optics.n_immersion
POINTS = [(10, 20, 24), (20, 40, 30), (22, 34, 44)]


@pytest.fixture(scope="module")
def series():
    """Three points in a volume of 32 × 64 × 64 voxels of 50 nm, seen at 28 focal planes."""
    voxels = np.zeros((32, 64, 64))
    for place in POINTS:
        voxels[place] = 1.0
    sample = xr.DataArray(
        voxels,
        dims=("z", "y", "x"),
        coords={dim: 0.05 * np.arange(n) for dim, n in zip("zyx", voxels.shape, strict=True)},
    )
    return focal_series(sample, focal_planes=range(2, 30), window_um=1.6)


def in_three_dimensions(frames, **words):
    options = {"axial_per_um": MICROSCOPE.axial_per_um, "focal_depth_um": DEPTH_UM, "stage_um": MICROSCOPE.stage_um}
    options |= {"parameters": Pattern.of(frames), "window_um": 1.6, "wiener": 0.01}
    return sim.reconstruct_volume(frames, MICROSCOPE.optics, **(options | words))


def half_width(profile):
    """Samples above half of the peak."""
    return np.count_nonzero(profile > profile.max() / 2)


def test_every_point_is_the_brightest_voxel_of_its_surroundings(series):
    volume = in_three_dimensions(series)
    assert volume.shape == (28, 128, 128)
    for z, y, x in POINTS:
        around = volume.values[max(z - 2 - 4, 0) : z - 2 + 5, 2 * y - 6 : 2 * y + 7, 2 * x - 6 : 2 * x + 7]
        place = np.array(np.unravel_index(around.argmax(), around.shape)) - [min(z - 2, 4), 6, 6]
        assert np.abs(place).max() <= 1


def test_axial_width_is_less_than_that_of_widefield_and_of_planes_by_themselves(series):
    optics = sim.TABLE_1["3-D"]["optics"]
    planes = sim.reconstruct(series, optics, parameters=Pattern.of(series), **sim.TABLE_1["3-D"]["filters"])
    volume, widefield = in_three_dimensions(series), series.mean(("angle", "phase"))
    z, y, x = POINTS[1]
    widths = [
        half_width(image.values[:, scale * y, scale * x]) for image, scale in ((widefield, 1), (planes, 2), (volume, 2))
    ]
    assert widths[2] < widths[1] < widths[0]


def test_light_of_a_point_far_from_focus_is_put_back_to_its_plane(series):
    volume, widefield = in_three_dimensions(series), series.mean(("angle", "phase"))
    far = [image.isel(z=0).values.max() / image.values.max() for image in (volume, widefield)]
    assert far[0] < 0.5 * far[1]


def test_the_volume_holds_the_light_of_the_sample(series):
    assert float(in_three_dimensions(series, wiener=0.001).sum()) == pytest.approx(len(POINTS), rel=0.2)


def test_volumes_need_planes_and_two_orders(series):
    with pytest.raises(sim.SimError, match="focal planes along z"):
        in_three_dimensions(series.isel(z=0))
    one = Pattern.of(series)
    one = Pattern(one.wave_vector_per_um, one.phase_rad, one.modulation[:, :1])
    with pytest.raises(sim.SimError, match="three beams have 2"):
        sim.reconstruct_volume(series, MICROSCOPE.optics, parameters=one, axial_per_um=0.7)
