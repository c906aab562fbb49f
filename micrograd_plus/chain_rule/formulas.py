"""Formulas as books write them, read once into a tree: other names put in, simplified, evaluated.

It knows the notation of the rules of the table (`2x`, `a(1 − a)`, `−1/x²`, `1 if x > 0 else 0`) and
nothing else of the package. A name is only ever text. notation.py writes a tree again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ˣʸᵃ"
LOWERED = str.maketrans(RAISED, "0123456789−+xya")
TOKEN = re.compile(rf"\s*(\d+(?:\.\d+)?|[A-Za-z_]+|[{RAISED}]+|\S)")
RELATIONS = ("=", "<", ">", "≤", "≥")
ROOTS = {"√": "sqrt", "∛": "cbrt"}
SCHOOL = ("ln", "sin", "cos", "tan", "sinh", "cosh", "tanh")  # written without parentheses: ln x
FUNCTIONS = (*SCHOOL, "σ", "Φ", "φ", "sign", "trunc", "floor")


@dataclass(frozen=True, slots=True)
class Formula:
    """A node of the tree: an operation, and the formulas it takes.

    Leaves are a "number" and a "name", whose part is a float or a text; a "call" is of a function
    by its name. The others are +, −, ·, /, ^, "negative", the relations, and "if", whose parts are
    a formula, a condition and another formula.
    """

    operation: str
    parts: tuple[Any, ...]


def of_number(x: float) -> Formula:
    """The formula that is a number."""
    return Formula("number", (x,))


def of_name(text: str) -> Formula:
    """The formula that is a name."""
    return Formula("name", (text,))


ZERO, ONE = of_number(0.0), of_number(1.0)


@cache
def parse(rule: str) -> tuple[str, Formula]:
    """The name that a rule gives to its formula, mostly none, and the formula.

    Raises ValueError where the notation is another one.

    >>> parse("a(1 − a)")[1].operation
    '·'
    """
    name, equals, formula = rule.partition("=")
    if not equals or not name.strip().isalpha():
        name, formula = "", rule
    reader = _Reader(formula)
    found = reader.choice()
    reader.require_end()
    return name.strip(), found


class _Reader:
    """The tokens of a formula, of which the first are read already."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = TOKEN.findall(text.strip())
        self._place = 0

    @property
    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _takes(self, *tokens: str) -> str:
        """The next token if it is one of these, which is then read."""
        token = self._next
        if token not in tokens or not token:
            return ""
        self._place += 1
        return token

    def _require(self, token: str) -> None:
        if not self._takes(token):
            raise ValueError(f"{self._text!r}: {token!r} is missing before {self._next!r}")

    def require_end(self) -> None:
        """Raise ValueError where a token is left."""
        if self._next:
            raise ValueError(f"{self._text!r}: nothing is known of {self._next!r} here")

    def choice(self) -> Formula:
        first = self._sum()
        if not self._takes("if"):
            return first
        condition = self._sum()
        relation = self._takes(*RELATIONS)
        if relation:
            condition = Formula(relation, (condition, self._sum()))
        self._require("else")
        return Formula("if", (first, condition, self._sum()))

    def _sum(self) -> Formula:
        found = self._product()
        while operation := self._takes("+", "−"):
            found = Formula(operation, (found, self._product()))
        return found

    def _product(self) -> Formula:
        if self._takes("−"):
            return Formula("negative", (self._product(),))
        found = self._power()
        while self._next in ("·", "/", "(") or self._next in ROOTS or self._next.isalpha():
            if self._next in ("if", "else"):
                break
            operation = self._takes("·", "/") or "·"
            found = Formula(operation, (found, self._power()))
        return found

    def _power(self) -> Formula:
        base = self._atom()
        if self._takes("^"):
            return Formula("^", (base, self._atom()))
        if self._next and self._next[0] in RAISED:
            raised = self._tokens[self._place]
            self._place += 1
            return Formula("^", (base, parse(raised.translate(LOWERED))[1]))
        return base

    def _atom(self) -> Formula:
        if self._takes("("):
            inside = self.choice()
            self._require(")")
            return inside
        if self._takes("|"):
            inside = self._sum()
            self._require("|")
            return Formula("call", ("abs", inside))
        token = self._next
        self._place += 1
        if token in ROOTS or token in FUNCTIONS:
            return Formula("call", (token, self._power()))
        if token[:1].isdigit():
            return of_number(float(token))
        if token.replace("_", "").isalpha():
            return of_name(token)
        raise ValueError(f"{self._text!r}: nothing is known of {token!r} here")


def substituted(formula: Formula, names: Mapping[str, Formula]) -> Formula:
    """The formula with others in place of names; names that are not given stay."""
    if formula.operation == "name":
        return names.get(formula.parts[0], formula)
    parts = [substituted(p, names) if isinstance(p, Formula) else p for p in formula.parts]
    return Formula(formula.operation, tuple(parts))


