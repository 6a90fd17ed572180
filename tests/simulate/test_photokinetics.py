"""Photokinetics against closed forms of the two-state process, exponential laws and the conservation of on-time."""

import numpy as np
import pytest
from scipy import stats

from nbsupport.simulate.photokinetics import blink, on_time_autocovariance, on_time_mean, switching_times

PAIRS = [0, 1, 2, 3]  # rows of the oracle: (1, 1), (2, 6), (5, 20), (3, 10)


@pytest.fixture(scope="module")
def simulated(oracle):
    """Traces of two million emitter-frames for every pair of the oracle."""
    pairs = oracle("photokinetics-open").arrays["tau_on_off"]
    return [blink(50_000, 40, on, off, rng=np.random.default_rng(row)) for row, (on, off) in enumerate(pairs)]


def autocovariance(traces, lag):
    centred = traces - traces.mean()
    return np.mean(centred[:, : traces.shape[1] - lag] * centred[:, lag:])


@pytest.mark.conformance
@pytest.mark.parametrize("row", PAIRS)
def test_closed_forms_equal_the_oracle_to_ten_digits(oracle, row):
    expected = oracle("photokinetics-open").arrays
    on, off = expected["tau_on_off"][row]
    assert on_time_mean(on, off) == pytest.approx(expected["mean"][row], rel=1e-10)
    np.testing.assert_allclose(
        on_time_autocovariance(on, off, np.arange(21)), expected["autocovariance"][row], rtol=1e-10
    )


@pytest.mark.conformance
@pytest.mark.parametrize("row", PAIRS)
def test_simulated_mean_and_variance_meet_the_oracle(oracle, simulated, row):
    expected = oracle("photokinetics-open").arrays
    assert simulated[row].mean() == pytest.approx(expected["mean"][row], rel=0.03)
    assert simulated[row].var() == pytest.approx(expected["autocovariance"][row, 0], rel=0.04)


@pytest.mark.conformance
@pytest.mark.parametrize("row", PAIRS)
def test_simulated_autocovariance_meets_the_oracle_at_every_lag(oracle, simulated, row):
    expected = oracle("photokinetics-open").arrays["autocovariance"][row]
    measured = [autocovariance(simulated[row], lag) for lag in range(21)]
    np.testing.assert_allclose(measured, expected, rtol=0, atol=0.03 * expected[0])


@pytest.mark.conformance
@pytest.mark.parametrize("row", PAIRS)
def test_whole_frames_on_and_off_are_as_frequent_as_the_oracle_says(oracle, row):
    """One frame per emitter makes the trials independent; 4.9 standard deviations are missed once in a million."""
    expected, n = oracle("photokinetics-open").arrays, 1_000_000
    first = blink(n, 1, *expected["tau_on_off"][row], rng=np.random.default_rng(10 + row))
    for value, probability in [(1.0, expected["prob_full_on"][row]), (0.0, expected["prob_full_off"][row])]:
        spread = np.sqrt(probability * (1 - probability) / n)
        assert np.mean(first == value) == pytest.approx(probability, abs=4.9 * spread)


@pytest.mark.conformance
@pytest.mark.parametrize("row", PAIRS)
def test_cumulants_up_to_order_four_meet_the_oracle(oracle, row):
    """Independent frames; each k-statistic within five of its own standard errors, taken from 200 blocks."""
    expected = oracle("photokinetics-open").arrays
    first = blink(1_000_000, 1, *expected["tau_on_off"][row], rng=np.random.default_rng(20 + row)).reshape(200, -1)
    for order in (1, 2, 3, 4):
        blocks = np.array([stats.kstat(block, order) for block in first])
        assert blocks.mean() == pytest.approx(expected["cumulants"][row, order - 1], abs=5 * stats.sem(blocks))


@pytest.mark.parametrize(
    "tau_on, tau_off, variance, lag_one", [(1, 20, 0.032903, 0.017383), (5, 1, 0.096681, 0.047100)]
)
def test_sparse_and_dense_blinking_have_the_tabulated_variance(tau_on, tau_off, variance, lag_one):
    assert on_time_autocovariance(tau_on, tau_off, 0) == pytest.approx(variance, abs=6e-7)
    assert on_time_autocovariance(tau_on, tau_off, -1) == pytest.approx(lag_one, abs=6e-7)


@pytest.mark.parametrize("tau_on, tau_off", [(1, 20), (5, 1), (0.05, 0.15), (400, 900)])
def test_the_first_and_the_last_frame_have_the_duty_cycle(tau_on, tau_off):
    """Stationary start: no frame knows how long ago the recording began (4.9 standard errors)."""
    traces = blink(100_000, 6, tau_on, tau_off, rng=np.random.default_rng(3))
    error = np.sqrt(on_time_autocovariance(tau_on, tau_off, 0) / len(traces))
    np.testing.assert_allclose(traces[:, [0, -1]].mean(axis=0), on_time_mean(tau_on, tau_off), atol=4.9 * error)


