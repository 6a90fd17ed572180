"""Stacks of blinking emitters, and their MUSICAL images by one decomposition per window."""

import numpy as np
import xarray as xr
from scipy.special import j1

from nbsupport.optics import Optics

AT_660 = Optics(numerical_aperture=1.42, wavelength_um=0.66)


def as_stack(values, pixel_um):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip("yx", values.shape[1:], strict=True)}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=centres, attrs={"units": "ADU"})


def blinking(height=11, width=10, frames=60, *, pixel_um=0.08, optics=AT_660, photons=40.0, background=10.0, seed=1):
    """Five blinking emitters in focus; photons=inf gives the noise-free stack."""
    rng = np.random.default_rng(seed)
    emitters = rng.uniform(0.3, 0.7, (5, 2)) * np.array([height, width]) * pixel_um
    y, x = ((np.arange(size) + 0.5) * pixel_um for size in (height, width))
    distance = np.hypot(y[:, None] - emitters[:, 0, None, None], x - emitters[:, 1, None, None])
    u = 2 * np.pi * optics.numerical_aperture / optics.wavelength_um * distance
    patterns = (2 * j1(u) / u) ** 2
    light = np.tensordot(rng.random((frames, 5)) < 0.4, patterns, 1)
    if np.isinf(photons):
        return as_stack(light + background / 40, pixel_um)
    return as_stack(rng.poisson(photons * light + background).astype(float), pixel_um)


def per_window(stack, optics, window_px, *, subpixels=10, alpha=4.0, threshold=-1.0, edges="zero", first_below=1):
    """Direct evaluation: one SVD per window, PN summed over the noise eigenimages."""
    half, pixel_um = window_px // 2, float(stack.y[1] - stack.y[0])
    frames = stack.values.astype(float) / float(stack.max())
    if edges == "zero":
        frames = np.pad(frames, ((0, 0), (half, half), (half, half)))
    pixels = np.arange(window_px) - half
    points = (np.arange(window_px * subpixels) + 0.5) / subpixels - window_px / 2
    row, column = (grid.ravel()[:, None] for grid in np.meshgrid(pixels, pixels, indexing="ij"))
    point_y, point_x = (grid.ravel() for grid in np.meshgrid(points, points, indexing="ij"))
    distance = pixel_um * np.hypot(row - point_y, column - point_x)
    u = np.maximum(2 * np.pi * optics.numerical_aperture / optics.wavelength_um * distance, 1e-9)
    weights = np.exp(-(row**2 + column**2) / (2 * half))
    vectors = weights * (j1(u) / u) ** 2
    rows, columns = (size - window_px + 1 for size in frames.shape[1:])
    total, covered = np.zeros((2, *(size * subpixels for size in frames.shape[1:])))
    for i, j in np.ndindex(rows, columns):
        window = frames[:, i : i + window_px, j : j + window_px].reshape(len(frames), -1).T * weights
        images, found, _ = np.linalg.svd(window)
        sigma = np.pad(found, (0, window_px**2 - len(found)))
        dimension = int((sigma >= 10**threshold).sum()) + first_below
        if dimension >= window_px**2:
            dimension = window_px**2 - 3
        dimension = min(dimension, int((sigma > 1e-13 * sigma[0]).sum()))
        squares = (images.T @ vectors) ** 2
        floor = 1e-12 * (vectors**2).sum(0)
        ratio = squares[:dimension].sum(0) / np.maximum(squares[dimension:].sum(0), floor)
        area = np.s_[i * subpixels : (i + window_px) * subpixels, j * subpixels : (j + window_px) * subpixels]
        total[area] += (ratio ** (alpha / 2)).reshape(window_px * subpixels, -1)
        covered[area] += 1
    crop = half * subpixels if edges == "zero" else 0
    return (total / covered)[crop : len(total) - crop, crop : total.shape[1] - crop]
