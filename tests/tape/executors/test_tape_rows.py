"""The table on tapes: each row has a code that never changes, and the bits of its primal,
in Python, in C and on the machine.
"""

import itertools
import math
import random
from contextlib import nullcontext
from functools import cache

import numpy as np
import pytest
from rows import DIFFERENTIABLE, ROWS, by_name
from tapes import EXECUTORS, SPECIAL, any_number, bits, eager, reading_data, replayed, same_bits

from micrograd_plus import Tape, Value, ops, record, value_and_grad

RANDOM_POINTS = 3000
# a machine compiles short programs, and reads long ones as data
WAYS = (*EXECUTORS, "data")


@by_name(ROWS)
def test_every_row_has_a_lowering(row):
    assert row.lowering is not None


def arities(row):
    return (row.arity,) if row.arity else [count for count in (1, 2, 3, 5) if row.takes(count)][:3]


def of_arity(arity):
    return [row for row in ROWS if arity in arities(row)]


@cache
def points(arity):
    """Special numbers in every combination, those of the rows among them,
    and random numbers of every magnitude.
    """
    own = {x for row in of_arity(arity) for x in [x for end in row.domain for x in end]}
    own |= {x for row in of_arity(arity) for place in range(arity) for x in row.kinks_of(place)} | {
        math.pi / 2
    }
    own |= {x for row in of_arity(arity) for operands, *_ in row.edges for x in operands}
    numbers = list(SPECIAL) + [x for x in sorted(own) if x not in SPECIAL and x == x]
    if arity == 1:
        numbers += [
            math.nextafter(x, way) for x in numbers if x == x for way in (math.inf, -math.inf)
        ]
    if arity > 2:
        numbers = list(SPECIAL)[: 21 if arity == 3 else 7]
    rng = random.Random(arity)
    combined = [list(point) for point in itertools.product(numbers, repeat=min(arity, 3))]
    combined = [point + [any_number(rng) for _ in range(arity - len(point))] for point in combined]
    return combined + [[any_number(rng) for _ in range(arity)] for _ in range(RANDOM_POINTS)]


def run(tape, rows, way):
    with reading_data() if way == "data" else nullcontext():
        return tape.values(np.array(rows), executor="machine" if way == "data" else way)


@cache
def results(arity, way):
    """All rows of an arity at all points, from one tape."""
    leaves = [Value(1.0) for _ in range(arity)]
    tape = Tape.of([row(*leaves) for row in of_arity(arity)], leaves)
    return run(tape, points(arity), way)


@by_name(ROWS)
@pytest.mark.parametrize("way", WAYS)
def test_a_tape_has_the_bits_of_the_primal(row, way):
    for arity in arities(row):
        found = results(arity, way)[:, of_arity(arity).index(row)]
        expected = [row.primal(*point) for point in points(arity)]
        wrong = np.flatnonzero(~same_bits(found, expected))
        assert not len(wrong), [
            (row.name, points(arity)[i], found[i], expected[i]) for i in wrong[:3]
        ]


@pytest.mark.parametrize("arity", [1, 2, 3])
def test_one_row_alone_has_the_bits_of_many(arity):
    """Machine code for one lane, and for sixteen of which some are idle,
    is other code than that for whole blocks.
    """
    leaves = [Value(1.0) for _ in range(arity)]
    tape = Tape.of([row(*leaves) for row in of_arity(arity)], leaves)
    chosen = random.Random(arity).sample(range(len(points(arity))), 300)
    rows, expected = np.array([points(arity)[i] for i in chosen]), results(arity, "machine")[chosen]
    for size in (1, 3, 17, 100):
        parts = [
            tape.values(rows[start : start + size], executor="machine")
            for start in range(0, len(rows), size)
        ]
        assert same_bits(np.vstack(parts), expected).all()
    assert [bits(tape(*row, executor="machine")) for row in rows.tolist()] == [
        bits(row) for row in expected
    ]


@cache
def slope_points(arity):
    return random.Random(arity).sample(points(arity), 500)


@cache
def slopes(arity, way):
    """The value and the slopes of every row at some of the points, from one tape."""
    rows = [row for row in DIFFERENTIABLE if row in of_arity(arity)]
    tape = record(
        lambda *xs: [value_and_grad(row, range(arity))(*xs) for row in rows],
        *[1.0] * arity,
        check=False,
    )
    return dict(zip(rows, np.split(run(tape, slope_points(arity), way), len(rows), axis=1)))


@by_name(DIFFERENTIABLE)
@pytest.mark.parametrize("way", WAYS)
def test_the_slopes_of_a_row_on_a_tape_have_the_bits_of_a_backward_pass(row, way):
    for arity in arities(row):
        leaves = [Value(1.0) for _ in range(arity)]
        tape = Tape.of(row(*leaves), leaves)
        for point, found in zip(slope_points(arity), slopes(arity, way)[row]):
            expected = bits(eager(row, point))
            assert bits(found) == expected, point
            assert way != "python" or bits(replayed(tape, point)) == expected, point


@pytest.mark.slow
def test_a_million_random_points():
    rng, checked = random.Random(1), 0
    for arity in (1, 2, 3):
        leaves = [Value(1.0) for _ in range(arity)]
        tape = Tape.of([row(*leaves) for row in of_arity(arity)], leaves)
        for _ in range(20):
            drawn = [[any_number(rng) for _ in range(arity)] for _ in range(1024)]
            expected = [[row.primal(*point) for row in of_arity(arity)] for point in drawn]
            assert same_bits(tape.values(np.array(drawn), executor="machine"), expected).all()
            checked += len(drawn) * len(of_arity(arity))
    print(f"\n{checked} results of rows at random points: the machine has the bits of Python")
    assert checked > 1_000_000


def test_hypot_of_a_nan_is_nan_though_another_function_overflowed_before():
    """Python up to 3.14 asks for an overflow where a nan goes in,
    and finds that of an earlier call.
    """
    assert ops.exp(-800.0) == 0.0
    assert math.isnan(ops.hypot(1.0, math.nan))
