"""The study on a cluster of one node: Slurm's own daemons, started here on the loopback, run the smoke size."""

import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from nbsupport.study import layout

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scontrol")
ABSENT = [name for name in PROGRAMS if shutil.which(name) is None]
NOTEBOOK = "02_simulator"

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(bool(ABSENT), reason=f"Slurm is not installed (slurm-wlm and munge): no {', '.join(ABSENT)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Slurm's daemons need root"),
]

CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MinJobAge=3600
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=32000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_for(ready, told, seconds=60):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Environment of a shell on the login node; munged, slurmctld and slurmd run until the tests have ended."""
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    host = socket.gethostname().partition(".")[0]
    text = CONFIGURATION.format(folder=folder, host=host, user=getpass.getuser(), ports=free_ports(2))
    (folder / "slurm.conf").write_text(text)
    # A job step starts without SLURM_CONF, as befits a cluster whose configuration stands in /etc.
    step = folder / "bin/srun"
    step.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    step.chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": path}
    subprocess.run(["mungekey", "--create", f"--keyfile={folder}/munge.key"], check=True)
    words = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    daemons = {
        "munged": ["--foreground", "--force", f"--socket={folder}/munge.socket", *words],
        "slurmctld": ["-D"],
        "slurmd": ["-D"],
    }
    started = []

    def told():
        return "\n".join(f"{log.name}:\n{log.read_text()[-2000:]}" for log in sorted(folder.glob("*.log")))

    try:
        for name, options in daemons.items():
            with (folder / f"{name}.log").open("w") as log:
                started.append(subprocess.Popen([name, *options], env=environment, stdout=log, stderr=log))
            if name == "munged":
                wait_for((folder / "munge.socket").exists, told)
        state = ["sinfo", "--noheader", "--format=%T"]
        asked = {"env": environment, "capture_output": True, "text": True}
        wait_for(lambda: subprocess.run(state, **asked).stdout.strip() == "idle", told)
        yield environment
    finally:
        for daemon in reversed(started):
            daemon.terminate()
            daemon.wait(timeout=30)


def study(root, cluster):
    """A copy of the study in `root`, and the command that gives a target to the cluster from the login node."""
    for folder in ("notebooks", "params"):
        shutil.copytree(layout.ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.ipynb"))
    flow = layout.ROOT / "workflow"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(flow / "Snakefile")]
    command += ["--workflow-profile", str(flow / "profiles/slurm"), "--config", "size=smoke"]
    # This cluster keeps no accounts of past jobs, and a test has no time for the pauses of a shared one.
    command += ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
    command += ["--seconds-between-status-checks", "2"]
    names = {"NBSUPPORT_ROOT": str(root), "NBSUPPORT_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    options = {"cwd": root, "env": cluster | names, "capture_output": True, "text": True}

    def asked(*words):
        return subprocess.run([*command, *words], timeout=1800, **options)

    def jobs():
        seen = subprocess.run(["squeue", "--states=all", "--noheader", "--format=%T|%C|%m|%k"], check=True, **options)
        return seen.stdout.splitlines()

    return asked, jobs


def logs(root):
    return "\n".join(path.read_text() for path in root.glob(".snakemake/slurm_logs/*/*.log"))


@pytest.fixture(scope="module")
def submitted(cluster, tmp_path_factory):
    """A study whose one notebook has been asked for from the login node, and what Snakemake and Slurm said."""
    root = tmp_path_factory.mktemp("study")
    asked, jobs = study(root, cluster)
    target = ["--", f"data/runs/smoke/{NOTEBOOK}.ipynb"]
    done, seen = asked(*target), jobs()
    return SimpleNamespace(root=root, done=done, logs=logs(root), jobs=seen, again=asked("--dry-run", *target))


def test_a_notebook_runs_as_a_job_of_its_own_and_publishes_everything(submitted):
    assert submitted.done.returncode == 0, submitted.done.stdout + submitted.done.stderr + submitted.logs
    folder = submitted.root / "figures/smoke"
    record = json.loads((folder / f"runs/{NOTEBOOK}.json").read_text())
    assert record["published"]
    for artefact in record["published"]:
        card = json.loads((folder / f"{artefact}.json").read_text())
        assert all((folder / file).stat().st_size > 50 for file in card["files"])
    assert (submitted.root / f"data/runs/smoke/{NOTEBOOK}.ipynb").exists()


def test_slurm_saw_one_job_with_the_cores_and_the_memory_that_the_workflow_asks_for(submitted):
    assert [job.split("|")[:3] for job in submitted.jobs] == [["COMPLETED", "1", "6000M"]]
    assert f"notebook_{NOTEBOOK}" in submitted.jobs[0]
    assert re.search(r"submitted with SLURM jobid \d+", submitted.done.stderr + submitted.done.stdout)


def test_a_study_that_the_cluster_has_finished_has_nothing_left_to_do(submitted):
    assert "Nothing to be done" in submitted.again.stdout + submitted.again.stderr
