"""Rows that the reference does not know: their derivatives held against differences of their float primal.

A float function has 16 digits only. Richardson's extrapolation makes about 11 good ones of them for a slope, and says how
many; that is the tolerance, other than everywhere else. Once its own derivatives are found right, such a row enters the
reference as the polynomial that they make, so that all around it is still checked to the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import Any

from ..autodiff import hessian
from ..engine import Value, local_gradients
from ..ops import Primitive
from .differences import Expected
from .failure import Failure
from .reference import Oracle, arithmetic

EPSILON = 2.0**-52
LEVELS, SHRINK = 12, 1.6  # of Richardson's table: how many steps, and how much smaller each is than the last


def custom_failure(row: Primitive, operands: Sequence[float], order: int, notes: list[str]) -> Failure | None:
    """The first derivative of a row at a point that differences of its primal contradict; `notes` gather what is open."""
    slopes, bends = _derivatives(row, operands, order)
    n = range(len(operands))
    smooth = [k for k in n if operands[k] not in row.kinks]
    found = [(f"d {row.name}/d operand {k + 1}", slopes[k], slope_of_floats(row.primal, operands, k)) for k in smooth]
    for j, k in combinations_with_replacement(smooth, 2) if order > 1 else ():
        quantity = f"d² {row.name}/d operand {j + 1} d operand {k + 1}"
        found.append((quantity, bends[j][k], bend_of_floats(row.primal, operands, j, k)))
    for quantity, got, expected in found:
        if expected is None:
            notes.append(f"differences of floats do not tell {quantity}")
        elif not abs(got - expected.number) <= expected.noise:
            check = "the row's partials against Richardson's differences of its float primal"
            return Failure(quantity, check, got, expected.number, expected.noise)
    return None


def taylor(row: Primitive, operands: Sequence[float], order: int) -> Oracle:
    """The row near a point, as the polynomial that its own derivatives make, on numbers of the reference."""
    mp = arithmetic()
    out = mp.mpf(row.primal(*operands))
    slopes, bends = _derivatives(row, operands, order)

    def model(*xs: Any) -> Any:
        moved = [x - o for x, o in zip(xs, operands)]
        terms = [slope * d for slope, d in zip(slopes, moved)]
        terms += [bend * d * e / 2 for d, line in zip(moved, bends) for e, bend in zip(moved, line)]
        return mp.fsum([out, *terms])
    return model


def _derivatives(row: Primitive, operands: Sequence[float], order: int) -> tuple[list[float], list[list[float]]]:
    gate = row(*map(Value, operands))
    slopes = [partial or 0.0 for partial in local_gradients(gate)]
    return slopes, hessian(row, range(len(operands)))(*operands) if order > 1 else []


def slope_of_floats(f: Callable[..., float], point: Sequence[float], k: int) -> Expected | None:
    """The derivative of a float function in one operand; None where it has a kink, or floats leave it open."""
    def right_and_left(h: float) -> tuple[float, float]:
        here = f(*point)
        return (f(*_moved(point, {k: h})) - here) / h, (here - f(*_moved(point, {k: -h}))) / h

    size = abs(point[k]) or 1.0
    jumps = [abs(right - left) / (abs(right) + abs(left) or 1.0) for right, left in (
             right_and_left(size * h) for h in (1e-3, 1e-4, 1e-5))]
    if jumps[2] > 1e-6 and jumps[2] > 0.5 * jumps[0]:  # at a kink the quotients keep their distance
        return None
    return richardson(lambda h: (f(*_moved(point, {k: h})) - f(*_moved(point, {k: -h}))) / (2 * h), 0.2 * size,
                      lambda h: EPSILON * abs(f(*point)) / h)


def bend_of_floats(f: Callable[..., float], point: Sequence[float], j: int, k: int) -> Expected | None:
    """The second derivative of a float function in two operands; None where floats leave it open."""
    if j == k:
        return richardson(lambda h: (f(*_moved(point, {k: h})) - 2 * f(*point) + f(*_moved(point, {k: -h}))) / (h * h),
                          0.2 * (abs(point[k]) or 1.0), lambda h: 4 * EPSILON * abs(f(*point)) / (h * h))
    a, b = (abs(point[i]) or 1.0 for i in (j, k))
    return richardson(lambda h: math.fsum([s * t * f(*_moved(point, {j: s * h * a, k: t * h * b})) for s in (1, -1)
                                           for t in (1, -1)]) / (4 * h * h * a * b), 0.2,
                      lambda h: EPSILON * abs(f(*point)) / (h * h * a * b))


def richardson(quotient: Callable[[float], float], h: float, rounding: Callable[[float], float]) -> Expected | None:
    """The limit of an even quotient as h goes to 0 (C. J. F. Ridders, 1982), and its error; None where it has none.

    `rounding` tells how far the rounding of its function may carry the quotient off.
    """
    best, error = math.nan, math.inf
    above: list[float] = []
    for level in range(LEVELS):
        row = [quotient(h / SHRINK**level)]
        for i, coarser in enumerate(above):
            factor = SHRINK ** (2 * i + 2)
            row.append((row[i] * factor - coarser) / (factor - 1.0))
            doubt = max(abs(row[-1] - row[i]), abs(row[-1] - coarser)) + rounding(h / SHRINK**level)
            if doubt <= error:
                best, error = row[-1], doubt
        above = row
    trusted = error <= 1e-4 * max(abs(best), 1e-8 / h)
    return Expected(best, 10.0 * error + 1e-13 * abs(best)) if trusted else None


def _moved(point: Sequence[float], moves: Mapping[int, float]) -> list[float]:
    return [x + moves.get(i, 0.0) for i, x in enumerate(point)]
