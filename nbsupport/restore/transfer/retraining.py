"""The self-supervised stage: Noise2Self on the noisy images of the task, until a held-out mask says stop.

One phase of the grid of masks is never trained on. How well the network predicts the pixels of that phase is measured
without truth and, noise being independent from pixel to pixel, differs from the error against the truth by a constant
(the variance of the noise). `fit` trains for a number of steps that is known beforehand; this loop does not know it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from nbsupport.checks import finite_array, positive, whole_number
from nbsupport.restore import masking
from nbsupport.restore.learned import normalisation

LOSSES = {"L1": torch.abs, "L2": torch.square}
HIDES = ("grid", "scattered")
INFERENCES = ("j-invariant", "single pass")


@dataclass(frozen=True)
class Options:
    """How a network is retrained.

    Parameters
    ----------
    loss : {"L2", "L1"}
        At the hidden pixels.
    width : int
        Of the grid, pixels; ``width²`` phases, one of which is held out.
    how : str
        What hidden pixels are filled with, as in `masking.fill`; images have mean 0.
    learning_rate : float
        Of Adam.
    steps : int
        At most.
    every : int
        Steps between two looks at the held-out phase.
    patience : int or None
        Looks without a new best after which training ends; None never ends it early, and keeps the last weights.
    moving : bool
        Whether the grid moves on from step to step, or stands still.
    hides : {"grid", "scattered"}
        The grid of Noise2Self, or the random blind spots of Noise2Void, one in 16 pixels, filled with a neighbour.

    References
    ----------
    wang2021, methods: zeros, masks cycled, learning rate 1e-4, all images in one batch, early stopping with a patience
    of 8. What is watched, and how often, it does not say.
    """

    loss: str = "L2"
    width: int = 4
    how: str = "zero"
    learning_rate: float = 1e-4
    steps: int = 500
    every: int = 5
    patience: int | None = 8
    moving: bool = True
    hides: str = "grid"

    def __post_init__(self):
        if self.loss not in LOSSES or self.hides not in HIDES or self.how not in masking.FILLS:
            raise ValueError(
                f"loss={self.loss!r}, hides={self.hides!r}, how={self.how!r}: give one of {', '.join(LOSSES)}; "
                f"{', '.join(HIDES)}; {', '.join(masking.FILLS)}"
            )
        positive("learning_rate", self.learning_rate, "one positive number")
        for name, least in (("width", 2), ("steps", 1), ("every", 1)):
            whole_number(name, getattr(self, name), least=least)


@dataclass
class Retraining:
    """A retrained network and what was seen on the way.

    Attributes
    ----------
    network : Module
        The one that was given, with the weights of the best look, in eval mode.
    looks : list of int
        Steps done at every look, 0 first.
    held_out, watched : list of float
        Loss at the held-out pixels, and what `watch` gave, at every look.
    training : list of float
        Loss of every step.
    best_step : int
        0 if the network was best as it came.
    seconds : float
    """

    network: nn.Module
    looks: list[int] = field(default_factory=list)
    held_out: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    training: list[float] = field(default_factory=list)
    best_step: int = 0
    seconds: float = 0.0

    @property
    def looks_since_best(self) -> int:
        """Looks at the held-out pixels after the one that was best."""
        return len(self.held_out) - 1 - self.held_out.index(min(self.held_out))

    @property
    def gain(self) -> float:
        """How much of the held-out loss retraining took away, 0 to 1: below 0 or at 0 it did no good."""
        return 1 - min(self.held_out) / self.held_out[0]


def retrain(
    network: nn.Module,
    images: Sequence[np.ndarray],
    options: Options,
    *,
    seed: int = 0,
    watch: Callable[[nn.Module], float] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Retraining:
    """Train a network further on noisy images alone.

    Parameters
    ----------
    network : Module
        (batch, 1, y, x) -> the same; trained in place. Parameters that need no gradient stay as they are.
    images : sequence of arrays, (y, x), all of one shape
        Each is brought to mean 0 and standard deviation 1; all make one batch.
    options : Options
    seed : int
        Chooses the held-out phase and all random blind spots.
    watch : callable, optional
        Called with the network at every look; what it gives is noted and decides nothing.
    progress : callable, optional
        Called with the finished fraction of the steps that may be taken.

    Returns
    -------
    Retraining

    Raises
    ------
    ValueError
        If images differ in shape or hold values that are not finite, or no parameter needs a gradient.
    """
    batch, rng, started = _batch(images), np.random.default_rng(seed), time.perf_counter()
    phases = rng.permutation(options.width**2)
    held_out = masking.grid_mask(batch.shape[-2:], phase=int(phases[0]), width=options.width)
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("network has no parameter that needs a gradient; there is nothing to train")
    optimiser = torch.optim.Adam(parameters, lr=options.learning_rate)
    found, best = Retraining(network), None
    for step in range(options.steps + 1):
        if step % options.every == 0 or step == options.steps:
            best = _look(found, best, step, batch, held_out, options, watch)
            if options.patience is not None and found.looks_since_best >= options.patience:
                break
        if step == options.steps:
            break
        network.train()
        seen, mask = _hidden(batch, phases, held_out, step, options, rng)
        loss = LOSSES[options.loss](network(seen) - batch)[mask].mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        found.training.append(loss.item())
        if progress:
            progress((step + 1) / options.steps)
    if options.patience is not None:
        network.load_state_dict(best)
    else:
        found.best_step = len(found.training)
    network.eval()
    network.zero_grad(set_to_none=True)
    found.seconds = time.perf_counter() - started
    if progress:
        progress(1.0)
    return found


def restore(
    network: nn.Module, images: Sequence[np.ndarray], options: Options, *, inference: str = "j-invariant"
) -> list[np.ndarray]:
    """Restore images with a retrained network.

    Parameters
    ----------
    network : Module
    images : sequence of arrays, (y, x), all of one shape
    options : Options
        Width and filling of the grid.
    inference : {"j-invariant", "single pass"}
        ``width²`` passes, each giving the pixels that it did not see, or one pass over the whole image.

    Returns
    -------
    list of ndarray, in the units of the images
    """
    if inference not in INFERENCES:
        raise ValueError(f"inference={inference!r} is unknown; give one of {', '.join(INFERENCES)}")
    batch = _batch(images)
    network.eval()
    with torch.no_grad():
        once = inference == "single pass"
        given = network(batch) if once else masking.j_invariant(network, batch, width=options.width, how=options.how)
    scales = [normalisation(np.asarray(image, dtype=float)) for image in images]
    return [out * scale + centre for out, (centre, scale) in zip(given[:, 0].double().numpy(), scales, strict=True)]


def _batch(images: Sequence[np.ndarray]) -> Tensor:
    values = [finite_array(f"images[{n}]", image) for n, image in enumerate(images)]
    if not values or len({image.shape for image in values}) != 1 or values[0].ndim != 2:
        raise ValueError(
            f"images have shapes {[image.shape for image in values]}; give at least one, (y, x), all alike"
        )
    scaled = [(image - centre) / scale for image in values for centre, scale in [normalisation(image)]]
    return torch.from_numpy(np.stack(scaled).astype(np.float32))[:, None]


def _look(found, best, step, batch, mask, options, watch):
    """Note the loss at the held-out pixels; give the weights that are best so far."""
    found.network.eval()
    with torch.no_grad():
        predicted = found.network(masking.fill(batch, mask, options.how))
        loss = float(LOSSES[options.loss](predicted - batch)[..., mask].mean())
        if watch:
            found.watched.append(float(watch(found.network)))
    better = not found.held_out or loss < min(found.held_out)
    found.looks.append(step)
    found.held_out.append(loss)
    if not better:
        return best
    found.best_step = step
    return {name: tensor.detach().clone() for name, tensor in found.network.state_dict().items()}


def _hidden(batch, phases, held_out, step, options, rng) -> tuple[Tensor, Tensor]:
    """What the network sees at a step, and which pixels it is asked for; never a held-out one."""
    if options.hides == "scattered":
        mask = masking.stratified_mask((len(batch), *batch.shape[-2:]), percent=100 / 16, rng=rng) & ~held_out
        return masking.replace(batch, mask, "uniform", rng=rng), mask
    phase = phases[1 + step % (len(phases) - 1)] if options.moving else phases[1]
    mask = masking.grid_mask(batch.shape[-2:], phase=int(phase), width=options.width)
    return masking.fill(batch, mask, options.how), mask.expand(batch.shape)
