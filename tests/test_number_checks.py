"""Numbers that are refused by name and value, and those that pass unchanged."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsupport.checks import finite_array, positive, whole_number


@given(value=st.integers(-(2**62), 2**62), kind=st.sampled_from([int, np.int64]))
def test_a_whole_number_comes_back_as_an_int_of_its_value(value, kind):
    number = whole_number("frames", kind(value), least=value)
    assert number == value and type(number) is int


@pytest.mark.parametrize("value", [2.5, 2.0, np.float64(2), "2", None, Fraction(2), [2]])
def test_what_python_takes_for_no_index_is_no_whole_number(value):
    with pytest.raises(TypeError):
        range(10)[value]
    with pytest.raises(ValueError) as refusal:
        whole_number("frames", value, least=1)
    assert str(refusal.value) == f"frames={value!r} must be a whole number"


@pytest.mark.parametrize(("value", "least"), [(0, 1), (-1, 0), (1, 2)])
def test_a_whole_number_below_the_least_is_refused_with_both(value, least):
    with pytest.raises(ValueError, match=f"^bins={value} must be at least {least}$"):
        whole_number("bins", value, least=least)


@given(value=st.floats(0, exclude_min=True, allow_infinity=False), kind=st.sampled_from([float, np.float64, Fraction]))
def test_a_positive_number_comes_back_as_a_float_of_its_value(value, kind):
    number = positive("tau_on", kind(value), "a positive number of frames")
    assert number == value and type(number) is float


@pytest.mark.parametrize("value", [0, -0.0, -3.0, np.nan, np.inf, -np.inf, "5", None, 1j, [1.0], np.ones(1)])
def test_anything_but_a_positive_number_is_refused_with_what_would_be_right(value):
    with pytest.raises(ValueError) as refusal:
        positive("tau_on", value, "a positive number of frames")
    assert str(refusal.value) == f"tau_on={value!r} must be a positive number of frames"


@pytest.mark.parametrize("values", [3, [1, 2], [[0.5, -1e308]], np.arange(3, dtype="uint8"), []])
def test_finite_values_become_float64_of_their_shape(values):
    array = finite_array("r_um", values)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, values, strict=False)
    assert array.shape == np.shape(values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_value_that_is_not_finite_is_named_with_its_index(bad):
    with pytest.raises(ValueError, match=rf"^r_um must be finite; the first bad value is {bad} at \[1, 0\]$"):
        finite_array("r_um", [[0, 1], [bad, np.nan]])
