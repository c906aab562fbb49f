"""The independent reference: what every row computes, in mpmath's arithmetic of 160 digits.

Here stand values only, one line for each row and no derivative of any, so a wrong rule of the table cannot hide:
`differences` differentiates them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from .. import ops
from ..ops import Primitive

DIGITS = 160
LARGEST = math.nextafter(math.inf, 0.0)

Oracle = Callable[..., Any]
ORACLES: dict[str, Oracle] = {}  # by name of row: a user may add that of a custom row, a function of mpmath numbers


@cache
def arithmetic() -> Any:
    """A context of mpmath with its own precision; raises ImportError, saying what to install, without mpmath."""
    try:
        import mpmath  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ImportError('the reference computes with mpmath: `pip install "micrograd-plus[test]"`') from None
    context = mpmath.mp.clone()
    context.dps = DIGITS
    return context


@cache
def _table() -> Mapping[str, Oracle]:
    mp = arithmetic()
    one, zero = mp.mpf(1), mp.mpf(0)

    def dot(bias: Any, *factors: Any) -> Any:
        n = len(factors) // 2
        return mp.fsum([bias, *[w * x for w, x in zip(factors[:n], factors[n:])]])

    def first_nan(xs: Sequence[Any], other: Any) -> Any:
        return next((x for x in xs if mp.isnan(x)), other)

    return {
        "identity": lambda x: x, "neg": lambda x: -x, "add": lambda x, y: x + y, "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y, "div": lambda x, y: x / y, "sum": lambda *xs: mp.fsum(xs), "dot": dot,
        "less": lambda x, y: one if x < y else zero, "less_equal": lambda x, y: one if x <= y else zero,
        "equal": lambda x, y: one if x == y else zero, "not_equal": lambda x, y: zero if x == y else one,
        "sign": mp.sign, "step": lambda x: one if x > 0 else zero,
        "where": lambda c, x, y: x if c else y,
        "maximum": lambda *xs: first_nan(xs, max(xs)), "minimum": lambda *xs: first_nan(xs, min(xs)),
        "relu": lambda x: max(x, zero), "hard_tanh": lambda x: min(max(x, -one), one), "abs": mp.fabs,
        "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
        "pow": mp.power, "sqrt": mp.sqrt, "cbrt": lambda x: mp.sign(x) * mp.cbrt(mp.fabs(x)), "hypot": mp.hypot,
        "exp": mp.exp, "exp2": lambda x: mp.power(2, x), "expm1": mp.expm1,
        "log": mp.log, "log2": lambda x: mp.log(x) / mp.log(2), "log10": mp.log10, "log1p": mp.log1p,
        "logsumexp": lambda *xs: mp.log(mp.fsum(mp.exp(x) for x in xs)),
        "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "asin": mp.asin, "acos": mp.acos, "atan": mp.atan,
        "atan2": mp.atan2, "sinh": mp.sinh, "cosh": mp.cosh, "semicircle": lambda x: mp.sqrt((1 - x) * (1 + x)),
        "sech2": lambda x: mp.sech(x) ** 2, "tanh": mp.tanh,
        "asinh": mp.asinh, "acosh": mp.acosh, "atanh": mp.atanh, "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "softplus": lambda x: mp.log1p(mp.exp(x)), "silu": lambda x: x / (1 + mp.exp(-x)),
        "erf": mp.erf, "erfc": lambda x: mp.erfc(x) if x < 1e100 else zero,
    }


def has_oracle(row: Primitive) -> bool:
    """Whether the reference knows the row, so that its float primal need not stand in."""
    return row.name in _table() or row.name in ORACLES


def evaluate(row: Primitive, operands: Sequence[Any]) -> Any:
    """A row on mpmath numbers; nan where it has no real value, and where floats would long have overflowed."""
    mp = arithmetic()
    if not has_oracle(row):
        return mp.mpf(row.primal(*map(float, operands)))
    if row.gate not in ("routes", "blocks") and any(abs(o) > LARGEST for o in operands):
        return mp.nan
    try:
        out = (ORACLES.get(row.name) or _table()[row.name])(*operands)
    except (ValueError, ZeroDivisionError, OverflowError):
        return mp.nan
    return out if isinstance(out, mp.mpf) else mp.nan  # a complex number is none of ours


class Precise:
    """A number of 160 digits that travels through rows and operators as a Value does; `number` is mpmath's."""

    __slots__ = ("number",)

    def __init__(self, number: Any) -> None:
        self.number: Any = number.number if isinstance(number, Precise) else arithmetic().mpf(number)

    @staticmethod
    def __primitive__(primitive: Primitive, operands: Sequence[Any]) -> Precise:
        return Precise(evaluate(primitive, [Precise(o).number for o in operands]))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(ops, name, None)
        if name.startswith("_") or not callable(function):
            raise AttributeError(f"{name!r} is no row, so a Precise number has no such method")
        return lambda *operands: function(self, *operands)

    def __add__(self, other: Any) -> Any: return ops.add(self, other)
    def __radd__(self, other: Any) -> Any: return ops.add(other, self)
    def __sub__(self, other: Any) -> Any: return ops.sub(self, other)
    def __rsub__(self, other: Any) -> Any: return ops.sub(other, self)
    def __mul__(self, other: Any) -> Any: return ops.mul(self, other)
    def __rmul__(self, other: Any) -> Any: return ops.mul(other, self)
    def __truediv__(self, other: Any) -> Any: return ops.div(self, other)
    def __rtruediv__(self, other: Any) -> Any: return ops.div(other, self)
    def __pow__(self, other: Any) -> Any: return ops.pow(self, other)
    def __rpow__(self, other: Any) -> Any: return ops.pow(other, self)
    def __lt__(self, other: Any) -> Any: return ops.less(self, other)
    def __gt__(self, other: Any) -> Any: return ops.less(other, self)
    def __le__(self, other: Any) -> Any: return ops.less_equal(self, other)
    def __ge__(self, other: Any) -> Any: return ops.less_equal(other, self)
    def __neg__(self) -> Any: return ops.neg(self)
    def __abs__(self) -> Any: return ops.abs(self)
    def __bool__(self) -> bool: return bool(self.number)
    def __float__(self) -> float: return float(self.number)
    def __repr__(self) -> str: return f"Precise({float(self)!r})"
