"""Groups of the user's own: gates that were recorded together, or that stand between a module's
parameters and its outputs, in one box.

A group is an attribute of the Values that were recorded in it. Closed, it has the wires that come
into it from outside, each with the local gradient of the whole; with several outputs it is drawn
like a layer, a bar for each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager

from .. import modes, ops
from ..graph import topological_order
from ..support.text import shortened, visible
from .model import Box, Group, Wire, replaced, users_of
from .neurons import written_sums_read

LONGEST = 24  # characters of a name in a box
# what becomes of a total input in a loss, and is no activation of the module before it
AFTERWARDS = (ops.exp, ops.log, ops.neg)


@contextmanager
def group(name: str) -> Generator[None]:
    """Within it, what is recorded belongs together: `draw` can close it to one box of that name.

    A context manager and a decorator, as of a neuron's `__call__`; each call is a group of its own,
    and one within another is a part of it. `draw(e, close="neuron")` closes those of that name,
    "group" and "all" every one; large pictures close them by themselves. A Value has its group as
    the attribute `group`. Raises TypeError for a name that is no text, or empty.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f'a group has a name, as in `with group("neuron 3")`, not {name!r}')
    with modes.switched(group=Group(visible(name), modes.mode.get().group)):
        yield


def groups_closed(
    boxes: Sequence[Box],
    closes: Callable[[Group], bool],
    prepare: Callable[[list[Box]], list[Box]] = list,
) -> list[Box]:
    """The boxes with the outermost groups for which `closes` is true in one box each.

    `prepare` is what is done to weighted sums that were written out and are now read.
    """
    chosen: dict[Group, Group | None] = {}  # from a group to the outermost around it that closes
    for box in boxes:
        if box.group is not None and box.group not in chosen:
            found = [one for one in box.group.path() if closes(one)]
            chosen[box.group] = found[-1] if found else None
    if not any(chosen.values()):
        return list(boxes)
    of = {b: one for b in boxes if b.group is not None and (one := chosen[b.group]) is not None}
    boxes = prepare(written_sums_read(boxes, of))
    return _regions_closed(boxes, {box: one for box in boxes if (one := of.get(box)) is not None})


def depth(boxes: Iterable[Box]) -> int:
    """How many groups lie within each other at most."""
    return max((len(one.path()) for one in {box.group for box in boxes} if one), default=0)


def module_closed(
    boxes: Sequence[Box],
    name: str,
    parameters: Collection[Box],
    prepare: Callable[[list[Box]], list[Box]] = list,
) -> list[Box]:
    """The boxes with every call of a module in one box.

    A call is the gates that use its parameters, those between them, the additions of nothing else
    that follow, and an activation; calls that have no operand in common are apart.
    """
    whole = Group(name)
    inside = dict.fromkeys(_gates_of(boxes, parameters), whole)
    boxes = prepare(written_sums_read(boxes, inside))
    inside = dict.fromkeys(_gates_of(boxes, parameters), whole)
    of: dict[Box, Group] = {}
    for call in _calls(boxes, inside, parameters):
        of.update(dict.fromkeys(call, Group(name)))
    return _regions_closed(boxes, of, parameters)


def _gates_of(boxes: Sequence[Box], parameters: Collection[Box]) -> list[Box]:
    gates = [box for box in boxes if box.kind not in ("leaf", "constant")]
    after, before = set(parameters), set[Box]()
    for box in gates:
        if any(wire.source in after for wire in box.wires):
            after.add(box)
    for box in reversed(gates):
        if box in before or any(wire.source in parameters for wire in box.wires):
            before |= {box, *[wire.source for wire in box.wires]}
    users = users_of(boxes)
    found = [box for box in gates if box in after and box in before]
    known = {*found, *parameters}
    for box in gates:
        if box not in known and (_adds_only(box, known) or _activates(box, known, users)):
            known.add(box)
    return [box for box in gates if box in known]


def _adds_only(box: Box, known: Collection[Box]) -> bool:
    """Whether it adds up boxes that are known, and at most a 0 from which a sum began."""
    return (
        box.kind == "gate"
        and box.primitive.gate == "distributes"
        and any(wire.source.kind != "constant" for wire in box.wires)
        and all(
            wire.local == 1.0
            and (wire.source in known or (wire.source.kind, wire.source.value) == ("constant", 0.0))
            for wire in box.wires
        )
    )


def _activates(box: Box, known: Collection[Box], users: Mapping[Box, Sequence[Box]]) -> bool:
    """Whether it is an activation: the only user of a total input that is known."""
    if box.kind != "gate" or box.primitive.arity != 1 or box.primitive in AFTERWARDS:
        return False
    total = box.wires[0].source
    adds = total.is_weighted_sum or (total.kind == "gate" and total.primitive.gate == "distributes")
    return total in known and adds and len(users[total]) == 1


