"""The command ``nbsupport sim``: reconstruct structured-illumination frames from a TIFF."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from nbsupport.publish import publishing


def declare(commands: argparse._SubParsersAction, progress: Callable) -> None:
    """Add the command to a command line; what it needs is imported only when it runs.

    Parameters
    ----------
    commands : action of ``add_subparsers``
    progress : callable
        Not used: a reconstruction takes seconds.
    """
    words = commands.add_parser(
        "sim",
        help="reconstruct structured-illumination frames (TIFF)",
        description="Reconstruct raw frames of structured illumination, plane by plane, on a grid of half the pixel "
        "size. What is wrong with the frames is said; frames without a pattern are refused.",
    )
    words.add_argument("raw", type=Path, help="TIFF of raw frames")
    words.add_argument("-o", "--output", type=Path, required=True, metavar="TIFF", help="float32 TIFF to write")
    words.add_argument("--na", type=float, required=True, help="numerical aperture")
    words.add_argument("--wavelength-um", type=float, required=True, help="emission wavelength in vacuum, µm")
    words.add_argument("--pixel-um", type=float, required=True, help="pixel of the raw frames in the sample, µm")
    words.add_argument("--z-um", type=float, help="distance of the focal planes, µm, if the file does not state it")
    words.add_argument("--order", default="OMX", help="order of the pages: OMX (default), PAZ or CZXY")
    words.add_argument("--angles", type=int, default=3, help="pattern directions (default: 3)")
    words.add_argument("--phases", type=int, help="frames per direction (default: 3 of 9 pages, 5 of 15)")
    words.add_argument("--pattern-from", type=Path, metavar="TIFF", help="find the pattern in these (brighter) frames")
    words.add_argument("--per-plane", action="store_true", help="find the pattern in every plane by itself")
    words.add_argument("--background", type=float, default=0.0, help="grey value without light (default: 0)")
    words.add_argument("--otf-damping", type=float, default=0.15, help="OTF at its cutoff over the ideal (0.15)")
    words.add_argument("--wiener", type=float, default=0.05, help="Wiener parameter (0.05)")
    words.add_argument("--apodisation-cutoff", type=float, help="in detection cutoffs (default: 1 + pattern/cutoff)")
    words.add_argument("--apodisation-bend", type=float, default=1.0, help="power of the apodisation (1)")
    words.add_argument("--notch", action="store_true", help="attenuate defocused light")
    words.add_argument("--force", action="store_true", help="overwrite the output")
    words.set_defaults(act=reconstruct)


def reconstruct(options: argparse.Namespace) -> int:
    """Do what the words ask for; return the exit status: 0 well, 1 refused."""
    try:
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            _reconstruct(options)
    except (ValueError, OSError) as error:
        print(f"nbsupport: {error}", file=sys.stderr)
        return 1
    for text in dict.fromkeys(str(doubt.message) for doubt in doubts):
        print(f"nbsupport: warning: {text}", file=sys.stderr)
    return 0


def _reconstruct(options):
    if options.output.exists() and options.raw.exists() and options.output.samefile(options.raw):
        raise ValueError(f"-o {options.output.name} is the raw file itself, which exists only once")
    if options.output.exists() and not options.force:
        raise ValueError(f"{options.output.name} exists; give --force to overwrite it")
    if options.output.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(f"-o {options.output.name}: only TIFF is written")
    if not options.output.parent.is_dir():
        raise ValueError(f"-o {options.output.name}: its folder does not exist; make it first")
    from nbsupport.optics import Optics

    from . import sim

    optics = Optics(options.na, options.wavelength_um, n_immersion=max(1.515, options.na))
    layout = {"pixel_um": options.pixel_um, "order": options.order, "angles": options.angles, "phases": options.phases}
    raw = sim.read_raw(options.raw, z_um=options.z_um, **layout)
    fit = {"otf_damping": options.otf_damping, "background": options.background}
    source = sim.read_raw(options.pattern_from, **layout) if options.pattern_from else raw
    if options.per_plane and "z" in source.dims:
        patterns = [sim.estimate(source.isel(z=i), optics, **fit) for i in range(source.sizes["z"])]
    else:
        patterns = [sim.estimate(source, optics, **fit)]
    found = patterns[0]
    reach = 1 + found.orders / found.period_um.mean() / optics.cutoff_per_um
    image = sim.reconstruct(
        raw,
        optics,
        parameters=patterns if len(patterns) > 1 else found,
        wiener=options.wiener,
        apodisation_cutoff=options.apodisation_cutoff or reach,
        apodisation_bend=options.apodisation_bend,
        notch=sim.Notch() if options.notch else None,
        **fit,
    )
    note = sim.described(found)
    with publishing(options.output) as temporary:
        sim.write_image(temporary, image, note=note)
    print(f"wrote {options.output.name}: {' × '.join(map(str, image.shape))}\n{note}")
