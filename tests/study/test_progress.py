import pytest

from nbsupport.study import session
from nbsupport.study.live import LiveLine
from nbsupport.study.progress import duration, left, track


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "unknown time"), (4.6, "5 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_time_spans_are_said_in_words(seconds, words):
    assert duration(seconds) == words


def test_the_time_left_is_proportional_to_the_work_left():
    assert left(30.0, 0.25) == pytest.approx(90.0)
    assert left(30.0, 0.0) is None


def test_the_kernel_reports_its_loop_to_the_line_that_a_person_watches(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "progress_file", tmp_path / "progress.json")
    monkeypatch.setattr(session, "_current", opened)
    live = LiveLine("01_toy", tmp_path / "progress.json", last=None)
    seen = []
    monkeypatch.setattr("nbsupport.study.progress.INTERVAL_S", 0.0)
    for _ in track([1, 2, 3, 4], "counting"):
        seen.append(live.line())
    assert "counting 75%" in seen[-1]
    assert list(track([], "nothing")) == []


def test_with_an_earlier_run_the_time_left_is_what_that_run_still_took(tmp_path):
    live = LiveLine("01_toy", tmp_path / "none.json", last=[0.0, 10.0, 20.0])
    live.total = 3
    live.cell(1)
    assert live.seconds_left() == pytest.approx(30.0, abs=0.5)
