"""How images are scaled between the stages of hughes2024."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.restore.normalisation import Normalisation

INPUT = Normalisation("percentiles", 2.0, 99.9)
"""What a network sees: the 2nd and the 99.9th percentile of the whole image become 0 and 1."""

FULL_SCALE = 65535.0


def before_reconstruction(frames: xr.DataArray, *, low: float = 10.0, high: float = 99.9) -> xr.DataArray:
    """Raw frames as the reconstruction gets them: two percentiles to 0 and 65535, clipped between.

    Parameters
    ----------
    frames : DataArray, any dims and unit
        All frames of one acquisition: they share one scale.
    low, high : float
        Percentiles.

    Returns
    -------
    DataArray, shape of `frames`, 0 to 65535
        All 0 for frames of one value.

    Raises
    ------
    ValueError
        If the percentiles are not in order.

    References
    ----------
    hughes2024, section 2.3. Its program computes an equalisation of the frames and discards it; there is none here.
    """
    if not 0 <= low < high <= 100:
        raise ValueError(f"low={low!r} and high={high!r} must be percentiles in this order")
    bottom, top = np.percentile(frames.values, [low, high])
    scaled = np.clip((frames.values - bottom) / ((top - bottom) or 1.0), 0, 1)
    return frames.copy(data=FULL_SCALE * scaled)


def after_reconstruction(image: xr.DataArray) -> xr.DataArray:
    """A reconstruction as the source keeps it: divided by its maximum, negative values 0, times 65535.

    Parameters
    ----------
    image : DataArray, any dims and unit

    Returns
    -------
    DataArray, shape of `image`, 0 to 65535
        All 0 for an image that is nowhere positive.

    References
    ----------
    hughes2024, section 2.3.
    """
    top = float(image.max())
    return image.copy(data=FULL_SCALE * np.clip(image.values / (top if top > 0 else 1.0), 0, 1))
