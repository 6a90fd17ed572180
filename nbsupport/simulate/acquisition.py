"""Widefield image formation: emitters, the photons they emit and the microscope give noise-free frames.

The image of an emitter comes from a radial table of the Gibson-Lanni point spread function at the emitter's own
depth and unrounded position. One factor per microscope turns intensity into photons, not one per depth: pure phase
aberrations move light about without losing any, so an out-of-focus emitter is wider and dimmer at its peak and
sends the same number of photons to the detector.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.linalg import qr, solve_triangular

from nbsupport.optics import (
    Optics,
    best_focus_um,
    gibson_lanni_energy_um2,
    gibson_lanni_intensity,
    require_pixel_um,
)

# Radial steps per wavelength/NA: linear interpolation then stays within (pi/320)^2/4 = 2.4e-5 of an Airy peak.
_STEPS_PER_RESOLUTION = 320
# Smallest pivot, relative to the largest, of a pixel row that cannot be interpolated from others.
_PIVOT_TOLERANCE = 1e-6
# Emitters x pixels computed at once: 50 MB in float64. Larger blocks leave the processor's cache.
_BLOCK_VALUES = 2**20


def acquire(
    emitters_um,
    photons,
    optics: Optics,
    *,
    pixel_um: float,
    field_um: float,
    focal_depth_um: float = 0.5,
    pixel_integration: bool = True,
    table_refinement: int = 1,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device = "cpu",
    progress: Callable[[float], None] | None = None,
) -> xr.DataArray:
    """Noise-free frames of blinking emitters in a widefield microscope.

    Parameters
    ----------
    emitters_um : array_like, (emitter, 3), µm
        Columns x, y, z. The field is centred on x = y = 0; z = 0 is the focal plane, and positive z is deeper in the
        sample. Emitters outside the field still send the flanks of their images into it.
    photons : array_like, (emitter, frame), photons
        Photons of each emitter that pass the pupil in each frame, not negative. All of them arrive on an unbounded
        detector; the flanks beyond the field (some 2 % beyond 2.5 µm at NA 1.2) are not recorded.
    optics : Optics
    pixel_um : float
        Edge of a square pixel in the sample, µm.
    field_um : float
        Edge of the square field, µm; floor(field_um / pixel_um) whole pixels fit into it.
    focal_depth_um : float
        Depth of the focal plane below the coverslip, µm. The stage stands at the best focus of that depth for all
        frames; an emitter's own depth is ``focal_depth_um + z``.
    pixel_integration : bool
        True: pixels integrate over their area, averaged over the orientation of the square, which leaves up to 3e-4
        of the peak for pixels of 120 nm (NA 1.2 to 1.49, 660 nm) and grows as their fourth power. False: intensity
        at the pixel centre times the pixel area.
    table_refinement : int
        Divides the steps of the table, 1 or more. At 1 no pixel is farther than 1e-4 of the in-focus peak from the
        quadrature.
    dtype : torch.float64 or torch.float32
        Precision of the sums; float32 is faster, most of all on a GPU, and right to 1e-5 of the brightest pixel.
    device : str or torch.device
        Where to compute, "cpu" or "cuda".
    progress : callable, optional
        Called with the finished fraction, up to 1.0.

    Returns
    -------
    DataArray, (frame, y, x), expected photons per pixel and frame; coordinates y, x in µm symmetric about 0;
    ``attrs["units"]`` is "photons", the other attrs describe the acquisition.

    Raises
    ------
    ValueError
        If a shape does not fit, a value is not finite or out of range, lengths look like nanometres, or an emitter
        lies in the coverslip.

    Notes
    -----
    Time grows with emitters x frames x area of the field, and hardly with finer pixels (`key_pixels`); memory beyond
    input and output is about 100 MB.

    References
    ----------
    jadhav2021, Section 2.1, steps A1 to A3.
    """
    pixel_um = require_pixel_um("pixel_um", pixel_um)
    if not np.isfinite(field_um) or field_um < pixel_um:
        raise ValueError(f"field_um={field_um} must be finite and hold at least one pixel of {pixel_um} micrometres")
    if not np.isfinite(focal_depth_um) or focal_depth_um < 0:
        raise ValueError(f"focal_depth_um={focal_depth_um} must be a depth below the coverslip, 0 micrometres or more")
    if table_refinement != int(table_refinement) or table_refinement < 1:
        raise ValueError(f"table_refinement={table_refinement} must be a whole number, 1 or more")
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype={dtype} must be torch.float64 or torch.float32")
    emitters_um = _checked_emitters(emitters_um, field_um, focal_depth_um)
    photons = _checked_photons(photons, len(emitters_um))
    # the tiny margin keeps 2.4 / 0.08 = 29.999... at 30 pixels
    pixels = int(np.floor(field_um / pixel_um + 1e-9))
    centres_um = (np.arange(pixels) - (pixels - 1) / 2) * pixel_um
    stage_um = best_focus_um(optics, focal_depth_um)
    frames = torch.zeros(photons.shape[1], pixels, pixels, dtype=dtype).numpy()
    if len(emitters_um):
        positions_um = emitters_um + [0.0, 0.0, focal_depth_um]
        table = tabulate(
            optics,
            stage_um=stage_um,
            depth_range_um=(positions_um[:, 2].min(), positions_um[:, 2].max()),
            radius_um=float(np.hypot(*(np.abs(positions_um[:, :2]).max(axis=0) + centres_um[-1]))),
            pixel_um=pixel_um,
            pixel_integration=pixel_integration,
            refinement=table_refinement,
        )
        cutoff_per_um = optics.cutoff_per_um * optics.pupil_radius
        frames = _sum_of_images(
            table, positions_um, photons, centres_um, cutoff_per_um, dtype, torch.device(device), progress
        )
    attrs = {"units": "photons", **asdict(optics), "focal_depth_um": focal_depth_um, "stage_um": stage_um}
    attrs["pixel_integration"] = pixel_integration
    coords = {"frame": np.arange(photons.shape[1]), "y": centres_um, "x": centres_um}
    return xr.DataArray(frames, dims=("frame", "y", "x"), coords=coords, attrs=attrs)


@dataclass(frozen=True)
class PointSpreadTable:
    """Photons per pixel of one emitted photon, over distance and depth.

    Attributes
    ----------
    step_um : float
        Step of the distance from the emitter; values between steps are linear.
    depth_range_um : tuple of float
        Lowest and highest depth below the coverslip that the table holds.
    coefficients : ndarray, (order, distance), photons per pixel
        Chebyshev series over that range of depths.
    """

    step_um: float
    depth_range_um: tuple[float, float]
    coefficients: np.ndarray

    def basis(self, depth_um: np.ndarray) -> np.ndarray:
        """Chebyshev polynomials, (emitter, order), whose product with `coefficients` is each emitter's profile."""
        low, high = self.depth_range_um
        span = high - low
        scaled = np.clip((2 * depth_um - low - high) / span, -1, 1) if span > 0 else np.zeros_like(depth_um)
        return np.polynomial.chebyshev.chebvander(scaled, len(self.coefficients) - 1)


