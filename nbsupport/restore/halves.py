"""Training pairs from point clouds: rendered once before training, or drawn anew at every step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nbsupport.checks import whole_number
from nbsupport.reconstruct.localisations import render
from nbsupport.simulate.blinks import Scene, SceneRules, blinks, density_per_um2, draw_counts, expected_counts, field_of
from nbsupport.simulate.blinks import scene as draw_scene

from .views import View, in_view

KEPT = 0.95  # share of the blinks that a dynamic pair uses (lefebvre2020, section 2.4)


def split(cloud: xr.Dataset, *, rng: np.random.Generator, kept: float = KEPT) -> tuple[xr.Dataset, xr.Dataset]:
    """Split a cloud at random into two disjoint halves, after leaving some blinks out.

    Parameters
    ----------
    cloud : Dataset of `point_cloud`
    rng : numpy.random.Generator
    kept : float
        Share of the blinks that the halves share out: ``round(kept * n)`` of n.

    Returns
    -------
    first, second : Dataset of `point_cloud`
        Their sizes differ by one at most, because a permutation is cut in the middle; no coin is flipped for each.

    Raises
    ------
    ValueError
        If `kept` is no share.

    References
    ----------
    lefebvre2020, section 2.4.
    """
    label = _labels(cloud.sizes["blink"], kept, rng)
    return cloud.isel(blink=label == 1), cloud.isel(blink=label == 2)


def _labels(count: int, kept: float, rng: np.random.Generator) -> np.ndarray:
    """0 for what is left out, 1 and 2 for the halves, (count,)."""
    if not 0 < kept <= 1:
        raise ValueError(f"kept={kept} must be a share above 0, at most 1; 95 % is 0.95")
    chosen = round(kept * count)
    label = np.zeros(count, dtype=np.int8)
    order = rng.permutation(count)
    label[order[: chosen // 2]] = 1
    label[order[chosen // 2 : chosen]] = 2
    return label


class DynamicPairs:
    """A new pair of sparse images for every sample of every step: n2n-dynamic.

    Coordinates are cropped, turned and mirrored, thinned, split at random into two disjoint halves, and counted on the
    grid. `batch` is a pure function of the step.

    Parameters
    ----------
    clouds : sequence of Dataset of `point_cloud`
    patch_px : int
        Edge of a patch, pixels.
    batch : int
        Pairs per step.
    seed : int
    pixel_um : float
    kept : float
        As in `split`.
    block_frames : int, optional
        Blinks of this many frames in a row go to the same half; needed where one emitter is seen in several frames in a
        row. Halves then differ in size by chance.
    mean_count : float, optional
        What counts are divided by; by default the mean count per pixel of a half image over all clouds, so that images
        have the mean 1. 1 leaves them as counts.

    References
    ----------
    lefebvre2020, section 2.4.
    """

    def __init__(
        self,
        clouds: Sequence[xr.Dataset],
        *,
        patch_px: int = 64,
        batch: int = 128,
        seed: int = 0,
        pixel_um: float = 0.01,
        kept: float = KEPT,
        block_frames: int | None = None,
        mean_count: float | None = None,
    ):
        self.size, self.patch_px = batch, whole_number("patch_px", patch_px, least=1)
        self.seed, self.pixel_um, self.kept, self.block_frames = seed, pixel_um, kept, block_frames
        self.fields = [field_of(cloud) for cloud in clouds]
        # sorted along y, a window needs only a run of the blinks
        self.points = [_sorted(cloud, block_frames) for cloud in clouds]
        half = kept / 2 * np.mean([density_per_um2(cloud) for cloud in clouds]) * pixel_um**2
        self.mean_count = half if mean_count is None else float(mean_count)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of one step, each (batch, 1, patch, patch), float32, counts over `mean_count`."""
        rng = np.random.default_rng([self.seed, step])
        pairs = np.empty((2, self.size, 1, self.patch_px, self.patch_px), dtype=np.float32)
        for sample, cloud in enumerate(rng.integers(len(self.points), size=self.size)):
            pairs[:, sample, 0] = self._pair(cloud, rng)
        return tuple(torch.from_numpy(pairs / np.float32(self.mean_count)))

    def _pair(self, cloud: int, rng: np.random.Generator) -> np.ndarray:
        side = self.patch_px * self.pixel_um
        view = View.drawn(self.fields[cloud], side, rng=rng)
        cells, block = in_view(self.points[cloud], view, self.pixel_um)
        label = self._halves(block, len(cells), rng).astype(np.int64)
        cells = cells + (label - 1) * self.patch_px**2
        counts = np.bincount(cells[label > 0], minlength=2 * self.patch_px**2)
        return counts.reshape(2, self.patch_px, self.patch_px)

    def _halves(self, block: np.ndarray | None, count: int, rng: np.random.Generator) -> np.ndarray:
        if block is None:
            return _labels(count, self.kept, rng)
        sides = rng.integers(1, 3, size=block.max(initial=0) + 1)
        return np.where(rng.random(count) < self.kept, sides[block], 0)


