"""How far a volume agrees with the truth, across the optical axis and along it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from nbsupport.optics import pixel_size_um

from .crossings import agreement_limit

_SMALLEST = {"z": 4, "y": 16, "x": 16}


class Cutoffs(NamedTuple):
    """Frequencies at which agreement with the truth is lost.

    Parameters
    ----------
    across, along : float, cycles per µm
        In planes, and along the optical axis.
    """

    across: float
    along: float


def volume_correlation(truth: xr.DataArray, image: xr.DataArray) -> xr.DataArray:
    """Correlation of the spectra of two volumes over lateral and axial frequency.

    At each axial frequency by itself, sums run over rings of lateral frequency one pixel of the spectrum wide:
    ``Re sum(F1 conj(F2)) / sqrt(sum |F1|^2 sum |F2|^2)``, Fourier ring correlation with a second axis. Volumes are
    windowed (Hann in planes, Blackman along the axis) after their weighted mean is taken off.

    Parameters
    ----------
    truth, image : DataArray, (z, y, x), any unit, one shape, square planes
        Voxel centres in µm as coordinates, evenly spaced; at least 4 planes of 16 px.

    Returns
    -------
    DataArray, (along, across), -1 to 1
        Frequencies in cycles per µm as coordinates, from 0 to below the Nyquist frequencies; 0 where nothing is, as at
        both frequencies 0.
        Unchanged if a volume is multiplied by a positive number or gets an offset.

    Raises
    ------
    ValueError
        If the volumes do not fit together, are too small or have planes that are not square.
    """
    truth, image = truth.transpose("z", "y", "x"), image.transpose("z", "y", "x")
    _checked(truth, image)
    planes, side = truth.shape[:2]
    in_plane = np.hanning(side)
    # zeros at the very ends would waste two of few planes
    window = np.multiply.outer(np.blackman(planes + 2)[1:-1], np.multiply.outer(in_plane, in_plane))
    first, second = (_spectrum(volume.values.astype(float), window) for volume in (truth, image))
    powers = [_ring_sums(np.abs(spectrum) ** 2) for spectrum in (first, second)]
    scale = np.sqrt(powers[0] * powers[1])
    product = _ring_sums((first * second.conj()).real)
    values = np.divide(product, scale, out=np.zeros_like(product), where=scale > 1e-14 * scale.max())
    z_um, lateral_um = float(truth.z[1] - truth.z[0]), pixel_size_um(truth)
    coords = {
        "along": np.arange(values.shape[0]) / (planes * z_um),
        "across": np.arange(values.shape[1]) / (side * lateral_um),
    }
    return xr.DataArray(values, dims=("along", "across"), coords=coords)


def volume_cutoffs(
    correlation: xr.DataArray, *, lateral_limit_per_um: float = np.inf, threshold: float = 1 / 7
) -> Cutoffs:
    """Where the correlation of two volumes is lost, across the axis and along it.

    Parameters
    ----------
    correlation : DataArray, (along, across)
        From `volume_correlation`.
    lateral_limit_per_um : float, cycles per µm
        Along the axis, only rings of lateral frequency up to this one count: those at which the lens sees anything.
    threshold : float, 0 to 1

    Returns
    -------
    Cutoffs
        Across: where the correlation at axial frequency 0 falls through the threshold. Along: where its mean over the
        rings does. Ring 0, which depends on the window, never counts. 0 if a curve begins below the threshold, the
        highest frequency if it never falls. One step along the axis is 1 / (planes × distance).

    Raises
    ------
    ValueError
        If `threshold` is out of range or no ring lies within `lateral_limit_per_um`.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold={threshold} must lie between 0 and 1")
    rings = correlation.isel(across=slice(1, None))
    seen = rings.sel(across=slice(None, lateral_limit_per_um))
    if not seen.sizes["across"]:
        step = float(rings.across[0])
        raise ValueError(f"lateral_limit_per_um={lateral_limit_per_um} is below the first ring, {step:.3g} per µm")
    across = agreement_limit(rings.across.values, rings.isel(along=0).values - threshold)
    along = agreement_limit(seen.along.values, seen.mean("across").values - threshold)
    return Cutoffs(across, along)


def _checked(truth, image):
    if truth.shape != image.shape:
        raise ValueError(f"image {image.shape} and truth {truth.shape} differ in shape")
    if truth.sizes["y"] != truth.sizes["x"]:
        raise ValueError(f"truth {truth.shape} must have square planes")
    for axis, least in _SMALLEST.items():
        if truth.sizes[axis] < least:
            raise ValueError(f"truth has {truth.sizes[axis]} px along {axis}; at least {least} are needed")


def _spectrum(values, window):
    return np.fft.fftn((values - np.average(values, weights=window)) * window)


def _ring_sums(values):
    """Sums over rings of lateral frequency, one row per axial frequency from 0 up."""
    planes, side = values.shape[:2]
    index = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(index[:, None], index)).astype(int).ravel()
    return np.array([np.bincount(ring, weights=layer.ravel())[: side // 2] for layer in values[: planes // 2]])
