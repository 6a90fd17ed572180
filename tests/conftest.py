"""Fixtures that every room's tests share: oracle arrays and registry files, skipped with a reason when absent."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import slurm_node
import smoke_study

CORES = len(os.sched_getaffinity(0))


@pytest.fixture(scope="session")
def oracle():
    """Arrays and parameters of one oracle by id, e.g. ``oracle("psf-open-water-na1.2").arrays["r_um"]``."""
    folder = os.environ.get("NBSUPPORT_ORACLES")

    def load(name):
        if not folder:
            pytest.skip("NBSUPPORT_ORACLES does not name a folder with oracle arrays")
        index = {entry["id"]: entry for entry in json.loads((Path(folder) / "oracles.json").read_text())["oracles"]}
        with np.load(Path(folder) / index[name]["file"]) as arrays:
            return SimpleNamespace(arrays=dict(arrays), parameters=index[name]["parameters"])

    return load


@pytest.fixture(scope="session")
def registry_file():
    """Path of one file of the open data registry: ``registry_file("musical-rods-014", "fluctuation/…-014.tif")``."""
    folder = os.environ.get("NBSUPPORT_DATA")

    def find(dataset, path):
        if not folder:
            pytest.skip(f"NBSUPPORT_DATA does not name a folder that holds {dataset}")
        return Path(folder) / path

    return find


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A finished smoke study that was killed with SIGKILL in its first notebook and taken up again.

    Where Slurm is installed, a cluster of one node takes it up; what that leaves undone, and all of it where there is
    no Slurm, is done on this machine. `login` is the environment of the cluster's login node, or None.
    """
    root = tmp_path_factory.mktemp("study")
    smoke_study.copied(root)
    left_behind = smoke_study.killed(root)
    with ExitStack() as running:
        login, on_cluster = None, None
        if slurm_node.why_not() is None:
            login = running.enter_context(slurm_node.started(tmp_path_factory.mktemp("slurm"), CORES))
            on_cluster = smoke_study.finished(smoke_study.on_cluster(root, login))
        done = smoke_study.finished(smoke_study.here(root))
        assert done.returncode == 0, done.stdout + done.stderr
        yield SimpleNamespace(root=root, left_behind=left_behind, login=login, on_cluster=on_cluster)
