"""Numbers that prose quotes: kept by the run that measured them, read back, never typed."""

import json
from collections.abc import Mapping
from typing import Any

from IPython.display import Markdown

from nbsupport.checks import nearest
from nbsupport.publish import write_json
from nbsupport.study import layout
from nbsupport.study.session import current


def keep(name: str, **values: Any) -> dict[str, Any]:
    """Keep named numbers of this run under ``results/<name>.json`` and return them.

    Parameters
    ----------
    name : str
        For example ``"vgg_minus_l1_db"``.
    **values
        Plain numbers, texts or lists of them.
    """
    session = current()
    plain = {key: getattr(value, "item", lambda value=value: value)() for key, value in values.items()}
    write_json(session.folder / "results" / f"{name}.json", {"name": name, "notebook": session.notebook, **plain})
    return plain


def result(name: str) -> dict[str, Any]:
    """Read the numbers that `keep` stored, by this run or an earlier notebook of the same size.

    Raises
    ------
    KeyError
        If no run of this size has kept that name.
    """
    session = current()
    folders = [session.folder / "results", layout.figures_folder(session.size) / "results"]
    for folder in folders:
        path = folder / f"{name}.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
    known = {path.stem for folder in folders for path in folder.glob("*.json")}
    raise KeyError(f"no result {name!r} at size {session.size}{nearest(name, known)}")


def say(template: str, *results: Mapping[str, Any], **values: Any) -> Markdown:
    """Prose with measured numbers: a Markdown template filled from results.

    Parameters
    ----------
    template : str
        Text with format fields, ``"gains **{mean:.2f} ± {sd:.2f} dB**"``.
    *results : mapping
        From `keep` or `result`; later ones win.
    **values
        Further fields.
    """
    fields = {key: value for mapping in results for key, value in mapping.items()} | values
    return Markdown(template.format(**fields))
