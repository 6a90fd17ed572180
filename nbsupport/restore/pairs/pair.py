"""One training pair: its images, its truth, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbsupport.restore.pairs.protocol import draw_sample, reconstruction, recording


@dataclass(frozen=True, eq=False)
class Pair:
    """One training pair with its truth.

    Parameters
    ----------
    structure : str
        One of `STRUCTURES`.
    pixel_um : float
        Pixel of the raw frames, µm.
    noisy, clean : ndarray of float32, (y, x), 0 to 1
        Reconstructions of the noisy and the noise-free stack (by MUSICAL, in a data set), each divided by its maximum.
    emitters_um : ndarray of float32, (n, 3), µm
        Columns x, y, z.
    parameters : dict
        Everything that made the pair: what `draw_sample`, `recording` and `reconstruction` take.
    """

    structure: str
    pixel_um: float
    noisy: np.ndarray
    clean: np.ndarray
    emitters_um: np.ndarray
    parameters: dict

    @property
    def fine_um(self) -> float:
        """Pixel of the images, µm."""
        return self.pixel_um / self.parameters["subpixels"]

    def image(self, values: np.ndarray) -> xr.DataArray:
        """Give an image of the size of `noisy` its coordinates, (y, x), µm, as the measures of `assess` ask for."""
        if np.shape(values) != self.noisy.shape:
            raise ValueError(f"values has shape {np.shape(values)}; images of this pair have {self.noisy.shape}")
        centres_um = fine_centres_um(self.parameters)
        return xr.DataArray(values, dims=("y", "x"), coords={"y": centres_um, "x": centres_um})

    def occupied(self) -> xr.DataArray:
        """Pixels over which an emitter lies, bool, (y, x): a truth that is quick to measure many images against."""
        centres_um = fine_centres_um(self.parameters)
        edges_um = np.append(centres_um - self.fine_um / 2, centres_um[-1] + self.fine_um / 2)
        x, y = self.emitters_um[:, :2].T
        return self.image(np.histogram2d(y, x, (edges_um, edges_um))[0] > 0)


def make(
    parameters: Mapping,
    *,
    stacks: xr.Dataset | None = None,
    method: Callable[[xr.DataArray, Mapping], xr.DataArray] = reconstruction,
) -> Pair:
    """Simulate one pair.

    Parameters
    ----------
    parameters : mapping
        From `draw_parameters`, or ``Pair.parameters``.
    stacks : Dataset, optional
        ``noisy`` and ``noise_free``, (frame, y, x), in place of those that `recording` gives: recorded already, or with
        other noise.
    method : callable
        Takes a stack and the parameters and gives an image (y, x) with coordinates in µm; MUSICAL if not given. An
        image on another grid than MUSICAL's is interpolated to it, and is 0 beyond its own pixel centres. Negative
        values become 0.

    Returns
    -------
    Pair
        Its parameters are those given and ``noisy_maximum``, ``clean_maximum``, what the images were divided by.
    """
    sample = draw_sample(parameters)
    stacks = recording(parameters, sample=sample) if stacks is None else stacks
    known, images = dict(parameters), {}
    for name, stack in (("noisy", stacks.noisy), ("clean", stacks.noise_free)):
        # interpolation rounds zeros to some 1e-22 below 0
        image = np.maximum(_on_grid(method(stack, parameters), fine_centres_um(parameters)), 0)
        known[f"{name}_maximum"] = float(image.max())
        images[name] = (image / (image.max() or 1.0)).astype(np.float32)
    emitters_um = sample.emitters_um.astype(np.float32)
    return Pair(parameters["structure"], parameters["pixel_um"], images["noisy"], images["clean"], emitters_um, known)


def fine_centres_um(parameters: Mapping) -> np.ndarray:
    """Centres of the pixels of a pair's images along either axis, µm."""
    # the tiny margin keeps 2.4 / 0.08 = 29.999... at 30 pixels
    pixels = int(np.floor(parameters["field_um"] / parameters["pixel_um"] + 1e-9)) * parameters["subpixels"]
    return (np.arange(pixels) - (pixels - 1) / 2) * (parameters["pixel_um"] / parameters["subpixels"])


def _on_grid(image: xr.DataArray, centres_um: np.ndarray) -> np.ndarray:
    same = image.shape == 2 * centres_um.shape and all(np.allclose(image[d], centres_um, atol=1e-9) for d in "yx")
    if same:
        return image.values
    return image.interp(y=centres_um, x=centres_um, kwargs={"fill_value": 0.0}).values
