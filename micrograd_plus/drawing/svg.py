"""The picture as SVG: value in green above, name and gate between, gradient in red below, local
gradients on the wires.

Everything is built as an XML tree, so no label can become markup. Colours stand in attributes, for
programs that know no style sheets; the style sheet only turns them dark where the reader's screen
is. There are no ids and no scripts.
"""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

from ..support.text import number, shortened
from .arrangement import (
    CHIP,
    LONGEST,
    NAME,
    NUMBER,
    SMALL,
    Arrangement,
    arrange,
    box_size,
    chip_width,
    label_size,
    label_text,
    title_width,
)
from .layout import Point, Rankdir
from .mathlabels import Set, set_label
from .model import Box, Model, Wire
from .widths import is_measured, width

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', "
    "sans-serif"
)
LIGHT = {
    "paper": "#ffffff",
    "card": "#f6f8fa",
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
    f".mgp-{name}-f{{fill:{colour}}}.mgp-{name}-s{{stroke:{colour}}}"
    for name, colour in DARK.items()
)
STYLE = f"@media screen and (prefers-color-scheme: dark) {{{_RULES}}}"

MARGIN = 16.0
CAPTION = 420.0  # the least width, so that the picture does not move when its caption changes
LINE = 15.0  # from one line of a caption to the next


def render(model: Model, rankdir: Rankdir = "LR", seconds: float | None = None) -> str:
    """The model as one <svg> element, to be saved or put into a page as it is.

    Raises TimeoutError when its layout takes longer than `seconds`, and ImportError, saying what to
    install, when it takes Graphviz and there is none.
    """
    places = arrange(model, rankdir, seconds)
    pieces = _caption(model, any(places.labels))
    natural = places.right - places.left
    across = max(natural, CAPTION, *(width(piece, SMALL) for piece in pieces))
    lines = _in_lines(pieces, across)
    total = across + 2 * MARGIN, places.layout.height + 2 * MARGIN + 9 + LINE * len(lines)
    w, h = (f"{x:.0f}" for x in total)
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "mgp",
            "role": "img",
            "width": w,
            "height": h,
            "viewBox": f"0 0 {w} {h}",
            "font-family": FONT,
            "aria-label": summary(model),
        },
    )
    ET.SubElement(svg, "style").text = STYLE
    _rectangle(svg, (total[0] / 2, total[1] / 2), total, "paper", None, 8)
    left = MARGIN + (across - natural) / 2 - places.left
    drawing = ET.SubElement(svg, "g", transform=f"translate({left:.1f} {MARGIN:.1f})")
    _draw_wires(drawing, model, places)
    _draw_labels(drawing, model, places)
    for box, centre in zip(model.boxes, places.layout.centres):
        _draw_box(drawing, model, box, centre)
    for i, line in enumerate(reversed(lines)):
        _text(svg, (MARGIN, total[1] - 11 - LINE * i), line, SMALL, "muted", anchor="start")
    return ET.tostring(svg, encoding="unicode")


def _caption(model: Model, labelled: bool) -> list[str]:
    """What the colours mean, in pieces that stay in one line each."""
    if model.stale:
        return ["A leaf was edited since: call .forward() to evaluate again."]
    output = shortened(model.boxes[-1].name, 12) or "output"
    derivative = f"red: ∂ = ∂{output}/∂·"
    if model.mode == "forward":
        derivative = f"red: ∂ = ∂·/∂{shortened(model.wrt, 12)}, forward"
    if model.gathered:
        derivative = "red: ∂ gathered so far, not of this output alone"
    if not model.known:
        derivative = "∂ unknown before backward()"  # and grey
    return ["green: value", derivative] + ["on the wires: local gradients"] * labelled


def _in_lines(pieces: list[str], across: float) -> list[str]:
    lines = pieces[:1]
    for piece in pieces[1:]:
        longer = f"{lines[-1]}   {piece}"
        if width(longer, SMALL) <= across:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines


def summary(model: Model) -> str:
    """A sentence that stands for the picture where it cannot be seen."""
    gates = sum(box.kind not in ("leaf", "constant", "cut") for box in model.boxes)
    last = model.boxes[-1]
    name = last.name or "the output"
    size = f"{boxes(model)}, {gates} of them gates"
    return f"Computational graph of {name} = {number(last.value)}: {size}"


