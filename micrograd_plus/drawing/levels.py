"""How much of a graph a picture shows: gates opened or folded, neurons and layers closed,
the far end cut off.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Literal

from ..chain_rule.naming import SUBSCRIPTS
from ..engine import Value, adjoints, nodes_below, tangents
from ..support.text import did_you_mean, listed, number
from .groups import depth, groups_closed, module_closed
from .layout import effort
from .model import Box, Group, Model, Wire, add_boxes, replaced, stubbed, users_of, with_constants
from .neurons import written_sums_read
from .stretches import boxes_left, stretches, stretches_closed
from .style import LABELLED

Collapse = Literal["auto", "none", "neuron", "layer"]

OPENED = 40  # boxes up to which a picture opens its dot gates, as slides do
CLOSED = 150  # boxes above which a picture closes something: groups, neurons, layers, stretches
READ = 60  # boxes up to which it then goes on
WORK = 5000  # the effort of layout that no picture may cost: well under a second
CUT = WORK // 2  # boxes that take as much, so no picture has more


@dataclass(frozen=True)
class Level:
    """How much is asked for. `collapse` closes neurons and layers; `opened` and `closed` name what
    else is: the kinds "neuron", "layer", "stretch", "group", groups and rows by name, boxes by
    label, or "all".
    """

    collapse: Collapse = "auto"
    fold_constants: bool = True
    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    steps: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.steps, int) or self.steps < 0:
            raise ValueError(f"steps must be a whole number of wires, not {self.steps!r}")

    def opens(self, box: Box) -> bool:
        """Whether a gate shall be shown as the simpler ones that it is made of."""
        if box.asked is not None:
            return box.asked == "open"
        names = {box.name, _row_of(box)} - {""}
        return bool(self.opened & (names | {"all"})) and not self.closed & names

    def closes(self, kind: str) -> bool:
        """Whether everything of a kind shall be closed."""
        return bool(self.closed & {"all", kind}) and kind not in self.opened

    def opens_group(self, group: Group) -> bool:
        """Whether a group of the user's own shall stay open, however large the picture."""
        return bool(self.opened & {"all", "group", group.name}) and group.name not in self.closed

    def closes_group(self, group: Group) -> bool:
        """Whether a group of the user's own shall be closed, however small the picture."""
        by_name = group.name in self.closed
        return by_name or (self.closes("group") and group.name not in self.opened)

    def prepare(self, boxes: list[Box]) -> list[Box]:
        """The boxes with the inputs of neurons among them, where numbers do not stay constants."""
        return inputs_named(boxes) if self.fold_constants else boxes

    def require_known(self, model: Model) -> None:
        """Raise ValueError for a word that is the name of nothing in the picture."""
        words = self.opened | self.closed
        if not words:
            return
        known = {"all", "group", "neuron", "layer", "stretch"}
        known |= {one.name for box in model.boxes if box.group for one in box.group.path()}
        known |= {box.name for box in model.boxes} | {_row_of(box) for box in model.boxes}
        for word in words:
            if word not in known:
                near = did_you_mean(word, known) or f"there are {listed(sorted(known - {''}))}"
                raise ValueError(f"there is nothing called {word!r} to open or close: {near}")


def _row_of(box: Box) -> str:
    return box.primitive.name if box.kind == "gate" else ""


def adjust(model: Model, level: Level, write: Callable[[float], str] = number) -> Model:
    """The model at the level of detail asked for; "auto" chooses one that can be read.

    `write` gives the text of a number, for constants that are folded into their gates.
    """
    level.require_known(model)
    boxes, collapse = _asked_closed(model, level), level.collapse
    begun = len(boxes) < len(model.boxes)
    boxes = level.prepare(boxes)
    automatic = collapse == "auto"
    if collapse == "none" or (automatic and _count_opened(boxes) <= OPENED):
        dots_too = replace(level, opened=level.opened | {"dot"})
        boxes = _opened(model, _cut(boxes, CUT), dots_too.opens)
    else:
        boxes = _opened(model, boxes, level.opens)
    near = _around(boxes, level.steps)
    unseen = boxes[-1] if near[-1] is not boxes[-1] else None
    boxes = _closed(near, level, begun)
    if level.fold_constants:
        boxes = _constants_folded(boxes, write)
    model = replace(model, boxes=boxes, unseen=unseen)
    if collapse == "none":
        return shrunk(model, WORK)
    if _count(boxes) > 2 * CLOSED or work_of(model) > WORK:
        # what is there can be read, since it is not all there
        return shrunk(model, WORK, LABELLED)
    return model


