"""Widefield image formation: emitters, the photons they emit and the microscope give noise-free frames.

The image of an emitter comes from a radial table of the Gibson-Lanni point spread function at the emitter's own
depth and unrounded position. One factor per microscope turns intensity into photons, not one per depth: pure phase
aberrations move light about without losing any, so an out-of-focus emitter is wider and dimmer at its peak and
sends the same number of photons to the detector.
"""

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch
import xarray as xr

from nbsupport.bandlimit import key_points
from nbsupport.optics import Optics, best_focus_um, require_pixel_um
from nbsupport.parallel import in_order
from nbsupport.simulate.point_spread import tabulate

# Of the pixels that are interpolated from others; small against the table's own 1e-4 of a peak.
_KEY_TOLERANCE = 1e-6
# Emitters x pixels computed at once. On a processor, profiles and images of a block have to stay in its cache.
_BLOCK_VALUES = {"cpu": 2**17, "cuda": 2**24}
# The image of an emitter is the same in all frames: what rounding adds to it, 1e-6 of its peak, never fluctuates.
_IMAGES = torch.float32
# Into how many parts the emitters are divided among threads.
_PARTS = 32


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
    Time grows with emitters x frames x area of the field and hardly with finer pixels: a camera with small pixels
    oversamples, and in a field of 5 µm at NA 1.2 some 47 of 76 pixels of 65 nm along an axis carry everything
    (`key_points`). Memory beyond input and output is about 100 MB
    and one copy of the frames per thread.

    Images are looked up in float32 and summed in `dtype`. The sums are in float64 although the table is right to 1e-4
    of a peak: what rounding adds to them fluctuates, and a noise-free stack goes on to methods that read fluctuations
    over many orders of magnitude.

    References
    ----------
    jadhav2021, Section 2.1, steps A1 to A3.
    """
    pixel_um = require_pixel_um("pixel_um", pixel_um)
    if not np.isfinite(field_um) or field_um < pixel_um:
        raise ValueError(f"field_um={field_um} must be finite and hold at least one pixel of {pixel_um} micrometres")
    if field_um > 1000:
        raise ValueError(f"field_um={field_um:g} looks like nanometres; give micrometres, {field_um / 1000:g}")
    if not np.isfinite(focal_depth_um) or focal_depth_um < 0:
        raise ValueError(f"focal_depth_um={focal_depth_um} must be a depth below the coverslip, 0 micrometres or more")
    if focal_depth_um > optics.working_distance_um:
        raise ValueError(
            f"focal_depth_um={focal_depth_um:g} is beyond the working distance of {optics.working_distance_um:g} "
            f"micrometres; if it is in nanometres, give {focal_depth_um / 1000:g}"
        )
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


def _sum_of_images(table, positions_um, photons, centres_um, cutoff_per_um, dtype, device, progress):
    """Frames (frame, y, x): traces x images on the key pixels, part by part, then interpolated once per frame."""
    keys, expand = key_points(centres_um, cutoff_per_um, tolerance=_KEY_TOLERANCE)
    block = max(1, _BLOCK_VALUES[device.type] // len(keys) ** 2)
    centres_um = torch.as_tensor(centres_um[keys], device=device)
    coefficients = torch.as_tensor(table.coefficients, dtype=_IMAGES, device=device)
    size = (photons.shape[1], len(keys) ** 2)

    def frames_of(emitters: range) -> torch.Tensor:
        frames = torch.zeros(size, dtype=dtype, device=device)
        for start in emitters[::block]:
            part = slice(start, min(start + block, emitters.stop))
            x_um, y_um = (torch.as_tensor(positions_um[part, axis, None], device=device) for axis in (0, 1))
            profiles = torch.as_tensor(table.basis(positions_um[part, 2]), dtype=_IMAGES, device=device) @ coefficients
            images = _images(profiles, x_um - centres_um, y_um - centres_um, table.step_um)
            # copied: a tensor takes neither reversed nor read-only arrays
            traces = torch.as_tensor(np.array(photons[part], dtype=float), dtype=dtype, device=device)
            frames.addmm_(traces.T, images.to(dtype))
        return frames

    count = len(positions_um)
    share = max(block, -(-count // _PARTS))
    parts = [range(start, min(start + share, count)) for start in range(0, count, share)]
    frames = torch.zeros(size, dtype=dtype, device=device)
    for part, summand in zip(parts, in_order(frames_of, parts, device), strict=True):
        frames += summand
        if progress is not None:
            progress(part.stop / count)
    expand = torch.as_tensor(expand, dtype=dtype, device=device)
    frames = expand @ frames.reshape(-1, len(keys), len(keys)) @ expand.T
    # interpolation undershoots by some 1e-5 of the peak where an image is dark; photons are never negative
    return frames.clamp_(min=0).cpu().numpy()


def _images(profiles, dx_um, dy_um, step_um):
    """Images (emitter, y * x) from radial profiles (emitter, distance) by linear interpolation."""
    dx2, dy2 = ((offset_um / step_um).square_().to(profiles) for offset_um in (dx_um, dy_um))
    steps = torch.add(dy2[:, :, None], dx2[:, None, :]).sqrt_().flatten(1)
    below = steps.long()
    return profiles.gather(1, below).lerp_(profiles[:, 1:].gather(1, below), steps.frac_())


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
