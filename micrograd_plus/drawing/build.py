"""The first stage of a picture: from a graph of Values to the boxes and wires of a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..chain_rule.naming import SUBSCRIPTS, called, named_by
from ..checks import stale_nodes
from ..engine import Value, adjoints, known_gradient, nodes_below, tangents, value_operands
from ..support.formulas import unicode
from ..support.text import visible
from .model import BEYOND, Box, Mode, Model, add_boxes, stubbed, with_constants

# Values above which only the tenth part of so many, nearest the output, are looked at
HUGE = 20_000


def build(
    root: Value,
    mode: Mode = "reverse",
    wrt: Value | str | None = None,
    names: Mapping[str, Any] | None = None,
) -> Model:
    """The model of the whole graph below `root`, one box a Value and one a constant operand."""
    order = nodes_below(root)
    named = named_by(names)
    labels = {v: visible(label) for v in order if (label := v.label or named.get(v, ""))}
    titles = {v: unicode(label) for v, label in labels.items()}
    stale = _stale(order)
    derivatives: Mapping[Value, float | None] = {v: known_gradient(v) for v in order}
    source = None
    if mode == "forward":
        source = _source(order, wrt, names)
        found = tangents(order, {source: 1.0})
        derivatives = {v: found.get(v, 0.0) for v in order}
    gathered = mode == "reverse" and _are_gathered(order, derivatives)
    boxes: dict[Value, Box] = {}
    if len(order) > HUGE:
        near = _nearest(root, HUGE // 10)
        order = [v for v in order if v in near]
        boxes = {o: BEYOND for v in order for o in value_operands(v) if o not in near}
    made = add_boxes(order, derivatives, boxes)
    places = _places(order)
    for v in order:
        boxes[v].name = titles.get(v) or places.get(v, "")
        boxes[v].label = labels.get(v, "")
        boxes[v].stale = v in stale
    swept = (
        ""
        if source is None
        else titles.get(source) or (boxes[source].title if source in boxes else "leaf")
    )
    return Model(stubbed(with_constants(made)), mode, swept, gathered)


def _stale(order: Sequence[Value]) -> set[Value]:
    """The nodes that an edit since they were computed has reached, through however many others."""
    stale = {v for v, _ in stale_nodes(order)}
    if stale:
        for v in order:
            if not stale.isdisjoint(value_operands(v)):
                stale.add(v)
    return stale


def _places(order: Iterable[Value]) -> dict[Value, str]:
    """What books call the nameless parameters of a neuron:
    b for its bias, w₁ w₂ ... for its weights.
    """
    places: dict[Value, str] = {}
    for v in order:
        if v.primitive is not None and v.primitive.is_weighted_sum:
            for i, operand in enumerate(v.operands[: len(v.operands) // 2 + 1]):
                if type(operand) is not float and operand.primitive is None:
                    places.setdefault(operand, f"w{i}".translate(SUBSCRIPTS) if i else "b")
    return places


def _are_gathered(order: Sequence[Value], derivatives: Mapping[Value, float | None]) -> bool:
    """Whether known gradients differ from those that one backward pass from the last node would
    give.
    """
    known = {v: gradient for v in order if (gradient := derivatives[v]) is not None}
    found = adjoints(order, {order[-1]: 1.0}) if known else {}
    return any(abs(known[v] - found.get(v, 0.0)) > 1e-9 * abs(known[v]) for v in known)


def _nearest(root: Value, count: int) -> set[Value]:
    """So many Values nearest to the root, by the number of gates between."""
    near, waiting = {root}, deque([root])
    while waiting:
        for operand in value_operands(waiting.popleft()):
            if operand not in near:
                if len(near) == count:
                    return near
                near.add(operand)
                waiting.append(operand)
    return near


def _source(
    order: Sequence[Value], wrt: Value | str | None, names: Mapping[str, Any] | None
) -> Value:
    source = wrt
    if isinstance(wrt, str):
        try:
            source = called(wrt, order, names)
        except ValueError as error:
            raise ValueError(f"wrt: {error}") from None
    for v in order:
        if v is source:
            return v
    raise ValueError(
        f"forward mode sweeps from a node of the graph, and wrt={wrt!r} is none: pass one, "
        "or its label"
    )
