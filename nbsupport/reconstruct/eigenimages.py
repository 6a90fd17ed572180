"""Tensor side of MUSICAL: windows, their eigenimages, test vectors and the indicator, float64 on any device.

Everything here takes and gives tensors; `nbsupport.reconstruct.musical` says what they mean in a stack.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import j1

NOISE_FLOOR = 1e-12  # least PN as a fraction of |g|²: the indicator of a noise-free emitter stays finite
TILE_BYTES = 64e6  # working memory of one tile of windows; larger tiles leave the processor's cache
TRUSTED_GAP = 1e-8  # eigenvalue gap, relative to the largest, below which the Gram matrix has lost the subspace
TRUSTED_PN = 1e-6  # PN relative to the largest |g|² below which a difference no longer gives it to 1e-7


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
    norm2: torch.Tensor  # (fine²,), |g|²
    interpolation: torch.Tensor  # (fine, node), from nodes to fine grid along one axis


def window_weights(window_px: int) -> torch.Tensor:
    """Gaussian weights of the window pixels, (window, window), peak 1, variance floor(window / 2) px²."""
    half = window_px // 2
    offset2 = (torch.arange(window_px, dtype=torch.float64) - half) ** 2
    return torch.exp(-(offset2[:, None] + offset2) / (2 * half))


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

    PS is band-limited: its cut-off, 4 NA/λ, is twice that of the point spread function. A polynomial through as many
    Chebyshev nodes as that frequency turns, in radians, over half the window, and 20 more, gives it to rounding.

    Parameters
    ----------
    optics : Optics
    pixel_um : float
    window_px, subpixels : int
    device : str or device

    Returns
    -------
    Dictionary
        With the fine grid itself as nodes where that has fewer points.
    """
    fine = fine_offsets(window_px, subpixels)
    phase = 4 * np.pi * optics.numerical_aperture / optics.wavelength_um * window_px * pixel_um
    count = math.ceil(phase) + 20
    if count < len(fine):
        angles = (np.arange(count) + 0.5) * np.pi / count
        nodes, orders = np.cos(angles) * window_px / 2, np.arange(count)
        series = np.cos(np.arccos(fine[:, None] * 2 / window_px) * orders) * np.where(orders, 2, 1) / count
        interpolation = series @ np.cos(angles * orders[:, None])
    else:
        nodes, interpolation = fine, np.eye(len(fine))
    at_fine = airy_dictionary(optics, pixel_um, window_px, fine * pixel_um)
    weights = window_weights(window_px).reshape(-1, 1) / at_fine.max()
    at_fine *= weights
    at_nodes = airy_dictionary(optics, pixel_um, window_px, nodes * pixel_um) * weights
    tensors = at_nodes, at_fine, at_fine.square().sum(0), torch.from_numpy(interpolation)
    return Dictionary(window_px, subpixels, *(tensor.to(device) for tensor in tensors))


def weighted_windows(frames, window_px, top, left, height, width):
    """Windows of a tile times the window weights, as matrices (height · width, window², frame).

    Parameters
    ----------
    frames : Tensor, (frame, y, x)
    window_px : int
    top, left, height, width : int
        First window of the tile, by its upper left pixel, and number of windows down and across.
    """
    part = frames[:, top : top + height + window_px - 1, left : left + width + window_px - 1]
    windows = part.unfold(1, window_px, 1).unfold(2, window_px, 1).permute(1, 2, 3, 4, 0)
    weights = window_weights(window_px).to(frames)[:, :, None]
    return (windows * weights).reshape(height * width, window_px**2, len(frames))


def hard_dimension(sigma, log10_sigma0):
    """Signal dimension, (…,), from singular values descending along the last axis, (…, window²)."""
    dimension = (sigma >= 10.0**log10_sigma0).sum(-1) + 1
    full = sigma.shape[-1]
    return torch.where(dimension >= full, full - 3, dimension)


def _signal_weights(sigma, threshold):
    """Weight of each eigenimage in PS, 0 to 1, shaped as `sigma` (descending)."""
    if isinstance(threshold, SoftThreshold):
        return 1 / (1 + (10.0**threshold.log10_sigma0 / sigma) ** threshold.order)
    dimension = hard_dimension(sigma, threshold)
    return (torch.arange(sigma.shape[-1], device=sigma.device) < dimension[:, None]).to(sigma)


