"""Sample stores: written shard by shard, read while half done, resumed after a kill."""

import itertools
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
import xarray as xr
import zarr

from nbsupport.store import SampleStore, StoreError

# Real processes that can be killed, forked from one that has done the slow imports.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pytest", "nbsupport.store"])

SAMPLES, SHARD = 10, 4
ATTRS = {"sbr": 3.0, "seed": 7, "structure": "mitochondria"}


def template(dtype="float32", pixel_um=0.08):
    centres = (np.arange(6) + 0.5) * pixel_um
    return xr.Dataset(
        {
            "noisy": (("y", "x"), np.zeros((6, 6), dtype), {"units": "1"}),
            "mask": (("y", "x"), np.zeros((6, 6), bool)),
            "exposure": ((), np.float64(0), {"units": "seconds"}),
        },
        coords={"y": ("y", centres, {"units": "µm"}), "x": ("x", centres, {"units": "µm"})},
    )


def made(path, **changes):
    plan = {"template": template(), "samples": SAMPLES, "shard": SHARD, "attrs": ATTRS}
    return SampleStore.create_or_open(path, **plan | changes)


def simulated(numbers):
    """Arrays and parameters of samples that depend on their own number alone."""
    images = [np.random.default_rng([7, number]).random((6, 6), dtype="float32") for number in numbers]
    arrays = {
        "noisy": np.stack(images),
        "mask": np.stack(images) > 0.5,
        "exposure": np.array([0.01 * number for number in numbers]),
    }
    return arrays, [{"seed": [7, number], "emitters": 10 * number} for number in numbers]


def fill(store, *shards):
    for index in shards or store.missing_shards():
        store.write_shard(index, *simulated(store.shard_samples(index)))
    return store


def flip_one_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)


def cut_short(file):
    file.write_bytes(file.read_bytes()[:-9])


def test_what_was_written_is_read_bit_for_bit_by_plain_zarr(tmp_path):
    fill(made(tmp_path / "s.zarr"))
    stored = zarr.open_group(tmp_path / "s.zarr", mode="r")
    expected, _ = simulated(range(SAMPLES))
    for name, values in expected.items():
        assert stored[name].dtype == values.dtype
        np.testing.assert_array_equal(stored[name][:], values)


def test_what_was_written_is_read_with_dims_coordinates_units_and_attrs(tmp_path):
    stored = fill(made(tmp_path / "s.zarr")).read()
    expected, _ = simulated(range(SAMPLES))
    assert stored.noisy.dims == ("sample", "y", "x")
    np.testing.assert_array_equal(stored.noisy, expected["noisy"])
    np.testing.assert_array_equal(stored.y, template().y)
    np.testing.assert_array_equal(stored.sample, np.arange(SAMPLES))
    assert stored.noisy.attrs == {"units": "1"}
    assert stored.y.attrs == {"units": "µm"}
    assert {name: stored.attrs[name] for name in ATTRS} == ATTRS


def test_a_variable_in_seconds_stays_a_number(tmp_path):
    assert fill(made(tmp_path / "s.zarr")).read().exposure.dtype == np.float64


def test_samples_and_parameters_of_a_half_done_store_belong_together(tmp_path):
    store = fill(made(tmp_path / "s.zarr"), 2, 0)
    assert store.done_samples().tolist() == store.read().sample.values.tolist() == [0, 1, 2, 3, 8, 9]
    assert store.missing_shards() == [1]
    expected, parameters = simulated([0, 1, 2, 3, 8, 9])
    np.testing.assert_array_equal(store.read().noisy, expected["noisy"])
    assert store.parameters() == parameters


def test_parameters_are_given_for_the_samples_asked_for(tmp_path):
    store = fill(made(tmp_path / "s.zarr"))
    assert store.parameters([9, 2]) == simulated([9, 2])[1]


def test_an_empty_store_reads_as_no_samples(tmp_path):
    store = made(tmp_path / "s.zarr")
    assert store.read().sizes["sample"] == 0
    assert store.parameters() == []


def test_reading_loads_nothing_before_it_is_used(tmp_path):
    store = fill(made(tmp_path / "s.zarr"))
    stored = store.read()
    cut_short(tmp_path / "s.zarr" / "noisy" / "c" / "0" / "0" / "0")
    assert stored.mask.values.shape == (SAMPLES, 6, 6)
    with pytest.raises((ValueError, RuntimeError)):
        stored.noisy.load()


