"""What a result was made with: code, versions, machine, seeds, data."""

import platform
import resource
import subprocess
import sys
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from nbsupport.publish import write_json
from nbsupport.study import layout
from nbsupport.study.data import data_used
from nbsupport.study.session import Session, current

PACKAGES = ("numpy", "scipy", "torch", "xarray", "scikit-image", "matplotlib", "zarr", "papermill")
"""Packages whose version can change a number."""

OUTPUTS = ("figures", "notebooks/*.ipynb")
"""What runs themselves write; it does not make the code dirty."""


@cache
def code_state() -> dict[str, Any]:
    """Commit of the checkout and whether tracked or new files differ from it (published results aside).

    Returns
    -------
    dict
        ``commit`` (40 hex digits, or ``"unknown"`` outside a git checkout) and ``dirty`` (bool, or None if unknown).
    """

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=layout.ROOT, capture_output=True, text=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return {"commit": "unknown", "dirty": None}
    changed = git("status", "--porcelain", "--", ".", *(f":(exclude){pattern}" for pattern in OUTPUTS))
    return {"commit": commit, "dirty": None if changed is None else bool(changed)}


@cache
def environment(device: str = "cpu") -> dict[str, Any]:
    """Versions of Python and of the packages that compute, the device in words, and what precision "auto" is on it."""
    import torch

    from nbsupport.restore.precision import definite

    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    # Units for products in bfloat16 round each in their own way: with others, a training may end in another network.
    has = torch.cpu.get_capabilities()
    cpu = ", ".join([processor(), *(unit for unit in ("amx_bf16", "avx512_bf16") if has.get(unit))])
    gpu = device.startswith("cuda") and torch.cuda.is_available()
    named = torch.cuda.get_device_name(0) if gpu else f"cpu ({cpu})"
    return {"versions": versions, "device": named, "auto_precision": definite("auto", "cuda" if gpu else "cpu")}


def processor() -> str:
    """Name that this machine's processor gives itself; its architecture where it gives none."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def peak_memory_gib() -> float:
    """Largest resident size that this process has had, GiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**30 if sys.platform == "darwin" else peak / 2**20  # macOS counts bytes, Linux KiB


def provenance(session: Session) -> dict[str, Any]:
    """Everything about a run that equal inputs leave equal; what varies from run to run is in `end`."""
    return {
        "notebook": session.notebook,
        "size": session.size,
        "parameters": session.parameters,
        **code_state(),
        # a notebook without this parameter computes on the processor, whatever else the machine has
        **environment(session.parameters.get("device", "cpu")),
        "threads": session.threads,
        "data": [_lasting(entry) for entry in data_used()],
    }


def _lasting(entry: dict[str, Any]) -> dict[str, Any]:
    """What was used of a data set, without where it was found: that differs from run to run, the content does not."""
    stood_in = str(entry["source"]).startswith("stand-in")
    return {key: value for key, value in entry.items() if stood_in or key != "source"}


def end() -> Any:
    """Close the notebook: write its run record and show it as a table. Belongs in the last cell.

    Returns
    -------
    IPython.display.Markdown
        Parameters, commit, versions, device, its precision if left open, threads, data hashes, time and peak memory.

    Notes
    -----
    The runner publishes nothing of a notebook that has not come this far: the record carries the runner's token.
    """
    from IPython.display import Markdown

    session = current()
    record = provenance(session) | {"data": data_used()}
    record["published"] = sorted(set(session.published))
    record["wall_s"] = round(time.time() - session.started, 2)
    record["peak_memory_gib"] = round(peak_memory_gib(), 3)
    record["token"] = session.token
    write_json(session.folder / "runs" / f"{session.notebook}.json", record)
    left_open = session.parameters.get("precision", "auto") == "auto"  # else the parameters name it
    rows = [
        ("notebook, size", f"{session.notebook}, {session.size}"),
        ("parameters", ", ".join(f"`{name}={value!r}`" for name, value in session.parameters.items())),
        ("commit", f"`{record['commit'][:12]}`" + (" with uncommitted changes" if record["dirty"] else "")),
        ("versions", ", ".join(f"{name} {number}" for name, number in record["versions"].items())),
        ("device, threads", f"{record['device']}, {session.threads}"),
        *([("precision `auto`", f"{record['auto_precision']} on this device")] if left_open else []),
        ("data", "; ".join(_describe(entry) for entry in record["data"]) or "no measured data read here"),
        ("published", ", ".join(f"`{name}`" for name in record["published"])),
        ("time, peak memory", f"{record['wall_s']:.0f} s, {record['peak_memory_gib']:.2f} GiB"),
    ]
    return Markdown("| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows))


def _describe(entry: dict[str, Any]) -> str:
    sha = f", sha256 `{entry['sha256'][:12]}`" if entry.get("sha256") else ""
    return f"{entry['name']} ({entry['source']}{sha})"
