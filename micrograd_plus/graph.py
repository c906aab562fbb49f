"""Walking a graph of operations without recursion: the order of evaluation, and the number of
paths.

A graph is given by a function from a node to its operands, so this module knows nothing of what the
nodes are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def topological_order(
    roots: Iterable[Node], operands: Callable[[Node], Sequence[Node]], stop: Iterable[Node] = ()
) -> list[Node]:
    """Every node that `roots` depend on, operands before their users, each once, in the same order
    on every run.

    The walk stops at the nodes in `stop`, which are left out. Raises ValueError when the graph has
    a cycle.
    """
    order: list[Node] = []
    entered: set[Node] = set()
    done = set(stop)
    stack = list(roots)
    stack.reverse()
    while stack:
        node = stack.pop()
        if node in done:
            continue
        below = operands(node)
        if done.issuperset(below):
            done.add(node)
            order.append(node)
        elif node in entered:
            # all that lay above it on the stack is done, so an operand still open leads back here
            raise ValueError(
                "the graph has a cycle: a node depends on itself, so there is no order to evaluate "
                "it in"
            )
        else:
            entered.add(node)
            stack.append(node)
            stack += [operand for operand in reversed(below) if operand not in done]
    return order


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
