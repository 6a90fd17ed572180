"""A focal series as a whole: bands with the three-dimensional transfer function of their own order."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from scipy.fft import next_fast_len

from nbsupport.optics import Optics, best_focus_um, gibson_lanni_energy_um2, gibson_lanni_intensity
from nbsupport.simulate.illumination import Pattern

from .assembly import on_fine_grid
from .checks import require_fit, warn_of_frames
from .filters import ideal_otf
from .frames import as_frames, bands, frequencies, prepared, separation
from .parameters import SimError


def reconstruct_volume(
    raw: xr.DataArray,
    optics: Optics,
    *,
    parameters: Pattern,
    axial_per_um: float,
    modulation: tuple[float, float] = (4 / 3, 2 / 3),
    focal_depth_um: float = 0.0,
    stage_um: float | None = None,
    wiener: float = 0.05,
    apodisation_cutoff: float | None = None,
    apodisation_bend: float = 0.5,
    background: float = 0.0,
    fade_px: int = 10,
    window_um: float = 3.2,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> xr.DataArray:
    """Reconstruct a focal series of three-beam frames in three dimensions.

    The pattern moves with the focus, so the axial modulation of the first order is part of its point spread function:
    the band reaches farther along the axis, and fills the cone that widefield leaves empty. Going beyond the source,
    which reconstructs plane by plane.

    Parameters
    ----------
    raw : DataArray, ("angle", "phase", "z", "y", "x") in any order
        Raw frames at equally spaced focal planes, coordinates in µm.
    optics : Optics
        With the refractive indices of the sample and the media.
    parameters : Pattern
        From `estimate`, or known; two orders. Its modulation is not used: plane by plane fits of thick samples
        average over the depth.
    axial_per_um : float
        Axial frequency of the first order, cycles per µm; n/wavelength (1 - cos angle) of the outer beams.
    modulation : (float, float)
        Of the two orders in the focal plane; the default is that of three equal beams.
    focal_depth_um : float
        Depth of the focal plane under the coverslip, for the spherical aberration.
    stage_um : float, optional
        Stage position for that depth, as in `nbsupport.optics.gibson_lanni`; by default the best focus.
    wiener : float
        As in `reconstruct`, relative to the largest sum of squared transfer functions.
    apodisation_cutoff, apodisation_bend
        As in `reconstruct`; the lateral cutoff is by default all that the bands hold. The axial one follows from
        detection and illumination. At a bend of 1 the axial gain is mostly apodised away.
    background, fade_px
        As in `reconstruct`.
    window_um : float
        Lateral half width of the point spread function that is used.
    dtype : torch.float32 or torch.float64
    device : str or device

    Returns
    -------
    DataArray, (z, 2y, 2x)
        Light per fine pixel on the scale of fluorophores per voxel where the bands hold everything; may be negative.

    Raises
    ------
    SimError
        If frames are missing, empty, or the pattern has not two orders.

    References
    ----------
    gustafsson2008.
    """
    if "z" not in raw.dims or raw.sizes["z"] < 2:
        raise SimError(f"raw has dims {raw.dims}; a volume needs focal planes along z")
    if parameters.orders != 2:
        raise SimError(f"the pattern has {parameters.orders} order(s); three beams have 2")
    warn_of_frames(raw)
    pixel_um, frames = as_frames(raw.transpose("z", "angle", "phase", "y", "x"), device, dtype)
    require_fit(frames, parameters)
    unmodulated = np.ones_like(parameters.modulation)
    separated = bands(prepared(frames, background, fade_px), separation(parameters.phase_rad, unmodulated))
    del frames
    stage_um = best_focus_um(optics, focal_depth_um) if stage_um is None else stage_um
    space = _Space(optics, separated, _step(raw), pixel_um, window_um, focal_depth_um, stage_um)
    combined, power = _combined(separated, parameters, space, axial_per_um, modulation)
    top = float(power.max())
    cutoff = apodisation_cutoff or 1 + 2 / parameters.period_um.mean() / optics.cutoff_per_um
    keep = space.apodisation(cutoff, axial_per_um) ** apodisation_bend
    image = torch.fft.ifftn(combined * (keep / (power + wiener**2 * top))).real[: raw.sizes["z"]]
    coords = {"z": raw.z}
    for dim, size in zip(("y", "x"), image.shape[1:], strict=True):
        coords[dim] = (dim, float(raw[dim][0]) + pixel_um / 2 * np.arange(size), {"units": "µm"})
    attrs = {"units": raw.attrs.get("units", "1"), **parameters.attrs}
    return xr.DataArray(image.cpu().numpy(), dims=("z", "y", "x"), coords=coords, attrs=attrs)


def _step(raw):
    steps = np.diff(raw.z.values.astype(float))
    if not steps[0] > 0 or not np.all(np.abs(steps - steps[0]) <= 1e-3 * steps[0]):
        raise SimError("coordinate z of raw must increase in equal steps (in micrometres)")
    return float(steps.mean())


def _combined(separated, pattern, space, axial_per_um, modulation):
    """Sum of all bands at home times their conjugate transfer functions, and the sum of the squares."""
    zero = torch.fft.fft2(separated[:, :, 0].real.sum(dim=1))
    transfer = space.transfer(np.zeros(2), 0.0, 1.0)
    combined = space.axial(on_fine_grid(zero)) * transfer.conj()
    power = len(pattern.phase_rad) * transfer.abs() ** 2
    for angle, order in np.ndindex(*pattern.modulation.shape):
        vector = (order + 1) * pattern.wave_vector_per_um[angle]
        transfer = space.transfer(vector, axial_per_um if order == 0 else 0.0, modulation[order])
        fine = torch.fft.ifft2(on_fine_grid(torch.fft.fft2(separated[:, angle, order + 1])))
        home = torch.fft.fft2(fine * space.turn(vector))
        combined += 2 * space.axial(home) * transfer.conj()
        squared = transfer.abs() ** 2
        power += squared + squared.flip((0, 1, 2)).roll((1, 1, 1), (0, 1, 2))
    return combined, power


class _Space:
    """The fine grid (z, y, x), padded along z, and the point spread function on it."""

    def __init__(self, optics, separated, dz, pixel_um, window_um, focal_depth_um, stage_um):
        self.optics, self.dz, self.fine_um, self.like = optics, dz, pixel_um / 2, separated.real
        shape = separated.shape[-2:]
        self.shape = (next_fast_len(2 * len(separated)), 2 * shape[0], 2 * shape[1])
        self.distance_um = dz * torch.fft.fftfreq(self.shape[0], 1 / self.shape[0]).numpy()
        half = min(int(round(window_um / self.fine_um)), min(shape) - 1)
        offset = np.arange(-half, half + 1)
        squares, where = np.unique(offset[:, None] ** 2 + offset**2, return_inverse=True)
        # a frame focused at z sees a slice at z - distance at the depth of focus minus distance
        profile = gibson_lanni_intensity(
            optics, self.fine_um * np.sqrt(squares), stage_um, focal_depth_um - self.distance_um
        )
        # four fine pixels make the light of a raw one
        share = 4 * self.fine_um**2 / gibson_lanni_energy_um2(optics)
        self.blur = torch.as_tensor(share * profile[:, where.reshape(len(offset), -1)]).to(self.like)
        self.offset_um = self.fine_um * torch.as_tensor(offset).to(self.like)
        self.half = half

    def transfer(self, vector, axial_per_um, depth):
        """Transfer function of a band after it was moved home by minus the vector."""
        axial = depth * np.cos(2 * np.pi * axial_per_um * self.distance_um)
        kernel = self.blur * torch.as_tensor(axial).to(self.like)[:, None, None]
        kernel = torch.complex(kernel, torch.zeros_like(kernel)) * self._turn(vector, self.offset_um, self.offset_um)
        around = kernel.new_zeros(self.shape)
        size = 2 * self.half + 1
        around[:, :size, :size] = kernel
        return torch.fft.fftn(around.roll((-self.half, -self.half), (1, 2))) / 4

    def turn(self, vector):
        """What moves a band by minus the vector in real space, (2y, 2x)."""
        y, x = (self.fine_um * torch.arange(size).to(self.like) for size in self.shape[1:])
        return self._turn(vector, y, x)

    def _turn(self, vector, y, x):
        turns = -2 * np.pi * (float(vector[0]) * y[:, None] + float(vector[1]) * x)
        return torch.polar(torch.ones_like(turns), turns)

    def axial(self, spectra):
        """Transform along z, with empty planes beyond the series."""
        return torch.fft.fft(spectra, n=self.shape[0], dim=0)

    def apodisation(self, cutoff, axial_per_um):
        """Ideal transfer function over an ellipsoid that the bands fill."""
        n, aperture = self.optics.n_sample, min(self.optics.numerical_aperture, self.optics.lowest_index)
        rise = (n - np.sqrt(max(n**2 - aperture**2, 0))) / self.optics.wavelength_um + axial_per_um
        y, x = frequencies(self.shape[1:], self.fine_um, self.like)
        z = torch.fft.fftfreq(self.shape[0], self.dz).to(self.like)[:, None, None]
        lateral = torch.hypot(y, x) / (cutoff * self.optics.cutoff_per_um)
        return ideal_otf(torch.hypot(lateral, z / rise).clamp(max=1))
