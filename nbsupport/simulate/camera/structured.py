"""Noise that neighbouring pixels share, and how to find it in recorded frames.

Self-supervised denoising rests on noise that is independent from pixel to pixel; these are the two ways in which real
detectors break that: whole rows or columns that move together, and noise smoothed over a neighbourhood.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from nbsupport.checks import whole_number

from ._checks import at_least, checked, with_values


def line_noise(
    stack: xr.DataArray,
    *,
    row_sd: float = 0.0,
    column_sd: float = 0.0,
    frozen: bool = False,
    rng: np.random.Generator,
) -> xr.DataArray:
    """Add one normal draw to all pixels of a row, and one to all pixels of a column.

    Parameters
    ----------
    stack : DataArray, (..., "y", "x"), any unit
        Frames, usually with their pixel noise already in them.
    row_sd, column_sd : float
        Standard deviations over rows and over columns, unit of `stack`, non-negative.
    frozen : bool
        False: every frame draws anew, as a shared read-out of a row does. True: one draw for the whole stack, as
        amplifiers that differ from column to column do.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray, unit of `stack`
        Mean `stack`, variance raised by ``row_sd² + column_sd²``; two pixels of a row share ``row_sd²`` of it.

    Raises
    ------
    ValueError
        If `stack` has wrong dimensions or is not finite, or a standard deviation is negative.

    References
    ----------
    laine2021, section 6 (stripes of CMOS cameras). The sizes are not stated there.
    """
    values = checked("stack", stack, signed=True)
    at_least("row_sd", row_sd, 0)
    at_least("column_sd", column_sd, 0)
    frames, (rows, columns) = values.shape[:-2], values.shape[-2:]
    frames = tuple(1 for _ in frames) if frozen else frames
    by_row = rng.normal(0, row_sd, (*frames, rows, 1))
    by_column = rng.normal(0, column_sd, (*frames, 1, columns))
    return with_values(stack, values + by_row + by_column)


def correlated_noise(stack: xr.DataArray, *, sd: float, length_px: float, rng: np.random.Generator) -> xr.DataArray:
    """Add normal noise whose autocorrelation falls as ``exp(-(d / length_px)²)`` with the distance d between pixels.

    Parameters
    ----------
    stack : DataArray, (..., "y", "x"), any unit
    sd : float
        Standard deviation in each pixel, unit of `stack`, non-negative.
    length_px : float
        Distance at which the autocorrelation has fallen to 1/e, pixels, greater than 0.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray, unit of `stack`
        Mean `stack`, variance raised by ``sd²``; frames are independent. Opposite edges of a frame are neighbours.

    Raises
    ------
    ValueError
        If `stack` has wrong dimensions or is not finite, or a number is out of range.

    References
    ----------
    laine2021, section 6 (structured noise).
    """
    values = checked("stack", stack, signed=True)
    at_least("sd", sd, 0)
    at_least("length_px", length_px, 0, strict=True)
    y, x = (np.minimum(np.arange(n), n - np.arange(n)) for n in values.shape[-2:])
    wanted = np.exp(-(y[:, None] ** 2 + x**2) / length_px**2)
    # a length near the size of the frame leaves slightly negative powers; without them the sum is brought back to 1
    power = np.maximum(np.fft.fft2(wanted).real, 0)
    power /= power.mean()
    white = np.fft.fft2(rng.standard_normal(values.shape))
    return with_values(stack, values + sd * np.fft.ifft2(np.sqrt(power) * white).real)


def pixel_correlation(frames: xr.DataArray, *, reach: int = 3) -> xr.DataArray:
    """Correlation of the noise of one pixel with that of pixels around it.

    Neighbouring frames in time are subtracted in pairs, so that whatever stands still drops out and noise remains.

    Parameters
    ----------
    frames : DataArray, ("frame", "y", "x"), any unit
        At least two frames of the same scene; an odd last one is left out.
    reach : int
        Largest distance along each axis, pixels, smaller than the frame.

    Returns
    -------
    DataArray, ("y_lag", "x_lag"), from -1 to 1
        Lags in pixels from ``-reach`` to ``reach``; 1 at lag (0, 0), 0 elsewhere where pixels are independent, with a
        standard error of about 1 / sqrt(number of differences), kept in ``attrs["standard_error"]``.

    Raises
    ------
    ValueError
        If dimensions are wrong, there is one frame only, `reach` does not fit, or the frames do not differ at all.

    References
    ----------
    laine2021, Box 2 (conditional pixel-independence).
    """
    values = checked("frames", frames, signed=True)
    if frames.dims != ("frame", "y", "x") or len(values) < 2:
        raise ValueError(f'frames has shape {dict(frames.sizes)}; give ("frame", "y", "x") with at least two frames')
    reach = whole_number("reach", reach, least=0)
    if reach >= min(values.shape[1:]):
        raise ValueError(f"reach={reach} must be at least 0 and smaller than a frame of {values.shape[1:]} pixels")
    differences = values[1::2] - values[: len(values) // 2 * 2 : 2]
    differences = differences - differences.mean()
    size = [n + reach for n in differences.shape[1:]]  # zeros keep opposite edges apart
    spectrum = np.fft.rfft2(differences, size)
    sums = np.fft.irfft2((np.abs(spectrum) ** 2).sum(axis=0), size)
    pairs = np.multiply.outer(*(n - np.abs(np.arange(-reach, reach + 1)) for n in differences.shape[1:]))
    lags = np.arange(-reach, reach + 1)
    covariance = sums[np.ix_(lags, lags)] / (pairs * len(differences))
    if not covariance[reach, reach] > 0:
        raise ValueError("frames holds the same image again and again: there is no noise to correlate")
    return xr.DataArray(
        covariance / covariance[reach, reach],
        dims=("y_lag", "x_lag"),
        coords={"y_lag": lags, "x_lag": lags},
        attrs={"units": "1", "standard_error": float(1 / np.sqrt(differences.size))},
    )
