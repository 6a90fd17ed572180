"""Artefacts of known kind and severity, planted into a clean image: what metrics are to be tested with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter, shift
from scipy.spatial import KDTree

from nbsupport.optics import FWHM_PER_SIGMA, pixel_size_um
from nbsupport.simulate.structures import Sample

from .geometry import checked_image, distance_to_structure, share, structure_level


class Scene(NamedTuple):
    """A sample and its clean image: emitters blurred by a Gaussian."""

    sample: Sample
    image: xr.DataArray  # (y, x), 1, µm; brightest pixel 1
    fwhm_um: float  # of the blur


def clean_scene(sample: Sample, *, pixel_um: float, fwhm_um: float, field_um: float = 5.0) -> Scene:
    """Image of a sample as a perfect method of a given resolution would show it.

    Parameters
    ----------
    sample : Sample
    pixel_um : float, µm
    fwhm_um : float
        Full width at half maximum of an emitter in the image, µm.
    field_um : float
        Side of the field, µm.

    Returns
    -------
    Scene

    Raises
    ------
    ValueError
        If no emitter lies in the field.
    """
    counts = sample.render(pixel_um, field_um)
    if not counts.any():
        raise ValueError(f"sample of kind {sample.kind!r} has no emitter in a field of {field_um:g} micrometres")
    image = gaussian_filter(counts.values, fwhm_um / FWHM_PER_SIGMA / pixel_um)
    return Scene(sample, counts.copy(data=image / image.max()), fwhm_um)


def plant(artefact: str, scene: Scene, severity: float, *, rng: np.random.Generator) -> xr.DataArray:
    """Spoil the image of a scene by one artefact.

    Parameters
    ----------
    artefact : str
        A key of `PLANTED`; severity 1 means

        ========================  ==============================================================================
        ``blur``                  a further Gaussian of 80 nm standard deviation
        ``debris``                specks as wide as an emitter, farther than 200 nm from all emitters, that hold 40 %
                                  of the light
        ``broken filaments``      60 % of every centre line erased, in pieces of 200 nm
        ``false filaments``       other filaments of the same kind and brightness, with a third of the total length
        ``intensity warp``        the square of the image, as its brightest pixel stays 1
        ``shift``                 80 nm in a random direction
        ``ringing``               spatial frequencies near 4 per µm multiplied by 5
        ``noise``                 Poisson noise at 10 photons in the brightest pixel over a background of 1 photon,
                                  which is subtracted again
        ========================  ==============================================================================

        and lower severities proportionally less: photons go with 1/severity², powers from 1 to 2.
    scene : Scene
        With filaments, for artefacts that are about filaments.
    severity : float, 0 to 1
        0 leaves the image as it is.
    rng : numpy.random.Generator
        The same state plants the same artefact at every severity: the same gaps grow in number, the same specks in
        brightness, the same false filaments in length.

    Returns
    -------
    DataArray, (y, x), on the grid of the image; not scaled to its maximum.

    Raises
    ------
    ValueError
        If there is no such artefact or the severity lies outside 0 to 1.
    """
    if artefact not in PLANTED:
        raise ValueError(f"artefact={artefact!r} is not known; there are {', '.join(PLANTED)}")
    image = checked_image("image", scene.image)
    if share("severity", severity) == 0:
        return image.copy()
    return image.copy(data=PLANTED[artefact](scene._replace(image=image), severity, rng))


def _blur(scene: Scene, severity: float, rng: np.random.Generator) -> np.ndarray:
    return gaussian_filter(scene.image.values, 0.08 * severity / pixel_size_um(scene.image))


def _debris(scene: Scene, severity: float, rng: np.random.Generator, specks: int = 60) -> np.ndarray:
    far = np.flatnonzero(distance_to_structure(scene.sample, scene.image, up_to_um=0.2).values > 0.2)
    light = np.zeros(scene.image.size)
    light[rng.choice(far, min(specks, far.size), replace=False)] = rng.lognormal(0, 0.5, min(specks, far.size))
    added = gaussian_filter(light.reshape(scene.image.shape), _sigma_px(scene))
    part = 0.4 * severity
    return scene.image.values + added / added.sum() * scene.image.values.sum() * part / (1 - part)


def _broken(scene: Scene, severity: float, rng: np.random.Generator, piece_um: float = 0.2) -> np.ndarray:
    points, erased = [], []
    for line in scene.sample.centre_lines():
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        piece = (along / piece_um).astype(int)
        order = rng.permutation(piece[-1] + 1)
        points.append(line[:, :2])
        erased.append(order[piece] < 0.6 * severity * (piece[-1] + 1))
    y, x = np.meshgrid(scene.image.y.values, scene.image.x.values, indexing="ij")
    nearest = KDTree(np.concatenate(points)).query(np.stack([x, y], axis=-1))[1]
    kept = 1.0 - np.concatenate(erased)[nearest]
    return scene.image.values * gaussian_filter(kept, _sigma_px(scene) / 2)


def _false(scene: Scene, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Stretches of the sample's own centre lines, turned about the middle of the field."""
    image, lines = scene.image, [line[:, :2] for line in scene.sample.centre_lines()]
    turned = np.concatenate([lines[k] @ _rotation(rng.uniform(0.5, 5.8)) for k in rng.permutation(len(lines))])
    edges = [
        np.append(image[d] - pixel_size_um(image) / 2, image[d][-1] + pixel_size_um(image) / 2) for d in ("y", "x")
    ]
    inside = np.all([(e[0] < p) & (p < e[-1]) for e, p in zip(edges, turned[:, ::-1].T, strict=True)], axis=0)
    turned = turned[inside][: int(np.ceil(severity / 3 * len(turned)))]
    drawn = gaussian_filter(np.histogram2d(turned[:, 1], turned[:, 0], bins=edges)[0], _sigma_px(scene))
    level = structure_level(turned, image.copy(data=drawn), quantile=0.5)
    return image.values + drawn / level * structure_level(scene.sample, image, quantile=0.5)


