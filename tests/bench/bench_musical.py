"""MUSICAL against a plain loop over windows."""

import time
from functools import lru_cache

import numpy as np
import torch
import xarray as xr
from scipy.special import j1

from nbsupport.optics import Optics
from nbsupport.reconstruct import eigenimages, windows
from nbsupport.reconstruct.musical import musical, window_size
from nbsupport.simulate.recording import record
from nbsupport.simulate.structures import actin

from .measure import Row, Speed, peak_memory_gb, side_by_side

WAVELENGTH_UM, FRAMES, SUBPIXELS, ALPHA, LOG10_SIGMA0, FLOOR = 0.66, 200, 10, 4.0, -1.0, 1e-12
APERTURES = {0.065: 1.2, 0.08: 1.42, 0.108: 1.4, 0.12: 1.49}  # per pixel size, µm
SUBSET = 80  # windows that the plain loop does when it is timed; the time is scaled to all
# The plain loop as MUSICAL is defined, which is what is asked about, and with the savings that need no batch.
LOOPS = {"full decompositions, PN summed": True, "thin decompositions, PN as a difference": False}
CROP_PX = 22  # edge of the stack that both compute whole when their images are compared


@lru_cache
def videos(pixel_um):
    """A 5 µm field of actin, 200 frames, with noise at a signal-to-background ratio of 3 and without."""
    streams = ("structure", "photokinetics", "noise")
    rng = dict(zip(streams, np.random.default_rng(0).spawn(3), strict=True))
    return record(actin(rng=rng["structure"]), optics(pixel_um), rng=rng, pixel_um=pixel_um, frames=FRAMES)


def optics(pixel_um):
    return Optics(numerical_aperture=APERTURES[pixel_um], wavelength_um=WAVELENGTH_UM)


