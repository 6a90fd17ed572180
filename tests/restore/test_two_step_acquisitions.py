from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nbsupport.restore import two_step
from nbsupport.restore.two_step import PlanarProtocol, VolumeProtocol

SMALL = PlanarProtocol(field_px=36)


@pytest.fixture(scope="module")
def one():
    return two_step.acquire(SMALL, 3)


def test_an_acquisition_depends_on_its_number_alone(one):
    again = two_step.acquire(SMALL, 3)
    np.testing.assert_array_equal(one.low, again.low)
    assert not np.array_equal(one.low, two_step.acquire(SMALL, 4).low)


def test_the_reconstruction_lies_on_the_grid_of_the_truth(one):
    np.testing.assert_allclose(one.high_image.x, one.truth.x, atol=1e-9)
    np.testing.assert_allclose(one.high_image.y, one.truth.y, atol=1e-9)


def test_a_bright_reconstruction_resembles_the_object():
    reticulum = two_step.acquire(PlanarProtocol(structure="endoplasmic_reticulum", field_px=48), 0)
    inner = slice(20, -20)
    image, truth = reticulum.high_image.values[inner, inner], gaussian_filter(reticulum.truth.values, 1.5)[inner, inner]
    assert np.corrcoef(image.ravel(), truth.ravel())[0, 1] > 0.7


def test_the_dim_frames_have_a_twentieth_of_the_light(one):
    assert float(one.low.sum() / one.high.sum()) == pytest.approx(1 / 20, rel=0.02)


def test_a_store_gives_back_what_was_recorded(tmp_path):
    store = two_step.open_store(tmp_path, "filaments", SMALL, samples=2, shard=1)
    two_step.simulate(store, SMALL)
    kept, made = two_step.load(store, SMALL, [1])[0], two_step.acquire(SMALL, 1)
    for name in ("high", "low", "truth", "high_image", "low_image"):
        stored, original = getattr(kept, name), getattr(made, name)
        np.testing.assert_allclose(stored, original, rtol=1e-6, atol=1e-6 * float(abs(original).max()))
        np.testing.assert_allclose(stored.x, original.x, atol=1e-9)
    np.testing.assert_allclose(kept.pattern.phase_rad, made.pattern.phase_rad)
    assert kept.found == made.found


def test_a_store_of_other_light_is_refused(tmp_path):
    two_step.open_store(tmp_path, "filaments", SMALL, samples=2)
    other = replace(SMALL, exposure=replace(SMALL.exposure, factor=10.0))
    with pytest.raises(ValueError, match="factor"):
        two_step.open_store(tmp_path, "filaments", other, samples=2)


def test_needles_lie_in_planes_of_focus_inside_the_field():
    protocol = VolumeProtocol(field_px=48, slices=16)
    raw, _, z = protocol.grids_um
    ends = np.concatenate([protocol.needle_ends_um(number) for number in range(40)])
    assert np.abs(ends[..., :2]).max() < raw[-1]
    assert np.isclose(ends[..., 2, None], z).any(axis=-1).all()


def test_a_volume_is_brighter_along_its_needles():
    protocol = VolumeProtocol(field_px=48, slices=16, beads=0)
    volume = protocol.object(0)
    start, end = protocol.needle_ends_um(0)[0]
    along = start + np.linspace(0.1, 0.9, 20)[:, None] * (end - start)
    values = [float(volume.sel(x=x, y=y, z=z, method="nearest")) for x, y, z in along]
    assert np.median(values) > 3 * float(volume.median())


def test_anatomy_has_no_emitters():
    with pytest.raises(ValueError, match="no emitters"):
        PlanarProtocol(structure=two_step.ANATOMY, field_px=36).sample(0)


def test_an_unknown_structure_is_refused():
    with pytest.raises(ValueError, match="structure='hair'"):
        PlanarProtocol(structure="hair")
