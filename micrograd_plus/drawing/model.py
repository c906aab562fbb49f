"""What a picture shows: boxes and wires, plain data from which every form
of a picture is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..chain_rule.naming import OUTPUT
from ..chain_rule.rules import bracketed_name
from ..engine import Value, local_gradients
from ..graph import topological_order
from ..support.text import number

Mode = Literal["reverse", "forward"]
Asked = Literal["open", "closed"]
Kind = Literal["leaf", "gate", "constant", "neuron", "layer", "stretch", "cut"]

RULES = {
    "distributes": "passes its gradient on to every operand",
    "swaps": "hands each operand the gradient times the other one",
    "routes": "sends its gradient where the value came from",
    "scales": "scales its gradient by its slope",
    "blocks": "passes no gradient",
}


@dataclass(frozen=True, eq=False)
class Group:
    """One stay within a group, which is no other stay's, and the group around it."""

    name: str
    around: Group | None = None

    def __str__(self) -> str:
        return self.name

    def path(self) -> list[Group]:
        """It and those around it, from inside."""
        within: Group | None = self
        found = []
        while within is not None:
            found.append(within)
            within = within.around
        return found


@dataclass(eq=False, repr=False)
class Box:
    """A leaf, gate, constant, closed neuron or layer, or a cut:
    its texts, its numbers, and the wires that come in.
    """

    kind: Kind
    name: str = ""
    symbol: str = ""
    primitive: Any = None
    value: float = 0.0
    derivative: float | None = None
    stale: bool = False
    wires: list[Wire] = field(default_factory=list)
    members: list[Box] = field(default_factory=list)
    note: str = ""
    label: str = ""  # the name as it was written, perhaps with formulas; `name` is Unicode
    role: str = ""  # "parameter" or "input", of a leaf
    group: Group | None = None  # of the user's own
    fill: str = ""  # a colour that somebody asked for
    asked: Asked | None = None  # for this very box
    is_focus: bool = False  # what lies around it is shown
    is_source: bool = False  # of a forward sweep
    # what computes its value, whatever is open or closed: some of these are perhaps not shown
    row: Any = None
    operands: tuple[Box, ...] = ()
    node: Value | None = None  # whose box it is; None of what is closed, opened or a plain number
    became: Box | None = None  # the one that stands in its place, where it is shown otherwise

    def text(self) -> str:
        """Its value in print."""
        return number(self.value)

    @property
    def title(self) -> str:
        """The name or, for want of one, the symbol."""
        return self.name or self.symbol or "leaf"

    @property
    def is_several(self) -> bool:
        """Whether it stands for several boxes, so that a wire to or from it may be many."""
        return self.kind in ("layer", "stretch", "cut")

    @property
    def is_weighted_sum(self) -> bool:
        """Whether it is the total input of a neuron: a bias, weights and inputs in one gate."""
        return self.primitive is not None and self.primitive.is_weighted_sum

    @property
    def whole(self) -> bool:
        """Whether all its operands are there."""
        return not any(wire.source.kind == "cut" for wire in self.wires)

    @property
    def is_apart(self) -> bool:
        """Whether all its operands are there, each a box of its own."""
        return not any(wire.source.is_several for wire in self.wires)


@dataclass(eq=False, repr=False)
class Wire:
    """An operand on its way into a gate, with the local gradient; None where no gradient passes."""

    source: Box
    local: float | None
    count: int = 1
    carried: float | None = None  # what several edges of the graph, drawn as one, carry together


BEYOND = Box("cut", note="what lies further from the output is not drawn")


