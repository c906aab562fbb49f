"""Routers: the gradient goes where the value came from. Their slopes are switches, and one that is off passes nothing."""

from __future__ import annotations

import builtins
import math
from functools import reduce
from math import inf, nan

from . import ieee
from .arithmetic import div, sum
from .conditions import equal, less, less_equal, sign, step, where
from .primitive import SOME_COUNTS, UNIT, Binary, Instruction, Number, Unary, Variadic, row


def _ties(out: Number, *xs: Number) -> tuple[Number, ...]:
    """The share of each operand that equals `out`: 1/k when k tie, nan when `out` is nan."""
    ties = [equal(x, out) for x in xs]
    count = sum(*ties)
    return tuple(div(tie, count) for tie in ties)


def _largest(*xs: Number) -> Number:  # a nan is the result, whether it came first or comes now; ties go to the first
    return reduce(lambda m, x: where(equal(m, m), where(less_equal(x, m), m, x), m), xs)


maximum: Variadic = row(
    "maximum",
    "max",
    "The largest of the operands, nan if one is. Those that tie share the gradient equally.",
    primal=ieee.largest,
    slopes=_ties,
    gate="routes",
    compares=True,
    edges=[
        ((1.0, 1.0), 1.0, (0.5, 0.5)),
        ((2.0, 2.0, 2.0, 1.0), 2.0, (1 / 3, 1 / 3, 1 / 3, 0.0)),
        ((nan, 1.0), nan, (nan, nan)),
        ((inf, inf), inf, (0.5, 0.5)),
    ],
    lowering=_largest,
    oracle=lambda mp, *xs: next((x for x in xs if mp.isnan(x)), builtins.max(xs)),
    samples=SOME_COUNTS,
)

minimum: Variadic = row(
    "minimum",
    "min",
    "The smallest of the operands, nan if one is. Those that tie share the gradient equally.",
    primal=lambda *xs: -ieee.largest(*(-x for x in xs)),
    slopes=_ties,
    gate="routes",
    compares=True,
    edges=[
        ((1.0, 1.0), 1.0, (0.5, 0.5)),
        ((2.0, 2.0, 2.0, 3.0), 2.0, (1 / 3, 1 / 3, 1 / 3, 0.0)),
        ((1.0, nan), nan, (nan, nan)),
        ((-inf, -inf), -inf, (0.5, 0.5)),
    ],
    lowering=lambda *xs: -_largest(*(-x for x in xs)),
    oracle=lambda mp, *xs: next((x for x in xs if mp.isnan(x)), builtins.min(xs)),
    samples=SOME_COUNTS,
)

max, min = maximum, minimum  # Python's names for them

relu: Unary = row(
    "relu",
    "ReLU",
    "x where it is positive, else 0; the slope at 0 is 0 (Sharif, slide 12).",
    primal=lambda x: x if x > 0 or x != x else 0.0,
    slope=lambda out, x: step(x),
    gate="routes",
    kinks=(0.0,),
    edges=[((0.0,), 0.0, (0.0,)), ((nan,), nan, (nan,)), ((-inf,), 0.0, (0.0,))],
    lowering=lambda x: where(less_equal(x, 0.0), 0.0, x),
    oracle=lambda mp, x: builtins.max(x, mp.mpf(0)),
)

hard_tanh: Unary = row(
    "hard_tanh",
    "hardtanh",
    "x cut off at −1 and 1, where its slope is 1 still (RWTH, Nonlinearities).",
    primal=lambda x: x if x != x else builtins.max(-1.0, builtins.min(1.0, x)),
    slope=lambda out, x: 1.0 - step(abs(x) - 1.0),
    gate="routes",
    kinks=UNIT,
    edges=[((1.0,), 1.0, (1.0,)), ((-1.0,), -1.0, (1.0,)), ((2.0,), 1.0, (0.0,)), ((nan,), nan, (nan,))],
    lowering=lambda x: where(less(1.0, x), 1.0, where(less(x, -1.0), -1.0, x)),
    oracle=lambda mp, x: builtins.min(builtins.max(x, mp.mpf(-1)), mp.mpf(1)),
)

leaky_relu_row: Binary = row(
    "leaky_relu",
    "LReLU",
    "x where it is positive, slope·x elsewhere.",
    primal=lambda x, slope: x if x > 0 or x != x else slope * x,
    slopes=lambda out, x, slope: (step(x) + slope * (1.0 - step(x)), x * (1.0 - step(x))),
    kinks=((0.0, None),),
    edges=[((0.0, 0.25), 0.0, (0.25, 0.0)), ((-2.0, 0.25), -0.5, (0.25, -2.0))],
    lowering=lambda x, slope: where(less_equal(x, 0.0), slope * x, x),
    oracle=lambda mp, x, slope: x if x > 0 else slope * x,
)


def leaky_relu(x: Number, slope: Number = 0.01) -> Number:
    """x where it is positive, slope·x elsewhere; both may be Values."""
    return leaky_relu_row(x, slope)


abs: Unary = row(
    "abs",
    "abs",
    "|x|; the slope at 0 is 0.",
    primal=math.fabs,
    slope=lambda out, x: sign(x),
    kinks=(0.0,),
    edges=[((0.0,), 0.0, (0.0,)), ((-0.0,), 0.0, (0.0,)), ((nan,), nan, (nan,))],
    lowering=Instruction("fabs"),
    oracle=lambda mp, x: mp.fabs(x),
)
fabs = abs
