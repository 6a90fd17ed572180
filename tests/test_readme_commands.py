"""What the README shows works: its commands run, its links lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nbsupport.study.layout import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
COMMANDS = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
ELSEWHERE = [
    ".venv/bin/papermill notebooks/03_musical.ipynb",
    ".venv/bin/nbsupport run 03_musical --size smoke -p frames=50",
]
"""Minutes long; tests/test_notebooks.py and tests/study/test_run.py execute papermill and the runner."""
QUICK = [line for line in COMMANDS if "--dry-run" in line or not line.startswith(tuple(ELSEWHERE))]


def test_the_two_commands_are_shown():
    assert {"make study", "make test"} <= set(COMMANDS)


@pytest.mark.parametrize("command", QUICK)
def test_a_command_of_the_readme_runs(command):
    words = shlex.split(command)
    if words[0] == "make":
        done = subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True)
    else:
        assert words[0].startswith(".venv/bin/")
        program = str(Path(sys.executable).parent / Path(words[0]).name)
        done = subprocess.run([program, *words[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_link_and_picture_of_the_readme_exists():
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
