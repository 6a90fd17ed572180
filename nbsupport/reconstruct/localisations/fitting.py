"""From frames to localisations: find spots, fit all of them at once by maximum likelihood."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from scipy.ndimage import gaussian_filter, maximum_filter

from nbsupport.checks import positive, whole_number
from nbsupport.optics import pixel_size_um
from nbsupport.simulate.blinks import point_cloud

PARAMETERS = ("y", "x", "photons", "background", "sigma_y", "sigma_x")
_STEPS = 40
_SQRT2 = 2**0.5


def localise(
    stack: xr.DataArray, *, sigma_um: float = 0.13, threshold: float = 4.0, spot_px: int = 9, crowding: float = 1.5
) -> xr.Dataset:
    """Localise single emitters in every frame of a stack.

    Parameters
    ----------
    stack : DataArray, (frame, y, x), photons (offset subtracted, gain applied)
    sigma_um : float
        Standard deviation of the point spread function to look for, µm.
    threshold : float
        Least height of a spot in the band-passed frame, in robust standard deviations of that frame.
    spot_px : int
        Edge of the square that is fitted, odd, pixels.
    crowding : float
        A fit is dropped if its centre moved farther than this from its peak, px, or its width left the range from
        ``sigma_um`` / 2 to 2 ``sigma_um``: two emitters on one spot mostly end so.

    Returns
    -------
    Dataset of `point_cloud`
        ``y``, ``x``, ``uncertainty_um`` and ``sigma_y_um``, ``sigma_x_um`` in µm; ``frame``, ``photons``,
        ``background`` (photons per pixel). The uncertainty is the root mean square of the two Cramér–Rao bounds of the
        fitted model: no fit can be better, a wrong model makes it worse. Ordered by frame.

    Raises
    ------
    ValueError
        If the stack is not in photons, or a number cannot be meant.

    References
    ----------
    The source used the localisation of huang2013 for sCMOS cameras, lefebvre2020, section 2.3; this one knows no map of
    read noise. Noise is taken as Poisson alone.
    """
    if stack.attrs.get("units") != "photons":
        raise ValueError(f"stack has units={stack.attrs.get('units')!r}; subtract the offset and apply the gain first")
    pixel_um = pixel_size_um(stack)
    sigma_px = positive("sigma_um", sigma_um, "a width in micrometres, such as 0.13") / pixel_um
    frames = stack.transpose("frame", "y", "x").values.astype(np.float64)
    peaks = find_spots(frames, sigma_px=sigma_px, threshold=threshold)
    spots, peaks = cut_spots(frames, peaks, spot_px)
    fits, bounds = fit_gaussians(torch.from_numpy(spots), sigma_px=sigma_px)
    values = dict(zip(PARAMETERS, fits.numpy().T, strict=True))
    bound = bounds.numpy()[:, :2]
    moved = np.hypot(values["y"], values["x"])
    widths = np.stack([values["sigma_y"], values["sigma_x"]])
    good = np.isfinite(bound).all(axis=1) & (moved < crowding) & (values["photons"] > 0)
    good &= np.all((widths > sigma_px / 2) & (widths < 2 * sigma_px), axis=0)
    first = {dim: float(stack[dim][0]) for dim in ("y", "x")}
    field = tuple((first[dim] - pixel_um / 2, float(stack[dim][-1]) + pixel_um / 2) for dim in ("y", "x"))
    at = {dim: first[dim] + (peaks[good, 1 + i] + values[dim][good]) * pixel_um for i, dim in enumerate(("y", "x"))}
    return point_cloud(
        at["y"],
        at["x"],
        field_um=field,
        frame=peaks[good, 0],
        photons=values["photons"][good],
        background=values["background"][good],
        sigma_y_um=values["sigma_y"][good] * pixel_um,
        sigma_x_um=values["sigma_x"][good] * pixel_um,
        uncertainty_um=np.sqrt(np.mean(bound[good] ** 2, axis=1)) * pixel_um,
    )


def find_spots(frames: np.ndarray, *, sigma_px: float, threshold: float) -> np.ndarray:
    """Local maxima of band-passed frames.

    Parameters
    ----------
    frames : ndarray, (frame, y, x)
    sigma_px : float
        Width of the spots, px; the band is the difference of Gaussians of this width and twice it.
    threshold : float
        In standard deviations of the band-passed frame, taken from its median absolute deviation.

    Returns
    -------
    ndarray of int, (spot, 3)
        Frame, row, column; in the order of frames.
    """
    threshold = positive("threshold", threshold, "a positive number of standard deviations")
    band = gaussian_filter(frames, (0, sigma_px, sigma_px)) - gaussian_filter(frames, (0, 2 * sigma_px, 2 * sigma_px))
    centred = band - np.median(band, axis=(1, 2), keepdims=True)
    noise = 1.4826 * np.median(np.abs(centred), axis=(1, 2), keepdims=True)
    size = 2 * int(np.ceil(sigma_px)) + 1
    return np.argwhere((centred == maximum_filter(centred, (1, size, size))) & (centred > threshold * noise))


def cut_spots(frames: np.ndarray, peaks: np.ndarray, spot_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Squares around peaks, and the peaks for which the whole square lies inside the frame.

    Parameters
    ----------
    frames : ndarray, (frame, y, x)
    peaks : ndarray of int, (spot, 3)
    spot_px : int
        Edge of the squares, odd.

    Returns
    -------
    spots : ndarray, (spot, spot_px, spot_px)
    peaks : ndarray of int, (spot, 3)
    """
    if whole_number("spot_px", spot_px, least=5) % 2 == 0:
        raise ValueError(f"spot_px={spot_px} must be odd, so that a peak has a middle")
    half = spot_px // 2
    shape = np.array(frames.shape[1:])
    peaks = peaks[np.all((peaks[:, 1:] >= half) & (peaks[:, 1:] < shape - half), axis=1)]
    offsets = np.arange(-half, half + 1)
    rows = peaks[:, 1, None, None] + offsets[:, None]
    columns = peaks[:, 2, None, None] + offsets
    return frames[peaks[:, 0, None, None], rows, columns], peaks


