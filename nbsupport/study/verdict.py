"""Verdict rules: a small expression language over measured quantities, evaluated without executing code."""

import ast
import operator
from collections.abc import Mapping
from dataclasses import dataclass

REPRODUCED, PARTLY, NOT_REPRODUCED = "reproduced", "partly", "not reproduced"
NOT_TESTABLE, MISSING = "not testable here", "missing"

_BINARY = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
_COMPARE = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS = {"abs": abs, "min": min, "max": max}


@dataclass(frozen=True)
class Estimate:
    """A measured value with the ends of its 95 % interval; a value without spread has none."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        spread = "" if self.low is None else f" [{self.low:.4g}, {self.high:.4g}]"
        return f"{self.value:.4g}{spread}"


def names_in(rule: str) -> set[str]:
    """Quantities that a rule speaks of.

    Raises
    ------
    ValueError
        If the rule is not an expression, or uses anything outside the language.
    """
    names: set[str] = set()

    def visit(node: ast.expr) -> None:
        match node:
            case ast.Constant(value=bool()):
                raise ValueError(f"rule {rule!r}: write a comparison, not {node.value}")
            case ast.Constant(value=int() | float()):
                pass
            case ast.Name():
                names.add(node.id)
            case ast.Attribute(value=ast.Name(), attr="low" | "high"):
                names.add(node.value.id)
            case ast.BinOp() if type(node.op) in _BINARY:
                visit(node.left), visit(node.right)
            case ast.UnaryOp(op=ast.USub() | ast.Not()):
                visit(node.operand)
            case ast.BoolOp():
                for value in node.values:
                    visit(value)
            case ast.Compare() if all(type(op) in _COMPARE for op in node.ops):
                visit(node.left)
                for value in node.comparators:
                    visit(value)
            case ast.Call(func=ast.Name(id="abs" | "min" | "max"), keywords=[]):
                for value in node.args:
                    visit(value)
            case _:
                raise ValueError(f"rule {rule!r}: {ast.unparse(node)!r} is not part of the rule language")

    visit(_parse(rule))
    return names


def holds(rule: str, measured: Mapping[str, Estimate]) -> bool:
    """Whether a rule holds for what was measured.

    Parameters
    ----------
    rule : str
        Comparisons of quantities, joined by and, or, not; ``name`` is the value, ``name.low`` and ``name.high`` are the
        ends of its interval.
    measured : mapping
        Quantity name to `Estimate`.

    Raises
    ------
    ValueError
        If a quantity is missing, has no interval where the rule needs one, or is not finite.
    """
    missing = names_in(rule) - set(measured)
    if missing:
        raise ValueError(f"rule {rule!r} needs {', '.join(sorted(missing))}, which was not measured")

    def value(node: ast.expr):
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return measured[node.id].value
            case ast.Attribute():
                end = getattr(measured[node.value.id], node.attr)
                if end is None:
                    raise ValueError(f"rule {rule!r} needs the interval of {node.value.id}; give its low and high ends")
                return end
            case ast.BinOp():
                return _BINARY[type(node.op)](value(node.left), value(node.right))
            case ast.UnaryOp(op=ast.USub()):
                return -value(node.operand)
            case ast.UnaryOp():
                return not value(node.operand)
            case ast.BoolOp(op=ast.And()):
                return all(value(part) for part in node.values)
            case ast.BoolOp():
                return any(value(part) for part in node.values)
            case ast.Call():
                return _FUNCTIONS[node.func.id](*(value(part) for part in node.args))
            case ast.Compare():
                parts = [value(part) for part in [node.left, *node.comparators]]
                pairs = zip(node.ops, parts, parts[1:], strict=False)
                return all(_COMPARE[type(op)](left, right) for op, left, right in pairs)

    return bool(value(_parse(rule)))


def verdict(rules: Mapping[str, str], measured: Mapping[str, Estimate]) -> str:
    """Turn a measurement into *reproduced*, *partly* or *not reproduced*; the first rule that holds decides."""
    for outcome in (REPRODUCED, PARTLY):
        if outcome in rules and holds(rules[outcome], measured):
            return outcome
    return NOT_REPRODUCED


def _parse(rule: str) -> ast.expr:
    try:
        return ast.parse(rule.strip(), mode="eval").body
    except SyntaxError:
        raise ValueError(f"rule {rule!r} is not an expression") from None
