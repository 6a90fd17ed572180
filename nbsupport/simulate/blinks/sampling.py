"""Blinks drawn from a scene, and the counts that they make on average."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import convolve1d
from scipy.stats import norm

from nbsupport.checks import positive
from nbsupport.optics import require_pixel_um

from .clouds import point_cloud
from .scenes import GRID_UM, Scene

DENSITY_OVER = ("field", "structure")
PIXEL_UM = 0.01  # rendering grid of the source


def blinks(
    scene: Scene, *, density_per_um2: float, error_um: float, rng: np.random.Generator, over: str = "field"
) -> xr.Dataset:
    """Draw blinks: a Poisson number of them, uniform on the structure, moved by the localisation error.

    Parameters
    ----------
    scene : Scene
    density_per_um2 : float
        Mean number of blinks per µm².
    error_um : float
        Standard deviation of the localisation error along either axis, µm; 0 for none.
    rng : numpy.random.Generator
    over : {"field", "structure"}
        Which area the density counts: the whole field, structure or not, or the structure alone.

    Returns
    -------
    Dataset of `point_cloud`
        Blinks that the error moves out of the field are lost; none come in.

    Raises
    ------
    ValueError
        If the scene is empty or a number cannot be meant.

    References
    ----------
    lefebvre2020, section 2.2 and 2.4. The source does not say over which area its densities count; "field" is the
    reading under which its actin data are five times sparser than its synthetic data, as it states.
    """
    mean = _mean_number(scene, density_per_um2, over)
    error_um = checked_error(error_um)
    chosen = scene.cells[rng.integers(len(scene.cells), size=rng.poisson(mean))]
    cells = np.stack(np.unravel_index(chosen, scene.structure.shape))
    positions = (cells + rng.random(cells.shape)) * GRID_UM
    if error_um:
        positions += rng.normal(0, error_um, positions.shape)
    low, high = np.array(scene.field_um).T
    inside = np.all((positions >= low[:, None]) & (positions < high[:, None]), axis=0)
    return point_cloud(*positions[:, inside], field_um=scene.field_um)


def expected_counts(
    scene: Scene, *, density_per_um2: float, error_um: float, pixel_um: float = PIXEL_UM, over: str = "field"
) -> xr.DataArray:
    """Mean of the rendered image over all draws of `blinks`: what Noise2Noise can hope to find.

    Parameters
    ----------
    scene : Scene
    density_per_um2, error_um, over
        As in `blinks`.
    pixel_um : float
        Rendering grid, µm: a whole number of cells of 2 nm that divides the field.

    Returns
    -------
    DataArray, (y, x), blinks per pixel
        The structure, blurred by the localisation error and summed over pixels. Exact for any error, because the
        Gaussian is integrated over the cells rather than sampled.

    Raises
    ------
    ValueError
        If the scene is empty or the grids do not fit.
    """
    mean, error = _mean_number(scene, density_per_um2, over), checked_error(error_um) / GRID_UM
    per_pixel = require_pixel_um("pixel_um", pixel_um) / GRID_UM
    side = scene.structure.shape[0]
    if abs(per_pixel - round(per_pixel)) > 1e-9 or side % round(per_pixel):
        raise ValueError(f"pixel_um={pixel_um} must be a whole number of cells of {GRID_UM} µm that divides the field")
    per_pixel = round(per_pixel)
    rate = scene.structure.astype(np.float32)
    if error:
        kernel = _gaussian_between_cells(error)
        for axis in (0, 1):
            rate = convolve1d(rate, kernel, axis=axis, mode="constant")
    pixels = rate.reshape(side // per_pixel, per_pixel, -1, per_pixel).sum(axis=(1, 3), dtype=np.float64)
    centres = (np.arange(side // per_pixel) + 0.5) * per_pixel * GRID_UM
    return xr.DataArray(
        pixels * (mean / len(scene.cells)),
        dims=("y", "x"),
        coords={"y": centres, "x": centres},
        attrs={"units": "blinks per pixel"},
    )


def draw_counts(expected: xr.DataArray, *, rng: np.random.Generator) -> xr.DataArray:
    """Draw a rendered image from its mean.

    Blinks are a Poisson process, so the counts of pixels are independent Poisson numbers: this has the law of a
    rendering of `blinks`, and stays cheap at two million blinks per µm².

    Parameters
    ----------
    expected : DataArray, (y, x), blinks per pixel, of `expected_counts`
    rng : numpy.random.Generator

    Returns
    -------
    DataArray, (y, x), int64, blinks per pixel
    """
    return expected.copy(data=rng.poisson(expected.values))


def checked_error(error_um: float) -> float:
    """Refuse a localisation error that is negative or looks like nanometres; return it as float, µm."""
    if error_um == 0:
        return 0.0
    error_um = positive("error_um", error_um, "a localisation error in micrometres, 0 or more")
    if error_um >= 0.5:
        raise ValueError(f"error_um={error_um:g} looks like nanometres; give micrometres, {error_um / 1000:g}")
    return error_um


def _mean_number(scene: Scene, density_per_um2: float, over: str) -> float:
    density = positive("density_per_um2", density_per_um2, "a positive number of blinks per µm²")
    if over not in DENSITY_OVER:
        raise ValueError(f"over={over!r} is unknown; give one of {DENSITY_OVER}")
    if not len(scene.cells):
        raise ValueError("scene has no structure in its field; blinks need some")
    (y0, y1), (x0, x1) = scene.field_um
    area = (y1 - y0) * (x1 - x0) if over == "field" else len(scene.cells) * GRID_UM**2
    return density * area


def _gaussian_between_cells(sigma: float) -> np.ndarray:
    """Chance that a Gaussian step from a uniform place in one cell ends in each cell around it; `sigma` in cells.

    Second difference of the twice integrated Gaussian.
    """
    reach = int(np.ceil(6 * sigma)) + 1
    z = np.arange(-reach - 1, reach + 2) / sigma
    twice = sigma * (z * norm.cdf(z) + norm.pdf(z))
    return (twice[2:] - 2 * twice[1:-1] + twice[:-2]).astype(np.float64)
