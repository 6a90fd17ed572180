"""Structured illumination: time of one image, of a stack, and of a simulated focal series beside a plain loop."""

import statistics
import time
from functools import lru_cache

import numpy as np
import torch
import xarray as xr
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from nbsupport.optics import Optics, gibson_lanni_energy_um2, gibson_lanni_intensity
from nbsupport.reconstruct import sim
from nbsupport.simulate.illumination import HUGHES_2024, Pattern, focal_series

from .measure import Row, Speed, side_by_side

OPTICS, PIXEL_UM = Optics(numerical_aperture=1.1, wavelength_um=0.488), 0.107
PLANES, SLICES, SIDE = 32, 64, 256


@lru_cache
def frames(side, planes=None):
    """Nine frames with stripes of 375 nm of a random texture."""
    rng = np.random.default_rng(0)
    pattern = Pattern.regular(0.375, first_angle_rad=0.2, modulation=0.8)
    position = np.arange(side) * PIXEL_UM
    light = pattern.intensity(position, position) * rng.random((side, side)) ** 30
    raw = rng.poisson(2000 * gaussian_filter(light, (0, 0, 1, 1))).astype(float)
    coords = {"y": position, "x": position}
    stack = xr.DataArray(raw, dims=("angle", "phase", "y", "x"), coords=coords)
    return stack if planes is None else xr.concat([stack] * planes, dim="z")


def one_image(repeats):
    raw, times = frames(512), []
    sim.reconstruct(raw, OPTICS)
    for _ in range(max(repeats, 3)):
        start = time.perf_counter()
        sim.reconstruct(raw, OPTICS)
        times.append(time.perf_counter() - start)
    what = "time to find the pattern of 9 frames of 512 × 512 pixels and reconstruct them, after the first call"
    note = f"float64, {torch.get_num_threads()} threads"
    value = statistics.median(times)
    return [Row("sim-image", what, value, "s", min(times), max(times), at_most=1.0, repeats=len(times), note=note)]


def stack(repeats):
    raw = frames(128, PLANES)
    pattern = sim.estimate(raw.isel(z=0), OPTICS)
    found = side_by_side(
        lambda: [sim.reconstruct(raw.isel(z=i), OPTICS, parameters=pattern) for i in range(PLANES)],
        lambda: sim.reconstruct(raw, OPTICS, parameters=pattern),
        repeats,
    )
    what = f"loop over {PLANES} planes of 9 frames of 128 × 128 pixels / the stack in one call"
    return [Row("sim-stack", what, **found, at_least=1.0)]


@lru_cache
def sample():
    values = np.random.default_rng(0).random((SLICES, SIDE, SIDE)) ** 8
    coords = {dim: 0.05 * np.arange(size) for dim, size in zip("zyx", values.shape, strict=True)}
    return xr.DataArray(values, dims=("z", "y", "x"), coords=coords)


@lru_cache
def blur():
    """Point spread function (slice, y, x) around slice 32, on 129 × 129 pixels."""
    optics = HUGHES_2024.optics
    offset = 0.05 * np.arange(-64, 65)
    squares, where = np.unique(np.round(offset[:, None] ** 2 + offset**2, 9), return_inverse=True)
    depth_um = -HUGHES_2024.stage_um * optics.n_sample / optics.n_immersion + 0.05 * (np.arange(SLICES) - SLICES // 2)
    profile = gibson_lanni_intensity(optics, np.sqrt(squares), HUGHES_2024.stage_um, depth_um)
    return 0.05**2 / gibson_lanni_energy_um2(optics) * profile[:, where.reshape(129, 129)]


def plain_frame(angle, phase):
    """One frame focused on slice 32: every slice under its light, convolved by itself."""
    pattern, position = microscope_pattern(), 0.05 * np.arange(SIDE)
    vector, first = (
        pattern.wave_vector_per_um[angle : angle + 1],
        pattern.phase_rad[angle : angle + 1, phase : phase + 1],
    )
    image = np.zeros((SIDE, SIDE))
    for number, (fluorophores, kernel) in enumerate(zip(sample().values, blur(), strict=True)):
        depth = HUGHES_2024.axial_modulation(0.05 * (number - SLICES // 2))
        light = Pattern(vector, first, depth[None]).intensity(position, position)[0, 0]
        image += fftconvolve(fluorophores * light, kernel, mode="same")
    return image


def microscope_pattern():
    return HUGHES_2024.pattern().moved([-0.05 * SIDE / 2, -0.05 * SIDE / 2])


def volume(repeats):
    found = side_by_side(lambda: plain_frame(1, 2), lambda: focal_series(sample()), repeats, plain_scale=15 * PLANES)
    frame = focal_series(sample(), focal_planes=[SLICES // 2])[1, 2, 0].values
    plain = plain_frame(1, 2)
    error = np.abs(frame - plain).max() / plain.max()
    what = "plain loop over planes, phases and slices / focal_series, 64 slices of 256 × 256, 32 planes of 15 frames"
    note = f"the loop is given its kernels and does one of 480 frames, scaled; greatest difference {error:.0e}"
    return [Row("sim-focal-series", what, **found, at_least=10.0, note=note)]


SPEEDS = [Speed("sim-image", 6, one_image), Speed("sim-stack", 10, stack), Speed("sim-focal-series", 45, volume)]
