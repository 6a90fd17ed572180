"""How long denoisers take on one image, measured in turn so that other work slows all of them."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr


def seconds_per_megapixel(
    restorers: Mapping[str, Callable[[np.ndarray], np.ndarray]], image: np.ndarray, *, rounds: int = 5
) -> xr.DataArray:
    """Time of every restorer on one image over the size of the image.

    Parameters
    ----------
    restorers : mapping
        Name to a function of an image. Each is called once before the clock starts.
    image : array, (y, x)
    rounds : int
        In a round every restorer has its turn: a ratio within a round compares neighbours in time, which other work on
        the machine slows alike; a ratio of times that were taken apart compares the work beside them as well.

    Returns
    -------
    DataArray, (restorer, round)
        s/megapixel.

    Raises
    ------
    ValueError
        If there is no restorer or no round.
    """
    if not restorers or rounds < 1:
        raise ValueError(f"seconds_per_megapixel: needs restorers and rounds; got {len(restorers)} and {rounds}")
    for restore in restorers.values():
        restore(image)
    taken = [[_seconds(restore, image) for restore in restorers.values()] for _ in range(rounds)]
    return xr.DataArray(
        np.transpose(taken) / np.size(image) * 1e6, coords={"restorer": list(restorers)}, dims=("restorer", "round")
    )


def _seconds(restore, image):
    started = time.perf_counter()
    restore(image)
    return time.perf_counter() - started
