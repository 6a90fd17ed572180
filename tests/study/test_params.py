import pytest

from nbsupport.study.params import (
    ParameterError,
    check,
    declared_parameters,
    load_parameters,
    notebook_source,
    parameter_set,
    parse_assignment,
)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def cell(tmp_path, body):
    return write(tmp_path / "05_cell.py", f'# %% tags=["parameters"]\n{body}\n\n# %%\nprint(1)\n')


def test_a_parameter_set_follows_yaml_1_2_where_no_is_a_word_and_1e_3_a_number(tmp_path):
    path = write(
        tmp_path / "set.yaml",
        "a: no\nb: 1e-3\nc: 12:30\nd: 010\ne: ~\nf: true\ng: 2026-01-01\nh: .inf\n"
        "i: 'true'\nj: -4\nk: 0x1F\nl: yes\nm: 1.\n",
    )
    # expected values: the examples of the YAML 1.2 core schema, section 10.3
    assert load_parameters(path) == {
        "a": "no",
        "b": 0.001,
        "c": "12:30",
        "d": 10,
        "e": None,
        "f": True,
        "g": "2026-01-01",
        "h": float("inf"),
        "i": "true",
        "j": -4,
        "k": 31,
        "l": "yes",
        "m": 1.0,
    }


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "- 1\n- 2\n", "1: a\n", "a: [1,\n", "a: !!python/object:os.system {}\n"]
)
def test_a_file_that_is_not_a_plain_parameter_set_is_refused(tmp_path, text):
    with pytest.raises(ParameterError):
        load_parameters(write(tmp_path / "set.yaml", text))


def test_the_cell_is_read_from_its_syntax_tree_with_types_defaults_and_comments(tmp_path):
    source = cell(
        tmp_path, 'frames: int = 200  # frames, "#" kept\nlevel: float | None = None\nna: list[float] = [1.2, 1.49]'
    )
    declared = declared_parameters(source)
    assert list(declared) == ["frames", "level", "na"]
    assert declared["frames"].default == 200
    assert declared["frames"].comment == 'frames, "#" kept'
    assert declared["level"].annotation == "float | None"
    assert declared["na"].default == [1.2, 1.49]


@pytest.mark.parametrize(
    "body",
    ["frames = 200", "frames: int = 10 * 20", "frames: int = '200'", "import os", "frames: Stack = 2", "frames: int"],
)
def test_a_cell_with_anything_but_annotated_literals_is_refused_with_its_line(tmp_path, body):
    with pytest.raises(ParameterError, match="line 1"):
        declared_parameters(cell(tmp_path, body))


def test_a_notebook_needs_exactly_one_parameters_cell(tmp_path):
    with pytest.raises(ParameterError, match="exactly one"):
        declared_parameters(write(tmp_path / "05_none.py", "# %%\nprint(1)\n"))


@pytest.mark.parametrize(
    ("annotation", "literal", "good", "bad"),
    [
        ("int", "1", [3, -1], [3.0, True, "3", None]),
        ("float", "1.0", [3, 0.5], [True, "3", None]),
        ("bool", "False", [True], [1, "true"]),
        ("str", "'a'", ["", "1"], [1]),
        ("float | None", "None", [None, 1, 2.5], ["none"]),
        ("float | str", "-1.0", ["soft", -0.5], [None, True]),
        ("list[int]", "[1]", [[], [1, 2]], [[1.5], 1, ["a"]]),
    ],
)
def test_each_annotation_takes_its_own_values_and_no_others(tmp_path, annotation, literal, good, bad):
    declared = declared_parameters(cell(tmp_path, f"x: {annotation} = {literal}"))
    for value in good:
        assert check({"x": value}, declared, "05_cell") == {"x": value}
    for value in bad:
        with pytest.raises(ParameterError, match="x="):
            check({"x": value}, declared, "05_cell")


def test_an_unknown_name_is_refused_with_the_nearest_right_one(toy):
    declared = declared_parameters(notebook_source("01_toy"))
    with pytest.raises(ParameterError, match="01_toy has no 'frame'; did you mean 'frames'"):
        check({"frame": 3}, declared, "01_toy")


def test_notebooks_and_sizes_are_found_by_name_number_or_path_and_refused_with_the_nearest(toy):
    assert notebook_source("01") == notebook_source("notebooks/01_toy.py") == notebook_source("01_toy")
    with pytest.raises(ParameterError, match="did you mean '01_toy'"):
        notebook_source("01_toi")
    with pytest.raises(ParameterError, match="did you mean 'smoke'"):
        parameter_set(notebook_source("01_toy"), "smok")


def test_a_missing_set_is_an_error_that_names_the_sets_there_are(toy):
    assert parameter_set(notebook_source("01_toy"), "smoke") == {"frames": 3}
    assert parameter_set(notebook_source("01_toy"), "class") == {}
    with pytest.raises(ParameterError, match="it has: class, smoke"):
        parameter_set(notebook_source("01_toy"), "paper")


def test_a_set_is_checked_against_the_cell(toy):
    (toy / "params/desk/01_toy.yaml").write_text("gain: high\n")
    with pytest.raises(ParameterError, match="gain: float"):
        parameter_set(notebook_source("01_toy"), "desk")


def test_an_assignment_is_read_in_the_declared_type(toy):
    declared = declared_parameters(notebook_source("01_toy"))
    assert parse_assignment("gain=1e-3", declared, "01_toy") == ("gain", 0.001)
    assert parse_assignment("gain=2", declared, "01_toy") == ("gain", 2.0)
    assert parse_assignment("word=12", declared, "01_toy") == ("word", "12")
    assert parse_assignment("level=null", declared, "01_toy") == ("level", None)
    with pytest.raises(ParameterError, match="name=value"):
        parse_assignment("frames", declared, "01_toy")
