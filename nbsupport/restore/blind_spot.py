"""Denoisers that learn from the noisy images alone: Noise2Void, N2V2, structN2V and Noise2Self.

All hide pixels from a network and ask it for what they were. The network cannot know their noise, which is independent
of everything it sees, so the best it can say is the signal. The four differ in which pixels are hidden and in what is
put in their place.

Masks and objectives are computed here and not by a library: the one that offers all of Noise2Void's kin takes longer
to be imported than a training of the tests, prints on its way, and leaves checkpoints behind. A test compares with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from nbsupport.restore import masking, networks
from nbsupport.restore.denoisers import Examples
from nbsupport.restore.learned import NetworkDenoiser
from nbsupport.restore.networks.blur_pool import blur_pool_unet
from nbsupport.restore.networks.multi_output import multi_output
from nbsupport.restore.training import Crops

INFERENCES = ("j-invariant", "single pass")


class BlindSpots:
    """Batches (what the network sees, what it should say, where): a pure function of the step.

    Parameters
    ----------
    images : Crops
        Normalised crops.
    percent : float
        Share of blind spots.
    how, radius : str, int
        As in `masking.replace`.
    direction : str, optional
        Widens each blind spot along the noise's correlation, as in `masking.structured_spot`.
    reach : int
        Pixels on either side along `direction`.
    seed : int
    """

    def __init__(
        self,
        images: Crops,
        *,
        percent: float,
        how: str = "uniform",
        radius: int = 5,
        direction: str | None = None,
        reach: int = 5,
        seed: int,
    ):
        self.images, self.percent, self.how, self.radius = images, percent, how, radius
        self.direction, self.reach, self.seed = direction, reach, seed

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Crops with pixels replaced, the crops, and the mask, each (batch, 1, y, x).

        Parameters
        ----------
        step : int
            From 0.
        """
        crop, rng = self.images.batch(step)[0], np.random.default_rng([self.seed, step])
        mask = masking.stratified_mask((len(crop), *crop.shape[-2:]), percent=self.percent, rng=rng)
        seen = masking.replace(crop, mask, self.how, radius=self.radius, rng=rng)
        if self.direction is not None:
            beside = masking.structured_spot(mask, direction=self.direction, reach=self.reach)
            drawn = torch.from_numpy(rng.uniform(-2, 2, size=crop.shape).astype(np.float32))
            seen = torch.where(beside, drawn, seen)
        return seen, crop, mask


