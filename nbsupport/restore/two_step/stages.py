"""A dim acquisition on its way through the chain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from torch import nn

from nbsupport.restore import tiling
from nbsupport.simulate.illumination import Pattern

from .acquisitions import Acquisition, Protocol
from .scaling import INPUT, after_reconstruction

NORMALISATIONS = ("clipped", "plain")
"""What the second network learns from and is given: reconstructions clipped at 0 and divided by their maximum, or as
they are."""

TILE, OVERLAP = {2: 128, 3: (32, 128, 128)}, {2: 32, 3: (4, 32, 32)}


def restored_frames(network: nn.Module, frames: xr.DataArray, **options) -> xr.DataArray:
    """Raw frames through the first network.

    Parameters
    ----------
    network : Module
        (batch, angle · phase, [z,] y, x) to the same.
    frames : DataArray, (angle, phase, [z,] y, x), any unit
    **options
        ``tile``, ``overlap``, ``precision``, ``device`` of `tiling.apply`; tiles of 128 px that overlap by 32 px by
        default, as in the source.

    Returns
    -------
    DataArray, shape of `frames`
        In the unit of `frames`.
    """
    values = frames.values.reshape(-1, *frames.shape[2:])
    return frames.copy(data=_applied(network, values, **options).reshape(frames.shape))


def refined(
    network: nn.Module, image: xr.DataArray, *, normalisation: str = "clipped", cut: bool = False, **options
) -> xr.DataArray:
    """A reconstruction through the second network.

    Parameters
    ----------
    network : Module
        (batch, 1, [z,] y, x) to the same.
    image : DataArray, ([z,] y, x)
    normalisation : {"clipped", "plain"}
        What the network was trained on.
    cut : bool
        Cut the answer at the percentiles of the input, 0 and 1 for the network, as the source's program does before it
        writes an image; a thousandth of the pixels is then equally bright.
    **options
        As in `restored_frames`.

    Returns
    -------
    DataArray, shape of `image`
    """
    values = normalised(image, normalisation).values[None]
    return image.copy(data=_applied(network, values, cut=cut, **options)[0])


def normalised(image: xr.DataArray, normalisation: str) -> xr.DataArray:
    """A reconstruction as the second network gets it, before percentiles are taken.

    Raises
    ------
    ValueError
        If there is no such normalisation.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation={normalisation!r} is unknown; give one of {', '.join(NORMALISATIONS)}")
    return after_reconstruction(image) if normalisation == "clipped" else image


def second_pair(
    acquisition: Acquisition, protocol: Protocol, first: nn.Module, **options
) -> tuple[xr.DataArray, xr.DataArray]:
    """What the second network learns from one acquisition.

    Parameters
    ----------
    acquisition : Acquisition
    protocol : PlanarProtocol or VolumeProtocol
    first : Module
        The trained first network.
    **options
        As in `restored_frames`.

    Returns
    -------
    two DataArrays, ([z,] y, x)
        Reconstruction of the restored frames and of the bright ones, as they are.
    """
    frames = restored_frames(first, acquisition.low, **options)
    return protocol.reconstructed(frames, acquisition.pattern), acquisition.high_image


def stages(
    acquisition: Acquisition,
    protocol: Protocol,
    first: nn.Module,
    second: nn.Module | None = None,
    *,
    normalisation: str = "clipped",
    pattern: Pattern | Callable[[xr.DataArray], Pattern] | None = None,
    cut: bool = False,
    **options,
) -> dict[str, xr.DataArray]:
    """Images of one acquisition: bright, dim, and dim after one and two steps.

    Parameters
    ----------
    acquisition : Acquisition
    protocol : PlanarProtocol or VolumeProtocol
    first, second : Module
        Trained; without a second one the chain ends after the first.
    normalisation : {"clipped", "plain"}
    pattern : Pattern or callable, optional
        Stripes with which the restored frames are reconstructed, or a function that finds them there; by default those
        of the bright frames.
    cut : bool
        As in `refined`.
    **options
        As in `restored_frames`.

    Returns
    -------
    dict
        "high", "low", "step 1" and "step 2", each a DataArray ([z,] y, x), 0 to 65535.
    """
    frames = restored_frames(first, acquisition.low, **options)
    known = acquisition.pattern if pattern is None else pattern(frames) if callable(pattern) else pattern
    one = protocol.reconstructed(frames, known)
    images = {"high": acquisition.high_image, "low": acquisition.low_image, "step 1": one}
    if second is not None:
        images["step 2"] = refined(second, one, normalisation=normalisation, cut=cut, **options)
    return {name: after_reconstruction(image) for name, image in images.items()}


def _applied(network, values, *, tile=None, overlap=None, cut=False, **options):
    dimensions = values.ndim - 1
    tile, overlap = (TILE[dimensions] if tile is None else tile), (OVERLAP[dimensions] if overlap is None else overlap)
    scaled, back = INPUT.scale(values)
    options = {"tile": tile, "overlap": overlap, **options}
    # Back on the scale of its input: where that reaches below zero, 0 for a network is no zero of light.
    answer = np.asarray(tiling.apply(network, scaled, dimensions=dimensions, **options), dtype=float)
    return back(np.clip(answer, 0, 1) if cut else answer)
