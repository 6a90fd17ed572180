"""Tensor side of MUSICAL: test vectors, eigenimages and the indicator of a tile of windows, float64 on any device.

Everything here takes and gives tensors; `nbsupport.reconstruct.musical` says what they mean in a stack.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import j1

from nbsupport.bandlimit import key_points
from nbsupport.reconstruct.windows import (
    Tile,
    gram_matrices,
    over_tiles,
    overlap_add,
    weighted_windows,
    window_weights,
    windows_covering,
)

NOISE_FLOOR = 1e-12  # least PN as a fraction of |g|²: the indicator of a noise-free emitter stays finite
TRUSTED_GAP = 1e-7  # eigenvalue gap, relative to the largest, below which the Gram matrix has lost the subspace
TRUSTED_PN = 1e-8  # PN, relative to the largest |g|², below which Gram matrix and interpolation lose its sixth digit
NODE_TOLERANCE = 1e-12  # of the points between which PS is interpolated; leaves 2e-15 of the largest |g|²


@dataclass(frozen=True)
class SoftThreshold:
    """The surrogate S(q) of a soft threshold: weight σ^q / (σ^q + σ0^q) for each eigenimage.

    The equations of the published soft MUSICAL are not openly available; this is a stand-in, not that method. For
    order → ∞ it tends to a hard threshold that keeps exactly the singular values above σ0.

    Parameters
    ----------
    order : float
        q, positive.
    log10_sigma0 : float
        Base-10 logarithm of σ0; singular values are those of the weighted window after division by the stack maximum.
    """

    order: float = 2.0
    log10_sigma0: float = -1.0

    def __post_init__(self):
        if not (math.isfinite(self.order) and self.order > 0):
            raise ValueError(f"order={self.order!r} of a soft threshold must be a positive number, such as 2")
        if not math.isfinite(self.log10_sigma0):
            raise ValueError(f"log10_sigma0={self.log10_sigma0!r} must be finite; it is a logarithm, such as -1")


@dataclass(frozen=True)
class Dictionary:
    """Weighted test vectors of one window on the nodes where PS is computed and on the fine grid."""

    window_px: int
    subpixels: int
    at_nodes: torch.Tensor  # (window², node²)
    at_fine: torch.Tensor  # (window², fine²)
    norm2: torch.Tensor  # (fine, 1, fine), |g|²; the middle axis is for windows
    interpolation: torch.Tensor  # (fine, node), from nodes to fine grid along one axis


def airy_dictionary(optics, pixel_um, window_px, points_um):
    """In-focus Airy pattern (J1(u)/u)² between the pixels of a window and a square grid of test points.

    Parameters
    ----------
    optics : Optics
    pixel_um : float
    window_px : int
    points_um : array, (point,), µm
        Test points along one axis, from the window centre.

    Returns
    -------
    Tensor, (window², point²), 1
        0.25 at distance 0; rows and columns in row-major order.
    """
    centres_um = (np.arange(window_px) - window_px // 2) * pixel_um
    distance2 = (centres_um[:, None] - points_um) ** 2
    distance_um = np.sqrt(distance2[:, None, :, None] + distance2[None, :, None, :])
    u = 2 * np.pi * optics.numerical_aperture / optics.wavelength_um * distance_um
    amplitude = np.divide(j1(u), u, out=np.full_like(u, 0.5), where=u > 0)
    return torch.from_numpy(amplitude**2).reshape(window_px**2, len(points_um) ** 2)


def fine_offsets(window_px, subpixels):
    """Sub-pixel centres along one axis from the window centre, (window · subpixels,), raw pixels."""
    return (np.arange(window_px * subpixels) + 0.5) / subpixels - window_px / 2


def dictionary(optics, pixel_um, window_px, subpixels, device):
    """Test vectors divided by the largest entry on the fine grid and multiplied by the window weights.

    PS is band-limited: its cut-off, 4 NA/λ, is twice that of the point spread function. Some 30 of the fine points
    along an axis, the nodes, therefore give it at all others.

    Parameters
    ----------
    optics : Optics
    pixel_um : float
    window_px, subpixels : int
    device : str or device

    Returns
    -------
    Dictionary
    """
    offsets_um = fine_offsets(window_px, subpixels) * pixel_um
    cutoff_per_um = 4 * optics.numerical_aperture / optics.wavelength_um
    nodes, interpolation = key_points(offsets_um, cutoff_per_um, tolerance=NODE_TOLERANCE)
    at_fine = airy_dictionary(optics, pixel_um, window_px, offsets_um)
    at_fine *= window_weights(window_px).reshape(-1, 1) / at_fine.max()
    fine = len(offsets_um)
    at_nodes = at_fine.view(-1, fine, fine)[:, nodes][:, :, nodes].flatten(1)
    norm2 = at_fine.square().sum(0).view(fine, 1, fine)
    tensors = at_nodes, at_fine, norm2, torch.from_numpy(interpolation)
    return Dictionary(window_px, subpixels, *(tensor.to(device) for tensor in tensors))


def hard_dimension(sigma, log10_sigma0):
    """Signal dimension, (…,), from singular values in any order along the last axis, (…, window²)."""
    dimension = (sigma >= 10.0**log10_sigma0).sum(-1) + 1
    full = sigma.shape[-1]
    return torch.where(dimension >= full, full - 3, dimension)


def _signal_weights(sigma, threshold):
    """Weight of each eigenimage in PS, 0 to 1, shaped as `sigma` (ascending)."""
    if isinstance(threshold, SoftThreshold):
        return 1 / (1 + (10.0**threshold.log10_sigma0 / sigma) ** threshold.order)
    full = sigma.shape[-1]
    return (torch.arange(full, 0, -1, device=sigma.device) <= hard_dimension(sigma, threshold)[:, None]).to(sigma)


def subspaces(grams, threshold, exact):
    """Eigenimages of windows and how far each counts as signal.

    The Gram matrix is fast but squares the condition number. Where the split falls between eigenvalues closer than
    rounding can separate well, the window itself is decomposed.

    Parameters
    ----------
    grams : Tensor, (window, pixel, pixel)
    threshold : float (log10 of σ0) or SoftThreshold
    exact : callable
        Takes a mask of windows, (window,), and gives what `decomposed` gives for them.

    Returns
    -------
    eigenimages, weight : Tensor
        As from `decomposed`.
    """
    eigenvalues, eigenimages = torch.linalg.eigh(grams)
    eigenvalues = eigenvalues.clamp_(min=0)
    weight = _signal_weights(eigenvalues.sqrt(), threshold)
    if isinstance(threshold, SoftThreshold):
        gap = torch.full_like(eigenvalues[:, 0], 100.0**threshold.log10_sigma0)
    else:
        least = (weight == 0).sum(-1, keepdim=True)
        gap = (eigenvalues.gather(1, least) - eigenvalues.gather(1, least - 1))[:, 0]
    doubtful = gap <= TRUSTED_GAP * eigenvalues[:, -1]
    if doubtful.any():
        eigenimages[doubtful], weight[doubtful] = exact(doubtful)
    return eigenimages, weight


def decomposed(windows, threshold):
    """Eigenimages of windows by singular value decomposition, and how far each counts as signal.

    Parameters
    ----------
    windows : Tensor, (window, pixel, frame)
    threshold : float (log10 of σ0) or SoftThreshold

    Returns
    -------
    eigenimages : Tensor, (window, pixel, eigenimage)
        Orthonormal, in ascending order of singular values, as many as pixels.
    weight : Tensor, (window, eigenimage)
        0 to 1; 0 for eigenimages without light, which are arbitrary.
    """
    pixels, frames = windows.shape[1:]
    complete = torch.nn.functional.pad(windows, (0, max(0, pixels - frames)))
    images, sigma, _ = torch.linalg.svd(complete, full_matrices=False)
    images, sigma = images.flip(-1), sigma.flip(-1)
    rounding = max(pixels, frames) * torch.finfo(sigma.dtype).eps
    return images, _signal_weights(sigma, threshold) * (sigma > rounding * sigma[:, -1:])


def projections(eigenimages, weight, vectors):
    """Weighted sum of the squared projections of the test vectors on eigenimages.

    Parameters
    ----------
    eigenimages : Tensor, (window, pixel, eigenimage)
    weight : Tensor, (window, eigenimage)
    vectors : Dictionary

    Returns
    -------
    Tensor, (fine, window, fine)
    """
    windows = len(eigenimages)
    fine, node = vectors.interpolation.shape
    used = weight > 0
    rows = (eigenimages * weight.sqrt()[:, None]).mT[used]
    squares = (rows @ vectors.at_nodes).square_()
    squares = squares.new_zeros(windows, node**2).index_add_(0, used.nonzero()[:, 0], squares)
    squares = squares.view(windows, node, node).transpose(0, 1).reshape(node, -1)
    squares = (vectors.interpolation @ squares).view(-1, node) @ vectors.interpolation.T
    return squares.view(fine, windows, fine)


def indicator(eigenimages, weight, vectors, alpha, exact):
    """(PS/PN)^(alpha/2) of every window at every test point.

    Each window is projected on the smaller of its two subspaces; the other projection is the difference to |g|².
    Windows where PN becomes too small for that to be accurate are decomposed themselves and sum PN over their noise
    eigenimages.

    Parameters
    ----------
    eigenimages, weight : Tensor
        From `subspaces`.
    vectors : Dictionary
    alpha : float
    exact : callable
        As for `subspaces`.

    Returns
    -------
    Tensor, (fine, window, fine)
    """
    by_signal = (weight > 0).sum(-1) <= (weight < 1).sum(-1)
    noise = projections(eigenimages, torch.where(by_signal[:, None], weight, 1 - weight), vectors)
    signal = vectors.norm2 - noise
    signal[:, by_signal], noise[:, by_signal] = noise[:, by_signal], signal[:, by_signal]
    signal.clamp_(min=0)
    inaccurate = noise.amin((0, 2)) < TRUSTED_PN * vectors.norm2.max()
    if inaccurate.any():
        for window, images, share in zip(inaccurate.nonzero()[:, 0].tolist(), *exact(inaccurate), strict=True):
            used = share < 1
            projection = images[:, used].mT @ vectors.at_fine
            noise[:, window] = ((1 - share[used]) @ projection.square_()).view_as(noise[:, window])
            signal[:, window] = (vectors.norm2[:, 0] - noise[:, window]).clamp_(min=0)
    return signal.div_(torch.maximum(noise, NOISE_FLOOR * vectors.norm2, out=noise)).pow_(alpha / 2)


def floats_per_window(vectors: Dictionary) -> int:
    """Working memory of one window, in float64 numbers: Gram matrix and eigenimages, projections, patch."""
    pixels, nodes = vectors.at_nodes.shape
    return 2 * pixels**2 + pixels * nodes // 2 + 3 * vectors.norm2.numel()


def stitched_indicator(
    pixels: torch.Tensor,
    vectors: Dictionary,
    threshold: float | SoftThreshold,
    alpha: float,
    progress: Callable[[float], None],
) -> torch.Tensor:
    """Mean of the indicator over all windows inside the frames that cover a test point.

    Parameters
    ----------
    pixels : Tensor, (y, x, frame)
    vectors : Dictionary
    threshold : float (log10 of σ0) or SoftThreshold
    alpha : float
    progress : callable

    Returns
    -------
    Tensor, (y · subpixels, x · subpixels)
    """
    window_px, subpixels = vectors.window_px, vectors.subpixels

    def patch(tile: Tile) -> torch.Tensor:
        def exact(which: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return decomposed(weighted_windows(pixels, window_px, tile, which), threshold)

        found = subspaces(gram_matrices(pixels, window_px, tile), threshold, exact)
        return overlap_add(indicator(*found, vectors, alpha, exact), window_px, tile)

    rows, columns = (size - window_px + 1 for size in pixels.shape[:2])
    image = pixels.new_zeros([size * subpixels for size in pixels.shape[:2]])
    for tile, total in over_tiles(patch, rows, columns, floats_per_window(vectors), pixels.device, progress):
        y, x = tile.top * subpixels, tile.left * subpixels
        image[y : y + total.shape[0], x : x + total.shape[1]] += total
    for axis, centres in enumerate((rows, columns)):
        covered = windows_covering(centres, window_px).repeat_interleave(subpixels).to(image)
        image /= covered.unsqueeze(1 - axis)
    return image
