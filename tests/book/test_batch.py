"""The commands on the page about batches run: the quick ones as they stand, the long ones as dry runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from book_build import REPOSITORY

BLOCKS = re.findall(r"```sh\n(.*?)```", (REPOSITORY / "book" / "batch.md").read_text(encoding="utf-8"), flags=re.DOTALL)
AS_DRY_RUN = {
    r"papermill (?!--prepare-only)": "papermill --prepare-only ",
    r"nbsupport run (?!.*--dry-run)": "nbsupport run --dry-run ",
    r"bin/snakemake (?!.*--dry-run)": "bin/snakemake --dry-run --quiet host progress ",
    r"\bmake ": "make --dry-run ",
    r"in 50 100 200;": "in 50;",
}

pytestmark = pytest.mark.notebook


@pytest.fixture
def checkout(tmp_path):
    """A folder that looks like the checkout, to which commands may write."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "workflow", "notebooks"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    shutil.copytree(REPOSITORY / "params", tmp_path / "params")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / "figures/custom").mkdir(parents=True)
    (tmp_path / "data/sweep").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[-1][:40])
def test_a_block_of_commands_runs(block, checkout):
    if "profiles/slurm" in block and shutil.which("squeue") is None:
        pytest.skip("the profile asks Slurm which programs it has; Slurm is not installed")
    for long, quick in AS_DRY_RUN.items():
        block = re.sub(long, quick, block)
    environment = os.environ | {"NBSUPPORT_ROOT": str(checkout), "OMP_NUM_THREADS": "1"}
    command = ["bash", "-euo", "pipefail", "-c", block]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_four_ways_are_shown():
    text = "".join(BLOCKS)
    for way in ("bin/papermill", "bin/nbsupport run", "bin/snakemake", "workflow/profiles/slurm"):
        assert way in text, way
