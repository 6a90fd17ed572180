"""DenoiSeg: one network that denoises every image and segments them all, of which a few were annotated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy.ndimage import grey_dilation, grey_erosion
from torch import Tensor, nn
from torch.nn import functional

from nbsupport.checks import finite_array
from nbsupport.restore import tiling
from nbsupport.restore.blind_spot import BlindSpots
from nbsupport.restore.denoisers import Examples
from nbsupport.restore.networks.multi_output import multi_output
from nbsupport.restore.one_scale import OneScaleDenoiser

CLASSES = ("background", "object", "border")
CLASS_WEIGHTS = (1.0, 1.0, 5.0)
"""Of the cross-entropy, in the order of `CLASSES` (buchholz2020)."""

UNKNOWN = -1
"""Class of the pixels of an image that nobody annotated."""


def three_classes(labels: np.ndarray) -> np.ndarray:
    """Background 0, object 1 and border 2 from numbered objects.

    Parameters
    ----------
    labels : ndarray of int, (y, x)
        Objects from 1 on background 0.

    Returns
    -------
    ndarray of int64, (y, x)
        Border is every pixel of an object with a neighbour, of the eight, that is not of the same object.
    """
    labels = np.asarray(labels)
    edge = grey_dilation(labels, size=3) != grey_erosion(labels, size=3)
    return np.where(labels > 0, np.where(edge, 2, 1), 0).astype(np.int64)


def joint_loss(output: Tensor, noisy: Tensor, mask: Tensor, classes: Tensor, *, alpha: float) -> Tensor:
    """Weighted sum of the squared error at hidden pixels and the cross-entropy of annotated ones.

    Parameters
    ----------
    output : Tensor, (batch, 4, y, x)
        The denoised image, then a score for each of `CLASSES`.
    noisy : Tensor, (batch, 1, y, x)
    mask : Tensor of bool, (batch, 1, y, x)
        Hidden pixels.
    classes : Tensor of int64, (batch, y, x)
        Index into `CLASSES`, or `UNKNOWN`.
    alpha : float, 0 to 1
        Weight of the squared error; the cross-entropy has the rest, and is 0 where nothing was annotated.

    Returns
    -------
    Tensor, ()

    References
    ----------
    buchholz2020.
    """
    denoising = (output[:, :1] - noisy)[mask].square().mean()
    weights = torch.tensor(CLASS_WEIGHTS, device=output.device)
    summed = functional.cross_entropy(output[:, 1:], classes, weights, ignore_index=UNKNOWN, reduction="sum")
    known = classes != UNKNOWN
    # the mean over a batch without annotations would be 0/0
    segmentation = summed / weights[classes[known]].sum().clamp(min=1)
    return alpha * denoising + (1 - alpha) * segmentation


class Annotated:
    """Batches (crops with pixels replaced, crops, mask, classes): a pure function of the step."""

    def __init__(self, images, *, percent: float, radius: int, seed: int):
        self.images, self.options = images, {"percent": percent, "radius": radius, "seed": seed}

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """Crops of one step, random pixels of which are hidden, with the classes of their pixels, (batch, y, x)."""
        crop, classes = self.images.batch(step)
        return *BlindSpots(_Drawn(crop), **self.options).batch(step), classes[:, 0].long()


class _Drawn:
    """Crops that are at hand already."""

    def __init__(self, crop: Tensor):
        self.crop = crop

    def batch(self, step: int) -> tuple[Tensor]:
        return (self.crop,)


@dataclass(kw_only=True)
class DenoiSeg(OneScaleDenoiser):
    """Blind-spot denoising and segmentation into background, objects and borders, learnt together.

    Parameters
    ----------
    alpha : float, 0 to 1
        Weight of denoising; 0 segments only, from the annotated images alone.
    percent, radius : float, int
        Share of hidden pixels, %, and half side of the window from which they are replaced.
    """

    name: ClassVar[str] = "DenoiSeg"
    supervision: ClassVar[str] = "some labels"
    source: ClassVar[str] = "Buchholz et al., ECCV Workshops 2020"
    needs: ClassVar[tuple[str, ...]] = ("labels",)
    alpha: float = 0.5
    percent: float = 1.5
    radius: int = 5

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """U-Net with one output for the image and one for each class."""
        return multi_output(1 + len(CLASSES), depth=self.depth, features=self.features, seed=seed)

    def make_batches(self, examples: Examples, seed: int) -> Annotated:
        """Crops with blind spots and classes; images without annotation only if they teach something."""
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha={self.alpha} must be a share from 0 (segmentation alone) to 1 (denoising alone)")
        pairs = list(zip(examples.noisy, examples.labels, strict=True))
        if all(label is None for label in examples.labels):
            raise ValueError("labels are None for every image; DenoiSeg needs at least one annotated image")
        taught = [pair for pair in pairs if self.alpha > 0 or pair[1] is not None]
        classes = [np.full(i.shape, UNKNOWN) if label is None else three_classes(label) for i, label in taught]
        images = self.crops_with([image for image, _ in taught], classes, seed)
        return Annotated(images, percent=self.percent, radius=self.radius, seed=seed)

    def objective(self, network: Callable, batch: tuple[Tensor, ...]) -> Tensor:
        """Weighted sum of denoising and segmentation."""
        seen, crop, mask, classes = batch
        return joint_loss(network(seen).float(), crop, mask, classes, alpha=self.alpha)

    def run(self, image: np.ndarray) -> np.ndarray:
        """Denoised image of a normalised one."""
        return self._outputs(image)[0]

    def segment(self, image) -> np.ndarray:
        """Probabilities of the `CLASSES` at every pixel of an image.

        Parameters
        ----------
        image : array_like, (y, x), ADU

        Returns
        -------
        ndarray, (y, x, 3); they sum to 1.
        """
        scores = self._outputs(self.normalised(finite_array("image", image)))[1:].astype(float)
        powers = np.exp(scores - scores.max(axis=0))
        return np.moveaxis(powers / powers.sum(axis=0), 0, -1)

    def _outputs(self, image: np.ndarray) -> np.ndarray:
        return tiling.apply(self.network, image, device=self.device, precision=self.precision)
