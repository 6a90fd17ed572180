"""What spoils an image before it reaches the camera: vignetting, speckled illumination, a ghost image.

These are no noise in the sense of laine2021 (a second exposure repeats them exactly), and no denoiser removes them.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import ndimage

from nbsupport.checks import whole_number
from nbsupport.optics import pixel_size_um

from ._checks import at_least, checked, finite, with_values


def vignetting(image: xr.DataArray, *, corner: float) -> xr.DataArray:
    """Darken an image towards its corners by the cosine-fourth law of an off-axis pencil of light.

    Parameters
    ----------
    image : DataArray, (..., "y", "x"), coordinates in µm
        Non-negative; with its background, which vignetting dims as well.
    corner : float
        Brightness left in the corners of the field relative to its centre, above 0 to 1.

    Returns
    -------
    DataArray, unit of `image`
        ``image · cos⁴ θ`` with tan θ growing linearly with the distance from the centre of the field.

    Raises
    ------
    ValueError
        If `image` has wrong dimensions, is negative or not finite, or `corner` is out of range.

    References
    ----------
    laine2021, Fig. 2a. Neither law nor strength is stated there.
    """
    values = checked("image", image)
    finite("corner", corner)
    if not 0 < corner <= 1:
        raise ValueError(f"corner={corner!r} must be above 0 and at most 1, the brightness of the centre")
    y, x = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in values.shape[-2:])
    tangent_squared = (y[:, None] ** 2 + x**2) / 2 * (1 / np.sqrt(corner) - 1)
    return with_values(image, values / (1 + tangent_squared) ** 2)


def speckled_illumination(
    image: xr.DataArray, *, grain_um: float, patterns: int = 1, rng: np.random.Generator
) -> xr.DataArray:
    """Light an image unevenly, with the speckle of a laser that has passed a rough surface.

    Many waves of random phase, no direction steeper than an aperture allows, add up to a field whose squared modulus is
    the illumination: bright grains of one typical size on darkness, exponentially distributed.

    Parameters
    ----------
    image : DataArray, (..., "y", "x"), coordinates in µm
        Non-negative. Every frame of a stack is lit by the same pattern.
    grain_um : float
        Width of a grain, wavelength / (2 NA) of the illumination, µm; at least two pixels.
    patterns : int
        Independent patterns that the exposure averages over, 1 or more; the contrast is ``1 / sqrt(patterns)``.
    rng : numpy.random.Generator
        Source of all draws.

    Returns
    -------
    DataArray, unit of `image`
        `image` times an illumination of expected value 1. Opposite edges of the pattern fit together.

    Raises
    ------
    ValueError
        If `image` has wrong dimensions or coordinates, is negative or not finite, or a number is out of range.

    References
    ----------
    laine2021, Fig. 2a. Grain and contrast are not stated there.
    """
    values = checked("image", image)
    pixel_um = pixel_size_um(image)
    finite("grain_um", grain_um)
    if not 2 * pixel_um <= grain_um:
        raise ValueError(f"grain_um={grain_um!r} must be at least two pixels, {2 * pixel_um:g} micrometres")
    patterns = whole_number("patterns", patterns, least=1)
    shape = values.shape[-2:]
    frequencies = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n, pixel_um) for n in shape), indexing="ij"))
    # the field reaches half the cut-off frequency 1/grain of its intensity
    inside = frequencies <= 1 / (2 * grain_um)
    illumination = np.zeros(shape)
    for _ in range(patterns):
        waves = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * inside
        illumination += np.abs(np.fft.ifft2(waves)) ** 2
    expected = patterns * 2 * np.count_nonzero(inside) / inside.size**2
    return with_values(image, values * illumination / expected)


def ghost(image: xr.DataArray, *, shift_um: tuple[float, float], fraction: float, blur_um: float = 0.0) -> xr.DataArray:
    """Add a displaced, weaker, blurred copy of the image, as a reflection between two glass surfaces leaves.

    Parameters
    ----------
    image : DataArray, (..., "y", "x"), coordinates in µm
        Non-negative.
    shift_um : (float, float)
        Displacement (y, x) of the copy, µm. What leaves the field is lost and nothing comes in.
    fraction : float
        Brightness of the copy relative to the image, 0 to 1.
    blur_um : float
        Standard deviation of the Gaussian by which the copy is out of focus, µm.

    Returns
    -------
    DataArray, unit of `image`

    Raises
    ------
    ValueError
        If `image` has wrong dimensions or coordinates, is negative or not finite, or a number is out of range.

    References
    ----------
    laine2021, Fig. 2a. Neither shift nor strength is stated there.
    """
    values = checked("image", image)
    pixel_um = pixel_size_um(image)
    finite("fraction", fraction)
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction={fraction!r} must be from 0 to 1, the brightness of the image itself")
    if np.shape(shift_um) != (2,) or not np.isfinite(shift_um).all():
        raise ValueError(f"shift_um={shift_um!r} must be two finite numbers of micrometres (y, x)")
    at_least("blur_um", blur_um, 0)
    still = (0.0,) * (values.ndim - 2)
    copy = ndimage.shift(values, (*still, *np.divide(shift_um, pixel_um)), order=1, mode="grid-constant")
    copy = ndimage.gaussian_filter(copy, (*still, blur_um / pixel_um, blur_um / pixel_um), mode="constant")
    return with_values(image, values + fraction * copy)
