"""Estimating the pattern: against oracles, a data set of another program, the truth of simulations, and invariances."""

import numpy as np
import pytest
import tifffile
import xarray as xr
from sim_frames import (
    OPTICS,
    PIXEL_UM,
    at_centre,
    frames,
    lines,
    oracle_frames,
    per_field,
    three_beams,
    turns_apart,
    two_beams,
)

from nbsupport.optics import Optics
from nbsupport.reconstruct import sim
from nbsupport.simulate.illumination import Pattern

ORACLES = ["sim2d-open-beads-128", "sim2d-open-filaments-256", "sim2d-open-spokes-128"]


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_vector_phase_and_modulation_are_those_of_the_independent_program(oracle, name):
    found = oracle(name)
    raw, optics, preparation, _ = oracle_frames(found)
    estimated = sim.estimate(raw, optics, **preparation)
    np.testing.assert_allclose(
        per_field(estimated.wave_vector_per_um, raw), found.arrays["k_estimated"], rtol=0, atol=0.023
    )
    assert np.abs(turns_apart(estimated.phase_rad[:, 0], found.arrays["phase_estimated"])).max() < 0.6
    np.testing.assert_allclose(estimated.modulation_fitted[:, 0], found.arrays["modulation_estimated"], atol=0.005)
    np.testing.assert_array_equal(estimated.modulation[:, 0], estimated.modulation_fitted[:, 0])


@pytest.mark.conformance
@pytest.mark.parametrize("name", ORACLES)
def test_vector_and_phase_are_the_true_ones(oracle, name):
    found = oracle(name)
    raw, optics, preparation, _ = oracle_frames(found)
    estimated = sim.estimate(raw, optics, **preparation)
    np.testing.assert_allclose(per_field(estimated.wave_vector_per_um, raw), found.arrays["k_true"], rtol=0, atol=0.05)
    assert np.abs(turns_apart(estimated.phase_rad[:, 0], found.arrays["phase_true"])).max() < 6


def test_a_computed_volume_of_another_program_has_the_pattern_its_settings_state(registry_file):
    path = registry_file("sim-3d-synthetic", "sim/sim-3d-synthetic-raw.tif")
    pages = tifffile.imread(path).astype(float)
    centres = (np.arange(64) + 0.5) * 0.08
    raw = xr.DataArray(sim.arranged(pages, "OMX", phases=5), dims=("angle", "phase", "z", "y", "x"))
    raw = raw.assign_coords(y=centres, x=centres)
    estimated = sim.estimate(raw, Optics(numerical_aperture=1.42, wavelength_um=0.528))
    np.testing.assert_allclose(estimated.period_um / 2, 0.2035, rtol=0.005)
    np.testing.assert_allclose(np.sort(estimated.angle_rad), np.sort([0.8043, 1.8555, -0.2388]), atol=0.003)


def test_without_noise_the_pattern_is_found_as_it_was_made():
    raw = frames(lines(256, 256), peak_photons=np.inf)
    estimated, true = sim.estimate(raw, OPTICS), Pattern.of(raw)
    np.testing.assert_allclose(
        per_field(estimated.wave_vector_per_um, raw), per_field(true.wave_vector_per_um, raw), atol=0.02
    )
    assert np.abs(turns_apart(at_centre(estimated, raw), at_centre(true, raw))).max() < 1
    np.testing.assert_allclose(estimated.modulation, true.modulation, atol=0.03)  # the faded border costs some


def test_both_orders_of_three_beams_are_found():
    raw = frames(pattern=three_beams(), peak_photons=np.inf)
    estimated, true = sim.estimate(raw, OPTICS), Pattern.of(raw)
    np.testing.assert_allclose(estimated.period_um, true.period_um, rtol=1e-3)
    np.testing.assert_allclose(estimated.modulation, true.modulation, atol=0.07)
    assert np.abs(turns_apart(at_centre(estimated, raw), at_centre(true, raw))).max() < 2