def test_shards_cover_every_sample_once(tmp_path):
    store = made(tmp_path / "s.zarr")
    assert [list(store.shard_samples(index)) for index in range(store.shards)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_the_same_description_opens_the_same_store(tmp_path):
    fill(made(tmp_path / "s.zarr"), 1)
    assert made(tmp_path / "s.zarr").missing_shards() == SampleStore(tmp_path / "s.zarr").missing_shards() == [0, 2]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"samples": 12}, "samples is 10 there, 12 was asked for"),
        ({"shard": 5}, "shard is 4 there, 5 was asked for"),
        ({"attrs": ATTRS | {"sbr": 4.0}}, "attrs.sbr is 3.0 there, 4.0 was asked for"),
        ({"attrs": ATTRS | {"frames": 50}}, "it lacks attrs.frames=50"),
        ({"attrs": {"sbr": 3.0, "seed": 7}}, "it has attrs.structure='mitochondria', which was not asked for"),
        ({"template": template("float64")}, "variables.noisy.dtype is 'float32' there, 'float64' was asked for"),
        ({"template": template(pixel_um=0.1)}, "coords.x.values.0 is 0.04 there, 0.05 was asked for"),
        ({"template": template().drop_vars("mask")}, "it has variables.mask"),
    ],
)
def test_another_description_is_refused_naming_the_first_difference(tmp_path, change, difference):
    made(tmp_path / "s.zarr")
    with pytest.raises(StoreError) as caught:
        made(tmp_path / "s.zarr", **change)
    assert difference in str(caught.value)


def test_the_parameter_hash_does_not_depend_on_the_order_of_the_attrs(tmp_path):
    one = made(tmp_path / "one.zarr").parameters_sha256
    two = made(tmp_path / "two.zarr", attrs=dict(reversed(ATTRS.items()))).parameters_sha256
    other = made(tmp_path / "other.zarr", attrs=ATTRS | {"seed": 8}).parameters_sha256
    assert one == two != other


@pytest.mark.parametrize("content", ["nothing", "folder", "zarr"])
def test_a_place_without_a_sample_store_is_refused(tmp_path, content):
    path = tmp_path / "s.zarr"
    if content == "folder":
        path.mkdir()
    if content == "zarr":
        zarr.create_group(path)
    with pytest.raises(StoreError, match="holds no sample store"):
        SampleStore(path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"samples": 0}, "samples=0"),
        ({"shard": -1}, "shard=-1"),
        ({"attrs": {"rng": object()}}, "JSON"),
        ({"attrs": {"sbr": float("nan")}}, "JSON"),
        ({"template": xr.Dataset({"label": ((), "text")})}, "template.'label'.*numbers or bool"),
        ({"template": xr.Dataset({"noisy": ("y", np.zeros(3, ">f4"))})}, "'>f4'.*native byte order"),
        ({"template": xr.Dataset({"noisy": ("sample", np.zeros(3))})}, "'sample'.*adds itself"),
    ],
)
def test_an_impossible_description_is_refused_and_leaves_nothing(tmp_path, change, complaint):
    with pytest.raises(StoreError, match=complaint):
        made(tmp_path / "s.zarr", **change)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda arrays: arrays.pop("mask"), r"arrays has \['exposure', 'noisy'\]; the store holds"),
        (lambda arrays: arrays.update(other=arrays["noisy"]), "'other'"),
        (lambda arrays: arrays.update(noisy=arrays["noisy"].astype("float64")), "'noisy'.*float64.*takes float32"),
        (lambda arrays: arrays.update(noisy=arrays["noisy"][:3]), r"\(3, 6, 6\).*takes float32 \(4, 6, 6\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path, spoil, complaint):
    store = made(tmp_path / "s.zarr")
    arrays, parameters = simulated(store.shard_samples(1))
    spoil(arrays)
    with pytest.raises(StoreError, match=complaint):
        store.write_shard(1, arrays, parameters)
    assert store.missing_shards() == [0, 1, 2]
    assert not (tmp_path / "s.zarr" / "noisy" / "c").exists()


def test_too_few_parameters_are_refused(tmp_path):
    store = made(tmp_path / "s.zarr")
    arrays, parameters = simulated(store.shard_samples(0))
    with pytest.raises(StoreError, match="parameters has 3 entries; shard 0 holds 4 samples"):
        store.write_shard(0, arrays, parameters[:3])


@pytest.mark.parametrize("index", [-1, 3])
def test_a_shard_outside_the_store_is_refused(tmp_path, index):
    with pytest.raises(StoreError, match=f"index={index} is no shard.*0 to 2"):
        made(tmp_path / "s.zarr").write_shard(index, *simulated(range(4)))


def test_a_written_shard_is_not_written_again_until_it_is_discarded(tmp_path):
    store = fill(made(tmp_path / "s.zarr"))
    with pytest.raises(StoreError, match="index=1 is written already"):
        fill(store, 1)
    store.discard_shard(1)
    assert store.missing_shards() == [1]
    assert fill(store).missing_shards() == []


def test_an_intact_store_is_verified(tmp_path):
    fill(made(tmp_path / "s.zarr")).verify()


@pytest.mark.parametrize(
    "damage",
    [flip_one_bit, cut_short, lambda file: file.write_bytes(b""), lambda file: file.unlink()],
    ids=["bit flipped", "cut short", "emptied", "removed"],
)
def test_a_damaged_shard_is_named_and_can_be_made_again(tmp_path, damage):
    store = fill(made(tmp_path / "s.zarr"))
    damage(tmp_path / "s.zarr" / "noisy" / "c" / "2" / "0" / "0")
    with pytest.raises(StoreError, match=r"damaged: shard 2 \(noisy\);"):
        store.verify()
    store.discard_shard(2)
    fill(store).verify()


def test_values_that_equal_the_fill_value_survive(tmp_path):
    store = made(tmp_path / "s.zarr", samples=2, shard=2)
    empty = {
        "noisy": np.full((2, 6, 6), np.nan, "float32"),
        "mask": np.zeros((2, 6, 6), bool),
        "exposure": np.array([0.0, -0.0]),
    }
    store.write_shard(0, empty, [{}, {}])
    store.verify()
    np.testing.assert_array_equal(np.signbit(store.read().exposure), [False, True])


def fill_until_killed(path, steps):
    """Fill a store, and die when about to store a Zarr array or to rename a record for the nth time."""
    left = itertools.count(steps - 1, -1)

    def counted(step):
        def wrapped(*args, **kwargs):
            if next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*args, **kwargs)

        return wrapped

    store = SampleStore(path)
    zarr.Array.__setitem__ = counted(zarr.Array.__setitem__)
    os.rename = counted(os.rename)
    fill(store)


