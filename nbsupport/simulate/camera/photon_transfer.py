"""Photon transfer: gain and read noise of a camera from the line of variance over mean that its frames draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbsupport.checks import whole_number

from ._checks import checked, pixel_map


@dataclass(frozen=True)
class PhotonTransfer:
    """The line ``variance = gain · mean + read_variance``.

    Attributes
    ----------
    gain, gain_sd : float
        ADU per photon, and its standard error.
    read_variance, read_variance_sd : float
        Variance at mean 0, ADU², and its standard error. An offset that was taken too low by d lowers it by gain · d.
    reduced_chi2 : float
        Squared residuals over their variance, per degree of freedom. Above 1 the points lie off a line by more than
        their errors explain, and the standard errors above have been raised by its square root.
    """

    gain: float
    gain_sd: float
    read_variance: float
    read_variance_sd: float
    reduced_chi2: float

    @property
    def read_noise(self) -> float:
        """Standard deviation without light, ADU; NaN where the fitted variance is negative."""
        return float(np.sqrt(self.read_variance)) if self.read_variance >= 0 else float("nan")

    def variance(self, mean):
        """Variance that the line gives at these means, ADU²."""
        return self.gain * np.asarray(mean) + self.read_variance


def transfer_points(frames: xr.DataArray, *, offset=0.0, read_variance=0.0, bins: int = 1, inside=None) -> xr.Dataset:
    """Mean and variance over time of groups of pixels.

    The variance comes from differences of neighbouring frames, which slow changes of the light (bleaching, drift)
    hardly touch. With several bins, pixels are sorted by brightness in one half of the frames and measured in the
    other, and the halves change places: sorting by the very values that are measured would tilt the line.

    Parameters
    ----------
    frames : DataArray, ("frame", "y", "x"), ADU
        At least 2 frames, or 4 if there are several bins; an incomplete last pair is left out.
    offset : float or array (y, x)
        ADU, subtracted from the mean.
    read_variance : float or array (y, x)
        ADU², subtracted from the variance: 0 leaves the read noise in, a calibrated map takes it out.
    bins : int
        Groups of equally many pixels, 1 or more; 1 suits a flat field.
    inside : array of bool, (y, x), optional
        Pixels to use.

    Returns
    -------
    Dataset with dimension "level"
        ``mean`` (ADU), ``variance`` (ADU²), ``standard_error`` of the variance (ADU², from the scatter over pixels) and
        ``pixels``, the number of pixels in the group. `xarray.concat` joins several.

    Raises
    ------
    ValueError
        If dimensions or units are wrong, frames or pixels are too few, or a map has the wrong shape.

    References
    ----------
    laine2021, Box 2 (the noise model whose line this is).
    """
    values = checked("frames", frames, signed=True)
    if frames.dims != ("frame", "y", "x") or frames.attrs.get("units") != "ADU":
        raise ValueError(f'frames is {frames.dims} in {frames.attrs.get("units")!r}; give ("frame", "y", "x") in "ADU"')
    bins = whole_number("bins", bins, least=1)
    least = 2 if bins == 1 else 4
    if len(values) < least:
        raise ValueError(f"frames holds {len(values)} frame(s); bins={bins} needs at least {least}")
    offset, read_variance = (
        pixel_map(name, np.broadcast_to(given, values.shape[1:]) if np.ndim(given) == 0 else given, values.shape[1:])
        for name, given in (("offset", offset), ("read_variance", read_variance))
    )
    inside = np.ones(values.shape[1:], bool) if inside is None else np.asarray(inside, bool)
    if inside.shape != values.shape[1:] or np.count_nonzero(inside) < 2 * bins:
        raise ValueError(f"inside must be a (y, x) mask that keeps at least two pixels per bin, {2 * bins} in all")
    pairs = values[: len(values) // 2 * 2].reshape(-1, 2, *values.shape[1:])
    halves = [pairs] if bins == 1 else [pairs[::2], pairs[1::2]]
    means = [half.mean(axis=(0, 1))[inside] - offset[inside] for half in halves]
    variances = [((h[:, 1] - h[:, 0]) ** 2 / 2).mean(axis=0)[inside] - read_variance[inside] for h in halves]
    groups = [_equal_groups(mean, bins) for mean in means[::-1]]
    points = [_grouped(*half, bins) for half in zip(means, variances, groups, strict=True)]
    mean, variance, squared_error, pixels = np.mean(points, axis=0)
    error = np.sqrt(squared_error / len(halves))
    return xr.Dataset(
        {
            "mean": ("level", mean, {"units": "ADU"}),
            "variance": ("level", variance, {"units": "ADU²"}),
            "standard_error": ("level", error, {"units": "ADU²"}),
            "pixels": ("level", pixels.astype(int)),
        }
    )


def fit_photon_transfer(points: xr.Dataset) -> PhotonTransfer:
    """Fit the photon transfer line by least squares, each point weighted by its standard error.

    Parameters
    ----------
    points : Dataset
        From `transfer_points`, with at least three levels.

    Returns
    -------
    PhotonTransfer

    Raises
    ------
    ValueError
        If there are fewer than three levels, all means are equal, or an error is not positive.

    References
    ----------
    laine2021, Box 2.
    """
    mean, variance, error = (points[name].values for name in ("mean", "variance", "standard_error"))
    if mean.size < 3 or not np.ptp(mean) > 0:
        raise ValueError(
            f"points has {mean.size} level(s) between {np.ptp(mean):g} ADU; a line needs three that differ"
        )
    if not (np.isfinite(error).all() and (error > 0).all()):
        raise ValueError(
            "points has a standard error that is not positive; every level needs noise in two pixels or more"
        )
    design = np.column_stack([mean, np.ones_like(mean)]) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    solution = covariance @ design.T @ (variance / error)
    chi2 = float((((variance - solution[0] * mean - solution[1]) / error) ** 2).sum() / (mean.size - 2))
    sd = np.sqrt(np.diag(covariance) * max(1.0, chi2))
    return PhotonTransfer(float(solution[0]), float(sd[0]), float(solution[1]), float(sd[1]), chi2)


def _equal_groups(values: np.ndarray, count: int) -> np.ndarray:
    """Number of the group, 0 to count - 1, of every value; groups hold equally many and ascend."""
    group = np.empty(len(values), int)
    group[np.argsort(values, kind="stable")] = np.arange(len(values)) * count // len(values)
    return group


def _grouped(mean, variance, group, count) -> np.ndarray:
    """Mean, variance, squared standard error of the variance and number of pixels of every group, (4, group)."""
    rows = []
    for number in range(count):
        here = group == number
        pixels = np.count_nonzero(here)
        rows.append((mean[here].mean(), variance[here].mean(), variance[here].var(ddof=1) / pixels, pixels))
    return np.array(rows).T
