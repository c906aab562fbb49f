"""Trigonometric and hyperbolic functions and their inverses; tanh is among the activations."""

from __future__ import annotations

import math
from math import inf, nan

from . import ieee
from .arithmetic import div
from .powers import hypot_row, sqrt
from .primitive import UNIT, Binary, CFunction, Number, Unary, row

sin: Unary = row(
    "sin",
    "sin",
    "The sine of x radians, whose slope is the cosine.",
    primal=ieee.quiet(math.sin),
    slope=lambda out, x: cos(x),
    rule="cos x",
    edges=[((inf,), nan, (nan,))],
    lowering=CFunction("sin"),
    oracle=lambda mp, x: mp.sin(x),
)

cos: Unary = row(
    "cos",
    "cos",
    "The cosine of x radians, whose slope is −sin x.",
    primal=ieee.quiet(math.cos),
    slope=lambda out, x: -sin(x),
    rule="−sin x",
    edges=[((inf,), nan, (nan,))],
    lowering=CFunction("cos"),
    oracle=lambda mp, x: mp.cos(x),
)

tan: Unary = row(
    "tan",
    "tan",
    "The tangent of x radians, whose slope is 1 + tan² x.",
    primal=ieee.quiet(math.tan),
    slope=lambda out, x: 1.0 + out * out,
    rule="1 + a²",
    edges=[((inf,), nan, (nan,))],
    lowering=CFunction("tan"),
    oracle=lambda mp, x: mp.tan(x),
)

semicircle: Unary = row(
    "semicircle",
    "√(1−x²)",
    "√(1 − x²) by way of (1 − x)(1 + x), which does not cancel; asin, acos and atanh have slopes "
    "of it.",
    primal=lambda x: sqrt.primal((1.0 - x) * (1.0 + x)),
    slope=lambda out, x: -div(x, out),
    rule="−x/a",
    domain=(UNIT,),
    lowering=lambda x: sqrt((1.0 - x) * (1.0 + x)),
    oracle=lambda mp, x: mp.sqrt((1 - x) * (1 + x)),
)

degrees: Unary = row(
    "degrees",
    "deg",
    "x radians in degrees, x·(180/π).",
    primal=lambda x: x * (180.0 / math.pi),
    slope=lambda out, x: 180.0 / math.pi,
    rule="180/π",
    lowering=lambda x: x * (180.0 / math.pi),
    oracle=lambda mp, x: x * 180 / mp.pi,
)

radians: Unary = row(
    "radians",
    "rad",
    "x degrees in radians, x·(π/180).",
    primal=lambda x: x * (math.pi / 180.0),
    slope=lambda out, x: math.pi / 180.0,
    rule="π/180",
    lowering=lambda x: x * (math.pi / 180.0),
    oracle=lambda mp, x: x * mp.pi / 180,
)

asin: Unary = row(
    "asin",
    "asin",
    "The arc sine of x in radians, whose slope is 1/√(1 − x²).",
    primal=ieee.quiet(math.asin),
    slope=lambda out, x: div(1.0, semicircle(x)),
    rule="1/√(1 − x²)",
    domain=(UNIT,),
    edges=[((1.0,), math.pi / 2, (inf,)), ((2.0,), nan, (nan,))],
    lowering=CFunction("asin"),
    oracle=lambda mp, x: mp.asin(x),
)

acos: Unary = row(
    "acos",
    "acos",
    "The arc cosine of x in radians, whose slope is −1/√(1 − x²).",
    primal=ieee.quiet(math.acos),
    slope=lambda out, x: div(-1.0, semicircle(x)),
    rule="−1/√(1 − x²)",
    domain=(UNIT,),
    edges=[((1.0,), 0.0, (-inf,)), ((2.0,), nan, (nan,))],
    lowering=CFunction("acos"),
    oracle=lambda mp, x: mp.acos(x),
)

atan: Unary = row(
    "atan",
    "atan",
    "The arc tangent of x in radians, whose slope is 1/(1 + x²).",
    primal=math.atan,
    slope=lambda out, x: div(1.0, 1.0 + x * x),
    rule="1/(1 + x²)",
    edges=[((inf,), math.pi / 2, (0.0,))],
    lowering=CFunction("atan"),
    oracle=lambda mp, x: mp.atan(x),
)


def _over_square(side: Number, y: Number, x: Number) -> Number:
    """A side divided twice by the hypotenuse, whose square would overflow."""
    return div(div(side, hypot_row(y, x)), hypot_row(y, x))


atan2: Binary = row(
    "atan2",
    "atan2",
    "The angle of the point (x, y) in radians, from −π to π; its slopes are x/(x² + y²) and −y/(x² "
    "+ y²).",
    primal=math.atan2,
    slopes=lambda out, y, x: (_over_square(x, y, x), -_over_square(y, y, x)),
    rule=("x/(x² + y²)", "−y/(x² + y²)"),
    kinks=((0.0, None),),
    edges=[((0.0, 0.0), 0.0, (nan, nan)), ((0.0, 2e200), 0.0, (5e-201, -0.0))],
    lowering=CFunction("atan2"),
    oracle=lambda mp, y, x: mp.atan2(y, x),
)

sinh: Unary = row(
    "sinh",
    "sinh",
    "The hyperbolic sine of x, whose slope is cosh x.",
    primal=ieee.quiet(math.sinh),
    slope=lambda out, x: cosh(x),
    rule="cosh x",
    edges=[((-1000.0,), -inf, (inf,))],
    lowering=CFunction("sinh"),
    oracle=lambda mp, x: mp.sinh(x),
)

cosh: Unary = row(
    "cosh",
    "cosh",
    "The hyperbolic cosine of x, whose slope is sinh x.",
    primal=ieee.quiet(math.cosh, even=True),
    slope=lambda out, x: sinh(x),
    rule="sinh x",
    lowering=CFunction("cosh"),
    oracle=lambda mp, x: mp.cosh(x),
)


asinh: Unary = row(
    "asinh",
    "asinh",
    "The inverse of sinh, whose slope is 1/√(1 + x²).",
    primal=math.asinh,
    slope=lambda out, x: div(1.0, hypot_row(1.0, x)),
    rule="1/√(1 + x²)",
    edges=[((inf,), inf, (0.0,))],
    lowering=CFunction("asinh"),
    oracle=lambda mp, x: mp.asinh(x),
)

acosh: Unary = row(
    "acosh",
    "acosh",
    "The inverse of cosh, whose slope is 1/√(x² − 1).",
    primal=ieee.quiet(math.acosh),
    slope=lambda out, x: div(1.0, sqrt(x - 1.0) * sqrt(x + 1.0)),
    rule="1/√(x² − 1)",
    domain=((1.0, inf),),
    edges=[((1.0,), 0.0, (inf,)), ((0.0,), nan, (nan,)), ((-2.0,), nan, (nan,))],
    lowering=CFunction("acosh"),
    oracle=lambda mp, x: mp.acosh(x),
)

atanh: Unary = row(
    "atanh",
    "atanh",
    "The inverse of tanh, whose slope is 1/(1 − x²).",
    primal=ieee.quiet(math.atanh, poles={1.0: inf, -1.0: -inf}),
    slope=lambda out, x: div(div(1.0, semicircle(x)), semicircle(x)),
    rule="1/(1 − x²)",
    domain=(UNIT,),
    edges=[
        ((1.0,), inf, (inf,)),
        ((-1.0,), -inf, (inf,)),
        ((2.0,), nan, (nan,)),
        ((-2.0,), nan, (nan,)),
    ],
    lowering=CFunction("atanh"),
    oracle=lambda mp, x: mp.atanh(x),
)
