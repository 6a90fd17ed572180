"""What a network is made of, read from the modules that its data really pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Layer:
    """One module without parts of its own, as it was called.

    Attributes
    ----------
    name : str
        Path of the module in the network.
    kind : str
        Its class, ``"Conv2d"``.
    shape : tuple of int
        Of its output, (feature, [z,] y, x).
    parameters : int
        Trainable numbers in it.
    stage : str
        Stage of the network that it belongs to; empty where the network names none.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    stage: str


@dataclass(frozen=True)
class Stage:
    """Layers that a diagram draws as one box.

    Attributes
    ----------
    name : str
        ``"encoder 2"``.
    shape : tuple of int
        Of its output, (feature, [z,] y, x).
    parameters : int
        Trainable numbers in it.
    convolutions : int
        Layers in it that convolve, transposed ones included.
    works_at : tuple of int
        Pixels of the coarsest maps that its convolutions make, global means apart; of its output where it has none.
    inputs : tuple of str
        Stages whose output it takes, in the order of the data; empty for the stage that takes the image.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    convolutions: int
    works_at: tuple[int, ...]
    inputs: tuple[str, ...]


def layers(network: nn.Module, size: Sequence[int]) -> list[Layer]:
    """List the layers that an image passes, in their order.

    Parameters
    ----------
    network : nn.Module
        Left as it was: training mode, weights, buffers.
    size : sequence of int
        Of one input, (channel, [z,] y, x).

    Returns
    -------
    list of Layer
        Found by running the network on one black image. A layer used twice is listed twice; its parameters count once.
    """
    stage_of = {module: stage for stage, modules in _stage_modules(network).items() for module in modules}
    found, seen = [], set()

    def note(name: str, module: nn.Module, output: Tensor) -> None:
        new = 0 if module in seen else sum(p.numel() for p in module.parameters() if p.requires_grad)
        seen.add(module)
        parents = ["", *(name[:end] for end, letter in enumerate(f"{name}.") if letter == ".")]
        stage = next((stage_of[parent] for parent in reversed(parents) if parent in stage_of), "")
        found.append(Layer(name, type(module).__name__, tuple(output.shape[1:]), new, stage))

    hooks = [
        module.register_forward_hook(lambda module, _, output, name=name: note(name, module, output))
        for name, module in network.named_modules()
        if not any(module.children())
    ]
    with _removed(hooks):
        _run(network, size)
    return found


def stages(network: nn.Module, size: Sequence[int]) -> list[Stage]:
    """Group the layers to the stages of the network, and find which stage feeds which.

    Parameters
    ----------
    network : nn.Module
        One that names its stages in ``stage_modules``, as all of this package do.
    size : sequence of int
        Of one input, (channel, [z,] y, x).

    Returns
    -------
    list of Stage
        In the order of the data. Skip connections are found, not declared: a stage is fed by another if it is called
        with the very tensor that the other returned.

    Raises
    ------
    ValueError
        If the network names no stages.
    """
    named = _stage_modules(network)
    if not named:
        raise ValueError(f"network is a {type(network).__name__} without stage_modules; use layers() for it")
    modules = dict(network.named_modules())
    outputs: dict[str, Tensor] = {}
    inputs: dict[str, list[str]] = {stage: [] for stage in named}

    def enter(stage: str, given: tuple) -> None:
        for tensor in _tensors(given):
            inputs[stage] += [other for other, output in outputs.items() if output is tensor and other != stage]

    def leave(stage: str, output: Tensor) -> None:
        outputs[stage] = output

    hooks = []
    for stage, names in named.items():
        for name in names:
            hooks.append(
                modules[name].register_forward_pre_hook(
                    lambda _, args, kwargs, stage=stage: enter(stage, (args, kwargs)), with_kwargs=True
                )
            )
        hooks.append(modules[names[-1]].register_forward_hook(lambda _, __, output, stage=stage: leave(stage, output)))
    with _removed(hooks):
        _run(network, size)
    return [_stage(name, layers(network, size), outputs[name], inputs[name]) for name in named]


def _stage(name: str, found: list[Layer], output: Tensor, inputs: list[str]) -> Stage:
    own = [layer for layer in found if layer.stage == name]
    made = [layer.shape[1:] for layer in own if "Conv" in layer.kind]
    shape = tuple(output.shape[1:])
    works_at = min((pixels for pixels in made if max(pixels) > 1), default=shape[1:])
    return Stage(name, shape, sum(layer.parameters for layer in own), len(made), works_at, tuple(inputs))


def _stage_modules(network: nn.Module) -> dict[str, tuple[str, ...]]:
    return getattr(network, "stage_modules", {})


def _tensors(given) -> Iterator[Tensor]:
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, (tuple, list)):
        for part in given:
            yield from _tensors(part)
    elif isinstance(given, dict):
        yield from _tensors(list(given.values()))


@contextmanager
def _removed(hooks: list) -> Iterator[None]:
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _run(network: nn.Module, size: Sequence[int]) -> None:
    training = {module: module.training for module in network.modules()}
    parameter = next(network.parameters())
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, *size, device=parameter.device, dtype=parameter.dtype))
    finally:
        for module, mode in training.items():
            module.training = mode
