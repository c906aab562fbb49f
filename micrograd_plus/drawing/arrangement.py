"""How large every part of a picture is, and where it stands:
boxes, wires, and the numbers on the wires.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

from ..support.text import number, shortened
from . import layered
from .labels import place_labels, rectangle
from .layout import QUICK, Layout, Point, Rankdir, lay_out
from .mathlabels import set_label
from .model import LABELLED, Box, Model, Wire
from .widths import width

NUMBER = 13.0  # font sizes
NAME = 14.0
SMALL = 11.0
CHIP = 12.0
CARD = 70.0  # the height of a card with three lines
# characters of a number in a box: its width does not depend on the value, so a layout stays
LONGEST = 10
LONGEST_ON_WIRE = 7

# between the boxes, with room for a number
GAP = {"LR": 82.0, "RL": 82.0, "TB": 46.0, "BT": 46.0}
STRETCHES = (1.0, 1.5, 2.25, 3.5)  # of that gap, tried until every number has a place
WIDE_GAP = 130.0  # for hairlines
EDGE = 16.0  # how far a number may stand above or below the layout


@dataclass(frozen=True)
class Arrangement:
    """The places of a picture's parts, in points, y pointing down."""

    wires: list[tuple[Wire, Box]]  # each with the box that it goes into
    layout: Layout
    labels: list[Point | None]  # the centre of each wire's number, where it has one
    labelled: bool  # whether wires are curves with numbers, not hairlines
    left: float  # how far it all reaches
    right: float


def arrange(model: Model, rankdir: Rankdir, seconds: float | None) -> Arrangement:
    """Places for everything, no two texts on one spot, with more room between the boxes where that
    takes it.

    Raises TimeoutError when a layout takes longer than `seconds`, and ImportError, saying what to
    install, where there is no Graphviz; but neither up to about 80 boxes.
    """
    index = {box: i for i, box in enumerate(model.boxes)}
    wires = [(wire, box) for box in model.boxes for wire in box.wires]
    sizes = [box_size(box) for box in model.boxes]
    ends = [(index[wire.source], index[box]) for wire, box in wires]
    if len(wires) > LABELLED:
        layout = _laid_out(sizes, ends, rankdir, WIDE_GAP, "line", seconds)
        return Arrangement(wires, layout, [None] * len(wires), False, 0.0, layout.width)
    labels = [label_size(label_text(wire)) if _has_label(wire) else None for wire, _ in wires]
    tried = []
    for stretch in STRETCHES:
        layout = _laid_out(sizes, ends, rankdir, GAP[rankdir] * stretch, "spline", seconds)
        frame = -math.inf, -EDGE, math.inf, layout.height + EDGE
        places = place_labels(
            layout.curves, labels, list(map(rectangle, layout.centres, sizes)), frame
        )
        missing = places.count(None) - labels.count(None)
        tried.append((missing, stretch, layout, places))
        if not missing or layout.work > QUICK:
            break
    *_, layout, places = min(tried, key=itemgetter(0, 1))
    sides = [rectangle(place, size) for place, size in zip(places, labels) if place and size]
    return Arrangement(
        wires,
        layout,
        places,
        True,
        min([0.0, *(r[0] for r in sides)]),
        max([layout.width, *(r[2] for r in sides)]),
    )


def _laid_out(
    sizes: Sequence[Point],
    ends: Sequence[tuple[int, int]],
    rankdir: Rankdir,
    gap: float,
    splines: Literal["spline", "line"],
    seconds: float | None,
) -> Layout:
    """By Graphviz; by ourselves, where it is missing or too slow and the graph not too large."""
    try:
        return lay_out(sizes, ends, rankdir, gap, splines, seconds)
    except (ImportError, TimeoutError):
        own = layered.lay_out(sizes, ends, rankdir, gap)
        if own is None:
            raise
        return own


def box_size(box: Box) -> Point:
    """Width and height."""
    if box.kind == "constant":
        return width(number(box.value), NUMBER) + 18, 26
    if box.kind == "cut":
        return width(box.symbol, SMALL) + 20, 26
    if box.kind == "layer":
        return max(title_width(box), 9.0 * len(box.members)) + 24, CARD + 34
    return max(width("0" * LONGEST, NUMBER), title_width(box)) + 20, CARD


def title_width(box: Box) -> float:
    """Of the name, and the chip with the gate's symbol beside it."""
    name, chip = name_width(box), chip_width(box)
    return name + chip + (8 if name and chip else 0)


def name_width(box: Box) -> float:
    """Of the name, set as mathematics where it is."""
    formula = set_label(box.label, NAME)
    return width(shortened(box.name), NAME, bold=True) if formula is None else formula.width


def chip_width(box: Box) -> float:
    """Of the gate's symbol in its chip."""
    return width(box.symbol, CHIP, bold=True) + 14 if box.symbol else 0.0


def label_text(wire: Wire) -> str:
    """The local gradient in print."""
    return "0" if wire.local is None else number(wire.local, longest=LONGEST_ON_WIRE)


def label_size(text: str) -> Point:
    """Width and height of a number on a wire."""
    return width(text, SMALL) + 8, 16


def _has_label(wire: Wire) -> bool:
    return wire.count == 1 and wire.source.kind not in ("layer", "cut")
