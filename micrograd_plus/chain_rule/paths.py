"""The paths from a leaf to an output: those of largest product, found without walking them all.

Their number may be 9**60. A sweep that keeps the best few ways to reach each node does not care.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter
from typing import Any

from ..engine import Value, local_gradients


@dataclass(frozen=True, slots=True)
class Step:
    """An edge of the graph: a gate, the place of an operand, the local gradient there."""

    gate: Value
    place: int
    local: float

    @property
    def operand(self) -> Value:
        """Where the gradient goes."""
        operand: Value = self.gate.operands[self.place]
        return operand


Edges = dict[Value, list[Step]]  # in the order of evaluation
# exponent and size, by which ways compare; mantissa; the last step, None at the leaf; the way
# before
Way = tuple[Any, ...]


def edges_above(
    leaf: Value, order: Sequence[Value]
) -> tuple[dict[Value, list[Step]], list[tuple[Value, Value]]]:
    """For each node that a gradient can leave towards the leaf, its edges there;
    and the (gate, operand) blocked.
    """
    edges: dict[Value, list[Step]] = {}
    blocked = []
    for v in order:
        if v is leaf:
            edges[v] = []
        elif not edges.keys().isdisjoint(v.operands):
            found: list[Step] = []
            for place, (operand, local) in enumerate(zip(v.operands, local_gradients(v))):
                if operand not in edges:
                    continue
                if local is None:
                    blocked.append((v, operand))
                else:
                    found.append(Step(v, place, local))
            if found:
                edges[v] = found
    return edges, blocked


def reached(edges: Edges, e: Value) -> Edges:
    """The edges that a gradient from `e` comes along."""
    nodes = {e}
    for v in reversed(edges):
        if v in nodes:
            nodes.update(step.operand for step in edges[v])
    return {v: steps for v, steps in edges.items() if v in nodes}


def users_of(edges: Edges) -> dict[Value, list[Step]]:
    """For each node the edges that lead to it from above, in the order of evaluation."""
    users: dict[Value, list[Step]] = {}
    for steps in edges.values():
        for step in steps:
            users.setdefault(step.operand, []).append(step)
    return users


def largest_ways(edges: Edges, leaf: Value, limit: int) -> dict[Value, list[Way]]:
    """The ways from the leaf to each node whose products are the largest, the largest first.

    Products are kept as mantissa and exponent, since one that underflows half-way may come to
    something at its end.
    """
    best: dict[Value, list[Way]] = {}
    for v, steps in edges.items():
        if v is leaf:
            best[v] = [(1, 0.5, 0.5, None, None)]
            continue
        ways = []
        for step in steps:
            mantissa, exponent = math.frexp(step.local)
            for way in best[step.operand]:
                m, shift = math.frexp(way[2] * mantissa)
                ways.append((*_rank(m, way[0] + exponent + shift), m, step, way))
        best[v] = nlargest(limit, ways, key=itemgetter(0, 1)) if len(ways) > 1 else ways
    return best


def _rank(mantissa: float, exponent: float) -> tuple[float, float]:
    if 0.5 <= abs(mantissa) < 1.0:
        return exponent, abs(mantissa)
    return (-math.inf, 0.0) if mantissa == 0.0 else (math.inf, 2.0 if mantissa != mantissa else 1.0)


def product_of(way: Way) -> float:
    """The product of the local gradients along a way."""
    exponent, _, mantissa, *_ = way
    try:
        return math.ldexp(mantissa, int(exponent)) if math.isfinite(exponent) else mantissa
    except OverflowError:
        return math.copysign(math.inf, mantissa)


def steps_of(way: Way) -> list[Step]:
    """The steps of a way, the first one that at the output."""
    steps = []
    while way[-1] is not None:
        *_, step, before = way
        steps.append(step)
        way = before
    return steps


def by_places(numbers: Mapping[Value, int]) -> Callable[[Way], list[tuple[int, int]]]:
    """A key that sorts ways in the order of the graph."""
    return lambda way: [(numbers[s.gate], s.place) for s in reversed(steps_of(way))]
