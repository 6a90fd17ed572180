"""Simulated frames of structured illumination that the tests of the reconstruction share."""

import numpy as np
import xarray as xr

from nbsupport.optics import Optics
from nbsupport.simulate.illumination import Pattern, exposed, planar_frames

OPTICS = Optics(numerical_aperture=1.1, wavelength_um=0.488)
PIXEL_UM = 0.107
PERIOD_UM = 0.375


def lines(height=128, width=128, *, seed=0, count=40):
    """Straight lines of random direction on a grid of half the pixel size."""
    rng = np.random.default_rng(seed)
    image = np.zeros((2 * height, 2 * width))
    along = np.linspace(-80, 80, 800)
    for _ in range(count):
        y, x = rng.uniform(0, 1, 2) * image.shape
        turn = rng.uniform(0, np.pi)
        rows, columns = (y + along * np.sin(turn)).astype(int), (x + along * np.cos(turn)).astype(int)
        inside = (rows >= 0) & (rows < image.shape[0]) & (columns >= 0) & (columns < image.shape[1])
        np.add.at(image, (rows[inside], columns[inside]), 0.2)
    return as_image(image, PIXEL_UM / 2)


def as_image(values, pixel_um):
    centres = {dim: (np.arange(size) + 0.5) * pixel_um for dim, size in zip("yx", values.shape, strict=True)}
    return xr.DataArray(values, dims=("y", "x"), coords=centres)


def two_beams(modulation=0.8, *, first_angle_rad=0.2, period_um=PERIOD_UM, first_phase_rad=(0.3, 1.9, -2.0)):
    return Pattern.regular(
        period_um, first_angle_rad=first_angle_rad, modulation=modulation, first_phase_rad=first_phase_rad
    )


def three_beams():
    """Two orders, five phases; the finer stripes have the period of the two beams."""
    return Pattern.regular(2 * PERIOD_UM, first_angle_rad=0.2, phases=5, modulation=(0.8, 2 / 3))


def frames(sample=None, pattern=None, *, peak_photons=1000, seed=0):
    """Frames of a sample, with shot noise over five background photons unless `peak_photons` is infinite."""
    noise_free = planar_frames(lines() if sample is None else sample, OPTICS, pattern or two_beams(), otf_damping=0.15)
    if np.isinf(peak_photons):
        return noise_free
    rng = np.random.default_rng(seed)
    return exposed(noise_free, peak_photons=peak_photons, background_photons=5, rng=rng)


def oracle_frames(found):
    """Raw frames, optics and settings of one oracle of two-dimensional structured illumination."""
    given, settings = found.parameters, found.parameters["reconstruction"]
    raw = xr.DataArray(found.arrays["raw"], dims=("angle", "phase", "y", "x"), attrs={"units": "ADU"})
    size, pixel_um = given["image_size_px"], given["pixel_um"]
    raw = raw.assign_coords({dim: (np.arange(size) + 0.5) * pixel_um for dim in ("y", "x")})
    preparation = {"otf_damping": settings["otf_a"], "background": settings["background_subtracted_counts"]}
    filters = {
        "wiener": settings["wiener_parameter"],
        "apodisation_cutoff": settings["apodisation_cutoff"],
        "apodisation_bend": settings["apodisation_bend"],
    }
    return raw, Optics(given["NA"], given["wavelength_nm"] / 1000), preparation, filters


def per_field(vector_per_um, raw):
    """Wave vectors (angle, (x, y)) in cycles per field, as the oracles give them."""
    step = float(raw.x[1] - raw.x[0])
    return vector_per_um[:, ::-1] * step * raw.sizes["x"]


def at_centre(pattern, raw):
    """Phases in the middle of the field, where an error of the wave vector does not count."""
    return pattern.moved([float(raw[dim].mean() - raw[dim][0]) for dim in ("y", "x")]).phase_rad


def turns_apart(first, second):
    """Difference of angles in degrees, -180 to 180."""
    return (np.degrees(np.asarray(first) - np.asarray(second)) + 180) % 360 - 180
