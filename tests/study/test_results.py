import numpy as np
import pytest

from nbsupport.study.results import keep, result, say


def test_prose_takes_its_numbers_from_what_was_kept(opened):
    keep("gain_db", mean=np.float64(1.234), n=3)
    spoken = say("Over {n} seeds the gain is {mean:.2f} dB at SBR {sbr}.", result("gain_db"), sbr=3)
    assert spoken.data == "Over 3 seeds the gain is 1.23 dB at SBR 3."


def test_a_number_that_nothing_measured_is_an_error_with_the_nearest_name(opened):
    keep("gain_db", mean=1.0)
    with pytest.raises(KeyError, match="did you mean 'gain_db'"):
        result("gain_dB")
    with pytest.raises(KeyError):
        say("The spread is {sd:.2f}.", result("gain_db"))
