import pytest

from nbsupport.study.verdict import Estimate, holds, names_in, verdict

GAIN = {"gain_db": Estimate(1.0, 0.5, 1.5), "count": Estimate(3)}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("gain_db > 0", True),
        ("gain_db.low > 0.5", False),
        ("0.4 < gain_db.low <= gain_db <= gain_db.high < 2", True),
        ("count == 3 and not gain_db < 0", True),
        ("count != 3 or abs(-gain_db) >= max(1, count - 2)", True),
        ("min(gain_db, count) / 2 == 0.5", True),
    ],
)
def test_rules_follow_arithmetic_and_logic(rule, expected):
    assert holds(rule, GAIN) is expected


@pytest.mark.parametrize(
    "rule",
    [
        "__import__('os')",
        "gain_db.real > 0",
        "[gain_db]",
        "gain_db > 'a'",
        "gain_db if 1 else 2",
        "gain_db >",
        "True",
        "x := 1",
    ],
)
def test_anything_outside_the_language_is_refused(rule):
    with pytest.raises(ValueError):
        names_in(rule)


def test_the_first_rule_that_holds_decides():
    rules = {"reproduced": "gain_db.low > 0", "partly": "gain_db > 0"}
    outcomes = [
        verdict(rules, {"gain_db": Estimate(*ends)}) for ends in ((1.0, 0.5, 1.5), (1.0, -0.5, 1.5), (-1.0, -2.0, 0.5))
    ]
    assert outcomes == ["reproduced", "partly", "not reproduced"]


def test_a_rule_without_its_measurement_or_interval_is_an_error_not_a_verdict():
    with pytest.raises(ValueError, match="was not measured"):
        holds("loss > 0", GAIN)
    with pytest.raises(ValueError, match="interval of count"):
        holds("count.low > 0", GAIN)
