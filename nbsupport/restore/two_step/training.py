"""Training of either step: which network, which crops, how long."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nbsupport.restore import networks
from nbsupport.restore.networks.rcan import Rcan
from nbsupport.restore.precision import computing, definite
from nbsupport.restore.training import Fit, crops, fit, one_cycle, supervised
from nbsupport.restore.training.schedules import constant

from .scaling import INPUT

AUGMENTATIONS = ("quarter turns", "free rotation", "none")
SCHEDULES = ("one cycle", "constant")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network and how it is trained.

    Parameters
    ----------
    groups, blocks, features, reduction, block_skip
        As in `networks.rcan`. The source has 5 groups of 3 blocks in 2-D and of 5 in 3-D, 32 features, reduction 8.
    shared : bool
        One block, used in every place of the network, as in the source's earlier models.
    steps, batch, patch : int
        Training steps, crops per step, lateral side of a crop.
    depth : int
        Planes of a crop in 3-D; all of a volume if that has fewer.
    learning_rate : float
        Of Adam; the source has 1e-4, for hundreds of epochs.
    schedule : {"one cycle", "constant"}
        The source's learning rate is constant.
    augmentation : {"quarter turns", "free rotation", "none"}
        "quarter turns" mirrors and turns the plane by multiples of 90°; frames keep their order. "free rotation" turns
        by any angle and interpolates.
    precision, device : str
        As in `fit`; "auto" becomes the precision that it stands for on the device.
    """

    groups: int = 5
    blocks: int = 3
    features: int = 32
    reduction: int = 8
    block_skip: str = "last"
    shared: bool = False
    steps: int = 1000
    batch: int = 4
    patch: int = 64
    depth: int = 32
    learning_rate: float = 1e-3
    schedule: str = "one cycle"
    augmentation: str = "quarter turns"
    precision: str = "auto"
    device: str = "cpu"

    def __post_init__(self):
        for name, known in (("augmentation", AUGMENTATIONS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown; give one of {', '.join(known)}")
        # a kept training is found by its recipe, and must not be taken for one that computed otherwise
        object.__setattr__(self, "precision", definite(self.precision, self.device))

    def network(self, dimensions: int, channels: int, seed: int) -> Rcan:
        """The untrained network, `channels` in and out."""
        shape = {name: getattr(self, name) for name in ("groups", "blocks", "features", "reduction", "block_skip")}
        made = networks.rcan(dimensions, channels, channels, seed=seed, **shape)
        return share_blocks(made) if self.shared else made


def share_blocks(network: Rcan) -> Rcan:
    """Put the first block of the first group in every place of a network, which is changed and returned.

    Parameters
    ----------
    network : Rcan
        With blocks of one width.
    """
    first = network.groups[0].blocks[0]
    for group in network.groups:
        for place in range(len(group.blocks)):
            group.blocks[place] = first
    return network


class FreelyTurned:
    """Batches turned by any angle about the axis of depth, by linear interpolation.

    Parameters
    ----------
    batches : object with ``batch(step)``
        Of pairs (batch, channel, [z,] y, x), square in y and x, about √2 times as wide as wanted.
    size : int
        Lateral side of what is cut from the middle.
    seed : int
    """

    def __init__(self, batches, *, size: int, seed: int):
        self.batches, self.size, self.seed = batches, size, seed

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """Inputs and targets of one step from 0, each pair turned by one angle."""
        pair = self.batches.batch(step)
        angles = np.random.default_rng([self.seed, step]).uniform(0, 2 * np.pi, len(pair[0]))
        return tuple(self._turned(images, angles) for images in pair)

    def _turned(self, images: Tensor, angles: np.ndarray) -> Tensor:
        planes = images.flatten(1, -3)  # interpolation knows no depth
        turn = [[[math.cos(a), -math.sin(a), 0.0], [math.sin(a), math.cos(a), 0.0]] for a in angles]
        grid = functional.affine_grid(torch.tensor(turn, dtype=torch.float32), list(planes.shape), align_corners=False)
        turned = functional.grid_sample(planes, grid, padding_mode="reflection", align_corners=False)
        first = (turned.shape[-1] - self.size) // 2
        cut = turned[..., first : first + self.size, first : first + self.size]
        return cut.reshape(*images.shape[:-2], self.size, self.size).contiguous()


def train(
    inputs: Sequence[np.ndarray],
    targets: Sequence[np.ndarray],
    recipe: Recipe,
    *,
    dimensions: int = 2,
    seed: int = 0,
    validation: tuple[Sequence[np.ndarray], Sequence[np.ndarray]] | None = None,
    one_scale: bool = False,
    start: dict[str, Tensor] | None = None,
    folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Fit:
    """Train one step of the chain on pairs of images, the mean absolute error as loss.

    Parameters
    ----------
    inputs, targets : sequences of ndarray, (channel, [z,] y, x)
        Any unit: every image is scaled by percentiles, `INPUT`.
    recipe : Recipe
    dimensions : {2, 3}
    seed : int
        Of weights and crops.
    validation : two sequences of ndarray, optional
        Pairs that choose the weights; without them the last ones are kept.
    one_scale : bool
        A target is scaled by the percentiles of its input, whose unit it must have, and not by its own. Only then does
        an answer that is put back on the scale of its input mean what the target meant: where percentiles lie below
        zero, 0 for a network is no zero of light.
    start : dict of Tensor, optional
        Weights to start from.
    folder : Path, optional
        Checkpoint of this training; a killed one goes on from there.
    progress : callable, optional
        Called with the finished fraction.

    Returns
    -------
    Fit
    """
    scaled = _scaled(inputs, targets, one_scale)
    network = recipe.network(dimensions, len(inputs[0]), seed)
    if start is not None:
        network.load_state_dict(start)
    checked = None if validation is None else _validation(_scaled(*validation, one_scale), recipe)
    return fit(
        network,
        supervised(functional.l1_loss),
        _batches(*scaled, recipe, dimensions, seed),
        steps=recipe.steps,
        learning_rate=recipe.learning_rate,
        schedule=one_cycle(recipe.steps) if recipe.schedule == "one cycle" and recipe.steps > 6 else constant,
        validate=checked,
        every=max(1, recipe.steps // 4),
        checkpoint=folder,
        precision=recipe.precision,
        device=recipe.device,
        seed=seed,
        progress=progress,
    )


def _scaled(inputs, targets, one_scale):
    scales = inputs if one_scale else targets
    scaled = [INPUT.scale(image, like=scale)[0] for image, scale in zip(targets, scales, strict=True)]
    return [INPUT.scale(image)[0] for image in inputs], scaled


def _batches(inputs, targets, recipe, dimensions, seed):
    side = min(image.shape[-1] for image in inputs)
    free = recipe.augmentation == "free rotation"
    patch = min(recipe.patch, int(side / math.sqrt(2)) if free else side)
    wide = min(side, math.ceil(patch * math.sqrt(2))) if free else patch
    size = (wide, wide) if dimensions == 2 else (min(recipe.depth, inputs[0].shape[-3]), wide, wide)
    turned = recipe.augmentation == "quarter turns"
    made = crops(inputs, targets, size=size, batch=recipe.batch, seed=seed, augment=turned)
    return FreelyTurned(made, size=patch, seed=seed) if free else made


def _validation(pairs, recipe):
    """Mean absolute error over whole images."""
    scaled = [[torch.from_numpy(image)[None] for image in images] for images in pairs]

    def validate(network):
        with computing(recipe.precision, torch.device(recipe.device)):
            errors = [
                functional.l1_loss(network(given.to(recipe.device)).float(), wanted.to(recipe.device)).item()
                for given, wanted in zip(*scaled, strict=True)
            ]
        return float(np.mean(errors))

    return validate
