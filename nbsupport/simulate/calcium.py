"""Movies of cells whose calcium flickers, with the true trace of each."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from scipy.signal import lfilter

from nbsupport.checks import whole_number


def calcium_movie(
    *,
    rng: np.random.Generator,
    frames: int,
    pixels: int,
    cells: int = 8,
    decay_frames: float = 12.0,
    spikes_per_frame: float = 0.02,
    radius_px: float = 5.0,
) -> xr.Dataset:
    """Draw discs that brighten at random moments and fade exponentially, on a dim and still background.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    frames, pixels : int
        Of the movie, and per side of a frame.
    cells : int
        Discs; they may overlap.
    decay_frames : float
        Time constant of the indicator, frames.
    spikes_per_frame : float
        Mean rate of spikes, per cell; each cell has one more, in the first half of the movie, so that none is silent.
    radius_px : float
        Of a cell, pixels.

    Returns
    -------
    Dataset
        ``light`` (frame, y, x): noise-free movie, brightest value 1; ``traces`` (cell, frame): 1 at rest;
        ``footprints`` (cell, y, x): share of each cell in a pixel.

    References
    ----------
    laine2021, section 4 (DeepCAD). Numbers and sizes are chosen here.
    """
    frames, pixels = whole_number("frames", frames, least=2), whole_number("pixels", pixels, least=16)
    cells = whole_number("cells", cells, least=1)
    y, x = np.mgrid[:pixels, :pixels]
    centres = rng.uniform(radius_px, pixels - radius_px, (cells, 2))
    discs = [((y - a) ** 2 + (x - b) ** 2 <= radius_px**2).astype(float) for a, b in centres]
    footprints = np.array([gaussian_filter(disc, 1.0) for disc in discs])
    spikes = rng.poisson(spikes_per_frame, (cells, frames)).astype(float)
    spikes[np.arange(cells), rng.integers(frames // 2, size=cells)] += 1
    spikes *= rng.uniform(0.5, 1.5, spikes.shape)
    traces = 1 + 2 * lfilter([1.0], [1.0, -np.exp(-1 / decay_frames)], spikes, axis=1)
    still = gaussian_filter(rng.random((pixels, pixels)), 4.0)
    light = np.tensordot(traces.T, footprints, axes=1) + 2 * still
    data = {
        "light": (("frame", "y", "x"), light / light.max()),
        "traces": (("cell", "frame"), traces),
        "footprints": (("cell", "y", "x"), footprints),
    }
    return xr.Dataset(data)
