"""Rises of the loss against gradient descent on a parabola, whose limit of stability is known."""

import numpy as np
import pytest

from nbsupport.assess.steadiness import loss_rise


def descent(rate, curvature=4.0, steps=60):
    """Losses of gradient descent on curvature · x² / 2 from x = 1; stable below a rate of 2 / curvature."""
    places = (1 - rate * curvature) ** np.arange(steps)
    return curvature * places**2 / 2


@pytest.mark.parametrize(("share_of_limit", "blows_up"), [(0.3, False), (0.98, False), (1.02, True), (1.5, True)])
def test_a_training_blows_up_beyond_the_known_limit_of_its_rate(share_of_limit, blows_up):
    assert (loss_rise(descent(share_of_limit * 2 / 4.0)) > 1) == blows_up


def test_rise_of_a_descent_is_the_analytic_one():
    rate, steps = 0.55, 60
    factor = (1 - rate * 4.0) ** 2  # of the loss from step to step
    span = steps // 10
    assert loss_rise(descent(rate)) == pytest.approx(factor ** (9 * span), rel=1e-9)


def test_a_rise_that_is_undone_in_the_end_counts():
    loss = np.r_[np.full(50, 1.0), np.full(20, 30.0), np.full(30, 0.1)]
    assert loss_rise(loss) == 30


def test_units_of_the_loss_do_not_matter():
    loss = np.random.default_rng(0).gamma(2, size=100)
    assert loss_rise(1e6 * loss) == pytest.approx(loss_rise(loss))


def test_what_is_not_finite_has_blown_up():
    assert loss_rise([1.0] * 19 + [np.nan]) == np.inf
    assert loss_rise([0.0] * 10) == 0
    assert loss_rise([0.0] * 10 + [1.0] * 10) == np.inf


@pytest.mark.parametrize(("loss", "parts"), [(np.ones(5), 10), (np.ones((4, 10)), 10), (np.ones(5), 1)])
def test_what_cannot_be_divided_is_refused(loss, parts):
    with pytest.raises(ValueError, match="parts="):
        loss_rise(loss, parts=parts)
