"""The runner, as a stranger meets it: through its command, on a toy study."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

pytestmark = pytest.mark.notebook


def files(root):
    """Everything that a run left behind, locks aside."""
    found = [*(root / "figures").rglob("*"), *(root / "data").rglob("*")]
    return sorted(path.relative_to(root).as_posix() for path in found if path.is_file() and path.suffix != ".lock")


def test_a_run_publishes_figures_record_log_and_notebook(toy, nbsupport_command):
    done = nbsupport_command("run", "01_toy", "--size", "smoke")
    assert done.returncode == 0, done.stderr
    assert "done at size smoke" in done.stdout
    assert files(toy) == [
        "data/runs/smoke/01_toy.ipynb",
        "data/runs/smoke/01_toy.log",
        "figures/smoke/runs/01_toy.json",
        *(f"figures/smoke/toy-fig-1.{ending}" for ending in ("csv", "json", "png", "svg")),
    ]
    assert "the figure is drawn" in (toy / "data/runs/smoke/01_toy.log").read_text()
    record = json.loads((toy / "figures/smoke/runs/01_toy.json").read_text())
    assert record["parameters"]["frames"] == 3
    assert record["published"] == ["toy-fig-1"]
    assert 0.01 < record["peak_memory_gib"] < 20
    assert 0.3 * record["wall_s"] < sum(record["cell_s"]) < record["wall_s"]
    assert len(record["cell_s"]) == len(nbformat.read(toy / "data/runs/smoke/01_toy.ipynb", 4).cells)


def test_an_unknown_parameter_stops_the_run_before_it_starts_and_suggests_the_right_one(toy, nbsupport_command):
    done = nbsupport_command("run", "01_toy", "-p", "frame=50")
    assert done.returncode == 2
    assert "did you mean 'frames'" in done.stderr
    assert files(toy) == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(toy, nbsupport_command):
    done = nbsupport_command("run", "01_toy", "--size", "smoke", "--dry-run")
    assert done.returncode == 0
    assert "frames = 3\n" in done.stdout
    assert "gain = 0.5  (the cell's own value)" in done.stdout
    assert files(toy) == []


def test_a_changed_parameter_goes_to_custom_and_leaves_the_named_sizes_alone(toy, nbsupport_command):
    assert nbsupport_command("run", "01_toy", "-p", "level=2").returncode == 0
    record = json.loads((toy / "figures/custom/runs/01_toy.json").read_text())
    assert record["parameters"]["level"] == 2
    assert not (toy / "figures/class").exists()


def test_a_failed_cell_publishes_nothing_and_keeps_the_notebook_with_its_error(toy, nbsupport_command):
    (toy / "params/desk/01_toy.yaml").write_text("fail: true\n")
    done = nbsupport_command("run", "01_toy", "--size", "desk")
    assert done.returncode == 1
    assert "RuntimeError: the toy broke" in done.stderr
    assert files(toy) == ["data/runs/desk/01_toy.failed.ipynb", "data/runs/desk/01_toy.log"]
    top = nbformat.read(toy / "data/runs/desk/01_toy.failed.ipynb", as_version=4).cells[0].source
    assert "the toy broke" in top


def test_a_killed_kernel_publishes_nothing_and_its_message_names_memory(toy, nbsupport_command):
    (toy / "params/desk/01_toy.yaml").write_text("kill: true\n")
    done = nbsupport_command("run", "01_toy", "--size", "desk")
    assert done.returncode == 1
    assert "the kernel died in cell" in done.stderr
    assert "memory" in done.stderr
    assert files(toy) == ["data/runs/desk/01_toy.failed.ipynb", "data/runs/desk/01_toy.log"]


def test_a_failed_rerun_takes_the_earlier_notebook_away_so_that_nothing_looks_finished(toy, nbsupport_command):
    (toy / "params/desk/01_toy.yaml").write_text("fail: false\n")
    assert nbsupport_command("run", "01_toy", "--size", "desk").returncode == 0
    (toy / "params/desk/01_toy.yaml").write_text("fail: true\n")
    assert nbsupport_command("run", "01_toy", "--size", "desk").returncode == 1
    assert "data/runs/desk/01_toy.ipynb" not in files(toy)


def test_a_notebook_without_its_closing_cell_is_not_published(toy, nbsupport_command):
    source = toy / "notebooks/01_toy.py"
    source.write_text(source.read_text().replace("study.end()", "print('no end')"))
    done = nbsupport_command("run", "01_toy", "--size", "smoke")
    assert done.returncode == 1
    assert "study.end()" in done.stderr
    assert not (toy / "figures").exists()


def test_a_runner_that_is_killed_leaves_nothing_finished_and_the_next_run_succeeds(toy, nbsupport_command):
    source = toy / "notebooks/01_toy.py"
    source.write_text(
        source.read_text().replace("if fail:", "open('marker', 'w').close()\nimport time; time.sleep(3)\nif fail:")
    )
    runner = subprocess.Popen([sys.executable, "-m", "nbsupport", "run", "01_toy", "--size", "smoke"], cwd=toy)
    deadline = time.monotonic() + 120
    while not (toy / "marker").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(runner.pid, signal.SIGKILL)
    assert runner.wait() == -signal.SIGKILL
    assert not (toy / "figures").exists()
    assert not (toy / "data/runs/smoke/01_toy.ipynb").exists()
    assert nbsupport_command("run", "01_toy", "--size", "smoke").returncode == 0
    assert (toy / "figures/smoke/toy-fig-1.png").exists()


def test_two_runs_side_by_side_do_not_meet_and_the_same_run_is_refused_while_it_goes_on(toy):
    source = toy / "notebooks/01_toy.py"
    source.write_text(source.read_text().replace("if fail:", "import time; time.sleep(5)\nif fail:"))
    command = [sys.executable, "-m", "nbsupport", "run", "01_toy", "--size"]
    runs = {
        size: subprocess.Popen([*command, size], cwd=toy, text=True, stderr=subprocess.PIPE)
        for size in ("smoke", "class")
    }
    while not (toy / "data/runs/smoke/.01_toy/context.json").exists() and runs["smoke"].poll() is None:
        time.sleep(0.1)
    again = subprocess.run([*command, "smoke"], cwd=toy, text=True, capture_output=True)
    assert (again.returncode, "already running" in again.stderr) == (1, True)
    for size, started in runs.items():
        errors = started.communicate()[1]
        assert started.returncode == 0, (size, errors)
        assert (toy / f"figures/{size}/toy-fig-1.png").exists()


def test_an_artefact_that_a_notebook_no_longer_makes_disappears(toy, nbsupport_command):
    assert nbsupport_command("run", "01_toy", "--size", "smoke").returncode == 0
    source = toy / "notebooks/01_toy.py"
    source.write_text(source.read_text().replace('"toy-fig-1"', '"toy-fig-2"'))
    assert nbsupport_command("run", "01_toy", "--size", "smoke").returncode == 0
    assert {path.stem for path in (toy / "figures/smoke").glob("*.*")} == {"toy-fig-2"}
