"""The study on a cluster of one node: Slurm's own daemons, started here on the loopback, run the smoke size."""

import re
import subprocess

import pytest
import slurm_node
from smoke_study import finished, on_cluster

pytestmark = [pytest.mark.slurm, pytest.mark.notebook]


@pytest.fixture
def cluster_run(study):
    """What Snakemake said on the login node when it took the killed study up and gave the rest of it to Slurm."""
    if study.login is None:
        pytest.skip(slurm_node.why_not())
    return study.on_cluster


def test_the_cluster_ends_the_study_that_was_killed_on_the_login_node(study, cluster_run):
    logs = "\n".join(path.read_text() for path in study.root.glob(".snakemake/slurm_logs/*/*.log"))
    assert cluster_run.returncode == 0, cluster_run.stdout + cluster_run.stderr + logs


def test_slurm_saw_one_job_per_run_with_the_cores_and_the_memory_that_the_workflow_asks_for(study, cluster_run):
    asked = ["squeue", "--states=all", "--noheader", "--format=%T|%C|%m|%k"]
    jobs = subprocess.run(asked, env=study.login, capture_output=True, text=True, check=True).stdout.splitlines()
    runs = {path.stem for path in study.root.glob("data/runs/smoke/[0-9]*.ipynb")}
    assert {job.split("|")[3].partition("notebook_")[2].split("_wildcards")[0] for job in jobs} == runs
    assert {tuple(job.split("|")[:3]) for job in jobs} == {("COMPLETED", "1", "6000M")}
    said = cluster_run.stdout + cluster_run.stderr
    assert len(set(re.findall(r"submitted with SLURM jobid (\d+)", said))) == len(jobs) == len(runs)


def test_a_study_that_the_cluster_has_finished_has_nothing_left_to_do(study, cluster_run):
    again = finished(on_cluster(study.root, study.login, "--dry-run"))
    assert "Nothing to be done" in again.stdout + again.stderr