def test_every_frame_alone_has_the_phase_of_the_pattern():
    raw = frames(peak_photons=5000)
    estimated = sim.estimate(raw, OPTICS)
    assert np.abs(turns_apart(estimated.frame_phase_rad, estimated.phase_rad)).max() < 10


def test_brighter_frames_have_the_same_pattern():
    raw = frames()
    first, second = sim.estimate(raw, OPTICS), sim.estimate(7.5 * raw, OPTICS)
    for name in ("wave_vector_per_um", "phase_rad", "modulation"):
        np.testing.assert_allclose(getattr(second, name), getattr(first, name), rtol=1e-9)


def test_the_order_of_dimensions_does_not_matter():
    raw = frames()
    turned = sim.estimate(raw.transpose("x", "phase", "y", "angle"), OPTICS)
    np.testing.assert_array_equal(turned.phase_rad, sim.estimate(raw, OPTICS).phase_rad)


def test_transposed_frames_have_the_transposed_pattern():
    raw = frames()
    flipped = raw.rename(y="x", x="y").transpose("angle", "phase", "y", "x")
    first, second = sim.estimate(raw, OPTICS), sim.estimate(flipped, OPTICS)
    np.testing.assert_allclose(second.wave_vector_per_um, first.wave_vector_per_um[:, ::-1], rtol=1e-6)
    assert np.abs(turns_apart(second.phase_rad, first.phase_rad)).max() < 1e-6


def test_frames_that_are_not_square_are_handled():
    estimated, true = sim.estimate(frames(lines(128, 96)), OPTICS), two_beams()
    np.testing.assert_allclose(estimated.wave_vector_per_um, true.wave_vector_per_um, atol=0.05 / (96 * PIXEL_UM))


def test_planes_of_a_stack_share_one_pattern_that_is_found_where_one_plane_fails():
    planes = [frames(lines(seed=seed), peak_photons=10, seed=seed) for seed in range(16)]
    estimated = sim.estimate(xr.concat(planes, dim="z"), OPTICS, credible=(0.0, 1.1))
    np.testing.assert_allclose(
        estimated.wave_vector_per_um, two_beams().wave_vector_per_um, atol=0.1 / (128 * PIXEL_UM)
    )
    with pytest.raises(sim.SimError, match="no pattern"):
        sim.estimate(planes[0], OPTICS)


def test_phases_that_are_not_evenly_spread_may_be_given():
    steps = np.radians([0, 100, 200])
    pattern = Pattern(two_beams().wave_vector_per_um, np.tile(steps, (3, 1)), two_beams().modulation)
    raw = frames(pattern=pattern, peak_photons=np.inf)
    estimated = sim.estimate(raw, OPTICS, phase_rad=steps)
    np.testing.assert_allclose(estimated.modulation, 0.8, atol=0.07)
    assert np.abs(turns_apart(at_centre(estimated, raw), at_centre(pattern, raw))).max() < 2


def test_a_modulation_beyond_belief_is_replaced_and_said():
    raw = frames(pattern=two_beams(modulation=0.25), peak_photons=20_000)
    with pytest.warns(sim.SimWarning, match=r"modulation 0\.\d+ .*0\.65"):
        estimated = sim.estimate(raw, OPTICS)
    assert estimated.replaced.all()
    np.testing.assert_array_equal(estimated.modulation, 0.65)
    np.testing.assert_allclose(estimated.modulation_fitted, 0.25, atol=0.05)
    assert "replaced" in sim.described(estimated)


def test_the_range_of_belief_may_be_widened():
    raw = frames(pattern=two_beams(modulation=0.25), peak_photons=20_000)
    assert not sim.estimate(raw, OPTICS, credible=(0.1, 1.1)).replaced.any()


@pytest.mark.parametrize(("words", "message"), [({"exclude": 2.5}, "exclude"), ({"orders": 0}, "orders")])
def test_settings_out_of_range_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        sim.estimate(frames(), OPTICS, **words)
