"""A small study of toys: run through once, and killed ten times in a row at random and taken up each time."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import numpy as np
import smoke_study

from nbsupport.study import layout
from nbsupport.study.params import notebook_names

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


def copied(root: Path) -> None:
    """Write a study of toys under names that the Snakefile declares; the second trains on what the first has made."""
    for folder in ("notebooks", "params/smoke"):
        (root / folder).mkdir(parents=True)
    cells = {FIRST: PAIRS, SECOND: TRAINING}
    for name in notebook_names():
        source = OPENING.replace("NAME", name) + cells.get(name, "") + CLOSING
        (root / f"notebooks/{name}.py").write_text(source, encoding="utf-8")
        (root / f"params/smoke/{name}.yaml").write_text("seed: 3\n")
    (root / "params/claims.yaml").symlink_to(layout.PARAMS / "claims.yaml")


def start(root, environment):
    target = f"data/runs/smoke/{SECOND}.ipynb"
    command = smoke_study.here(root, "--cores", "1", "--", target, environment=environment | {"OMP_NUM_THREADS": "1"})
    return subprocess.Popen(
        **command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(root, environment):
    process = start(root, environment)
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


def kill_at(root, environment, pattern, delay_s, watch):
    """Start the study, wait for a file and a delay, kill the whole process group; `watch` looks at it all the while."""
    moment, process = time.time_ns(), start(root, environment)
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


def ended(unbroken: Path, broken: Path, environment: dict[str, str], stop: Event) -> SimpleNamespace:
    """Bring one study to its end, and another that is killed ten times; say what was seen of the latter on the way.

    Both are folders that `copied` has written. Once `stop` is set, nothing more is killed.
    """
    finish(unbroken, environment)
    expected = visible(unbroken)
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
        if not stop.is_set():
            kill_at(broken, environment, pattern, rng.uniform(0, 1), watch)
    finish(broken, environment)
    return SimpleNamespace(unbroken=unbroken, broken=broken, torn=torn, seen=seen)