def tabulate(
    optics: Optics,
    *,
    stage_um: float,
    depth_range_um: tuple[float, float],
    radius_um: float,
    pixel_um: float,
    pixel_integration: bool,
    refinement: int = 1,
) -> PointSpreadTable:
    """Radial table of the point spread function at a fixed stage position.

    Parameters
    ----------
    optics : Optics
    stage_um : float
        Stage position, µm, signed as in `nbsupport.optics.gibson_lanni`.
    depth_range_um : tuple of float
        Lowest and highest depth of an emitter below the coverslip, µm.
    radius_um : float
        Largest distance between an emitter and a pixel centre, µm.
    pixel_um : float
        Edge of a pixel, µm.
    pixel_integration : bool
        Whether to average over the area of a pixel, and over its orientation.
    refinement : int
        Divides the steps in distance and in depth.

    Returns
    -------
    PointSpreadTable

    Notes
    -----
    Over depth the intensity is band-limited (no ray's phase changes faster than n_sample/wavelength), so its Chebyshev
    series converges geometrically once it has more terms than radians of phase.
    """
    step_um = optics.wavelength_um / optics.numerical_aperture / (_STEPS_PER_RESOLUTION * refinement)
    distance_um = step_um * np.arange(int(np.ceil(radius_um / step_um)) + 2)
    low, high = depth_range_um
    rim = optics.pupil_radius * optics.numerical_aperture
    sag = optics.n_sample - np.sqrt(optics.n_sample**2 - rim**2)
    radians = np.pi / optics.wavelength_um * (high - low) * sag
    order = refinement * int(np.ceil(radians + 4 * np.cbrt(radians) + 8)) if high > low else 1
    nodes = np.polynomial.chebyshev.chebpts1(order)
    depth_um = (low + high) / 2 + nodes * (high - low) / 2
    if pixel_integration:
        profiles = _pixel_average(optics, distance_um, stage_um, depth_um, pixel_um)
    else:
        profiles = gibson_lanni_intensity(optics, distance_um, stage_um, depth_um)
    transform = np.polynomial.chebyshev.chebvander(nodes, order - 1).T * (2 / order)
    transform[0] /= 2
    scale = pixel_um**2 / gibson_lanni_energy_um2(optics)
    return PointSpreadTable(step_um, depth_range_um, scale * (transform @ profiles))


