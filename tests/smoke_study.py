"""The smoke study in a folder of its own, on this machine or on a cluster, as commands for `subprocess`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from nbsupport.study import layout

FLOW = layout.ROOT / "workflow"
# A cluster that keeps no accounts of past jobs, and no time for the pauses of a shared one.
AT_ONCE = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
AT_ONCE += ["--seconds-between-status-checks", "2"]


def copied(root: Path) -> None:
    """Copy what a study reads into `root`."""
    for folder in ("notebooks", "params"):
        shutil.copytree(layout.ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.ipynb"))


def here(root: Path, *words: str) -> dict:
    """Snakemake on this machine."""
    return _snakemake(root, "default", ["--cores", "all", *words], os.environ)


def on_cluster(root: Path, login: dict[str, str], *words: str) -> dict:
    """Snakemake through the profile of a cluster, from a shell of its login node."""
    return _snakemake(root, "slurm", [*AT_ONCE, *words], login | {"OMP_NUM_THREADS": "1"})


def _snakemake(root, profile, words, environment):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(FLOW / "Snakefile")]
    command += ["--workflow-profile", str(FLOW / "profiles" / profile), "--config", "size=smoke", *words]
    return {"args": command, "cwd": root, "env": environment | {"NBSUPPORT_ROOT": str(root), "NBSUPPORT_OFFLINE": "1"}}


def killed(root: Path) -> list[Path]:
    """Start the study, kill it with SIGKILL while its first notebook draws figures, and list what looks finished."""
    first = subprocess.Popen(**here(root), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 300
    while not list(root.glob("data/runs/smoke/.*/staging/*.png")) and time.monotonic() < deadline:
        assert first.poll() is None, "the study ended before it published its first figure"
        time.sleep(0.2)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    return [*root.glob("figures/**/*"), *root.glob("data/runs/smoke/[0-9]*.ipynb")]


def finished(command: dict) -> subprocess.CompletedProcess:
    """Run a command of `here` or `on_cluster` to its end."""
    return subprocess.run(**command, capture_output=True, text=True)
