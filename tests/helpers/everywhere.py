"""Random programs run in every way there is: the engine, the executors, a tape's text, C, and what
a browser has; to the last bit where all calculate with the same functions.
"""

import random
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
import recordings
from browser_arithmetic import NODE, ulps
from c_programs import CC, InC, compiled
from tapes import (
    EXECUTORS,
    ROUTED,
    any_number,
    any_point,
    any_program,
    eager,
    evaluate,
    run_source,
    same_bits,
)
from wasm_programs import LANGUAGES
from wasm_programs import ran as ran_in_node

from micrograd_plus import Tape, Value
from micrograd_plus.tape.executors.python import Replay, sum_of_chunk
from micrograd_plus.tape.lowering import INSTRUCTIONS, lowered, operation

EXACT = {*INSTRUCTIONS, "floor", "fmod"}  # what IEEE 754 fixes to the last bit
MOST_ULPS = 4  # of a browser's function


class Case(NamedTuple):
    """A function of parameters and inputs, its tape, points and the numbers of the parameters."""

    f: Callable[..., Value]
    tape: Tape
    points: np.ndarray
    shared: np.ndarray


def wild(seed, rows=None):
    """Rows of all kinds on numbers of all kinds, inf and nan among them."""
    rng = random.Random(seed)
    rows = rows or rng.choice((recordings.ROWS, ROUTED))
    program = any_program(rng, rows=rows)
    start, count = any_point(rng), rng.choice((1, 3, 18))
    numbers = [any_point(rng) for _ in range(count)]
    return _case(lambda *leaves: evaluate(program, leaves), start, numbers, rng)


def tame(seed):
    """Gates inside their domains and away from kinks; None where nothing came of the seed."""
    program, rng = recordings.drawn(seed), random.Random(seed)
    if not program.instructions:
        return None
    nearby = [[x + rng.uniform(-1e-3, 1e-3) for x in program.inputs] for _ in range(2)]
    special = [any_number(rng) for _ in program.inputs]
    return _case(program.run, program.inputs, [[*program.inputs], *nearby, special], rng)


def _case(f, start, numbers, rng):
    leaves, shared = [Value(x) for x in start], rng.randint(0, min(2, len(start) - 1))
    tape = Tape.of(f(*leaves), leaves[shared:], leaves[:shared])
    points = np.array([point[shared:] for point in numbers]).reshape(len(numbers), -1)
    return Case(f, tape, points, np.array(start[:shared]))


def run(folder, cases):
    """Assert that all ways agree on all cases; how many ulps the worst function of the browser was
    off.
    """
    wanted = [reference(case) for case in cases]
    for case, (values, gradients, _) in zip(cases, wanted):
        assert_eager(case, np.hstack([values, gradients]))
        assert_replayed(case, values, gradients)
    if CC:
        codes = [case.tape.to_c(f"tape_{i}") for i, case in enumerate(cases)]
        library = compiled(folder, codes)
        for case, code, (values, gradients, total) in zip(cases, codes, wanted):
            in_c = InC(library, code, case.tape)
            assert same_bits(in_c.values(case.points, case.shared), values).all()
            found = in_c.gradients(case.points, case.shared)
            assert same_bits(found, np.hstack([values, gradients])).all()
            assert same_bits(in_c.sums(case.points, case.shared), total).all()
    return run_in_a_browser(folder, cases, wanted) if NODE else 0.0


def reference(case):
    """The values, the gradients and the sums that the executor in Python gives."""
    tape, points, shared = case.tape, case.points, case.shared
    given = Replay(tape.program).values(points, shared)
    total, gradient = tape.sum_and_grad(points, shared, executor="python")
    return given[:, :1], given[:, 1:], np.array([total, *gradient])


def assert_eager(case, wanted):
    """The engine, point by point; and the tape's text."""
    count = len(case.shared)
    for point, numbers in zip(case.points.tolist(), wanted):
        value, *gradient = eager(case.f, [*case.shared.tolist(), *point])
        assert same_bits([value, *gradient[count:], *gradient[:count]], numbers).all()
        assert same_bits(run_source(case.tape, point, case.shared.tolist()), numbers).all()


def assert_replayed(case, values, gradients):
    tape, given = case.tape, (case.points, case.shared)
    for executor in EXECUTORS:
        found = tape.values(*given, executor=executor)
        assert same_bits(found, values[:, 0]).all(), executor
        parts = [
            tape.gradients(*given, of=of, executor=executor) for of in ("inputs", "parameters")
        ]
        assert same_bits(np.hstack(parts), gradients).all(), executor
        total, gradient = tape.sum_and_grad(*given, executor=executor)
        assert same_bits([total, *gradient], reference(case)[2]).all(), executor


def run_in_a_browser(folder, cases, wanted):
    """All ways of a browser have the same bits, and where its functions play no part, Python's;
    where they do, each by itself is at most so many ulps from Python's.
    """
    made = [(case.tape, case.points, case.shared) for case in cases]
    results = ran_in_node(folder, made, more=lambda tape: {"registers": whole(tape)})
    worst = 0.0
    for case, found, of_python in zip(cases, results, wanted):
        program = whole(case.tape)
        registers = found["registers"][LANGUAGES[0]].reshape(len(case.points), -1)
        off = largest_difference(program, registers)
        assert off <= MOST_ULPS, program.table
        worst = max(worst, off)
        is_exact = {operation(row) for row in program.table} <= EXACT
        values, gradients, total = of_python if is_exact else of_registers(case, registers)
        expected = {"values": values, "gradients": np.hstack([values, gradients]), "sum": total}
        for (name, numbers), language in product(expected.items(), LANGUAGES):
            assert same_bits(found[name][language], numbers.ravel()).all(), (name, language)
    return worst


def of_registers(case, registers):
    """The values, the gradients and the sums that a browser must give,
    when these are its registers.
    """
    program = case.tape.program
    given, count = registers[:, lowered(program).outputs], 1 + program.inputs
    return given[:, :1], given[:, 1:], sum_of_chunk(np.delete(given, range(1, count), axis=1))


def whole(tape):
    """The lowered program of a tape, with all its registers for outputs."""
    program = lowered(tape.program)
    return program.giving(range(program.size))


def largest_difference(program, registers):
    """By how many ulps the results of gates are off at most, given their operands."""
    worst, operands_of = 0.0, program.operands_of()
    for register, (row, operands) in enumerate(zip(program.rows(), operands_of), program.first):
        expected = np.array([row.primal(*numbers) for numbers in registers[:, operands].tolist()])
        found = registers[:, register]
        if operation(row) in EXACT:
            assert same_bits(found, expected).all(), row
        else:
            worst = max(worst, float(ulps(found, expected).max()))
    return worst
