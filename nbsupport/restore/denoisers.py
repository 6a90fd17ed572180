"""Every denoiser of the study under one roof: what it must be given, how it learns, and how it is asked for an image.

A denoiser is an object: ``denoiser("Noise2Void", steps=300).train(examples).apply(image)``. Classical filters are
trained too: that is when they choose their one parameter. What a denoiser may learn from stands in one record, and
each takes from it only what it declares in `needs`, so that no blind method can see a clean image by mistake.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import xarray as xr

from nbsupport.checks import finite_array, nearest, positive

HOMES = {
    "Gaussian": "classical",
    "median": "classical",
    "NLM": "classical",
    "TV": "classical",
    "BayesShrink": "classical",
    "PURE-LET": "poisson_wavelets",
    "BM3D": "classical",
    "CARE": "supervised",
    "RCAN": "supervised",
    "Noise2Noise": "supervised",
    "Noise2Void": "blind_spot",
    "N2V2": "blind_spot",
    "structN2V": "blind_spot",
    "Noise2Self": "blind_spot",
    "PN2V": "probabilistic",
    "DecoNoising": "probabilistic",
    "DivNoising": "divnoising",
    "DenoiSeg": "denoiseg",
    "DeepCAD": "deepcad",
}
"""Module of this room that holds each denoiser."""

SUPERVISION = ("none", "clean targets", "noisy pairs", "noisy images", "some labels")
"""What teaches a denoiser: nothing but a rule, clean images, second exposures, the noisy images alone, or those and
annotations of a part of them."""


@dataclass(frozen=True)
class Camera:
    """Gain, offset and read noise of a camera: a value is ``gain · Poisson(photons) + N(offset, read_noise²)``.

    Parameters
    ----------
    gain : float
        ADU per photon, greater than 0.
    offset : float
        ADU.
    read_noise : float
        Standard deviation, ADU, non-negative.

    References
    ----------
    laine2021, Box 2.
    """

    gain: float = 1.0
    offset: float = 0.0
    read_noise: float = 0.0

    def __post_init__(self):
        positive("gain", self.gain, "ADU per photon, greater than 0")
        if not (np.isfinite(self.offset) and np.isfinite(self.read_noise) and self.read_noise >= 0):
            raise ValueError(
                f"offset={self.offset} and read_noise={self.read_noise} must be finite, the latter not negative (ADU)"
            )

    def variance(self, values) -> np.ndarray:
        """Variance of the noise, ADU², where the clean image has these values, ADU."""
        return self.gain * np.maximum(np.asarray(values) - self.offset, 0) + self.read_noise**2


@dataclass(frozen=True)
class Examples:
    """What a denoiser may learn from. Sequences run in parallel: item i of each belongs to one field of view.

    Parameters
    ----------
    noisy : sequence of arrays, (y, x), ADU
        One exposure of each field; (t, y, x) for movies, (channel, y, x) for several channels. Sizes may differ.
    clean : sequence of arrays, ADU, optional
        Noise-free images in the camera's units, offset included.
    again : sequence of arrays, ADU, optional
        A second, independent exposure of each field.
    labels : sequence of (integer array (y, x) or None), optional
        Objects numbered from 1 on background 0; None for a field that nobody annotated.
    camera : Camera, optional
        Of the noisy images.
    calibration : sequence of arrays, (t, y, x), ADU, optional
        Repeated exposures of standing scenes, from which a noise model is measured.
    psf : array, (y, x), optional
        Point spread function on the pixel grid, sum 1, odd sides.

    Raises
    ------
    ValueError
        If there is no image, one is not finite, or two sequences do not run in parallel.
    """

    noisy: Sequence[np.ndarray]
    clean: Sequence[np.ndarray] | None = None
    again: Sequence[np.ndarray] | None = None
    labels: Sequence[np.ndarray | None] | None = None
    camera: Camera | None = None
    calibration: Sequence[np.ndarray] | None = None
    psf: np.ndarray | None = None

    def __post_init__(self):
        if not len(self.noisy):
            raise ValueError("noisy is empty; a denoiser needs at least one image")
        for name in ("noisy", "clean", "again"):
            images = getattr(self, name)
            if images is not None:
                object.__setattr__(self, name, [finite_array(f"{name}[{i}]", image) for i, image in enumerate(images)])
        shapes = [image.shape for image in self.noisy]
        for name in ("clean", "again", "labels"):
            images = getattr(self, name)
            found = (
                None
                if images is None
                else [s if i is None else np.shape(i) for i, s in zip(images, shapes, strict=False)]
            )
            if found is not None and (found != shapes or len(images) != len(shapes)):
                raise ValueError(f"{name} has shapes {found}, noisy has {shapes}; give one of the same shape for each")


class Denoiser(ABC):
    """A method, its options, and, once trained, what it has learnt.

    Attributes
    ----------
    name : str
        Key in `HOMES`.
    supervision : str
        One of `SUPERVISION`.
    needs : tuple of str
        Fields of `Examples` beside ``noisy`` without which it cannot be trained.
    dimensions : tuple of int
        Numbers of dimensions that an image may have.
    source : str
        Who introduced it.
    seconds : float or None
        Wall time of the training.
    """

    name: ClassVar[str]
    supervision: ClassVar[str]
    source: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    dimensions: ClassVar[tuple[int, ...]] = (2,)
    seconds: float | None = None

    def train(
        self,
        examples: Examples,
        *,
        seed: int = 0,
        checkpoint: Path | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Self:
        """Learn from examples.

        Parameters
        ----------
        examples : Examples
        seed : int
            Root of everything random in the training.
        checkpoint : Path, optional
            Folder in which a long training leaves its state, to be taken up again after an interruption.
        progress : callable, optional
            Called with the finished fraction.

        Returns
        -------
        Denoiser
            Itself.

        Raises
        ------
        ValueError
            If the examples lack what it needs, or their images have a number of dimensions that it cannot take.
        """
        lacking = [field for field in self.needs if getattr(examples, field) is None]
        if lacking:
            raise ValueError(f"{self.name} cannot be trained: the examples have no {', '.join(lacking)}")
        self._check_dimensions(examples.noisy[0])
        started = time.perf_counter()
        self._train(examples, seed=seed, checkpoint=checkpoint, progress=progress)
        self.seconds = time.perf_counter() - started
        return self

    def apply(self, image):
        """Restore one image.

        Parameters
        ----------
        image : DataArray or array, (y, x) or what `dimensions` allows, ADU

        Returns
        -------
        DataArray or array
            As `image`: same shape, same unit, same coordinates.

        Raises
        ------
        ValueError
            If it is not trained, or the image is not finite or has too many or too few dimensions.
        """
        if self.seconds is None:
            raise ValueError(f"{self.name} is not trained; call train(examples) first")
        values = finite_array("image", image)
        self._check_dimensions(values)
        restored = self._apply(values)
        return image.copy(data=restored) if isinstance(image, xr.DataArray) else restored

    def _check_dimensions(self, image: np.ndarray) -> None:
        if image.ndim not in self.dimensions:
            raise ValueError(f"{self.name} takes images of {self.dimensions} dimensions; got shape {image.shape}")

    @abstractmethod
    def _train(self, examples: Examples, *, seed: int, checkpoint: Path | None, progress: Callable | None) -> None: ...

    @abstractmethod
    def _apply(self, image: np.ndarray) -> np.ndarray: ...


def kind(name: str) -> type[Denoiser]:
    """Class of a denoiser by its name in the literature: what it needs and who introduced it, without training it.

    Raises
    ------
    ValueError
        If there is none; the message gives the nearest name.
    """
    if name not in HOMES:
        raise ValueError(f"name={name!r} is not a denoiser{nearest(name, HOMES)}")
    # here and not above, because all of them import this module
    from nbsupport.restore import (
        blind_spot,
        classical,
        deepcad,
        denoiseg,
        divnoising,
        poisson_wavelets,
        probabilistic,
        supervised,
    )

    homes = (blind_spot, classical, deepcad, denoiseg, divnoising, poisson_wavelets, probabilistic, supervised)
    home = next(module for module in homes if module.__name__.endswith(f".{HOMES[name]}"))
    classes = (member for member in vars(home).values() if isinstance(member, type) and issubclass(member, Denoiser))
    return next(member for member in classes if vars(member).get("name") == name)


def denoiser(name: str, **options: Any) -> Denoiser:
    """Make an untrained denoiser.

    Parameters
    ----------
    name : str
        Key of `HOMES`, the name in the literature.
    **options
        Of its class; an unknown one is an error.

    Returns
    -------
    Denoiser
    """
    return kind(name)(**options)
