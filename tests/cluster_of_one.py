"""Slurm's own daemons on the loopback: a cluster of one node, for the tests of the workflow's profile."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scontrol")

# This cluster keeps no accounts of past jobs, and a test has no time for the pauses of a shared one.
OPTIONS = [
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2"),
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
MinJobAge=36000
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
MEMORY_OF_A_JOB_MB = 6000


def absent():
    """Why no cluster can be started here, or nothing."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"Slurm is not installed (slurm-wlm and munge): no {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root"


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


def prepared(folder):
    """Write configuration and key of a cluster with as many jobs at a time as there are cores; its environment."""
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    host, cores = socket.gethostname().partition(".")[0], os.cpu_count()
    size = {"cores": cores, "memory": cores * MEMORY_OF_A_JOB_MB}
    text = CONFIGURATION.format(folder=folder, host=host, user=getpass.getuser(), ports=free_ports(2), **size)
    (folder / "slurm.conf").write_text(text)
    # A job step starts without SLURM_CONF, as befits a cluster whose configuration stands in /etc.
    step = folder / "bin/srun"
    step.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    step.chmod(0o755)
    subprocess.run(["mungekey", "--create", f"--keyfile={folder}/munge.key"], check=True)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": path}


@contextmanager
def running(folder):
    """Environment of a shell on the login node, while munged, slurmctld and slurmd run."""
    environment = prepared(folder)
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


def jobs(environment):
    """All jobs that the controller remembers: number to state, cores, memory, and the comment that names the rule."""
    listed = ["squeue", "--states=all", "--noheader", "--format=%A|%T|%C|%m|%k"]
    lines = subprocess.run(listed, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    return {number: rest.split("|") for number, _, rest in (line.partition("|") for line in lines)}
