"""First and second derivatives of every row, in every composition of the two sweeps, against mpmath
at 50 digits.

`python tests/helpers/orders.py` prints the worst error of each row in units in the last place
(ulps): the distance from the true number, divided by the spacing of floats there. Truth is a
difference quotient of the reference in `oracle.py`, whose step of 1e-40 and 450 digits leave at
least fifty right ones; no derivative worked out by hand enters it.

Where a second derivative crosses zero near the point (its sign differs where one operand is a
quarter larger or smaller), any formula must subtract what nearly cancels, so its size at that
distance is the measure there.
"""

import itertools
import math

from mpmath import mp, mpf
from oracle import LARGEST, ORACLES, SMALLEST_NORMAL, random_points, row_domain
from rows import DIFFERENTIABLE

from micrograd_plus.autodiff import grad, jvp

DIGITS = 450
STEP = mpf("1e-40")
# what a difference quotient may give for a true 0: no float is as small
NOTHING = mpf("1e-400")
NEARBY = mpf(1) / 4

# Moderate tails: far beyond where 1 + exp(-x) rounds to 1, not yet where intermediate powers leave
# the range of floats.
MAGNITUDES = (
    1e-8,
    1e-3,
    0.1,
    0.5,
    1.0,
    1.5,
    2.0,
    2.4,
    3.25,
    5.3,
    10.0,
    20.0,
    26.1,
    36.5,
    100.0,
    300.0,
    1e4,
)
FEW_MAGNITUDES = (1e-8, 0.1, 1.0, 1.5, 20.0, 1e4)
OF_MANY = (
    (2.0,),
    (0.5, 2.0, 30.0),
    (-30.0, 0.1, 2.0),
    (0.0, 36.5, -1.0),
    (0.1, 3.0, -2.0, -0.25, 1.5),
    (70.0, -70.5, 72.0),
)


def reverse(f, i):
    return grad(f, i)


def forward(f, i):
    """The derivative in operand i only: the others are constants, so they have no tangent,
    not even one of 0.
    """
    return lambda *xs: jvp(lambda x: f(*xs[:i], x, *xs[i + 1 :]), (xs[i],), (1.0,))[1]


SWEEPS = {"reverse": reverse, "forward": forward}
COMPOSITIONS = list(itertools.product(SWEEPS, SWEEPS))  # (the outer sweep, the inner one)


def points(row):
    """Points where a row is smooth: a grid with tails, places near the ends of its domain,
    and random ones.
    """
    if row.arity is None:
        candidates = [*(row.samples if "index" in row.roles else OF_MANY), *random_points(row, 10)]
    else:
        sizes = {1: (0.0, *MAGNITUDES), 2: FEW_MAGNITUDES, 3: FEW_MAGNITUDES[::2]}[row.arity]
        candidates = itertools.product(*(_inside(row, i, sizes) for i in range(row.arity)))
        candidates = [*candidates, *random_points(row)]
    return [
        xs
        for xs in candidates
        if not row.is_kink(xs) and not (row.compares and len(set(xs)) < len(xs))
    ]


def _inside(row, position, sizes):
    low, high = row_domain(row, position)
    ends = [end for end in (low + 1e-8, low + 1e-3, high - 1e-3, high - 1e-8) if math.isfinite(end)]
    return sorted(x for x in {*sizes, *(-size for size in sizes), *ends} if low < x < high)


def true_first(function, xs, i):
    h = STEP * min(1, abs(xs[i]) or 1)
    return (function(*_moved(xs, (i, h))) - function(*_moved(xs, (i, -h)))) / (2 * h)


def true_second(function, xs, i, j):
    a, b = (STEP * min(1, abs(xs[k]) or 1) for k in (i, j))
    if i == j:
        return (
            function(*_moved(xs, (i, a))) - 2 * function(*xs) + function(*_moved(xs, (i, -a)))
        ) / (a * a)
    corners = [
        s * t * function(*_moved(xs, (i, s * a), (j, t * b))) for s in (1, -1) for t in (1, -1)
    ]
    return mp.fsum(corners) / (4 * a * b)


def _moved(xs, *moves):
    xs = list(xs)
    for i, distance in moves:
        xs[i] += distance
    return xs


def measure(row, derivative, xs):
    """The true derivative at a point, and the size in whose last place an error counts."""
    true = derivative(xs)
    moved = [(i, _moved(xs, (i, s * NEARBY * x))) for i, x in enumerate(xs) for s in (1, -1)]
    around = [
        derivative(at) for i, at in moved if row_domain(row, i)[0] < at[i] < row_domain(row, i)[1]
    ]
    crosses = any(other * true < 0 for other in around) or abs(true) < NOTHING < max(
        map(abs, around)
    )
    return true, max(map(abs, [true, *around])) if crosses else abs(true)


def ulps(got, true, size):
    """The error of a float in units in the last place of `size`;
    beyond the range of floats, inf is right.
    """
    if abs(true) > LARGEST:
        return 0.0 if got == math.copysign(math.inf, true) else math.inf
    if not math.isfinite(got):
        return math.inf
    return float(abs(mpf(got) - true) / math.ulp(max(float(size), SMALLEST_NORMAL)))


def errors(row):
    """(order, ulps, operands, positions, sweeps) for every point,
    derivative and composition of sweeps of a row.
    """
    oracle, arity = ORACLES[row.name], row.arity
    with mp.workdps(DIGITS):
        for operands in points(row):
            xs = [mpf(x) for x in operands]
            smooth = [i for i in range(arity or len(xs)) if row.role(i) == "number"]
            for i in smooth:
                true = true_first(oracle, xs, i)
                for name, sweep in SWEEPS.items():
                    yield (
                        1,
                        ulps(sweep(row, i)(*operands), true, abs(true)),
                        operands,
                        (i,),
                        (name,),
                    )
            for i, j in itertools.product(smooth, smooth):
                true, size = measure(row, lambda at, i=i, j=j: true_second(oracle, at, i, j), xs)
                for outer, inner in COMPOSITIONS:
                    got = SWEEPS[outer](SWEEPS[inner](row, i), j)(*operands)
                    yield 2, ulps(got, true, size), operands, (i, j), (outer, inner)


def worst(row):
    """The worst error of each order and sweep of a row: {(order, sweeps):
    (ulps, operands, positions)}.
    """
    found = {}
    for order, error, operands, positions, sweeps in errors(row):
        found[order, sweeps] = max(
            found.get((order, sweeps), (-1.0,)), (error, operands, positions)
        )
    return found


def main():
    columns = [(1, (s,)) for s in SWEEPS] + [(2, c) for c in COMPOSITIONS]
    print(
        f"{'row':12}"
        + "".join(f"{' of '.join(sweeps):>20}" for _, sweeps in columns)
        + "   worst at"
    )
    for row in DIFFERENTIABLE:
        found = worst(row)
        _, operands, positions = max(found.values())
        line = f"{row.name:12}" + "".join(f"{found[column][0]:20.2f}" for column in columns)
        print(f"{line}   {positions} of {operands}", flush=True)


if __name__ == "__main__":
    main()