def _asked_closed(model: Model, level: Level) -> list[Box]:
    """The boxes with modules and groups closed, as asked for."""
    boxes = model.boxes
    for name, parameters in model.modules:
        boxes = module_closed(boxes, name, parameters, level.prepare)
    return groups_closed(boxes, level.closes_group, level.prepare)


def _around(boxes: list[Box], steps: int) -> list[Box]:
    """The boxes within so many wires of the one that they shall lie around, if there is one."""
    near = {box for box in boxes if box.is_focus}
    if not near:
        return boxes
    users, edge = users_of(boxes), near
    for _ in range(steps):
        edge = {b for box in edge for b in (*users[box], *[w.source for w in box.wires])} - near
        near |= edge
    return stubbed(box for box in boxes if box in near)


def _closed(boxes: list[Box], level: Level, begun: bool) -> list[Box]:
    """The boxes with stretches that repeat, neurons and layers closed, as asked for; or as little
    of it as makes a picture that can be read. `begun` says whether something was closed before.
    """
    automatic = level.collapse == "auto"
    most = READ if begun or _count(boxes) > CLOSED else CLOSED
    for inner in range(depth(boxes) if automatic else 0, 0, -1):
        if _count(boxes) > most:
            boxes = groups_closed(boxes, partial(_closes, level, inner), level.prepare)
    repeats = automatic and "stretch" not in level.opened
    asked = level.closes("stretch")
    last = asked and (level.closes("neuron") or level.closes("layer"))  # what repeats are these
    first = asked and not last
    found = stretches(boxes) if first or (repeats and _count(boxes) > most) else []
    if found and (first or boxes_left(boxes, found) <= OPENED):
        boxes = stretches_closed(boxes, found)
    asked = level.collapse in ("neuron", "layer") or level.closes("neuron")
    neurons = automatic and "neuron" not in level.opened
    if asked or level.closes("layer") or (neurons and _count(boxes) > most):
        boxes = written_sums_read(boxes)
        boxes = _neurons_closed(level.prepare(boxes))
    asked = level.collapse == "layer" or level.closes("layer")
    if asked or (neurons and "layer" not in level.opened and _count(boxes) > most):
        boxes = _layers_closed(boxes)
    if last or (repeats and _count(boxes) > most):
        boxes = stretches_closed(boxes, stretches(boxes))
    return boxes


def _closes(level: Level, inner: int, group: Group) -> bool:
    """Whether a group is so far inside others, and not to stay open."""
    return len(group.path()) >= inner and not level.opens_group(group)


def shrunk(model: Model, work: int, wires: float = math.inf) -> Model:
    """The model cut down until its layout takes no more than so much effort, and it has no more
    than so many wires.

    It is the model itself where that is so already.
    """

    def fits(shown: Collection[Box]) -> bool:
        operands = _wired(model.boxes, shown)
        return sum(map(len, operands)) <= wires and effort(operands) <= work

    if fits(set(model.boxes)):
        return model
    nearest = list(_nearest_first(model.boxes))
    fitting, too_many = 1, len(nearest)
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        if fits(_and_constants(nearest[:middle])):
            fitting = middle
        else:
            too_many = middle
    return replace(model, boxes=_cut(model.boxes, fitting))


def work_of(model: Model) -> int:
    """The effort of laying out a model."""
    return effort(_wired(model.boxes, set(model.boxes)))


def _wired(boxes: Iterable[Box], shown: Collection[Box]) -> list[list[int]]:
    """For each of the boxes that is shown the numbers of those it is wired from,
    a stub among them if it lost some.
    """
    numbers: dict[Box, int] = {}
    operands: list[list[int]] = []
    for box in boxes:
        if box in shown:
            below = [numbers[w.source] for w in box.wires if w.source in shown]
            if len(below) < len(box.wires):
                below.append(len(operands))
                operands.append([])
            numbers[box] = len(operands)
            operands.append(below)
    return operands


