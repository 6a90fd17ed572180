"""The ledger: what each source claims, the rule written beforehand, what was measured, the verdict."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from IPython.display import Markdown

from nbsupport.checks import nearest
from nbsupport.publish import write_json
from nbsupport.study import layout
from nbsupport.study.session import current
from nbsupport.study.verdict import MISSING, NOT_TESTABLE, Estimate, verdict

Measured = float | Estimate | tuple[float, float, float]

NO_INTERVAL = "no interval: "
"""How `spread` begins where nothing can be said of the uncertainty; the reason follows."""

TOO_FEW = f"{NO_INTERVAL}too few for "
"""The same where a run is too small for the interval that the notebook works out, which follows."""


@dataclass(frozen=True)
class Claim:
    """One statement of a source, with the rule that will judge it."""

    id: str
    source: str
    where: str
    kind: str
    statement: str
    published: str
    measure: str
    quantities: dict[str, dict[str, str]]
    rule: dict[str, str]
    artefacts: list[str]
    notebook: str

    @property
    def rule_sha256(self) -> str:
        """Fingerprint of the rule; a record made under another rule is shown as such."""
        return hashlib.sha256(json.dumps(self.rule, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Artefact:
    """One figure, table or diagram of a source that the study regenerates."""

    id: str
    source: str
    kind: str
    title: str
    shows: str
    notebook: str
    real_data: str


@cache
def ledger(path: Path | None = None) -> tuple[dict[str, Artefact], dict[str, Claim]]:
    """Artefacts and claims of ``params/claims.yaml``, by id."""
    text = (path or layout.PARAMS / "claims.yaml").read_text(encoding="utf-8")
    entries = yaml.load(text, Loader=yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader)
    artefacts = {entry["id"]: Artefact(**entry) for entry in entries["artefacts"]}
    return artefacts, {entry["id"]: Claim(**entry) for entry in entries["claims"]}


def claim(
    name: str,
    *,
    measured: Measured | Mapping[str, Measured] | None = None,
    spread: str | None = None,
    n: int | None = None,
    stand_in: str | None = None,
    not_testable: str | None = None,
) -> Markdown:
    """Record what was measured for a claim, judge it by its rule, and show both.

    Parameters
    ----------
    name : str
        Id of the claim in ``params/claims.yaml``.
    measured : number, Estimate, (value, low, high), or mapping of quantity name to one of these
        A claim with a single quantity takes the bare value.
    spread : str, optional
        What the interval is, ``"paired bootstrap over images, 95 %"``, or, where no quantity has one, the reason, as in
        ``"no interval: one movie"``; required with `measured`.
    n : int, optional
        Number of independent things behind the measurement; required with `measured`.
    stand_in : str, optional
        What stands in for the source's own data.
    not_testable : str, optional
        Instead of a measurement: why the data at hand cannot test the claim, and what it would take.

    Returns
    -------
    IPython.display.Markdown
        The claim, its rule, the measurement and the verdict.

    Raises
    ------
    KeyError
        If there is no such claim; the message gives the nearest id.
    ValueError
        If quantities are missing, unknown or not finite, or neither or both of a measurement and a reason are given.
    """
    _, claims = ledger()
    if name not in claims:
        raise KeyError(f"no claim {name!r}{nearest(name, claims)}")
    entry = claims[name]
    if (measured is None) == (not_testable is None):
        raise ValueError(f"{name}: give either measured= or not_testable= (with the reason and what it would take)")
    session = current()
    record: dict[str, Any] = {"id": name, "notebook": session.notebook, "size": session.size, "rule": entry.rule}
    record["rule_sha256"] = entry.rule_sha256
    if measured is None:
        record |= {"verdict": NOT_TESTABLE, "reason": not_testable}
    else:
        if n is None:
            raise ValueError(f"{name}: n= is missing; say how many independent things were measured")
        estimates = _estimates(entry, measured)
        record |= {"verdict": verdict(entry.rule, estimates)}
        record["measured"] = {key: asdict(value) for key, value in estimates.items()}
        record["spread"] = _spread(name, spread, any(value.low is not None for value in estimates.values()))
        record["n"] = n
    record["stand_in"] = stand_in
    write_json(session.folder / "claims" / f"{name}.json", record)
    return Markdown(_spoken(entry, record))


def _estimates(entry: Claim, measured: Measured | Mapping[str, Measured]) -> dict[str, Estimate]:
    given = measured if isinstance(measured, Mapping) else None
    if given is None:
        if len(entry.quantities) != 1:
            raise ValueError(f"{entry.id} is judged by {', '.join(entry.quantities)}; give measured={{name: value, …}}")
        given = {next(iter(entry.quantities)): measured}
    wrong = set(given) ^ set(entry.quantities)
    if wrong:
        raise ValueError(
            f"{entry.id} is judged by {', '.join(entry.quantities)}; missing or unknown: {', '.join(sorted(wrong))}"
        )
    estimates = {}
    for key, value in given.items():
        parts = (value.value, value.low, value.high) if isinstance(value, Estimate) else np.atleast_1d(value).tolist()
        estimate = Estimate(*(None if part is None else float(part) for part in parts))
        if not all(part is None or math.isfinite(part) for part in (estimate.value, estimate.low, estimate.high)):
            raise ValueError(f"{entry.id}: {key}={estimate} is not finite")
        if estimate.low is not None and not estimate.low <= estimate.value <= estimate.high:
            raise ValueError(f"{entry.id}: {key}={estimate} lies outside its own interval")
        estimates[key] = estimate
    return estimates


def _spread(name: str, said: str | None, given: bool) -> str:
    """What is said of the uncertainty; a run too small for the interval that the notebook works out says so."""
    if not said:
        raise ValueError(f"{name}: spread= is missing; say what the interval is, or 'no interval: ' and why")
    if given and said.startswith(NO_INTERVAL):
        raise ValueError(f"{name}: spread={said!r}, but there is an interval")
    return said if given or said.startswith(NO_INTERVAL) else f"{TOO_FEW}{said}"


def _spoken(entry: Claim, record: dict[str, Any]) -> str:
    lines = [f"> **Claim** `{entry.id}` ({entry.source}, {entry.where}): {entry.statement.strip()}", ">"]
    lines.append(
        f"> *Published*: {entry.published}. *Rule*: " + "; ".join(f"{k} if `{v}`" for k, v in entry.rule.items()) + "."
    )
    if record["verdict"] == NOT_TESTABLE:
        lines += [">", f"> **{NOT_TESTABLE}**: {record['reason']}"]
    else:
        values = "; ".join(f"{key} = {Estimate(**value)}" for key, value in record["measured"].items())
        lines += [">", f"> *Measured*: {values} (n = {record['n']}, {record['spread']}) → **{record['verdict']}**"]
    if record["stand_in"]:
        lines += [">", f"> *Stand-in*: {record['stand_in']}"]
    return "\n".join(lines)


def recorded(size: str) -> dict[str, dict[str, Any]]:
    """Records of every claim of the ledger at one size; a claim that nothing measured has the verdict *missing*."""
    _, claims = ledger()
    folder = layout.figures_folder(size) / "claims"
    records = {}
    for name, entry in claims.items():
        path = folder / f"{name}.json"
        record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"id": name, "verdict": MISSING}
        record["rule_changed_since"] = path.exists() and record["rule_sha256"] != entry.rule_sha256
        records[name] = record
    return records
