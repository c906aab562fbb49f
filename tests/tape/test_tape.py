"""Tapes against the engine: on any graph at any numbers, value and gradients have the bits of
building it anew.

The oracle is one backward pass on fresh Values, for each point; whatever runs a tape must give its
bits: nans in the same places, zeros with their signs. The order in which rows are summed is spelled
out once more, in plain Python.
"""

import math
import random
import time
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from programs import programs
from rows import ROWS
from tapes import (
    EXECUTORS,
    INPUTS,
    any_point,
    any_program,
    bits,
    eager,
    evaluate,
    reading_data,
    replayed,
    run_source,
    same_bits,
    written,
)

from micrograd_plus import Tape, Value, ops, record, value_and_grad
from micrograd_plus.testing import graphs, strategies, tapes

inf, nan = math.inf, math.nan
NUMBERS = st.floats() | st.sampled_from((0.0, -0.0, 1.0, -1.0, 0.5, 2.0, inf, -inf, nan))
POINTS = st.lists(st.tuples(*[NUMBERS] * INPUTS), min_size=1, max_size=4)


def tape_of(f, numbers, parameters=()):
    """The tape of a graph that stands: `f` on leaves, with no check."""
    leaves = [Value(x) for x in numbers]
    return Tape.of(f(*leaves), leaves, parameters)


# Any graph, any numbers. --------------------------------------------------------------------------
@given(programs([row.name for row in ROWS], INPUTS + 2), st.tuples(NUMBERS, NUMBERS), POINTS)
def test_replay_and_source_have_the_bits_of_the_engine(program, constants, rows):
    def f(*xs):
        return evaluate(program, [*xs, *constants])

    tape = tape_of(f, rows[0])
    recorded = record(f, *rows[-1], check=False)
    for row in rows:
        expected = bits(eager(f, row))
        assert bits(replayed(tape, row)) == expected
        assert bits(replayed(recorded, row)) == expected
        assert bits(run_source(tape, row)) == expected


@given(programs([row.name for row in ROWS], INPUTS), POINTS, NUMBERS)
def test_parameters_are_read_live_and_have_a_gradient_too(program, rows, edited):
    w = Value(2.0, label="w")

    def f(x, y):
        return evaluate(program, [x, y, w])

    tape = tape_of(f, rows[0][:2], [w])
    for number in (2.0, edited):
        w.data = number
        for x, y, _ in rows:
            expected = bits(eager(f, (x, y), [w]))
            assert bits(replayed(tape, (x, y))) == expected
            assert bits(run_source(tape, (x, y), [number])) == expected


@given(graphs())
def test_a_graph_at_its_own_point(program):
    tape = tape_of(program.run, program.inputs)
    expected = bits(eager(program.run, program.inputs))
    for executor in EXECUTORS:
        with reading_data():
            assert bits(replayed(tape, program.inputs, executor)) == expected


@given(tapes(), st.lists(NUMBERS, min_size=6, max_size=6))
def test_drawn_tapes_run_alike_on_every_row(tape, numbers):
    row, shared = numbers[: tape.program.inputs], numbers[4 : 4 + tape.program.parameters]
    with reading_data():
        found = {executor: tape.sum_and_grad([row], shared, executor) for executor in EXECUTORS}
    assert bits([found["python"][0], *found["python"][1]]) == bits(
        [found["machine"][0], *found["machine"][1]]
    )


def test_hypothesis_draws_tapes_where_a_tape_is_asked_for():
    strategies.register()
    settled = settings(database=None, derandomize=True, phases=[Phase.generate, Phase.shrink])
    smallest = find(st.from_type(Tape), lambda tape: True, settings=settled)
    assert (len(smallest), smallest.gradient, smallest.parameters) == (1, True, [])
    used = find(
        tapes(3, operations=["mul", ops.sin]),
        lambda tape: tape.program.parameters == 2,
        settings=settled,
    )
    assert {row.name for row in used.program.rows()} <= {"mul", "sin", "cos"}
    with pytest.raises(ValueError, match="graphs needs names of rows"):
        tapes(operations=["nonsense"])


def batch(rng, size):
    """A list of programs, and the function that gives for each its value and gradient."""
    chosen = [any_program(rng) for _ in range(size)]
    functions = [partial(lambda program, *xs: evaluate(program, xs), program) for program in chosen]

    def f(*xs):
        return [value_and_grad(g, range(INPUTS))(*xs) for g in functions]

    return chosen, functions, record(f, *any_point(rng), check=False)


def differences(rng, size, rows, way):
    """Where the machine differs from the engine, on many graphs in one tape."""
    chosen, functions, tape = batch(rng, size)
    points = [any_point(rng) for _ in range(rows)]
    with reading_data() if way == "data" else nullcontext():
        found = tape.values(np.array(points), executor="python" if way == "python" else "machine")
    expected = [[x for g in functions for x in eager(g, point)] for point in points]
    wrong = np.argwhere(~same_bits(found, expected))
    return [
        f"at {points[i]}: {found[i, k]}, not {expected[i][k]}\n{written(chosen[k // (1 + INPUTS)])}"
        for i, k in wrong
    ]


@pytest.mark.parametrize(
    ("way", "graphs_in_one", "tapes"), [("python", 40, 5), ("machine", 4, 10), ("data", 100, 4)]
)
@pytest.mark.parametrize("rows", [1, 17, 100])
def test_many_graphs_in_one_tape_have_the_bits_of_the_engine(way, graphs_in_one, tapes, rows):
    for seed in range(tapes):
        assert not differences(random.Random(seed), graphs_in_one, rows, way)[:1]


@pytest.mark.slow
def test_ten_thousand_random_graphs():
    """Each at one row, at a block of rows with a tail, and at a hundred;
    one in ten in machine code of its own batch.
    """
    begin, count, evaluations = time.perf_counter(), 0, 0
    for seed in range(100):
        for way, size in (("data", 90), *[("machine", 2)] * 5):
            rng = random.Random(1000 + seed)
            for rows in (1, 17, 20):
                assert not differences(rng, size, rows, way)[:1]
                evaluations += size * rows
            count += size
    print(
        f"\n{count} random graphs at {evaluations} points have the bits of the engine: "
        f"{time.perf_counter() - begin:.0f} seconds"
    )
    assert count >= 10_000