def _pixel_average(optics, distance_um, stage_um, depth_um, pixel_um):
    """Mean intensity (depth, distance) over square pixels of every orientation.

    Averaging a square over its orientation leaves, for each of its points, a ring around the pixel centre; so the
    mean runs over the points of the square and over the angle between each point and the emitter.
    """
    step_um = distance_um[1]
    reach_um = distance_um[-1] + pixel_um
    fine_um = step_um * np.arange(int(np.ceil(reach_um / step_um)) + 2)
    profiles = gibson_lanni_intensity(optics, fine_um, stage_um, depth_um)
    # even in r, hence the zero slope on the axis
    spline = CubicSpline(fine_um, profiles.T, bc_type=("clamped", "not-a-knot"))
    order = 4 + int(np.ceil(4 * pixel_um * optics.cutoff_per_um))
    x, weight = np.polynomial.legendre.leggauss(order)
    offsets_um = pixel_um / 2 * np.hypot(*np.meshgrid(x, x))
    weights = np.outer(weight, weight) / 4
    angles = (np.arange(2 * order) + 0.5) * np.pi / (2 * order)
    mean = np.zeros((len(distance_um), len(depth_um)))
    rings_um, which = np.unique(offsets_um.round(12), return_inverse=True)
    for ring_um, share in zip(rings_um, np.bincount(which.ravel(), weights.ravel()), strict=True):
        for angle in angles:
            moved_um = np.hypot(distance_um + ring_um * np.cos(angle), ring_um * np.sin(angle))
            mean += share / len(angles) * spline(moved_um)
    return mean.T