class Plain:
    """MUSICAL as its definition reads: one singular value decomposition and one matrix product per window."""

    def __init__(self, stack: xr.DataArray, pixel_um: float):
        self.size = window_size(optics(pixel_um), pixel_um)
        half = self.size // 2
        pixels = np.arange(self.size) - half
        points = (np.arange(self.size * SUBPIXELS) + 0.5) / SUBPIXELS - self.size / 2
        squares = (pixels[:, None] - points) ** 2
        distance_um = pixel_um * np.sqrt(squares[:, None, :, None] + squares[None, :, None, :])
        u = np.maximum(2 * np.pi * APERTURES[pixel_um] / WAVELENGTH_UM * distance_um, 1e-9)
        airy = ((j1(u) / u) ** 2).reshape(self.size**2, -1)
        self.weights = np.exp(-(pixels[:, None] ** 2 + pixels**2) / (2 * half)).reshape(-1, 1)
        self.vectors = airy / airy.max() * self.weights
        self.norm2 = (self.vectors**2).sum(0)
        self.frames = np.pad(stack.values / stack.values.max(), ((0, 0), (half, half), (half, half)))
        self.centres = list(np.ndindex(stack.shape[1:]))

    def patch(self, i, j, *, full, summed):
        """Indicator and PN/|g|² of one window.

        As the definition reads, the decomposition is `full` and PN is `summed` over the noise eigenimages. A loop with
        the same economies as `musical` drops the right singular vectors and takes PN as the difference to |g|².
        """
        window = self.frames[:, i : i + self.size, j : j + self.size].reshape(len(self.frames), -1).T
        images, sigma, _ = np.linalg.svd(window * self.weights, full_matrices=full)
        dimension = int((sigma >= 10**LOG10_SIGMA0).sum()) + 1
        if dimension >= self.size**2:
            dimension = self.size**2 - 3
        signal = ((images[:, :dimension].T @ self.vectors) ** 2).sum(0)
        noise = ((images[:, dimension:].T @ self.vectors) ** 2).sum(0) if summed else self.norm2 - signal
        return (signal / np.maximum(noise, FLOOR * self.norm2)) ** (ALPHA / 2), noise / self.norm2

    def image(self, centres, *, full, summed):
        """Mean over the windows given, and the smallest PN/|g|² of each point if it was `summed`."""
        total, covered = np.zeros((2, *(SUBPIXELS * size for size in self.frames.shape[1:])))
        smallest = np.ones_like(total)
        side = self.size * SUBPIXELS
        for i, j in centres:
            area = np.s_[i * SUBPIXELS : i * SUBPIXELS + side, j * SUBPIXELS : j * SUBPIXELS + side]
            values, noise = self.patch(i, j, full=full, summed=summed)
            total[area] += values.reshape(side, side)
            covered[area] += 1
            if summed:
                smallest[area] = np.minimum(smallest[area], noise.reshape(side, side))
        crop = slice(self.size // 2 * SUBPIXELS, -(self.size // 2) * SUBPIXELS)
        return (total / np.maximum(covered, 1))[crop, crop], smallest[crop, crop]


def against_loop(pixel_um, video, at_least):
    name = f"musical-{1000 * pixel_um:.0f}nm" + ("" if video == "noisy" else "-noise-free")

    def measure(repeats):
        stack = videos(pixel_um)[video]
        plain = Plain(stack, pixel_um)
        part = [plain.centres[k] for k in np.linspace(0, len(plain.centres) - 1, SUBSET).astype(int)]
        rows = []
        for kind, as_defined in LOOPS.items():
            times = side_by_side(
                lambda: plain.image(part, full=as_defined, summed=as_defined),  # noqa: B023
                lambda: musical(stack, optics(pixel_um)),
                repeats,
                plain_scale=len(plain.centres) / SUBSET,
            )
            stated = f"{1000 * pixel_um:.0f} nm pixels, {video.replace('_', '-')} stack"
            note = (
                f"{len(plain.centres)} windows of {plain.size} × {plain.size} pixels; the loop does {SUBSET}, scaled, "
                "on one thread, where it is fastest"
            )
            asked = at_least if as_defined else None
            what = f"plain loop over windows, {kind} / musical, {stated}"
            rows.append(Row(name if as_defined else f"{name}-economical", what, **times, at_least=asked, note=note))
        return [*rows, agreement(name, stack, pixel_um)]

    return Speed(name, 45 if pixel_um < 0.07 else 10, measure)


def agreement(name, stack, pixel_um):
    """Greatest relative difference between the two images of a part of the stack."""
    crop = stack.isel(y=slice(CROP_PX), x=slice(CROP_PX))
    plain = Plain(crop, pixel_um)
    expected, smallest = plain.image(plain.centres, full=True, summed=True)
    off_floor = smallest > 2 * FLOOR
    difference = np.abs(musical(crop, optics(pixel_um)).values / expected - 1)[off_floor].max()
    what = "greatest relative difference to the plain loop where PN is off its floor"
    note = f"a corner of {CROP_PX} × {CROP_PX} pixels, whole; the loop sums PN over the noise eigenimages here"
    return Row(f"{name}-agreement", what, float(difference), unit="1", at_most=1e-6, note=note)


def parts(pixel_um):
    """Processor time of projecting and stitching over that of the eigendecompositions."""
    stack = videos(pixel_um)["noisy"]
    plain = Plain(stack, pixel_um)
    pixels = torch.from_numpy(plain.frames).permute(1, 2, 0).contiguous()
    vectors = eigenimages.dictionary(optics(pixel_um), pixel_um, plain.size, SUBPIXELS, "cpu")
    spent = np.zeros(3)

    def work(tile):
        def exact(which):
            chosen = windows.weighted_windows(pixels, plain.size, tile, which)
            return eigenimages.decomposed(chosen, LOG10_SIGMA0)

        marks = [time.thread_time()]
        grams = windows.gram_matrices(pixels, plain.size, tile)
        marks.append(time.thread_time())
        found = eigenimages.subspaces(grams, LOG10_SIGMA0, exact)
        marks.append(time.thread_time())
        windows.overlap_add(eigenimages.indicator(*found, vectors, ALPHA, exact), plain.size, tile)
        marks.append(time.thread_time())
        spent[:] += np.diff(marks)

    rows, columns = stack.shape[1:]
    floats = eigenimages.floats_per_window(vectors)
    list(windows.over_tiles(work, rows, columns, floats, pixels.device, lambda fraction: None))
    return spent / len(plain.centres)


def shares(repeats):
    rows = []
    for pixel_um in APERTURES:
        found = np.array([parts(pixel_um) for _ in range(repeats)])
        ratios = found[:, 2] / found[:, 1]
        gram, decomposition, rest = 1e6 * np.median(found, axis=0)
        rows.append(
            Row(
                f"musical-{1000 * pixel_um:.0f}nm-projection",
                "projection and stitching / eigendecomposition, processor time",
                *(float(np.median(ratios)), "×", float(ratios.min()), float(ratios.max())),
                at_most=1.0,
                repeats=repeats,
                note=f"µs per window: Gram matrix {gram:.0f}, eigendecomposition {decomposition:.0f}, rest {rest:.0f}",
            )
        )
    return rows


def growth(repeats):
    """Time over area for fields of 10 and 20 µm, the 5 µm field being 1; the larger ones repeat it."""
    pixel_um = 0.12
    stack = videos(pixel_um)["noisy"]
    rows = []
    for times in (2, 4):
        values = np.tile(stack.values, (1, times, times))
        centres_um = {dim: (np.arange(values.shape[1]) + 0.5) * pixel_um for dim in ("y", "x")}
        large = xr.DataArray(values, dims=stack.dims, coords=centres_um)
        found = side_by_side(
            lambda: musical(large, optics(pixel_um)),  # noqa: B023
            lambda: musical(stack, optics(pixel_um)),
            repeats,
            plain_scale=times**-2,
        )
        found["plain_s"] *= times**2
        what = f"time of a {5 * times} µm field over that of a 5 µm field, divided by the ratio of areas"
        note = f"120 nm pixels; first time {5 * times} µm, second time 5 µm"
        rows.append(Row(f"musical-growth-{5 * times}um", what, **found, at_most=1.2, note=note))
    return rows


def largest_stack():
    musical(videos(0.065)["noisy"], optics(0.065))


def memory(repeats):
    peak = peak_memory_gb(__name__, largest_stack.__name__)
    what = "peak memory of a process that simulates one 5 µm stack with 65 nm pixels and makes its image"
    return [Row("musical-memory", what, peak, unit="GB", at_most=1.5, note="the imported libraries included")]


SPEEDS = [
    *(against_loop(pixel_um, "noisy", 10) for pixel_um in APERTURES),
    *(against_loop(pixel_um, "noise_free", None) for pixel_um in APERTURES),
    Speed("musical-projection", 60, shares),
    Speed("musical-growth", 40, growth),
    Speed("musical-memory", 20, memory),
]
