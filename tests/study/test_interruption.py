"""A small study, killed ten times in a row at random and taken up each time, ends as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from nbsupport.study import layout
from nbsupport.study.params import notebook_names

pytestmark = pytest.mark.notebook

FIRST, SECOND = "10_training_pairs", "11_train_artefact_removal"
OPENING = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A toy notebook

# %% tags=["parameters"]
seed: int = 0  # root of every random stream

# %%
from nbsupport import study

study.begin("NAME", globals())
"""
CLOSING = """
# %%
study.end()
"""
PAIRS = """
# %%
import time

import numpy as np

from nbsupport.study import layout

rng = np.random.default_rng(seed)
clean = rng.random((4, 24, 24))
folder = layout.DATA / "pairs"
folder.mkdir(parents=True, exist_ok=True)
np.save(folder / "pairs.npy", np.stack([clean + rng.normal(0, 0.1, clean.shape), clean]))
study.publish_table("toy-pairs", {"pair": range(4), "mean": clean.mean((1, 2))}, caption="Means of four toy images.")
time.sleep(1)
"""
TRAINING = """
# %%
import hashlib
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from nbsupport.restore.training import crops, fit, supervised
from nbsupport.study import layout

noisy, clean = np.load(layout.DATA / "pairs" / "pairs.npy")
with torch.random.fork_rng():
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Dropout2d(0.1), nn.Conv2d(4, 1, 3, padding=1))
trained = fit(
    network,
    supervised(nn.functional.mse_loss),
    crops(list(noisy), list(clean), size=16, batch=4, seed=seed),
    steps=48,
    every=4,
    checkpoint=layout.DATA / "training",
    precision="float32",
    progress=lambda done: time.sleep(0.1),
)
weights = np.concatenate([tensor.numpy().ravel() for tensor in trained.network.state_dict().values()])
study.keep("toy-weights", sha256=hashlib.sha256(weights.tobytes()).hexdigest())

# %%
figure, axes = plt.subplots()
axes.plot(trained.history.steps, trained.history.loss)
study.publish_figure(
    "toy-training",
    figure,
    alt="A curve that falls with the number of training steps.",
    caption="The loss of a toy network over its training steps.",
    data={"step": trained.history.steps, "loss": trained.history.loss},
)
time.sleep(1)
"""
MOMENTS = (
    None,
    f"data/runs/smoke/.{FIRST}/context.json",
    f"data/runs/smoke/.{FIRST}/staging/*.csv",
    f"data/runs/smoke/{FIRST}.ipynb",
    f"data/runs/smoke/.{SECOND}/context.json",
    "data/training/checkpoint.pt",
    "data/training/checkpoint.pt",
    "data/training/checkpoint.pt",
    f"data/runs/smoke/.{SECOND}/staging/*.png",
    None,
)
"""What must have been written before a kill; then a random delay. In the order of the study, so that each comes."""


def small_study(root):
    """A study of toys under the names that the Snakefile declares; the second trains on what the first has made."""
    for folder in ("notebooks", "params/smoke"):
        (root / folder).mkdir(parents=True)
    cells = {FIRST: PAIRS, SECOND: TRAINING}
    for name in notebook_names():
        source = OPENING.replace("NAME", name) + cells.get(name, "") + CLOSING
        (root / f"notebooks/{name}.py").write_text(source, encoding="utf-8")
        (root / f"params/smoke/{name}.yaml").write_text("seed: 3\n")
    (root / "params/claims.yaml").symlink_to(layout.PARAMS / "claims.yaml")
    return root


def start(root):
    flow = layout.ROOT / "workflow"
    command = [sys.executable, "-m", "snakemake", "--snakefile", flow / "Snakefile", "--cores", "1"]
    command += ["--workflow-profile", flow / "profiles/default", "--config", "size=smoke", "--"]
    command.append(f"data/runs/smoke/{SECOND}.ipynb")
    return subprocess.Popen(
        command,
        cwd=root,
        env=os.environ | {"NBSUPPORT_ROOT": str(root), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(root):
    process = start(root)
    told = process.communicate(timeout=600)[0]
    assert process.returncode == 0, told


def visible(root):
    """Published files by name; the hidden ones are temporary."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in (root / "figures").rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def written_since(root, pattern, moment):
    try:
        return any(path.stat().st_mtime_ns > moment for path in root.glob(pattern))
    except FileNotFoundError:  # it went away between the two looks
        return False


def kill_at(root, pattern, delay_s, watch):
    """Start the study, wait for a file and a delay, kill the whole process group; `watch` looks at it all the while."""
    moment, process = time.time_ns(), start(root)
    reached = pattern is None
    deadline = time.monotonic() + 300
    until = time.monotonic() + delay_s
    while time.monotonic() < (until if reached else deadline) and process.poll() is None:
        watch()
        if not reached and written_since(root, pattern, moment):
            reached, until = True, time.monotonic() + delay_s
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    told = process.communicate()[0]
    assert (reached, process.returncode) == (True, -signal.SIGKILL), told
    watch()


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Roots of one study that ran through and of one that was killed ten times, and what was seen of the latter."""
    unbroken = small_study(tmp_path_factory.mktemp("unbroken"))
    finish(unbroken)
    expected = visible(unbroken)
    broken = small_study(tmp_path_factory.mktemp("broken"))
    torn, seen = [], set()

    def watch():
        for name, content in visible(broken).items():
            seen.add(name)
            if name.startswith("figures/smoke/runs/"):
                json.loads(content)
            elif content != expected.get(name):
                torn.append(name)

    rng = np.random.default_rng(12)
    for pattern in MOMENTS:
        kill_at(broken, pattern, rng.uniform(0, 1), watch)
    finish(broken)
    return SimpleNamespace(unbroken=unbroken, broken=broken, torn=torn, seen=seen)


def test_ten_kills_leave_results_equal_byte_by_byte_to_those_of_an_unbroken_run(studies):
    results = [
        {name: content for name, content in visible(root).items() if not name.startswith("figures/smoke/runs/")}
        for root in (studies.unbroken, studies.broken)
    ]
    assert "figures/smoke/toy-training.svg" in results[0]
    assert "figures/smoke/results/toy-weights.json" in results[0]
    assert results[1] == results[0]


def test_at_no_time_was_a_published_file_anything_but_whole(studies):
    assert studies.torn == []
    assert "figures/smoke/toy-pairs.csv" in studies.seen


def test_run_records_differ_in_time_and_memory_alone(studies):
    for name in (FIRST, SECOND):
        path = f"figures/smoke/runs/{name}.json"
        one, other = (json.loads((root / path).read_text()) for root in (studies.unbroken, studies.broken))
        assert one.keys() == other.keys()
        assert {key for key in one if one[key] != other[key]} <= {"wall_s", "cell_s", "peak_memory_gib"}


def test_the_executed_notebooks_show_the_same(studies):
    for name in (FIRST, SECOND):
        one, other = (
            nbformat.read(root / f"data/runs/smoke/{name}.ipynb", as_version=4)
            for root in (studies.unbroken, studies.broken)
        )
        assert [cell.get("outputs") for cell in one.cells[:-1]] == [cell.get("outputs") for cell in other.cells[:-1]]


def test_the_study_that_was_killed_keeps_nothing_half_done(studies):
    found = {path.relative_to(studies.broken / "data") for path in (studies.broken / "data").rglob("*")}
    expected = {path.relative_to(studies.unbroken / "data") for path in (studies.unbroken / "data").rglob("*")}
    assert found == expected
