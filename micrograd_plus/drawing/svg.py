"""The picture as SVG: value in green above, name and gate between, gradient in red below, local
gradients on the wires.

Everything is built as an XML tree, so no label can become markup. Colours stand in attributes, for
programs that know no style sheets; a style sheet only turns them dark where the page is. There are
no ids and no scripts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from xml.etree import ElementTree as ET

from ..chain_rule.naming import OUTPUT
from ..chain_rule.rules import bracketed_name
from ..support.text import shortened
from .arrangement import (
    CHIP,
    NAME,
    SMALL,
    WRITTEN,
    Arrangement,
    bars_of,
    lines_size,
    room_of,
    spots,
    title_of,
)
from .described import described
from .layout import Point
from .mathlabels import Set, set_label
from .model import Box, Model, Wire
from .style import NUMBER, Theme
from .texts import Lines, Moment, Pieces, Spot, Texts, changes, plain
from .widths import is_measured, width

Colors = Mapping[str, str]

LIGHT = {
    "paper": "#ffffff",
    "card": "#f6f8fa",
    "parameter": "#fdf3e1",
    "input": "#e6f2fb",
    "gate": "#ffffff",
    "edge": "#c4ccd4",
    "ink": "#1f2328",
    "muted": "#656d76",
    "value": "#0f7b3a",
    "slope": "#c62828",
    "local": "#6639ba",
    "wire": "#8c959f",
    "chip": "#24406b",
    "onchip": "#ffffff",
}
DARK = {
    "paper": "#131313",
    "card": "#1e2023",
    "parameter": "#2d2413",
    "input": "#14283a",
    "gate": "#131313",
    "edge": "#444c56",
    "ink": "#e6edf3",
    "muted": "#8b949e",
    "value": "#4ac26b",
    "slope": "#ff7b72",
    "local": "#c297ff",
    "wire": "#768390",
    "chip": "#a5c8ff",
    "onchip": "#131313",
}
_RULES = "".join(
    f".mgp-{name}-f{{fill:{color}}}.mgp-{name}-s{{stroke:{color}}}" for name, color in DARK.items()
)
STYLE = f"@media screen and (prefers-color-scheme: dark) {{{_RULES}}}"

MARGIN = 16.0
NARROW = 3.0  # of a compact picture
CAPTION = 420.0  # the least width, so that the picture does not move when its caption changes
CAPTION_LINE = 15.0  # from one line of a caption to the next


@dataclass(frozen=True)
class Sheet:
    """What a picture is drawn on: its colours, whether they turn dark, and where the drawing is."""

    colors: Colors
    follows: bool  # the page, from light to dark
    size: Point
    origin: Point
    caption: list[str]
    paper: str  # a colour that covers what lies below a text

    def paint(self, name: str, stroke: str = "") -> dict[str, str]:
        """The attributes that fill with a colour and draw an outline in another."""
        classes = [f"mgp-{name}-f"] if name in self.colors else []
        found = {"fill": self.colors.get(name, name)}
        if stroke:
            found["stroke"] = self.colors[stroke]
            classes.append(f"mgp-{stroke}-s")
        return found | ({"class": " ".join(classes)} if classes else {})


@dataclass(frozen=True)
class Drawing:
    """A picture under way: the element, its sheet, and the groups that numbers are written into."""

    svg: ET.Element
    sheet: Sheet
    wires: ET.Element  # the numbers on them
    curves: Sequence[ET.Element]  # of the wires
    boxes: Mapping[Box, ET.Element]

    def group(self, spot: Spot) -> ET.Element:
        """Where a number belongs."""
        _, thing = spot
        return self.boxes[thing] if isinstance(thing, Box) else self.wires


def render(texts: Texts, places: Arrangement, theme: Theme = "light") -> str:
    """The model as one <svg> element, to be saved or put into a page as it is."""
    return ET.tostring(drawn(texts, places, theme), encoding="unicode")


def drawn(texts: Texts, places: Arrangement, theme: Theme = "light") -> ET.Element:
    """The same as a tree."""
    drawing = begun(texts, places, theme)
    where = spots(texts, places)
    for spot, lines in texts.written().items():
        if spot in where:
            write_number(drawing.group(spot), drawing.sheet, texts, spot, where[spot], lines)
    return drawing.svg


def fragments(texts: Texts, places: Arrangement, moments: Sequence[Moment]) -> str:
    """The picture of all moments as one <svg> element for reveal.js: what is there from the first
    stands there, what comes later is a group of class "fragment" with its index.
    """
    whole = replace(texts, moment=replace(moments[-1], sentence=""))
    drawing = begun(whole, places, texts.style.theme or "light")
    where, found = spots(texts, places), changes(texts, moments)
    widest: dict[Spot, Point] = {}
    for spot, _, _, lines in found:
        size, before = lines_size(lines) or (0.0, 0.0), widest.get(spot, (0.0, 0.0))
        widest[spot] = max(size[0], before[0]), max(size[1], before[1])
    for spot, first, _, lines in sorted(found, key=itemgetter(1)):
        if spot in where:
            group = drawing.group(spot)
            if first:
                shown = {"class": "fragment", "data-fragment-index": str(first - 1)}
                group = ET.SubElement(group, "g", shown)
                _cover(group, drawing.sheet, spot, where[spot], widest[spot])
            write_number(group, drawing.sheet, texts, spot, where[spot], lines)
    return ET.tostring(drawing.svg, encoding="unicode")


def _cover(parent: ET.Element, sheet: Sheet, spot: Spot, at: Point, size: Point) -> None:
    """A card over what stood there before."""
    _, thing = spot
    fill = (thing.fill or _fill(thing)) if isinstance(thing, Box) else sheet.paper
    wider = NUMBER / SMALL * size[0] if isinstance(thing, Box) else size[0]
    _rectangle(parent, sheet, at, (wider, size[1]), fill, "", 2)


def begun(texts: Texts, places: Arrangement, theme: Theme) -> Drawing:
    """The picture with everything but its numbers."""
    sheet = sheet_of(texts, places, theme)
    svg = _element(texts, sheet)
    x, y = sheet.origin
    whole = ET.SubElement(svg, "g", transform=f"translate({x:.1f} {y:.1f})")
    curves = _draw_wires(whole, sheet, texts, places)
    numbers = ET.SubElement(whole, "g")
    groups = {
        box: _draw_box(whole, sheet, texts, box, centre, size)
        for box, centre, size in zip(texts.model.boxes, places.layout.centres, places.sizes)
    }
    for i, line in enumerate(reversed(sheet.caption)):
        at = MARGIN, sheet.size[1] - 11 - CAPTION_LINE * i
        _text(svg, sheet, at, [(line, "muted")], SMALL, anchor="start")
    return Drawing(svg, sheet, numbers, curves, groups)


def sheet_of(texts: Texts, places: Arrangement, theme: Theme) -> Sheet:
    """What a picture is drawn on, and where on it."""
    margin = margin_of(texts)
    natural = places.right - places.left
    across, lines = natural, list[str]()
    if texts.shows("caption"):
        pieces = _caption(texts, any(places.labels))
        across = max(natural, CAPTION, *(width(piece, SMALL) for piece in pieces))
        lines = _in_lines(pieces, across)
    caption = 9 + CAPTION_LINE * len(lines) if lines else 0.0
    size = across + 2 * margin, places.layout.height + 2 * margin + caption
    origin = margin + (across - natural) / 2 - places.left, margin
    paper = texts.style.background or "paper"
    paper = "paper" if paper == "transparent" else paper
    return Sheet(DARK if theme == "dark" else LIGHT, theme == "auto", size, origin, lines, paper)


def margin_of(texts: Texts) -> float:
    """How much paper there is around a picture."""
    return NARROW if texts.style.compact else MARGIN


def extent(texts: Texts, places: Arrangement) -> Point:
    """How wide and how high the picture is, in pixels of CSS."""
    return _extent(texts, sheet_of(texts, places, "light"))


def _extent(texts: Texts, sheet: Sheet) -> Point:
    w, h = round(sheet.size[0]), round(sheet.size[1])
    scale = texts.style.font_size / NUMBER
    if texts.style.width is not None:
        scale = texts.style.width / w
    return scale * w, scale * h


def _element(texts: Texts, sheet: Sheet) -> ET.Element:
    w, h = (f"{x:.0f}" for x in sheet.size)
    shown = _extent(texts, sheet)
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "mgp",
        "role": "img",
        "width": f"{shown[0]:.5g}",
        "height": f"{shown[1]:.5g}",
        "viewBox": f"0 0 {w} {h}",
        "font-family": texts.style.font,
        "aria-label": described(texts),
    }
    svg = ET.Element("svg", attributes)
    if sheet.follows:
        ET.SubElement(svg, "style").text = STYLE
    if texts.style.background != "transparent":
        middle = sheet.size[0] / 2, sheet.size[1] / 2
        _rectangle(svg, sheet, middle, sheet.size, sheet.paper, "", 8)
    return svg


def _caption(texts: Texts, labelled: bool) -> list[str]:
    """What the colours mean, in pieces that stay in one line each."""
    model = texts.model
    if model.stale:
        return ["A leaf was edited since: call .forward() to evaluate again."]
    if texts.moment is not None and texts.moment.sentence:
        return [texts.moment.sentence]
    output = shortened(model.last.name, 12) or OUTPUT
    derivative = f"red: ∂ = ∂{bracketed_name(output)}/∂·"
    if model.mode == "forward":
        derivative = f"red: ∂ = ∂·/∂{bracketed_name(shortened(model.wrt, 12))}, forward"
    if model.gathered:
        derivative = "red: ∂ gathered so far, not of this output alone"
    if not model.known and texts.moment is None:
        derivative = "∂ unknown before backward()"  # and grey
    return ["green: value", derivative, *_caption_of_wires(texts, labelled)]


def _caption_of_wires(texts: Texts, labelled: bool) -> list[str]:
    if not labelled:
        return []
    other = "tangent" if texts.model.mode == "forward" else "upstream"
    carries = texts.shows("contributions") and (texts.model.known or texts.moment is not None)
    if carries and texts.shows("locals"):
        return [f"local · {other} = contribution"]
    return [f"on the wires: {'contributions' if carries else 'local gradients'}"]


def _in_lines(pieces: list[str], across: float) -> list[str]:
    lines = pieces[:1]
    for piece in pieces[1:]:
        longer = f"{lines[-1]}   {piece}"
        if width(longer, SMALL) <= across:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines


def boxes(model: Model) -> str:
    """How many there are, in words."""
    return "1 box" if len(model.boxes) == 1 else f"{len(model.boxes)} boxes"


def _draw_box(
    parent: ET.Element, sheet: Sheet, texts: Texts, box: Box, centre: Point, size: Point
) -> ET.Element:
    g = ET.SubElement(parent, "g", transform=f"translate({centre[0]:.1f} {centre[1]:.1f})")
    ET.SubElement(g, "title").text = texts.model.hint(box)
    if box.kind in ("constant", "cut"):
        _rectangle(g, sheet, (0, 0), size, "card", "edge", size[1] / 2)
        large = NUMBER if box.kind == "constant" else SMALL
        _text(g, sheet, (0, 4.5), [(texts.constant(box), "muted")], large)
        return g
    if box.kind == "stretch":  # a card behind the card
        _rectangle(g, sheet, (4, -4), size, "gate", "edge", 14)
    radius = 8 if box.kind == "leaf" else 14
    _rectangle(g, sheet, (0, 0), size, box.fill or _fill(box), "edge", radius, dashed=box.stale)
    _draw_title(g, sheet, texts, box)
    if box.kind == "layer":
        for bar in bars_of(box, size):
            _rectangle(g, sheet, bar.centre, bar.size, bar.color, "", 1)
    return g


def _fill(box: Box) -> str:
    return box.role or ("card" if box.kind == "leaf" else "gate")


def _draw_title(g: ET.Element, sheet: Sheet, texts: Texts, box: Box) -> None:
    """The name, and the chip with the gate's symbol beside it."""
    title, name = title_of(texts, box), texts.title(box)
    if box.symbol:
        size = title.chip_width, min(20.0, room_of(texts.style).line)
        _rectangle(g, sheet, (title.chip, title.y), size, "chip", "", size[1] / 2)
        _text(g, sheet, (title.chip, title.y + 4.2), [(box.symbol, "onchip")], CHIP, bold=True)
    formula = set_label(box.label, NAME)
    if formula is not None:
        _formula(g, sheet, (title.name, title.y + 4.8), formula)
    elif name:
        _text(g, sheet, (title.name, title.y + 4.8), [(name, "ink")], NAME, bold=True)
    elif not box.symbol:
        _text(g, sheet, (0, title.y + 4.2), [("leaf", "muted")], SMALL)


