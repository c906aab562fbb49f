"""How large every part of a picture is, and where it stands:
boxes, wires, and the numbers on the wires.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

from . import layered
from .labels import Rectangle, lying_on_others, place_labels, rectangle
from .layout import QUICK, Layout, Point, Rankdir, lay_out
from .mathlabels import set_label
from .model import Box, Wire
from .style import FEW, LABELLED, NUMBER, Style
from .texts import Lines, Spot, Texts, plain
from .widths import width

NAME = 14.0  # font sizes
SMALL = 11.0
CHIP = 12.0
WRITTEN = 13.4  # from one line on a wire to the next
LINE = 21.0  # from one line of a box to the next
PILL = 26.0  # the height of a constant
CARD = 28.0  # and of a box with its title alone
BARS = 34.0  # how much higher a layer is, for its bars

# of the gap between boxes, until every number has a place, and in a small picture one where it lies
# on no other wire; and where many wires might do with less on them
STRETCHES = (1.0, 1.5, 2.25, 3.5)
MANY_TOLD = STRETCHES[:2]
ENOUGH = 2.25  # of a stretch, if numbers lie on other wires only
CROSSED = 0.3  # how much larger a picture may be for each number that then lies on no other wire
WIDE_GAP = 130.0  # for hairlines
EDGE = 16.0  # how far a number may stand above or below the layout


@dataclass(frozen=True)
class Room:
    """What is left around things: inside a box, between boxes along the wires and across them."""

    inside: float
    along: float
    across: float
    line: float  # from one line of a box to the next
    stacked: float  # between boxes along the wires when these go up or down
    chip: float  # in a chip
    apart: float  # between name and chip


ROOMY = Room(inside=20.0, along=82.0, across=23.04, line=LINE, stacked=46.0, chip=14.0, apart=8.0)
COMPACT = Room(inside=8.0, along=22.0, across=10.0, line=16.0, stacked=22.0, chip=9.0, apart=5.0)
BARE = 20.0  # of a gap, where no number stands on a wire


@dataclass(frozen=True)
class Arrangement:
    """The places of a picture's parts, in points, y pointing down."""

    wires: list[tuple[Wire, Box]]  # each with the box that it goes into
    sizes: list[Point]  # of the boxes
    layout: Layout
    labels: list[Point | None]  # the centre of each wire's number, where it has one
    labelled: bool  # whether wires are curves with numbers, not hairlines
    missing: int  # numbers that have found no place
    left: float  # how far it all reaches
    right: float


def arrange(texts: Texts, rankdir: Rankdir, seconds: float | None) -> Arrangement:
    """Places for everything, no two texts on one spot, with more room between the boxes where that
    takes it.

    Raises TimeoutError when a layout takes longer than `seconds`, and ImportError, saying what to
    install, where there is no Graphviz; but neither up to about 80 boxes.
    """
    boxes, room = texts.model.boxes, room_of(texts.style)
    index = {box: i for i, box in enumerate(boxes)}
    wires = [(wire, box) for box in boxes for wire in box.wires]
    sizes = [box_size(texts, box) for box in boxes]
    ends = [(index[wire.source], index[box]) for wire, box in wires]
    if len(wires) > LABELLED:
        layout = _laid_out(sizes, ends, rankdir, WIDE_GAP, "line", seconds)
        return Arrangement(wires, sizes, layout, [None] * len(wires), False, 0, 0.0, layout.width)
    labels = [label_size(texts, wire, box) for wire, box in wires]
    gap = _gap(room, labels, rankdir)
    found: list[tuple[int, float, Layout, list[Point | None]]] = []
    enough = MANY_TOLD if texts.may_say_less and len(wires) > FEW // 2 else STRETCHES
    for stretch in enough:
        layout = _laid_out(sizes, ends, rankdir, gap * stretch, "spline", seconds, room.across)
        places = _placed(layout, labels, sizes)
        missing = places.count(None) - labels.count(None)
        few = len(wires) <= FEW and not missing
        crossed = lying_on_others(layout.curves, labels, places) if few else 0
        size = (layout.width + layout.height) * (1 + CROSSED * crossed)
        found.append((missing, size, layout, places))
        done = not missing and (not crossed or stretch >= ENOUGH)
        if done or layout.work > QUICK:
            break
    missing, _, layout, places = min(found, key=itemgetter(0, 1))
    sides = [rectangle(place, size) for place, size in zip(places, labels) if place and size]
    left = min([0.0, *(r[0] for r in sides)])
    right = max([layout.width, *(r[2] for r in sides)])
    return Arrangement(wires, sizes, layout, places, True, missing, left, right)


def _laid_out(
    sizes: Sequence[Point],
    ends: Sequence[tuple[int, int]],
    rankdir: Rankdir,
    gap: float,
    splines: Literal["spline", "line"],
    seconds: float | None,
    across: float = ROOMY.across,
) -> Layout:
    """By Graphviz; by ourselves, where it is missing or too slow and the graph not too large."""
    try:
        return lay_out(sizes, ends, rankdir, gap, splines, seconds, across)
    except (ImportError, TimeoutError):
        own = layered.lay_out(sizes, ends, rankdir, gap, across)
        if own is None:
            raise
        return own


