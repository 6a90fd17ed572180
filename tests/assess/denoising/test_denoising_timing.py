"""Times of denoisers: against a clock whose readings are known."""

import numpy as np
import pytest

from nbsupport.assess.denoising import timing
from nbsupport.assess.denoising.timing import seconds_per_megapixel

IMAGE = np.zeros((50, 20))


@pytest.fixture
def clock(monkeypatch):
    """A clock that only restorers move on; each call makes the machine slower by the factor `slower`."""
    state = {"now": 100.0, "load": 1.0, "calls": []}
    monkeypatch.setattr(timing.time, "perf_counter", lambda: state["now"])

    def taking(name, seconds):
        def restore(image):
            state["calls"].append(name)
            state["now"] += seconds * state["load"]
            state["load"] *= state.get("slower", 1.0)
            return image

        return restore

    state["taking"] = taking
    return state


def test_a_known_time_is_divided_by_the_size_of_the_image(clock):
    found = seconds_per_megapixel({"slow": clock["taking"]("slow", 0.5), "fast": clock["taking"]("fast", 0.1)}, IMAGE)
    assert found.sizes == {"restorer": 2, "round": 5}
    np.testing.assert_allclose(found.sel(restorer="slow"), 500)
    np.testing.assert_allclose(found.sel(restorer="fast"), 100)


def test_restorers_take_turns_after_a_warm_up(clock):
    seconds_per_megapixel({name: clock["taking"](name, 1) for name in "ab"}, IMAGE, rounds=2)
    assert clock["calls"] == ["a", "b"] * 3


def test_a_machine_that_slows_down_leaves_the_ratio_within_a_round(clock):
    clock["slower"] = 1.1
    found = seconds_per_megapixel({name: clock["taking"](name, 1) for name in "ab"}, IMAGE, rounds=10)
    np.testing.assert_allclose(found.sel(restorer="b") / found.sel(restorer="a"), 1.1)
    # Measured apart, the second of two equal restorers would seem to be 1.1 ** 10 = 2.6 times as slow.
    assert float(found[0, -1] / found[0, 0]) == pytest.approx(1.21**9)


@pytest.mark.parametrize(("names", "rounds"), [("", 3), ("a", 0)])
def test_nothing_to_measure_is_refused(clock, names, rounds):
    with pytest.raises(ValueError, match="needs restorers and rounds"):
        seconds_per_megapixel({name: clock["taking"](name, 1) for name in names}, IMAGE, rounds=rounds)