def _draw_wires(
    parent: ET.Element, sheet: Sheet, texts: Texts, places: Arrangement
) -> list[ET.Element]:
    groups = []
    stroke = {"fill": "none", "stroke": sheet.colors["wire"], "class": "mgp-wire-s"}
    if not places.labelled:
        # too many for curves and arrows: hairlines, the darker the more flows through them
        parent = ET.SubElement(parent, "g", {**stroke, "stroke-width": "0.8"})
    for (wire, box), curve in zip(places.wires, places.layout.curves):
        g = ET.SubElement(parent, "g")
        groups.append(g)
        hint = texts.model.wire_hint(wire, box) if wire.count == 1 else f"{wire.count} wires"
        ET.SubElement(g, "title").text = hint
        flow = flow_of(texts.model, wire, box) if texts.moment is None else None
        thickness = 1.3 if flow is None else 1.1 + 1.9 * math.tanh(flow)
        dashes = {"stroke-dasharray": "3 4"} if is_closed(wire, box) else {}
        if not places.labelled:
            path = f"M{_at(curve[0])} L{_at(curve[-1])}"
            faint = {"stroke-opacity": f"{0.5 * thickness - 0.4:.2f}"}
            ET.SubElement(g, "path", {"d": path, **dashes, **faint})
            continue
        points, corners = shaft_and_tip(curve)
        bends = zip(points[1::3], points[2::3], points[3::3])
        path = f"M{_at(points[0])}" + "".join(f" C{_at(a)} {_at(b)} {_at(c)}" for a, b, c in bends)
        thick = {"stroke-width": f"{thickness:.2f}"}
        ET.SubElement(g, "path", {"d": path, **thick, **stroke, **dashes})
        arrow = {"points": " ".join(_at(p) for p in corners), **sheet.paint("wire")}
        ET.SubElement(g, "polygon", arrow)
    return groups


