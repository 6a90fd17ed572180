"""What a training pair is: the ranges it is drawn from, its sample, its raw stacks and their MUSICAL images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import xarray as xr

from nbsupport.checks import positive, whole_number
from nbsupport.optics import Optics, require_pixel_um
from nbsupport.reconstruct.musical import musical
from nbsupport.seeds import streams
from nbsupport.simulate.recording import record
from nbsupport.simulate.structures import CurveRules, Sample, actin, mitochondria, vesicles

STRUCTURES = ("actin", "vesicles", "mitochondria")
PIXEL_SIZES_UM = (0.065, 0.08, 0.108, 0.12)

_SOURCE_FIELD_UM = 5.0
_DEPTH_UM = (-0.5, 0.5)


@dataclass(frozen=True)
class Protocol:
    """What all pairs of a data set have in common.

    Parameters
    ----------
    seed : int
        Root of every random stream.
    frames : int
        Raw frames per stack.
    field_um : float
        Edge of the field, µm. The volume in which samples are drawn has this edge as well, and curves and vesicles
        shrink with it, so that a small field for a quick test is not empty; 5 is that of the source.
    numerical_aperture : (float, float)
        Uniform range.
    tau_on, tau_off : (int, int)
        Ranges of the mean dwell times, frames; whole numbers, both ends included.
    wavelength_um : float
        Emission, µm.
    signal_to_background, background : float
        Brightest expected pixel over the background, and the background in counts.
    alpha, subpixels, threshold
        Settings of `musical`, the same for the noisy and the noise-free stack.

    References
    ----------
    jadhav2021, sections 2.1 and 2.2. The equations of its soft threshold are not openly available, and the labelled
    surrogate of `SoftThreshold` stands in. A hard threshold of 10⁻¹ does not: with noise it leaves a window of 5 × 5
    pixels (108 and 120 nm) a noise subspace of a few dimensions, whose projections vanish along lines, and the largest
    value of the image, by which it is divided, is then a point of 10²⁰ on black.
    """

    seed: int = 0
    frames: int = 200
    field_um: float = _SOURCE_FIELD_UM
    numerical_aperture: tuple[float, float] = (1.2, 1.49)
    tau_on: tuple[int, int] = (1, 5)
    tau_off: tuple[int, int] = (1, 20)
    wavelength_um: float = 0.66
    signal_to_background: float = 3.0
    background: float = 100.0
    alpha: float = 4.0
    subpixels: int = 10
    threshold: float | str = "soft"

    def __post_init__(self):
        for name, least in (("seed", 0), ("frames", 2), ("subpixels", 1)):
            whole_number(name, getattr(self, name), least=least)
        positive("field_um", self.field_um, "an edge in micrometres, such as 5")
        if self.field_um > 100:
            raise ValueError(f"field_um={self.field_um:g} looks like nanometres; give {self.field_um / 1000:g}")
        for name in ("numerical_aperture", "tau_on", "tau_off"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name}={(low, high)} must be a smallest and a largest value above 0")


def draw_parameters(protocol: Protocol, structure: str, pixel_um: float, number: int) -> dict:
    """Draw what distinguishes one pair.

    Parameters
    ----------
    protocol : Protocol
    structure : str
        One of `STRUCTURES`.
    pixel_um : float
        Pixel of the raw frames, µm.
    number : int
        Of the pair among those of this structure and pixel size. The same number is the same pair in a data set of
        any size and however it is divided into shards.

    Returns
    -------
    dict
        Every parameter of the pair, those of the protocol included: all that `recording` needs.

    Raises
    ------
    ValueError
        If there is no such structure, or the pixel size looks like nanometres.
    """
    if structure not in STRUCTURES:
        raise ValueError(f"structure={structure!r} is unknown; there are {', '.join(STRUCTURES)}")
    given = asdict(protocol) | {
        "structure": structure,
        "pixel_um": require_pixel_um("pixel_um", pixel_um),
        "number": whole_number("number", number, least=0),
    }
    rng = _stream(given, "parameters")
    given["numerical_aperture"] = float(rng.uniform(*protocol.numerical_aperture))
    given["tau_on"] = int(rng.integers(*protocol.tau_on, endpoint=True))
    given["tau_off"] = int(rng.integers(*protocol.tau_off, endpoint=True))
    return given


def draw_sample(parameters: Mapping) -> Sample:
    """Emitters and geometry of a pair, the same at every call.

    Parameters
    ----------
    parameters : mapping
        From `draw_parameters`, or ``Pair.parameters``.

    Returns
    -------
    Sample
    """
    field_um, rng = parameters["field_um"], _stream(parameters, "sample")
    shrunk = field_um / _SOURCE_FIELD_UM
    box_um = ((-field_um / 2, field_um / 2),) * 2 + (_DEPTH_UM,)
    if parameters["structure"] == "vesicles":
        return vesicles(rng=rng, box_um=box_um, radius_um=(0.025, 0.025 + 0.475 * shrunk))
    curves = CurveRules(step_um=(0.5 * shrunk, 1.5 * shrunk), longest_um=5.0 * shrunk)
    make = actin if parameters["structure"] == "actin" else mitochondria
    return make(rng=rng, box_um=box_um, curves=curves)


def microscope(parameters: Mapping) -> Optics:
    """Optics with which a pair was recorded and reconstructed."""
    return Optics(parameters["numerical_aperture"], parameters["wavelength_um"])


def recording(parameters: Mapping, *, sample: Sample | None = None) -> xr.Dataset:
    """Raw stacks of a pair, exactly as they were when its images were made.

    Parameters
    ----------
    parameters : mapping
        From `draw_parameters`, or ``Pair.parameters``. Change ``signal_to_background`` for the same photons behind
        another background, or ``wavelength_um`` and ``numerical_aperture`` for another microscope.
    sample : Sample, optional
        If it was drawn already.

    Returns
    -------
    Dataset
        ``noise_free`` and ``noisy``, (frame, y, x), as `record` gives them.
    """
    return record(
        draw_sample(parameters) if sample is None else sample,
        microscope(parameters),
        rng={name: _stream(parameters, name) for name in ("photokinetics", "noise")},
        **{name: parameters[name] for name in ("pixel_um", "frames", "tau_on", "tau_off", "field_um")},
        **{name: parameters[name] for name in ("signal_to_background", "background")},
    )


def reconstruction(stack: xr.DataArray, parameters: Mapping, *, device: str = "cpu") -> xr.DataArray:
    """MUSICAL image of a stack with the settings of a pair, before it is divided by its maximum.

    Parameters
    ----------
    stack : DataArray, (frame, y, x)
        From `recording`, or the same photons with other noise.
    parameters : mapping
    device : str

    Returns
    -------
    DataArray, (y, x), 1
    """
    settings = {name: parameters[name] for name in ("alpha", "subpixels", "threshold")}
    return musical(stack, microscope(parameters), device=device, **settings)


def _stream(parameters, name):
    """Random stream of one pair; no two structures, pixel sizes or numbers share one."""
    kind = f"{parameters['structure']} {1000 * parameters['pixel_um']:g} nm {name}"
    return streams(parameters["seed"], kind, sample=parameters["number"])[kind]
