"""One scalar function at one point: every mode against the reference, within rounding.

How far rounding may carry a result off is not guessed: the gradient is recorded as a graph of its
own, which tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from typing import Any

from ..engine import Value
from . import sweeps
from .custom import custom_failure, taylor
from .differences import Expected, Reference, reference
from .failure import Failure
from .program import Numbers, Program, looked_up
from .reference import Oracle, has_oracle
from .rounding import UNITS, ExactRun, rounding_bound, rounding_spread
from .sweeps import Directions, Scalar

MUCH = 2.0**-30  # of a number: where rounding would explain that, the exact run decides
MANY = 8  # of inputs: with more, as many directions across them all are checked
GOLDEN = 0.6180339887498949


Names = Sequence[str]


def examine(
    f: Scalar, numbers: Numbers, names: Names, order: int
) -> tuple[Failure | None, list[str]]:
    """The first failure of a scalar function at a point, and what could not be checked."""
    program = recorded(f, numbers, names, opened=True)
    models: dict[int, Oracle] = {}
    registers = program.registers()
    notes: list[str] = []
    for i, (row, code) in enumerate(program.instructions, len(numbers)):
        if not has_oracle(row):
            operands = looked_up(code, registers)
            failure = custom_failure(row, operands, order, notes)
            if failure is not None:
                return failure, notes
            models[i] = taylor(row, operands, order)
    directions, along = _directions(numbers, names)
    expected = reference(program, directions, order, models)
    judge = _Judge(expected, notes + expected.notes)
    failures = _first_failures(f, program, directions, along, judge)
    if order > 1:
        failures = chain(failures, _second_failures(f, program, directions, along, judge))
    return next(failures, None), judge.notes


@dataclass(frozen=True)
class _Told:
    """A number that a sweep gave, and how to get the graph that tells of its rounding."""

    mode: str
    number: float
    graph: Callable[[], Any]


class _Judge:
    """Compares numbers with the reference; `notes` gather what could not be compared."""

    def __init__(self, reference: Reference, notes: list[str]) -> None:
        self.reference, self.notes = reference, notes

    def of_value(self, told: _Told) -> Iterator[Failure]:
        """The value of f, if it is wrong; what a row gives where it jumps is agreed."""
        for failure in self._compared("f", told.mode, told, self.reference.value):
            if not self.reference.special:
                yield failure
            else:
                self.notes.append(
                    "the value of f is one that was agreed, at a jump or the end of a domain"
                )

    def of_slope(self, quantity: str, told: _Told, k: int, other: _Told) -> Iterator[Failure]:
        """A first derivative along a direction, if it is wrong."""
        return self._judged(quantity, told, self.reference.first.get(k), other)

    def of_bend(
        self, quantity: str, told: _Told, along: tuple[int, int], other: _Told
    ) -> Iterator[Failure]:
        """A second derivative, if it is wrong; at a kink the rules have none, though f may."""
        expected = self.reference.second.get(along)
        for failure in self._judged(quantity, told, expected, other):
            if not self.reference.special:
                yield failure
            else:
                self.notes.append(
                    "rules give no second derivative at a kink, a tie or the end of a domain"
                )

    def _judged(
        self, quantity: str, told: _Told, expected: Expected | None, other: _Told
    ) -> Iterator[Failure]:
        """A number against the reference, or where there is none against that of another mode."""
        if expected is not None:
            check = f"{told.mode} against the reference"
            yield from self._compared(quantity, check, told, expected)
        elif math.isfinite(other.number) and math.isfinite(told.number):
            check = f"{told.mode} against {other.mode}"
            expected = Expected(other.number, 0.0)
            yield from self._compared(quantity, check, told, expected, other)

    def _compared(
        self, quantity: str, check: str, told: _Told, expected: Expected, *others: _Told
    ) -> Iterator[Failure]:
        got, right = told.number, expected.number
        apart = abs(got - right)
        if not math.isfinite(right) or apart <= UNITS * abs(right):
            return  # most often no sweep is needed to see that rounding explains it
        graphs = [number.graph() for number in (told, *others)]
        if not math.isfinite(got) and self._is_beyond(graphs[0], expected):
            return
        tolerance = expected.noise + UNITS * abs(right)
        tolerance += sum(map(rounding_bound, graphs))
        if apart <= tolerance <= MUCH * abs(right):
            return
        exact = ExactRun(None if others else graphs[0])
        if not apart <= tolerance and not exact.explains(got, expected):
            tolerance += sum(map(rounding_spread, graphs))
            if not apart <= tolerance:  # nan is a failure
                yield Failure(quantity, check, got, right, tolerance)
                return
        exactly = exact.contradicts(expected)
        if exactly is not None:
            check = f"{check}, without rounding"
            yield Failure(quantity, check, exactly.number, right, exactly.noise)

    def _is_beyond(self, graph: Any, expected: Expected) -> bool:
        """Whether a number is not finite because of where the point lies, not of a wrong rule."""
        if self.reference.special:
            self.notes.append("rules give no finite slope at a kink, a tie or the end of a domain")
            return True
        exact = ExactRun(graph)
        if exact.overflows() and exact.contradicts(expected) is None:
            self.notes.append("a number on the way to a derivative is beyond the range of floats")
            return True
        return False


def _first_failures(
    f: Scalar, program: Program, directions: Directions, along: Names, judge: _Judge
) -> Iterator[Failure]:
    numbers = program.inputs
    lifted, lifted_directions = sweeps.lifted(program, directions)
    value = f(*map(Value, numbers))
    if isinstance(value, Value):
        told = _Told("value", value.data, lambda: lifted(*map(Value, numbers)))
        yield from judge.of_value(told)
    plain = sweeps.first(f, directions)
    traced = sweeps.first(lifted, lifted_directions, Value(1.0))
    found = [_told(mode, row(*numbers), traced[mode], numbers) for mode, row in plain.items()]
    left = sweeps.backward(f, numbers, directions)
    found.append(_told("backward()", left, traced["reverse mode"], numbers))
    for k, name in enumerate(along):
        for row in found:
            yield from judge.of_slope(f"df/d{name}", row[k], k, found[0][k])


def _second_failures(
    f: Scalar, program: Program, directions: Directions, along: Names, judge: _Judge
) -> Iterator[Failure]:
    numbers = program.inputs
    lifted, lifted_directions = sweeps.lifted(program, directions)
    plain = sweeps.second(sweeps.first(f, directions), directions)
    traced_first = sweeps.first(lifted, lifted_directions, Value(1.0))
    traced = sweeps.second(traced_first, lifted_directions, Value(1.0))
    for a in range(len(along)):
        found = (
            _told(f"{mode} mode", rows[a](*numbers), traced[mode][a], numbers)
            for mode, rows in plain.items()
        )
        first = next(found)  # one after the other, as their graphs may be large
        for row in chain([first], found):
            for b, told in enumerate(row):
                j, k = min(a, b), max(a, b)  # a Hessian is symmetric
                quantity = f"d²f/d{along[j]}d{along[k]}"
                yield from judge.of_bend(quantity, told, (j, k), first[b])


def _told(mode: str, row: Numbers, traced: Scalar, numbers: Numbers) -> list[_Told]:
    graphs = cache(lambda: traced(*map(Value, numbers)))

    def graph(k: int) -> Any:
        return graphs()[k]

    return [_Told(mode, number, partial(graph, k)) for k, number in enumerate(row)]


def _directions(numbers: Numbers, names: Names) -> tuple[Directions, Names]:
    """The directions to differentiate along, and their names: one an input, or a few across all."""
    n = len(numbers)
    if n <= MANY:
        return [[float(i == j) for j in range(n)] for i in range(n)], names
    sizes = [abs(x) or 1.0 for x in numbers]
    turned = [spread(n, k) for k in range(MANY)]
    across = [[s * size for s, size in zip(turn, sizes)] for turn in turned]
    return across, [f"v{k}" for k in range(1, MANY + 1)]


def spread(n: int, start: int = 0) -> list[float]:
    """Numbers from ±0.5 to ±1.5 without a pattern, but the same ones every time."""
    turns = [(start * n + i + 1) * GOLDEN % 2.0 for i in range(n)]
    return [0.5 + turn if turn < 1.0 else 0.5 - turn for turn in turns]


def recorded(f: Scalar, numbers: Numbers, names: Names = (), *, opened: bool = False) -> Program:
    """The graph that a function records on fresh inputs, as a program.

    `opened`, with what is inside its checkpoints.
    """
    labels = names or [""] * len(numbers)
    inputs = [Value(x, label=label) for x, label in zip(numbers, labels)]
    return Program.of(f(*inputs), inputs, opened=opened)
