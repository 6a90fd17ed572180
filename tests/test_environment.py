"""The environment files say one thing, and nothing of the machine that they were made on."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from nbsupport.study.layout import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", LOCK, flags=re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_of_the_project_is_pinned_within_its_bounds():
    stated = PROJECT["dependencies"] + sum(PROJECT["optional-dependencies"].values(), [])
    for requirement in map(Requirement, stated):
        assert requirement.specifier.contains(PINNED[canonical(requirement.name)]), requirement


def test_every_pinned_version_has_a_hash():
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) >= len(PINNED)
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_names_no_index_and_no_address():
    assert not re.search(r"://|--index|--find-links|--extra", LOCK)


def test_the_conda_environment_takes_exactly_the_locked_versions_and_the_locked_python():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    # conda writes these lines to a requirements file beside environment.yml; with hashes, pip takes nothing without one
    assert pip == ["-r requirements.lock"]
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    assert [entry for entry in conda if "=" in entry] == ["python=3.11"]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains("3.11")
    assert not {canonical(entry.split("=")[0]) for entry in conda} & set(PINNED) - {"pip"}


@pytest.mark.parametrize("name", ["torch", "numpy", "papermill", "jupytext", "snakemake", "zarr", "sphinx"])
def test_what_is_installed_is_what_is_locked(name):
    from importlib.metadata import version

    assert version(name).split("+")[0] == PINNED[name]
