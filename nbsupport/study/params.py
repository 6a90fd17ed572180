"""Parameters of a notebook: declared by its tagged cell, given by a set, checked before anything starts."""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nbsupport.checks import nearest
from nbsupport.study import layout

TAG = "parameters"


class ParameterError(ValueError):
    """A notebook, a parameter or a value that does not fit; the message names the nearest right one."""


@dataclass(frozen=True)
class Declared:
    """One parameter as the tagged cell declares it."""

    name: str
    annotation: str
    default: Any
    comment: str
    accepts: Callable[[Any], bool]


def notebook_names() -> list[str]:
    """Names of all notebooks of the study, in reading order."""
    return sorted(path.stem for path in layout.NOTEBOOKS.glob("[0-9]*.py"))


def notebook_source(name: str) -> Path:
    """Path of a notebook's py:percent source.

    Parameters
    ----------
    name : str
        ``03_musical``, or its path, or its number ``03``.

    Raises
    ------
    ParameterError
        If there is no such notebook; the message gives the nearest name.
    """
    stem = Path(name).stem if name.endswith((".py", ".ipynb")) else name
    names = notebook_names()
    matches = [known for known in names if known == stem or known.split("_")[0] == stem]
    if len(matches) != 1:
        raise ParameterError(f"no notebook {stem!r}{nearest(stem, names)}")
    return layout.NOTEBOOKS / f"{matches[0]}.py"


def declared_parameters(source: Path) -> dict[str, Declared]:
    """Parameters that a notebook declares, read from the syntax tree of its tagged cell.

    Parameters
    ----------
    source : Path
        The py:percent file.

    Returns
    -------
    dict
        Name to `Declared`, in the order of the cell.

    Raises
    ------
    ParameterError
        If the notebook has not exactly one tagged cell, or a line in it is not an annotated literal of its own type.
    """
    import jupytext  # slow to import, and most of the study never reads a source

    cells = [cell for cell in jupytext.read(source).cells if TAG in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(f"{source.name} has {len(cells)} cells tagged {TAG!r}; it needs exactly one")
    text = cells[0].source
    lines = text.splitlines()
    declared = {}
    for node in ast.parse(text).body:
        where = f"{source.name}, parameters cell, line {node.lineno} ({lines[node.lineno - 1].strip()})"
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
            raise ParameterError(f"{where}: write `name: type = literal  # meaning, unit` and nothing else")
        try:
            default = ast.literal_eval(node.value)
        except ValueError:
            raise ParameterError(f"{where}: the value must be a literal; derive it in a later cell") from None
        comment = lines[node.end_lineno - 1][node.end_col_offset :].strip().lstrip("#").strip()
        accepts = _checker(node.annotation, where)
        if not accepts(default):
            raise ParameterError(f"{where}: {default!r} is not of the declared type {ast.unparse(node.annotation)}")
        declared[node.target.id] = Declared(node.target.id, ast.unparse(node.annotation), default, comment, accepts)
    return declared


def _checker(node: ast.expr, where: str) -> Callable[[Any], bool]:
    """Turn an annotation's syntax tree into a test of values; an int passes for a float, a bool never for a number."""
    scalars = {
        "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
        "str": lambda value: isinstance(value, str),
        "bool": lambda value: isinstance(value, bool),
    }
    if isinstance(node, ast.Name) and node.id in scalars:
        return scalars[node.id]
    if isinstance(node, ast.Constant) and node.value is None:
        return lambda value: value is None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, right = _checker(node.left, where), _checker(node.right, where)
        return lambda value: left(value) or right(value)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "list":
        item = _checker(node.slice, where)
        return lambda value: isinstance(value, (list, tuple)) and all(item(entry) for entry in value)
    raise ParameterError(f"{where}: use int, float, str, bool, None, list[…] or their union with |")


def check(given: Mapping[str, Any], declared: Mapping[str, Declared], notebook: str) -> dict[str, Any]:
    """Return the given values in their declared types, or refuse them.

    Parameters
    ----------
    given : mapping
        Name to value.
    declared : mapping
        From `declared_parameters`.
    notebook : str
        Named in messages.

    Raises
    ------
    ParameterError
        At the first unknown name (with the nearest right one) or wrong type (with the declared one).
    """
    checked = {}
    for name, value in given.items():
        if name not in declared:
            raise ParameterError(f"{notebook} has no {name!r}{nearest(name, declared)}")
        entry = declared[name]
        if not entry.accepts(value):
            raise ParameterError(
                f"{notebook}: {name}={value!r} is of type {type(value).__name__}; the cell declares "
                f"{name}: {entry.annotation} (its own value is {entry.default!r})"
            )
        checked[name] = float(value) if entry.annotation == "float" else value
    return checked


def load_parameters(path: Path) -> dict[str, Any]:
    """Read a parameter set: a flat YAML mapping in which ``1e-3`` is a number and ``no`` a word (YAML 1.2).

    Raises
    ------
    ParameterError
        If the file is not a mapping of names to values, names one twice, or is not YAML.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)
    except yaml.YAMLError as error:
        raise ParameterError(f"{layout.relative(path)}: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise ParameterError(f"{layout.relative(path)} must be a mapping `name: value`, one parameter a line")
    return values


def parse_assignment(text: str, declared: Mapping[str, Declared], notebook: str) -> tuple[str, Any]:
    """Read ``name=value`` from a command line; a text parameter takes the text as it stands."""
    name, equals, raw = text.partition("=")
    if not equals:
        raise ParameterError(f"-p {text!r}: write -p name=value")
    value = yaml.load(raw, Loader=_PlainLoader)
    entry = declared.get(name)
    if entry and not entry.accepts(value) and entry.accepts(raw):
        value = raw
    return name, check({name: value}, declared, notebook)[name]


def parameter_set(source: Path, size: str) -> dict[str, Any]:
    """Values that a size gives to a notebook: those of its file, none for ``class``.

    Raises
    ------
    ParameterError
        If the size is unknown, the notebook has no set of that size, or the set does not fit the cell.
    """
    if size not in layout.SIZES:
        raise ParameterError(f"no size {size!r}{nearest(size, layout.SIZES)}")
    if size == "class":
        return {}
    path = layout.PARAMS / size / f"{source.stem}.yaml"
    if not path.exists():
        present = ["class"] + [s for s in layout.SIZES if (layout.PARAMS / s / path.name).exists()]
        raise ParameterError(f"{source.stem} has no parameter set of size {size!r}; it has: {', '.join(present)}")
    return check(load_parameters(path), declared_parameters(source), f"{layout.relative(path)}: {source.stem}")


class _PlainLoader(yaml.SafeLoader):
    """YAML 1.2 core scalars; a name given twice is an error. PyYAML alone follows 1.1."""

    yaml_implicit_resolvers: dict = {}

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
for _tag, _pattern, _make in (
    ("null", r"~|null|Null|NULL|", lambda text: None),
    ("bool", r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", lambda text: int(text, 0 if text[:2] in ("0o", "0x") else 10)),
    (
        "float",
        _FLOAT,
        lambda text: float(text.replace(".i", "i").replace(".I", "i").replace(".n", "n").replace(".N", "n")),
    ),
):
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None)
    _PlainLoader.add_constructor(
        f"tag:yaml.org,2002:{_tag}", lambda loader, node, make=_make: make(loader.construct_scalar(node))
    )