def masked_mse(network: Callable, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Mean squared error over the hidden pixels alone."""
    seen, wanted, mask = batch
    return ((network(seen) - wanted)[mask] ** 2).mean()


@dataclass(kw_only=True)
class Noise2Void(NetworkDenoiser):
    """Random blind spots, each replaced by a random neighbour.

    Parameters
    ----------
    percent : float
        Share of blind spots, %.
    how : str
        As in `masking.replace`.
    radius : int
        Half side of the window, pixels, from which a replacement is taken.
    """

    name: ClassVar[str] = "Noise2Void"
    supervision: ClassVar[str] = "noisy images"
    source: ClassVar[str] = "Krull, Buchholz and Jug, CVPR 2019"
    percent: float = 1.5
    how: str = "uniform"
    radius: int = 5

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """U-Net that does not add its input, or it would have to learn first to take that noise off again."""
        return multi_output(1, depth=self.depth, features=self.features, seed=seed)

    def make_batches(self, examples: Examples, seed: int) -> BlindSpots:
        """Crops with blind spots."""
        crops = self.crops(examples.noisy, examples.noisy, seed)
        return BlindSpots(crops, percent=self.percent, how=self.how, radius=self.radius, seed=seed, **self.spot())

    def spot(self) -> dict:
        """How blind spots are widened: not at all."""
        return {}

    def objective(self, network: Callable, batch: tuple[Tensor, ...]) -> Tensor:
        """Mean squared error at the blind spots."""
        return masked_mse(network, batch)


@dataclass(kw_only=True)
class N2V2(Noise2Void):
    """Noise2Void against checkerboards: median replacement, blurred pooling, no residual and no finest skip."""

    name: ClassVar[str] = "N2V2"
    source: ClassVar[str] = "Höck et al., ECCV Workshops 2022"
    how: str = "median"

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """U-Net of `blur_pool_unet`."""
        return blur_pool_unet(depth=self.depth, features=self.features, seed=seed)


@dataclass(kw_only=True)
class StructN2V(Noise2Void):
    """Noise2Void whose blind spots extend along the direction in which noise is correlated.

    Parameters
    ----------
    direction : str
        ``"horizontal"``, ``"vertical"`` or ``"cross"``.
    reach : int
        Pixels that are hidden on either side.
    """

    name: ClassVar[str] = "structN2V"
    source: ClassVar[str] = "Broaddus et al., ISBI 2020"
    direction: str = "horizontal"
    reach: int = 5
    augment: ClassVar[bool] = False  # a turned crop would have its stripes across the mask

    def spot(self) -> dict:
        """Along `direction`, values drawn evenly from -2 to 2 standard deviations, as in the first public code."""
        return {"direction": self.direction, "reach": self.reach}


class GridMasks:
    """Batches (crops, mask) of Noise2Self: at each step the next phase of the grid."""

    def __init__(self, images: Crops, *, width: int):
        self.images, self.width = images, width

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Crops (batch, 1, y, x) and the mask (y, x) of one step, from 0."""
        crop = self.images.batch(step)[0]
        return crop, masking.grid_mask(crop.shape[-2:], phase=step, width=self.width)


@dataclass(kw_only=True)
class Noise2Self(NetworkDenoiser):
    """A regular grid of hidden pixels that moves on at each step.

    Parameters
    ----------
    width : int
        Of the grid, pixels.
    how : str
        ``"zero"`` (of the normalised image) or ``"interpolate"``.
    inference : str
        ``"j-invariant"``: ``width²`` passes, each pixel from the one in which it was hidden; ``"single pass"``.
    architecture : str
        ``"noise2self"``, the U-Net of the source, or ``"noise2void"``, that of `Noise2Void`.
    """

    name: ClassVar[str] = "Noise2Self"
    supervision: ClassVar[str] = "noisy images"
    source: ClassVar[str] = "Batson and Royer, ICML 2019"
    width: int = 4
    how: str = "zero"
    inference: str = "j-invariant"
    architecture: str = "noise2self"

    def make_network(self, examples: Examples, seed: int) -> nn.Module:
        """The U-Net that `architecture` names."""
        if self.inference not in INFERENCES or self.architecture not in ("noise2self", "noise2void"):
            raise ValueError(
                f"inference={self.inference!r} must be one of {', '.join(INFERENCES)}, "
                f"architecture={self.architecture!r} noise2self or noise2void"
            )
        if self.architecture == "noise2void":
            return multi_output(1, depth=self.depth, features=self.features, seed=seed)
        return networks.noise2self(features=[self.features * 2**level for level in range(self.depth + 1)], seed=seed)

    def make_batches(self, examples: Examples, seed: int) -> GridMasks:
        """Crops and grids."""
        return GridMasks(self.crops(examples.noisy, examples.noisy, seed), width=self.width)

    def objective(self, network: Callable, batch: tuple[Tensor, ...]) -> Tensor:
        """Squared error at the hidden pixels, averaged over all pixels, as in the public code."""
        crop, mask = batch
        restored = network(masking.fill(crop, mask, self.how))
        return (((restored - crop) * mask) ** 2).mean()

    def run(self, image: np.ndarray) -> np.ndarray:
        """Output for a normalised image: every pixel without its own input, unless a single pass is asked for."""
        if self.inference == "single pass":
            return super().run(image)
        values = torch.from_numpy(image)[None, None]

        def one_pass(filled: Tensor) -> Tensor:
            return torch.from_numpy(super(Noise2Self, self).run(filled[0, 0].numpy()))[None, None]

        return masking.j_invariant(one_pass, values, width=self.width, how=self.how)[0, 0].numpy()
