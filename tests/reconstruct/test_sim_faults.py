"""Faulty raw frames: each is named, or harmless."""

import warnings

import numpy as np
import pytest
import xarray as xr
from sim_frames import OPTICS, PIXEL_UM, as_image, frames, lines, three_beams, two_beams

from nbsupport.reconstruct import sim
from nbsupport.simulate.illumination import exposed, planar_frames


def refused(raw, match):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sim.SimWarning)
        with pytest.raises(sim.SimError, match=match):
            sim.reconstruct(raw, OPTICS)


def test_a_missing_phase_is_named():
    refused(frames().isel(phase=[0, 1]), "2 phases per angle cannot separate 3 bands; a frame is missing")


def test_an_empty_frame_is_named():
    raw = frames()
    raw[1, 2] = 7.0
    refused(raw, "frame of angle 1, phase 2 holds one value everywhere: it is missing")


def test_a_frame_that_comes_twice_is_named():
    raw = frames()
    raw[1, 2] = raw[1, 1]
    refused(raw, "phases of angle 1")


def test_shuffled_phases_are_named_with_their_order():
    raw = frames(pattern=three_beams())
    refused(raw.isel(phase=[0, 2, 1, 3, 4]), r"phases of angle 0 are .* in the order")


def test_any_order_of_three_phases_gives_the_same_image():
    raw = frames()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (sim.reconstruct(one, OPTICS) for one in (raw, raw.isel(phase=[2, 1, 0])))
    assert np.corrcoef(first.values.ravel(), second.values.ravel())[0, 1] > 0.9999


def test_frames_without_a_pattern_are_refused():
    refused(frames(pattern=two_beams(modulation=0.0)), "no pattern found in the frames of angle 0")


def test_identical_frames_are_refused():
    raw = frames()
    refused(raw.copy(data=np.broadcast_to(raw.values[:1, :1], raw.shape)), "no pattern")


def test_light_too_low_for_the_pattern_is_said():
    refused(frames(peak_photons=3), "Is the light too low")


def test_phase_and_angle_exchanged_is_named():
    raw = frames()
    refused(raw.rename(angle="phase", phase="angle"), "phase and angle exchanged")


def test_frames_shifted_by_one_in_the_file_are_named():
    raw = frames()
    late = np.roll(raw.values.reshape(9, *raw.shape[2:]), 1, axis=0)
    refused(raw.copy(data=late.reshape(raw.shape)), "another order")


def test_an_angle_that_comes_twice_is_named():
    raw = frames()
    refused(xr.concat([raw.isel(angle=i) for i in (0, 1, 0)], "angle"), "angles 0 and 2 have the same direction")


def test_saturated_pixels_are_named():
    raw = frames()
    with pytest.warns(sim.SimWarning, match="saturated"):
        sim.estimate(raw.clip(max=float(raw.quantile(0.98))), OPTICS)


def test_low_counts_are_not_taken_for_saturation():
    raw = frames(peak_photons=50)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sim.estimate(raw, OPTICS, credible=(0.2, 1.2))


def test_drift_is_named_with_its_size():
    sample, pattern, rng = lines(), two_beams(), np.random.default_rng(0)
    moved = [sample.copy(data=np.roll(sample.values, 2 * step, axis=1)) for step in range(3)]
    raw = xr.concat([planar_frames(one, OPTICS, pattern)[i : i + 1] for i, one in enumerate(moved)], "angle")
    with pytest.warns(sim.SimWarning, match=r"moves by \((-0.0|0.0), (1.0|0.9|1.1)\) pixels .* drifts"):
        sim.estimate(exposed(raw, peak_photons=3000, rng=rng), OPTICS, credible=(0.0, 2.0))


def test_light_that_changes_is_named():
    raw = frames()
    with pytest.warns(sim.SimWarning, match="angle 2 holds .*% less light than angle 0"):
        sim.estimate(raw * xr.DataArray(np.linspace(1, 0.6, 9).reshape(3, 3), dims=("angle", "phase")), OPTICS)


def test_good_frames_pass_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sim.reconstruct(frames(), OPTICS)


def test_values_that_are_not_finite_are_named():
    raw = frames()
    raw[0, 1, 5, 6] = np.nan
    refused(raw, r"not finite at \{'angle': 0, 'phase': 1, 'y': 5, 'x': 6\}")


def test_other_dimensions_are_named():
    with pytest.raises(sim.SimError, match="needed is a DataArray with dims"):
        sim.reconstruct(as_image(np.ones((8, 8)), PIXEL_UM), OPTICS)


def test_a_pattern_of_other_size_is_refused():
    with pytest.raises(sim.SimError, match="3 angles of 3 phases, parameters describe 3 of 5"):
        sim.reconstruct(frames(), OPTICS, parameters=three_beams())


def test_phases_that_do_not_tell_the_bands_apart_are_refused():
    pattern = two_beams()
    same = type(pattern)(pattern.wave_vector_per_um, np.zeros((3, 3)) + [0, 0.01, 0.02], pattern.modulation)
    with pytest.raises(sim.SimError, match="do not tell the bands apart"):
        sim.reconstruct(frames(), OPTICS, parameters=same)
