"""What a run would do, checked before anything starts."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext

from nbsupport.study import layout
from nbsupport.study.params import (
    ParameterError,
    check,
    declared_parameters,
    notebook_source,
    parameter_set,
    parse_assignment,
)
from nbsupport.study.progress import duration
from nbsupport.study.variants import variant_parameters


@dataclass(frozen=True)
class Plan:
    """A checked run that has not started."""

    notebook: str
    source: Path
    size: str
    given: dict[str, Any]
    values: dict[str, Any]
    variant: str | None = None

    @property
    def name(self) -> str:
        """Name of the run's files: the notebook's, and the variant's after a dot."""
        return f"{self.notebook}.{self.variant}" if self.variant else self.notebook

    @property
    def output(self) -> Path:
        """Executed notebook; it exists only after a run that ended well."""
        return layout.runs_folder(self.size) / f"{self.name}.ipynb"

    @property
    def log(self) -> Path:
        """What the notebook printed, written while it runs."""
        return self.output.with_name(f"{self.name}.log")

    @property
    def failed(self) -> Path:
        """Notebook of a run that did not end well, with its error."""
        return self.output.with_name(f"{self.name}.failed.ipynb")

    @property
    def record(self) -> Path:
        """Run record: parameters, provenance, time and memory, duration of every cell."""
        return layout.figures_folder(self.size) / "runs" / f"{self.name}.json"

    def last_durations(self) -> list[float] | None:
        """Seconds per cell of the last run of this size with the same number of cells, if there was one."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            return json.loads(self.record.read_text(encoding="utf-8"))["cell_s"]
        return None


def plan(notebook: str, size: str = "class", assignments: Sequence[str] = (), *, variant: str | None = None) -> Plan:
    """Check a run before anything starts.

    Parameters
    ----------
    notebook : str
        Name, path or number.
    size : str
        One of `layout.SIZES`.
    assignments : sequence of str
        ``"name=value"`` changes on top of the size's set; with any, results go to the size ``custom``.
    variant : str, optional
        One of the notebook's `variants` of that size, on top of the size's set.

    Raises
    ------
    ParameterError
        Unknown notebook, size or parameter, wrong type, missing set, or a source without kernel spec.
    """
    source = notebook_source(notebook)
    declared = declared_parameters(source)
    given = parameter_set(source, size)
    if variant is not None:
        given = given | variant_parameters(source, size, variant)
    given |= dict(parse_assignment(text, declared, source.stem) for text in assignments)
    if "kernelspec" not in jupytext.read(source).metadata:
        raise ParameterError(f"{source.name} names no kernel; its header needs a kernelspec (python3)")
    values = {name: entry.default for name, entry in declared.items()} | given
    check(values, declared, source.stem)
    return Plan(source.stem, source, layout.CUSTOM if assignments else size, given, values, variant)


def describe(planned: Plan) -> str:
    """Say what a run would do: parameters and where they come from, outputs, and how long the last one took."""
    known = planned.last_durations()
    lines = [f"{planned.name} at size {planned.size}"]
    lines += [
        f"  {name} = {value!r}" + ("" if name in planned.given else "  (the cell's own value)")
        for name, value in planned.values.items()
    ]
    lines.append(f"  executed notebook: {layout.relative(planned.output)}")
    lines.append(f"  figures, tables, claims: {layout.relative(layout.figures_folder(planned.size))}/")
    lines.append(f"  last run took: {duration(sum(known)) if known else 'not known, no earlier run'}")
    return "\n".join(lines)
