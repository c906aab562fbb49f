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

    return {
        f"{outer.split()[0]} over {inner.split()[0]}": [
            mode(component(derivatives, k), directions, seed) for k in range(len(directions))
        ]
        for (outer, mode), (inner, derivatives) in product(MODES.items(), of.items())
    }


def backward(f: Scalar, numbers: Sequence[float], directions: Directions) -> list[float]:
    """The derivatives along the directions that `backward()` leaves in the leaves."""
    leaves = [Value(x) for x in numbers]
    out = f(*leaves)
    if isinstance(out, Value):
        out.backward()
    return [_along([leaf.grad for leaf in leaves], direction) for direction in directions]


def lifted(program: Program, directions: Directions) -> tuple[Scalar, Directions]:
    """The same function and directions without a plain number."""
    return (
        lambda *xs: program.registers(*xs, lift=Value)[-1],
        [[Value(d) if d else d for d in direction] for direction in directions],
    )


def _forward(f: Scalar, directions: Directions, seed: Value | None) -> Scalar:  # noqa: ARG001
    def derivatives(*xs: Any) -> list[Any]:
        moves = [
            {i: d for i, d in enumerate(direction) if isinstance(d, Value) or d}
            for direction in directions
        ]
        return [_derivative(f, xs, move) for move in moves]

    return derivatives


def _derivative(f: Scalar, xs: Sequence[Any], move: dict[int, Any]) -> Any:
    """By a forward sweep from the inputs that move; the others may have no derivative at all."""

    def moving(*inputs: Any) -> Any:
        moved = dict(zip(move, inputs))
        return f(
            *[
                moved[i] if i in moved else x if isinstance(x, Value) else Value(x)
                for i, x in enumerate(xs)
            ]
        )

    return jvp(moving, [xs[i] for i in move], list(move.values()))[1]


def _reverse(f: Scalar, directions: Directions, seed: Value | None) -> Scalar:
    def derivatives(*xs: Any) -> list[Any]:
        gradient = grad(f, range(len(xs)))(*xs) if seed is None else vjp(f, *xs)[1](seed)
        return [_along(gradient, direction) for direction in directions]

    return derivatives


MODES: dict[str, Callable[[Scalar, Directions, Value | None], Scalar]] = {
    "forward mode": _forward,
    "reverse mode": _reverse,
}


def _along(gradient: Sequence[Any], direction: Sequence[Any]) -> Any:
    terms = [(d, g) for d, g in zip(direction, gradient) if isinstance(d, Value) or d]
    (d, g), *others = terms
    return g if not others and type(d) is float and d == 1.0 else ops.dot(*zip(*terms))
