"""The independent reference: what every row computes, in mpmath's arithmetic of 160 digits.

A row's `oracle` is its value and no derivative, so a wrong rule of the table cannot hide:
`differences` differentiates it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from numbers import Real
from typing import Any

from .. import ops
from ..ops import Primitive
from ..ops.operators import Operators, with_operators

DIGITS = 160
GUARD = 20  # bits of these that rounding may spoil
LARGEST = math.nextafter(math.inf, 0.0)

# raised outside a domain, or between two indices
OUTSIDE = (ArithmeticError, LookupError, TypeError, ValueError)

Oracle = Callable[..., Any]
# by name of row: a user may add that of a custom row, a function of mpmath numbers
ORACLES: dict[str, Oracle] = {}


@cache
def arithmetic() -> Any:
    """A context of mpmath with its own precision; raises ImportError, saying what to install,
    without mpmath.
    """
    try:
        import mpmath  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ImportError(
            'the reference computes with mpmath: `pip install "micrograd-plus[test]"`'
        ) from None
    context = mpmath.mp.clone()
    context.dps = DIGITS
    return context


def has_oracle(row: Primitive) -> bool:
    """Whether the reference knows the row, so that its float primal need not stand in."""
    return row.oracle is not None or row.name in ORACLES


def _oracle(row: Primitive) -> Oracle:
    own = ORACLES.get(row.name)
    if own is not None or row.oracle is None:
        return own or row.primal
    return partial(row.oracle, arithmetic())


def evaluate(row: Primitive, operands: Sequence[Any]) -> Any:
    """A row on mpmath numbers; nan where it has no real value,
    and where floats would long have overflowed.
    """
    mp = arithmetic()
    if not has_oracle(row):
        return mp.mpf(row.primal(*map(float, operands)))
    if row.gate not in ("routes", "blocks") and any(abs(o) > LARGEST for o in operands):
        return mp.nan
    try:
        out = _oracle(row)(*operands)
    except (ValueError, ZeroDivisionError, OverflowError):
        return mp.nan
    if not isinstance(out, mp.mpf):
        return mp.nan  # a complex number is none of ours
    largest = max(map(abs, _summands(row, operands)), default=0)
    return mp.mpf(0) if 0 < abs(out) <= mp.ldexp(largest, GUARD - mp.prec) else out


def tamed(primal: Callable[..., float], operands: Sequence[float]) -> float:
    """What a float function gives, and nan where it raises."""
    try:
        return primal(*operands)
    except OUTSIDE:
        return math.nan


def _summands(row: Primitive, operands: Sequence[Any]) -> Sequence[Any]:
    """What a row adds up, if it does: when no digit of their sum is left it is 0,
    and its inverse not of any size.
    """
    if row.is_weighted_sum:
        half = len(operands) // 2 + 1
        weights, factors = operands[1:half], operands[half:]
        return [operands[0], *[w * x for w, x in zip(weights, factors)]]
    return operands if row.gate == "distributes" else ()


def _direct(row: Primitive) -> Callable[..., Any]:
    return lambda self, other: row(self, other)  # noqa: PLW0108  # a row is no function, and would not be bound


def _reflected(row: Primitive) -> Callable[..., Any]:
    return lambda self, other: row(other, self)


def _unary(row: Primitive) -> Callable[..., Any]:
    return lambda self: row(self)  # noqa: PLW0108


def _comparison(row: Primitive) -> Callable[..., Any]:
    # as Values do
    return lambda self, other: row(self, other) if isinstance(other, Real) else NotImplemented


@with_operators(_direct, _reflected, _unary, _comparison)
class Precise(Operators):
    """A number of 160 digits that travels through rows and operators as a Value does;
    `number` is mpmath's.
    """

    __slots__ = ("number",)

    def __init__(self, number: Any) -> None:
        self.number: Any = (
            number.number if isinstance(number, Precise) else arithmetic().mpf(number)
        )

    @staticmethod
    def __primitive__(primitive: Primitive, operands: Sequence[Any]) -> Precise:
        return Precise(evaluate(primitive, [Precise(o).number for o in operands]))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(ops, name, None)
        if name.startswith("_") or not callable(function):
            raise AttributeError(f"{name!r} is no row, so a Precise number has no such method")
        return lambda *operands: function(self, *operands)

    def __bool__(self) -> bool:
        return bool(self.number)

    def __float__(self) -> float:
        return float(self.number)

    def __repr__(self) -> str:
        return f"Precise({float(self)!r})"
