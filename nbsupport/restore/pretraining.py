"""A VGG-16 trained by the study itself, on telling simulated structures apart, for the perceptual loss.

ImageNet's weights have seen photographs and cannot always be had. This network has seen emitters: it is asked which of
seven structures an image shows, whether the image is diffraction-limited or super-resolved, and whether it is noisy.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn import functional

from nbsupport.checks import whole_number
from nbsupport.publish import file_sha256, publishing, write_json
from nbsupport.simulate.structures import KINDS, sample

from .losses import LAYERS, AsPhotograph, vgg16_features
from .networks.initialisation import seeded
from .training import fit

BLURS_UM = {"diffraction-limited": (0.09, 0.13), "super-resolved": (0.02, 0.04)}
PEAK_COUNTS = {"noise-free": None, "noisy": (4.0, 30.0)}
CLASSES = tuple(product(KINDS, BLURS_UM, PEAK_COUNTS))
"""Structure, blur (range of the Gaussian's sigma, µm) and noise (range of the counts at the peak)."""

_PIXEL_UM = (0.01, 0.04)
_EXPONENTS = (0.5, 2.0)  # of the brightness: MUSICAL's images span decades
_PARTS = {"training": 0, "held out": 1}
_STREAM = 0x56474731  # keeps these samples apart from every restoration set with the same seed


@dataclass(frozen=True)
class Pretrained:
    """A file of VGG-16 weights, and how good they are at the task that made them."""

    file: str
    sha256: str
    accuracy: float  # on samples that training has not seen
    chance: float
    held_out: int  # images behind the accuracy
    seconds: float


class LabelledCrops:
    """Crops of simulated samples with their class: a batch is a pure function of the seed, the part and its number.

    Parameters
    ----------
    part : {"training", "held out"}
        Samples of the two share no random numbers.
    seed : int
    fields : int
        Samples per structure, drawn once; crops differ in place, turn, pixel size, blur, noise and contrast.
    size : int
        Crops per batch; classes come in turn.
    side : int
        Pixels per axis.
    """

    def __init__(self, part: str, *, seed: int, fields: int, size: int, side: int) -> None:
        self.root, self.size, self.side = (_STREAM, seed, _PARTS[part]), size, side
        rng = np.random.default_rng(self.root)
        self.emitters = {kind: [_emitters(kind, rng) for _ in range(fields)] for kind in KINDS}

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Images (crop, 1, side, side), float32 with maximum 1, and places in `CLASSES` (crop,), int64."""
        rng = np.random.default_rng((*self.root, step))
        labels = (np.arange(self.size) + step * self.size) % len(CLASSES)
        images = np.stack([self._crop(*CLASSES[label], rng) for label in labels])
        return torch.from_numpy(images)[:, None], torch.from_numpy(labels)

    def _crop(self, kind: str, blur: str, noise: str, rng: np.random.Generator) -> np.ndarray:
        emitters = self.emitters[kind][rng.integers(len(self.emitters[kind]))]
        pixel_um, angle = rng.uniform(*_PIXEL_UM), rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        y, x = ((emitters - emitters[rng.integers(len(emitters))]) @ turn).T
        edges = (np.arange(self.side + 1) - self.side / 2) * pixel_um
        image = gaussian_filter(np.histogram2d(y, x, (edges, edges))[0], rng.uniform(*BLURS_UM[blur]) / pixel_um)
        image = (image / image.max()) ** rng.uniform(*_EXPONENTS)
        if PEAK_COUNTS[noise] is not None:
            image = 1.0 + rng.poisson((image + 0.1) * rng.uniform(*PEAK_COUNTS[noise]))
        return (image / image.max()).astype(np.float32)


def pretrain(
    folder: Path,
    *,
    seed: int = 0,
    steps: int = 400,
    size: int = 28,
    side: int = 48,
    fields: int = 24,
    held_out: int = 560,
    learning_rate: float = 3e-4,
    progress: Callable[[float], None] | None = None,
) -> Pretrained:
    """Train a VGG-16, up to relu4_3, on telling simulated structures apart, and keep it as a file.

    Parameters
    ----------
    folder : path
        Gets ``vgg16-simulated-<seed>.pt``, for ``losses.loss("VGG", weights="simulated", path=…)``, and beside it a
        JSON file of what is returned. A finished file that was made with the same numbers is used again.
    seed : int
        Root of samples, crops and first weights.
    steps, size, side : int
        Training steps, crops per step, side of a crop in px.
    fields : int
        Samples per structure.
    held_out : int
        Crops, of samples that training has not seen, on which the accuracy is measured.
    learning_rate : float
    progress : callable, optional
        Called with the finished fraction.

    Returns
    -------
    Pretrained

    Raises
    ------
    ValueError
        If a number is too small.
    """
    asked = {"steps": steps, "size": size, "side": side, "fields": fields, "held_out": held_out}
    for name, value in asked.items():
        whole_number(name, value, least=32 if name == "side" else 1)
    asked |= {"seed": seed, "learning_rate": learning_rate}
    path = Path(folder) / f"vgg16-simulated-{seed}.pt"
    if (finished := _finished(path, asked)) is not None:
        return finished
    crops = LabelledCrops("training", seed=seed, fields=fields, size=size, side=side)
    trained = fit(_classifier(seed), _cross_entropy, crops, steps=steps, learning_rate=learning_rate, progress=progress)
    unseen = LabelledCrops("held out", seed=seed, fields=-(-fields // 4), size=len(CLASSES), side=side)
    right = _right(trained.network, unseen, -(-held_out // len(CLASSES)))
    with publishing(path) as temporary:
        torch.save(trained.network[1].state_dict(), temporary)
    sha256 = file_sha256(path)
    made = Pretrained(path.name, sha256, float(right.mean()), 1 / len(CLASSES), len(right), round(trained.seconds, 1))
    write_json(path.with_suffix(".json"), {"asked": asked, "made": asdict(made)})
    return made


def _emitters(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Positions (n, 2), µm, of a sample with at least one emitter."""
    while not len(emitters := sample(kind, rng=rng).emitters_um[:, :2]):
        pass
    return emitters


class _Decision(nn.Module):
    """Class scores from the mean and the maximum of every feature map."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * features, len(CLASSES))

    def forward(self, maps: Tensor) -> Tensor:
        return self.linear(torch.cat([maps.mean((-2, -1)), maps.amax((-2, -1))], dim=1))


def _classifier(seed: int) -> nn.Sequential:
    features = vgg16_features("random", seed=seed)[0][: max(LAYERS)].requires_grad_(True)
    with seeded(seed):
        return nn.Sequential(AsPhotograph(), features, _Decision(512))


def _cross_entropy(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    images, labels = batch
    return functional.cross_entropy(network(images).float(), labels)


def _right(network: nn.Module, crops: LabelledCrops, batches: int) -> np.ndarray:
    """Whether each crop of the first batches was told right (crop,), 0 or 1."""
    network.eval()
    with torch.no_grad():
        told = [(network(images).argmax(1) == labels) for images, labels in map(crops.batch, range(batches))]
    return torch.cat(told).numpy().astype(float)


def _finished(path: Path, asked: dict) -> Pretrained | None:
    """What was made before with the same numbers, if its file is whole."""
    card = path.with_suffix(".json")
    if not (path.is_file() and card.is_file()):
        return None
    kept = json.loads(card.read_text("utf-8"))
    same = kept["asked"] == asked and kept["made"]["sha256"] == file_sha256(path)
    return Pretrained(**kept["made"]) if same else None
