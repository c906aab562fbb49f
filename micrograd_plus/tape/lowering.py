"""The table as a machine sees it: each row as one instruction, one function of the C library, or other rows.

A machine knows forward rules only, so this is all that stands between the table and any executor: what is not named here
is the C function of the row's own name. The bits are those of the row's primal; only which nan it is may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import inf

from .. import ops
from ..ops import Number, Primitive, equal, less, less_equal, where

# LLVM's names, the comparisons being kinds of fcmp; sum and dot are what a loop of fadd, and of fmul, gives from the left.
INSTRUCTIONS = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "neg": "fneg", "abs": "fabs", "where": "select",
                "less": "olt", "less_equal": "ole", "equal": "oeq", "sum": "sum", "dot": "dot"}
FUNCTIONS = ("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf", "erfc", "exp",
             "exp2", "expm1", "hypot", "log", "log10", "log1p", "log2", "pow", "sin", "sinh", "sqrt", "tan", "tanh")


def _largest(*xs: Number) -> Number:  # a nan is the result, whether it came first or comes now; ties go to the first
    return reduce(lambda m, x: where(equal(m, m), where(less_equal(x, m), m, x), m), xs)


def _logsumexp(*xs: Number) -> Number:
    m = _largest(*xs)
    return where(less(abs(m), inf), m + ops.log(ops.sum(*(ops.exp(x - m) for x in xs))), m)


def _sigmoid(x: Number) -> Number:
    e = ops.exp(-abs(x))
    return ops.div(where(less_equal(0.0, x), 1.0, e), 1.0 + e)


def _sech2(x: Number) -> Number:
    e = ops.exp(-2.0 * abs(x))
    return ops.div(4.0 * e, (1.0 + e) * (1.0 + e))


EXPRESSIONS: dict[str, Callable[..., Number]] = {
    "identity": lambda x: x,
    "not_equal": lambda x, y: 1.0 - equal(x, y),
    "sign": lambda x: where(less(0.0, x), 1.0, where(less(x, 0.0), -1.0, x)),
    "step": lambda x: where(equal(x, x), less(0.0, x), x),
    "maximum": _largest,
    "minimum": lambda *xs: -_largest(*(-x for x in xs)),
    "relu": lambda x: where(less_equal(x, 0.0), 0.0, x),
    "hard_tanh": lambda x: where(less(1.0, x), 1.0, where(less(x, -1.0), -1.0, x)),
    "leaky_relu": lambda x, slope: where(less_equal(x, 0.0), slope * x, x),
    "semicircle": lambda x: ops.sqrt((1.0 - x) * (1.0 + x)),
    "sech2": _sech2,
    "logsumexp": _logsumexp,
    "sigmoid": _sigmoid,
    "softplus": lambda x: ops.maximum(x, 0.0) + ops.log1p(ops.exp(-abs(x))),
    "silu": lambda x: x * ops.sigmoid(x),
}


def lowering(row: Primitive) -> str | Callable[..., Number] | None:
    """LLVM's name of the instruction, the name of the C function, or an expression in other rows; None where all lack."""
    if row.code is None:
        return None
    return INSTRUCTIONS.get(row.name) or EXPRESSIONS.get(row.name) or (row.name if row.name in FUNCTIONS else None)
