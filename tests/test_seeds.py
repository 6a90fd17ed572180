import numpy as np
import pytest
from scipy import stats

from nbsupport.seeds import streams


def test_adding_a_stream_moves_none_of_the_others():
    before = streams(7, "structure", "noise")
    after = streams(7, "blinks", "noise", "structure")
    for name in ("structure", "noise"):
        assert np.array_equal(before[name].random(100), after[name].random(100))


def test_the_same_seed_gives_the_same_bits_and_another_seed_or_sample_others():
    draw = streams(3, "noise").noise.integers(2**63, size=8)
    assert np.array_equal(draw, streams(3, "noise").noise.integers(2**63, size=8))
    for other in (
        streams(4, "noise"),
        streams(3, "noise", sample=0),
        streams(3, "noise", sample=1),
        streams(3, "nois"),
    ):
        assert not np.array_equal(draw, next(iter(other.values())).integers(2**63, size=8))


def test_streams_of_one_seed_are_independent():
    rng = streams(0, "a", "b")
    correlation, p_value = stats.pearsonr(rng.a.random(100_000), rng.b.random(100_000))
    assert p_value > 1e-4, correlation


@pytest.mark.parametrize("arguments", [(0,), (0, "a", "a"), (-1, "a")])
def test_bad_requests_are_refused(arguments):
    with pytest.raises(ValueError):
        streams(*arguments)
    with pytest.raises(AttributeError, match="opened: a"):
        streams(0, "a").b  # noqa: B018
