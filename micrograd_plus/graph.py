"""Walking a graph of operations without recursion: the order of evaluation, and the number of
paths.

A graph is given by a function from a node to its operands, so this module knows nothing of what the
nodes are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from types import NoneType
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def topological_order(
    roots: Iterable[Node],
    operands: Callable[[Node], Sequence[Node]],
    stop: Iterable[Node] = (),
    apart: type = NoneType,
) -> list[Node]:
    """Every node that `roots` depend on, operands before their users, each once, in the same order
    on every run: depth first, operands from the first to the last.

    The walk stops at the nodes in `stop`, which are left out; operands of the type `apart` are no
    nodes. Raises ValueError when the graph has a cycle.
    """
    order: list[Node] = []
    done = set(stop)
    for root in roots:
        if root not in done:
            _walk(root, operands, apart, order, done)
    return order


def _walk(
    node: Node,
    operands: Callable[[Node], Sequence[Node]],
    apart: type,
    order: list[Node],
    done: set[Node],
) -> None:
    """Add to `order` and `done` what a node depends on, and the node itself."""
    path: list[tuple[Node, Iterator[Node]]] = []  # from the root down to the node's users
    longest = 1000
    rest = iter(operands(node))
    while True:
        for operand in rest:
            if operand not in done and type(operand) is not apart:
                below = operands(operand)
                if below:
                    path.append((node, rest))
                    node, rest = operand, iter(below)
                    break
                done.add(operand)
                order.append(operand)
        else:
            done.add(node)
            order.append(node)
            if not path:
                return
            node, rest = path.pop()
        if len(path) > longest:  # a path without an end passes some node twice
            _require_no_cycle(path)
            longest *= 2


def _require_no_cycle(path: Sequence[tuple[Node, object]]) -> None:
    nodes = [node for node, _ in path]
    if len(set(nodes)) < len(nodes):
        raise ValueError(
            "the graph has a cycle: a node depends on itself, so there is no order to evaluate it "
            "in"
        )


def count_paths(
    order: Iterable[Node], operands: Callable[[Node], Sequence[Node]], source: Node
) -> Mapping[Node, int]:
    """How many paths lead from `source` to each node of a topological `order`;
    counted, never walked.
    """
    paths: dict[Node, int] = {}
    for node in order:
        paths[node] = 1 if node == source else sum(paths[operand] for operand in operands(node))
    return paths
