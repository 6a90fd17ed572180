"""A toy study in a temporary folder, and an open session to publish into."""

import os
import shutil
import subprocess
import sys

import matplotlib
import pytest

from nbsupport.study import layout, session

matplotlib.use("Agg")

HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""

NOTEBOOK = (
    HEADER
    + """\
# %% [markdown]
# # A toy notebook

# %% tags=["parameters"]
frames: int = 5  # frames per stack
gain: float = 0.5  # gain, e/ADU
level: float | None = None  # threshold, or none
word: str = "plain"  # a word
fail: bool = False  # raise an error
kill: bool = False  # end as if memory had run out

# %%
import os, signal
from nbsupport import study

study.begin("01_toy", globals())

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot(range(frames))
study.publish_figure(
    "toy-fig-1",
    figure,
    alt="A straight line that rises from zero with the frame number.",
    caption="A line that rises over the frames.",
    data={"frame": range(frames)},
)
print("the figure is drawn")

# %%
if fail:
    raise RuntimeError("the toy broke")
if kill:
    os.kill(os.getpid(), signal.SIGKILL)

# %%
study.end()
"""
)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Root of a study with one notebook, ``01_toy``, and a smoke set; this process and its children look there."""
    for folder in ("notebooks", "params/smoke", "params/desk"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "notebooks/01_toy.py").write_text(NOTEBOOK)
    (tmp_path / "params/smoke/01_toy.yaml").write_text("frames: 3\n")
    shutil.copy(layout.PARAMS / "claims.yaml", tmp_path / "params/claims.yaml")
    monkeypatch.setenv("NBSUPPORT_ROOT", str(tmp_path))
    here = layout.ROOT
    for name in ("ROOT", "NOTEBOOKS", "PARAMS", "FIGURES", "DATA"):
        monkeypatch.setattr(layout, name, tmp_path / getattr(layout, name).relative_to(here))
    return tmp_path


@pytest.fixture
def nbsupport_command(toy):
    """Run the command line on the toy study as a stranger would; returns the finished process."""

    def call(*words, **options):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "nbsupport", *words]
        return subprocess.run(command, cwd=toy, env=environment, capture_output=True, text=True, timeout=300, **options)

    return call


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open a session whose results go to a temporary folder."""
    made = session.Session("01_toy", "smoke", {"frames": 3}, tmp_path / "published", threads=1)
    monkeypatch.setattr(session, "_current", made)
    return made
