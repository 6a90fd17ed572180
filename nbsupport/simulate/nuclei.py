"""Fields of cell nuclei with numbered objects, for segmentation."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.checks import whole_number


def nuclei(
    *,
    rng: np.random.Generator,
    pixels: int,
    pixel_um: float = 0.5,
    count: int | None = None,
    radius_um: tuple[float, float] = (2.5, 4.5),
    blur_um: float = 0.5,
) -> xr.Dataset:
    """Draw elliptical, textured nuclei of different brightness, some of which touch.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    pixels : int
        Per side, 16 or more.
    pixel_um : float
        µm.
    count : int, optional
        Nuclei that are tried; by default one per 120 µm². One that would hide more than a tenth of another is left out.
    radius_um : (float, float)
        Smallest and largest mean half axis, µm.
    blur_um : float
        Standard deviation of the Gaussian that stands for the microscope, µm.

    Returns
    -------
    Dataset, (y, x)
        ``light``: noise-free image, brightest pixel 1; ``labels``: nuclei from 1 on background 0.
    """
    pixels = whole_number("pixels", pixels, least=16)
    tried = max(1, round((pixels * pixel_um) ** 2 / 120)) if count is None else count
    y, x = np.mgrid[:pixels, :pixels].astype(float)
    labels, light = np.zeros((pixels, pixels), int), np.zeros((pixels, pixels))
    texture = gaussian_filter(rng.normal(size=(pixels, pixels)), 0.6 / pixel_um)
    texture = 1 + 0.25 * texture / texture.std()
    for _ in range(tried):
        centre, angle = rng.uniform(0, pixels, 2), rng.uniform(0, np.pi)
        half = rng.uniform(*radius_um) / pixel_um * np.array([1.0, rng.uniform(0.65, 1.0)])
        along = (y - centre[0]) * np.cos(angle) + (x - centre[1]) * np.sin(angle)
        across = (x - centre[1]) * np.cos(angle) - (y - centre[0]) * np.sin(angle)
        inside = (along / half[0]) ** 2 + (across / half[1]) ** 2 <= 1
        if not inside.any() or (labels[inside] > 0).mean() > 0.1:
            continue
        new = inside & (labels == 0)
        labels[new] = labels.max() + 1
        light[new] = rng.uniform(0.4, 1.0)
    light = gaussian_filter(light * np.maximum(texture, 0.2), blur_um / pixel_um)
    axis = (np.arange(pixels) + 0.5) * pixel_um
    data = {"light": (("y", "x"), light / max(light.max(), 1e-12)), "labels": (("y", "x"), labels)}
    return xr.Dataset(data, coords={"y": axis, "x": axis})
