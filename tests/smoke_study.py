"""The smoke study in a folder of its own, on this machine or on a cluster, as commands for `subprocess`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import slurm_node

from nbsupport.study import layout

FLOW = layout.ROOT / "workflow"
# A cluster that keeps no accounts of past jobs, and no time for the pauses of a shared one.
AT_ONCE = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
AT_ONCE += ["--seconds-between-status-checks", "2"]


def copied(root: Path) -> None:
    """Copy what a study reads into `root`."""
    for folder in ("notebooks", "params"):
        shutil.copytree(layout.ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.ipynb"))


def here(root: Path, *words: str, environment: dict[str, str] | None = None) -> dict:
    """Snakemake on this machine, with this process's environment where no other is given."""
    return _snakemake(root, "default", ["--cores", "all", *words], environment or dict(os.environ))


def on_cluster(root: Path, login: dict[str, str], *words: str) -> dict:
    """Snakemake through the profile of a cluster, from a shell of its login node."""
    return _snakemake(root, "slurm", [*AT_ONCE, *words], login | {"OMP_NUM_THREADS": "1"})


def _snakemake(root, profile, words, environment):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(FLOW / "Snakefile")]
    command += ["--workflow-profile", str(FLOW / "profiles" / profile), "--config", "size=smoke", *words]
    return {"args": command, "cwd": root, "env": environment | {"NBSUPPORT_ROOT": str(root), "NBSUPPORT_OFFLINE": "1"}}


def ended(root: Path, slurm: Path, environment: dict[str, str], running: ExitStack, stop: Event) -> SimpleNamespace:
    """Kill a study in its first notebook, take it up again, and bring it to its end.

    Where Slurm is installed, a cluster of one node, which runs until `running` is closed, takes it up; what that leaves
    undone, and all of it where there is no Slurm, is done on this machine. `login` is the environment of the cluster's
    login node, or None. Once `stop` is set, nothing more is waited for.
    """
    left_behind = killed(here(root, environment=environment))
    login, taken_up = None, None
    if slurm_node.why_not() is None:
        login = running.enter_context(slurm_node.started(slurm, environment))
        taken_up = finished(on_cluster(root, login), stop)
    done = finished(here(root, environment=environment), stop)
    assert done.returncode == 0, done.stdout + done.stderr
    return SimpleNamespace(root=root, left_behind=left_behind, login=login, on_cluster=taken_up)


def killed(command: dict) -> list[Path]:
    """Start the study, kill it with SIGKILL while its first notebook draws figures, and list what looks finished."""
    root = command["cwd"]
    first = subprocess.Popen(**command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 300
    while not list(root.glob("data/runs/smoke/.*/staging/*.png")) and time.monotonic() < deadline:
        assert first.poll() is None, "the study ended before it published its first figure"
        time.sleep(0.2)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    return [*root.glob("figures/**/*"), *root.glob("data/runs/smoke/[0-9]*.ipynb")]


def finished(command: dict, stop: Event | None = None) -> subprocess.CompletedProcess:
    """Run a command of `here` or `on_cluster` to its end, or until `stop` is set."""
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while True:
            try:
                out, err = process.communicate(timeout=1)
                return subprocess.CompletedProcess(process.args, process.returncode, out, err)
            except subprocess.TimeoutExpired:
                if stop is not None and stop.is_set():
                    process.terminate()
