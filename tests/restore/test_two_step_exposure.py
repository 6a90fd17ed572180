from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from nbsupport.restore.two_step import Exposure


def light(level=1.0):
    values = np.full((3, 3, 80, 80), level)
    coords = {dim: 0.1 * np.arange(80) for dim in ("y", "x")}
    return xr.DataArray(values, dims=("angle", "phase", "y", "x"), coords=coords, attrs={"units": "1"})


def variance_over_mean(exposure):
    _, low = exposure.frames(light(), rng=np.random.default_rng(0))
    return float(low.var() / low.mean())


def test_frames_drawn_around_counts_have_a_twentieth_more_variance_than_light():
    drawn = Exposure(mean_photons=400, background_photons=0, kind="drawn")
    assert variance_over_mean(drawn) == pytest.approx(1 + 1 / 20, abs=0.02)
    assert variance_over_mean(replace(drawn, kind="dim")) == pytest.approx(1, abs=0.02)


def test_a_converted_camera_gives_photons():
    exposure = Exposure(mean_photons=200, background_photons=0, gain=2.0, offset=100.0, read_noise=3.0)
    bright, _ = exposure.frames(light(), rng=np.random.default_rng(0))
    assert float(bright.mean()) == pytest.approx(200, rel=1e-2)
    assert float(bright.var()) == pytest.approx(200 + (3 / 2) ** 2, rel=3e-2)


def test_grey_values_taken_for_counts_carry_the_noise_of_their_offset():
    exposure = Exposure(mean_photons=1e-6, background_photons=0, gain=2.0, offset=100.0, converted=False)
    _, low = exposure.frames(light(), rng=np.random.default_rng(0))
    assert float(low.var()) == pytest.approx(100 / 20, rel=5e-2)


def test_the_light_is_the_mean_over_all_frames_whatever_the_unit():
    uneven = light() * np.random.default_rng(1).random((3, 3, 80, 80))
    bright, _ = Exposure(mean_photons=60, background_photons=2).frames(uneven, rng=np.random.default_rng(0))
    assert float(bright.mean()) == pytest.approx(62, rel=1e-2)


def test_a_dark_sample_is_refused():
    with pytest.raises(ValueError, match="dark"):
        Exposure().frames(light(0.0), rng=np.random.default_rng(0))


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind='dimmed'"):
        Exposure(kind="dimmed")
