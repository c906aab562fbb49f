"""A picture in time: the forward pass gate by gate, the seed, then derivatives edge by edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

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
    derivatives = {_seed(copy): 1.0}
    for step in _steps(copy, derivatives):
        derivatives[step.target] = step.total
    for box in copy.boxes:
        box.derivative = derivatives.get(box, 0.0 if box.kind in REACHED else None)
    return copy


@dataclass(frozen=True)
class _Step:
    """One edge of a sweep: what comes along it, and what its target had before and has then."""

    wire: Wire
    source: Box
    target: Box
    passed: float
    before: float | None

    @property
    def carried(self) -> float:
        return (self.wire.local or 0.0) * self.passed

    @property
    def total(self) -> float:
        return self.carried if self.before is None else self.before + self.carried


def _steps(model: Model, derivatives: Mapping[Box, float]) -> Iterator[_Step]:
    """The edges that carry something, in the order of the sweep, by the derivatives as they are
    when each is asked for.
    """
    forward = model.mode == "forward"
    for user in model.boxes if forward else reversed(model.boxes):
        for wire in user.wires:
            source, target = (wire.source, user) if forward else (user, wire.source)
            passed = derivatives.get(source)
            if passed is not None and wire.local is not None and target.kind != "constant":
                yield _Step(wire, source, target, passed, derivatives.get(target))


def _seed(model: Model) -> Box:
    return next((box for box in model.boxes if box.is_source), model.boxes[-1])


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
    derivatives = {_seed(model): 1.0}
    sentence = f"{_called(_seed(model))} by itself: 1."
    now = replace(now, derivatives=dict(derivatives), sentence=sentence)
    yield now
    for step in _steps(model, derivatives):
        derivatives[step.target] = step.total
        carried = now.carried | {step.wire}
        sentence = _told(step, style)
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


def _told(step: _Step, style: Style) -> str:
    local, other = style.number(step.wire.local or 0.0), style.number(step.passed)
    carries = style.number(step.carried)
    text = f"{_called(step.source)} → {_called(step.target)}: local {local} · {other} = {carries}."
    if step.before is None:
        return text
    return f"{text} So far {style.number(step.before)}, and {carries}: {style.number(step.total)}."
