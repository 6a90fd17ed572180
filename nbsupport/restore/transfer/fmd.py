"""Pairs from a local copy of FMD, in the layout in which it is distributed.

``<folder>/<type>/{raw,avg2,avg4,avg8,avg16}/<field>/*.png`` are noisy images,
``<folder>/<type>/gt/<field>/avg50.png`` is the mean of the 50 exposures of a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from skimage.io import imread

from nbsupport.checks import whole_number
from nbsupport.restore.transfer.sets import AVERAGES, Pair

FMD_TYPES = (
    *(f"Confocal_{sample}" for sample in ("BPAE_B", "BPAE_G", "BPAE_R", "FISH", "MICE")),
    *(f"TwoPhoton_{sample}" for sample in ("BPAE_B", "BPAE_G", "BPAE_R", "MICE")),
    *(f"WideField_{sample}" for sample in ("BPAE_B", "BPAE_G", "BPAE_R")),
)
_MODALITIES = {"Confocal": "confocal", "TwoPhoton": "two-photon", "WideField": "wide-field"}
_STRUCTURES = {"BPAE_B": "nuclei", "BPAE_G": "F-actin", "BPAE_R": "mitochondria", "FISH": "zebrafish", "MICE": "brain"}


def fmd_pairs(
    folder: Path | str,
    *,
    types: Sequence[str] = FMD_TYPES,
    averages: Sequence[int] = AVERAGES,
    exposures: int = 1,
    without_field: int | None = 19,
    crop_px: int | None = None,
) -> list[Pair]:
    """Read pairs of a local copy of the Fluorescence Microscopy Denoising data.

    Parameters
    ----------
    folder : Path
        Holds one folder for each type.
    types : sequence of str
        Of `FMD_TYPES`; one that is not there is left out, as long as any is there.
    averages : sequence of int
        Of 1, 2, 4, 8 and 16.
    exposures : int
        Images read of every field and level, the first ones by name; 50 are there.
    without_field : int or None
        The field that is kept for tests, 19 in its own benchmark.
    crop_px : int, optional
        Side of the central crop; the whole image (512 px) by default.

    Returns
    -------
    list of Pair, grey values 0 to 255

    Raises
    ------
    ValueError
        If the folder holds none of the types, a type or level is unknown, or a noisy image has no mean of 50.

    References
    ----------
    Zhang et al., CVPR 2019; wang2021, methods.
    """
    folder, exposures = Path(folder), whole_number("exposures", exposures, least=1)
    if unknown := set(types) - set(FMD_TYPES) or set(averages) - set(AVERAGES):
        raise ValueError(f"{sorted(unknown)} is not in FMD; there are {', '.join(FMD_TYPES)} and averages {AVERAGES}")
    present = [name for name in types if (folder / name).is_dir()]
    if not present:
        raise ValueError(f"folder={str(folder)!r} holds none of {', '.join(types)}; give the folder that does")
    pairs = []
    for name in present:
        fields = sorted(int(p.name) for p in (folder / name / "gt").iterdir() if p.name.isdigit())
        for field in (number for number in fields if number != without_field):
            clean = _read(folder / name / "gt" / str(field) / "avg50.png", crop_px)
            for level in averages:
                images = sorted((folder / name / ("raw" if level == 1 else f"avg{level}") / str(field)).glob("*.png"))
                pairs += [Pair(*_said(name), level, _read(path, crop_px), clean) for path in images[:exposures]]
    return pairs


def _said(name: str) -> tuple[str, str]:
    modality, _, sample = name.partition("_")
    return _STRUCTURES[sample], _MODALITIES[modality]


def _read(path: Path, crop_px: int | None) -> np.ndarray:
    if not path.is_file():
        raise ValueError(f"{path.parent.parent.parent.name} has no {path.parent.name}/{path.name} in its gt folder")
    image = np.asarray(imread(path), dtype=float)
    image = image[..., :3].mean(axis=-1) if image.ndim == 3 else image
    if crop_px is None:
        return image
    starts = [(size - min(crop_px, size)) // 2 for size in image.shape]
    return image[tuple(slice(start, start + crop_px) for start in starts)]
