"""Powers, roots and lengths. Powers are rows because Python's own raise, or leave the reals."""

from __future__ import annotations

import math
from functools import reduce
from math import inf, nan

from . import ieee
from .arithmetic import div
from .conditions import equal, less, less_equal, sign, where
from .exponentials import log
from .primitive import POSITIVE, REAL, Binary, CFunction, Instruction, Number, Unary, row
from .routers import abs


def _power_slope(x: Number, y: Number) -> Number:
    # It is 0 at 0**0, where the formula says 0 · inf. Making it 0 for all x when y is 0 would be
    # one `where` simpler, and d²/dxdy of x**y at y = 0 would come out 0 one way and 1/x the other.
    slope = y * pow(x, y - 1.0)
    return where(equal(y, 0.0), where(equal(x, 0.0), 0.0, slope), slope)


def _exponent_slope(out: Number, x: Number, y: Number) -> Number:
    return where(equal(x, 0.0) * less_equal(0.0, y), 0.0, out * log(x))


_POWERS_OF_ZERO = [
    ((0.0, 0.0), 1.0, (0.0, 0.0)),
    ((0.0, 0.5), 0.0, (inf, 0.0)),
    ((0.0, 1.0), 0.0, (1.0, 0.0)),
    ((0.0, 2.0), 0.0, (0.0, 0.0)),
]

pow: Binary = row(
    "pow",
    "**",
    "xʸ, never a complex number. Its slopes are y·xʸ⁻¹ and xʸ·ln x.",
    primal=ieee.power,
    slopes=lambda out, x, y: (_power_slope(x, y), _exponent_slope(out, x, y)),
    rule=("y·xʸ⁻¹", "a·ln x"),
    domain=(POSITIVE, REAL),
    edges=[
        *_POWERS_OF_ZERO,
        ((-2.0, 3.0), -8.0, (12.0, nan)),
        ((-1.0, 0.5), nan, (nan, nan)),
    ],
    folded=("{} ** x", "** {}"),
    precedence=4,
    lowering=CFunction("pow"),
    oracle=lambda mp, x, y: mp.power(x, y),
    bound=1e-13,
    reason="dx is y * x**(y − 1), and rounding y − 1 costs log(x) times its size",
)

square: Unary = row(
    "square",
    "x²",
    "x², whose slope is 2x.",
    primal=lambda x: x * x,
    slope=lambda out, x: 2.0 * x,
    rule="2x",
    edges=[((-0.0,), 0.0, (-0.0,))],
    lowering=lambda x: x * x,
    oracle=lambda mp, x: x * x,
)

sqrt: Unary = row(
    "sqrt",
    "√",
    "The square root of x, whose slope is 1/(2√x), inf at 0.",
    primal=ieee.quiet(math.sqrt),
    slope=lambda out, x: div(0.5, out + 0.0),  # −0 + 0 is +0
    rule="1/(2√x)",
    domain=(POSITIVE,),
    edges=[((0.0,), 0.0, (inf,)), ((-0.0,), -0.0, (inf,)), ((-1.0,), nan, (nan,))],
    lowering=Instruction("sqrt"),
    oracle=lambda mp, x: mp.sqrt(x),
)


def _cbrt_slope(out: Number, x: Number) -> Number:
    # Two forms of one slope. The first has the rounding of `out` once only, but its derivative
    # subtracts quotients by x, which overflow when x is next to 0: there the other form, which is a
    # product, tells inf from nan.
    moderate = less_equal(1e-30, abs(x)) * less_equal(abs(x), 1e30)
    return where(moderate, div(div(out, x), 3.0), div(1.0, 3.0 * out * out))


cbrt: Unary = row(
    "cbrt",
    "∛",
    "The cube root of x, of negative numbers too; its slope is 1/(3·∛x²), inf at 0.",
    primal=math.cbrt,
    slope=_cbrt_slope,
    rule="1/(3a²)",
    kinks=(0.0,),
    edges=[((0.0,), 0.0, (inf,)), ((-0.0,), -0.0, (inf,)), ((inf,), inf, (0.0,))],
    lowering=CFunction("cbrt"),
    oracle=lambda mp, x: mp.sign(x) * mp.cbrt(mp.fabs(x)),
)


def _cosine(x: Number, y: Number, out: Number) -> Number:
    # x / hypot(x, y). Where x is the longer side its slope would be 1 − x²/out², which cancels: so
    # it divides by x first.
    return where(less(abs(x), abs(y)), div(x, out), div(sign(x), hypot_row(1.0, div(y, x))))


hypot_row: Binary = row(
    "hypot",
    "hypot",
    "√(x² + y²) without overflow on the way; its slopes are x/out and y/out, nan at (0, 0).",
    primal=ieee.hypot,
    slopes=lambda out, x, y: (_cosine(x, y, out), _cosine(y, x, out)),
    rule=("x/a", "y/a"),
    kinks=((0.0, 0.0),),
    edges=[((0.0, 0.0), 0.0, (nan, nan)), ((3 * 2.0**600, 4 * 2.0**600), 5 * 2.0**600, (0.6, 0.8))],
    expansion=lambda x, y: sqrt(x * x + y * y),
    lowering=CFunction("hypot"),
    oracle=lambda mp, x, y: mp.hypot(x, y),
)


def hypot(*xs: Number) -> Number:
    """√(x² + y² + ...) of any number of floats or Values, without overflow on the way;
    of none it is 0.
    """
    if len(xs) < 2:
        return abs(xs[0]) if xs else 0.0
    return reduce(hypot_row, xs)