def contents(path):
    return {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("step", [5, 6, 8])
def test_a_run_killed_inside_a_shard_resumes_to_the_same_bytes(tmp_path, step):
    # Four steps a shard: three variables and the record. Steps 5 and 6 fall among the arrays of shard 1, step 8 on
    # its record.
    path = tmp_path / "killed.zarr"
    made(path)
    run = PROCESSES.Process(target=fill_until_killed, args=(path, step))
    run.start()
    run.join()
    assert run.exitcode == -signal.SIGKILL
    store = SampleStore(path)
    assert store.missing_shards() == [1, 2]
    assert store.read().sample.values.tolist() == [0, 1, 2, 3]
    store.verify()
    fill(made(path))
    fill(made(tmp_path / "whole.zarr"))
    assert contents(path) == contents(tmp_path / "whole.zarr")


def test_a_run_killed_at_any_moment_leaves_whole_shards_and_resumes(tmp_path):
    path = tmp_path / "killed.zarr"
    store = made(path, samples=400, shard=1)
    run = PROCESSES.Process(target=fill_until_killed, args=(path, 0))
    run.start()
    while len(store.done_shards()) < 3 and run.is_alive():
        time.sleep(0.001)
    run.kill()
    run.join()
    assert 3 <= len(store.done_shards()) < 400
    store.verify()
    np.testing.assert_array_equal(store.read().noisy, simulated(store.done_samples())[0]["noisy"])


def test_torn_bytes_of_a_crash_do_not_disturb_the_next_attempt(tmp_path):
    store = made(tmp_path / "s.zarr")
    for name, depth in (("noisy", "2/0/0"), ("exposure", "2")):
        torn = tmp_path / "s.zarr" / name / "c" / depth
        torn.parent.mkdir(parents=True)
        torn.write_bytes(b"torn")
        torn.with_suffix(".0123456789abcdef.partial").write_bytes(b"torn")
    fill(store).verify()
    assert list((tmp_path / "s.zarr").rglob("*.partial")) == []


def test_a_store_whose_making_is_interrupted_is_not_there(tmp_path, monkeypatch):
    def interrupted(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "s.zarr")
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_make_a_store_at_once_the_later_opens_the_earlier(tmp_path, monkeypatch):
    rename = os.rename

    def overtaken(source, target):
        monkeypatch.setattr(os, "rename", rename)
        fill(made(target), 1)
        rename(source, target)

    monkeypatch.setattr(os, "rename", overtaken)
    assert made(tmp_path / "s.zarr").missing_shards() == [0, 2]
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.zarr"]


def write_every_other(path, first):
    store = made(path, samples=24, shard=2)
    fill(store, *range(first, store.shards, 2))


def test_two_processes_make_one_store_together(tmp_path):
    path = tmp_path / "s.zarr"
    writers = [PROCESSES.Process(target=write_every_other, args=(path, first)) for first in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    store = SampleStore(path)
    store.verify()
    np.testing.assert_array_equal(store.read().noisy, simulated(range(24))[0]["noisy"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.zarr"]