def boxes(model: Model) -> str:
    """How many there are, in words."""
    return "1 box" if len(model.boxes) == 1 else f"{len(model.boxes)} boxes"


def _draw_box(parent: ET.Element, model: Model, box: Box, centre: Point) -> None:
    g = ET.SubElement(parent, "g", transform=f"translate({centre[0]:.1f} {centre[1]:.1f})")
    ET.SubElement(g, "title").text = model.hint(box)
    w, h = box_size(box)
    if box.kind in ("constant", "cut"):
        _rectangle(g, (0, 0), (w, h), "card", "edge", h / 2)
        _text(
            g,
            (0, 4.5),
            number(box.value) if box.kind == "constant" else box.symbol,
            NUMBER if box.kind == "constant" else SMALL,
            "muted",
        )
        return
    _rectangle(
        g,
        (0, 0),
        (w, h),
        "card" if box.kind == "leaf" else "gate",
        "edge",
        8 if box.kind == "leaf" else 14,
        dashed=box.stale,
    )
    name, chip = shortened(box.name), chip_width(box)
    left = -title_width(box) / 2
    if box.symbol:
        at = left + title_width(box) - chip / 2
        _rectangle(g, (at, 0), (chip, 20), "chip", None, 10)
        _text(g, (at, 4.2), box.symbol, CHIP, "onchip", bold=True)
    if name or not box.symbol:
        middle = left + (title_width(box) - (chip + 8 if chip else 0)) / 2
        formula = set_label(box.label, NAME)
        if formula is not None:
            _formula(g, (middle, 4.8), formula, "ink")
        elif name:
            _text(g, (middle, 4.8), name, NAME, "ink", bold=True)
        else:
            _text(g, (0, 4.2), "leaf", SMALL, "muted")
    if box.kind == "layer":
        _bars(g, [m.value for m in box.members], -h / 2 + 22, "value")
        if all(m.derivative is not None for m in box.members):
            _bars(g, [m.derivative or 0.0 for m in box.members], h / 2 - 22, "slope")
        return
    value = (
        number(box.value, longest=LONGEST - 2) + " ?"
        if box.stale
        else number(box.value, longest=LONGEST)
    )
    _text(g, (0, -h / 2 + 19), value, NUMBER, "muted" if box.stale else "value", bold=True)
    # it was the slope of a function at another point
    outdated = model.stale and box.derivative is not None
    longest = LONGEST - 2 if outdated else LONGEST
    derivative = "·" if box.derivative is None else number(box.derivative, longest=longest)
    _text(
        g,
        (0, h / 2 - 9.5),
        f"∂ {derivative}" + (" ?" if outdated else ""),
        NUMBER,
        "muted" if outdated or box.derivative is None else "slope",
    )


def _bars(parent: ET.Element, numbers: list[float], y: float, colour: str) -> None:
    """A bar a number, upward when positive and downward when negative, the longest 15 points."""
    top = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0) or 1.0
    for i, x in enumerate(numbers):
        height = 15 * x / top if math.isfinite(x) else 0.0
        at = 9 * (i - (len(numbers) - 1) / 2)
        _rectangle(parent, (at, y - height / 2), (6, max(abs(height), 1.0)), colour, None, 1)