def spots(texts: Texts, places: Arrangement) -> dict[Spot, Point]:
    """The centre of every number: in its box, from the middle of this, or on its wire."""
    found: dict[Spot, Point] = {}
    for box in texts.model.boxes:
        lines = box_lines(texts, box)
        if texts.shows("values"):
            found["value", box] = 0.0, lines[0]
        if texts.shows("gradients"):
            found["derivative", box] = 0.0, lines[-1]
    for (wire, _), place in zip(places.wires, places.labels):
        if place is not None:
            found["label", wire] = place
    return found


def box_lines(texts: Texts, box: Box) -> list[float]:
    """How far below the middle of a box its lines stand, the title among them."""
    line = room_of(texts.style).line
    above, below = texts.shows("values"), texts.shows("gradients")
    bars = BARS / 2 if box.kind == "layer" else 0.0
    shift = line * (above - below) / 2
    return [-line - bars + shift] * above + [shift] + [line + bars + shift] * below


def room_of(style: Style) -> Room:
    """How much room a style leaves around things."""
    return COMPACT if style.compact else ROOMY


def _gap(room: Room, labels: list[Point | None], rankdir: Rankdir) -> float:
    """Between boxes along the wires, so that the longest number on one has room."""
    longest = max([size[0] for size in labels if size], default=0.0)
    if rankdir in ("TB", "BT"):
        return room.stacked
    return max(room.along, longest + BARE) if longest else min(room.along, 2 * BARE)


def _placed(layout: Layout, labels: list[Point | None], sizes: list[Point]) -> list[Point | None]:
    frame = -math.inf, -EDGE, math.inf, layout.height + EDGE
    boxes: list[Rectangle] = list(map(rectangle, layout.centres, sizes))
    return place_labels(layout.curves, labels, boxes, frame)


def box_size(texts: Texts, box: Box) -> Point:
    """Width and height."""
    room = room_of(texts.style)
    if box.kind == "constant":
        return width(texts.constant(box), NUMBER) + room.inside - 2, PILL
    if box.kind == "cut":
        return width(texts.constant(box), SMALL) + room.inside, PILL
    height = box_height(texts, box)
    if box.kind == "layer":
        return max(title_width(texts, box), 9.0 * len(box.members)) + room.inside + 4, height
    widths = [width(texts.style.widest, NUMBER, bold=True), title_width(texts, box)]
    if texts.shows("values"):
        widths.append(width(plain(texts.value(box)), NUMBER, bold=True))
    if texts.shows("gradients"):
        widths.append(width(plain(texts.derivative(box)), NUMBER))
    return max(widths) + room.inside, height


def box_height(texts: Texts, box: Box) -> float:
    """Of so many lines, and a layer's bars."""
    line = room_of(texts.style).line
    return CARD + line * (texts.rows(box) - 1) + (BARS if box.kind == "layer" else 0.0)


@dataclass(frozen=True)
class Title:
    """Where the name of a box and the chip with its gate stand, from the middle of the box."""

    y: float
    name: float  # the middle of the name
    chip: float  # and that of the chip
    chip_width: float


def title_of(texts: Texts, box: Box) -> Title:
    """The places of a box's name and chip, beside each other on the line of the title."""
    room = room_of(texts.style)
    whole, chip = title_width(texts, box), chip_width(room, box)
    beside = whole - (chip + room.apart if chip else 0)
    y = box_lines(texts, box)[1 if texts.shows("values") else 0]
    return Title(y, (beside - whole) / 2, (whole - chip) / 2, chip)


def title_width(texts: Texts, box: Box) -> float:
    """Of the name, and the chip with the gate's symbol beside it."""
    room = room_of(texts.style)
    name, chip = name_width(texts, box), chip_width(room, box)
    return name + chip + (room.apart if name and chip else 0)


def name_width(texts: Texts, box: Box) -> float:
    """Of the name, set as mathematics where it is."""
    formula = set_label(box.label, NAME)
    return width(texts.title(box), NAME, bold=True) if formula is None else formula.width


@dataclass(frozen=True)
class Bar:
    """A number of a layer as a bar, from the middle of its box."""

    color: str
    centre: Point
    size: Point


def bars_of(box: Box, size: Point) -> list[Bar]:
    """A bar for each value of a layer, and below one for each derivative."""
    values = [m.value for m in box.members]
    slopes = [m.derivative for m in box.members if m.derivative is not None]
    found = _bars(values, "value", -size[1] / 2 + 22)
    if len(slopes) == len(values):
        found += _bars(slopes, "slope", size[1] / 2 - 22)
    return found


def _bars(numbers: list[float], color: str, y: float) -> list[Bar]:
    """A bar a number, upward when positive and downward when negative, the longest 15 points."""
    top = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0) or 1.0
    found = []
    for i, x in enumerate(numbers):
        height = 15 * x / top if math.isfinite(x) else 0.0
        centre = 9 * (i - (len(numbers) - 1) / 2), y - height / 2
        found.append(Bar(color, centre, (6.0, max(abs(height), 1.0))))
    return found


def chip_width(room: Room, box: Box) -> float:
    """Of the gate's symbol in its chip."""
    return width(box.symbol, CHIP, bold=True) + room.chip if box.symbol else 0.0


def label_size(texts: Texts, wire: Wire, user: Box) -> Point | None:
    """Width and height of what stands on a wire; None where nothing does."""
    return lines_size(texts.label(wire, user))


def lines_size(lines: Lines) -> Point | None:
    """Width and height of so many lines on a wire; None where there is none."""
    if not lines:
        return None
    return max(width(plain(line), SMALL) for line in lines) + 8, 3 + WRITTEN * len(lines)
