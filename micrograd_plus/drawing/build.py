"""The first stage of a picture: from a graph of Values to the boxes and wires of a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..chain_rule.naming import SUBSCRIPTS, called, named_by
from ..checks import stale_nodes
from ..engine import Value, adjoints, known_gradient, nodes_below, tangents, value_operands
from ..support.formulas import unicode
from ..support.text import visible
from .model import BEYOND, Asked, Box, Group, Mode, Model, add_boxes, stubbed, with_constants
from .style import require_color

# Values above which only the tenth part of so many, nearest the output, are looked at
HUGE = 20_000
ASKS = {"wrt": "forward mode sweeps from", "around": "what is drawn lies around"}
# for what is coloured by an attribute: light enough to read on (Okabe and Ito 2008, lightened)
SHADES = ("#cfe4f2", "#fbe3b9", "#c9ebdf", "#f6d5c1", "#efd8e6", "#f7f3b7", "#d9d9f3", "#e0e0e0")


@dataclass(frozen=True)
class Wishes:
    """What is asked of single Values: a colour, to be open or closed, to have the rest around."""

    color: str | Mapping[Any, str] | None = None
    opened: Collection[Value] = ()
    closed: Collection[Value] = ()
    around: Value | str | None = None
    modules: Sequence[Any] = ()  # to be closed


def build(
    root: Value,
    mode: Mode = "reverse",
    wrt: Value | str | None = None,
    names: Mapping[str, Any] | None = None,
    wishes: Wishes | None = None,
) -> Model:
    """The model of the whole graph below `root`, one box a Value and one a constant operand."""
    order = nodes_below(root)
    derivatives: Mapping[Value, float | None] = {v: known_gradient(v) for v in order}
    source = None
    if mode == "forward":
        source = _named(wrt, "wrt", order, names)
        found = tangents(order, {source: 1.0})
        derivatives = {v: found.get(v, 0.0) for v in order}
    gathered = mode == "reverse" and _are_gathered(order, derivatives)
    stale = _stale(order)
    boxes: dict[Value, Box] = {}
    if len(order) > HUGE:
        near = _nearest(root, HUGE // 10)
        order = [v for v in order if v in near]
        far = dict.fromkeys(o for v in order for o in value_operands(v) if o not in near)
        boxes = {o: Box("cut", value=o.data, note=BEYOND.note) for o in far}
    made = add_boxes(order, derivatives, boxes)
    _name(boxes, order, names)
    for v in order:
        boxes[v].stale = v in stale
    if wishes is not None:
        _mark(boxes, order, names, wishes)
    modules = [_parameters_of(m, boxes) for m in (() if wishes is None else wishes.modules)]
    swept = "" if source is None else boxes.get(source, BEYOND).title
    if source in boxes:
        boxes[source].is_source = True
    return Model(stubbed(with_constants(made)), mode, swept, gathered, modules)


def _name(
    boxes: Mapping[Value, Box], order: Sequence[Value], names: Mapping[str, Any] | None
) -> None:
    """Give every box its name, by label or as books have it, its group,
    and leaves their role in a neuron.
    """
    named = named_by(names)
    for v in order:
        boxes[v].label = visible(v.label or named.get(v, ""))
        boxes[v].name = unicode(boxes[v].label)
        recorded_in = getattr(v, "group", None)  # or something else that the user calls so
        boxes[v].group = recorded_in if isinstance(recorded_in, Group) else None
    _name_parameters(boxes[v] for v in order)


def _mark(
    boxes: Mapping[Value, Box],
    order: Sequence[Value],
    names: Mapping[str, Any] | None,
    wishes: Wishes,
) -> None:
    """Note on the boxes what is asked of them."""
    for v, fill in _colors(order, wishes.color).items():
        boxes[v].fill = fill
    asked: tuple[tuple[Asked, Collection[Value]], ...] = (
        ("open", wishes.opened),
        ("closed", wishes.closed),
    )
    for word, values in asked:
        for v in values:
            if v not in boxes:
                raise ValueError(f"{v!r} shall be {word}, but is no node of this graph")
            boxes[v].asked = word
    if wishes.around is not None:
        boxes[_named(wishes.around, "around", order, names)].is_focus = True


def _parameters_of(module: Any, boxes: Mapping[Value, Box]) -> tuple[str, list[Box]]:
    """What a module is called, and those of its parameters that are in the graph."""
    parameters = [boxes[p] for p in module.parameters() if isinstance(p, Value) and p in boxes]
    name = type(module).__name__
    if not parameters:
        raise ValueError(f"the {name} shall be closed, but no parameter of it is in this graph")
    return name, [box for box in parameters if box.kind == "leaf"]


def _stale(order: Sequence[Value]) -> set[Value]:
    """The nodes that an edit since they were computed has reached, through however many others."""
    stale = {v for v, _ in stale_nodes(order)}
    if stale:
        for v in order:
            if not stale.isdisjoint(value_operands(v)):
                stale.add(v)
    return stale


def _name_parameters(boxes: Iterable[Box]) -> None:
    """Give the leaves that go into neurons their role, and the nameless parameters the names of
    books: b for a bias, w₁ w₂ ... for weights.
    """
    for neuron in boxes:
        if neuron.is_weighted_sum:
            weights = len(neuron.wires) // 2 + 1
            for i, wire in enumerate(neuron.wires):
                leaf = wire.source
                if leaf.kind == "leaf":
                    leaf.role = leaf.role or ("parameter" if i < weights else "input")
                    if i < weights:
                        leaf.name = leaf.name or (f"w{i}".translate(SUBSCRIPTS) if i else "b")


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


def _named(
    asked: Value | str | None,
    option: str,
    order: Sequence[Value],
    names: Mapping[str, Any] | None,
) -> Value:
    """The node of the graph that an option means, by itself or by its label."""
    node = asked
    if isinstance(asked, str):
        try:
            node = called(asked, order, names)
        except ValueError as error:
            raise ValueError(f"{option}: {error}") from None
    for v in order:
        if v is node:
            return v
    raise ValueError(
        f"{ASKS[option]} a node of the graph, and {option}={asked!r} is none: pass one, "
        "or its label"
    )


def _colors(order: Sequence[Value], color: str | Mapping[Any, str] | None) -> dict[Value, str]:
    """The Values that somebody gave a colour: by themselves, by label, or by an attribute."""
    if color is None:
        return {}
    if isinstance(color, str):
        marks = {v: mark for v in order if (mark := getattr(v, color, None)) is not None}
        shades = {
            mark: SHADES[i % len(SHADES)]
            for i, mark in enumerate(dict.fromkeys(map(str, marks.values())))
        }
        return {v: shades[str(mark)] for v, mark in marks.items()}
    for asked in color.values():
        require_color("color", asked)
    by_label = {key: asked for key, asked in color.items() if isinstance(key, str)}
    by_value = {key: asked for key, asked in color.items() if isinstance(key, Value)}
    found = {v: by_value.get(v, by_label.get(v.label, "")) for v in order}
    return {v: asked for v, asked in found.items() if asked}
