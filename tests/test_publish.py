import pytest

from nbsupport.publish import publishing, write_json


def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), publishing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "old"


def test_a_block_that_ends_well_replaces_the_file_under_its_own_ending(tmp_path):
    with publishing(tmp_path / "new" / "figure.svg") as temporary:
        assert temporary.suffix == ".svg"
        temporary.write_text("whole")
    assert (tmp_path / "new" / "figure.svg").read_text() == "whole"


def test_json_refuses_numbers_that_json_does_not_have(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []
