import numpy as np
import pytest

from nbsupport.optics import Optics
from nbsupport.simulate.recording import record
from nbsupport.simulate.structures import Sample, mitochondria

OPTICS = Optics(numerical_aperture=1.2, wavelength_um=0.66)


def generators(photokinetics=1, noise=2):
    return {"photokinetics": np.random.default_rng(photokinetics), "noise": np.random.default_rng(noise)}


def small(**change):
    sample = mitochondria(rng=np.random.default_rng(0), count=1)
    return record(sample, OPTICS, **({"rng": generators(), "pixel_um": 0.12, "frames": 40} | change))


def test_the_noisy_stack_is_the_noise_free_one_seen_by_a_poisson_camera():
    pair = small()
    expected = 100.0 * 2 * pair.noise_free / pair.noise_free.max() + 100.0
    residual = ((pair.noisy - expected) / np.sqrt(expected)).values
    # standardised Poisson residuals: mean 0, variance 1, five standard errors
    assert abs(residual.mean()) < 5 / np.sqrt(residual.size)
    assert residual.var() == pytest.approx(1.0, abs=5 * np.sqrt(2 / residual.size))


def test_another_noise_stream_leaves_emitters_and_photons_alone():
    one, other = small(), small(rng=generators(noise=3))
    assert np.array_equal(one.noise_free, other.noise_free)
    assert not np.array_equal(one.noisy, other.noisy)


def test_the_mean_noise_free_frame_is_the_duty_cycle_times_the_always_on_image():
    from nbsupport.simulate.acquisition import acquire

    sample = mitochondria(rng=np.random.default_rng(0), count=1)
    pair = record(sample, OPTICS, rng=generators(), pixel_um=0.12, frames=400, tau_on=3, tau_off=7)
    always_on = acquire(sample.emitters_um, np.ones((len(sample.emitters_um), 1)), OPTICS, pixel_um=0.12, field_um=5.0)
    ratio = float(pair.noise_free.mean("frame").sum() / always_on.sum())
    assert ratio == pytest.approx(0.3, rel=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"background": -100.0}, "background=-100.0 must be greater than 0"),
        ({"tau_on": -2.0}, "tau_on=-2.0 must be a positive"),
        ({"frames": 0}, "frames=0 must be at least 1"),
        ({"pixel_um": 80}, "pixel_um=80 looks like nanometres; give micrometres, 0.08"),
        ({"field_um": 5000}, "field_um=5000 looks like nanometres; give micrometres, 5"),
        ({"sample": Sample("test", np.array([[0, np.nan, 0]]), np.zeros(1, int), ())}, "emitters_um must be finite"),
    ],
)
def test_a_recording_refuses_bad_input_by_name(change, message):
    given = {"sample": Sample("test", np.zeros((1, 3)), np.zeros(1, int), ()), "pixel_um": 0.12, "frames": 2} | change
    with pytest.raises(ValueError, match=message):
        record(optics=OPTICS, rng=generators(), **given)
