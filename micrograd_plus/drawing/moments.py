"""A picture in time: the forward pass gate by gate, the seed, then derivatives edge by edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..support.text import shortened
from . import inside
from .model import Box, Mode, Model, Wire
from .style import Style
from .texts import Moment

REACHED = ("leaf", "gate", "neuron")  # boxes that have a derivative, if only 0


def settled(model: Model) -> Model:
    """A copy of the model whose derivatives are those of its output alone, whatever passes ran."""
    found, together = inside.derivatives(model)
    copies: dict[Box, Box] = {}
    for box in model.boxes:
        known = found.get(box, 0.0 if box.kind in REACHED else None)
        copies[box] = replace(box, wires=[], derivative=known, stale=False)
    for box in model.boxes:
        copies[box].wires = [
            replace(
                wire, source=copies.get(wire.source, wire.source), carried=together.get(id(wire))
            )
            for wire in box.wires
        ]
    return replace(model, boxes=list(copies.values()), gathered=False)


@dataclass(frozen=True)
class _Step:
    """One wire of a sweep: what comes along it, what its target had before and has then."""

    wire: Wire
    source: Box
    target: Box
    passed: float | None  # to multiply with the local gradient; None where several do so apart
    carried: float
    before: float | None

    @property
    def total(self) -> float:
        return self.carried if self.before is None else self.before + self.carried


def _steps(model: Model, derivatives: Mapping[Box, float]) -> Iterator[_Step]:
    """The wires that carry something, in the order of the sweep, by the derivatives as they are
    when each is asked for.
    """
    forward = model.mode == "forward"
    reached = {model.seed}
    for user in model.boxes if forward else reversed(model.boxes):
        for wire in user.wires:
            source, target = (wire.source, user) if forward else (user, wire.source)
            if source in reached and target.kind != "constant":
                carried, passed = wire.carried, derivatives.get(source)
                if carried is None and wire.local is not None and passed is not None:
                    carried = wire.local * passed
                if carried is not None:
                    reached.add(target)
                    together = wire.carried is not None
                    before = derivatives.get(target)
                    yield _Step(wire, source, target, None if together else passed, carried, before)


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
    derivatives = {model.seed: 1.0}
    sentence = f"{_called(model.seed)} by itself: 1."
    now = replace(now, derivatives=dict(derivatives), sentence=sentence)
    yield now
    last = {step.target: step.wire for step in _steps(model, dict.fromkeys(model.boxes, 1.0))}
    for step in _steps(model, derivatives):
        total = _total(step, last[step.target] is step.wire, model.mode)
        if total is not None:
            derivatives[step.target] = total
        carried = now.carried | {step.wire}
        sentence = _told(step, total, style)
        now = replace(now, derivatives=dict(derivatives), carried=carried, sentence=sentence)
        yield now
    missed = [b for b in model.boxes if b.kind in REACHED and b not in derivatives]
    if missed:
        sentence = f"Nothing reaches {', '.join(map(_called, missed[:3]))}: 0."
        derivatives |= dict.fromkeys(missed, 0.0)
        yield replace(now, derivatives=derivatives, sentence=sentence)


def _called(box: Box) -> str:
    return shortened(box.title, 16)


def _forward(box: Box, style: Style) -> str:
    operands = [f"{_called(w.source)} = {style.number(w.source.value)}" for w in box.wires]
    if box.kind == "layer":
        return f"{_called(box)} from {len(operands)} inputs."
    told = ", ".join(operands[:4]) + (" …" if len(operands) > 4 else "")
    return f"{_called(box)} ({box.symbol}) from {told}: {style.number(box.value)}."


def _total(step: _Step, is_last: bool, mode: Mode) -> float | None:
    """The derivative that a box has after a step; a layer has none of its own. In the end it is
    that of the sweep over the graph, which may add up in another order; a stretch has the gradient
    of its last gate.
    """
    known = step.target.derivative
    is_stretch = step.target.kind == "stretch" and mode == "reverse"
    if step.target.kind == "layer":
        return None
    if (is_last or (is_stretch and step.passed is None)) and known is not None:
        return known
    return step.total


def _told(step: _Step, total: float | None, style: Style) -> str:
    way = f"{_called(step.source)} → {_called(step.target)}"
    if total is None:
        return f"{way}: a gradient for each neuron."
    carries = style.number(step.carried)
    if step.passed is None:
        wires = f"{step.wire.count} wires, together" if step.wire.count > 1 else "it carries"
        text = f"{way}: {wires} {carries}."
    else:
        local = style.number(step.wire.local or 0.0)
        text = f"{way}: local {local} · {style.number(step.passed)} = {carries}."
    if step.before is None:
        return text
    return f"{text} So far {style.number(step.before)}, and {carries}: {style.number(total)}."