def test_dwell_times_are_exponential():
    """Kolmogorov–Smirnov on the second and third dwell of each emitter, which no edge of the recording cuts."""
    starts_on, times = switching_times(20_000, 50.0, 3.0, 7.0, rng=np.random.default_rng(4))
    second, third = times[:, 1] - times[:, 0], times[:, 2] - times[:, 1]
    bright = np.concatenate([third[starts_on], second[~starts_on]])
    dark = np.concatenate([second[starts_on], third[~starts_on]])
    assert stats.kstest(bright, "expon", args=(0, 3.0)).pvalue > 0.001
    assert stats.kstest(dark, "expon", args=(0, 7.0)).pvalue > 0.001


def test_switching_times_always_cover_the_duration():
    for seed in range(20):
        _, times = switching_times(2_000, 0.5, 1.0, 1.0, rng=np.random.default_rng(seed))
        assert times[:, -1].min() >= 0.5 and np.all(np.diff(times, axis=1) > 0)


def test_frames_agree_with_an_event_by_event_integration():
    starts_on, times = switching_times(40, 30, 0.7, 1.3, rng=np.random.default_rng(5))
    expected = np.zeros((40, 30))
    for emitter in range(40):
        edges = np.concatenate([[0.0], times[emitter]])
        states = (np.arange(len(edges)) % 2 == 0) == starts_on[emitter]
        total = np.concatenate([[0.0], np.cumsum(np.diff(edges) * states[:-1])])
        expected[emitter] = np.diff(np.interp(np.arange(31), edges, total))
    np.testing.assert_allclose(blink(40, 30, 0.7, 1.3, rng=np.random.default_rng(5)), expected, atol=1e-12)


def test_splitting_every_frame_conserves_the_on_time():
    coarse = blink(500, 100, 2.0, 5.0, rng=np.random.default_rng(6))
    fine = blink(500, 400, 8.0, 20.0, rng=np.random.default_rng(6))
    np.testing.assert_allclose(fine.reshape(500, 100, 4).mean(axis=2), coarse, atol=1e-12)


@pytest.mark.parametrize("tau_on, tau_off", [(1, 1), (0.02, 0.05), (5, 1), (1e4, 1e5)])
def test_on_time_stays_between_nothing_and_the_whole_frame(tau_on, tau_off):
    traces = blink(300, 50, tau_on, tau_off, rng=np.random.default_rng(7))
    assert traces.min() >= 0 and traces.max() <= 1 and traces.dtype == np.float64


def test_total_on_time_before_bleaching_is_exponential():
    """Recordings of forty mean limits see every emitter's end (Kolmogorov–Smirnov; mean to 5 standard errors)."""
    total = blink(4_000, 1_000, 4.0, 2.0, rng=np.random.default_rng(8), bleach_frames=15.0).sum(axis=1)
    assert total.mean() == pytest.approx(15.0, abs=5 * 15.0 / np.sqrt(4_000))
    assert stats.kstest(total, "expon", args=(0, 15.0)).pvalue > 0.001


def test_bleaching_only_ends_a_trace_and_changes_nothing_before():
    living = blink(200, 100, 2.0, 3.0, rng=np.random.default_rng(9))
    bleached = blink(200, 100, 2.0, 3.0, rng=np.random.default_rng(9), bleach_frames=10.0)
    differs = bleached != living
    first = np.where(differs.any(axis=1), differs.argmax(axis=1), 100)
    assert differs.any()
    for trace, end in zip(bleached, first, strict=True):
        assert not trace[end + 1 :].any()


def test_emitters_are_independent_of_each_other():
    """The mean over n emitters has 1/n of one emitter's variance; 12 % is five standard errors for 4,000 frames."""
    mean = blink(1_000, 4_000, 0.2, 0.2, rng=np.random.default_rng(10)).mean(axis=0)
    assert mean.var() * 1_000 == pytest.approx(on_time_autocovariance(0.2, 0.2, 0), rel=0.12)


def test_same_seed_gives_the_same_bits():
    one, two = (blink(3_000, 200, 1.0, 20.0, rng=np.random.default_rng(11), bleach_frames=30) for _ in range(2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"frames": 0}, "frames=0 must be at least 1"),
        ({"frames": 2.5}, "frames=2.5 must be a whole number"),
        ({"n_emitters": -1}, "n_emitters=-1 must be at least 0"),
        ({"tau_on": 0}, "tau_on=0 must be a positive"),
        ({"tau_off": -3.0}, "tau_off=-3.0 must be a positive"),
        ({"tau_off": float("nan")}, "tau_off=nan must be a positive"),
        ({"tau_on": "5"}, "tau_on='5' must be a positive"),
        ({"bleach_frames": 0}, "bleach_frames=0 must be a positive"),
    ],
)
def test_bad_input_is_refused_by_name(changed, message):
    given = {"n_emitters": 4, "frames": 10, "tau_on": 1.0, "tau_off": 2.0, **changed}
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        blink(**given, rng=np.random.default_rng(0))


def test_a_broken_lag_is_refused():
    with pytest.raises(ValueError, match="lag=0.5 must hold whole numbers"):
        on_time_autocovariance(1.0, 1.0, 0.5)
