"""Distances between an estimate and the truth. No function here guesses the range of an image."""

from .conventions import PSNR_CONVENTIONS, Rescaled, psnr_by_convention, psnr_db, rescale
from .errors import mae, mse, pearson, psnr
from .micro import MicroScore, micro_ms3im, micro_ssim
from .pairs import image, image_pair, require_range
from .structure import EXPONENTS, ms_ssim, ssim

__all__ = [
    "EXPONENTS",
    "MicroScore",
    "PSNR_CONVENTIONS",
    "Rescaled",
    "image",
    "image_pair",
    "mae",
    "micro_ms3im",
    "micro_ssim",
    "ms_ssim",
    "mse",
    "pearson",
    "psnr",
    "psnr_by_convention",
    "psnr_db",
    "require_range",
    "rescale",
    "ssim",
]
