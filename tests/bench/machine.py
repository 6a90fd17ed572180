"""The machine that a table was measured on, and what it can do at best."""

import os
import platform
import time

import numpy as np
import torch

from nbsupport.restore.precision import definite
from nbsupport.study.provenance import processor


def describe() -> dict:
    """Cores, threads, versions, and the load of other work at this moment."""
    return {
        "processor": processor(),
        "quicker precision of networks": definite("auto"),
        "cores": os.cpu_count(),
        "threads of torch": torch.get_num_threads(),
        "threads of NumPy's BLAS": os.environ.get("OPENBLAS_NUM_THREADS", "its default"),
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "NumPy": np.__version__,
        "load average before": os.getloadavg()[0],
    }


def limits() -> dict:
    """Matrix products and memory copies per second: what no program on this machine exceeds."""
    found = {}
    for name, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        matrix = torch.rand(1024, 1024, dtype=dtype)
        found[f"matrix product, {name} (GFLOP/s)"] = 2e-9 * 1024**3 / _best(lambda: matrix @ matrix, 20)  # noqa: B023
    block, copy = torch.rand(2, 2**24, dtype=torch.float64)
    found["memory copy, read and written (GB/s)"] = 2e-9 * 8 * 2**24 / _best(lambda: copy.copy_(block), 10)
    return found


def _best(work, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
