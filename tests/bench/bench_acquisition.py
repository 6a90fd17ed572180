"""Image formation against a plain loop over emitters."""

from functools import lru_cache

import numpy as np
import torch

from nbsupport.optics import Optics, best_focus_um
from nbsupport.simulate.acquisition import acquire
from nbsupport.simulate.photokinetics import blink
from nbsupport.simulate.point_spread import tabulate
from nbsupport.simulate.structures import vesicles

from .measure import Row, Speed, peak_memory_gb, side_by_side

OPTICS = Optics(numerical_aperture=1.42, wavelength_um=0.66)
FIELD_UM, DEPTH_UM, FRAMES = 5.0, 0.5, 200
SUBSET = 250  # emitters that the plain loop does; its time is scaled to all
DENSEST = 188_000  # 30 vesicles of 500 nm radius with 2000 emitters per µm²


@lru_cache(maxsize=1)
def scene():
    """Twenty vesicles that carry about 25,000 emitters, and their photons."""
    rng = np.random.default_rng(3)
    emitters_um = vesicles(rng=rng, count=20).emitters_um
    return emitters_um, blink(len(emitters_um), FRAMES, 2, 10, rng=rng)


def loop(emitters_um, photons, table, pixel_um):
    """One emitter after the other: its radial profile, its image, its share of every frame."""
    pixels = int(FIELD_UM / pixel_um + 1e-9)
    centres_um = (np.arange(pixels) - (pixels - 1) / 2) * pixel_um
    distance_um = table.step_um * np.arange(table.coefficients.shape[1])
    frames = np.zeros((photons.shape[1], pixels, pixels))
    for (x, y, z), trace in zip(emitters_um, photons, strict=True):
        profile = table.basis(np.array([z + DEPTH_UM]))[0] @ table.coefficients
        image = np.interp(np.hypot(centres_um[:, None] - y, centres_um - x), distance_um, profile)
        frames += trace[:, None, None] * image
    return frames


def against_loop(pixel_um, dtype, name, at_least):
    def measure(repeats):
        emitters_um, photons = scene()
        z_um = emitters_um[:, 2] + DEPTH_UM
        table = tabulate(
            OPTICS,
            stage_um=best_focus_um(OPTICS, DEPTH_UM),
            depth_range_um=(z_um.min(), z_um.max()),
            radius_um=np.hypot(FIELD_UM, FIELD_UM),
            pixel_um=pixel_um,
            pixel_integration=True,
        )
        part = np.linspace(0, len(emitters_um) - 1, SUBSET).astype(int)
        options = {"pixel_um": pixel_um, "field_um": FIELD_UM, "dtype": dtype}
        times = side_by_side(
            lambda: loop(emitters_um[part], photons[part], table, pixel_um),
            lambda: acquire(emitters_um, photons, OPTICS, **options),
            repeats,
            plain_scale=len(emitters_um) / SUBSET,
        )
        plain = loop(emitters_um[part], photons[part], table, pixel_um)
        error = np.abs(acquire(emitters_um[part], photons[part], OPTICS, **options).values - plain).max() / plain.max()
        precision = str(dtype).removeprefix("torch.")
        what = f"plain loop over emitters / acquire in {precision}, {1000 * pixel_um:.0f} nm pixels"
        note = (
            f"{len(emitters_um)} emitters × {FRAMES} frames; the loop is given the table of the point spread function "
            f"and does {SUBSET} emitters, scaled; greatest difference {error:.0e} of the brightest pixel"
        )
        return [Row(name, what, **times, at_least=at_least, note=note)]

    return Speed(name, 16, measure)


def record_densest():
    """Photons and frames of the densest sample that the source allows."""
    rng = np.random.default_rng(0)
    emitters_um = rng.uniform(-1, 1, (DENSEST, 3)) * [2.5, 2.5, 0.5]
    acquire(emitters_um, blink(DENSEST, FRAMES, 2, 10, rng=rng), OPTICS, pixel_um=0.065, field_um=FIELD_UM)


def memory(repeats):
    peak = peak_memory_gb(__name__, record_densest.__name__)
    what = f"peak memory of a process that blinks and acquires {DENSEST} emitters × {FRAMES} frames, 65 nm pixels"
    return [Row("acquisition-memory", what, peak, unit="GB", at_most=2.0, note="the imported libraries included")]


SPEEDS = [
    *(
        against_loop(pixel_um, torch.float64, f"acquisition-{1000 * pixel_um:.0f}nm", 20)
        for pixel_um in (0.065, 0.08, 0.108, 0.12)
    ),
    against_loop(0.12, torch.float32, "acquisition-120nm-float32", None),
    Speed("acquisition-memory", 15, memory),
]
