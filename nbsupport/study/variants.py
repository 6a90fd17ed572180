"""One notebook, many runs: the named variants of a parameter set, such as one training run per method."""

from pathlib import Path
from typing import Any

from nbsupport.checks import nearest
from nbsupport.study import layout
from nbsupport.study.params import (
    ParameterError,
    check,
    declared_parameters,
    load_parameters,
    notebook_names,
    notebook_source,
)

GROUP = {"sizes", "parameters", "variants"}


def variants(source: Path, size: str) -> dict[str, dict[str, Any]]:
    """Variants of a notebook that belong to a size, with the parameters that each one changes.

    Parameters
    ----------
    source : Path
        The py:percent file. Its variants stand in ``params/variants/<notebook>.yaml``: a list ``groups`` of mappings
        with ``sizes`` (a list), ``parameters`` (common to the group, may be left out) and ``variants`` (name to
        parameters). A variant that stands in two groups of one size is an error.
    size : str

    Returns
    -------
    dict
        Variant name to parameters, in the order of the file; empty for a notebook without variants.

    Raises
    ------
    ParameterError
        If the file does not have this form, or a parameter does not fit the notebook's cell.
    """
    path = layout.PARAMS / "variants" / f"{source.stem}.yaml"
    if not path.exists():
        return {}
    declared = declared_parameters(source)
    where = layout.relative(path)
    found: dict[str, dict[str, Any]] = {}
    for group in load_parameters(path).get("groups", []):
        if not {"sizes", "variants"} <= set(group) <= GROUP:
            raise ParameterError(f"{where}: a group has {sorted(group)}; it needs sizes and variants, maybe parameters")
        if unknown := set(group["sizes"]) - set(layout.SIZES):
            raise ParameterError(f"{where}: no size {sorted(unknown)[0]!r}{nearest(sorted(unknown)[0], layout.SIZES)}")
        if size not in group["sizes"]:
            continue
        for name, changes in group["variants"].items():
            if name in found:
                raise ParameterError(f"{where}: variant {name!r} stands twice at size {size}")
            if not name.replace("-", "").isalnum():
                raise ParameterError(f"{where}: variant {name!r} may hold letters, digits and hyphens alone")
            values = group.get("parameters", {}) | (changes or {})
            found[name] = check(values, declared, f"{where}, {name}: {source.stem}")
    return found


def variant_parameters(source: Path, size: str, variant: str) -> dict[str, Any]:
    """Parameters that one variant changes.

    Raises
    ------
    ParameterError
        If the notebook has no such variant at that size; the message names the nearest.
    """
    known = variants(source, size)
    if variant not in known:
        raise ParameterError(f"{source.stem} has no variant {variant!r} at size {size}{nearest(variant, known)}")
    return known[variant]


def runs_of(notebook: str, size: str) -> list[str]:
    """Names of all runs of a notebook at a size: its own, then ``notebook.variant`` for every variant."""
    return [notebook] + [f"{notebook}.{variant}" for variant in variants(notebook_source(notebook), size)]


def run_names(size: str) -> list[str]:
    """Names of all runs of the study at a size, notebook by notebook."""
    return [run for notebook in notebook_names() for run in runs_of(notebook, size)]
