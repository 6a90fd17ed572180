"""Fixtures that every room's tests share: oracle arrays and registry files, skipped with a reason when absent."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest


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
