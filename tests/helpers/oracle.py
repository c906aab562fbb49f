"""The independent reference: every row as a function of mpmath, with 1500 digits, and the points
where to compare.

A slope is a central difference with a step of 1e-400, whose own error lies beyond the digits that
matter; no formula of the package, and no derivative worked out by hand, enters it.
"""

import itertools
import math
import random
from functools import partial

from mpmath import mp, mpf

from micrograd_plus.ops import primitives

inf = math.inf
STEP = mpf("1e-400")
SMALLEST_NORMAL, LARGEST = 2.0**-1022, math.nextafter(math.inf, 0.0)


ORACLES = {row.name: partial(row.oracle, mp) for row in primitives()}

MAGNITUDES = (
    1e-300,
    1e-150,
    1e-16,
    1e-8,
    1e-3,
    0.1,
    0.5,
    1.0,
    1.5,
    2.0,
    3.25,
    5.3,
    10.0,
    26.1,
    30.0,
    36.5,
    100.0,
    700.0,
    720.0,
    745.5,
    1e5,
    1e8,
    1e16,
    1e150,
    1e300,
)
FEW_MAGNITUDES = (1e-300, 1e-150, 1e-8, 0.1, 1.0, 1.5, 30.0, 700.0, 1e8, 1e150, 1e300)


def row_domain(row, position):
    """The open interval of one operand; a row may give one interval for all of them."""
    return row.interval(position)


def points_inside(row, position, magnitudes):
    low, high = row_domain(row, position)
    ends = [
        low + SMALLEST_NORMAL,
        math.nextafter(low, inf),
        low + 1e-9,
        high - 1e-9,
        math.nextafter(high, -inf),
    ]
    points = {*magnitudes, *(-m for m in magnitudes), *ends}
    normal = {x for x in points if SMALLEST_NORMAL <= abs(x) < LARGEST or x == 0.0}
    return sorted(x for x in normal if low < x < high)


def smooth_points(row):
    """Operands inside the domain of a row: the grid of its magnitudes and some random ones,
    the same on every run.
    """
    if row.arity is None:
        return row.samples
    magnitudes = {1: (0.0, *MAGNITUDES), 2: (0.0, *FEW_MAGNITUDES), 3: (0.0, *FEW_MAGNITUDES[::3])}[
        row.arity
    ]
    grid = itertools.product(*(points_inside(row, i, magnitudes) for i in range(row.arity)))
    return [
        operands
        for operands in (*grid, *row.samples, *random_points(row))
        if not row.is_kink(operands)
    ]


def random_points(row, count=20):
    rng = random.Random(row.name)
    spans = [
        (max(low, -10.0), min(high, 10.0))
        for low, high in map(partial(row_domain, row), range(row.arity or 3))
    ]
    return [
        tuple(
            float(rng.randrange(len(spans) - 1))
            if row.role(place) == "index"
            else rng.uniform(*span)
            for place, span in enumerate(spans)
        )
        for _ in range(count)
    ]


def true_slope(function, operands, position):
    """The derivative of a function of mpmath numbers, by a central difference with 1500 digits."""
    operands = [mpf(x) for x in operands]
    step = STEP * min(1, abs(operands[position]) or 1)
    above, below = (
        [*operands[:position], operands[position] + d, *operands[position + 1 :]]
        for d in (step, -step)
    )
    return (function(*above) - function(*below)) / (2 * step)


def is_close(got, true, bound):
    """Whether a float is the rounding of a true number within a relative bound,
    to inf beyond the range of floats.
    """
    if abs(true) > LARGEST:
        return got == (inf if true > 0 else -inf)
    return math.isfinite(got) and abs(mpf(got) - true) <= max(bound * abs(true), SMALLEST_NORMAL)
