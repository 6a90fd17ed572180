"""One notebook on a cluster of one node; for a whole study, Snakemake would start twice per job, half a minute each."""

import json
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import cluster_of_one
import pytest

from nbsupport.study import layout

NOTEBOOK = "02_simulator"
WHY = cluster_of_one.absent()

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(WHY), reason=WHY or "Slurm is here")]


@pytest.fixture(scope="module")
def submitted(cluster, tmp_path_factory):
    """A study whose one notebook has been asked for from the login node, and what Snakemake and Slurm said."""
    root = tmp_path_factory.mktemp("study")
    for folder in ("notebooks", "params"):
        shutil.copytree(layout.ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.ipynb"))
    flow = layout.ROOT / "workflow"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(flow / "Snakefile")]
    command += ["--workflow-profile", str(flow / "profiles/slurm"), "--config", "size=smoke"]
    command += cluster_of_one.OPTIONS
    target = ["--", f"data/runs/smoke/{NOTEBOOK}.ipynb"]
    names = {"NBSUPPORT_ROOT": str(root), "NBSUPPORT_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    options = {"cwd": root, "env": cluster | names, "capture_output": True, "text": True, "timeout": 1800}
    earlier = cluster_of_one.jobs(cluster)
    done = subprocess.run([*command, *target], **options)
    logs = "\n".join(path.read_text() for path in root.glob(".snakemake/slurm_logs/*/*.log"))
    jobs = [job for number, job in cluster_of_one.jobs(cluster).items() if number not in earlier]
    again = subprocess.run([*command, "--dry-run", *target], **options)
    return SimpleNamespace(root=root, done=done, logs=logs, jobs=jobs, again=again)


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
    assert [job[:3] for job in submitted.jobs] == [["COMPLETED", "1", "6000M"]]
    assert f"notebook_{NOTEBOOK}" in submitted.jobs[0][3]
    assert re.search(r"submitted with SLURM jobid \d+", submitted.done.stderr + submitted.done.stdout)


def test_a_study_that_the_cluster_has_finished_has_nothing_left_to_do(submitted):
    assert "Nothing to be done" in submitted.again.stdout + submitted.again.stderr
