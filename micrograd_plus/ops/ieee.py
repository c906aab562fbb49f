"""The values of the rows: functions of floats that give what IEEE 754 asks for, inf or nan, where
Python's raise.

They also keep their accuracy in the tails and add in a stated order. They know no calculus and
nothing of the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from math import inf, nan


def quiet(
    function: Callable[[float], float],
    *,
    even: bool = False,
    poles: Mapping[float, float] | None = None,
) -> Callable[[float], float]:
    """Python's libm function with IEEE results in place of its exceptions:
    nan, or inf with the sign of x unless `even`.
    """

    def primal(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return inf if even else math.copysign(inf, x)
        except ValueError:
            return poles.get(x, nan) if poles else nan

    return primal


def divide(x: float, y: float) -> float:
    """x / y, with the sign of a zero deciding that of an infinity."""
    try:
        return x / y
    except ZeroDivisionError:
        return nan if x == 0 or x != x else math.copysign(inf, x) * math.copysign(1.0, y)


def floor(x: float) -> float:
    """The largest whole number that is not above x; infinities and nan are their own,
    and −0 stays −0.
    """
    return float(math.floor(x)) if math.isfinite(x) and x else x


def remainder(x: float, y: float) -> float:
    """x - y·trunc(x / y), exactly: with the sign of x, as math.fmod;
    nan where x is infinite or y is 0.
    """
    try:
        return math.fmod(x, y)
    except ValueError:
        return nan


def modulo(x: float, y: float) -> float:
    """x - y·floor(x / y): with the sign of y, as Python's %; nan where x is infinite or y is 0."""
    r = remainder(x, y)
    if r == 0.0:
        return math.copysign(0.0, y) if y == y else nan
    return r + y if (r < 0.0) != (y < 0.0) else r


def power(x: float, y: float) -> float:
    """x to the power y, never a complex number."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -inf if x < 0 and y % 2 == 1 else inf
    except ValueError:  # 0 to a negative power, or a negative number to a fractional one
        if x != 0:
            return nan
        return math.copysign(inf, x) if y % 2 == 1 else inf


def hypot(x: float, y: float) -> float:
    """The square root of x² + y², as the C library has it;
    math.hypot has an algorithm of its own in each Python.
    """
    try:
        return abs(complex(x, y))
    except OverflowError:
        # for a nan, too, when an earlier function overflowed: Python up to 3.14 then reads its old
        # errno
        return inf if x == x and y == y else nan


def largest(*xs: float) -> float:
    """The largest of the numbers; a nan among them is the result."""
    if not xs:
        raise ValueError("there is no largest or smallest of nothing: give at least one operand")
    return next((x for x in xs if x != x), max(xs))


exp = quiet(math.exp)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))."""
    e = exp(-math.fabs(x))  # never overflows, so both tails keep their relative accuracy
    return 1.0 / (1.0 + e) if x >= 0 else e / (1.0 + e)


def sech2(x: float) -> float:
    """1 / cosh(x)²."""
    e = exp(-2.0 * math.fabs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


def add_up(*xs: float) -> float:
    """The sum from left to right."""
    total = 0.0
    for x in xs:  # not Python's sum(), which rounds differently from version to version
        total += x
    return total


def logsumexp(*xs: float) -> float:
    """log Σ exp(x), shifted by the largest, so that nothing overflows on the way."""
    m = largest(*xs)
    return m if math.isinf(m) or m != m else m + math.log(add_up(*(math.exp(x - m) for x in xs)))