def evaluate(
    formula: Formula, names: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Any:
    """The number that the formula is, of whatever kind of number the names stand for.

    A root is the function "sqrt" or "cbrt", and |x| is "abs".
    """
    match formula:
        case Formula("number", (x,)):
            return x
        case Formula("name", (name,)):
            return names[name]
        case Formula("call", (function, operand)):
            return functions[ROOTS.get(function, function)](evaluate(operand, names, functions))
        case Formula("if", (first, condition, second)):
            holds = evaluate(condition, names, functions)
            return evaluate(first if holds else second, names, functions)
        case Formula("negative", (operand,)):
            return -evaluate(operand, names, functions)
    left, right = [evaluate(part, names, functions) for part in formula.parts]
    return OPERATIONS[formula.operation](left, right)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "−": lambda x, y: x - y,
    "·": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "^": lambda x, y: x**y,
    "=": lambda x, y: x == y,
    "<": lambda x, y: x < y,
    ">": lambda x, y: x > y,
    "≤": lambda x, y: x <= y,
    "≥": lambda x, y: x >= y,
}


def simplified(formula: Formula) -> Formula:
    """The formula as one would leave it on the board: numbers folded, minus signs in front, one
    fraction: y·xʸ⁻¹ with y = −1 is −1/x².
    """
    parts = tuple([simplified(p) if isinstance(p, Formula) else p for p in formula.parts])
    simpler = SIMPLER.get(formula.operation)
    return simpler(*parts) if simpler else Formula(formula.operation, parts)


def value_of(formula: Formula) -> float | None:
    """The number that a formula is, None where it is another one."""
    return formula.parts[0] if formula.operation == "number" else None


def _sum(u: Formula, v: Formula) -> Formula:
    x, y = value_of(u), value_of(v)
    if x is not None and y is not None:
        return of_number(x + y)
    if x == 0.0:
        return v
    return u if y == 0.0 else Formula("+", (u, v))


def _difference(u: Formula, v: Formula) -> Formula:
    x, y = value_of(u), value_of(v)
    if x is not None and y is not None:
        return of_number(x - y)
    if x == 0.0:
        return _negative(v)
    return u if y == 0.0 else Formula("−", (u, v))


def _negative(u: Formula) -> Formula:
    x = value_of(u)
    if x is not None:
        return of_number(-x)
    return u.parts[0] if u.operation == "negative" else Formula("negative", (u,))


def _sign(u: Formula) -> tuple[bool, Formula]:
    """Whether a minus stands in front of a formula, and the formula without it."""
    x = value_of(u)
    if x is not None and x < 0.0:
        return True, of_number(-x)
    return (True, u.parts[0]) if u.operation == "negative" else (False, u)


def _product(u: Formula, v: Formula) -> Formula:
    (turned, u), (turned_too, v) = _sign(u), _sign(v)
    found = _positive_product(u, v)
    return found if turned == turned_too else _negative(found)


def _positive_product(u: Formula, v: Formula) -> Formula:
    x, y = value_of(u), value_of(v)
    if x is not None and y is not None:
        return of_number(x * y)
    if y is not None:
        u, v, x = v, u, y
    if x in (0.0, 1.0):
        return v if x else ZERO
    if "/" in (u.operation, v.operation):
        return _product_of_fractions(u, v)
    first = value_of(v.parts[0]) if v.operation == "·" else None
    if x is not None and first is not None:
        return _positive_product(of_number(x * first), v.parts[1])
    return Formula("·", (u, v))


def _product_of_fractions(u: Formula, v: Formula) -> Formula:
    above, below = u.parts if u.operation == "/" else (u, ONE)
    above_too, below_too = v.parts if v.operation == "/" else (v, ONE)
    return _fraction(_product(above, above_too), _product(below, below_too))


def _fraction(u: Formula, v: Formula) -> Formula:
    (turned, u), (turned_too, v) = _sign(u), _sign(v)
    found = _positive_fraction(u, v)
    return found if turned == turned_too else _negative(found)


def _positive_fraction(u: Formula, v: Formula) -> Formula:
    x, y = value_of(u), value_of(v)
    if y == 1.0 or x == 0.0:
        return u
    if x is not None and y and (x / y).is_integer():
        return of_number(x / y)
    if v.operation == "/":
        return _fraction(_product(u, v.parts[1]), v.parts[0])
    if u.operation == "/":
        return _fraction(u.parts[0], _product(u.parts[1], v))
    factor, rest = (x, ONE) if x is not None else (None, u)
    if u.operation == "·":
        factor, rest = value_of(u.parts[0]), u.parts[1]
    if factor and not factor.is_integer() and (1.0 / factor).is_integer():  # 0.5/√x is 1/(2√x)
        return _fraction(rest, _product(of_number(1.0 / factor), v))
    return Formula("/", (u, v))


def _power(u: Formula, v: Formula) -> Formula:
    y = value_of(v)
    if y in (0.0, 1.0):
        return u if y else ONE
    if y is not None and y < 0.0:
        return _fraction(ONE, _power(u, of_number(-y)))
    return Formula("call", ("√", u)) if y == 0.5 else Formula("^", (u, v))


SIMPLER: dict[str, Callable[..., Formula]] = {
    "+": _sum,
    "−": _difference,
    "·": _product,
    "/": _fraction,
    "^": _power,
    "negative": _negative,
}
