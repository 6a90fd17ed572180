import numpy as np
import pytest
import xarray as xr

from nbsupport.assess.artefacts.vesicles import vesicle_light
from nbsupport.simulate.structures import Sample, Vesicle

PIXEL_UM = 0.01


def sample(*spheres):
    objects = [Vesicle(np.array([x, y, z]), radius) for x, y, z, radius in spheres]
    return Sample.labelled("vesicles", objects, 100.0, rng=np.random.default_rng(0))


def picture(function):
    centres = (np.arange(400) - 199.5) * PIXEL_UM
    values = function(centres[:, None], centres)
    return xr.DataArray(np.broadcast_to(values, (400, 400)), dims=("y", "x"), coords={"y": centres, "x": centres})


THREE = sample((-1.0, 0.5, 0.0, 0.1), (1.0, 0.5, 0.0, 0.2), (0.0, -1.0, 0.0, 0.3))


def discs(*levels):
    def values(y, x):
        total = np.zeros((400, 400))
        for level, thing in zip(levels, THREE.objects, strict=True):
            total[np.hypot(x - thing.centre[0], y - thing.centre[1]) <= thing.radius_um + 0.1] = level
        return total

    return picture(values)


def test_light_is_shared_out_by_area_and_level():
    found = vesicle_light(THREE, discs(1.0, 2.0, 4.0))
    areas = np.array([0.2, 0.3, 0.4]) ** 2 * [1.0, 2.0, 4.0]
    assert found.share.values == pytest.approx(areas / areas.sum(), rel=0.01)
    assert found.brightness.values == pytest.approx([1.0, 2.0, 4.0])
    assert found.radius_um.values.tolist() == [0.1, 0.2, 0.3]


def test_contrast_is_that_of_michelson():
    assert vesicle_light(THREE, discs(1.0, 2.0, 4.0)).contrast.values.tolist() == [1.0, 1.0, 1.0]
    lifted = vesicle_light(THREE, discs(1.0, 2.0, 4.0) + 1.0)
    assert lifted.contrast.values == pytest.approx([1 / 3, 1 / 2, 2 / 3])
    assert vesicle_light(THREE, picture(lambda y, x: np.zeros((400, 400)))).contrast.values.tolist() == [0.0] * 3


def test_the_scale_of_intensity_changes_neither_share_nor_contrast():
    image = picture(lambda y, x: 1.5 + np.sin(3 * x) * np.cos(2 * y))
    first, second = vesicle_light(THREE, image), vesicle_light(THREE, 7 * image)
    for name in ("share", "contrast"):
        np.testing.assert_allclose(first[name], second[name], atol=1e-12)


def test_vesicles_that_meet_or_are_cut_are_left_out():
    crowd = sample(
        (-1.0, 0.0, 0.0, 0.2),
        (-0.5, 0.0, 0.3, 0.2),
        (1.0, 0.0, 0.0, 0.2),
        (1.9, -1.0, 0.0, 0.1),
    )
    found = vesicle_light(crowd, picture(lambda y, x: np.ones((400, 400))))
    assert found.index.values.tolist() == [2]


def test_light_of_a_neighbour_is_no_part_of_the_surroundings():
    near = sample((-0.3, 0.0, 0.0, 0.1), (0.3, 0.0, 0.0, 0.1))
    image = picture(lambda y, x: (np.hypot(x - 0.3, y) <= 0.2).astype(float))
    found = vesicle_light(near, image)
    assert found.contrast.values.tolist() == [0.0, 1.0]


def test_a_sample_without_vesicles_has_no_light_of_vesicles():
    assert vesicle_light(sample(), picture(lambda y, x: np.ones((400, 400)))).sizes["vesicle"] == 0


def test_an_empty_ring_is_refused():
    with pytest.raises(ValueError, match="ring_um=.*two growing distances"):
        vesicle_light(THREE, discs(1, 1, 1), ring_um=(0.2, 0.1))
