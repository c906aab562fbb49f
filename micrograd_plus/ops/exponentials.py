"""Exponentials, logarithms, and the logarithm of a sum of exponentials,
whose slopes are the softmax.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from math import inf, nan
from typing import Any, overload

from . import ieee
from .arithmetic import div, sum
from .conditions import equal, less, where
from .primitive import SOME_COUNTS, CFunction, Number, T, Unary, Variadic, row
from .routers import abs, maximum

exp: Unary = row(
    "exp",
    "exp",
    "eˣ, which is its own slope.",
    primal=ieee.exp,
    slope=lambda out, x: out,
    rule="eˣ",
    edges=[((1000.0,), inf, (inf,)), ((-inf,), 0.0, (0.0,)), ((nan,), nan, (nan,))],
    lowering=CFunction("exp"),
    oracle=lambda mp, x: mp.exp(x),
)

exp2: Unary = row(
    "exp2",
    "exp2",
    "2ˣ, whose slope is 2ˣ·ln 2.",
    primal=ieee.quiet(math.exp2),
    slope=lambda out, x: out * math.log(2),
    rule="2ˣ·ln 2",
    edges=[((2000.0,), inf, (inf,))],
    lowering=CFunction("exp2"),
    oracle=lambda mp, x: mp.power(2, x),
)

expm1: Unary = row(
    "expm1",
    "expm1",
    "eˣ − 1, with all its digits near 0.",
    primal=ieee.quiet(math.expm1),
    slope=lambda out, x: exp(x),
    rule="eˣ",
    edges=[((1000.0,), inf, (inf,))],
    lowering=CFunction("expm1"),
    oracle=lambda mp, x: mp.expm1(x),
)


def _logarithm(
    name: str,
    doc: str,
    rule: str,
    function: Callable[[float], float],
    reciprocal: Callable[[Number], Number],
    oracle: Callable[..., Any],
    pole: float = 0.0,
) -> Any:
    """A logarithm, whose slope is 1 / reciprocal(x) above its pole, inf at it (at −0 too),
    and nan below.
    """
    return row(
        name,
        name,
        doc,
        primal=ieee.quiet(function, poles={pole: -inf}),
        slope=lambda out, x: where(less(x, pole), nan, div(1.0, reciprocal(x) + 0.0)),
        rule=rule,
        domain=((pole, inf),),
        edges=[((pole,), -inf, (inf,)), ((pole - 1.0,), nan, (nan,))],
        lowering=CFunction(name),
        oracle=oracle,
    )


log_row: Unary = _logarithm(
    "log",
    "The natural logarithm of x, whose slope is 1/x.",
    "1/x",
    math.log,
    lambda x: x,
    lambda mp, x: mp.log(x),
)


@overload
def log(x: float, base: float | None = None) -> float: ...
@overload
def log(x: T, base: T | float | None = None) -> T: ...
@overload
def log(x: float, base: T) -> T: ...
def log(x: Any, base: Any = None) -> Any:
    """The natural logarithm of floats or Values, or that to a base, the quotient of two,
    as `math.log` has it.
    """
    return log_row(x) if base is None else div(log_row(x), log_row(base))


log2: Unary = _logarithm(
    "log2",
    "The logarithm of x to base 2, whose slope is 1/(x·ln 2).",
    "1/(x·ln 2)",
    math.log2,
    lambda x: x * math.log(2),
    lambda mp, x: mp.log(x) / mp.log(2),
)
log10: Unary = _logarithm(
    "log10",
    "The logarithm of x to base 10, whose slope is 1/(x·ln 10).",
    "1/(x·ln 10)",
    math.log10,
    lambda x: x * math.log(10),
    lambda mp, x: mp.log10(x),
)
log1p: Unary = _logarithm(
    "log1p",
    "The natural logarithm of 1 + x, with all its digits near 0.",
    "1/(1 + x)",
    math.log1p,
    lambda x: 1.0 + x,
    lambda mp, x: mp.log1p(x),
    pole=-1.0,
)


def _softmax(out: Number, *xs: Number) -> tuple[Number, ...]:
    """Softmax from out = logsumexp(xs); dividing by the total cancels the rounding
    of a large `out`.
    """
    exps = [exp(x - out) for x in xs]
    ties = [equal(x, out) for x in xs]
    # inf − inf says nothing: the infinite operands share instead
    infinite = equal(abs(out), inf)
    total = where(infinite, sum(*ties), sum(*exps))
    return tuple(div(where(infinite, tie, e), total) for e, tie in zip(exps, ties, strict=True))


def _shifted(*xs: Number) -> Number:
    m = maximum(*xs)
    return where(less(abs(m), inf), m + log(sum(*(exp(x - m) for x in xs))), m)


logsumexp: Variadic = row(
    "logsumexp",
    "logΣexp",
    "log Σ eˣ, shifted by the largest operand so that nothing overflows (RWTH, Implementing "
    "Softmax Correctly).",
    primal=ieee.logsumexp,
    slopes=_softmax,
    rule="p = eˣ⁻ᵃ",
    edges=[
        ((inf, 0.0), inf, (1.0, 0.0)),
        ((-inf, -inf), -inf, (0.5, 0.5)),
        ((nan, 0.0), nan, (nan, nan)),
    ],
    expansion=lambda *xs: log(sum(*(exp(x) for x in xs))),
    lowering=_shifted,
    oracle=lambda mp, *xs: mp.log(mp.fsum(mp.exp(x) for x in xs)),
    samples=SOME_COUNTS,
    bound=1e-13,
    reason="exp(x − out) rounds x − out, which reaches 745 before the slope is 0",
)


def softmax(xs: Iterable[Number]) -> list[Number]:
    """exp(x) / Σ exp(x) for each x, shifted so that nothing overflows (a = 1000, 1001,
    1002 gives no nan).
    """
    operands = list(xs)
    return list(_softmax(logsumexp(operands), *operands)) if operands else []
