"""From raw frames to one image of twice the pixels: separate the bands, move them home, add and filter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from nbsupport.checks import whole_number
from nbsupport.optics import Optics
from nbsupport.simulate.illumination import Pattern

from .assembly import Assembly, on_fine_grid
from .checks import require_fit, warn_of_frames
from .estimation import estimate
from .filters import Notch, apodisation
from .frames import as_frames, bands, frequencies, other_dims, prepared, separation

_CACHED_PX = 2**19  # of the fine grid; complex and in double precision 8 MB


def reconstruct(
    raw: xr.DataArray,
    optics: Optics,
    *,
    parameters: Pattern | Sequence[Pattern] | None = None,
    otf_damping: float = 0.15,
    wiener: float = 0.05,
    apodisation_cutoff: float = 1.59,
    apodisation_bend: float = 1.0,
    notch: Notch | None = None,
    richardson_lucy: int = 0,
    zero_band_weight: float = 2.0,
    background: float = 0.0,
    fade_px: int = 10,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device = "cpu",
) -> xr.DataArray:
    """Reconstruct structured-illumination frames.

    Parameters
    ----------
    raw : DataArray, ("angle", "phase", "y", "x") and any others, in any order
        Raw frames, any unit; ``y`` and ``x`` are pixel centres in µm. Planes (z) or times are reconstructed as images
        of their own, a few at a time.
    optics : Optics
        Numerical aperture and emission wavelength count.
    parameters : Pattern or sequence of Pattern, optional
        The pattern, from `estimate` on these or other frames, or known. One serves all images of a stack; a
        sequence has one for each. By default it is estimated from the whole stack.
    otf_damping : float
        What is left at the cutoff of the ideal transfer function, see `damped_otf`.
    wiener : float
        Wiener parameter w; w squared is added to the sum of squared transfer functions before dividing by it.
    apodisation_cutoff : float
        Cutoff of the result's own transfer function, in units of the detection cutoff; 1 + k_pattern/k_cutoff uses
        all that the bands hold.
    apodisation_bend : float
        Power of that transfer function: 1 as of a lens, below 1 keeps more of the fine detail, and of the ringing.
    notch : Notch, optional
        Attenuation against defocused light.
    richardson_lucy : int
        Iterations of Richardson-Lucy deconvolution in place of the Wiener filter and the apodisation. 0: none.
    zero_band_weight : float
        How often the zero band counts in the Wiener sum: 2 as in the source's program, which halves the coarse detail
        that this band alone carries; 1 keeps it.
    background : float
        Subtracted from the frames, which are then clipped at 0; in the unit of `raw`.
    fade_px : int
        Width of the border that is faded out.
    dtype : torch.float64 or torch.float32
    device : str or device

    Returns
    -------
    DataArray, dims beside angle and phase of `raw`, 2y × 2x pixels
        Fine pixel (2i, 2j) is centred on raw pixel (i, j). Values are about a quarter of the raw frames' sum over
        angles (the transforms are not scaled) and may be negative. attrs hold the pattern, and under
        ``replaced_modulations`` how many of its modulations are a fallback.

    Raises
    ------
    SimError
        If frames are missing, empty or without a pattern, or phases are in disorder or do not tell the bands apart.

    Warns
    -----
    SimWarning
        If frames are saturated, the sample drifts, or a fitted modulation was replaced.

    References
    ----------
    hughes2024, section 2.1 and Table 1; gustafsson2008; muller2016 (whose program the source ran).
    """
    if parameters is not None and not isinstance(parameters, Pattern):
        options = {name: value for name, value in locals().items() if name not in ("raw", "optics", "parameters")}
        return _one_by_one(raw, optics, list(parameters), options)
    if not wiener >= 0:
        raise ValueError(f"wiener={wiener} must be 0 or more")
    whole_number("richardson_lucy", richardson_lucy, least=0)
    pixel_um, frames = as_frames(raw, device, dtype)
    if parameters is None:
        parameters = estimate(
            raw, optics, otf_damping=otf_damping, background=background, fade_px=fade_px, device=device
        )
    else:
        warn_of_frames(raw)
    require_fit(frames, parameters)
    weights, images = separation(parameters.phase_rad, parameters.modulation), []
    for block in frames.split(_at_once(frames)):
        assembly = Assembly(
            bands(prepared(block, background, fade_px), weights),
            optics,
            parameters,
            pixel_um,
            otf_damping=otf_damping,
            notch=notch,
            zero_band_weight=1.0 if richardson_lucy else zero_band_weight,
        )
        if richardson_lucy:
            images.append(_richardson_lucy(assembly, richardson_lucy))
        else:
            images.append(_wiener_filtered(assembly, wiener, apodisation_cutoff, apodisation_bend))
    image = torch.cat(images)
    replaced = int(np.count_nonzero(getattr(parameters, "replaced", False)))
    return _described(raw, image, pixel_um, parameters.attrs | {"replaced_modulations": replaced})


def widefield(raw: xr.DataArray) -> xr.DataArray:
    """Mean of all frames, which is a widefield image, on the grid of the reconstruction.

    Parameters
    ----------
    raw : DataArray, ("angle", "phase", "y", "x") and any others, in any order

    Returns
    -------
    DataArray, dims beside angle and phase of `raw`, 2y × 2x pixels, unit of `raw`
        Interpolated through its spectrum, which adds nothing.
    """
    pixel_um, frames = as_frames(raw, "cpu", torch.float64)
    spectrum = on_fine_grid(torch.fft.fft2(frames.mean(dim=(1, 2))))
    return _described(raw, 4 * torch.fft.ifft2(spectrum).real, pixel_um, {})


def _one_by_one(raw, optics, parameters, options):
    dims = other_dims(raw)
    if len(dims) != 1 or raw.sizes[dims[0]] != len(parameters):
        have = {dim: raw.sizes[dim] for dim in dims}
        raise ValueError(f"{len(parameters)} parameters do not fit the images of raw, {have or 'a single one'}")
    images = [
        reconstruct(raw.isel({dims[0]: i}, drop=True), optics, parameters=one, **options)
        for i, one in enumerate(parameters)
    ]
    return xr.concat(images, dim=raw[dims[0]] if dims[0] in raw.coords else dims[0], combine_attrs="drop")


def _at_once(frames):
    """How many images are computed at a time: on a processor as many as its caches hold."""
    fine_px = 4 * frames.shape[-2] * frames.shape[-1]
    return max(1, _CACHED_PX // fine_px) if frames.device.type == "cpu" else len(frames)


def _wiener_filtered(assembly, wiener, cutoff, bend):
    radius = torch.hypot(*frequencies(assembly.power.shape, assembly.pixel_um / 2, assembly.power))
    keep = apodisation(assembly.optics, radius, cutoff, bend)
    return torch.fft.ifft2(assembly.combined * (keep / (assembly.power + wiener**2))).real


def _richardson_lucy(assembly, iterations):
    """Deconvolve the sum of the matched bands, whose transfer function is the power."""
    observed = torch.fft.ifft2(assembly.combined).real
    floor = 1e-6 * observed.amax(dim=(-2, -1), keepdim=True)
    observed = torch.maximum(observed, floor)
    transfer = (assembly.power / assembly.power[0, 0])[:, : assembly.power.shape[1] // 2 + 1]

    def blurred(image):
        return torch.fft.irfft2(torch.fft.rfft2(image) * transfer, s=image.shape[-2:])

    image = observed.clone()
    for _ in range(iterations):
        image = image * blurred(observed / torch.maximum(blurred(image), floor)).clamp(min=0)
    return image / assembly.power[0, 0]


def _described(raw, image, pixel_um, attrs):
    dims = other_dims(raw)
    coords = {dim: raw.coords[dim] for dim in dims if dim in raw.coords}
    for dim, size in zip(("y", "x"), image.shape[-2:], strict=True):
        coords[dim] = (dim, float(raw[dim][0]) + pixel_um / 2 * np.arange(size), {"units": "µm"})
    return xr.DataArray(
        image.reshape(*(raw.sizes[dim] for dim in dims), *image.shape[-2:]).cpu().numpy(),
        dims=(*dims, "y", "x"),
        coords=coords,
        attrs={"units": raw.attrs.get("units", "1"), **attrs},
    )
