import json

import pytest

from nbsupport.study.readme import END, START, write_readme


def record(toy, size, wall_s):
    folder = toy / "figures" / size / "runs"
    folder.mkdir(parents=True)
    (folder / "01_toy.json").write_text(json.dumps({"wall_s": wall_s, "peak_memory_gib": 1.25}))


def test_the_readme_shows_the_times_of_the_run_records_and_nothing_else_changes(toy):
    record(toy, "smoke", 12.0)
    record(toy, "desk", 125.0)
    (toy / "README.md").write_text(f"# Title\n\n{START}\nold\n{END}\n\nText.\n")
    write_readme()
    text = (toy / "README.md").read_text()
    assert "| 01_toy | 12 s | — | 2 min 05 s | 1.2 GiB |" in text
    assert "old" not in text
    assert text.startswith("# Title\n\n") and text.endswith(f"{END}\n\nText.\n")


def test_a_readme_without_marks_is_refused_and_left_alone(toy):
    (toy / "README.md").write_text("# Title\n")
    with pytest.raises(ValueError, match="marks"):
        write_readme()
    assert (toy / "README.md").read_text() == "# Title\n"
