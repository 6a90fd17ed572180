"""Denoisers that learn nothing but one number: Gaussian, median, non-local means, total variation, wavelets, BM3D.

The number is chosen by a rule that never sees the image to be restored: on the examples' clean images where there are
some ("validation"), otherwise on the noisy images alone, by hiding pixels and predicting them ("blind spot").
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pywt
import torch
from scipy import ndimage
from skimage import restoration

from nbsupport.checks import finite_array
from nbsupport.restore import masking
from nbsupport.restore.denoisers import Camera, Denoiser, Examples
from nbsupport.restore.variance_stabilisation import stabilise, unstabilise

RULES = ("validation", "blind spot")

_GRID = 4  # of the pixels that the blind-spot rule hides, one in 16


@dataclass(kw_only=True)
class Classical(Denoiser):
    """A filter with one parameter, chosen on the examples.

    Parameters
    ----------
    grid : tuple of float, optional
        Values among which the parameter is chosen; one value fixes it.
    rule : str, optional
        ``"validation"`` or ``"blind spot"``; by default the first where the examples have clean images.

    Attributes
    ----------
    default : tuple of float
        The grid that is used where none is given.
    trials : (int, int)
        How many examples the choice is made on, and the side of the part of each, pixels.
    """

    supervision: ClassVar[str] = "none"
    default: ClassVar[tuple[float, ...]]
    trials: ClassVar[tuple[int, int]] = (4, 96)
    grid: tuple[float, ...] | None = None
    rule: str | None = None
    parameter: float | None = field(default=None, init=False)
    camera: Camera | None = field(default=None, init=False)

    def oracle(self, image, truth) -> tuple[np.ndarray, float]:
        """Restore with the parameter that nobody can know: the one nearest to the truth in the mean square.

        Parameters
        ----------
        image, truth : array, (y, x), ADU

        Returns
        -------
        (ndarray, float)
            Restored image and parameter.
        """
        tried = [(self.filter(np.asarray(image, float), p), p) for p in self.choices]
        return min(tried, key=lambda pair: np.mean((pair[0] - np.asarray(truth)) ** 2))

    @property
    def choices(self) -> tuple[float, ...]:
        """Values of the parameter that are tried."""
        return self.grid or self.default

    @abstractmethod
    def filter(self, image: np.ndarray, parameter: float) -> np.ndarray:
        """Image (y, x), ADU, restored with this parameter."""

    def _train(self, examples: Examples, **_) -> None:
        rule = self.rule or ("blind spot" if examples.clean is None else "validation")
        if rule not in RULES or (rule == "validation" and examples.clean is None):
            raise ValueError(f"rule={rule!r} must be one of {', '.join(RULES)}; validation needs clean images")
        self.camera = examples.camera
        if len(self.choices) == 1:
            self.parameter = self.choices[0]
            return
        count, side = self.trials
        crops = [tuple(slice(min(n, side)) for n in image.shape) for image in examples.noisy[:count]]
        noisy = [image[crop] for image, crop in zip(examples.noisy, crops, strict=False)]
        clean = [image[crop] for image, crop in zip(examples.clean, crops, strict=False)] if rule == RULES[0] else noisy
        risk = validation_risk if rule == RULES[0] else blind_spot_risk
        self.parameter = min(self.choices, key=lambda p: risk(lambda image: self.filter(image, p), noisy, clean))

    def _apply(self, image: np.ndarray) -> np.ndarray:
        return self.filter(image, self.parameter)


def validation_risk(restore, noisy, clean) -> float:
    """Mean squared distance of restored images from clean ones, each image relative to its variance."""
    return float(np.mean([np.mean((restore(n) - c) ** 2) / c.var() for n, c in zip(noisy, clean, strict=True)]))


def blind_spot_risk(restore, noisy, _=None) -> float:
    """Mean squared distance, at hidden pixels, of images restored without them from the noisy values found there.

    For noise that is independent between pixels it differs from the risk against the truth by the noise variance alone.

    References
    ----------
    Batson and Royer, ICML 2019, section 3 (calibration of classical denoisers).
    """
    risks = []
    for image in noisy:
        mask = masking.grid_mask(image.shape, phase=5, width=_GRID)
        filled = masking.fill(torch.from_numpy(image)[None, None], mask, "interpolate")[0, 0].numpy()
        difference = (restore(filled) - image)[mask.numpy()]
        risks.append(np.mean(difference**2) / image.var())
    return float(np.mean(risks))


class Gaussian(Classical):
    """Convolution with a Gaussian; the parameter is its standard deviation in pixels."""

    name = "Gaussian"
    source = "laine2021, introduction"
    default = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)

    def filter(self, image, parameter):
        """Image (y, x), ADU, blurred."""
        return ndimage.gaussian_filter(image, parameter)


class Median(Classical):
    """Median over a disc; the parameter is its radius in pixels."""

    name = "median"
    source = "Tukey, Exploratory Data Analysis (1977)"
    default = (1.0, 1.5, 2.0, 3.0, 4.0)

    def filter(self, image, parameter):
        """Image (y, x), ADU, every pixel replaced by the median around it."""
        offsets = np.arange(-int(parameter), int(parameter) + 1)
        disc = offsets[:, None] ** 2 + offsets**2 <= parameter**2
        return ndimage.median_filter(image, footprint=disc)


class Stabilised(Classical):
    """A filter for Gaussian noise of standard deviation 1, between variance stabilisation and its inverse."""

    needs = ("camera",)

    def filter(self, image, parameter):
        """Image (y, x), ADU, restored where its noise is uniform."""
        smooth = self.filter_stabilised(stabilise(image, self.camera), parameter)
        return unstabilise(finite_array(f"output of {self.name}", smooth), self.camera, inverse="exact")

    @abstractmethod
    def filter_stabilised(self, image: np.ndarray, parameter: float) -> np.ndarray:
        """Image (y, x) with noise of standard deviation 1, restored."""


class NonLocalMeans(Stabilised):
    """Mean over pixels with similar surroundings; the parameter is the width h of similarity over the noise."""

    name = "NLM"
    source = "Buades, Coll and Morel, CVPR 2005"
    default = (0.4, 0.6, 0.8, 1.1)

    def filter_stabilised(self, image, parameter):
        """Image (y, x) with noise of standard deviation 1, restored."""
        return restoration.denoise_nl_means(image, patch_size=5, patch_distance=7, h=parameter, sigma=1.0)


class TotalVariation(Stabilised):
    """Nearest image of little total variation; the parameter weighs variation against fidelity."""

    name = "TV"
    source = "Rudin, Osher and Fatemi, Physica D 60, 259 (1992); Chambolle, J. Math. Imaging Vis. 20, 89 (2004)"
    default = (0.5, 0.8, 1.2, 1.8, 2.7, 4.0)

    def filter_stabilised(self, image, parameter):
        """Image (y, x) with noise of standard deviation 1, restored."""
        return restoration.denoise_tv_chambolle(image, weight=parameter, eps=1e-4)


class BayesShrink(Stabilised):
    """Soft thresholds per wavelet band by its own rule, averaged over shifts; the parameter is the assumed noise."""

    name = "BayesShrink"
    source = "Chang, Yu and Vetterli, IEEE Trans. Image Process. 9, 1532 (2000)"
    default = (0.8, 1.0, 1.3, 1.7)

    def filter_stabilised(self, image, parameter):
        """Image (y, x) with noise of standard deviation 1, restored."""
        levels = max(1, min(4, pywt.dwtn_max_level(image.shape, "sym4")))
        settings = {"sigma": parameter, "wavelet": "sym4", "mode": "soft", "wavelet_levels": levels}
        restored = 0.0
        for shift in ((0, 0), (1, 2), (2, 1), (3, 3)):
            moved = restoration.denoise_wavelet(np.roll(image, shift, (0, 1)), **settings)
            restored = restored + np.roll(moved, (-shift[0], -shift[1]), (0, 1)) / 4
        return restored


@dataclass(kw_only=True)
class BM3D(Stabilised):
    """Block matching and 3-D filtering; the parameter is the assumed standard deviation of the stabilised noise.

    Parameters
    ----------
    profile : str
        ``"normal"``, or ``"fast"`` with fewer and smaller searches (the library's low complexity).
    """

    name: ClassVar[str] = "BM3D"
    source: ClassVar[str] = "Dabov et al., IEEE Trans. Image Process. 16, 2080 (2007), with Mäkitalo and Foi (2013)"
    default: ClassVar[tuple[float, ...]] = (1.0, 1.3)
    trials: ClassVar[tuple[int, int]] = (2, 64)
    profile: str = "normal"

    def filter_stabilised(self, image, parameter):
        """Image (y, x) with noise of standard deviation 1, restored."""
        import bm3d  # its start takes seconds, and its licence is its own

        profiles = {"normal": bm3d.BM3DProfile, "fast": bm3d.BM3DProfileLC}
        if self.profile not in profiles:
            raise ValueError(f"profile={self.profile!r} must be one of {', '.join(profiles)}")
        low, high = float(image.min()), float(image.max())
        scale = max(high - low, 1e-12)
        scaled = bm3d.bm3d((image - low) / scale, parameter / scale, profile=profiles[self.profile]())
        return scaled * scale + low
