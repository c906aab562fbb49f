"""Rows that the reference does not know, held against differences of their float primal.

A float function has 16 digits only. Richardson's extrapolation makes about 11 good ones of them for
a slope, and says how many; that is the tolerance, other than everywhere else. Once its own
derivatives are found right, such a row enters the reference as the polynomial that they make, so
that all around it is still checked to the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement, pairwise, product
from typing import Any

from ..autodiff import hessian
from ..engine import Value, local_gradients
from ..ops import Primitive
from .differences import Expected, curves
from .failure import Failure
from .program import Numbers
from .reference import Oracle, arithmetic, tamed

EPSILON, CLOSE, WIDE = 2.0**-52, 2.0**-36, 0.2  # steps, for operands of size 1
KINK = "{} says that it has a kink at {!r}, so its derivative in operand {} was not checked"
UNTOLD = "differences of floats do not tell {} (testing.reference.ORACLES may hold the row)"
NOTHING, INDICES = 1e-200, 2.0**40  # as good as 0; numbers below may count something
# of Richardson's table: how many steps, and how much smaller each is than the last
LEVELS, SHRINK = 12, 1.6

FloatFunction = Callable[..., float]
Compared = tuple[str, float, Expected | None]  # a quantity, what a row gives, what differences do


def custom_failure(
    row: Primitive, operands: Numbers, order: int, notes: list[str]
) -> Failure | None:
    """The first derivative of a row at a point that differences of its primal contradict.

    `notes` gather what is open. At a kink that the row names, nothing is compared. A slope that is
    None says that the row has no derivative in that operand, which is so where the primal is
    constant in pieces, or has no value in between, as in an index; where it changes smoothly, None
    is held to be 0.
    """
    out = row.primal(*operands)
    if not math.isfinite(out):
        notes.append(f"{row.name} is not finite here, so its derivatives were not checked")
        return None
    checked = [k for k in range(len(operands)) if not _is_left_out(row, operands, k, notes)]
    f = _alone(row.primal, operands, checked)
    slopes, bends = _derivatives(row, operands, order)
    first: list[Compared] = []
    for k in checked:
        quantity = f"d {row.name}/d operand {k + 1}"
        expected = slope_of_floats(f, operands, k, _reach(row, operands, k))
        first.append((quantity, slopes[k], expected))
    second: list[Compared] = []
    for j, k in combinations_with_replacement(checked, 2) if order > 1 else ():
        quantity = f"d² {row.name}/d operand {j + 1} d operand {k + 1}"
        expected = bend_of_floats(f, operands, j, k, _reach(row, operands, j, k))
        second.append((quantity, bends[j][k], expected))
    size = max(map(abs, operands)) or 1.0
    scale = abs(out)  # what counts as next to nothing
    for found in (first, second):
        numbers = [expected.number for _, _, expected in found if expected]
        sizes = [abs(number) for number in numbers if math.isfinite(number)]
        scale = max([scale / size, *sizes])
        for quantity, got, expected in found:
            if expected is None or not _is_told(expected, scale):
                notes.append(UNTOLD.format(quantity))
            elif not abs(got - expected.number) <= expected.noise:
                check = "the row's partials against Richardson's differences of its float primal"
                return Failure(quantity, check, got, expected.number, expected.noise)
    return None


def _is_told(expected: Expected, scale: float) -> bool:
    """Whether differences tell a derivative, for derivatives of that size."""
    if not math.isfinite(expected.number) or not math.isfinite(expected.noise):
        return False
    return not expected.noise > 1e-2 * scale > 0.0


def _is_left_out(row: Primitive, operands: Numbers, k: int, notes: list[str]) -> bool:
    """Whether there is nothing to compare in an operand: at a kink, or where none is claimed."""
    between = operands[k] not in row.kinks_of(k) and row.distance_from_kinks(operands) > 0.0
    if row.is_kink(operands) and not between:
        notes.append(KINK.format(row.name, operands[k], k + 1))
        return True
    out = row.primal(*operands)
    slopes = row.slopes(out, *operands)
    if slopes[k] is not None:
        return False
    f = _alone(row.primal, operands, [k])
    return not any(_changes_smoothly(f, operands, k, side) for side in (1.0, -1.0))


def _changes_smoothly(f: FloatFunction, point: Numbers, k: int, side: float) -> bool:
    """Whether a function changes less for a shorter step; it jumps or stands still if not."""

    def change(h: float) -> float:
        return abs(_after(f, point, {k: side * h}) - f(*point))

    size = abs(point[k])
    step = 1e-3 * (size if size > INDICES or NOTHING < size < 1.0 else 1.0)
    return change(1e-3 * step) < 0.5 * change(step)  # never so for nan


def _reach(row: Primitive, operands: Numbers, *places: int) -> float:
    """How far differences may reach, in sizes of the operands, before a kink or a domain's end."""
    reach = WIDE
    sizes = {k: abs(operands[k]) or 1.0 for k in places}
    for k in places:
        x = operands[k]
        ends = [*row.kinks_of(k), *row.interval(k)]
        halves = [0.5 * abs(x - end) / sizes[k] for end in ends if end != x]
        reach = min([reach, *halves])
    signs = product((1.0, -1.0), repeat=len(sizes))
    corners = [dict(zip(sizes, corner)) for corner in signs]

    def crosses(kink: Callable[..., Any]) -> bool:
        here = kink(*operands)
        for corner in corners:
            moves = {k: reach * (sign * sizes[k]) for k, sign in corner.items()}
            if here * _after(kink, operands, moves) < 0.0:
                return True
        return False

    while reach > EPSILON and any(map(crosses, curves(row))):
        reach *= 0.5
    return reach


