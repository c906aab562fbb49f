"""Neurons that somebody wrote out, `x1 * w1 + x2 * w2 + b`, read as what they are: weighted sums.

A weighted sum is a tree of additions, each of use to the next alone, whose terms are products with
a leaf and at most one leaf by itself, the bias. It becomes one box of the kind that a gate makes
which adds up everything at once; whatever closes such boxes into neurons then closes these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..ops import Primitive, primitives
from .model import Box, Wire, users_of

WEIGHTED_SUM: Primitive = next(row for row in primitives() if row.is_weighted_sum)


@dataclass(frozen=True)
class Terms:
    """The parts of a weighted sum: its products, the bias if it has one, and the gates inside."""

    products: list[Box]
    biases: list[Wire]
    inside: list[Box]


def written_sums_read(
    boxes: Sequence[Box], regions: Mapping[Box, object] | None = None
) -> list[Box]:
    """The boxes with every weighted sum that is written out in one box; if there are regions, those
    that lie in one and whose parameters nobody gave a name.
    """
    users = users_of(boxes)
    sums = _weighted_sums(boxes, users)
    hidden: set[Box] = set()
    for box in reversed(boxes):
        if box in sums and box not in hidden:
            terms = _terms(box)
            if terms.products and (regions is None or _is_neuron(regions, box, terms)):
                _gather(box, terms, users)
                hidden |= {*terms.inside, *terms.products}
    return [box for box in boxes if box not in hidden]


def _is_neuron(regions: Mapping[Box, object], root: Box, terms: Terms) -> bool:
    """Whether all gates of a sum lie in one region, and its parameters are nameless."""
    gates = (root, *terms.inside, *terms.products)
    if root not in regions or len({regions.get(gate) for gate in gates}) > 1:
        return False
    return all(_has_nameless(product.wires) for product in terms.products) and (
        not terms.biases or _has_nameless(terms.biases)
    )


def _has_nameless(wires: Sequence[Wire]) -> bool:
    return any(wire.source.kind == "leaf" and not wire.source.label for wire in wires)


def _weighted_sums(boxes: Sequence[Box], users: Mapping[Box, Sequence[Box]]) -> set[Box]:
    """The additions below which there is nothing but products with leaves, and at most one bias."""
    biases: dict[Box, int] = {}  # of every such addition
    for box in boxes:
        if _adds(box):
            counts = [_biases(wire.source, users, biases) for wire in box.wires]
            if None not in counts and sum(filter(None, counts)) <= 1:
                biases[box] = sum(filter(None, counts))
    return set(biases)


def _biases(term: Box, users: Mapping[Box, Sequence[Box]], found: Mapping[Box, int]) -> int | None:
    """How many biases a term of a sum brings; None for a term that makes it no weighted sum."""
    if term.kind == "leaf":
        return 1
    if len(users[term]) == 1 and (term in found or _multiplies(term)):
        return found.get(term, 0)
    return 0 if term.kind == "constant" and term.value == 0.0 else None


def _adds(box: Box) -> bool:
    """Whether the gate passes its gradient on to operands that are there, and does nothing else."""
    is_sum = box.kind == "gate" and box.primitive.gate == "distributes" and len(box.wires) > 1
    return is_sum and all(wire.local == 1.0 for wire in box.wires)


def _multiplies(box: Box) -> bool:
    """Whether the gate multiplies a leaf by something."""
    is_swap = box.kind == "gate" and box.primitive.gate == "swaps"
    is_product = is_swap and len(box.wires) == 2 and not box.is_weighted_sum
    return is_product and any(wire.source.kind == "leaf" for wire in box.wires)


def _terms(root: Box) -> Terms:
    """What is added up in the tree of additions below a weighted sum."""
    terms = Terms([], [], [])
    waiting = list(reversed(root.wires))
    while waiting:
        wire = waiting.pop()
        box = wire.source
        if box.kind == "leaf":
            terms.biases.append(wire)
        elif _multiplies(box):
            terms.products.append(box)
        elif box.kind == "gate":
            terms.inside.append(box)
            waiting += reversed(box.wires)
    return terms


def _gather(box: Box, terms: Terms, users: Mapping[Box, Sequence[Box]]) -> None:
    """Make the box the whole sum: a bias, then the weights, then the inputs."""
    bias = terms.biases or [Wire(Box("constant"), 1.0)]
    uses = len(users[bias[0].source]) if terms.biases else 0
    pairs = [_weight_first(product, uses, users) for product in terms.products]
    for wire in (*terms.biases, *[weight for weight, _ in pairs]):
        wire.source.role = wire.source.role or "parameter"
    for _, wire in pairs:
        if wire.source.kind == "leaf":
            wire.source.role = wire.source.role or "input"
    box.primitive, box.symbol = WEIGHTED_SUM, WEIGHTED_SUM.symbol
    box.wires = [*bias, *[weight for weight, _ in pairs], *[x for _, x in pairs]]


def _weight_first(product: Box, uses: int, users: Mapping[Box, Sequence[Box]]) -> tuple[Wire, Wire]:
    """The wires of a product, that of its weight first.

    A weight is a leaf; of two leaves that which is used as often as the bias, once an example, or
    else the first.
    """
    first, second = product.wires
    leaves = [wire.source.kind == "leaf" for wire in product.wires]
    as_often = [len(users[wire.source]) == uses for wire in product.wires]
    if leaves == [False, True] or (all(leaves) and as_often == [False, True]):
        return second, first
    return first, second