@dataclass(eq=False, repr=False)
class Model:
    """The boxes of a picture, operands before their users and the output last."""

    boxes: list[Box]
    mode: Mode
    wrt: str
    # gradients are not those of this output alone: of a later one, or summed over passes
    gathered: bool = False
    # that shall be closed: the name of each, and its parameters
    modules: Sequence[tuple[str, list[Box]]] = ()
    unseen: Box | None = None  # the output, where it lies too far away to be drawn

    @property
    def last(self) -> Box:
        """The box of the output, drawn or not."""
        return self.unseen or self.boxes[-1]

    @property
    def stale(self) -> bool:
        """Whether a leaf was edited since the values were computed."""
        return any(box.stale for box in self.boxes)

    @property
    def known(self) -> bool:
        """Whether there are derivatives to show."""
        return any(box.derivative is not None for box in self.boxes)

    @property
    def source(self) -> Box | None:
        """The box that a forward sweep starts from, where it is shown."""
        return next((box for box in self.boxes if box.is_source), None)

    @property
    def seed(self) -> Box:
        """The box whose derivative is 1 by itself: the source of the sweep or the output."""
        return self.source or self.boxes[-1]

    def derivative_name(self, box: Box) -> str:
        """How a book would write the derivative of this box:
        ∂e/∂a, or ∂a/∂b swept forward from b.
        """
        ends = (box.title, self.wrt)
        if self.mode == "reverse":
            ends = self.output, box.title if box is not self.last else self.output
        return "/".join(f"∂{bracketed_name(end)}" for end in ends)

    @property
    def output(self) -> str:
        """What the output is called."""
        last = self.last
        return last.name or (OUTPUT if last.kind != "leaf" else "leaf")

    def hint(self, box: Box) -> str:
        """A sentence about a box, for pointing at it."""
        text = (
            f"{box.title} = {box.value + 0.0!r}" if box.kind not in ("cut", "layer") else box.title
        )
        if box.derivative is not None and box.kind != "constant":
            name = "gradient" if self.gathered else self.derivative_name(box)
            text += f"\n{name} = {box.derivative + 0.0!r}"
        if box.kind == "gate":
            text += f"\n{box.primitive.name} {RULES[box.primitive.gate]}"
        return text + (f"\n{box.note}" if box.note else "")

    def contribution(self, wire: Wire, user: Box) -> float | None:
        """What a wire carries, local gradient × upstream; None where nothing passes or is known."""
        if wire.carried is not None:
            return wire.carried
        other = wire.source.derivative if self.mode == "forward" else user.derivative
        return None if wire.local is None or other is None else wire.local * other

    def wire_hint(self, wire: Wire, user: Box) -> str:
        """The multiplication that happens on a wire, as a sentence."""
        if wire.local is None:
            return f"no gradient passes from {user.title} to {wire.source.title}"
        if self.mode == "forward" and wire.source.derivative is not None:
            return product_sentence(wire.local, "tangent", wire.source.derivative)
        if self.mode == "reverse" and user.derivative is not None:
            return product_sentence(wire.local, "upstream", user.derivative)
        return f"local gradient {wire.local + 0.0!r}"


def product_sentence(local: float, name: str, other: float) -> str:
    """[local 3] × [upstream 1] = 3."""
    return f"[local {number(local)}] × [{name} {number(other)}] = {number(local * other)}"


def add_boxes(
    order: Sequence[Value], derivatives: Mapping[Value, float | None], boxes: dict[Value, Box]
) -> list[Box]:
    """A new box for every Value in topological `order` that has none in `boxes` yet,
    where they are put too.
    """
    new = []
    for v in order:
        if v not in boxes:
            operands = tuple(
                [Box("constant", value=o) if type(o) is float else boxes[o] for o in v.operands]
            )
            wires = [Wire(box, local) for box, local in zip(operands, local_gradients(v))]
            boxes[v] = Box(
                "gate" if v.primitive else "leaf",
                "",
                v.primitive.symbol if v.primitive else "",
                v.primitive,
                v.data,
                derivatives.get(v),
                wires=wires,
                row=v.primitive,
                operands=operands,
                node=v,
            )
            new.append(boxes[v])
    return new


def with_constants(boxes: Iterable[Box]) -> list[Box]:
    """The boxes, each behind the constants that only it uses."""
    return [
        b
        for box in boxes
        for b in (*(w.source for w in box.wires if w.source.kind == "constant"), box)
    ]


def stubbed(boxes: Iterable[Box]) -> list[Box]:
    """The boxes, each behind a stub in place of those of its operands that are not among them."""
    boxes = list(boxes)
    shown = set(boxes)
    kept = []
    for box in boxes:
        left_out = sum(wire.count for wire in box.wires if wire.source not in shown)
        if left_out:
            stub = Box("cut", symbol=f"… {left_out} more", note=BEYOND.note)
            kept.append(stub)
            box.wires = [w for w in box.wires if w.source in shown] + [Wire(stub, None, left_out)]
        kept.append(box)
    return kept


def users_of(boxes: Iterable[Box]) -> dict[Box, list[Box]]:
    """For each box those that it is wired to, one for each wire."""
    users: dict[Box, list[Box]] = defaultdict(list)
    for box in boxes:
        for wire in box.wires:
            users[wire.source].append(box)
    return users


def replaced(boxes: Iterable[Box], by: Mapping[Box, Box]) -> list[Box]:
    """The boxes with those in `by` replaced, each replacement listed once, and operands before
    their users; wires side by side, to or from a box that stands for several, are made one.
    """
    kept = dict.fromkeys(by.get(box, box) for box in boxes)
    for box in kept:
        wires: dict[object, Wire] = {}
        for place, wire in enumerate(box.wires):
            source = by.get(wire.source, wire.source)
            if source is not box:
                beside = source if box.is_several or source.is_several else place
                merged = wires.setdefault(beside, Wire(source, wire.local, 0))
                merged.count += wire.count
                merged.local = wire.local if merged.count == wire.count else None
        box.wires = list(wires.values())
    return topological_order(kept, lambda box: [wire.source for wire in box.wires])
