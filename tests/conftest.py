"""Fixtures that every room's tests share: oracle arrays and registry files, skipped with a reason when absent."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import book_build
import numpy as np
import pytest
import smoke_study
import toy_study


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


BESIDE = ("study", "book", "toy_studies")
"""Fixtures that are prepared beside the tests that need none of them, in this order."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Tests of what is prepared beside others come after these."""
    items.sort(key=lambda test: max((k for k, name in enumerate(BESIDE, 1) if name in test.fixturenames), default=0))


@pytest.fixture(scope="session", autouse=True)
def underway(request, tmp_path_factory):
    """Futures of what is prepared in turn beside the tests, by the name of its fixture, if a test asks for it."""
    wanted = {name for test in request.session.items for name in test.fixturenames}
    names = ("study", "slurm", "unbroken", "broken", "book")
    study, slurm, unbroken, broken, book = (tmp_path_factory.mktemp(name) for name in names)
    stop, environment = Event(), dict(os.environ)  # an environment of its own: tests change that of their process
    smoke_study.copied(study)
    for root in (unbroken, broken):
        toy_study.copied(root)
    with ExitStack() as running, ThreadPoolExecutor(1) as beside:
        preparations = {
            "study": lambda: smoke_study.ended(study, slurm, environment, running, stop),
            "book": lambda: book_build.with_sample(book, environment),
            "toy_studies": lambda: toy_study.ended(unbroken, broken, environment, stop),
        }
        yield {name: beside.submit(preparations[name]) for name in BESIDE if name in wanted}
        stop.set()
        beside.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def study(underway):
    """A finished smoke study that was killed with SIGKILL in its first notebook and taken up again."""
    return underway["study"].result()


@pytest.fixture(scope="session")
def book(underway):
    """Pages (by name), folder and sample of the book."""
    return underway["book"].result()


@pytest.fixture(scope="session")
def toy_studies(underway):
    """Roots of a small study that ran through and of one that was killed ten times, and what was seen of the latter."""
    return underway["toy_studies"].result()