def is_closed(wire: Wire, user: Box) -> bool:
    """Whether no gradient passes along a wire."""
    return wire.local is None and not wire.source.is_several and not user.is_several


def shaft_and_tip(curve: list[Point]) -> tuple[list[Point], tuple[Point, Point, Point]]:
    """A curve that ends where its arrow begins, and the corners of the arrow."""
    *_, before, end = curve
    length = math.dist(before, end) or 1.0
    ux, uy = (end[0] - before[0]) / length, (end[1] - before[1]) / length
    base = end[0] - 7 * ux, end[1] - 7 * uy
    sides = (base[0] - 3.6 * uy, base[1] + 3.6 * ux), (base[0] + 3.6 * uy, base[1] - 3.6 * ux)
    return [*curve[:-1], base], (end, *sides)


def flow_of(model: Model, wire: Wire, box: Box) -> float | None:
    """The size of what a wire carries; None where it is not known."""
    carried = model.contribution(wire, box)
    return None if carried is None or carried != carried else abs(carried)


def write_number(
    parent: ET.Element, sheet: Sheet, texts: Texts, spot: Spot, at: Point, lines: Lines
) -> None:
    """A number in its place: in its box, or on its wire over a piece of paper."""
    kind, thing = spot
    if kind != "label":
        _text(parent, sheet, (at[0], at[1] + 4.6), lines[0], NUMBER, bold=kind == "value")
        return
    assert isinstance(thing, Wire)  # noqa: S101  # only a wire has a label
    user = texts.user_of(thing)
    g = ET.SubElement(parent, "g")
    ET.SubElement(g, "title").text = texts.model.wire_hint(thing, user)
    size = lines_size(lines) or (0.0, 0.0)
    _rectangle(g, sheet, at, size, sheet.paper, "", 8)
    first = at[1] + 3.8 - WRITTEN * (len(lines) - 1) / 2
    for i, line in enumerate(lines):
        _text(g, sheet, (at[0], first + WRITTEN * i), line, SMALL)


