"""Stretches of a graph that repeat, a recurrence or the terms of a sum, each as one box "× 97".

The boxes of a model stand in the order in which they are evaluated, so what is computed again and
again repeats itself in it, a period apart: the same gates on operands that either are the same box
each time, or stand one period further on. The first time and the last stay open.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .model import Box, replaced

LEAST = 6  # times that something is repeated before it is closed
LONGEST = 400  # boxes that a period may have
NEAREST = 3  # how many boxes like it, before a box, say what the period may be
TRIED = 12  # periods, the likeliest first
CLOSABLE = ("gate", "neuron", "layer")
WORK = 400_000  # comparisons of two boxes: a quarter of a second


@dataclass(frozen=True)
class Stretch:
    """The boxes from `begin` up to `end`, which repeat after every `period`."""

    begin: int
    end: int
    period: int

    @property
    def times(self) -> int:
        """How often all of it is there."""
        return (self.end - self.begin) // self.period

    @property
    def hidden(self) -> range:
        """The places of the boxes between the first time and the last."""
        last = self.begin + (self.times - 1) * self.period
        return range(self.begin + self.period, last)


def stretches_closed(boxes: Sequence[Box], found: Sequence[Stretch]) -> list[Box]:
    """The boxes with what is repeated closed, but for the first time and the last."""
    if not found:
        return list(boxes)
    by: dict[Box, Box] = {}
    for stretch in found:
        hidden = [boxes[i] for i in stretch.hidden]
        by.update(dict.fromkeys(hidden, _closed(hidden, stretch)))
    return replaced(boxes, by)


def boxes_left(boxes: Sequence[Box], found: Sequence[Stretch]) -> int:
    """How many boxes there would be, constants not counted."""
    hidden = {i for stretch in found for i in stretch.hidden}
    return sum(box.kind != "constant" for i, box in enumerate(boxes) if i not in hidden)


def stretches(boxes: Sequence[Box]) -> list[Stretch]:
    """Stretches that do not overlap, found again and again in what is left, the longest first; as
    many as can be found with so much work.
    """
    operands = _operands(boxes)
    likes = [_like(box) for box in boxes]
    found: list[Stretch] = []
    waiting, work = [(0, len(boxes))], WORK
    while waiting and work > 0:
        begin, end = waiting.pop()
        work -= TRIED * (end - begin)
        runs = list(_runs(likes, operands, begin, end))
        if runs:
            best = max(runs, key=lambda run: (len(run.hidden), -run.period))
            best = _aligned(best, operands)
            found.append(best)
            rest = [(begin, best.begin), (best.end, end)]
            waiting += [(a, b) for a, b in rest if b - a >= LEAST]
    return found


def _operands(boxes: Sequence[Box]) -> list[tuple[int, ...]]:
    places = {box: i for i, box in enumerate(boxes)}
    return [tuple([places[wire.source] for wire in box.wires]) for box in boxes]


def _like(box: Box) -> tuple[object, ...]:
    return box.kind, box.primitive or box.symbol, len(box.wires)


def _runs(
    likes: Sequence[object], operands: Sequence[tuple[int, ...]], begin: int, end: int
) -> Iterator[Stretch]:
    """For each period that suggests itself the longest stretch between two places."""
    for period in _periods(likes, begin, end):
        start = begin
        for i in range(begin, end - period + 1):
            more = i < end - period and _repeats(likes, operands, i, period)
            if not more:
                run = Stretch(start, i + period, period)
                computes = any(operands[j] for j in range(start, start + period))
                if run.times >= LEAST and computes:  # leaves alone are no stretch
                    yield run
                start = i + 1


def _periods(likes: Sequence[object], begin: int, end: int) -> list[int]:
    """How far boxes that are alike stand apart, the commonest distances first."""
    distances: Counter[int] = Counter()
    places: dict[object, list[int]] = defaultdict(list)
    for i in range(begin, end):
        before = places[likes[i]]
        distances.update([i - j for j in before[-NEAREST:]])
        before.append(i)
    common = [d for d, times in distances.most_common() if d <= LONGEST and times >= LEAST - 1]
    return common[:TRIED]


def _repeats(
    likes: Sequence[object], operands: Sequence[tuple[int, ...]], i: int, period: int
) -> bool:
    """Whether the box one period on does with its operands what this one does with its own."""
    return likes[i] == likes[i + period] and all(
        later in (o, o + period) for o, later in zip(operands[i], operands[i + period])
    )


def _aligned(run: Stretch, operands: Sequence[tuple[int, ...]]) -> Stretch:
    """The stretch begun where the fewest boxes of one time are used in the next, and among such
    places where its last time ends with the stretch.
    """
    users: dict[int, int] = {}
    for i in range(run.begin, run.end):
        for o in operands[i]:
            users[o] = max(users.get(o, 0), i)

    def crossing(shift: int) -> int:
        begin = run.begin + shift
        edge = begin + run.period
        return sum(users.get(i, 0) >= edge for i in range(begin, edge))

    length = run.end - run.begin
    shift = min(range(run.period), key=lambda s: (crossing(s), (length - s) % run.period))
    shifted = Stretch(run.begin + shift, run.end, run.period)
    return shifted if shifted.times >= LEAST - 1 else run


def _closed(hidden: Sequence[Box], stretch: Stretch) -> Box:
    times = stretch.times - 2
    last = hidden[-1]
    gates = [box.symbol for box in hidden[: stretch.period] if box.kind in CLOSABLE]
    closed = Box(
        "stretch",
        symbol=f"× {times}",
        primitive=last.primitive,
        value=last.value,
        derivative=last.derivative,
        stale=any(box.stale for box in hidden),
        wires=[wire for box in hidden for wire in box.wires],
        members=list(hidden),
        note=f"{times} times more: {', '.join(gates)}",
        row=last.row,
        operands=last.operands,
    )
    last.became = closed
    return closed
