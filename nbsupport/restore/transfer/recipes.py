"""Ways to adapt a pre-trained network to noisy images, all with the same number of passes over the same pixels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from nbsupport.restore.transfer.retraining import Options, Retraining, restore, retrain

RECIPES = {
    "all weights": "every weight, by Noise2Self; the way of the source",
    "last blocks": "the two finest decoder blocks and the head alone",
    "normalisation": "scales and shifts of the normalisation layers alone",
    "Noise2Void": "every weight, by random blind spots instead of a grid",
    "per image": "every weight, for each image anew and on that image alone",
    "none": "not at all: the network as it came, one pass",
}


@dataclass(frozen=True)
class Adapted:
    """Restored images, and how the networks came about.

    Attributes
    ----------
    restored : list of ndarray, (y, x)
    trainings : list of Retraining
        One for all images, one for each, or none.
    trained_weights : int
    """

    restored: list[np.ndarray]
    trainings: list[Retraining]
    trained_weights: int


def trainable(network: nn.Module, recipe: str) -> int:
    """Let a recipe's part of the U-Net of Noise2Self be trained and hold the rest still.

    Parameters
    ----------
    network : Module
        Of `networks.noise2self`; changed in place.
    recipe : str
        Key of `RECIPES`.

    Returns
    -------
    int
        Weights that will be trained.

    Raises
    ------
    ValueError
        If there is no such recipe, or the network has nothing that it could train.
    """
    if recipe not in RECIPES:
        raise ValueError(f"recipe={recipe!r} is unknown; give one of {', '.join(RECIPES)}")
    layers = dict(network.named_modules())
    finest = tuple(f"decoders.{n}." for n in range(len(network.decoders))[-2:])
    for name, parameter in network.named_parameters():
        if recipe == "last blocks":
            chosen = name.startswith((*finest, "head."))
        elif recipe == "normalisation":
            chosen = isinstance(layers[name.rpartition(".")[0]], nn.InstanceNorm2d)
        else:
            chosen = recipe != "none"
        parameter.requires_grad_(chosen)
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    if not count and recipe != "none":
        raise ValueError(f"recipe={recipe!r} finds nothing to train in this network")
    return count


def adapt(network: nn.Module, images: Sequence[np.ndarray], recipe: str, options: Options, *, seed: int = 0) -> Adapted:
    """Adapt a copy of a network and restore the images with it.

    Parameters
    ----------
    network : Module
        Pre-trained U-Net of Noise2Self; stays as it is.
    images : sequence of arrays, (y, x), all of one shape
    recipe : str
        Key of `RECIPES`.
    options : Options
        The budget: a step passes over every image once, whichever the recipe.
    seed : int

    Returns
    -------
    Adapted
    """
    first = copy.deepcopy(network)
    weights = trainable(first, recipe)
    if recipe == "none":
        return Adapted(restore(first, images, options, inference="single pass"), [], 0)
    if recipe == "Noise2Void":
        options = replace(options, hides="scattered")
    groups = [[image] for image in images] if recipe == "per image" else [list(images)]
    restored, trainings = [], []
    for group in groups:
        trainings.append(retrain(copy.deepcopy(first), group, options, seed=seed))
        # a network that was shown images without holes is asked the same way
        inference = "single pass" if recipe == "Noise2Void" else "j-invariant"
        restored += restore(trainings[-1].network, group, options, inference=inference)
    return Adapted(restored, trainings, weights)
