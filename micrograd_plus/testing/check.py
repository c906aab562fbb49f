"""`gradcheck`: are the derivatives of a function what they should be, and if not,
which gate is to blame?
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from .. import modes, ops
from ..engine import Value, adjoints, nodes_below
from ..trees import leaves_of, like
from .differences import rounded
from .examine import examine, recorded, spread
from .failure import Failure, GradientError, NotChecked
from .program import Numbers, Operand, Program
from .reference import OUTSIDE, Precise
from .rounding import rounding_bound, rounding_spread
from .sweeps import Scalar

DEEPEST, MOST_PARTS = 4, 400  # of the search for the smallest part that is wrong
NUDGE = 1e-5
APART = (
    "f called again nearby, against its graph: the constant {!r} of this gate moved, though no "
    "gradient knows. It was "
    "computed apart from the graph, by .data, float() or math, or is random"
)


def gradcheck(f: Callable[..., Any], *point: Any, order: int = 2) -> None:
    """Check the derivatives of `f`, a function that `grad` takes, at a point; silent when they are
    right.

    Forward and reverse mode, at order 2 in all four compositions, are compared with each other and
    with difference quotients of f in arithmetic of 160 digits, within what rounding can explain;
    where that is much of a number, because the rest cancels, the same operations are compared
    without rounding as well. A row that the reference does not know (a `custom` one) is held
    against differences of its float primal, with their own, larger, tolerance; None for a partial
    of it is right where the primal only jumps, as in an index. At kinks, ties and numbers that are
    not finite only what is defined is compared, and a NotChecked warning says so. With several
    outputs a fixed combination of them is checked, and with more than 8 inputs 8 directions across
    them all.

    Raises GradientError where a derivative is wrong; ValueError for another order; ImportError
    without mpmath.

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
            program = recorded(scalar, numbers, names, opened=True)
            failure = _graph_failure(scalar, program, notes)
        if failure is not None:
            program = recorded(scalar, numbers, names, opened=failure.register is not None)
            part, failure_of_part = _smallest(program, failure, order)
            place = ", ".join(f"{name} = {x!r}" for name, x in zip(names, numbers))
            raise GradientError.about(point, place, failure, part, failure_of_part)
    for note in dict.fromkeys(notes):
        warnings.warn(
            f"{note}: at {numbers} gradcheck compared only what is defined",
            NotChecked,
            stacklevel=2,
        )


def _graph_failure(f: Scalar, program: Program, notes: list[str]) -> Failure | None:
    """Whether f moves with its inputs otherwise than its graph does:
    what was computed apart from it has no gradient.
    """
    found: list[Failure | None] = []
    fixed = _indices(program)
    for sign in (1.0, -1.0):
        nearby = [x + sign * NUDGE * (abs(x) or 1.0) for x in program.inputs]
        for i in fixed:
            nearby[i] = program.inputs[i]
        inputs = [Value(x) for x in nearby]
        try:
            out = f(*inputs)
        except OUTSIDE:
            continue  # there is no f nearby
        other = Program.of(out, inputs, opened=True)
        if _form(other) == _form(program):  # else Python took another branch
            tolerance = rounding_bound(out) + rounding_spread(out)
            found.append(_moved_apart(program, other, tolerance))
    if len(found) == 2 and all(found):
        return found[0]
    if not found or (len(found) == 1 and found[0]):  # a jump of f shows on one side
        notes.append(
            "f takes another branch nearby, so whether it computes anything apart from its graph "
            "was not checked"
        )
    return None


def _indices(program: Program) -> set[int]:
    """The inputs that the graph depends on only where it has no derivative, as on an index:
    f may have no value nearby.
    """
    inputs = [Value(x) for x in program.inputs]
    out = program.run(*inputs)
    order = nodes_below(out) if isinstance(out, Value) else []
    reached = adjoints(order, {out: 1.0})
    return {i for i, v in enumerate(inputs) if v in order and v not in reached}


def _moved_apart(program: Program, other: Program, tolerance: float) -> Failure | None:
    """How far the graph of f nearby comes to something else there than the graph at the point
    does.
    """
    moved: list[tuple[int, Operand]] = []
    pairs = zip(program.instructions, other.instructions)
    for register, ((_, before), (_, after)) in enumerate(pairs, len(program.inputs)):
        moved += [(register, was) for was, now in zip(before, after) if was != now]
    if not moved:
        return None
    got = _rounded_once(other, other.inputs)
    expected = _rounded_once(program, other.inputs)
    if not math.isfinite(got - expected) or abs(got - expected) <= tolerance:
        return None
    register, was = moved[0]
    return Failure("the graph of f", APART.format(was), got, expected, tolerance, register)


def _rounded_once(program: Program, inputs: Numbers) -> float:
    """The result of a program where only that is rounded."""
    exact = [Precise(x) for x in inputs]
    registers = program.registers(*exact, lift=Precise)
    return rounded(registers[-1].number)


def _form(program: Program) -> list[Any]:
    form: list[Any] = []
    for row, operands in program.instructions:
        registers = [o if type(o) is int else None for o in operands]
        form.append((row.name, registers))
    return form


def _smallest(program: Program, failure: Failure, order: int) -> tuple[Program, Failure]:
    """The smallest part of a program that is wrong, operands before users, and how it is wrong;
    else the whole.
    """
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
            names = part.names()[: len(part.inputs)]
            found, _ = examine(part.run, part.inputs, names, order)
            if found is not None:
                return part, found
    return program, failure
