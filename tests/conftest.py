"""Fixtures that every room's tests share: oracle arrays and registry files, skipped with a reason when absent."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
import smoke_study


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


@pytest.fixture(scope="session", autouse=True)
def underway(request, tmp_path_factory):
    """The smoke study, which runs beside the tests that need no notebook; None where no test asks for it."""
    if not any("study" in test.fixturenames for test in request.session.items):
        yield None
        return
    root, slurm, stop = tmp_path_factory.mktemp("study"), tmp_path_factory.mktemp("slurm"), Event()
    smoke_study.copied(root)
    with ExitStack() as running, ThreadPoolExecutor(1) as beside:
        # with an environment of its own: tests change that of their process
        yield beside.submit(smoke_study.ended, root, slurm, dict(os.environ), running, stop)
        stop.set()


@pytest.fixture(scope="session")
def study(underway):
    """A finished smoke study that was killed with SIGKILL in its first notebook and taken up again."""
    return underway.result()