def _sorted(cloud: xr.Dataset, block_frames: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    if block_frames is not None and "frame" not in cloud:
        raise ValueError(f"block_frames={block_frames} needs the column frame, which a cloud lacks")
    order = np.argsort(cloud.y.values, kind="stable")
    block = None if block_frames is None else (cloud.frame.values.astype(int) // block_frames)[order]
    return cloud.y.values[order], cloud.x.values[order], block


class AugmentedCleanPairs:
    """Sparse image and clean image in the same new window at every step: Noise2Clean with the windows of n2n-dynamic.

    Parameters
    ----------
    scenes : sequence of Scene
    clouds : sequence of Dataset of `point_cloud`
        Blinks of each scene.
    dense_per_um2, error_um : float
        Density and localisation error of the clean images.
    patch_px, batch, seed, pixel_um
        As in `DynamicPairs`.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        clouds: Sequence[xr.Dataset],
        *,
        dense_per_um2: float,
        error_um: float,
        patch_px: int = 64,
        batch: int = 128,
        seed: int = 0,
        pixel_um: float = 0.01,
    ):
        self.scenes, self.error_um = list(scenes), error_um
        self.dense_per_um2, self.pixel_um = dense_per_um2, pixel_um
        self.patch_px, self.size, self.seed = patch_px, batch, seed
        self.points = [_sorted(cloud, None) for cloud in clouds]
        self.mean_count = float(np.mean([density_per_um2(cloud) for cloud in clouds]) * pixel_um**2)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of one step, each (batch, 1, patch, patch), float32, relative to their mean counts."""
        rng = np.random.default_rng([self.seed, step])
        pairs = [self._pair(sample, rng) for sample in rng.integers(len(self.scenes), size=self.size)]
        return tuple(
            torch.from_numpy(np.stack(images)[:, None].astype(np.float32)) for images in zip(*pairs, strict=True)
        )

    def _pair(self, sample: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        scene = self.scenes[sample]
        view = View.drawn(scene.field_um, self.patch_px * self.pixel_um, rng=rng)
        cells, _ = in_view(self.points[sample], view, self.pixel_um)
        sparse = np.bincount(cells, minlength=self.patch_px**2).reshape((self.patch_px,) * 2) / self.mean_count
        window = view.scene(scene)
        if not len(window.cells):
            return sparse, np.zeros_like(sparse)
        on_structure = self.dense_per_um2 / scene.coverage
        expected = expected_counts(
            window, density_per_um2=on_structure, error_um=self.error_um, pixel_um=self.pixel_um, over="structure"
        )
        return sparse, draw_counts(expected, rng=rng).values / (self.dense_per_um2 * self.pixel_um**2)


class FreshPairs:
    """Scenes that no step has seen before, each blinking twice: the simulator inside the training loop.

    Both images of a pair are drawn by themselves, at the whole density: where scenes can be simulated twice, nothing
    has to be split.

    Parameters
    ----------
    rules : SceneRules
    density_per_um2, error_um : float
        Of either image.
    patch_px, batch, seed
        As in `DynamicPairs`; pixels are 10 nm.
    scenes : int
        Drawn per step; patches are cut from them at random.
    field_um : float
        Edge of a scene, µm.

    References
    ----------
    lefebvre2020, section 3.1.
    """

    def __init__(
        self,
        rules: SceneRules,
        *,
        density_per_um2: float,
        error_um: float,
        patch_px: int = 64,
        batch: int = 128,
        seed: int = 0,
        scenes: int = 2,
        field_um: float = 1.28,
    ):
        self.rules, self.density_per_um2, self.error_um = rules, density_per_um2, error_um
        self.patch_px, self.size, self.seed = patch_px, batch, seed
        self.scenes, self.field_um = whole_number("scenes", scenes, least=1), field_um
        self.mean_count = density_per_um2 * 0.01**2

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of one step, each (batch, 1, patch, patch), float32, relative to their mean count."""
        rng = np.random.default_rng([self.seed, step])
        images = np.stack([self._two_images(rng) for _ in range(self.scenes)])
        room = images.shape[-1] - self.patch_px + 1
        cuts = zip(rng.integers(self.scenes, size=self.size), *rng.integers(room, size=(2, self.size)), strict=True)
        pairs = np.stack([images[s, :, y : y + self.patch_px, x : x + self.patch_px] for s, y, x in cuts], axis=1)
        return tuple(torch.from_numpy(pairs[:, :, None].astype(np.float32) / np.float32(self.mean_count)))

    def _two_images(self, rng: np.random.Generator) -> np.ndarray:
        scene = draw_scene(rng=rng, field_um=self.field_um, rules=self.rules)
        while not len(scene.cells):
            scene = draw_scene(rng=rng, field_um=self.field_um, rules=self.rules)
        settings = {"density_per_um2": self.density_per_um2, "error_um": self.error_um, "rng": rng}
        return np.stack([render(blinks(scene, **settings)).values for _ in range(2)])
