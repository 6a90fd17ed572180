import csv
import io
import json

import pytest
from bench import run, table
from bench.measure import Row, Speed, side_by_side


def fake_speed(name, value):
    return Speed(name, 1.0, lambda repeats: [Row(name, "plain / ours", value, at_least=10, plain_s=value, ours_s=1.0)])


@pytest.fixture
def rows():
    return run.measured([fake_speed("quick", 12.0), fake_speed("slow", 3.0)], repeats=1)


def test_table_has_one_line_per_row_and_one_cell_per_column(rows):
    lines = list(csv.reader(io.StringIO(table.as_csv(rows))))
    assert tuple(lines[0]) == table.COLUMNS
    assert [len(line) for line in lines] == 3 * [len(table.COLUMNS)]
    assert [line[table.COLUMNS.index("met")] for line in lines[1:]] == ["yes", "no"]


def test_three_files_hold_the_same_rows_and_the_machine(rows, tmp_path):
    table.write(tmp_path, rows, {"cores": 2})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench.csv", "bench.json", "bench.md"]
    record = json.loads((tmp_path / "bench.json").read_text())
    assert record["machine"] == {"cores": 2}
    assert [row["value"] for row in record["rows"]] == [12.0, 3.0]
    assert "| cores | 2 |" in (tmp_path / "bench.md").read_text()


def test_side_by_side_takes_turns():
    calls = []
    found = side_by_side(lambda: calls.append("plain"), lambda: calls.append("ours"), 3, plain_scale=2.0)
    assert calls == 3 * ["plain", "ours"]
    assert found["lowest"] <= found["value"] <= found["highest"]
    assert set(found) <= set(Row.__dataclass_fields__)


def test_a_part_of_the_speeds_is_chosen_by_the_beginning_of_their_names():
    speeds = [fake_speed(name, 1.0) for name in ("musical-65nm", "musical-memory", "acquisition-65nm")]
    assert [speed.name for speed in run.chosen(speeds, ["musical"])] == ["musical-65nm", "musical-memory"]
    with pytest.raises(SystemExit, match="no speed is called 'sofi'"):
        run.chosen(speeds, ["sofi"])


def test_every_registered_speed_has_its_own_name():
    names = [speed.name for speed in run.registered()]
    assert len(names) == len(set(names)) > 5
