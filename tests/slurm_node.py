"""A Slurm of one node: its own daemons, started on the loopback, and the environment of a shell on its login node."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scontrol")
ABSENT = [name for name in PROGRAMS if shutil.which(name) is None]

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
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=32000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why no node can be started here; None if it can."""
    if ABSENT:
        return f"Slurm is not installed (slurm-wlm and munge): no {', '.join(ABSENT)}"
    return None if os.geteuid() == 0 else "Slurm's daemons need root"


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


@contextmanager
def started(folder: Path, shell: dict[str, str]) -> Iterator[dict[str, str]]:
    """Environment of a shell on the login node, made of that of `shell`; the daemons run until the block ends."""
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    host = socket.gethostname().partition(".")[0]
    cores = len(os.sched_getaffinity(0))
    text = CONFIGURATION.format(folder=folder, host=host, user=getpass.getuser(), ports=free_ports(2), cores=cores)
    (folder / "slurm.conf").write_text(text)
    # A job step starts without SLURM_CONF, as befits a cluster whose configuration stands in /etc.
    step = folder / "bin/srun"
    step.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    step.chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{shell['PATH']}"
    environment = shell | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": path}
    subprocess.run(["mungekey", "--create", f"--keyfile={folder}/munge.key"], cwd=folder, check=True)
    words = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    daemons = {
        "munged": ["--foreground", "--force", f"--socket={folder}/munge.socket", *words],
        "slurmctld": ["-D"],
        "slurmd": ["-D"],
    }
    up = []

    def told():
        return "\n".join(f"{log.name}:\n{log.read_text()[-2000:]}" for log in sorted(folder.glob("*.log")))

    try:
        for name, options in daemons.items():
            with (folder / f"{name}.log").open("w") as log:
                up.append(subprocess.Popen([name, *options], env=environment, cwd=folder, stdout=log, stderr=log))
            if name == "munged":
                wait_for((folder / "munge.socket").exists, told)
        state = ["sinfo", "--noheader", "--format=%T"]
        asked = {"env": environment, "capture_output": True, "text": True}
        wait_for(lambda: subprocess.run(state, **asked).stdout.strip() == "idle", told)
        yield environment
    finally:
        for daemon in reversed(up):
            daemon.terminate()
            daemon.wait(timeout=30)
