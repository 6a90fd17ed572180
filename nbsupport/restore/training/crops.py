"""Random crops of image pairs, the same for the same step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from nbsupport.checks import whole_number


class Crops:
    """Batches of random crops; `crops` makes one."""

    def __init__(self, images: list[tuple[np.ndarray, ...]], size: tuple[int, ...], batch: int, seed: int, **options):
        self.images, self.size, self.count, self.seed = images, size, batch, seed
        self.augment, self.own_maximum = options["augment"], options["own_maximum"]
        self.bright = None if options["bright"] is None else [_bright(pair[1], options["bright"]) for pair in images]

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of one step.

        Parameters
        ----------
        step : int
            From 0. The batch depends on it and on the seed alone.

        Returns
        -------
        tuple of two Tensors, (batch, channel, y, x) or (batch, channel, z, y, x), float32
        """
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(step,)))
        pairs = [self._crop(rng) for _ in range(self.count)]
        inputs, targets = (torch.from_numpy(np.stack(crops)) for crops in zip(*pairs, strict=True))
        return inputs, targets

    def _crop(self, rng: np.random.Generator) -> list[np.ndarray]:
        index = rng.integers(len(self.images))
        pair, starts = self.images[index], self._starts(index, rng)
        area = (..., *(slice(start, start + size) for start, size in zip(starts, self.size, strict=True)))
        turned = [image[area] for image in pair]
        if self.augment:
            turns, flips = rng.integers(4), rng.integers(2, size=len(self.size))
            axes = [axis - len(self.size) for axis in np.flatnonzero(flips)]
            turned = [np.flip(np.rot90(image, turns, axes=(-2, -1)), axes) for image in turned]
        if self.own_maximum:
            turned = [image / (image.max() or 1.0) for image in turned]
        return [np.ascontiguousarray(image, dtype=np.float32) for image in turned]

    def _starts(self, index: int, rng: np.random.Generator) -> list[int]:
        spatial = self.images[index][0].shape[-len(self.size) :]
        if self.bright is None:
            return [rng.integers(whole - size + 1) for whole, size in zip(spatial, self.size, strict=True)]
        seen = self.bright[index][rng.integers(len(self.bright[index]))]
        return [
            min(max(place - rng.integers(size), 0), whole - size)
            for place, whole, size in zip(seen, spatial, self.size, strict=True)
        ]


def crops(
    inputs: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    *,
    size: int | tuple[int, ...],
    batch: int,
    seed: int,
    augment: bool = True,
    own_maximum: bool = False,
    bright: float | None = None,
) -> Crops:
    """Random crops of pairs of images, for `fit`.

    Parameters
    ----------
    inputs, targets : sequences of ndarray, (y, x), (channel, y, x), (z, y, x) or (channel, z, y, x)
        Pairs of equal extent; the pairs may differ in size from each other. Each pair is as likely as any other.
    size : int or tuple of int
        Edge of square crops in y and x, or their edges (z, y, x): the number of edges says how many of an image's last
        axes are space, and an axis before them is that of the channels.
    batch : int
        Crops per batch.
    seed : int
    augment : bool
        Turn by multiples of 90° in the plane and mirror along every axis of space, at random. Not for images whose
        direction means something, such as the frames of structured illumination.
    own_maximum : bool
        Divide every crop by its own maximum, input and target each, as a network needs whose output always has the
        maximum 1. A black crop stays black.
    bright : float, above 0 to 1, optional
        Draw only crops that show a pixel whose target has at least this share of the maximum of its image, each such
        pixel as likely as any other: sparse images are black almost everywhere. Without it every place is as likely.

    Returns
    -------
    Crops
        ``batch(step)`` gives (input, target).

    Raises
    ------
    ValueError
        If there are no pairs, or one has the wrong number of axes, two extents, is smaller than a crop, holds a value
        that is not finite, or nothing bright where that is asked for.
    """
    size = (size, size) if np.ndim(size) == 0 else tuple(size)
    size = tuple(whole_number("size", edge, least=1) for edge in size)
    if len(size) not in (2, 3):
        raise ValueError(f"size={size!r} has {len(size)} edges; give one for squares, (y, x) or (z, y, x)")
    if augment and size[-1] != size[-2]:
        raise ValueError(f"size={size!r}: crops that are turned need equal edges y and x; or give augment=False")
    if not inputs or len(inputs) != len(targets):
        raise ValueError(f"inputs and targets have {len(inputs)} and {len(targets)} images; needed are pairs")
    pairs = [
        tuple(_checked(name, index, images[index], size) for name, images in (("inputs", inputs), ("targets", targets)))
        for index in range(len(inputs))
    ]
    for index, pair in enumerate(pairs):
        extents = [image.shape[-len(size) :] for image in pair]
        if extents[0] != extents[1]:
            raise ValueError(f"inputs[{index}] and targets[{index}] differ in extent: {extents[0]} and {extents[1]}")
    if bright is not None and not 0 < bright <= 1:
        raise ValueError(f"bright={bright!r} must be a share of the maximum, above 0 and at most 1")
    if bright is not None and (black := [index for index, pair in enumerate(pairs) if not pair[1].max() > 0]):
        raise ValueError(f"targets[{black[0]}] has no positive value; leave it out, or do without bright")
    options = {"augment": augment, "own_maximum": own_maximum, "bright": bright}
    return Crops(pairs, size, whole_number("batch", batch, least=1), whole_number("seed", seed, least=0), **options)


def _bright(target: np.ndarray, share: float) -> np.ndarray:
    """Places in space, (n, axis), where some channel of the target has this share of its maximum."""
    return np.argwhere((target >= share * target.max()).any(axis=0))


def _checked(name: str, index: int, image: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    image, called = np.asarray(image), f"{name}[{index}]"
    if image.ndim not in (len(size), len(size) + 1):
        raise ValueError(f"{called} has shape {image.shape}; crops of {size} need {len(size)} axes, or one more")
    if any(whole < edge for whole, edge in zip(image.shape[-len(size) :], size, strict=True)):
        raise ValueError(f"{called} of shape {image.shape} is smaller than a crop of {size}; choose smaller crops")
    if not np.isfinite(image).all():
        raise ValueError(f"{called} holds values that are not finite")
    return image if image.ndim > len(size) else image[None]
