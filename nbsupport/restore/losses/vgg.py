"""VGG-16 as a measuring device: its convolutions, with weights of three origins, each of which names itself."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import VGG16_Weights
from torchvision.models.vgg import cfgs, make_layers

from nbsupport.publish import file_sha256
from nbsupport.restore.networks.initialisation import seeded

RANDOM, SIMULATED, IMAGENET = WEIGHTS = ("random", "simulated", "imagenet")
"""Origins: seeded random numbers; trained by the study on telling simulated structures apart; ImageNet."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # what torchvision's ImageNet weights expect


class AsPhotograph(nn.Module):
    """Grey images in [0, 1] as VGG-16 takes them: three equal channels, normalised like ImageNet's photographs."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, 3, y, x), channels last, of images (batch, 1 or 3, y, x)."""
        values = (images.float().expand(-1, 3, -1, -1) - self.mean) / self.std
        return values.contiguous(memory_format=torch.channels_last)


def vgg16_features(weights: str, *, seed: int = 0, path: str | Path | None = None) -> tuple[nn.Sequential, str]:
    """Convolutional part of VGG-16, frozen, and a sentence on where its weights come from.

    Parameters
    ----------
    weights : {"random", "simulated", "imagenet"}
        "random" draws Kaiming-normal kernels and zero biases from `seed`. "simulated" reads a file that
        `nbsupport.restore.pretraining` wrote. "imagenet" reads `path`, or without one torchvision's own file if it lies
        in torch hub's folder; nothing is downloaded.
    seed : int
        Of the random weights; without effect on the others.
    path : path, optional
        A state dict of torchvision's VGG-16, whole, its ``features``, or the first of these up to relu4_3; what is not
        in the file is not in the network.

    Returns
    -------
    Sequential
        Layers in torchvision's order, without gradients.
    str
        For the reader of a result.

    Raises
    ------
    ValueError
        If the origin is unknown, a path is missing or superfluous, or the file is not of a VGG-16.
    FileNotFoundError
        If there is no such file.

    References
    ----------
    simonyan2015, configuration D.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights={weights!r} is unknown; there are {', '.join(WEIGHTS)}")
    if weights == RANDOM:
        if path is not None:
            raise ValueError(f'path={str(path)!r} has no use with weights="random"; give "simulated" or "imagenet"')
        return _frozen(_architecture(seed)), f"random VGG-16 (Kaiming, seed {seed})"
    path = _weights_file(weights, path)
    state = _state(path)
    network = _architecture(seed)[: _layers_in(state, path)]
    network.load_state_dict(state)
    origin = "ImageNet" if weights == IMAGENET else "simulated structures"
    return _frozen(network), f"VGG-16 trained on {origin} ({path.name}, sha256 {file_sha256(path)[:12]})"


def imagenet_file() -> Path:
    """Where torchvision keeps VGG-16's ImageNet weights on this machine, whether they are there or not."""
    return Path(torch.hub.get_dir()) / "checkpoints" / VGG16_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[-1]


def _architecture(seed: int) -> nn.Sequential:
    """Layers in torchvision's order with random weights, torch's own random stream left where it was."""
    with seeded(seed):
        network = make_layers(cfgs["D"])
        for layer in network:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
    return network


def _frozen(network: nn.Sequential) -> nn.Sequential:
    return network.eval().requires_grad_(False)


def _weights_file(weights: str, path: str | Path | None) -> Path:
    if path is None and weights == SIMULATED:
        raise ValueError('weights="simulated" needs path=, a file that nbsupport.restore.pretraining wrote')
    path = imagenet_file() if path is None else Path(path)
    if not path.is_file():
        hint = "; give path=, or download it with torchvision beforehand" if weights == IMAGENET else ""
        raise FileNotFoundError(f"no VGG-16 weights at {path.name} in {path.parent}{hint}")
    return path


def _state(path: Path) -> dict[str, Tensor]:
    """Entries of the convolutional part, numbered as in torchvision's ``features``."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    named = {key.removeprefix("features."): value for key, value in state.items() if not key.startswith("classifier.")}
    return {key: value.float() for key, value in named.items()}


def _layers_in(state: dict[str, Tensor], path: Path) -> int:
    """Number of layers up to the ReLU after the last convolution that the file holds."""
    expected = {key: value.shape for key, value in _architecture(0).state_dict().items()}
    wrong = [key for key, value in state.items() if value.shape != expected.get(key)]
    if not state or wrong:
        raise ValueError(f"{path.name} is not a VGG-16: {', '.join(wrong[:3]) or 'nothing'} does not fit")
    return max(int(key.split(".")[0]) for key in state) + 2
