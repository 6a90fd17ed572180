"""The training loop.

A plain loop, not Lightning's: importing that takes 4 to 11 s, longer than a whole training of the tests, it writes to
standard error, and it ends the process where a notebook is interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn

from nbsupport.checks import positive, whole_number
from nbsupport.restore.precision import channels_last, computing, definite, prepare

from .checkpoint import Checkpoint
from .schedules import Schedule, constant

Objective = Callable[[nn.Module, tuple[torch.Tensor, ...]], torch.Tensor]


class Batches(Protocol):
    """Where batches come from: a pure function of the step, so that a resumed run sees what it would have seen."""

    def batch(self, step: int) -> tuple[torch.Tensor, ...]:
        """Tensors of one step."""


class Divergence(ArithmeticError):
    """The loss of a training is no longer a finite number."""


@dataclass
class History:
    """What a training left behind, one entry per step; ``validation`` is NaN at steps without one.

    Attributes
    ----------
    steps : ndarray of int
        Steps done when the entry was made: 1, 2, 3, …
    loss, validation : ndarray
    """

    steps: np.ndarray
    loss: np.ndarray
    validation: np.ndarray


@dataclass
class Fit:
    """A trained network and how it came about.

    Attributes
    ----------
    network : Module
        The one that was given, with the best weights by validation (the last where nothing validates), in eval mode.
    history : History
    best_step : int
        Steps done when these weights were reached; 0 for a training that diverged before any validation.
    seconds : float
        Time spent in training and validation, over all resumed runs.
    diverged : int or None
        Number of the step, from 1, whose loss was not finite.
    """

    network: nn.Module
    history: History
    best_step: int
    seconds: float
    diverged: int | None = None


@dataclass
class _State:
    """What changes from step to step beside network and optimiser."""

    step: int = 0
    seconds: float = 0.0
    diverged: int | None = None
    loss: list[float] = field(default_factory=list)
    validated: list[list[float]] = field(default_factory=list)  # step, value
    best_step: int = 0
    best_value: float = math.inf
    best: dict[str, torch.Tensor] | None = None


def supervised(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Objective:
    """Objective of batches (input, target): the loss between the network's answer to the input and the target."""

    def objective(network: nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        degraded, target = batch
        return loss(network(degraded), target)

    return objective


def fit(
    network: nn.Module,
    objective: Objective,
    batches: Batches,
    *,
    steps: int,
    learning_rate: float = 1e-3,
    schedule: Schedule = constant,
    validate: Callable[[nn.Module], float] | None = None,
    every: int = 50,
    checkpoint: Path | str | None = None,
    precision: str = "auto",
    device: str | torch.device = "cpu",
    seed: int = 0,
    on_divergence: str = "raise",
    progress: Callable[[float], None] | None = None,
) -> Fit:
    """Train a network with Adam.

    Parameters
    ----------
    network : Module
        Trained in place.
    objective : callable
        ``objective(network, batch)`` gives the loss, a scalar tensor; see `supervised`. With "bf16" it is called under
        autocast: convolutions in it give bfloat16, and what it compares it should compare in float32.
    batches : object with ``batch(step)``
        Gives the tensors of step 0, 1, 2, …, the same whenever asked. They are moved to the device.
    steps : int
    learning_rate : float
        Of Adam (betas 0.9 and 0.999, no weight decay), times the factor of `schedule`.
    schedule : callable
        Factor on the learning rate for step 0, 1, 2, …: `halve_at`, `one_cycle`; 1 throughout by default.
    validate : callable, optional
        Takes the network, in eval mode and without gradients, and gives one number, the smaller the better. Never give
        it test data: it chooses the weights.
    every : int
        Steps between validations and checkpoints; the last step has both in any case.
    checkpoint : Path, optional
        Folder of this training alone. A run that finds a state there goes on with it, and ends where one run without a
        break would have ended. It stays, small, when all is done.
    precision : {"auto", "bf16", "float32"}
        "auto" is the quicker one of the device; see `definite`.
    device : str or device
    seed : int
        Of what the network draws while it trains (dropout). Torch's own random stream is not touched.
    on_divergence : {"raise", "stop"}
        What to do when the loss is not finite: raise `Divergence`, or stop and say so in ``Fit.diverged``.
    progress : callable, optional
        Called with the finished fraction.

    Returns
    -------
    Fit

    Raises
    ------
    Divergence
        At the first loss that is not finite; the message names the step.
    ValueError
        If a parameter cannot be meant, or the checkpoint belongs to another training.

    Notes
    -----
    Equal arguments give equal weights on the same machine with the same number of threads; on a GPU nearly so.

    References
    ----------
    jadhav2021, section 2.3: Adam with a learning rate of 1e-3.
    """
    steps, every = whole_number("steps", steps, least=1), whole_number("every", every, least=1)
    learning_rate = positive("learning_rate", learning_rate, "one positive number")
    if on_divergence not in ("raise", "stop"):
        raise ValueError(f"on_divergence={on_divergence!r} is unknown; give 'raise' or 'stop'")
    precision = definite(precision, device)
    device = prepare(network, precision, device)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    sampled = [schedule(int(step)) for step in np.linspace(0, steps - 1, 9)]
    settings = {"steps": steps, "every": every, "learning_rate": learning_rate, "schedule": sampled}
    store = Checkpoint(checkpoint, {**settings, "precision": precision, "seed": seed, "network": _shapes(network)})
    state = _resumed(store, network, optimiser, device)
    start = time.monotonic() - state.seconds
    with _own_randomness(device):
        network.train()
        while state.step < steps and state.diverged is None:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * schedule(state.step)
            _seed(int(np.random.SeedSequence(seed, spawn_key=(state.step,)).generate_state(1)[0]), device)
            batch = tuple(channels_last(tensor.to(device)) for tensor in batches.batch(state.step))
            with computing(precision, device):
                loss = objective(network, batch)
            _step(loss, optimiser, state, on_divergence)
            if state.diverged is None and (state.step % every == 0 or state.step == steps):
                _validate(network, validate, state)
                state.seconds = time.monotonic() - start
                if state.step < steps:
                    store.save(_saved(network, state, optimiser))
            if progress:
                progress(state.step / steps)
    return _finished(network, state, store, steps)


def _step(loss, optimiser, state, on_divergence):
    optimiser.zero_grad(set_to_none=True)
    if loss.ndim:
        raise ValueError(f"the objective gave a tensor of shape {tuple(loss.shape)}; needed is one number")
    value = loss.item()
    state.loss.append(value)
    state.step += 1
    if math.isfinite(value):
        loss.backward()
        optimiser.step()
    elif on_divergence == "raise":
        raise Divergence(
            f"the loss is {value} at step {state.step}; the last finite one was "
            f"{state.loss[-2] if state.step > 1 else 'none'}: try a lower learning rate, or look at this batch"
        )
    else:
        state.diverged = state.step


def _validate(network, validate, state):
    if validate is None:
        return
    network.eval()
    with torch.no_grad():
        value = float(validate(network))
    network.train()
    state.validated.append([state.step, value])
    if value < state.best_value:
        state.best_step, state.best_value = state.step, value
        state.best = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def _finished(network, state, store, steps):
    if state.best is not None:
        network.load_state_dict(state.best)
    elif state.diverged is None:
        state.best_step = state.step
    state.best = None
    network.eval()
    network.zero_grad(set_to_none=True)  # as large as the weights
    if state.step == steps or state.diverged is not None:
        store.save(_saved(network, state))
    validation = np.full(state.step, np.nan)
    for step, value in state.validated:
        validation[step - 1] = value
    history = History(np.arange(1, state.step + 1), np.array(state.loss), validation)
    return Fit(network, history, state.best_step, state.seconds, state.diverged)


def _saved(network, state, optimiser=None):
    """State as plain values and tensors; without an optimiser it is that of a finished training."""
    return {**vars(state), "network": network.state_dict(), "optimiser": optimiser and optimiser.state_dict()}


def _resumed(store, network, optimiser, device):
    saved = store.load(device)
    if saved is None:
        return _State()
    network.load_state_dict(saved.pop("network"))
    if saved["optimiser"]:
        optimiser.load_state_dict(saved["optimiser"])
    return _State(**{name: saved[name] for name in vars(_State())})


def _shapes(network):
    return [[name, list(tensor.shape)] for name, tensor in network.state_dict().items()]


def _seed(value: int, device: torch.device) -> None:
    """Seed the streams that `_own_randomness` gives back; `torch.manual_seed` would seed every accelerator."""
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(value)


@contextmanager
def _own_randomness(device: torch.device) -> Iterator[None]:
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield
