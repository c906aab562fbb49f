"""Functions most of which cancels: what is left of them is rounding, which is no fault.

Each is a difference of equal things computed in different ways (the families), perhaps seen through
a function that magnifies what is left (the lenses), at a random point.

    python tests/helpers/cancelling.py 2000        # how many raise a false alarm, from seed 0
"""

import math
import random
import sys
import time
import warnings

from micrograd_plus import ops
from micrograd_plus.testing import GradientError, NotChecked, gradcheck


def shares(rng):
    """Parts of a number less the number."""
    n = rng.randint(2, 7)
    if rng.random() < 0.5:
        return lambda x, *_: sum([x / n for _ in range(n)]) - x
    weights = [rng.choice([0.1, 0.2, 0.3, 0.7, rng.uniform(-1, 1)]) for _ in range(n)]
    total = math.fsum(weights) if rng.random() < 0.5 else sum(weights)
    return lambda x, *_: sum([w * x for w in weights]) - total * x


def residuals(rng):
    """Numbers less their mean, or a variance in two ways."""

    def mean(xs):
        return ops.sum(xs) / len(xs)

    total = rng.choice([ops.sum, lambda xs: ops.dot([1.0] * len(xs), xs), lambda xs: sum(xs[::-1])])
    return rng.choice(
        [
            lambda *xs: total([x - mean(xs) for x in xs]),
            lambda *xs: (
                mean([(x - mean(xs)) ** 2 for x in xs])
                - (mean([x * x for x in xs]) - mean(xs) ** 2)
            ),
            lambda *xs: ops.sum(xs) - total(xs),
            lambda *xs: ops.dot(xs, xs) - ops.sum([x * x for x in xs]),
        ]
    )


def softmaxes(rng):
    """Softmax and log-sum-exp against what they are short for."""
    c = rng.choice([1.0, 10.0, rng.uniform(-5, 5)])

    def share(xs, i=0):
        return ops.exp(xs[i]) / ops.sum([ops.exp(x) for x in xs])

    return rng.choice(
        [
            lambda *xs: ops.softmax(xs)[0] - share(xs),
            lambda *xs: ops.sum(ops.softmax(xs)) - 1,
            lambda *xs: ops.logsumexp(*[x + c for x in xs]) - ops.logsumexp(*xs) - c,
            lambda *xs: ops.logsumexp(*xs) - ops.log(ops.sum([ops.exp(x) for x in xs])),
            lambda *xs: ops.log(ops.softmax(xs)[-1]) - (xs[-1] - ops.logsumexp(*xs)),
            lambda *xs: (
                ops.dot([share(xs, i) for i in range(len(xs))], [x - xs[0] for x in xs])
                - ops.dot(ops.softmax(xs), xs)
                + xs[0]
            ),
        ]
    )


def identities(rng):
    """What functions have in common."""
    c = rng.choice([3.0, 0.1, 7.0, rng.uniform(0.5, 2)])
    return rng.choice(
        [
            lambda x, y, *_: (x + y) ** 2 - x * x - 2 * x * y - y * y,
            lambda x, y, *_: (x - y) * (x + y) - (x * x - y * y),
            lambda x, *_: ops.sin(x) ** 2 + ops.cos(x) ** 2 - 1,
            lambda x, *_: ops.cosh(x) ** 2 - ops.sinh(x) ** 2 - 1,
            lambda x, *_: ops.exp(ops.log(abs(x))) - abs(x),
            lambda x, *_: ops.log(ops.exp(x)) - x,
            lambda x, *_: x**3 - x * x * x,
            lambda x, y, *_: x / y * y - x,
            lambda x, *_: x * c / c - x,
            lambda x, *_: ops.sqrt(x * x) - abs(x),
            lambda x, *_: ops.sqrt(abs(x)) ** 2 - abs(x),
            lambda x, y, *_: ops.log(x * x * y * y) - 2 * ops.log(abs(x)) - 2 * ops.log(abs(y)),
            lambda x, *_: ops.sigmoid(x) + ops.sigmoid(-x) - 1,
            lambda x, *_: ops.softplus(x) - ops.softplus(-x) - x,
            lambda x, *_: ops.erf(x) + ops.erfc(x) - 1,
            lambda x, *_: ops.tanh(x) - (2 * ops.sigmoid(2 * x) - 1),
            lambda x, *_: ops.tanh(x) - ops.sinh(x) / ops.cosh(x),
            lambda x, *_: ops.log1p(ops.expm1(x)) - x,
            lambda x, *_: ops.tan(ops.atan(x)) - x,
            lambda x, *_: ops.asinh(ops.sinh(x)) - x,
            lambda x, *_: ops.tan(x) - ops.sin(x) / ops.cos(x),
            lambda x, *_: ops.sin(2 * x) - 2 * ops.sin(x) * ops.cos(x),
            lambda x, y, *_: ops.sin(x + y) - ops.sin(x) * ops.cos(y) - ops.cos(x) * ops.sin(y),
            lambda x, y, *_: ops.exp(x + y) - ops.exp(x) * ops.exp(y),
            lambda x, *_: ops.exp2(x) - 2.0**x,
            lambda x, *_: ops.exp2(x) - ops.exp(x * math.log(2)),
            lambda x, *_: ops.cbrt(x) ** 3 - x,
            lambda x, *_: ops.log10(abs(x)) - ops.log(abs(x)) / math.log(10),
            lambda x, *_: ops.silu(x) - x * ops.sigmoid(x),
            lambda x, y, *_: ops.hypot(x, y) - ops.sqrt(x * x + y * y),
            lambda x, *_: ops.asin(x / 4) + ops.acos(x / 4) - 1.5,
            lambda x, y, *_: ops.hypot(x, y) ** 2 - x * x - y * y,
            lambda x, *_: ops.sech2(x) + ops.tanh(x) ** 2 - 1,
            lambda x, y, *_: ops.atan2(x, abs(y)) - ops.atan(x / abs(y)),
            lambda x, *_: ops.acosh(ops.cosh(x)) - abs(x),
            lambda x, *_: ops.atanh(ops.tanh(x)) - x,
            lambda x, y, *_: ops.maximum(x, y) + ops.minimum(x, y) - x - y,
            lambda x, y, *_: ops.log(ops.exp(x) + ops.exp(y)) - ops.logsumexp(x, y),
            lambda x, *_: x.relu() - (-x).relu() - x,
        ]
    )


def roots(rng):
    """A polynomial in its expanded form, near a root that it may have several times."""
    zeros = [rng.choice([1.0, 2.0, 0.5, rng.uniform(-2, 2)]) for _ in range(rng.randint(1, 4))]
    zeros += [zeros[0]] * rng.randint(0, 3)
    coefficients = [1.0]
    for zero in zeros:
        coefficients = [a - zero * b for a, b in zip([*coefficients, 0.0], [0.0, *coefficients])]
    off = rng.choice([0.0, 1e-15, 1e-9, -1e-6])

    def horner(x, *_):
        x, total = zeros[0] + off + 0.0 * x + x - x, 0.0
        for a in coefficients:
            total = total * x + a
        return total

    def powers(x, *_):
        x = zeros[0] + off + (x - x)
        return ops.sum([a * x ** (len(coefficients) - 1 - i) for i, a in enumerate(coefficients)])

    return rng.choice([horner, powers])


def offsets(rng):
    """A small number beside a large one that goes away again."""
    big = rng.choice([1e3, 1e8, 1e10, 1e15, 1e16]) * rng.choice([1.0, -1.0, 1 / 3])
    return rng.choice(
        [
            lambda x, *_: (x + big) - big - x,
            lambda x, *_: (x + big) ** 2 - 2 * big * x - big * big - x * x,
            lambda x, y, *_: ops.sum(x * big, y, -big * x) - y,
            lambda x, *_: (1 / big + x) - x,
            lambda x, *_: x * (1 + 1 / big) - x,
            lambda x, *_: ops.exp(x + math.log(abs(big))) / abs(big) - ops.exp(x),
        ]
    )


FAMILIES = [shares, residuals, softmaxes, identities, identities, identities, roots, offsets]


LENSES = [
    lambda d, x, c: d,
    lambda d, x, c: d * d,
    lambda d, x, c: d * x,
    lambda d, x, c: d * c,
    lambda d, x, c: d**3,
    lambda d, x, c: x**d,
    lambda d, x, c: (1 + d) ** x,
    lambda d, x, c: abs(d) ** 1.5,
    lambda d, x, c: 1 / (1 + d),
    lambda d, x, c: 1 / d,
    lambda d, x, c: x / d,
    lambda d, x, c: d / d,
    lambda d, x, c: abs(d),
    lambda d, x, c: ops.relu(d),
    lambda d, x, c: ops.hard_tanh(c * d),
    lambda d, x, c: ops.step(d) * x,
    lambda d, x, c: ops.maximum(d, 0.0),
    lambda d, x, c: ops.where(d > 0, x, d),
    lambda d, x, c: ops.sqrt(d),
    lambda d, x, c: ops.sqrt(abs(d)),
    lambda d, x, c: ops.sqrt(d * d + 1e-30),
    lambda d, x, c: ops.cbrt(d),
    lambda d, x, c: ops.hypot(d, x),
    lambda d, x, c: ops.hypot(d, d),
    lambda d, x, c: ops.exp(d),
    lambda d, x, c: ops.exp(d) - 1,
    lambda d, x, c: ops.exp(-c * d * d),
    lambda d, x, c: ops.log(d),
    lambda d, x, c: ops.log(abs(d)),
    lambda d, x, c: ops.log1p(d),
    lambda d, x, c: ops.logsumexp(c * d, x),
    lambda d, x, c: ops.softplus(c * d),
    lambda d, x, c: ops.sigmoid(c * d) * x,
    lambda d, x, c: ops.tanh(c * d),
    lambda d, x, c: ops.sin(c * d),
    lambda d, x, c: ops.erf(c * d),
    lambda d, x, c: ops.asin(1 - d * d),
    lambda d, x, c: ops.acosh(1 + d * d),
    lambda d, x, c: ops.atan2(d, x),
    lambda d, x, c: ops.atan2(x, d),
]
GAINS = (1e3, 1e8, 1e16, -1e12, 0.3)


def cancelling(seed):
    """A function that cancels, and a point; the same ones for the same seed."""
    rng = random.Random(seed)
    part, other = (rng.choice(FAMILIES)(rng) for _ in range(2))
    see, gain, more = (
        rng.choice(LENSES if rng.random() < 0.8 else LENSES[:1]),
        rng.choice(GAINS),
        rng.random(),
    )
    near = [1.0, 2.0, 3.0, 0.1, 1 / 3]
    point = [
        rng.choice([*near, rng.uniform(-3, 3), rng.uniform(-3, 3)])
        for _ in range(rng.choice([2, 2, 2, 3, 4, 12]))
    ]

    def f(*xs):
        d = see(part(*xs), xs[-1], gain)
        if more < 0.15:
            return d + other(*xs)
        return d * xs[0] - xs[1] * 0.1 if more < 0.3 else [d, other(*xs)] if more < 0.4 else d

    return f, point


def false_alarms(seeds, order=2):
    """The errors that functions raise, by seed, and how many functions were compared in part."""
    wrong, in_part = {}, 0
    for seed in seeds:
        f, point = cancelling(seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                gradcheck(f, *point, order=order)
            except GradientError as error:
                wrong[seed] = error
        in_part += any(issubclass(w.category, NotChecked) for w in caught)
    return wrong, in_part


if __name__ == "__main__":
    start, count, first = time.perf_counter(), int(sys.argv[1]), int([*sys.argv, 0][2])
    wrong, in_part = false_alarms(range(first, first + count))
    for seed, error in wrong.items():
        print(seed, error.failure)
    print(
        f"{len(wrong)} false alarms of {count}, {in_part} compared in part, "
        f"{time.perf_counter() - start:.0f} s"
    )
