"""What lies inside closed boxes: the graph that they hide, computed anew, and what it carries.

A neuron, a layer or a stretch hides gates. What comes along a wire that goes into it is the sum of
what comes along all wires inside that lead out to the same box.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import modes
from ..engine import Value, adjoints, local_gradients, nodes_below, tangents
from ..graph import topological_order
from .model import Box, Model, Wire

Nodes = Mapping[Box, Value | float]


def operands_of(box: Box) -> list[Box]:
    """The boxes that its value is computed from, shown or not."""
    return [_as_shown(operand) for operand in box.operands]


def _as_shown(box: Box) -> Box:
    while box.became is not None:
        box = box.became
    return box


def members_of(box: Box) -> list[Box]:
    """The boxes that it holds, but for one in whose place it stands."""
    return [member for member in box.members if member.became is not box]


def computed(boxes: Iterable[Box]) -> dict[Box, Value | float]:
    """A graph of Values for the boxes and for all that they hide, at the values that they have."""
    nodes: dict[Box, Value | float] = {}
    with modes.switched(recording=True, anomaly=False, simplify=None):
        for box in topological_order(boxes, lambda b: [*members_of(b), *operands_of(b)]):
            if box.row is not None:
                made = box.row(*[nodes[operand] for operand in operands_of(box)])
                # below it there may be numbers alone, since the rest lies beyond
                nodes[box] = made if isinstance(made, Value) else Value(made)
            elif box.kind == "leaf":
                nodes[box] = Value(box.value)
            else:
                nodes[box] = box.value
    return nodes


def owners(boxes: Sequence[Box]) -> dict[Box, Box]:
    """For each box that is shown, or hidden in one, that which shows it."""
    found = {box: box for box in boxes}
    for box in boxes:
        found.update(dict.fromkeys(members_of(box), box))
    for box in boxes:
        waiting = [box, *members_of(box)]
        while waiting:
            for operand in operands_of(waiting.pop()):
                if operand not in found:
                    found[operand] = box
                    waiting.append(operand)
    return found


def is_whole(owner: Mapping[Box, Box]) -> bool:
    """Whether nothing that the boxes are computed from lies beyond what is looked at."""
    return all(operand.kind != "cut" for box in owner for operand in operands_of(box))


def edges_of(owner: Mapping[Box, Box]) -> dict[tuple[Box, Box], list[tuple[Box, int]]]:
    """For each pair of boxes that are wired, the edges of the graph that the wire stands for: a box
    inside the one, and the place of its operand that lies in the other.
    """
    found: dict[tuple[Box, Box], list[tuple[Box, int]]] = {}
    for inner, box in owner.items():
        for place, operand in enumerate(operands_of(inner)):
            source = owner.get(operand, operand)
            if source is not box:
                found.setdefault((source, box), []).append((inner, place))
    return found


def several(wire: Wire, user: Box) -> bool:
    """Whether a wire stands for edges of the graph that no one local gradient tells of."""
    many = wire.count != 1 or wire.source.kind == "stretch"
    closed = user.kind in ("layer", "stretch") or wire.source.kind == "layer"
    return closed or (wire.local is None and many)


def derivatives(model: Model) -> tuple[dict[Box, float], dict[int, float]]:
    """The derivatives of the boxes with the output alone, or the source alone swept forward; and by
    their ids the wires that stand for several edges, with what these carry together.

    Of a graph that is too large to be looked at whole, what lies beyond is a number that stays.
    """
    owner = owners(model.boxes)
    nodes, edges = computed(model.boxes), edges_of(owner)
    swept = _swept(model, nodes)
    found = {box: swept[node] for box in model.boxes if (node := nodes[box]) in swept}
    together: dict[int, float] = {}
    for user in model.boxes:
        passing = [wire for wire in user.wires if several(wire, user)]
        through = _through(user, nodes, owner) if model.mode == "forward" and passing else None
        for wire in passing:
            inner = edges.get((wire.source, user), [])
            if inner:
                carried = [_carried(nodes, swept, edge, through) for edge in inner]
                known = [c for c in carried if c is not None]
                if known:
                    together[id(wire)] = sum(known)
    return found, together


def _swept(model: Model, nodes: Nodes) -> Mapping[Any, float]:
    """What the sweep of the model's mode finds for each node."""
    root = nodes[model.boxes[-1]]
    if not isinstance(root, Value):
        return {}
    order = nodes_below(root)
    if model.mode == "forward":
        source = None if model.source is None else nodes[model.source]
        return tangents(order, {source: 1.0}) if isinstance(source, Value) else {}
    return adjoints(order, {root: 1.0})


def _through(user: Box, nodes: Nodes, owner: Mapping[Box, Box]) -> Mapping[Any, float]:
    """The derivative of a box in each of the gates that it hides, the boxes around it held."""
    node = nodes[user]
    if not isinstance(node, Value):
        return {}
    around = [nodes[box] for box in nodes if owner.get(box, box) is not user]
    stop = [v for v in around if isinstance(v, Value)]
    return adjoints(nodes_below(node, stop=stop), {node: 1.0})


def _carried(
    nodes: Nodes,
    swept: Mapping[Any, float],
    edge: tuple[Box, int],
    through: Mapping[Any, float] | None,
) -> float | None:
    """What one edge carries; None where nothing passes. Swept forward it is what arrives at the
    end, `through` what is hidden.
    """
    inner, place = edge
    node, operand = nodes[inner], nodes[operands_of(inner)[place]]
    if not isinstance(node, Value) or not isinstance(operand, Value):
        return None
    local, onward = local_gradients(node)[place], None
    if local is None:
        return None
    if through is None:
        onward = swept.get(node)
    elif operand in swept:
        onward = swept[operand] * through.get(node, 0.0)
    return None if onward is None else onward * local
