"""A picture in time: the forward pass gate by gate, the seed, then derivatives edge by edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..support.text import shortened
from .model import Box, Model, Wire
from .style import Style
from .texts import Moment

REACHED = ("leaf", "gate", "neuron")  # boxes that have a derivative, if only 0


def settled(model: Model) -> Model:
    """A copy of the model whose derivatives are those of its output alone, whatever passes ran."""
    copies: dict[Box, Box] = {}
    for box in model.boxes:
        copies[box] = replace(box, wires=[], derivative=None, stale=False)
    for box in model.boxes:
        copies[box].wires = [
            Wire(copies.get(wire.source, wire.source), wire.local, wire.count) for wire in box.wires
        ]
    copy = replace(model, boxes=list(copies.values()), gathered=False)
    *_, last = moments(copy, Style())
    for box in copy.boxes:
        box.derivative = last.derivatives.get(box)
    return copy


def moments(model: Model, style: Style) -> Iterator[Moment]:
    """What is known step by step: the leaves, each gate, the seed, and each edge that carries
    something.
    """
    given = [box for box in model.boxes if not box.wires]
    now = Moment(frozenset(given), {}, frozenset(), "What is given.")
    yield now
    for box in model.boxes:
        if box.wires:
            now = replace(now, values=now.values | {box}, sentence=_forward(box, style))
            yield now
    seed = next((b for b in model.boxes if b.is_source), model.boxes[-1])
    now = replace(now, derivatives={seed: 1.0}, sentence=f"{_called(seed)} by itself: 1.")
    yield now
    for wire, user in _edges(model):
        source, target = (wire.source, user) if model.mode == "forward" else (user, wire.source)
        passed = now.derivatives.get(source)
        if passed is None or wire.local is None or target.kind == "constant":
            continue
        before = now.derivatives.get(target)
        total = wire.local * passed if before is None else before + wire.local * passed
        sentence = _carried(style, wire, user, passed, before, total, model.mode == "forward")
        derivatives = {**now.derivatives, target: total}
        now = replace(now, derivatives=derivatives, carried=now.carried | {wire}, sentence=sentence)
        yield now
    missed = [b for b in model.boxes if b.kind in REACHED and b not in now.derivatives]
    if missed:
        sentence = f"Nothing reaches {', '.join(map(_called, missed[:3]))}: 0."
        yield replace(
            now, derivatives=now.derivatives | dict.fromkeys(missed, 0.0), sentence=sentence
        )


def _edges(model: Model) -> Iterator[tuple[Wire, Box]]:
    """The wires with the boxes that they go into, in the order of the sweep."""
    forward = model.mode == "forward"
    for box in model.boxes if forward else reversed(model.boxes):
        for wire in box.wires:
            if wire.source.kind != "cut":
                yield wire, box


def _called(box: Box) -> str:
    return shortened(box.title, 16)


def _forward(box: Box, style: Style) -> str:
    operands = [f"{_called(w.source)} = {style.number(w.source.value)}" for w in box.wires]
    if box.kind == "layer":
        return f"{_called(box)} from {len(operands)} inputs."
    told = ", ".join(operands[:4]) + (" …" if len(operands) > 4 else "")
    return f"{_called(box)} ({box.symbol}) from {told}: {style.number(box.value)}."


def _carried(
    style: Style,
    wire: Wire,
    user: Box,
    passed: float,
    before: float | None,
    total: float,
    forward: bool,
) -> str:
    source, target = (wire.source, user) if forward else (user, wire.source)
    local, other = style.number(wire.local or 0.0), style.number(passed)
    carries = style.number((wire.local or 0.0) * passed)
    text = f"{_called(source)} → {_called(target)}: local {local} · {other} = {carries}."
    if before is None:
        return text
    return f"{text} So far {style.number(before)}, and {carries}: {style.number(total)}."
