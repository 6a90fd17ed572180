import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from nbsupport.assess.fidelity import psnr_db
from nbsupport.assess.stages import StageScores, draw, scored, stated
from nbsupport.study import layout


def images(number, noise):
    rng = np.random.default_rng(number)
    high = xr.DataArray(rng.random((32, 32)), dims=("y", "x"), coords={d: 0.05 * np.arange(32) for d in ("y", "x")})
    return {"high": high} | {stage: high + sd * rng.standard_normal(high.shape) for stage, sd in noise.items()}


NOISE = {"low": 0.3, "step 1": 0.1, "step 2": 0.05}


@pytest.fixture
def scores():
    return StageScores.of([images(number, NOISE) for number in range(6)])


def test_ten_times_less_noise_gains_twenty_decibels():
    made = StageScores.of([images(n, {"low": 0.01, "step 1": 0.001}) for n in range(4)])
    assert made.change("psnr_truth_range_db", "step 1").mean() == pytest.approx(20, abs=0.5)


def test_psnr_is_that_of_the_source():
    one = images(0, NOISE)
    assert scored(one["high"], one["low"])["psnr_db"] == pytest.approx(
        psnr_db(one["high"], one["low"], convention="uint16")
    )


def test_an_image_has_an_ssim_of_one_with_itself():
    one = images(0, {})["high"]
    assert scored(one, one + 1e-9)["ssim"] == pytest.approx(1, abs=1e-3)


def test_changes_add_up(scores):
    np.testing.assert_allclose(
        scores.change("ssim", "step 1") + scores.change("ssim", "step 2", "step 1"), scores.change("ssim", "step 2")
    )


def test_the_summary_counts_images_and_gives_their_spread(scores):
    table = scores.summary()
    row = table["stage"].index("step 1")
    values = scores.of_stage(table["metric"][row], "step 1")
    assert (table["n"][row], table["mean"][row], table["sd"][row]) == (6, values.mean(), values.std(ddof=1))


def test_the_black_line_of_a_histogram_is_the_mean_change(scores):
    figure, axes = plt.subplots(3, 2)
    draw(axes, scores)
    black = [line for line in axes[2, 0].lines if line.get_color() == "black"]
    assert black[0].get_xdata()[0] == pytest.approx(scores.change("psnr_db", "step 2").mean())
    plt.close(figure)


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="empty"):
        StageScores.of([])


def test_the_stated_changes_are_the_differences_of_the_stated_means():
    for name in ("microtubules alone", "mixed, microtubules", "mixed, ER", "volumes"):
        for metric, values in stated(layout.PARAMS / "hughes2024-means.csv", name).items():
            step = 0.011 if metric == "psnr_db" else 0.0011
            for stage in ("step 1", "step 2"):
                difference = values["mean"][stage] - values["mean"]["low"]
                assert values["change"][stage] == pytest.approx(difference, abs=2 * step)


def test_a_set_that_is_not_stated_is_refused():
    with pytest.raises(ValueError, match="no set 'actin'"):
        stated(layout.PARAMS / "hughes2024-means.csv", "actin")
