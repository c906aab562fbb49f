"""Every way to the derivatives of a scalar function along directions: both modes, each over each.

Each way also runs where nothing is a plain number: constants, directions and the 1 that a reverse
sweep starts from are Values. Then what a sweep computes from constants alone is recorded as well,
and the graph of a derivative has every operation that rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from .. import ops
from ..autodiff import grad, jvp, vjp
from ..engine import Value
from .program import Program

Scalar = Callable[..., Any]  # a function of numbers that gives one number, or a list of numbers
Directions = Sequence[Sequence[Any]]  # floats, or Values


def first(f: Scalar, directions: Directions, seed: Value | None = None) -> dict[str, Scalar]:
    """What gives the derivatives of `f` along the directions, by mode.

    `seed` stands for the 1 of reverse sweeps.
    """
    return {name: mode(f, directions, seed) for name, mode in MODES.items()}


def second(
    of: dict[str, Scalar], directions: Directions, seed: Value | None = None
) -> dict[str, list[Scalar]]:
    """What gives the second derivatives, by both modes: those of each first one."""

    def component(derivatives: Scalar, k: int) -> Scalar:
        return lambda *xs: derivatives(*xs)[k]

    found: dict[str, list[Scalar]] = {}
    for (outer, mode), (inner, derivatives) in product(MODES.items(), of.items()):
        name = f"{outer.split()[0]} over {inner.split()[0]}"
        slopes = [component(derivatives, k) for k in range(len(directions))]
        found[name] = [mode(slope, directions, seed) for slope in slopes]
    return found


def backward(f: Scalar, numbers: Sequence[float], directions: Directions) -> list[float]:
    """The derivatives along the directions that `backward()` leaves in the leaves."""
    leaves = [Value(x) for x in numbers]
    out = f(*leaves)
    if isinstance(out, Value):
        out.backward()
    gradient = [leaf.grad for leaf in leaves]
    return [_along(gradient, direction) for direction in directions]


def lifted(program: Program, directions: Directions) -> tuple[Scalar, Directions]:
    """The same function and directions without a plain number."""

    def f(*xs: Any) -> Any:
        return program.registers(*xs, lift=Value)[-1]

    lifted_directions = [[Value(d) if d else d for d in direction] for direction in directions]
    return f, lifted_directions


def _forward(f: Scalar, directions: Directions, seed: Value | None) -> Scalar:  # noqa: ARG001
    def derivatives(*xs: Any) -> list[Any]:
        return [_derivative(f, xs, _move(direction)) for direction in directions]

    return derivatives


def _move(direction: Sequence[Any]) -> dict[int, Any]:
    """The inputs that a direction moves, and how far."""
    return {i: d for i, d in enumerate(direction) if isinstance(d, Value) or d}


def _derivative(f: Scalar, xs: Sequence[Any], move: dict[int, Any]) -> Any:
    """By a forward sweep from the inputs that move; the others may have no derivative at all."""

    def moving(*inputs: Any) -> Any:
        operands = [x if isinstance(x, Value) else Value(x) for x in xs]
        for i, moved in zip(move, inputs):
            operands[i] = moved
        return f(*operands)

    inputs = [xs[i] for i in move]
    _, derivative = jvp(moving, inputs, list(move.values()))
    return derivative


def _reverse(f: Scalar, directions: Directions, seed: Value | None) -> Scalar:
    def derivatives(*xs: Any) -> list[Any]:
        if seed is None:
            gradient = grad(f, range(len(xs)))(*xs)
        else:
            _, pull = vjp(f, *xs)
            gradient = pull(seed)
        return [_along(gradient, direction) for direction in directions]

    return derivatives


MODES = {"forward mode": _forward, "reverse mode": _reverse}


def _along(gradient: Sequence[Any], direction: Sequence[Any]) -> Any:
    moves = _move(direction)
    steps = list(moves.values())
    slopes = [gradient[i] for i in moves]
    is_unit = len(steps) == 1 and type(steps[0]) is float and steps[0] == 1.0
    return slopes[0] if is_unit else ops.dot(steps, slopes)