def _alone(primal: FloatFunction, point: Numbers, moving: Sequence[int]) -> FloatFunction:
    """The same function with its other operands held fast, and nan where it raises."""

    def f(*operands: float) -> float:
        mixed = [x if k in moving else point[k] for k, x in enumerate(operands)]
        return tamed(primal, mixed)

    return f


def taylor(row: Primitive, operands: Numbers, order: int) -> Oracle:
    """The row near a point, as the polynomial of its own derivatives, in the reference."""
    mp = arithmetic()
    out = mp.mpf(row.primal(*operands))
    slopes, bends = _derivatives(row, operands, order)

    def model(*xs: Any) -> Any:
        moved = [x - o for x, o in zip(xs, operands)]
        terms = [out]
        terms += [slope * d for slope, d in zip(slopes, moved)]
        for d, line in zip(moved, bends):
            terms += [bend * d * e / 2 for e, bend in zip(moved, line)]
        return mp.fsum(terms)

    return model


def _derivatives(
    row: Primitive, operands: Numbers, order: int
) -> tuple[list[float], list[list[float]]]:
    gate = row(*map(Value, operands))
    slopes = [partial or 0.0 for partial in local_gradients(gate)]
    if order == 1:
        return slopes, []
    return slopes, hessian(row, range(len(operands)))(*operands)


def slope_of_floats(
    f: FloatFunction, point: Numbers, k: int, reach: float = WIDE
) -> Expected | None:
    """The derivative of a float function in one operand; None at a kink, or with no value near."""
    noise = _noise(f, point)

    def jump(h: float) -> float:
        """How far the quotients to the right and to the left are apart, beyond rounding."""
        if not h:
            return math.nan
        right = _after(f, point, {k: h}) - f(*point)
        left = f(*point) - _after(f, point, {k: -h})
        apart = abs(right - left) - 10.0 * noise
        return max(apart - 1e-6 * (abs(right) + abs(left)), 0.0) / h

    size = abs(point[k]) or 1.0
    close = min(1e-3, reach) * size
    if not jump(1e-2 * close) <= 0.5 * jump(close):  # at a kink they keep their distance
        return None

    def difference(h: float) -> float:
        return _after(f, point, {k: h}) - _after(f, point, {k: -h})

    return _limit(difference, 2.0, reach * size, 1, noise)


def bend_of_floats(
    f: FloatFunction, point: Numbers, j: int, k: int, reach: float = WIDE
) -> Expected:
    """The second derivative of a float function in two operands."""
    a = abs(point[j]) or 1.0
    b = abs(point[k]) or 1.0
    noise = 4 * _noise(f, point)

    def straight(h: float) -> float:
        return _after(f, point, {k: h}) - 2 * f(*point) + _after(f, point, {k: -h})

    def across(h: float) -> float:
        signs = product((1, -1), repeat=2)
        terms = [s * t * _after(f, point, {j: s * h * a, k: t * h * b}) for s, t in signs]
        return math.fsum(terms)

    if j == k:
        return _limit(straight, 1.0, reach * a, 2, noise)
    return _limit(across, 4.0 * a * b, reach, 2, noise)


def _limit(
    difference: FloatFunction, divisor: float, h: float, power: int, noise: float
) -> Expected:
    """The limit of difference(h) / (divisor h**power), even in h, as h goes to 0, and its noise.

    By Richardson's extrapolation (C. J. F. Ridders, 1982).
    """
    best, error = math.nan, math.inf
    above: list[float] = []
    for level in range(LEVELS):
        close = h / SHRINK**level
        step = divisor * math.prod([close] * power)
        if not 0.0 < step < math.inf:
            continue  # no step among floats is so large, or so small
        row = [difference(close) / step]
        for i, coarser in enumerate(above):
            factor = SHRINK ** (2 * i + 2)
            finer = row[i]
            limit = (finer * factor - coarser) / (factor - 1.0)
            row.append(limit)
            doubt = max(abs(limit - finer), abs(limit - coarser)) + noise / step
            if doubt <= error:
                best, error = limit, doubt
        above = row
    # two extrapolations may agree by luck
    return Expected(best, 100.0 * error + 1e-13 * abs(best))


def _noise(f: FloatFunction, point: Numbers) -> float:
    """How far rounding makes a float function jitter: fourth differences of close neighbours.

    See J. J. Moré and S. M. Wild, Estimating computational noise, 2011. A smooth function has next
    to none so close by. Numbers of the size of the operands are taken to occur on the way.
    """

    def neighbour(i: int) -> float:
        step = i * i * CLOSE  # in even steps rounding may be even too
        return f(*[x + step * (abs(x) or 1.0) for x in point])

    row = [neighbour(i) for i in range(24)]
    sizes = [EPSILON * abs(x) for x in (*point, *row)]
    for _ in range(4):
        row = [after - before for before, after in pairwise(row)]
    return 2.0 * max([*sizes, *map(abs, row)])


def _after(f: FloatFunction, point: Numbers, moves: Mapping[int, float]) -> float:
    """What a function gives at a point that has moved in some of its operands."""
    moved = [x + moves.get(i, 0.0) for i, x in enumerate(point)]
    return f(*moved)