def _count(boxes: Iterable[Box]) -> int:
    return sum(box.kind != "constant" for box in boxes)


def inputs_named(boxes: Sequence[Box]) -> list[Box]:
    """The boxes with the plain numbers that go into weighted sums as boxes of their own: x₁, x₂ ...

    Neurons that see the same numbers have them in common.
    """
    known: dict[tuple[object, ...], list[Box]] = {}
    made: dict[Box, Box] = {}  # from a constant to the input that it is
    for box in boxes:
        if box.is_weighted_sum:
            wires = box.wires[len(box.wires) // 2 + 1 :]
            seen = tuple(map(_seen, wires))
            if seen not in known:
                known[seen] = [_as_input(place, wire) for place, wire in enumerate(wires, 1)]
            made.update(zip([wire.source for wire in wires], known[seen]))
    kept = dict.fromkeys(made.get(box, box) for box in boxes)
    for box in kept:
        for wire in box.wires:
            wire.source = made.get(wire.source, wire.source)
    for constant, leaf in made.items():
        if constant is not leaf:
            constant.became = leaf
    return list(kept)


def _as_input(place: int, wire: Wire) -> Box:
    """A box for a plain number; what has one already keeps it."""
    if wire.source.kind != "constant":
        return wire.source
    name = f"x{place}".translate(SUBSCRIPTS)
    note = "a plain number, so it has no gradient"
    return Box("leaf", name, value=wire.source.value, role="input", note=note)


def _count_opened(boxes: Iterable[Box]) -> int:
    return sum(max(1, len(box.wires) - 1) if box.is_weighted_sum else 1 for box in boxes)


def _opened(model: Model, boxes: list[Box], opens: Callable[[Box], bool]) -> list[Box]:
    """The boxes with some of the composite gates among them, each in the simpler ones inside it."""
    opened: list[Box] = []
    for box in boxes:
        if box.kind == "gate" and box.primitive.expansion and box.is_apart and opens(box):
            opened += _expansion(box, model.mode == "forward")
        if box.kind != "constant":  # an opened gate's go to the gates inside it
            opened.append(box)
    return with_constants(opened)


def _expansion(box: Box, forward: bool) -> list[Box]:
    """The boxes inside a composite gate, of which the given one becomes the last
    and is not listed.
    """
    operands = [
        w.source.value if w.source.kind == "constant" else Value(w.source.value) for w in box.wires
    ]
    made = {
        operand: wire.source
        for operand, wire in zip(operands, box.wires)
        if isinstance(operand, Value)
    }
    out = box.primitive.expansion(*operands)
    if out in made:  # a bias and nothing more: there is no gate inside
        return []
    order = nodes_below(out)
    if forward:
        found = tangents(
            order, {operand: source.derivative or 0.0 for operand, source in made.items()}
        )
    else:
        found = {} if box.derivative is None else adjoints(order, {out: box.derivative})
    *inside, last = add_boxes(order, dict(found), made)
    for b in inside:
        b.stale, b.group = box.stale, box.group
    box.symbol, box.primitive, box.wires = last.symbol, last.primitive, last.wires
    box.row, box.operands = last.row, last.operands
    return inside


def _constants_folded(boxes: Iterable[Box], write: Callable[[float], str]) -> list[Box]:
    folded = [box for box in boxes if box.kind != "constant"]
    for box in folded:
        constants = [write(w.source.value) for w in box.wires if w.source.kind == "constant"]
        alone = not constants and len(box.wires) == 1 and box.whole
        if box.kind == "gate" and box.primitive.folded and alone:
            box.symbol = box.primitive.folded[0]
        elif constants:
            if box.kind == "gate":
                box.symbol = _with_operands(box, constants)
            box.wires = [w for w in box.wires if w.source.kind != "constant"]
    return folded


def _with_operands(box: Box, constants: list[str]) -> str:
    if box.primitive.folded:
        left, right = box.primitive.folded
        text: str = left if box.wires[0].source.kind == "constant" else right
        return text.format(constants[0])
    return f"{box.symbol} {', '.join(constants)}" if len(constants) <= 2 else box.symbol


def _neurons_closed(boxes: list[Box]) -> list[Box]:
    """With every `dot`, its parameters and the activation that alone uses it in one box."""
    users = users_of(boxes)
    closed: dict[Box, Box] = {}  # from the box that gives a neuron's output to the neuron
    hidden: set[Box] = set()
    dots = [box for box in boxes if box.is_weighted_sum and box.whole]
    fed = {w.source for dot in dots for w in dot.wires[len(dot.wires) // 2 + 1 :]}
    for dot in dots:
        inputs = len(dot.wires) // 2  # a bias, as many weights, and they
        weights, wires = dot.wires[: inputs + 1], dot.wires[inputs + 1 :]
        out, local = dot, 1.0
        if len(users[dot]) == 1 and _takes_one(users[dot][0]):
            out = users[dot][0]
            local = out.wires[0].local if out.wires[0].local is not None else 0.0
            hidden.add(dot)
        own = {
            w.source
            for w in weights
            if w.source.kind in ("leaf", "constant")
            and w.source not in fed
            and all(u.is_weighted_sum for u in users[w.source])
        }
        hidden |= own
        # a weight that is computed, or an input too
        wires = [w for w in weights if w.source not in own] + wires
        name = out.symbol if out is not dot else "linear"
        closed[out] = Box(
            "neuron",
            out.name,
            name,
            out.primitive,
            out.value,
            out.derivative,
            out.stale,
            [Wire(w.source, None if w.local is None else w.local * local) for w in wires],
            note=f"a neuron: {name} of w·x + b with {inputs} weights",
            label=out.label,
            row=out.row,
            operands=out.operands,
            group=out.group,
        )
        out.became = closed[out]
    return replaced([box for box in boxes if box not in hidden], closed)


def _takes_one(box: Box) -> bool:
    return box.kind == "gate" and box.primitive.arity == 1


def _layers_closed(boxes: list[Box]) -> list[Box]:
    """With the neurons that see the same inputs through the same activation in one box."""
    groups: dict[tuple[object, ...], list[Box]] = defaultdict(list)
    for box in boxes:
        if box.kind == "neuron":
            groups[(box.symbol, *map(_seen, box.wires))].append(box)
    closed: dict[Box, Box] = {}
    for group in groups.values():
        if len(group) > 1:
            layer = Box(
                "layer",
                "",
                f"{len(group)} × {group[0].symbol}",
                group[0].primitive,
                members=group,
                stale=group[0].stale,
                wires=[Wire(w.source, None, len(group)) for w in group[0].wires],
                note=f"a layer of {len(group)} neurons with {len(group[0].wires)} inputs each",
            )
            closed.update(dict.fromkeys(group, layer))
    return with_constants(b for b in replaced(boxes, closed) if b.kind != "constant")


def _seen(wire: Wire) -> object:
    """What comes along a wire: a box; or, since every gate has constants of its own, a number."""
    return wire.source.value if wire.source.kind == "constant" else wire.source


def _cut(boxes: list[Box], limit: int) -> list[Box]:
    """The boxes nearest the output, up to a limit, with a stub wherever operands were left out."""
    near = _and_constants(islice(_nearest_first(boxes), limit))
    return boxes if len(near) == len(boxes) else stubbed(box for box in boxes if box in near)


def _nearest_first(boxes: Sequence[Box]) -> Iterator[Box]:
    """The boxes but for constants, by the number of gates between them and the output,
    which comes first.
    """
    waiting = deque(boxes[-1:])
    met = set(waiting)
    while waiting:
        box = waiting.popleft()
        yield box
        for wire in box.wires:
            if wire.source not in met and wire.source.kind != "constant":
                met.add(wire.source)
                waiting.append(wire.source)


def _and_constants(boxes: Iterable[Box]) -> set[Box]:
    """The boxes with the constants that go into them."""
    found = set(boxes)
    return found.union(w.source for box in found for w in box.wires if w.source.kind == "constant")
