"""Which code stands behind a notebook: the modules it imports, and those that they import."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbsupport

PACKAGE = Path(nbsupport.__file__).parent


def code_behind(source: Path) -> list[Path]:
    """Files of this package that a notebook's results can depend on.

    Parameters
    ----------
    source : Path
        The notebook's py:percent file.

    Returns
    -------
    list of Path
        Sorted; read from the syntax trees, so nothing is imported. A module that the notebook does not reach, such as
        the runner or the report, is not among them, and editing it reruns nothing.
    """
    waiting, found = [source], set()
    while waiting:
        for path in _imported(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting.append(path)
    return sorted(found)


def code_sha256(source: Path) -> str:
    """Hash of the code that the results of a file can depend on: where a training is kept, it tells whose it is.

    Parameters
    ----------
    source : Path
        A notebook's py:percent file, whose own text does not count, or a module of this package.

    Returns
    -------
    str
        Of the module itself and of all that `code_behind` finds, but for the room that publishes and judges: `study`
        shows what has been computed, and a better caption makes no training void.
    """
    module = [source] if PACKAGE in source.parents else []
    files = [path for path in [*module, *code_behind(source)] if PACKAGE / "study" not in path.parents]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _imported(path: Path) -> Iterator[Path]:
    for name in _names(path, path.read_text(encoding="utf-8")):
        yield from _files(name)


@cache
def _names(path: Path, text: str) -> list[str]:
    """Modules that a file imports, by their full names; many notebooks ask for the same files."""
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = ".".join([*_package(path, node.level), *filter(None, [node.module])])
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return names


def _package(path: Path, level: int) -> list[str]:
    """Names of the package that a relative import of this level starts from; none for an absolute import."""
    if not level:
        return []
    return [PACKAGE.name, *path.parent.relative_to(PACKAGE).parts][: 1 - level or None]


def _files(module: str) -> Iterator[Path]:
    """Files that importing a module of this package executes: its own and the packages around it."""
    parts = module.split(".")
    if parts[0] != PACKAGE.name:
        return
    for depth in range(1, len(parts) + 1):
        base = PACKAGE.joinpath(*parts[1:depth])
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                yield path
