"""Training pairs: drawn as the protocol says, written shard by shard, divided without leaks, and made again exactly."""

import fcntl
import json

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from nbsupport.restore import pairs
from nbsupport.store import StoreError

TINY = pairs.Protocol(seed=3, frames=12, field_um=1.0, subpixels=2)


def opened(folder, structure="actin", pixel_um=0.12, samples=4, shard=2, protocol=TINY):
    return pairs.open_store(folder, structure, pixel_um, protocol, samples=samples, shard=shard)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four pairs of two structures and two pixel sizes each."""
    folder = tmp_path_factory.mktemp("pairs")
    stores = [opened(folder, kind, pixel_um) for kind in ("actin", "vesicles") for pixel_um in (0.108, 0.12)]
    pairs.split(folder)
    pairs.simulate_all(stores)
    return folder


def every_pair(folder, structure="actin"):
    return [pair for part in pairs.PARTS for pair in pairs.load(folder, structure, part)]


def test_apertures_are_uniform_over_the_range_of_the_source():
    drawn = [pairs.draw_parameters(TINY, "actin", 0.08, n)["numerical_aperture"] for n in range(500)]
    assert kstest(drawn, "uniform", args=(1.2, 0.29)).pvalue > 1e-3


@pytest.mark.parametrize(("name", "most"), [("tau_on", 5), ("tau_off", 20)])
def test_dwell_times_take_every_whole_number_of_their_range_equally_often(name, most):
    drawn = [pairs.draw_parameters(TINY, "actin", 0.08, n)[name] for n in range(1000)]
    assert chisquare(np.bincount(drawn, minlength=most + 1)[1:]).pvalue > 1e-3


def test_no_two_pairs_share_a_random_stream():
    drawn = [
        tuple(pairs.draw_sample(pairs.draw_parameters(TINY, kind, pixel_um, n)).emitters_um[0])
        for kind in ("actin", "mitochondria")
        for pixel_um in pairs.PIXEL_SIZES_UM
        for n in range(3)
    ]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("structure", pairs.STRUCTURES)
def test_a_small_field_holds_its_whole_sample(structure):
    emitters_um = pairs.draw_sample(pairs.draw_parameters(TINY, structure, 0.08, 0)).emitters_um
    assert len(emitters_um) > 20
    assert np.abs(emitters_um).max(axis=0) == pytest.approx([0.5, 0.5, 0.5], abs=0.5)
    assert np.all(np.abs(emitters_um) <= 0.5)


def test_the_full_field_takes_the_vesicle_radii_of_the_source():
    drawn = (pairs.draw_parameters(pairs.Protocol(), "vesicles", 0.08, n) for n in range(5))
    radii = [vesicle.radius_um for given in drawn for vesicle in pairs.draw_sample(given).objects]
    assert kstest(radii, "uniform", args=(0.025, 0.475)).pvalue > 1e-3


def test_both_images_of_a_pair_have_the_maximum_one_and_nothing_below_zero(folder):
    for pair in every_pair(folder):
        for image in (pair.noisy, pair.clean):
            assert image.dtype == np.float32
            assert image.max() == 1.0
            assert image.min() >= 0.0


def test_the_raw_stacks_made_again_give_the_stored_images_bit_for_bit(folder):
    pair = pairs.load(folder, "vesicles", "test")[0]
    stacks = pairs.recording(pair.parameters)
    for stack, stored in ((stacks.noisy, pair.noisy), (stacks.noise_free, pair.clean)):
        again = pairs.reconstruction(stack, pair.parameters).values
        np.testing.assert_array_equal((again / again.max()).astype(np.float32), stored)


def test_the_stored_emitters_are_those_of_the_sample_drawn_again(folder):
    for pair in every_pair(folder):
        np.testing.assert_array_equal(pair.emitters_um, pairs.draw_sample(pair.parameters).emitters_um.astype("f4"))


def test_an_image_of_a_pair_lies_on_the_grid_that_musical_gave_it(folder):
    pair = pairs.load(folder, "actin", "test")[0]
    given = pairs.reconstruction(pairs.recording(pair.parameters).noisy, pair.parameters)
    for axis in ("y", "x"):
        np.testing.assert_allclose(pair.image(pair.noisy)[axis], given[axis], atol=1e-12)


def test_a_pair_made_by_another_method_has_its_images_on_the_grid_of_musical(folder):
    stored = pairs.load(folder, "actin", "test")[0]
    ramp = pairs.make(stored.parameters, method=lambda stack, given: 3.0 + stack.y + 2 * stack.x)
    image = ramp.image(ramp.noisy)[2:-2, 2:-2] * ramp.parameters["noisy_maximum"]
    assert ramp.noisy.shape == stored.noisy.shape
    np.testing.assert_allclose(image, (3.0 + image.y + 2 * image.x).transpose("y", "x"), rtol=1e-6)


def test_the_occupied_pixels_of_a_pair_hold_all_its_emitters_inside_the_image(folder):
    pair = pairs.load(folder, "vesicles", "test")[0]
    occupied = pair.occupied()
    half_um = len(occupied.y) * pair.fine_um / 2
    inside = np.abs(pair.emitters_um[:, :2]).max(axis=1) < half_um
    nearest = [occupied.sel(y=y, x=x, method="nearest").item() for x, y, _ in pair.emitters_um[inside][:200]]
    assert all(nearest)
    assert occupied.sum() <= inside.sum()


def test_a_pair_does_not_depend_on_shards_or_on_how_many_pairs_there_are(folder, tmp_path):
    store = opened(tmp_path, samples=3, shard=3)
    pairs.simulate(store)
    expected = {pair.parameters["number"]: pair for pair in every_pair(folder) if pair.pixel_um == 0.12}
    for pair in pairs.loaded(store, range(3)):
        np.testing.assert_array_equal(pair.noisy, expected[pair.parameters["number"]].noisy)
        assert pair.parameters == expected[pair.parameters["number"]].parameters


def test_simulation_goes_on_with_what_is_missing(tmp_path):
    store = opened(tmp_path)
    assert pairs.simulate(store, [1]) == [1]
    assert pairs.simulate(store) == [0]
    assert store.missing_shards() == []


def test_a_shard_that_another_process_is_writing_is_passed_over(tmp_path):
    store = opened(tmp_path)
    with (tmp_path / ".actin-120nm.000000.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert pairs.simulate(store, [0]) == []


def test_half_a_data_set_can_be_read_and_divides_as_the_whole(folder, tmp_path):
    stores = [opened(tmp_path, "actin", pixel_um) for pixel_um in (0.108, 0.12)]
    division = pairs.split(tmp_path)
    pairs.simulate(stores[1], [0])
    assert division["actin"] == pairs.split(folder)["actin"]
    assert {pair.parameters["number"] for pair in every_pair(tmp_path)} == {0, 1}


def test_progress_ends_at_one(tmp_path):
    seen = []
    pairs.simulate_all([opened(tmp_path, samples=2, shard=1)], progress=seen.append)
    assert seen == [0.5, 1.0]


def test_a_quarter_of_the_pairs_of_every_pixel_size_is_for_test(tmp_path):
    for pixel_um in pairs.PIXEL_SIZES_UM:
        opened(tmp_path, "actin", pixel_um, samples=20)
    sizes = [{part: len(n) for part, n in parts.items()} for parts in pairs.split(tmp_path)["actin"].values()]
    assert sizes == 4 * [{"train": 12, "validation": 3, "test": 5}]


def test_every_pair_is_in_exactly_one_part(tmp_path):
    for pixel_um in pairs.PIXEL_SIZES_UM:
        opened(tmp_path, "actin", pixel_um, samples=7)
    for parts in pairs.split(tmp_path)["actin"].values():
        assert sorted(sum(parts.values(), [])) == list(range(7))


def test_a_data_set_as_it_is_made_has_no_leak(folder):
    assert pairs.leaks(folder) == []


def test_a_pair_that_is_in_two_parts_is_found(tmp_path):
    pairs.simulate(opened(tmp_path))
    division = pairs.split(tmp_path)
    parts = division["actin"]["actin-120nm"]
    parts["train"].append(parts["test"][0])
    (tmp_path / "split.json").write_text(json.dumps(division))
    assert any("the number actin-120nm" in leak for leak in pairs.leaks(tmp_path))


def test_pairs_from_one_random_stream_are_found_under_two_names(tmp_path):
    original = opened(tmp_path / "a")
    pairs.simulate(original)
    original.path.rename(tmp_path / "actin-120nm.zarr")
    twin = opened(tmp_path / "b")
    pairs.simulate(twin)
    twin.path.rename(tmp_path / "actin-121nm.zarr")
    found = pairs.leaks(tmp_path)
    assert any("the random stream" in leak for leak in found)
    assert any("the emitters" in leak for leak in found)


def test_a_store_of_other_parameters_is_not_mixed_in(tmp_path):
    opened(tmp_path)
    with pytest.raises(StoreError, match=r"frames is 12 there, 13"):
        opened(tmp_path, protocol=pairs.Protocol(seed=3, frames=13, field_um=1.0, subpixels=2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pairs.draw_parameters(TINY, "actine", 0.08, 0), "structure='actine'"),
        (lambda: pairs.draw_parameters(TINY, "actin", 80, 0), "nanometres"),
        (lambda: pairs.Protocol(field_um=5000), "field_um=5000 looks like nanometres"),
        (lambda: pairs.Protocol(tau_on=(5, 1)), "tau_on"),
        (lambda: pairs.Protocol(frames=1), "frames"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_unknown_part_is_refused(folder):
    with pytest.raises(ValueError, match="part='valid' is unknown"):
        pairs.load(folder, "actin", "valid")


def test_a_structure_that_is_not_there_is_named_with_what_is(folder):
    with pytest.raises(ValueError, match="mitochondria.*actin-108nm"):
        pairs.load(folder, "mitochondria", "test")
