"""The command ``nbsupport``: run, list, pair, class, report, diagram, readme, and what other rooms declare."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from nbsupport.study import layout
from nbsupport.study.params import ParameterError, notebook_names, notebook_source
from nbsupport.study.progress import Progress, duration

ROOM_COMMANDS = ("nbsupport.restore.command", "nbsupport.reconstruct.command")
"""Modules of other rooms that declare a command; each imports its room only when the command runs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status (0 well, 1 a run or check failed, 2 wrong words)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.act(options)
    except ParameterError as error:
        print(f"nbsupport: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nbsupport", description="Run and report the notebooks of the study; restore images."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    run = commands.add_parser("run", help="run one notebook and publish its figures, tables and claims")
    run.add_argument("notebook", help="name, path or number: 03_musical")
    run.add_argument("--size", default="class", help=f"{', '.join(layout.SIZES)} (default: class)")
    run.add_argument(
        "-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE", help="change a parameter"
    )
    run.add_argument("--variant", help="one of the notebook's named variants, params/variants/<notebook>.yaml")
    run.add_argument("--threads", type=int, help="threads of the numerical libraries (default: all cores)")
    run.add_argument("--dry-run", action="store_true", help="say what would run, and run nothing")
    run.set_defaults(act=_run)

    listing = commands.add_parser("list", help="list the notebooks, their sizes and how long they took")
    listing.set_defaults(act=_list)

    pair = commands.add_parser("pair", help="write the executed .ipynb of each source")
    pair.add_argument("notebooks", nargs="*", help="default: all")
    pair.add_argument(
        "--size", default="class", help="class (default) is run where needed; other sizes are taken from earlier runs"
    )
    pair.add_argument("--check", action="store_true", help="compare the halves, change nothing")
    pair.set_defaults(act=_pair)

    class_ = commands.add_parser("class", help="write the student's and the teacher's edition of the notebooks")
    class_.add_argument("--out", default="class", help="folder that is written (default: class)")
    class_.set_defaults(act=_class)

    report = commands.add_parser("report", help="write the HTML report of one size and print its path")
    report.add_argument("--size", default="class")
    report.set_defaults(act=_report)

    diagram = commands.add_parser("diagram", help="draw the dataflow that the Snakefile declares")
    diagram.set_defaults(act=_diagram)

    readme = commands.add_parser("readme", help="write the verdicts and the measured times into the README")
    readme.set_defaults(act=_readme)

    for module in ROOM_COMMANDS:
        import_module(module).declare(commands, Progress)
    return parser


def _run(options: argparse.Namespace) -> int:
    from nbsupport.study.plan import describe, plan
    from nbsupport.study.run import RunError, run

    planned = plan(options.notebook, options.size, options.parameters, variant=options.variant)
    if options.dry_run or planned.size == "paper":
        print(describe(planned), flush=True)
    if options.dry_run:
        return 0
    try:
        record = run(planned, threads=options.threads)
    except RunError as error:
        print(f"nbsupport: {error}", file=sys.stderr)
        return 1
    published = ", ".join(record["published"]) or "nothing"
    print(
        f"{planned.name}: done at size {planned.size} in {duration(record['wall_s'])}, "
        f"{record['peak_memory_gib']:.1f} GiB; published {published}",
        flush=True,
    )
    return 0


def _list(options: argparse.Namespace) -> int:
    from nbsupport.study.plan import plan

    for name in notebook_names():
        sizes = ["class"] + [s for s in layout.SIZES if (layout.PARAMS / s / f"{name}.yaml").exists()]
        took = {size: plan(name, size).last_durations() for size in sizes}
        shown = (f"{size} ({duration(sum(s))})" if s else size for size, s in took.items())
        print(f"{name:28} {_title(name)}\n{'':28} sizes: {', '.join(shown)}")
    return 0


def _title(name: str) -> str:
    for line in notebook_source(name).read_text(encoding="utf-8").splitlines():
        if line.startswith("# # "):
            return line[4:].strip()
    return "(no title)"


def _pair(options: argparse.Namespace) -> int:
    from nbsupport.study.pair import differences, make_pair
    from nbsupport.study.run import RunError

    names = [notebook_source(name).stem for name in options.notebooks] or notebook_names()
    if options.check:
        found = [line for name in names for line in differences(name, options.size)]
        print("\n".join(found) if found else f"{len(names)} pairs agree")
        return 1 if found else 0
    for name in names:
        try:
            print(f"wrote {layout.relative(make_pair(name, options.size))}", flush=True)
        except RunError as error:
            print(f"nbsupport: {error}", file=sys.stderr)
            return 1
    return 0


def _class(options: argparse.Namespace) -> int:
    from nbsupport.study.classroom import write_class

    try:
        bare = write_class(Path(options.out))
    except FileExistsError as error:
        print(f"nbsupport: {error}", file=sys.stderr)
        return 1
    for name in bare:
        print(f"{name}: without results, since its executed half is missing or outdated")
    print(f"class: {options.out}/student, {options.out}/teacher; the lesson plan is {options.out}/README.md")
    return 0


def _report(options: argparse.Namespace) -> int:
    from nbsupport.checks import nearest
    from nbsupport.study.report import write_report

    sizes = (*layout.SIZES, layout.CUSTOM)
    if options.size not in sizes:
        raise ParameterError(f"no size {options.size!r}{nearest(options.size, sizes)}")
    print(f"report: {layout.relative(write_report(options.size))}")
    return 0


def _diagram(options: argparse.Namespace) -> int:
    from nbsupport.study.dataflow import DIAGRAM, declared_edges, draw_dataflow

    draw_dataflow(declared_edges(), DIAGRAM)
    print(f"wrote {layout.relative(DIAGRAM)}")
    return 0


def _readme(options: argparse.Namespace) -> int:
    from nbsupport.study.readme import write_readme

    write_readme()
    print("wrote the verdicts and the times into README.md")
    return 0
