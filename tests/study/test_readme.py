import json

import pytest

from nbsupport.study import readme
from nbsupport.study.readme import write_readme

TIMES, TIMES_END = "<!-- times: written by `make readme` -->", "<!-- end of times -->"
SCOREBOARD, SCOREBOARD_END = "<!-- scoreboard: written by `make readme` -->", "<!-- end of scoreboard -->"


def record(toy, size, wall_s):
    folder = toy / "figures" / size / "runs"
    folder.mkdir(parents=True)
    (folder / "01_toy.json").write_text(json.dumps({"wall_s": wall_s, "peak_memory_gib": 1.25}))


def test_the_readme_shows_verdicts_and_times_and_nothing_else_changes(toy):
    record(toy, "smoke", 12.0)
    record(toy, "desk", 125.0)
    marked = f"{SCOREBOARD}\nold\n{SCOREBOARD_END}\n\nBetween.\n\n{TIMES}\nold\n{TIMES_END}"
    (toy / "README.md").write_text(f"# Title\n\n{marked}\n\nText.\n")
    write_readme()
    text = (toy / "README.md").read_text()
    assert "| 01_toy | 12 s | — | 2 min 05 s | 1.2 GiB |" in text
    assert "| **all** | 12 s | over 0 s | 2 min 05 s | |" in text
    assert text.index("| **all** | 0 |") < text.index("Between.")
    assert "old" not in text
    assert text.startswith("# Title\n\n") and text.endswith(f"{TIMES_END}\n\nText.\n")


def test_a_notebook_some_of_whose_runs_are_missing_says_how_many_there_are(toy, monkeypatch):
    monkeypatch.setattr(readme, "runs_of", lambda name, size: [name, f"{name}.second"])
    record(toy, "smoke", 12.0)
    record(toy, "desk", 125.0)
    (toy / "figures/desk/runs/01_toy.second.json").write_text(json.dumps({"wall_s": 5.0, "peak_memory_gib": 1.0}))
    table = readme.times_table()
    assert "| 01_toy | 12 s (1 of 2 runs) | — | 2 min 10 s (2 runs) | 1.2 GiB |" in table
    assert "| **all** | over 12 s | over 0 s | 2 min 10 s | |" in table


@pytest.mark.parametrize("kept", ["", f"{SCOREBOARD}\n{SCOREBOARD_END}\n"])
def test_a_readme_without_marks_is_refused_and_left_alone(toy, kept):
    (toy / "README.md").write_text(f"# Title\n{kept}")
    with pytest.raises(ValueError, match="marks"):
        write_readme()
    assert (toy / "README.md").read_text() == f"# Title\n{kept}"
