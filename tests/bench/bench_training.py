"""A training step with the settings of `fit` against a plain float32 loop of the same network."""

from functools import partial
from statistics import mean, stdev

import numpy as np
import torch

from nbsupport.restore.losses import loss
from nbsupport.restore.networks import artefact_remover
from nbsupport.restore.precision import definite
from nbsupport.restore.training import crops, fit, supervised

from .measure import Row, Speed, side_by_side

SIZE_PX, BATCH, STEPS = 256, 8, 3
TOY_SIZE_PX, TOY_BATCH, TOY_STEPS, SEEDS = 64, 4, 24, 4


def remover(seed=0):
    return artefact_remover("U-Net", "R-34", seed=seed)


def batches(size, batch):
    """Ridges on black and what noise leaves of them."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:320, :320]
    clean = [np.exp(-((np.sin(x / (17 + i) + np.cos(y / 31)) / 0.15) ** 2)) for i in range(4)]
    noisy = [rng.poisson(20 * image + 2) / 22 for image in clean]
    return crops(noisy, clean, size=size, batch=batch, seed=0)


def plain_loop(network, data, steps):
    """The loop of the textbook; gives the losses."""
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    difference, losses = loss("L1"), []
    network.train()
    for step in range(steps):
        degraded, target = data.batch(step)
        optimiser.zero_grad()
        value = difference(network(degraded), target)
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return losses


def ours(network, data, steps, precision="auto"):
    return fit(network, supervised(loss("L1")), data, steps=steps, precision=precision).history.loss


def speed(repeats):
    data, slow, quick = batches(SIZE_PX, BATCH), remover(), remover()
    plain_loop(slow, data, 1), ours(quick, data, 1)
    times = side_by_side(lambda: plain_loop(slow, data, STEPS), lambda: ours(quick, data, STEPS), repeats)
    note = f"{STEPS} steps on {BATCH} crops of {SIZE_PX} × {SIZE_PX} pixels, cutting the crops included"
    what = f"plain float32 loop / fit in {definite('auto')}, the quicker precision here, and channels last, U-Net R-34"
    return [Row("training-step", what, **times, at_least=1.8, note=note), agreement()]


def agreement():
    """Difference of the mean last losses over the deviation of the plain loop between seeds, in bfloat16 anywhere."""
    data = batches(TOY_SIZE_PX, TOY_BATCH)
    last = {
        name: [mean(train(remover(seed), data, TOY_STEPS)[-8:]) for seed in range(SEEDS)]
        for name, train in (("plain", plain_loop), ("ours", partial(ours, precision="bf16")))
    }
    ratio = abs(mean(last["ours"]) - mean(last["plain"])) / stdev(last["plain"])
    what = "last losses in bfloat16 less those of the plain loop / standard deviation between seeds of the plain loop"
    note = f"U-Net R-34, {TOY_STEPS} steps, mean of the last 8, {SEEDS} seeds: " + "; ".join(
        f"{name} {mean(values):.4f} ± {stdev(values):.4f}" for name, values in last.items()
    )
    return Row("training-agreement", what, float(ratio), unit="1", at_most=1.0, note=note)


SPEEDS = [Speed("training-step", 240, speed)]
