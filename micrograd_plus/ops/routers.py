"""Routers: the gradient goes where the value came from.

Their slopes are switches, and one that is off passes nothing.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterable, Mapping
from functools import reduce
from math import inf, nan
from typing import Any

from . import ieee
from .arithmetic import div, sum
from .conditions import equal, less, less_equal, not_equal, sign, step, where
from .primitive import (
    SOME_COUNTS,
    UNIT,
    Binary,
    CFunction,
    Instruction,
    Number,
    Unary,
    Variadic,
    as_float,
    row,
)


def _ties(out: Number, *xs: Number) -> tuple[Number, ...]:
    """The share of each operand that equals `out`: 1/k when k tie, nan when `out` is nan."""
    ties = [equal(x, out) for x in xs]
    count = sum(*ties)
    return tuple(div(tie, count) for tie in ties)


# a nan is the result, whether it came first or comes now; ties go to the first
def _largest(*xs: Number) -> Number:
    return reduce(lambda m, x: where(equal(m, m), where(less_equal(x, m), m, x), m), xs)


_TWO_TIE = ((1.0, 1.0), 1.0, (0.5, 0.5))
_THREE_TIE = (1 / 3, 1 / 3, 1 / 3, 0.0)

maximum: Variadic = row(
    "maximum",
    "max",
    "The largest of the operands, nan if one is. Those that tie share the gradient equally.",
    primal=ieee.largest,
    slopes=_ties,
    rule="1 if x = a else 0",
    gate="routes",
    compares=True,
    edges=[
        _TWO_TIE,
        ((2.0, 2.0, 2.0, 1.0), 2.0, _THREE_TIE),
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
    rule="1 if x = a else 0",
    gate="routes",
    compares=True,
    edges=[
        _TWO_TIE,
        ((2.0, 2.0, 2.0, 3.0), 2.0, _THREE_TIE),
        ((1.0, nan), nan, (nan, nan)),
        ((-inf, -inf), -inf, (0.5, 0.5)),
    ],
    lowering=lambda *xs: -_largest(*(-x for x in xs)),
    oracle=lambda mp, *xs: next((x for x in xs if mp.isnan(x)), builtins.min(xs)),
    samples=SOME_COUNTS,
)

max, min = maximum, minimum  # Python's names for them


def _is_place(index: float, count: int) -> bool:
    return 0.0 <= index < count and index == math.floor(index)


def _picked(index: Number, *values: Number) -> Number:
    found: Number = nan
    for place in range(len(values) - 1, -1, -1):
        found = where(equal(index, float(place)), values[place], found)
    return found


_NO_PLACES = [((index, 5.0, 7.0), nan, (0.0, 0.0, 0.0)) for index in (2.0, 0.5, nan)]

take_row: Variadic = row(
    "take",
    "take",
    "The operand in the place that the index says, counted from 0; nan where the index is no such "
    "whole number.",
    primal=lambda index, *values: values[int(index)] if _is_place(index, len(values)) else nan,
    slopes=lambda out, index, *values: (
        None,
        *[equal(index, float(place)) for place in range(len(values))],
    ),
    rule=("", "1 if index = place else 0"),
    gate="routes",
    roles=("index", "number"),
    least=2,
    edges=[
        ((1.0, 5.0, 7.0), 7.0, (0.0, 0.0, 1.0)),
        ((-0.0, 5.0, inf), 5.0, (0.0, 1.0, 0.0)),
        *_NO_PLACES,
    ],
    strict_function=True,
    lowering=_picked,
    oracle=lambda mp, index, *values: (
        values[int(index)] if _is_place(index, len(values)) else mp.nan
    ),
    samples=((0.0, 3.0), (1.0, 1e300, -2.0), (0.0, -0.25, 7.0, 2.0), (3.0, 1e-300, 1.0, 0.5, -8.0)),
)


def take(index: Number, *values: Number) -> Number:
    """The value in the place that the index says, counted from 0; the gradient goes there alone,
    and none to the index.

    `values` are numbers and Values, or one list of them. Of a table, which is a list of rows of one
    length, it is the row in that place, as a list: `take(token, table)` reads an embedding. Raises
    IndexError for a plain number that is no whole number from 0 to one less than there are values,
    and ValueError for rows of several lengths; a Value that is no such number gives nan and passes
    no gradient.
    """
    if len(values) == 1 and _is_list(values[0]):
        values = tuple(values[0])
    if values and all(map(_is_list, values)):
        return _row(index, values)
    if not hasattr(index, "__primitive__") and not _is_place(as_float(index, "take"), len(values)):
        raise IndexError(
            f"take picks one of {len(values)} values by a whole number from 0 on, not by {index!r}"
        )
    return take_row(index, *values)


def _is_list(values: Any) -> bool:
    """Whether something has values in an order: no text, whose characters are texts, no dict, and
    no array without axes.
    """
    is_other = isinstance(values, (str, bytes, Mapping)) or getattr(values, "shape", None) == ()
    return isinstance(values, Iterable) and not is_other


def _row(index: Number, rows: Iterable[Iterable[Number]]) -> list[Number]:
    """The row of a table in the place that the index says, number by number."""
    table = [list(row) for row in rows]
    if len({len(row) for row in table}) > 1:
        lengths = [len(row) for row in table]
        raise ValueError(f"the rows of a table have one length, not {lengths}")
    return [take(index, *column) for column in zip(*table)]


relu: Unary = row(
    "relu",
    "ReLU",
    "x where it is positive, else 0; the slope at 0 is 0 (Sharif, slide 12).",
    primal=lambda x: x if x > 0 or x != x else 0.0,
    slope=lambda out, x: step(x),
    rule="1 if x > 0 else 0",
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
    rule="1 if |x| ≤ 1 else 0",
    gate="routes",
    kinks=UNIT,
    edges=[
        ((1.0,), 1.0, (1.0,)),
        ((-1.0,), -1.0, (1.0,)),
        ((2.0,), 1.0, (0.0,)),
        ((nan,), nan, (nan,)),
    ],
    lowering=lambda x: where(less(1.0, x), 1.0, where(less(x, -1.0), -1.0, x)),
    oracle=lambda mp, x: builtins.min(builtins.max(x, mp.mpf(-1)), mp.mpf(1)),
)

leaky_relu_row: Binary = row(
    "leaky_relu",
    "LReLU",
    "x where it is positive, slope·x elsewhere (Maas et al. 2013).",
    primal=lambda x, slope: x if x > 0 or x != x else slope * x,
    slopes=lambda out, x, slope: (step(x) + slope * (1.0 - step(x)), x * (1.0 - step(x))),
    rule=("1 if x > 0 else slope", "0 if x > 0 else x"),
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
    rule="sign(x)",
    kinks=(0.0,),
    edges=[((0.0,), 0.0, (0.0,)), ((-0.0,), 0.0, (0.0,)), ((nan,), nan, (nan,))],
    lowering=Instruction("fabs"),
    oracle=lambda mp, x: mp.fabs(x),
)
fabs = abs


def _with_sign(x: Number, y: Number) -> Number:
    negative = less(y, 0.0) + less(div(1.0, y), 0.0)  # the quotient tells −0 from 0
    return where(equal(y, y), where(negative, -abs(x), abs(x)), y)


_SIGNED_ZEROS = [((0.0, -1.0), -0.0, (0.0, 0.0)), ((-3.0, -0.0), -3.0, (1.0, 0.0))]

copysign: Binary = row(
    "copysign",
    "copysign",
    "|x| with the sign of y, of its zero too, nan where y is; the slope in x is 1 or −1, 0 at x = "
    "0, and y passes none.",
    # the sign of a nan says nothing
    primal=lambda x, y: math.copysign(x, y) if y == y else nan,
    slopes=lambda out, x, y: (sign(x) * copysign(1.0, y), None),
    rule=("sign(x)·sign(y)", ""),
    kinks=((0.0, None), (None, 0.0)),
    edges=[*_SIGNED_ZEROS, ((2.0, -inf), -2.0, (-1.0, 0.0))],
    lowering=_with_sign,
    oracle=lambda mp, x, y: mp.fabs(x) if y >= 0 else -mp.fabs(x),
)


floor: Unary = row(
    "floor",
    "floor",
    "The largest whole number that is not above x, as a float; it passes no gradient.",
    primal=ieee.floor,
    slope=lambda out, x: None,
    gate="blocks",
    kinks=(lambda x: _from_whole(x, 1.0),),
    edges=[
        ((2.5,), 2.0, (0.0,)),
        ((-2.5,), -3.0, (0.0,)),
        ((-0.0,), -0.0, (0.0,)),
        ((inf,), inf, (0.0,)),
    ],
    lowering=CFunction("floor"),
    oracle=lambda mp, x: mp.floor(x),
)


def _from_whole(x: float, y: float) -> float:
    """How far x / y is from a whole number, where remainders jump."""
    quotient = ieee.divide(x, y)
    return quotient - math.floor(quotient + 0.5) if math.isfinite(quotient) else 0.0


def _times(out: Number, x: Number, y: Number) -> Number:
    """How often y was taken from x to leave `out`: a whole number,
    which no gradient goes through.
    """
    return floor(div(x - out, y) + 0.5)


def _modulo(x: Number, y: Number) -> Number:
    r = fmod(x, y)
    wrong_side = not_equal(less(r, 0.0), less(y, 0.0))
    return where(equal(r, 0.0), copysign(0.0, y), where(wrong_side, r + y, r))


def _towards_zero(mp: Any, quotient: Any) -> Any:
    return mp.floor(quotient) if quotient >= 0 else mp.ceil(quotient)


fmod: Binary = row(
    "fmod",
    "fmod",
    "x − y·trunc(x/y), exact and with the sign of x, as math.fmod; nan where x is infinite or y is "
    "0.",
    primal=ieee.remainder,
    slopes=lambda out, x, y: (1.0, -_times(out, x, y)),
    rule=("1", "−trunc(x/y)"),
    kinks=((None, 0.0), _from_whole),
    edges=[
        ((7.0, 4.0), 3.0, (1.0, -1.0)),
        ((-7.0, 4.0), -3.0, (1.0, 1.0)),
        ((inf, 1.0), nan, (1.0, nan)),
    ],
    lowering=CFunction("fmod"),
    oracle=lambda mp, x, y: x - y * _towards_zero(mp, x / y),
)

mod: Binary = row(
    "mod",
    "%",
    "x − y·floor(x/y), with the sign of y, as Python's %; nan where x is infinite or y is 0.",
    primal=ieee.modulo,
    slopes=lambda out, x, y: (1.0, -_times(out, x, y)),
    rule=("1", "−floor(x/y)"),
    kinks=((None, 0.0), _from_whole),
    edges=[
        ((7.0, 4.0), 3.0, (1.0, -1.0)),
        ((-7.0, 4.0), 1.0, (1.0, 2.0)),
        ((inf, 1.0), nan, (1.0, nan)),
    ],
    folded=("{} %", "% {}"),
    precedence=3,
    lowering=_modulo,
    oracle=lambda mp, x, y: x - y * mp.floor(x / y),
)