def subspaces(windows, threshold):
    """Eigenimages of windows and how far each counts as signal.

    The Gram matrix is fast but squares the condition number. Where the split falls between eigenvalues closer than
    rounding can separate well, the window itself is decomposed.

    Parameters
    ----------
    windows : Tensor, (window, pixel, frame)
    threshold : float (log10 of σ0) or SoftThreshold

    Returns
    -------
    eigenimages : Tensor, (window, pixel, eigenimage)
        Orthonormal, in descending order of singular values, as many as pixels.
    weight : Tensor, (window, eigenimage)
        0 to 1; 0 for eigenimages without light, which are arbitrary.
    """
    eigenvalues, eigenimages = torch.linalg.eigh(windows @ windows.mT)
    eigenvalues, eigenimages = eigenvalues.flip(-1).clamp(min=0), eigenimages.flip(-1)
    weight = _signal_weights(eigenvalues.sqrt(), threshold)
    if isinstance(threshold, SoftThreshold):
        gap = torch.full_like(eigenvalues[:, 0], 100.0**threshold.log10_sigma0)
    else:
        last = weight.sum(-1, keepdim=True).long()
        gap = (eigenvalues.gather(1, last - 1) - eigenvalues.gather(1, last))[:, 0]
    doubtful = gap <= TRUSTED_GAP * eigenvalues[:, 0]
    if doubtful.any():
        pixels, frames = windows.shape[1:]
        complete = torch.nn.functional.pad(windows[doubtful], (0, max(0, pixels - frames)))
        images, sigma, _ = torch.linalg.svd(complete, full_matrices=False)
        rounding = max(pixels, frames) * torch.finfo(sigma.dtype).eps
        eigenimages[doubtful] = images
        weight[doubtful] = _signal_weights(sigma, threshold) * (sigma > rounding * sigma[:, :1])
    return eigenimages, weight


def indicator(eigenimages, weight, vectors, alpha):
    """(PS/PN)^(alpha/2) of every window at every test point.

    PN is |g|² − PS. Windows where that difference is too small to be accurate sum PN over the noise eigenimages.

    Parameters
    ----------
    eigenimages, weight : Tensor
        From `subspaces`.
    vectors : Dictionary
    alpha : float

    Returns
    -------
    Tensor, (fine², window)
    """
    needed = int((weight > 0).sum(-1).max())
    fine, node = vectors.interpolation.shape
    projection = eigenimages[:, :, :needed].mT @ vectors.at_nodes
    signal = (weight[:, None, :needed] @ projection.square_())[:, 0].T.reshape(node, -1)
    signal = (vectors.interpolation @ signal).reshape(fine, node, -1)
    signal = (vectors.interpolation @ signal).reshape(fine**2, -1).clamp_(min=0)
    norm2 = vectors.norm2[:, None]
    noise = norm2 - signal
    inaccurate = (noise.amin(0) < TRUSTED_PN * norm2.max()).nonzero()[:, 0]
    for block in inaccurate.split(max(1, int(TILE_BYTES / (8 * vectors.at_fine.numel())))):
        projection = eigenimages[block].mT @ vectors.at_fine
        noise[:, block] = ((1 - weight[block])[:, None] @ projection.square_())[:, 0].T
        signal[:, block] = (norm2 - noise[:, block]).clamp_(min=0)
    return signal.div_(torch.maximum(noise, NOISE_FLOOR * norm2, out=noise)).pow_(alpha / 2)


def stitched_indicator(
    frames: torch.Tensor,
    vectors: Dictionary,
    threshold: float | SoftThreshold,
    alpha: float,
    progress: Callable[[float], None],
) -> torch.Tensor:
    """Mean of the indicator over all windows inside the frames that cover a test point.

    Parameters
    ----------
    frames : Tensor, (frame, y, x)
    vectors : Dictionary
    threshold : float (log10 of σ0) or SoftThreshold
    alpha : float
    progress : callable

    Returns
    -------
    Tensor, (y · subpixels, x · subpixels)
    """
    window_px, subpixels = vectors.window_px, vectors.subpixels
    rows, columns = (size - window_px + 1 for size in frames.shape[1:])
    image = frames.new_zeros([size * subpixels for size in frames.shape[1:]])
    floats = window_px**2 * (len(frames) + 3 * window_px**2 + vectors.at_nodes.shape[1]) + 4 * len(vectors.norm2)
    for top, left, height, width in tiles(rows, columns, floats, progress):
        windows = weighted_windows(frames, window_px, top, left, height, width)
        patches = indicator(*subspaces(windows, threshold), vectors, alpha)
        reach = [(size + window_px - 1) * subpixels for size in (height, width)]
        y, x = top * subpixels, left * subpixels
        image[y : y + reach[0], x : x + reach[1]] += torch.nn.functional.fold(
            patches[None], reach, window_px * subpixels, stride=subpixels
        )[0, 0]
    for axis, centres in enumerate((rows, columns)):
        covered = _windows_covering(centres, window_px).repeat_interleave(subpixels).to(image)
        image /= covered.unsqueeze(1 - axis)
    return image


def _windows_covering(centres, window_px):
    """How many of `centres` adjacent windows cover each pixel along one axis, (centres + window − 1,)."""
    return torch.nn.functional.conv_transpose1d(torch.ones(1, 1, centres), torch.ones(1, 1, window_px))[0, 0]


def tiles(
    rows: int, columns: int, floats_per_window: int, progress: Callable[[float], None]
) -> Iterator[tuple[int, int, int, int]]:
    """Top, left, height and width of tiles of windows that each fit the working memory, reporting what is done."""
    side = max(1, math.isqrt(int(TILE_BYTES / (8 * floats_per_window))))
    for top in range(0, rows, side):
        for left in range(0, columns, side):
            height, width = min(side, rows - top), min(side, columns - left)
            yield top, left, height, width
            progress((top * columns + height * (left + width)) / (rows * columns))
