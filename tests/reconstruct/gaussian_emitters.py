"""Emitters with Gaussian spots that are on in known shares of the frames, for tests of SOFI."""

from fractions import Fraction

import numpy as np
import xarray as xr

from nbsupport.optics import Optics

SIGMA_PX = 1.5
PIXEL_UM = 0.1
FWHM_UM = 2 * np.sqrt(2 * np.log(2)) * SIGMA_PX * PIXEL_UM
# an objective whose Airy width is that of the Gaussian spots below
OPTICS = Optics(numerical_aperture=1.0, wavelength_um=FWHM_UM / Optics(1.0, 1.0).airy_fwhm_um)


def as_stack(values, pixel_um=PIXEL_UM):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip("yx", values.shape[1:], strict=True)}
    return xr.DataArray(values, dims=("frame", "y", "x"), coords=centres, attrs={"units": "photons"})


def random_stack(frames=20, height=9, width=8, seed=1):
    return as_stack(np.random.default_rng(seed).gamma(2.0, 5.0, (frames, height, width)))


def spot(y_px=12.0, x_px=12.0, size=25):
    offsets = np.arange(size)
    return np.exp(-((offsets[:, None] - y_px) ** 2 + (offsets - x_px) ** 2) / (2 * SIGMA_PX**2))


def lone_emitter(on_share=Fraction(3, 10), brightness=50.0):
    """One Gaussian emitter that is on in exactly its share of the frames, over a constant background."""
    on = np.arange(on_share.denominator) < on_share.numerator
    return as_stack(brightness * on[:, None, None] * spot() + 20.0)
