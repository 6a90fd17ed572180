"""One test pair as a judge: every measure of any image of it, with the truth looked up once."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import xarray as xr

from nbsupport.assess.artefacts import (
    distance_to_structure,
    intensity_at,
    membrane_profiles,
    peaks_between_walls,
    spurious_peaks,
)
from nbsupport.assess.fidelity import pearson, psnr, ssim
from nbsupport.assess.resolution import fwhm
from nbsupport.restore.pairs import Pair, draw_sample

from . import lines

MEASURES = {
    "psnr_max_range_db": "PSNR of images divided by their maxima, range 1, dB",
    "ssim": "SSIM of the same, window 11 px, range 1",
    "pearson": "correlation with noise-free MUSICAL; 0 for a constant image",
    "debris": "share of the light farther than 100 nm from every emitter",
    "halo": "light 50 to 150 nm off the structure, over that of noise-free MUSICAL",
    "lost": "share of the emitters that noise-free MUSICAL shows and the image does not",
    "structure_score": "harmonic mean of 1 - debris and 1 - lost; 0 for a black image",
    "out_of_focus": "brightness around emitters 300 nm or more from focus over that within 100 nm of it",
    "dip": "valley between the walls of mitochondria: 1 - valley / mean peak",
    "peak_error_um": "mean absolute error of the distance of the two walls, µm",
    "false_peaks": "peaks per line that no structure explains: beside it, and between the walls of mitochondria",
    "width_um": "mean Gaussian width (FWHM) across isolated filaments, µm",
    "log_correlation": "correlation of log intensity with noise-free MUSICAL along lines across vesicles",
    "edge_um": "mean distance of the 20 % and 80 % levels at the outer edge of vesicles, µm",
    "failed": "1 if the image is constant or not finite",
}
"""What a judge measures; a measure that a structure does not allow is NaN."""

LOWER_IS_BETTER = ("debris", "halo", "lost", "out_of_focus", "peak_error_um", "false_peaks", "width_um", "edge_um")

_DEBRIS_UM, _HALO_UM = 0.1, (0.05, 0.15)
_FOCUS_UM, _DEFOCUS_UM, _NEAR_UM = 0.1, 0.3, 0.1
_FLOOR = 1e-4  # of the maximum: where logarithms are cut off
_MOST_LINES = 60


class Judge:
    """A test pair with what its measures need of the truth.

    Parameters
    ----------
    pair : Pair

    Notes
    -----
    Debris, halo and the out-of-focus ratio are those of `nbsupport.assess.artefacts`, for many images of one sample:
    the distances to the emitters, which take most of their time, are looked up once.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    @property
    def name(self) -> str:
        """Of the pair, unique in its data set."""
        return f"{self.pair.structure}-{1000 * self.pair.pixel_um:g}nm-{self.pair.parameters['number']}"

    @cached_property
    def sample(self):
        """Emitters and geometry, drawn again."""
        return draw_sample(self.pair.parameters)

    @cached_property
    def clean(self) -> xr.DataArray:
        """Noise-free MUSICAL, (y, x)."""
        return self.pair.image(self.pair.clean)

    def measure(self, values: np.ndarray) -> dict[str, float]:
        """Measure an image of this pair.

        Parameters
        ----------
        values : ndarray, (y, x), the size of the pair
            Divided by its maximum first, as the source does; negative values count as none.

        Returns
        -------
        dict
            A number for every key of `MEASURES`.
        """
        values = np.asarray(values, dtype=float)
        failed = not np.isfinite(values).all() or np.ptp(values) == 0
        values = np.maximum(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
        image = self.pair.image(values / (values.max() or 1.0))
        found = dict.fromkeys(MEASURES, float("nan")) | self._fidelity(image.values) | self._light(image)
        found |= getattr(self, f"_{self.pair.structure}")(image)
        return found | {"failed": float(failed)}

    def _fidelity(self, values: np.ndarray) -> dict[str, float]:
        clean = self.pair.clean
        correlation = np.nan_to_num(pearson(clean, values))
        return {
            "psnr_max_range_db": psnr(clean, values, data_range=1.0),
            "ssim": ssim(clean, values, data_range=1.0),
            "pearson": float(correlation),
        }

    @cached_property
    def _regions(self) -> dict[str, np.ndarray]:
        emitters, image = self.sample.emitters_um, self.clean
        depth = np.abs(emitters[:, 2])
        distance = distance_to_structure(emitters, image, up_to_um=_HALO_UM[1]).values
        near = {
            name: distance_to_structure(emitters[chosen], image, up_to_um=_NEAR_UM).values <= _NEAR_UM
            for name, chosen in (("focused", depth <= _FOCUS_UM), ("defocused", depth >= _DEFOCUS_UM))
        }
        halo = (distance > _HALO_UM[0]) & (distance <= _HALO_UM[1])
        return near | {"far": distance > _DEBRIS_UM, "halo": halo}

    @cached_property
    def _shown(self) -> np.ndarray:
        """Whether noise-free MUSICAL shows each emitter, bool (emitter,)."""
        return self._bright(self.clean)

    def _bright(self, image: xr.DataArray) -> np.ndarray:
        """Whether the image, at each emitter inside it, exceeds a tenth of its structure level; bool (emitter,)."""
        values = intensity_at(image, self.sample.emitters_um)
        values = values[np.isfinite(values)]
        return values > 0.1 * np.quantile(values, 0.75) if values.size else np.zeros(0, dtype=bool)

    def _light(self, image: xr.DataArray) -> dict[str, float]:
        values, regions = image.values, self._regions
        debris = _ratio(values[regions["far"]].sum(), values.sum())
        wanted = _ratio(self.clean.values[regions["halo"]].sum(), self.clean.values.sum())
        lost = 1 - _ratio((self._bright(image) & self._shown).sum(), self._shown.sum())
        means = [values[regions[name]].mean() if regions[name].any() else np.nan for name in ("defocused", "focused")]
        kept = (1 - debris) * (1 - lost) / max(2 - debris - lost, 1e-12)
        return {
            "debris": debris,
            "halo": _ratio(values[regions["halo"]].sum(), values.sum()) / wanted if wanted else float("nan"),
            "lost": lost,
            "structure_score": 2 * kept,
            "out_of_focus": float(means[0] / means[1]) if means[1] else float("nan"),
        }

    @property
    def _half_field_um(self) -> float:
        """Half the edge of the image less one pixel, µm."""
        return (len(self.clean.y) / 2 - 1) * self.pair.fine_um

    @cached_property
    def _lines(self) -> lines.Lines:
        kind, half = self.pair.structure, self._half_field_um
        if kind == "mitochondria":
            return lines.across_tubes(self.sample, half)[:_MOST_LINES]
        if kind == "actin":
            return lines.across_filaments(self.sample, half)[:_MOST_LINES]
        return lines.through_nothing(self.sample, half, seed=self.pair.parameters["number"])

    @cached_property
    def _structure(self) -> xr.DataArray:
        """Pixels that hold an emitter, bool (y, x)."""
        edges = [
            np.append(self.clean[d] - self.pair.fine_um / 2, self.clean[d][-1] + self.pair.fine_um / 2) for d in "yx"
        ]
        return self.clean.copy(data=np.histogram2d(*self.sample.emitters_um[:, 1::-1].T, edges)[0] > 0)

    def _false_peaks(self, image: xr.DataArray) -> float:
        counts = spurious_peaks(self._structure, image, self._lines)
        return float(counts.mean()) if counts.size else float("nan")

    def _actin(self, image: xr.DataArray) -> dict[str, float]:
        widths = [_width_um(profile) for profile in _profiles(image, self._lines)]
        return {"width_um": _mean([width for width in widths if width is not None])}

    def _mitochondria(self, image: xr.DataArray) -> dict[str, float]:
        profiles = membrane_profiles(self.sample, image)
        error = np.abs(profiles.peak_distance_um.values - profiles.attrs["wall_distance_um"])
        error = error[(profiles.left + profiles.right).values > 0]
        return {
            "dip": _mean(profiles.dip.values),
            "peak_error_um": _mean(error),
            "false_peaks": self._false_peaks(image) + _mean(peaks_between_walls(profiles)),
        }

    def _vesicles(self, image: xr.DataArray) -> dict[str, float]:
        across, radii = lines.across_vesicles(self.sample, self._half_field_um)
        correlations, edges = [], []
        for line, radius in zip(across, radii, strict=True):
            (profile,), (target,) = _profiles(image, line[None]), _profiles(self.clean, line[None])
            logs = [np.log10(np.maximum(values.values, _FLOOR)) for values in (profile, target)]
            correlations.append(np.nan_to_num(pearson(*logs)))
            edges += [_edge_um(half, radius) for half in _halves(profile)]
        return {
            "log_correlation": _mean(correlations),
            "edge_um": _mean([edge for edge in edges if edge is not None]),
            "false_peaks": self._false_peaks(image),
        }


def _profiles(image: xr.DataArray, across: lines.Lines) -> list[xr.DataArray]:
    """Intensity along every line, every half pixel, over the offset from its middle in µm."""
    step_um = float(image.y[1] - image.y[0]) / 2
    found = []
    for start, end in across:
        length_um = np.linalg.norm(end - start)
        offset = np.linspace(-length_um / 2, length_um / 2, 2 * int(np.ceil(length_um / step_um / 2)) + 1)
        points = (start + end) / 2 + offset[:, None] * (end - start) / length_um
        found.append(xr.DataArray(intensity_at(image, points), dims="offset_um", coords={"offset_um": offset}))
    return found


def _width_um(profile: xr.DataArray) -> float | None:
    try:
        return fwhm(profile).fwhm
    except ValueError:  # no peak on this line
        return None


def _halves(profile: xr.DataArray) -> list[xr.DataArray]:
    """The two sides of a profile, each from outside to the middle, over the distance from the middle in µm."""
    distance, middle = profile.offset_um.values, profile.size // 2
    sides = profile.values[: middle + 1], profile.values[middle:][::-1]
    outside_in = -distance[: middle + 1]
    return [xr.DataArray(side, dims="distance_um", coords={"distance_um": outside_in}) for side in sides]


def _edge_um(side: xr.DataArray, radius_um: float, window_um: float = 0.08) -> float | None:
    """Distance of the 20 % and 80 % levels outside the membrane's peak; None where the membrane is dark."""
    values, distance = side.values, side.distance_um.values
    wall = np.flatnonzero(np.abs(distance - radius_um) <= window_um)
    peak = wall[np.argmax(values[wall])]
    if values[peak] <= 0:
        return None
    outside = values[: peak + 1] / values[peak]
    places = [_last_below(outside, level) for level in (0.8, 0.2)]
    high, low = (np.interp(place, np.arange(len(distance)), distance) for place in places)
    return float(low - high)


def _last_below(rising: np.ndarray, level: float) -> float:
    """Place, in samples, at which the values rise through a level for the last time; 0 if they never lie below it."""
    below = np.flatnonzero(rising < level)
    if not below.size:
        return 0.0
    last = below[-1]
    return last + (level - rising[last]) / (rising[last + 1] - rising[last])


def _mean(values) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 0.0
