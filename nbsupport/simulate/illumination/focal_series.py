"""Three interfering beams in a thick sample: a series of focal planes, three angles and five phases each.

Two beams at the rim of the pupil and one at its centre make a pattern that also changes along the axis,
``I = 3 + 4 cos(k_z z) cos(k.r + s) + 2 cos(2 (k.r + s))``. It moves with the focus, so a slice at the distance z from
the focal plane is always lit by the same stripes and blurred by the same point spread function. A frame is then a
correlation of the sample with one kernel for each order of the pattern, along all three axes, and the phases of an
angle are sums of the same few correlations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from scipy.fft import next_fast_len

from nbsupport.checks import finite_array, positive, whole_number
from nbsupport.optics import Optics, gibson_lanni_energy_um2, gibson_lanni_intensity, pixel_size_um

from .pattern import Pattern


@dataclass(frozen=True)
class ThreeBeamMicroscope:
    """A microscope with three-beam illumination.

    Parameters
    ----------
    optics : Optics
        Detection; the beams use the same objective.
    excitation_um : float
        Wavelength of the illumination in vacuum, µm.
    beam_position : float
        Where the outer beams enter the pupil, in units of its radius, 0 to 1.
    stage_um : float
        Stage position, µm, negative towards the sample, as in `nbsupport.optics.gibson_lanni`; the focal plane then
        lies at the depth ``-stage_um n_sample / n_immersion``.
    angles_rad : tuple of float
        Directions of the pattern's wave vector, from +x towards +y.
    phases : int
        Frames per angle, in equal steps over one period.
    """

    optics: Optics
    excitation_um: float
    beam_position: float
    stage_um: float = 0.0
    angles_rad: tuple[float, ...] = (0.0, np.pi / 3, 2 * np.pi / 3)
    phases: int = 5

    def __post_init__(self):
        positive("excitation_um", self.excitation_um, "a positive number of micrometres")
        if not 0 < self.beam_position <= 1:
            raise ValueError(f"beam_position={self.beam_position} must lie in (0, 1], in units of the pupil radius")
        if not self.beam_position * self.optics.numerical_aperture < self.optics.n_sample:
            raise ValueError(f"beam_position={self.beam_position}: the outer beams do not enter the sample")
        whole_number("phases", self.phases, least=1)

    @property
    def beam_angle_rad(self) -> float:
        """Angle of the outer beams to the axis in the sample."""
        return float(np.arcsin(self.beam_position * self.optics.numerical_aperture / self.optics.n_sample))

    @property
    def wave_vector_per_um(self) -> np.ndarray:
        """First order of the pattern, (angle, 2), components (y, x), cycles per µm."""
        length = self.optics.n_sample / self.excitation_um * np.sin(self.beam_angle_rad)
        return length * np.stack([np.sin(self.angles_rad), np.cos(self.angles_rad)], axis=1)

    @property
    def axial_per_um(self) -> float:
        """Axial frequency of the first order, cycles per µm."""
        return self.optics.n_sample / self.excitation_um * (1 - np.cos(self.beam_angle_rad))

    def axial_modulation(self, z_um) -> np.ndarray:
        """Modulation of the two orders at a distance from the focal plane, shape of `z_um` + (2,)."""
        first = 4 / 3 * np.cos(2 * np.pi * self.axial_per_um * finite_array("z_um", z_um))
        return np.stack([first, np.full_like(first, 2 / 3)], axis=-1)

    def pattern(self) -> Pattern:
        """Pattern in the focal plane, for frames whose first pixel is where the phases start from 0."""
        phase = np.tile(2 * np.pi / self.phases * np.arange(self.phases), (len(self.angles_rad), 1))
        return Pattern(self.wave_vector_per_um, phase, np.tile(self.axial_modulation(0.0), (len(phase), 1)))


HUGHES_2024 = ThreeBeamMicroscope(
    Optics(
        numerical_aperture=1.1214320652773033,
        wavelength_um=0.46471068388878870,
        n_sample=1.3087831637876464,
        n_immersion=1.4648562934963818,
        n_immersion_design=1.4648562934963818,
        n_coverslip=1.5017830935453853,
        n_coverslip_design=1.5017830935453853,
        coverslip_um=165.15132839393857,
        coverslip_design_um=165.15132839393857,
    ),
    excitation_um=0.43471068388878870,
    beam_position=0.7625287914325007,
    stage_um=-1.423866867662422,
    angles_rad=tuple(-0.5939717899793702 - np.pi / 3 * np.arange(3)),
)
"""The one microscope of hughes2024: its random numbers come from a fixed seed that starts anew for every volume."""


def focal_series(
    sample: xr.DataArray,
    microscope: ThreeBeamMicroscope = HUGHES_2024,
    *,
    focal_planes: Sequence[int] | None = None,
    scale_planes: bool = False,
    window_um: float = 3.2,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> xr.DataArray:
    """Noise-free frames of a thick sample at a series of focal planes.

    Parameters
    ----------
    sample : DataArray, (z, y, x), not negative
        Fluorophores per voxel, with voxel centres in µm as coordinates; z increases away from the coverslip. There is
        nothing outside the volume.
    microscope : ThreeBeamMicroscope
    focal_planes : sequence of int, optional
        Slices of the sample that are brought into focus; by default 1 to half their number, which the source
        calls the top half of the sample.
    scale_planes : bool
        Divide the frames of every focal plane by their own maximum, as the source does. Intensity along the axis is
        then lost.
    window_um : float
        Light farther than this from its emitter, along y or x, is dropped.
    dtype : torch.float32 or torch.float64
        Precision of the transforms.
    device : str or device

    Returns
    -------
    DataArray, (angle, phase, z, y, x), expected light per pixel
        For a mean illumination of 1, so that a fluorophore gives 1, spread over the pixels that its point spread
        function reaches; at most 1 under `scale_planes`. Its coordinate z is that of the slice in focus. attrs carry
        the pattern (`Pattern.of`), whose phases are 0 at the pixel (rows // 2, columns // 2) in each first frame.

    Raises
    ------
    ValueError
        If the sample has other dimensions, is negative or not finite, or a number is out of range.

    Notes
    -----
    Slices farther from focus than half the number of slices are left out, as in the source, which moves the sample
    through a box of constant size. The source samples its point spread function half a pixel off the centre and
    stretches the sample to [0, 1] anew at every position; here it is centred, and the stretch, which `scale_planes`
    undoes but for an offset in one plane, is left out.

    References
    ----------
    hughes2024, section 2.2; gustafsson2008.
    """
    values, (dz, pixel_um) = _checked(sample)
    slices, *shape = values.shape
    planes = np.arange(1, slices // 2 + 1) if focal_planes is None else np.asarray(focal_planes)
    if planes.ndim != 1 or planes.dtype.kind not in "iu" or not np.all((planes >= 0) & (planes < slices)):
        raise ValueError(f"focal_planes={focal_planes!r} must be slices of the sample, 0 to {slices - 1}")
    window_px = whole_number("window_um in pixels", int(round(window_um / pixel_um)), least=1)
    kernels = _Kernels(microscope, dz, pixel_um, (slices, *shape), window_px, dtype, device)
    spectrum = torch.fft.rfft2(torch.as_tensor(values, dtype=dtype, device=device), s=kernels.lateral)
    frames = _frames(torch.fft.fft(spectrum, n=kernels.axial, dim=0), kernels, torch.as_tensor(planes), shape)
    if scale_planes:
        frames /= frames.amax(dim=(0, 1, 3, 4), keepdim=True).clamp(min=torch.finfo(dtype).tiny)
    centre_um = -pixel_um * np.array([size // 2 for size in shape])
    return xr.DataArray(
        frames.cpu().numpy(),
        dims=("angle", "phase", "z", "y", "x"),
        coords={"z": sample.z.values[planes], "y": sample.y.values, "x": sample.x.values},
        attrs={"units": "1", **microscope.pattern().moved(centre_um).attrs},
    )


def _checked(sample):
    if not isinstance(sample, xr.DataArray) or set(sample.dims) != {"z", "y", "x"}:
        found = getattr(sample, "dims", type(sample).__name__)
        raise ValueError(f"sample has {found}; needed is a DataArray with dims ('z', 'y', 'x')")
    pixel_um = pixel_size_um(sample)
    z_um = np.asarray(sample.z.values, dtype=float)
    steps = np.diff(z_um)
    if len(z_um) < 2 or not np.all(np.abs(steps - steps[0]) <= 1e-3 * steps[0]):
        raise ValueError("coordinate z of the sample must increase in equal steps (in micrometres)")
    values = finite_array("sample", sample.transpose("z", "y", "x").values)
    if values.min() < 0:
        raise ValueError(f"sample is negative ({values.min():g}); fluorophores per voxel are 0 or more")
    return values, (float(steps.mean()), pixel_um)


def _frames(spectrum, kernels, planes, shape):
    """Sum over orders and quadratures; phases differ only in the weights of the same correlations."""
    microscope, options = kernels.microscope, {"dtype": spectrum.real.dtype, "device": spectrum.device}
    y, x = (kernels.pixel_um * (torch.arange(size, **options) - size // 2) for size in shape)
    steps = 2 * np.pi / microscope.phases * torch.arange(microscope.phases, **options)[:, None, None]

    def correlation(kernel):
        series = torch.fft.ifft(spectrum * torch.fft.fft(kernel, n=kernels.axial, dim=0), dim=0)[planes]
        return torch.fft.irfft2(series, s=kernels.lateral)[:, : shape[0], : shape[1]]

    mean = correlation(kernels.of(0, None, None))
    frames = mean.expand(len(microscope.angles_rad), microscope.phases, *mean.shape).clone()
    for angle, (ky, kx) in enumerate(microscope.wave_vector_per_um):
        phase = 2 * np.pi * (ky * y[:, None] + kx * x) + steps
        for order in (1, 2):
            for quadrature in (torch.cos, torch.sin):
                weights = quadrature(order * phase)[:, None]
                frames[angle].addcmul_(weights, correlation(kernels.of(order, (ky, kx), quadrature))[None])
    return frames.clamp_(min=0)


class _Kernels:
    """Lateral spectra of the point spread function times one order of the pattern, for every distance from focus."""

    def __init__(self, microscope, dz, pixel_um, shape, window_px, dtype, device):
        self.microscope, self.pixel_um = microscope, pixel_um
        slices, *lateral = shape
        self.half = [min(window_px, size - 1) for size in lateral]
        self.lateral = tuple(next_fast_len(n + half, real=True) for n, half in zip(lateral, self.half, strict=True))
        self.axial = next_fast_len(slices + slices // 2)
        # the correlation at plane f meets the slice f + d with the kernel of distance d, which is stored at -d
        self.distance_px = (torch.arange(slices) - slices // 2).flip(0)
        self.offset_um = [pixel_um * torch.arange(-half, half + 1, dtype=dtype, device=device) for half in self.half]
        self.blur = self._blur(dz).to(dtype=dtype, device=device)
        z_um = dz * self.distance_px.numpy()
        modulation = microscope.axial_modulation(z_um)
        self.amplitude = torch.as_tensor(np.insert(modulation, 0, 1.0, axis=1), dtype=dtype, device=device)

    def of(self, order, wave_vector, quadrature):
        """Spectrum (distance, ky, kx), first distance at index 0 of the axial transform."""
        kernel = self.blur * self.amplitude[:, order, None, None]
        if order:
            ky, kx = wave_vector
            y, x = self.offset_um
            kernel = kernel * quadrature(2 * np.pi * order * (ky * y[:, None] + kx * x))
        around = torch.zeros(self.axial, *self.lateral, dtype=kernel.dtype, device=kernel.device)
        around[tuple(slice(size) for size in kernel.shape)] = kernel
        first = -int(self.distance_px[0])
        return torch.fft.rfft2(around.roll((first, -self.half[0], -self.half[1]), (0, 1, 2)))

    def _blur(self, dz):
        """Share of the light of an emitter that reaches each pixel around it, (distance, y, x)."""
        optics, stage_um = self.microscope.optics, self.microscope.stage_um
        focus_um = -stage_um * optics.n_sample / optics.n_immersion
        y, x = (np.arange(-half, half + 1) for half in self.half)
        squares, where = np.unique(y[:, None] ** 2 + x**2, return_inverse=True)
        depth_um = focus_um + dz * self.distance_px.numpy()
        profile = gibson_lanni_intensity(optics, self.pixel_um * np.sqrt(squares), stage_um, depth_um)
        share = self.pixel_um**2 / gibson_lanni_energy_um2(optics)
        return torch.as_tensor(share * profile[:, where.reshape(len(y), -1)])
