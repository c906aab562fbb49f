"""One scalar function at one point: every mode against the reference, within what rounding can explain.

How far rounding may carry a result off is not guessed: the gradient is recorded as a graph of its own, and a sweep over
it tells how much each of its gates matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations_with_replacement, product
from typing import Any

from .. import ops
from ..autodiff import grad, jvp
from ..engine import Value, adjoints, local_gradients, nodes_below
from .custom import custom_failure, taylor
from .differences import Expected, Reference, reference
from .failure import Failure
from .program import Program
from .reference import Oracle, has_oracle

Scalar = Callable[..., Any]  # a function of numbers that gives one number, or a list of numbers
Directions = Sequence[Sequence[float]]

UNITS = 16.0 * 2.0**-53  # a row of libm rounds within a few units; the rest is for the second order of rounding
TINIEST, SMALLEST_NORMAL = 2.0**-1074, 2.0**-1022
MANY = 8  # of inputs: with more, as many directions across them all are checked
GOLDEN = 0.6180339887498949


def rounding_bound(v: Any) -> float:
    """How far rounding may have carried the Value `v` off: every gate below it rounds, and its error is passed on.

    A gate is taken to give the right result for operands that are right to the last bits, of which it gets one for each
    operand; the sweep tells what a gate's error means for `v`.
    """
    if not isinstance(v, Value):
        return UNITS * abs(float(v)) + SMALLEST_NORMAL
    order = nodes_below(v)
    sensitivity = adjoints(order, {v: 1.0})
    terms = [UNITS * abs(v.data)]
    for w in order:
        if w.primitive is not None and w in sensitivity:
            moved = [abs(partial * (o if type(o) is float else o.data))
                     for o, partial in zip(w.operands, local_gradients(w)) if partial is not None]
            terms.append(abs(sensitivity[w]) * (UNITS * len(w.operands) * (abs(w.data) + sum(moved)) + TINIEST))
    return math.fsum(term for term in terms if math.isfinite(term)) + SMALLEST_NORMAL


def examine(f: Scalar, numbers: Sequence[float], names: Sequence[str], order: int) -> tuple[Failure | None, list[str]]:
    """The first failure of a scalar function at a point, and what could not be checked."""
    program = recorded(f, numbers, names)
    models: dict[int, Oracle] = {}
    registers = program.registers()
    notes: list[str] = []
    for i, (row, code) in enumerate(program.instructions, len(numbers)):
        if not has_oracle(row):
            operands = [registers[o] if type(o) is int else o for o in code]
            failure = custom_failure(row, operands, order, notes)
            if failure is not None:
                return failure, notes
            models[i] = taylor(row, operands, order)
    directions, along = _directions(numbers, names)
    expected = reference(program, directions, order, models)
    failure = next(_failures(f, numbers, directions, along, order, expected), None)
    return failure, notes + expected.notes


def _failures(f: Scalar, numbers: Sequence[float], directions: Directions, along: Sequence[str], order: int,
              expected: Reference) -> Iterator[Failure]:
    value = f(*map(Value, numbers))
    if isinstance(value, Value):
        yield from _compared("f", "value", value.data, Expected(expected.value, 0.0), lambda: value)
    first = {name: mode(f, directions) for name, mode in MODES.items()}
    backward = _backward(f, numbers, directions)
    for k, name in enumerate(along):
        got = {mode: derivatives(*numbers)[k] for mode, derivatives in first.items()}
        tracers = {mode: _tracer(derivatives, numbers, k) for mode, derivatives in first.items()}
        got["backward()"], tracers["backward()"] = backward[k], tracers["reverse mode"]
        yield from _judged(f"df/d{name}", got, expected.first.get(k), tracers)
    if order == 1:
        return
    second = {f"{outer.split()[0]} over {inner.split()[0]}": [
                  MODES[outer](_component(first[inner], j), directions) for j in range(len(along))]
              for outer, inner in product(MODES, MODES)}
    found = {mode: [derivatives(*numbers) for derivatives in rows] for mode, rows in second.items()}
    for j, k in combinations_with_replacement(range(len(along)), 2):
        got, tracers = {}, {}
        for mode, rows in second.items():
            for a, b in dict.fromkeys([(j, k), (k, j)]):  # a Hessian is symmetric
                told = f"{mode} mode" + ", transposed" * (a > b)
                got[told], tracers[told] = found[mode][a][b], _tracer(rows[a], numbers, b)
        yield from _judged(f"d²f/d{along[j]}d{along[k]}", got, expected.second.get((j, k)), tracers)


def _judged(quantity: str, got: dict[str, float], expected: Expected | None,
            tracers: dict[str, Callable[[], Any]]) -> Iterator[Failure]:
    """Each mode against the reference, or where there is none against the first."""
    first, *_ = got
    for mode, number in got.items():
        if expected is not None:
            yield from _compared(quantity, f"{mode} against the reference", number, expected, tracers[mode])
        elif math.isfinite(got[first]) and math.isfinite(number):
            doubt = rounding_bound(tracers[first]()) if number != got[first] else 0.0
            yield from _compared(quantity, f"{mode} against {first}", number, Expected(got[first], doubt), tracers[mode])


def _compared(quantity: str, check: str, got: float, expected: Expected, tracer: Callable[[], Any]) -> Iterator[Failure]:
    if not math.isfinite(expected.number) or abs(got - expected.number) <= UNITS * abs(expected.number):
        return  # most often no sweep is needed to see that rounding explains it
    tolerance = rounding_bound(tracer()) + expected.noise + UNITS * abs(expected.number)
    if not abs(got - expected.number) <= tolerance:  # nan is a failure
        yield Failure(quantity, check, got, expected.number, tolerance)


def _forward(f: Scalar, directions: Directions) -> Scalar:
    def derivatives(*xs: Any) -> list[Any]:
        return [_derivative(f, xs, {i: d for i, d in enumerate(direction) if d}) for direction in directions]
    return derivatives


def _derivative(f: Scalar, xs: Sequence[Any], direction: dict[int, float]) -> Any:
    """By a forward sweep from the inputs that move; the others stand still, and may have no derivative at all."""
    def moving(*inputs: Any) -> Any:
        moved = dict(zip(direction, inputs))
        return f(*[moved[i] if i in moved else x if isinstance(x, Value) else Value(x) for i, x in enumerate(xs)])
    return jvp(moving, [xs[i] for i in direction], list(direction.values()))[1]


def _reverse(f: Scalar, directions: Directions) -> Scalar:
    def derivatives(*xs: Any) -> list[Any]:
        gradient = grad(f, range(len(xs)))(*xs)
        return [_along(gradient, direction) for direction in directions]
    return derivatives


MODES: dict[str, Callable[[Scalar, Directions], Scalar]] = {"forward mode": _forward, "reverse mode": _reverse}


def _backward(f: Scalar, numbers: Sequence[float], directions: Directions) -> list[float]:
    leaves = [Value(x) for x in numbers]
    out = f(*leaves)
    if isinstance(out, Value):
        out.backward()
    return [_along([leaf.grad for leaf in leaves], direction) for direction in directions]


def _along(gradient: Sequence[Any], direction: Sequence[float]) -> Any:
    terms = [(d, g) for d, g in zip(direction, gradient) if d]
    return terms[0][1] if len(terms) == 1 and terms[0][0] == 1.0 else ops.dot(*zip(*terms))


def _component(derivatives: Scalar, k: int) -> Scalar:
    return lambda *xs: derivatives(*xs)[k]


def _tracer(derivatives: Scalar, numbers: Sequence[float], k: int) -> Callable[[], Any]:
    """What computes a derivative again as a Value, whose graph tells of its rounding."""
    return lambda: derivatives(*map(Value, numbers))[k]


def _directions(numbers: Sequence[float], names: Sequence[str]) -> tuple[Directions, Sequence[str]]:
    """The directions to differentiate along, and their names: the inputs one by one, or a few across them all."""
    n = len(numbers)
    if n <= MANY:
        return [[float(i == j) for j in range(n)] for i in range(n)], names
    sizes = [abs(x) or 1.0 for x in numbers]
    across = [[s * size for s, size in zip(spread(n, k), sizes)] for k in range(MANY)]
    return across, [f"v{k}" for k in range(1, MANY + 1)]


def spread(n: int, start: int = 0) -> list[float]:
    """Numbers from ±0.5 to ±1.5 without a pattern, the same ones every time: multiples of the golden ratio."""
    turns = [(start * n + i + 1) * GOLDEN % 2.0 for i in range(n)]
    return [0.5 + turn if turn < 1.0 else 0.5 - turn for turn in turns]


def recorded(f: Scalar, numbers: Sequence[float], names: Sequence[str] = ()) -> Program:
    """The graph that a function records on fresh inputs, as a program."""
    inputs = [Value(x, label=name) for x, name in zip(numbers, names or [""] * len(numbers))]
    return Program.of(f(*inputs), inputs)
