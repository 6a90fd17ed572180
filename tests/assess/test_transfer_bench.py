import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.assess.transfer_bench import THREE, TransferBench, ahead, error_by_half, lead, scored, stopped, surely
from nbsupport.restore.networks import noise2self
from nbsupport.restore.transfer import Options, chip


def blobs(seed=0, side=32):
    image = gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), 2)
    return (image - image.min()) / np.ptp(image)


def table_with(offsets, repeats=6, images=8):
    """Metrics in which start n is better than start 0 by offsets[n], with a little noise of its own."""
    rng = np.random.default_rng(0)
    starts = [f"s{n}" for n in range(len(offsets))]
    values = rng.normal(0, 0.01, (1, len(offsets), repeats, images, 3)) + np.array(offsets)[None, :, None, None, None]
    coords = {"peak": [1.0], "start": starts, "metric": list(THREE)}
    return xr.DataArray(values, coords, ("peak", "start", "repeat", "image", "metric"))


def test_a_perfect_restoration_has_no_error_and_agrees_up_to_the_nyquist_frequency():
    assert scored(blobs(), blobs(), pixel_um=0.1) == pytest.approx([0, 1, 1, 5])


def test_an_image_that_holds_low_frequencies_alone_is_cut_off_there():
    image = blobs() + 0.05 * np.random.default_rng(1).normal(size=(32, 32))
    cutoffs = [scored(image, gaussian_filter(image, 3) + 1e-3 * blobs(9), pixel_um=p)[3] for p in (0.1, 0.2)]
    assert cutoffs[0] == pytest.approx(2 * cutoffs[1])


def test_a_start_with_larger_values_is_ahead_in_ssim_and_behind_in_mse():
    table = table_with([0.0, 0.1])
    rng = np.random.default_rng(1)
    assert ahead(table, "ssim", "s1", "s0", rng=rng)[0].value == pytest.approx(0.1, abs=0.01)
    assert ahead(table, "mse", "s1", "s0", rng=rng)[0].value == pytest.approx(-0.1, abs=0.01)
    assert surely(table, "ssim", "s1", "s0", rng=rng).tolist() == [True]
    assert lead(table[0, 1], table[0, 0], "ssim", rng=rng).low > 0


def test_starts_that_do_not_differ_are_rarely_told_apart():
    rng = np.random.default_rng(2)
    tables = [table_with([0.0, 0.0]).copy(data=rng.normal(size=(1, 2, 6, 8, 3))) for _ in range(60)]
    assert np.mean([surely(t, "ssim", "s1", "s0", rng=rng)[0] for t in tables]) < 0.12


@pytest.mark.parametrize(
    ("values", "kept"), [([3, 2, 1, 2, 2, 2, 0], 2), ([3, 2, 1, 2, 0, 2], 4), ([1, 2, 3, 4], 0), ([4, 3, 2, 1], 3)]
)
def test_patience_keeps_the_best_before_the_first_long_wait(values, kept):
    assert stopped(values, patience=3) == kept


def test_errors_of_all_frequencies_add_up_to_the_mean_squared_error():
    clean, image = blobs(0), blobs(1)
    # a passband that reaches the corners of the spectrum leaves nothing outside
    assert sum(error_by_half(clean, image, pixel_um=0.1, passband_per_um=7.1)) == pytest.approx(
        np.mean((image - clean) ** 2)
    )


def test_an_error_of_one_frequency_lies_in_its_half():
    x = np.arange(32) * 0.1
    wave = np.tile(0.2 * np.cos(2 * np.pi * 3.125 * x), (32, 1))
    inner, outer = error_by_half(np.zeros((32, 32)), wave, pixel_um=0.1, passband_per_um=4.0)
    assert (inner, outer) == (pytest.approx(0, abs=1e-12), pytest.approx(0.2**2 / 2))


@pytest.fixture
def bench(tmp_path):
    options = Options(steps=3, every=1, learning_rate=1e-3)
    return TransferBench(
        lights={"blobs": np.array([blobs(0), blobs(1)])},
        starts={"random": lambda repeat: noise2self(features=(2, 4), seed=repeat)},
        ruler=blobs(2),
        ruler_task="blobs",
        chip=chip(32, rng=np.random.default_rng(0)),
        options=options,
        pixel_um=0.1,
        seed=0,
        folder=tmp_path,
    )


def test_a_result_is_computed_once_and_read_again(bench):
    first = bench.adapted("blobs", 30.0, "random", 0)
    bench.starts["random"] = None  # would fail if it were asked for
    np.testing.assert_array_equal(bench.adapted("blobs", 30.0, "random", 0)["restored"], first["restored"])


def test_other_settings_are_another_result(bench):
    bench.kept(("a",), lambda: {"x": 1})
    bench.settings = ("changed",)
    assert bench.kept(("a",), lambda: {"x": 2})["x"] == 2


def test_noise_is_new_in_every_repeat_and_the_same_when_asked_again(bench):
    first, again, other = (bench.noisy("blobs", 30.0, repeat) for repeat in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_a_course_notes_the_true_error_at_every_look(bench):
    course = bench.course("blobs", 30.0, "random", 0, steps=4)
    assert course["looks"].tolist() == [0, 1, 2, 3, 4]
    assert len(course["true"]) == len(course["held_out"]) == len(course["training"]) == 5
    assert np.all(course["true"] > 0)


def test_a_sweep_has_an_axis_for_everything_that_varied(bench):
    table = bench.sweep("blobs", [10.0, 30.0], ["random"], 2)
    assert dict(table.sizes) == {"peak": 2, "start": 1, "repeat": 2, "image": 2, "metric": 4}
    by_hand = scored(bench.lights["blobs"][1], bench.runs("blobs", 30.0, "random", 2)[1][1], pixel_um=0.1)
    np.testing.assert_allclose(table.sel(peak=30.0)[0, 1, 1], by_hand)


def test_a_judgement_is_two_numbers_and_a_pool_restores_the_images_of_the_task(bench):
    assert len(bench.judged("blobs", 30.0, "random", 0, row_sd=0.2)) == 2
    assert bench.from_many(bench.lights["blobs"], "blobs", 30.0, "random", 1, 0).shape == (2, 32, 32)


def test_a_start_keeps_its_own_changes_of_the_options(tmp_path):
    bench = TransferBench(
        lights={}, starts={}, ruler=blobs(), ruler_task="", chip=None, options=Options(), pixel_um=0.1, seed=0,
        folder=tmp_path, changes={"none": {"learning_rate": 1e-2}},
    )  # fmt: skip
    assert bench.how("none", Options(loss="L1")) == Options(loss="L1", learning_rate=1e-2)
    assert bench.how("lines") == Options()
