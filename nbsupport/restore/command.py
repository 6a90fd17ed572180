"""The command ``nbsupport restore``: a trained restorer on a TIFF from anywhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

Progress = Callable[[str], Callable[[float], None]]


def declare(commands: argparse._SubParsersAction, progress: Progress) -> None:
    """Add the command to a command line; what it needs is imported only when it runs.

    Parameters
    ----------
    commands : action of ``add_subparsers``
    progress : callable
        Takes a label, gives a callable that takes the finished fraction.
    """
    words = commands.add_parser(
        "restore",
        help="restore an image (TIFF) with a trained network",
        description="Restore a TIFF of any size, plane by plane or volume by volume, on the scale and with the "
        "calibration of the original. Images outside what the restorer was trained for are refused.",
    )
    words.add_argument("image", type=Path, help="TIFF of grey values: an image or a stack")
    words.add_argument("--model", type=Path, required=True, metavar="CARD", help="card of a restorer, or its folder")
    words.add_argument("-o", "--output", type=Path, required=True, metavar="TIFF", help="float32 TIFF to write")
    words.add_argument("--pixel-um", type=float, help="pixel size in µm, if the file does not state it")
    words.add_argument("--na", type=float, help="numerical aperture, if the file does not state it")
    words.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    words.add_argument("--bf16", action="store_true", help="compute in bfloat16: faster, three digits")
    words.add_argument("--force", action="store_true", help="overwrite the output")
    words.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
    words.set_defaults(act=restore, progress=progress)


def restore(options: argparse.Namespace) -> int:
    """Do what the words ask for; return the exit status: 0 well, 1 refused."""
    try:
        _restore(options)
    except (ValueError, OSError) as error:
        print(f"nbsupport: {error}", file=sys.stderr)
        return 1
    return 0


def _restore(options: argparse.Namespace) -> None:
    _check_output(options)
    from nbsupport.publish import publishing

    from . import cards, files, stacks

    restorer, image = cards.load(options.model), files.read(options.image)
    pixel_um = _agreed("pixel size", "--pixel-um", options.pixel_um, image.pixel_um, " µm")
    aperture = _agreed("numerical aperture", "--na", options.na, image.numerical_aperture, "")
    pieces = stacks.pieces(image.values.shape, image.axes, restorer.card.limits)
    restorer.card.limits.check(pieces.spatial, pixel_um=pixel_um, numerical_aperture=aperture)
    note = f"restored by nbsupport with {restorer.card.constructor}, weights sha256 {restorer.card.weights_sha256}"
    if options.dry_run:
        for index in pieces.indices:
            restorer.card.limits.check_values(image.values[index])
        print(f"would restore {options.image.name}: {pieces}; write {options.output.name}, {note}")
        return
    precision = "bf16" if options.bf16 else "float32"
    report = options.progress(f"restoring {options.image.name}")
    restored = stacks.restore(
        restorer, image.values, pieces, device=options.device, precision=precision, progress=report
    )
    with publishing(options.output) as temporary:
        files.write(temporary, restored, image, note=note)
    print(f"wrote {options.output.name}: {pieces}, {note}")


def _check_output(options: argparse.Namespace) -> None:
    output = options.output
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(f"-o {output.name}: only TIFF is written; call it {output.with_suffix('.tif').name}")
    if not output.parent.is_dir():
        raise ValueError(f"-o {output.name}: its folder does not exist; make it first")
    if output.exists() and options.image.exists() and output.samefile(options.image):
        raise ValueError(f"-o {output.name} is the image itself; raw data are never overwritten")
    if output.exists() and not options.force:
        raise ValueError(f"{output.name} exists; give --force to overwrite it")


def _agreed(name: str, word: str, given: float | None, stated: float | None, unit: str) -> float | None:
    """What the user says or the file states; an error where they contradict each other."""
    if given is not None and not given > 0:
        raise ValueError(f"{word} {given:g} must be positive")
    if name == "pixel size" and given is not None and given > 1:
        raise ValueError(f"{word} {given:g} looks like nanometres; give micrometres, {given / 1000:g}")
    if given and stated and abs(given - stated) > 0.01 * stated:
        raise ValueError(f"{word} {given:g} contradicts the file, which states a {name} of {stated:.4g}{unit}")
    return given or stated