def _at(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"


def _rectangle(
    parent: ET.Element,
    sheet: Sheet,
    centre: Point,
    size: Point,
    fill: str,
    stroke: str,
    radius: float,
    dashed: bool = False,
) -> None:
    attributes = {
        "x": f"{centre[0] - size[0] / 2:.1f}",
        "y": f"{centre[1] - size[1] / 2:.1f}",
        "width": f"{size[0]:.1f}",
        "height": f"{size[1]:.1f}",
        "rx": f"{radius:.1f}",
        **sheet.paint(fill, stroke),
    }
    if dashed:
        attributes["stroke-dasharray"] = "4 3"
    ET.SubElement(parent, "rect", attributes)


def _formula(parent: ET.Element, sheet: Sheet, at: Point, formula: Set) -> None:
    """A label with formulas, its middle at a point on its line."""
    ink = sheet.paint("ink")
    set_there = formula.svg(ink["fill"], ink.get("class", ""))
    left = at[0] - formula.width / 2
    set_there.set("transform", f"translate({left:.1f} {at[1]:.1f})")
    parent.append(set_there)


def _text(
    parent: ET.Element,
    sheet: Sheet,
    at: Point,
    pieces: Pieces,
    size: float,
    anchor: str = "middle",
    bold: bool = False,
) -> None:
    whole, ((first, color), *more) = plain(pieces), pieces
    attributes = {
        "x": f"{at[0]:.1f}",
        "y": f"{at[1]:.1f}",
        "font-size": f"{size:g}",
        "text-anchor": anchor,
        **sheet.paint(color),
        "xml:space": "preserve",
    }
    if bold:
        attributes["font-weight"] = "600"
    # then it is as wide as was reckoned with, whatever the font makes of it
    if not is_measured(whole):
        reckoned = {"textLength": f"{width(whole, size, bold):.1f}"}
        attributes |= reckoned | {"lengthAdjust": "spacingAndGlyphs"}
    text = ET.SubElement(parent, "text", attributes)
    text.text = first
    for piece, name in more:
        ET.SubElement(text, "tspan", sheet.paint(name)).text = piece
