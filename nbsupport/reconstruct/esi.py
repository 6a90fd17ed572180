"""ESI, entropy-based super-resolution imaging: how alike and how lively neighbouring pixels fluctuate.

References
----------
yahiatene2015 (the method); napari-superres (the implementation that this follows, but for two slips named below).
"""

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from nbsupport.checks import whole_number
from nbsupport.reconstruct.stacks import framed

_DIAGONALS = (((-1, -1), (1, 1)), ((-1, 1), (1, -1)))
_CORNERS = (((0, 0), (1, 1)), ((0, 1), (1, 0)))
_SMOOTHING_FINE_PX = 0.8


def esi(
    stack: xr.DataArray, *, partial_stacks: int = 10, order: int = 4, bins: int = 100, smoothing: bool = True
) -> xr.DataArray:
    """Image by ESI: cross-entropy times joint central moment of pixel pairs, summed over parts of the stack.

    The stack is scaled to [0, 1] by its own minimum and maximum and cut into consecutive parts. In every part, a pair
    of pixels a, b with intensity histograms p_a, p_b gives −½ Σ (p_a log2 p_b + p_b log2 p_a), without the terms whose
    logarithm is that of 0, times the mean of (a − ā)^n (b − b̄)^n. Each part's image is smoothed and scaled to
    [0, 1]; their sum is returned, so its level counts parts and says nothing about brightness.

    Parameters
    ----------
    stack : DataArray, (frame, y, x)
        Any real type; ``y`` and ``x`` in µm. At least 4 × 4 pixels.
    partial_stacks : int
        Parts of nearly equal length, of at least two frames each.
    order : int
        n, at least 1. The moment is of order n in each of the two pixels.
    bins : int
        Of the histograms, over [0, 1].
    smoothing : bool
        Gaussian of 0.8 fine pixels on every part's image.

    Returns
    -------
    DataArray, (y, x), 1
        On a grid twice as fine, from the second to the second last pixel centre: the outermost pixels lack neighbours.
        0 for a constant stack; never NaN. A point between two pixels takes that pair; between four, the mean of both
        diagonals; on a pixel, the mean of the two diagonals through its neighbours.

    Raises
    ------
    ValueError
        If a parameter cannot be meant, there are too few frames for the parts, or the stack has no grid in µm or a
        value that is not finite.

    Notes
    -----
    Two slips of the implementation are not repeated: it takes the same diagonal twice on a pixel, and centres the
    traces on a weighted sum near 1.5 times their mean.

    References
    ----------
    yahiatene2015.
    """
    partial_stacks = whole_number("partial_stacks", partial_stacks, least=1)
    order, bins = whole_number("order", order, least=1), whole_number("bins", bins, least=2)
    pixel_um, frames = framed(stack, least=4)
    if len(frames) < 2 * partial_stacks:
        raise ValueError(
            f"partial_stacks={partial_stacks} needs {2 * partial_stacks} frames; the stack has {len(frames)}, "
            f"give at most {len(frames) // 2}"
        )
    scaled = _to_unit(frames.numpy())
    images = [_pair_image(part, order, bins) for part in np.array_split(scaled, partial_stacks)]
    if smoothing:
        images = [gaussian_filter(image, _SMOOTHING_FINE_PX) for image in images]
    attrs = {"units": "1", "long_name": "ESI", "partial_stacks": partial_stacks, "order": order, "bins": bins}
    attrs |= {"smoothing": smoothing, "pixel_um": pixel_um, "frames": len(frames)}
    coords = {
        axis: (
            axis,
            float(stack[axis][1]) + pixel_um / 2 * np.arange(2 * stack.sizes[axis] - 5),
            {"units": "µm", **stack[axis].attrs},
        )
        for axis in ("y", "x")
    }
    return xr.DataArray(sum(map(_to_unit, images)), dims=("y", "x"), coords=coords, name="esi", attrs=attrs)


def pair_value(a: np.ndarray, b: np.ndarray, *, order: int = 4, bins: int = 100) -> np.ndarray:
    """Cross-entropy times joint central moment of pairs of traces.

    Parameters
    ----------
    a, b : array, (frame, …), 0 to 1
    order, bins : int
        As for `esi`.

    Returns
    -------
    array, (…)
        The same if a and b change places; 0 where a trace is constant.
    """
    moment = ((a - a.mean(0)) ** order * (b - b.mean(0)) ** order).mean(0)
    return _cross_entropy(_histograms(a, bins), _histograms(b, bins)) * moment


def _pair_image(frames, order, bins):
    """Values of all pairs of one part on the doubled grid, (2 y − 5, 2 x − 5)."""
    height, width = (size - 2 for size in frames.shape[1:])

    def pair(ends, rows, columns):
        a, b = (frames[:, 1 + y : 1 + y + rows, 1 + x : 1 + x + columns] for y, x in ends)
        return pair_value(a, b, order=order, bins=bins)

    image = np.empty((2 * height - 1, 2 * width - 1))
    image[::2, ::2] = np.mean([pair(ends, height, width) for ends in _DIAGONALS], axis=0)
    image[::2, 1::2] = pair(((0, 0), (0, 1)), height, width - 1)
    image[1::2, ::2] = pair(((0, 0), (1, 0)), height - 1, width)
    image[1::2, 1::2] = np.mean([pair(ends, height - 1, width - 1) for ends in _CORNERS], axis=0)
    return image


def _histograms(frames, bins):
    """Share of frames in each of `bins` equal bins over [0, 1], (…, bin)."""
    filled = np.minimum((frames * bins).astype(int), bins - 1).reshape(len(frames), -1)
    cells = np.arange(filled.shape[1]) * bins + filled
    counts = np.bincount(cells.ravel(), minlength=filled.shape[1] * bins)
    return counts.reshape(*frames.shape[1:], bins) / len(frames)


def _cross_entropy(p, q):
    bits = [np.log2(chance, out=np.zeros_like(chance), where=chance > 0) for chance in (p, q)]
    return -0.5 * (np.einsum("...i,...i", p, bits[1]) + np.einsum("...i,...i", q, bits[0]))


def _to_unit(values):
    """Values scaled to [0, 1] by their extremes; 0 where all are equal."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)