def _sum_of_images(table, positions_um, photons, centres_um, cutoff_per_um, dtype, device, progress):
    """Frames (frame, y, x): traces x images on the key pixels, block by block, then interpolated once per frame."""
    keys, expand = key_pixels(centres_um, cutoff_per_um)
    block = max(1, _BLOCK_VALUES // len(keys) ** 2)
    on_device = {"dtype": dtype, "device": device}
    centres = torch.as_tensor(centres_um[keys], **on_device)
    expand = torch.as_tensor(expand, **on_device)
    coefficients = torch.as_tensor(table.coefficients, **on_device)
    frames = torch.zeros(photons.shape[1], len(keys) ** 2, **on_device)
    for start in range(0, len(positions_um), block):
        part = slice(start, start + block)
        x, y = (torch.as_tensor(positions_um[part, axis], **on_device) for axis in (0, 1))
        profiles = torch.as_tensor(table.basis(positions_um[part, 2]), **on_device) @ coefficients
        images = _images(profiles, x[:, None] - centres, y[:, None] - centres, table.step_um)
        # copied: a tensor takes neither reversed nor read-only arrays
        traces = torch.as_tensor(np.array(photons[part], dtype=float), **on_device)
        frames.addmm_(traces.T, images)
        if progress is not None:
            progress(min(1.0, (start + block) / len(positions_um)))
    frames = expand @ frames.reshape(-1, len(keys), len(keys)) @ expand.T
    # interpolation undershoots by some 1e-5 of the peak where an image is dark; photons are never negative
    return frames.clamp_(min=0).cpu().numpy()


def key_pixels(centres_um: np.ndarray, cutoff_per_um: float) -> tuple[np.ndarray, np.ndarray]:
    """Pixels along one axis whose values determine all others of a band-limited image.

    A camera with small pixels oversamples: within a field of 5 µm at NA 1.2 some 47 of 76 pixels of 65 nm carry
    everything. A column-pivoted QR decomposition of the admissible waves picks them (an interpolative
    decomposition), so that only their crossings need the sum over emitters.

    Parameters
    ----------
    centres_um : ndarray, (pixel,), µm
    cutoff_per_um : float
        Highest spatial frequency of the image, cycles per µm.

    Returns
    -------
    keys : ndarray of int, (key,), increasing
    expand : ndarray, (pixel, key)
        Weights that give every pixel from the key pixels; key pixels reproduce themselves.
    """
    frequencies = cutoff_per_um * np.linspace(0, 1, 4 * len(centres_um))
    angles = 2 * np.pi * np.outer(frequencies, centres_um)
    triangle, order = qr(np.concatenate([np.cos(angles), np.sin(angles)]), mode="r", pivoting=True)
    pivots = np.abs(np.diag(triangle))
    rank = int(np.count_nonzero(pivots > _PIVOT_TOLERANCE * pivots[0]))
    expand = np.zeros((len(centres_um), rank))
    expand[order[:rank]] = np.eye(rank)
    expand[order[rank:]] = solve_triangular(triangle[:rank, :rank], triangle[:rank, rank:]).T
    sorting = np.argsort(order[:rank])
    return order[:rank][sorting], expand[:, sorting]


def _images(profiles, dx_um, dy_um, step_um):
    """Images (emitter, y * x) from radial profiles (emitter, distance) by linear interpolation."""
    steps = (dy_um[:, :, None] ** 2 + dx_um[:, None, :] ** 2).sqrt_().flatten(1).div_(step_um)
    index = steps.long()
    return torch.lerp(profiles.gather(1, index), profiles.gather(1, index + 1), steps.sub_(index))


def _checked_emitters(emitters_um, field_um, focal_depth_um):
    emitters_um = np.asarray(emitters_um, dtype=float)
    if emitters_um.ndim != 2 or emitters_um.shape[1] != 3:
        raise ValueError(f"emitters_um has shape {emitters_um.shape}; give (emitter, 3): x, y, z in micrometres")
    bad = ~np.isfinite(emitters_um).all(axis=1)
    if bad.any():
        first = int(np.argmax(bad))
        raise ValueError(f"emitters_um must be finite; emitter {first} is at {emitters_um[first].tolist()}")
    far = np.abs(emitters_um).max(axis=1, initial=0) > 10 * field_um
    if far.any():
        first = emitters_um[np.argmax(far)]
        raise ValueError(
            f"emitters_um holds {first.tolist()}, far from a field of {field_um} micrometres; "
            f"that looks like nanometres, give {(first / 1000).tolist()}"
        )
    outside = emitters_um[:, 2] + focal_depth_um < 0
    if outside.any():
        z = emitters_um[np.argmax(outside), 2]
        raise ValueError(
            f"emitters_um holds z={z:g}, above the coverslip, which is {focal_depth_um:g} micrometres from the focal "
            f"plane; z must be at least {-focal_depth_um:g}, or focal_depth_um larger"
        )
    return emitters_um


def _checked_photons(photons, emitters):
    photons = np.asarray(photons)
    if photons.ndim != 2 or len(photons) != emitters:
        raise ValueError(f"photons has shape {photons.shape}; give (emitter, frame) with {emitters} emitters")
    if photons.shape[1] == 0:
        raise ValueError("photons has zero frames; give at least one")
    if photons.size and not (photons.min() >= 0 and np.isfinite(photons.max())):
        bad = np.argwhere(~(photons >= 0) | ~np.isfinite(photons))[0]
        raise ValueError(
            f"photons must be finite and not negative; {photons[tuple(bad)]} at (emitter, frame) {bad.tolist()}"
        )
    return photons