def _warp(scene: Scene, severity: float, rng: np.random.Generator) -> np.ndarray:
    return np.maximum(scene.image.values, 0.0) ** (1 + severity)


def _shift(scene: Scene, severity: float, rng: np.random.Generator) -> np.ndarray:
    angle, reach_px = rng.uniform(0, 2 * np.pi), 0.08 * severity / pixel_size_um(scene.image)
    return shift(scene.image.values, reach_px * np.array([np.sin(angle), np.cos(angle)]), order=3, mode="reflect")


def _ringing(scene: Scene, severity: float, rng: np.random.Generator) -> np.ndarray:
    # a cosine transform, so that ripples do not run out at one border and in at the other
    per_um = [np.arange(n) / (2 * n * pixel_size_um(scene.image)) for n in scene.image.shape]
    gain = 1 + 4 * severity * np.exp(-0.5 * ((np.hypot(per_um[0][:, None], per_um[1]) - 4.0) / 0.5) ** 2)
    return idctn(gain * dctn(scene.image.values))


def _noise(scene: Scene, severity: float, rng: np.random.Generator) -> np.ndarray:
    photons, background = 10 / severity**2, 0.1
    return rng.poisson((np.maximum(scene.image.values, 0.0) + background) * photons) / photons - background


def _sigma_px(scene: Scene) -> float:
    return scene.fwhm_um / FWHM_PER_SIGMA / pixel_size_um(scene.image)


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


PLANTED: dict[str, Callable[[Scene, float, np.random.Generator], np.ndarray]] = {
    "blur": _blur,
    "debris": _debris,
    "broken filaments": _broken,
    "false filaments": _false,
    "intensity warp": _warp,
    "shift": _shift,
    "ringing": _ringing,
    "noise": _noise,
}