def _draw_wires(parent: ET.Element, model: Model, places: Arrangement) -> None:
    for (wire, box), curve in zip(places.wires, places.layout.curves):
        g = ET.SubElement(parent, "g")
        ET.SubElement(g, "title").text = (
            model.wire_hint(wire, box) if wire.count == 1 else f"{wire.count} wires"
        )
        *_, before, end = curve
        length = math.dist(before, end) or 1.0
        ux, uy = (end[0] - before[0]) / length, (end[1] - before[1]) / length
        base = end[0] - 7 * ux, end[1] - 7 * uy
        points = [*curve[:-1], base]
        bends = zip(points[1::3], points[2::3], points[3::3])
        path = f"M{_at(points[0])}" + "".join(f" C{_at(a)} {_at(b)} {_at(c)}" for a, b, c in bends)
        thickness = _thickness(model, wire, box)
        stroke = {
            "fill": "none",
            "stroke": LIGHT["wire"],
            "class": "mgp-wire-s",
            "stroke-width": f"{thickness:.2f}",
        }
        # too many for curves and arrows: hairlines, the darker the more flows through them
        if not places.labelled:
            path = f"M{_at(curve[0])} L{_at(curve[-1])}"
            stroke |= {"stroke-width": "0.8", "stroke-opacity": f"{0.5 * thickness - 0.4:.2f}"}
        if wire.local is None and wire.source.kind not in ("layer", "cut") and box.kind != "layer":
            stroke["stroke-dasharray"] = "3 4"
        ET.SubElement(g, "path", {"d": path, **stroke})
        if not places.labelled:
            continue
        corners = (
            end,
            (base[0] - 3.6 * uy, base[1] + 3.6 * ux),
            (base[0] + 3.6 * uy, base[1] - 3.6 * ux),
        )
        arrow = {
            "points": " ".join(_at(p) for p in corners),
            "fill": LIGHT["wire"],
            "class": "mgp-wire-f",
        }
        ET.SubElement(g, "polygon", arrow)


def _draw_labels(parent: ET.Element, model: Model, places: Arrangement) -> None:
    """The local gradients, above all wires."""
    for (wire, box), place in zip(places.wires, places.labels):
        if place is not None:
            g = ET.SubElement(parent, "g")
            ET.SubElement(g, "title").text = model.wire_hint(wire, box)
            text = label_text(wire)
            _rectangle(g, place, label_size(text), "paper", None, 8)
            _text(g, (place[0], place[1] + 3.8), text, SMALL, "local")


def _thickness(model: Model, wire: Wire, box: Box) -> float:
    other = wire.source.derivative if model.mode == "forward" else box.derivative
    if other is None or wire.local is None:
        return 1.3
    flow = abs(wire.local * other)
    return 1.1 + 1.9 * math.tanh(flow) if flow == flow else 1.3


def _at(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"


def _rectangle(
    parent: ET.Element,
    centre: Point,
    size: Point,
    fill: str,
    stroke: str | None,
    radius: float,
    dashed: bool = False,
) -> None:
    attributes = {
        "x": f"{centre[0] - size[0] / 2:.1f}",
        "y": f"{centre[1] - size[1] / 2:.1f}",
        "width": f"{size[0]:.1f}",
        "height": f"{size[1]:.1f}",
        "rx": f"{radius:.1f}",
        "fill": LIGHT[fill],
        "class": f"mgp-{fill}-f",
    }
    if stroke:
        attributes |= {"stroke": LIGHT[stroke], "class": f"mgp-{fill}-f mgp-{stroke}-s"}
    if dashed:
        attributes["stroke-dasharray"] = "4 3"
    ET.SubElement(parent, "rect", attributes)


def _formula(parent: ET.Element, at: Point, formula: Set, colour: str) -> None:
    """A label with formulas, its middle at a point on its line."""
    set_there = formula.svg(LIGHT[colour], f"mgp-{colour}-f")
    left = at[0] - formula.width / 2
    set_there.set("transform", f"translate({left:.1f} {at[1]:.1f})")
    parent.append(set_there)


def _text(
    parent: ET.Element,
    at: Point,
    text: str,
    size: float,
    colour: str,
    anchor: str = "middle",
    bold: bool = False,
) -> None:
    attributes = {
        "x": f"{at[0]:.1f}",
        "y": f"{at[1]:.1f}",
        "font-size": f"{size:g}",
        "text-anchor": anchor,
        "fill": LIGHT[colour],
        "class": f"mgp-{colour}-f",
        "xml:space": "preserve",
    }
    if bold:
        attributes["font-weight"] = "600"
    # then it is as wide as was reckoned with, whatever the font makes of it
    if not is_measured(text):
        attributes |= {
            "textLength": f"{width(text, size, bold):.1f}",
            "lengthAdjust": "spacingAndGlyphs",
        }
    ET.SubElement(parent, "text", attributes).text = text