def fit_gaussians(spots: torch.Tensor, *, sigma_px: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Fit an elliptical Gaussian, integrated over pixels, to every spot: maximum likelihood under Poisson noise.

    All spots take their Fisher scoring steps together; a step that lowers the likelihood of a spot is damped for it
    alone.

    Parameters
    ----------
    spots : Tensor, (spot, size, size), photons, size odd
    sigma_px : float
        Width to start from, px.

    Returns
    -------
    fits : Tensor, (spot, 6)
        y and x from the centre of the middle pixel, px; photons of the whole Gaussian; background, photons per pixel;
        widths along y and x, px.
    bounds : Tensor, (spot, 6)
        Cramér–Rao bounds of the standard deviations at the fit; NaN where they do not exist.

    References
    ----------
    huang2013 (integrated Gaussian under maximum likelihood); here both widths are free.
    """
    size = spots.shape[-1]
    data = spots.to(torch.float64).clamp_min(1e-3).flatten(1)
    edges = torch.arange(size + 1, dtype=torch.float64) - size / 2
    fits = _start(spots.to(torch.float64), sigma_px)
    damping = torch.full((len(fits), 1), 1e-2, dtype=torch.float64)
    model, slopes = _model(fits, edges)
    best = _log_likelihood(data, model)
    for _ in range(_STEPS):
        fisher = torch.einsum("spi,sp,spj->sij", slopes, 1 / model, slopes)
        gradient = torch.einsum("sp,spi->si", data / model - 1, slopes)
        scale = torch.diagonal(fisher, dim1=1, dim2=2)
        step = torch.linalg.solve(fisher + torch.diag_embed(damping * scale + 1e-9), gradient)
        tried = _bounded(fits + step, size)
        tried_model, tried_slopes = _model(tried, edges)
        reached = _log_likelihood(data, tried_model)
        better = reached >= best
        fits = torch.where(better[:, None], tried, fits)
        model = torch.where(better[:, None], tried_model, model)
        slopes = torch.where(better[:, None, None], tried_slopes, slopes)
        best = torch.where(better, reached, best)
        damping = torch.where(better[:, None], damping / 5, damping * 5).clamp(1e-9, 1e6)
    fisher = torch.einsum("spi,sp,spj->sij", slopes, 1 / model, slopes)
    inverse, failed = torch.linalg.inv_ex(fisher)
    variances = torch.diagonal(inverse, dim1=1, dim2=2)
    bounds = torch.where((variances > 0) & (failed == 0)[:, None], variances.clamp_min(0).sqrt(), torch.nan)
    return fits, bounds


def _start(spots: torch.Tensor, sigma_px: float) -> torch.Tensor:
    size = spots.shape[-1]
    border = torch.cat([spots[:, 0], spots[:, -1], spots[:, 1:-1, 0], spots[:, 1:-1, -1]], dim=1)
    background = border.median(dim=1).values.clamp_min(1e-2)
    photons = (spots - background[:, None, None]).sum(dim=(1, 2)).clamp_min(1.0)
    zeros, widths = torch.zeros_like(background), torch.full_like(background, sigma_px)
    return _bounded(torch.stack([zeros, zeros, photons, background, widths, widths], dim=1), size)


def _bounded(fits: torch.Tensor, size: int) -> torch.Tensor:
    y, x, photons, background, sigma_y, sigma_x = fits.unbind(1)
    y, x = (centre.clamp(-size / 2, size / 2) for centre in (y, x))
    sigma_y, sigma_x = (sigma.clamp(0.3, size) for sigma in (sigma_y, sigma_x))
    return torch.stack([y, x, photons.clamp_min(1e-2), background.clamp_min(1e-3), sigma_y, sigma_x], dim=1)


def _model(fits: torch.Tensor, edges: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Expected photons (spot, pixel) and their derivatives (spot, pixel, 6)."""
    y, x, photons, background, sigma_y, sigma_x = fits.unbind(1)
    shares_y, shares_x = (_shares(edges, *axis) for axis in ((y, sigma_y), (x, sigma_x)))
    flux = photons[:, None, None]

    def product(along_y, along_x):
        return along_y[:, :, None] * along_x[:, None, :]

    unit = product(shares_y[0], shares_x[0])
    slopes = [
        flux * product(shares_y[1], shares_x[0]),
        flux * product(shares_y[0], shares_x[1]),
        unit,
        torch.ones_like(unit),
        flux * product(shares_y[2], shares_x[0]),
        flux * product(shares_y[0], shares_x[2]),
    ]
    model = flux * unit + background[:, None, None]
    return model.flatten(1), torch.stack(slopes, dim=-1).flatten(1, 2)


def _shares(edges: torch.Tensor, centre: torch.Tensor, sigma: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Share of a 1-D Gaussian in each pixel (spot, size), and its derivatives by centre and by width."""
    z = (edges - centre[:, None]) / sigma[:, None]
    whole = 0.5 * torch.erf(z / _SQRT2)
    density = torch.exp(-(z**2) / 2) / (2 * torch.pi) ** 0.5 / sigma[:, None]
    return whole.diff(dim=1), -density.diff(dim=1), -(density * z).diff(dim=1)


def _log_likelihood(data: torch.Tensor, model: torch.Tensor) -> torch.Tensor:
    return (data * torch.log(model) - model).sum(dim=1)
