"""Camera noise: from the light that is expected on each pixel to the numbers a camera returns, and back.

A function that makes noise takes an array whose last two dimensions are ``("y", "x")``, with any number of leading ones
(frames, illumination phases), and keeps its coordinates. "Photons" are detected photons, that is, photoelectrons: the
quantum efficiency is already in the expected values. No function rounds to whole ADU or clips below zero or at
saturation.

- `counting`: expected photons, shot noise, a camera with uniform gain, offset and read noise
- `sensors`: sCMOS with its maps, EMCCD with its excess noise
- `relative`: speckle and additive Gaussian noise, stated relative to the image
- `structured`: noise that neighbouring pixels share, and how to find it in recorded frames
- `optical`: what spoils an image before it reaches the camera: vignetting, speckled illumination, a ghost image
- `photon_transfer`: gain and read noise from recorded frames
- `likelihood`: how probable a value is under the additive and the excess-noise model
"""

from .counting import poisson, poisson_gaussian, to_expected
from .likelihood import log_likelihood
from .optical import ghost, speckled_illumination, vignetting
from .photon_transfer import PhotonTransfer, fit_photon_transfer, transfer_points
from .relative import additive_gaussian, speckle
from .sensors import emccd, scmos
from .structured import correlated_noise, line_noise, pixel_correlation

__all__ = [
    "PhotonTransfer",
    "additive_gaussian",
    "correlated_noise",
    "emccd",
    "fit_photon_transfer",
    "ghost",
    "line_noise",
    "log_likelihood",
    "pixel_correlation",
    "poisson",
    "poisson_gaussian",
    "scmos",
    "speckle",
    "speckled_illumination",
    "to_expected",
    "transfer_points",
    "vignetting",
]
