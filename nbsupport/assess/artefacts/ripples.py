"""Ripples and lattices."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.optics import pixel_size_um

from .geometry import Truth, checked_image, distance_to_structure, positive_um, same_grid


def ringing(truth: Truth, image: xr.DataArray, *, near_um: float = 0.1, clear_um: float = 0.3) -> float:
    """Standard deviation in structure-free regions over the mean signal of the structures.

    Parameters
    ----------
    truth : Sample, ndarray (n, 2 or 3) or DataArray of bool (y, x)
        As in `distance_to_structure`.
    image : DataArray, (y, x), coordinates in µm
        Taken as it is, negative values included.
    near_um, clear_um : float
        Pixels within the first of a structure are signal, those farther than the second are free of structure, µm.
        Choose the second larger than the point spread function, or its flanks count as ripples.

    Returns
    -------
    float, 0 or more
        NaN if one of the two regions is empty or the mean signal is not positive. Independent of the scale of
        intensity and of a common shift; an offset lowers it. It does not tell ripples from noise: `pattern_peak` does.

    Raises
    ------
    ValueError
        If `near_um` is not below `clear_um`.
    """
    if not positive_um("near_um", near_um) < positive_um("clear_um", clear_um):
        raise ValueError(f"near_um={near_um!r} must lie below clear_um={clear_um!r}")
    distance = distance_to_structure(truth, image, up_to_um=clear_um).values
    image = checked_image("image", image).values
    signal, free = image[distance <= near_um], image[distance > clear_um]
    if not signal.size or not free.size or signal.mean() <= 0:
        return float("nan")
    return float(free.std() / signal.mean())


def pattern_peak(
    truth: xr.DataArray, estimate: xr.DataArray, wave_vectors_per_um, *, where: xr.DataArray | None = None
) -> xr.DataArray:
    """Power of the residual at the illumination wave vectors over the median power of the same ring.

    The residual estimate - truth loses its mean, is tapered by a Hann window, and its spectrum is evaluated exactly at
    every wave vector and at every sum and difference of two of them below the Nyquist frequency. The median is taken
    over the Fourier pixels within half a pixel of the same radius.

    Parameters
    ----------
    truth, estimate : DataArray, (y, x), coordinates in µm
        In one scale of intensity; fit the estimate to the truth before, if its scale is arbitrary.
    wave_vectors_per_um : array_like, (n, 2), cycles/µm
        (kx, ky) of the illumination patterns.
    where : DataArray of bool, (y, x), optional
        Part of the image that counts, for example what is empty in the truth; it should be smooth in outline, for its
        edges spread every peak.

    Returns
    -------
    DataArray over "peak"
        The power ratio, 0 or more, with coordinates ``kx``, ``ky`` in cycles/µm and ``order``, 1 for the vectors
        themselves and 2 for sums. Independent of the scale of intensity common to both images. White noise has the
        mean 1/ln 2 = 1.44, since the median of an exponential distribution lies below its mean.

    Raises
    ------
    ValueError
        If the grids differ, a wave vector is 0 or beyond the Nyquist frequency, or estimate and truth are equal.
    """
    truth, estimate = checked_image("truth", truth), checked_image("estimate", estimate)
    same_grid("truth and estimate", truth, estimate)
    pixel_um, vectors = pixel_size_um(truth), np.atleast_2d(np.asarray(wave_vectors_per_um, dtype=float))
    lengths = np.linalg.norm(vectors, axis=1)
    if vectors.shape[1:] != (2,) or not np.all((lengths > 0) & (lengths <= 0.5 / pixel_um)):
        raise ValueError(f"wave_vectors_per_um must be (n, 2), not 0 and within {0.5 / pixel_um:g} cycles/um")
    residual = _tapered(estimate.values - truth.values, where)
    if not residual.any():
        raise ValueError("estimate and truth are equal where they count; there is no residual")
    peaks, order = _with_sums(vectors, 0.5 / pixel_um)
    power = _power_at(residual, peaks, truth.y.values, truth.x.values) / _ring_medians(residual, peaks, pixel_um)
    coords = {"kx": ("peak", peaks[:, 0]), "ky": ("peak", peaks[:, 1]), "order": ("peak", order)}
    return xr.DataArray(power, dims="peak", coords=coords, attrs={"units": "1"})


def _tapered(residual: np.ndarray, where: xr.DataArray | None) -> np.ndarray:
    window = np.outer(*(np.hanning(n + 2)[1:-1] for n in residual.shape))
    if where is not None:
        window = window * where.transpose("y", "x").values.astype(float)
    if not window.any():
        raise ValueError("where leaves no pixel that counts")
    return (residual - np.average(residual, weights=window)) * window


def _with_sums(vectors: np.ndarray, nyquist: float) -> tuple[np.ndarray, np.ndarray]:
    i, j = np.triu_indices(len(vectors), 1)
    sums = np.concatenate([vectors[i] + vectors[j], vectors[i] - vectors[j]])
    length = np.linalg.norm(sums, axis=1)
    sums = sums[(length > 1e-9 * nyquist) & (length <= nyquist)]
    return np.concatenate([vectors, sums]), np.repeat([1, 2], [len(vectors), len(sums)])


def _power_at(values: np.ndarray, vectors: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    waves_y = np.exp(-2j * np.pi * np.outer(vectors[:, 1], y))
    waves_x = np.exp(-2j * np.pi * np.outer(vectors[:, 0], x))
    return np.abs(np.einsum("ky,yx,kx->k", waves_y, values, waves_x, optimize=True)) ** 2


def _ring_medians(values: np.ndarray, vectors: np.ndarray, pixel_um: float) -> np.ndarray:
    frequencies = (np.fft.fftfreq(n, pixel_um) for n in values.shape)
    radius = np.hypot(*np.meshgrid(*frequencies, indexing="ij"))
    half_per_um = 0.5 / (min(values.shape) * pixel_um)
    power = np.abs(np.fft.fft2(values)) ** 2
    return np.array(
        [np.median(power[np.abs(radius - length) <= half_per_um]) for length in np.linalg.norm(vectors, axis=1)]
    )
