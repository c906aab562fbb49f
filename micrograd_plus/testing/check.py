"""`gradcheck`: are the derivatives of a function what they should be, and if not, which gate is to blame?"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .. import modes, ops
from ..engine import Value
from ..trees import leaves_of, like
from .examine import Scalar, examine, recorded, rounding_bound, spread
from .failure import Failure, GradientError, NotChecked
from .program import Program
from .reference import arithmetic, evaluate

DEEPEST, MOST_PARTS = 4, 400  # of the search for the smallest part that is wrong
NUDGE = 1e-5
APART = ("f called again nearby, against its graph: {} moved, though no gradient knows. It was computed apart from the "
         "graph, by .data, float() or math, or is random")


def gradcheck(f: Callable[..., Any], *point: Any, order: int = 2) -> None:
    """Check the derivatives of `f`, a function that `grad` takes, at a point; silent when they are right.

    Forward and reverse mode, at order 2 in all four compositions, are compared with each other and with difference
    quotients of f in arithmetic of 160 digits, within what rounding can explain. A row that the reference does not know
    (a `custom` one) is held against differences of its float primal, with their own, larger, tolerance. At kinks, ties
    and numbers that are not finite only what is defined is compared, and a NotChecked warning says so. With several
    outputs a fixed combination of them is checked, and with more than 8 inputs 8 directions across them all.

    Raises GradientError where a derivative is wrong; ValueError for another order; ImportError without mpmath.

    >>> from micrograd_plus import ops
    >>> gradcheck(lambda x, y: ops.tanh(x * y) + x, 0.5, 2.0)
    """
    if order not in (1, 2):
        raise ValueError(f"gradcheck knows order 1 and 2, not {order!r}")
    leaves = leaves_of(point)
    if not leaves:
        raise ValueError("gradcheck needs a point: gradcheck(f, 0.5, 2.0) checks f at (0.5, 2.0)")
    numbers = [leaf.data if isinstance(leaf, Value) else leaf for leaf in leaves]
    labels = [leaf.label if isinstance(leaf, Value) else "" for leaf in leaves]
    names = [label or ("x" if len(leaves) == 1 else f"x{i}") for i, label in enumerate(labels, 1)]

    def scalar(*inputs: Any) -> Any:
        outputs = leaves_of(f(*like(point, inputs)))
        return outputs[0] if len(outputs) == 1 else ops.dot(spread(len(outputs)), outputs)

    with modes.switched(recording=True, anomaly=False):
        failure, notes = examine(scalar, numbers, names, order)
        if failure is None:
            program = recorded(scalar, numbers, names)
            failure = _graph_failure(scalar, program)
        if failure is not None:
            part, failure_of_part = _smallest(recorded(scalar, numbers, names), failure, order)
            place = ", ".join(f"{name} = {x!r}" for name, x in zip(names, numbers))
            raise GradientError.about(point, place, failure, part, failure_of_part)
    for note in dict.fromkeys(notes):
        warnings.warn(f"{note}: at {numbers} gradcheck compared only what is defined", NotChecked, stacklevel=2)


def _graph_failure(f: Scalar, program: Program) -> Failure | None:
    """Whether f moves with its inputs otherwise than its graph does: what was computed apart from it has no gradient."""
    moved = [[x + sign * NUDGE * (abs(x) or 1.0) for x in program.inputs] for sign in (1.0, -1.0)]
    failures = [_moved_apart(f, program, numbers) for numbers in moved]
    return failures[0] and failures[1]  # a jump of f would show on one side only


def _moved_apart(f: Scalar, program: Program, numbers: Sequence[float]) -> Failure | None:
    inputs = [Value(x) for x in numbers]
    out = f(*inputs)
    other = Program.of(out, inputs)
    if _form(other) != _form(program):
        return None  # Python took another branch
    mp = arithmetic()
    registers = [mp.mpf(x) for x in numbers]
    for row, operands in program.instructions:
        registers.append(evaluate(row, [registers[o] if type(o) is int else mp.mpf(o) for o in operands]))
    got, expected = other.run(), float(registers[-1])
    tolerance = rounding_bound(out)
    if not math.isfinite(got - expected) or abs(got - expected) <= tolerance:
        return None
    moved = [(r, was, now) for r, (before, after) in enumerate(zip(program.instructions, other.instructions), len(numbers))
             for was, now in zip(before[1], after[1]) if was != now]
    register, was, _ = moved[0] if moved else (None, None, None)
    told = APART.format(f"the constant {was!r} of this gate" if moved else "something in it")
    return Failure("the graph of f", told, got, expected, tolerance, register)


def _form(program: Program) -> list[Any]:
    return [(row, [o if type(o) is int else None for o in operands]) for row, operands in program.instructions]


def _smallest(program: Program, failure: Failure, order: int) -> tuple[Program, Failure]:
    """The smallest part of a program that is wrong, operands before users, and how it is wrong; else the whole."""
    if failure.register is not None:
        return program.below(failure.register, 1), failure
    if len(program.instructions) == 1:
        return program, failure
    first = len(program.inputs)
    tried: set[Program] = set()
    for depth in range(1, DEEPEST + 1):
        for register in range(first, first + len(program.instructions)):
            part = program.below(register, depth)
            if part in tried or len(tried) >= MOST_PARTS:
                continue
            tried.add(part)
            found, _ = examine(part.run, part.inputs, part.names()[:len(part.inputs)], order)
            if found is not None:
                return part, found
    return program, failure