def _calls(
    boxes: Sequence[Box], inside: Mapping[Box, Group], parameters: Collection[Box]
) -> list[list[Box]]:
    """The gates of a module, those together that lead to each other or have an operand in common
    which is no parameter.
    """
    parents: dict[Box, Box] = {}

    def root(box: Box) -> Box:
        while parents.setdefault(box, box) is not box:
            parents[box] = parents[parents[box]]
            box = parents[box]
        return box

    for box in inside:
        for wire in box.wires:
            if wire.source not in parameters and wire.source.kind != "constant":
                parents[root(wire.source)] = root(box)
    calls: dict[Box, list[Box]] = defaultdict(list)
    for box in boxes:
        if box in inside:
            calls[root(box)].append(box)
    return list(calls.values())


def _regions_closed(
    boxes: Sequence[Box], of: Mapping[Box, Group], own: Collection[Box] = ()
) -> list[Box]:
    """The boxes with each region in one box, or in several where one would depend on itself;
    constants and parameters that only regions use are in these.
    """
    users = users_of(boxes)
    hidden = {
        box
        for box in boxes
        if (box.kind == "constant" or box.role == "parameter" or box in own)
        and all(user in of for user in users[box])
    }
    parts: dict[object, list[Box]] = defaultdict(list)
    for box, place in _parts(boxes, of).items():
        parts[place].append(box)
    by: dict[Box, Box] = {}
    for members in parts.values():
        whole = _closed(members, of[members[0]], users, boxes)
        whole.wires = [wire for wire in whole.wires if wire.source not in hidden]
        by.update(dict.fromkeys(members, whole))
    return replaced([box for box in boxes if box not in hidden], by)


def _parts(boxes: Sequence[Box], of: Mapping[Box, Group]) -> dict[Box, tuple[Group, int]]:
    """For each box in a region the part of it that it is in: the region itself, where all regions
    can be closed at once; else what lies between two wires that leave it and come back.
    """
    found = {box: (one, 0) for box, one in of.items()}
    operands: dict[object, list[object]] = defaultdict(list)
    for box in boxes:
        here = found.get(box, box)
        below = [found.get(wire.source, wire.source) for wire in box.wires]
        operands[here] += [one for one in below if one != here]
    try:
        topological_order(list(operands), operands.__getitem__)
    except ValueError:  # it would be a cycle
        return _layers(boxes, of)
    return found


def _layers(boxes: Sequence[Box], of: Mapping[Box, Group]) -> dict[Box, tuple[Group, int]]:
    """Parts that no cycle can lead through: as many wires between regions lead to each."""
    steps: dict[Box, int] = {}
    for box in boxes:
        below = [steps[w.source] + (of.get(w.source) is not of.get(box)) for w in box.wires]
        steps[box] = max(below, default=0)
    return {box: (one, steps[box]) for box, one in of.items()}


def _closed(
    members: Sequence[Box],
    region: Group,
    users: Mapping[Box, Sequence[Box]],
    boxes: Sequence[Box],
) -> Box:
    """One box for all, like a neuron where it has one output, and else like a layer."""
    inside = set(members)
    ends = [b for b in members if b is boxes[-1] or any(u not in inside for u in users[b])]
    outputs = [one for end in ends for one in (end.members if end.kind == "layer" else [end])]
    symbol, note = shortened(region.name, LONGEST), f"{region.name}: {len(members)} gates"
    stale = any(box.stale for box in outputs)
    if len(outputs) > 1:
        wires = _wires_into(members, inside, None)
        return Box(
            "layer",
            symbol=symbol,
            stale=stale,
            wires=wires,
            members=outputs,
            note=note,
            group=region.around,
        )
    (out,) = outputs
    out.became = closed = Box(
        "neuron",
        out.name,
        symbol,
        value=out.value,
        derivative=out.derivative,
        stale=stale,
        wires=_wires_into(members, inside, out),
        note=note,
        label=out.label,
        row=out.row,
        operands=out.operands,
        group=region.around,
    )
    return closed


def _wires_into(members: Sequence[Box], inside: Collection[Box], out: Box | None) -> list[Wire]:
    """The wires from outside, one a box there, with the gradient of `out` in it, if there is one
    output.
    """
    slopes: dict[Box, float] = {} if out is None else {out: 1.0}
    counts: dict[Box, int] = {}
    for box in reversed(members):
        for wire in box.wires:
            if wire.source not in inside:
                counts[wire.source] = counts.get(wire.source, 0) + wire.count
            if box in slopes and wire.local is not None:
                slopes[wire.source] = slopes.get(wire.source, 0.0) + slopes[box] * wire.local
    return [
        Wire(source, slopes.get(source), counts[source] if out is None or source.is_several else 1)
        for source in reversed(counts)
    ]
