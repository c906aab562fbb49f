"""The numerical gradient of the lectures: difference quotients in floats, with their errors.

It is slow and approximate, and it is what an analytic gradient is checked with (Sharif, slide 41;
Lund, Implementing Backpropagation). What `gradcheck` compares with is not this: it has 160 digits.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Literal, NamedTuple

from ..engine import Value
from ..modes import switched
from ..ops import as_float
from ..options import one_of, real_number
from ..trees import Tree, leaves_of, like

KINDS = ("forward", "central")


class NumericalGradient(NamedTuple):
    """A gradient in the form of the point it was taken at, and how often the function was
    evaluated for it.
    """

    gradient: Tree
    evaluations: int


def numerical_gradient(
    f: Callable[[Any], Any],
    x: Tree,
    kind: Literal["forward", "central"] = "central",
    h: float = 1e-5,
) -> NumericalGradient:
    """The gradient of f at x by differences of floats: (f(x + h) − f(x)) / h "forward", and
    (f(x + h) − f(x − h)) / 2h "central" (Sharif, slide 41; RWTH, Numerical differentiation; Lund).

    `x` is a number, or a list, tuple, dict or NumPy array of them, nested as one likes; `f` takes
    such a thing and gives a number. For n numbers in x forward takes n + 1 evaluations and central
    2n, where one backward pass finds them all. The error of the first is about h, that of the
    second h², until rounding, about 1e-16 / h, has the better of both. Raises TypeError for
    what is no number, ValueError for another kind and for a step that is not above 0 or is so small
    that x + h is x.

    >>> numerical_gradient(lambda x: x[0] * x[1] ** 2, [2.0, 3.0], "forward", h=0.5)
    NumericalGradient(gradient=[9.0, 13.0], evaluations=3)
    """
    kind_, step = one_of(kind, "kind of difference", KINDS), real_number(h, "h, the step,")
    if not 0.0 < step < inf:
        raise ValueError(f"h, the step, is above 0 and finite, not {h!r}")
    point = [_number(leaf, "the point") for leaf in leaves_of(x)]
    evaluations = 0

    def at(place: int, move: float) -> float:
        nonlocal evaluations
        evaluations += 1
        moved = point[place] + move
        if move and moved == point[place]:
            raise ValueError(
                f"{point[place]!r} + {move!r} is the same float again: take a larger step h"
            )
        numbers = [*point[:place], moved, *point[place + 1 :]]
        with switched(recording=False):
            return _number(f(like(x, numbers)), "what f gives")

    if kind_ == "forward":
        here = at(0, 0.0) if point else 0.0
        quotients = [(at(i, step) - here) / step for i in range(len(point))]
    else:
        quotients = [(at(i, step) - at(i, -step)) / (2.0 * step) for i in range(len(point))]
    return NumericalGradient(like(x, quotients), evaluations)


def _number(number: Any, what: str) -> float:
    return number.data if isinstance(number, Value) else as_float(number, what)
