"""The picture as SVG: value in green above, name and gate between, gradient in red below, local gradients on the wires.

Everything is built as an XML tree, so no label can become markup. Colours stand in attributes, for programs that know
no style sheets; the style sheet only turns them dark where the reader's screen is. There are no ids and no scripts.
"""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

from ..support.text import number, shortened, width
from .layout import Layout, Point, Rankdir, lay_out
from .model import Box, Model, Wire

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
LIGHT = {"paper": "#ffffff", "card": "#f6f8fa", "gate": "#ffffff", "edge": "#c4ccd4", "ink": "#1f2328",
         "muted": "#656d76", "value": "#0f7b3a", "slope": "#c62828", "local": "#6639ba", "wire": "#8c959f",
         "chip": "#24406b", "onchip": "#ffffff"}
DARK = {"paper": "#131313", "card": "#1e2023", "gate": "#131313", "edge": "#444c56", "ink": "#e6edf3",
        "muted": "#8b949e", "value": "#4ac26b", "slope": "#ff7b72", "local": "#c297ff", "wire": "#768390",
        "chip": "#a5c8ff", "onchip": "#131313"}
_RULES = "".join(f".mgp-{name}-f{{fill:{colour}}}.mgp-{name}-s{{stroke:{colour}}}" for name, colour in DARK.items())
STYLE = f"@media screen and (prefers-color-scheme: dark) {{{_RULES}}}"

MARGIN = 16.0
CARD = 70.0  # the height of a card with three lines
NUMBER = 13.0  # font sizes
NAME = 14.0
SMALL = 11.0
LONGEST = 10  # characters of a number in a box: its width does not depend on the value, so a layout stays
LONGEST_ON_WIRE = 7
CAPTION = 420.0  # the least width, so that the picture does not move when its caption changes
LABELLED = 120  # wires up to which each is a curve with an arrow and its local gradient in print; more are hairlines


def render(model: Model, rankdir: Rankdir = "LR", seconds: float | None = None) -> str:
    """The model as one <svg> element, to be saved or put into a page as it is.

    Raises TimeoutError when its layout takes longer than `seconds`.
    """
    index = {box: i for i, box in enumerate(model.boxes)}
    wires = [(wire, box) for box in model.boxes for wire in box.wires]
    labelled = len(wires) <= LABELLED
    horizontal = rankdir in ("LR", "RL")
    layout = lay_out([_size(box) for box in model.boxes], [(index[w.source], index[box]) for w, box in wires], rankdir,
                     gap=(82.0 if horizontal else 46.0) if labelled else 130.0, splines="spline" if labelled else "line",
                     seconds=seconds)
    caption = _caption(model, labelled and any(_has_label(wire) for wire, _ in wires))
    total = max(layout.width, CAPTION) + 2 * MARGIN, layout.height + 2 * MARGIN + 24
    w, h = (f"{x:.0f}" for x in total)
    svg = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "mgp", "role": "img", "width": w, "height": h,
                             "viewBox": f"0 0 {w} {h}", "font-family": FONT, "aria-label": summary(model)})
    ET.SubElement(svg, "style").text = STYLE
    _rectangle(svg, (total[0] / 2, total[1] / 2), total, "paper", None, 8)
    drawing = ET.SubElement(svg, "g", transform=f"translate({MARGIN:.1f} {MARGIN:.1f})")
    _draw_wires(drawing, model, wires, layout, labelled)
    for box, centre in zip(model.boxes, layout.centres):
        _draw_box(drawing, model, box, centre)
    _text(svg, (MARGIN, total[1] - 11), caption, SMALL, "muted", anchor="start")
    return ET.tostring(svg, encoding="unicode")


def _caption(model: Model, labelled: bool) -> str:
    if model.stale:
        return "A leaf was edited since: call .forward() to evaluate again."
    output = shortened(model.boxes[-1].name, 12) or "output"
    derivative = f"∂ = ∂{output}/∂·"
    if model.mode == "forward":
        derivative = f"∂ = ∂·/∂{shortened(model.wrt, 12)}, forward"
    if model.gathered:
        derivative = "∂ gathered so far, not of this output alone"
    if not model.known:
        derivative = "∂ unknown before backward()"
    return f"green: value   red: {derivative}" + ("   on the wires: local gradients" if labelled else "")


def summary(model: Model) -> str:
    """A sentence that stands for the picture where it cannot be seen."""
    gates = sum(box.kind not in ("leaf", "constant", "cut") for box in model.boxes)
    last = model.boxes[-1]
    name = last.name or "the output"
    return f"Computational graph of {name} = {number(last.value)}: {len(model.boxes)} boxes, {gates} of them gates"


def _size(box: Box) -> Point:
    if box.kind == "constant":
        return width(number(box.value), NUMBER) + 18, 26
    if box.kind == "cut":
        return width(box.symbol, SMALL) + 20, 26
    if box.kind == "layer":
        return max(_title_width(box), 9.0 * len(box.members)) + 24, CARD + 34
    return max(width("0" * LONGEST, NUMBER) + 18, _title_width(box) + 20), CARD


def _title_width(box: Box) -> float:
    name, chip = width(shortened(box.name), NAME) * 1.08, _chip_width(box)
    return name + chip + (8 if name and chip else 0)


def _chip_width(box: Box) -> float:
    return width(box.symbol, SMALL + 1) + 14 if box.symbol else 0.0


def _draw_box(parent: ET.Element, model: Model, box: Box, centre: Point) -> None:
    g = ET.SubElement(parent, "g", transform=f"translate({centre[0]:.1f} {centre[1]:.1f})")
    ET.SubElement(g, "title").text = model.hint(box)
    w, h = _size(box)
    if box.kind in ("constant", "cut"):
        _rectangle(g, (0, 0), (w, h), "card", "edge", h / 2)
        _text(g, (0, 4.5), number(box.value) if box.kind == "constant" else box.symbol,
              NUMBER if box.kind == "constant" else SMALL, "muted")
        return
    _rectangle(g, (0, 0), (w, h), "card" if box.kind == "leaf" else "gate", "edge", 8 if box.kind == "leaf" else 14,
               dashed=box.stale)
    name, chip = shortened(box.name), _chip_width(box)
    left = -_title_width(box) / 2
    if box.symbol:
        at = left + _title_width(box) - chip / 2
        _rectangle(g, (at, 0), (chip, 20), "chip", None, 10)
        _text(g, (at, 4.2), box.symbol, SMALL + 1, "onchip", bold=True)
    if name or not box.symbol:
        middle = left + (_title_width(box) - (chip + 8 if chip else 0)) / 2
        if name:
            _text(g, (middle, 4.8), name, NAME, "ink", bold=True)
        else:
            _text(g, (0, 4.2), "leaf", SMALL, "muted")
    if box.kind == "layer":
        _bars(g, [m.value for m in box.members], -h / 2 + 22, "value")
        if all(m.derivative is not None for m in box.members):
            _bars(g, [m.derivative or 0.0 for m in box.members], h / 2 - 22, "slope")
        return
    value = number(box.value, longest=LONGEST) + (" ?" if box.stale else "")
    _text(g, (0, -h / 2 + 19), value, NUMBER, "muted" if box.stale else "value", bold=True)
    derivative = "·" if box.derivative is None else number(box.derivative, longest=LONGEST)
    outdated = model.stale and box.derivative is not None  # it was the slope of a function at another point
    _text(g, (0, h / 2 - 9.5), f"∂ {derivative}" + (" ?" if outdated else ""), NUMBER,
          "muted" if outdated or box.derivative is None else "slope")


def _bars(parent: ET.Element, numbers: list[float], y: float, colour: str) -> None:
    """A bar a number, upward when positive and downward when negative, the longest 15 points."""
    top = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0) or 1.0
    for i, x in enumerate(numbers):
        height = 15 * x / top if math.isfinite(x) else 0.0
        at = 9 * (i - (len(numbers) - 1) / 2)
        _rectangle(parent, (at, y - height / 2), (6, max(abs(height), 1.0)), colour, None, 1)


def _draw_wires(parent: ET.Element, model: Model, wires: list[tuple[Wire, Box]], layout: Layout, labelled: bool) -> None:
    for (wire, box), curve in zip(wires, layout.curves):
        g = ET.SubElement(parent, "g")
        ET.SubElement(g, "title").text = model.wire_hint(wire, box) if wire.count == 1 else f"{wire.count} wires"
        *_, before, end = curve
        length = math.dist(before, end) or 1.0
        ux, uy = (end[0] - before[0]) / length, (end[1] - before[1]) / length
        base = end[0] - 7 * ux, end[1] - 7 * uy
        points = [*curve[:-1], base]
        bends = zip(points[1::3], points[2::3], points[3::3])
        path = f"M{_at(points[0])}" + "".join(f" C{_at(a)} {_at(b)} {_at(c)}" for a, b, c in bends)
        thickness = _thickness(model, wire, box)
        stroke = {"fill": "none", "stroke": LIGHT["wire"], "class": "mgp-wire-s", "stroke-width": f"{thickness:.2f}"}
        if not labelled:  # too many for curves and arrows: hairlines, the darker the more flows through them
            path = f"M{_at(curve[0])} L{_at(curve[-1])}"
            stroke |= {"stroke-width": "0.8", "stroke-opacity": f"{0.5 * thickness - 0.4:.2f}"}
        if wire.local is None and wire.source.kind not in ("layer", "cut") and box.kind != "layer":
            stroke["stroke-dasharray"] = "3 4"
        ET.SubElement(g, "path", {"d": path, **stroke})
        if not labelled:
            continue
        corners = end, (base[0] - 3.6 * uy, base[1] + 3.6 * ux), (base[0] + 3.6 * uy, base[1] - 3.6 * ux)
        arrow = {"points": " ".join(_at(p) for p in corners), "fill": LIGHT["wire"], "class": "mgp-wire-f"}
        ET.SubElement(g, "polygon", arrow)
        if _has_label(wire):
            text = "0" if wire.local is None else number(wire.local, longest=LONGEST_ON_WIRE)
            middle = _middle(curve)
            _rectangle(g, middle, (width(text, SMALL) + 8, 16), "paper", None, 8)
            _text(g, (middle[0], middle[1] + 3.8), text, SMALL, "local")


def _has_label(wire: Wire) -> bool:
    return wire.count == 1 and wire.source.kind not in ("layer", "cut")


def _thickness(model: Model, wire: Wire, box: Box) -> float:
    other = wire.source.derivative if model.mode == "forward" else box.derivative
    if other is None or wire.local is None:
        return 1.3
    flow = abs(wire.local * other)
    return 1.1 + 1.9 * math.tanh(flow) if flow == flow else 1.3


def _middle(curve: list[Point]) -> Point:
    segments = (len(curve) - 1) // 3
    a, b, c, d = curve[3 * (segments // 2):][:4]
    if segments % 2 == 0:
        return a
    return (a[0] + 3 * b[0] + 3 * c[0] + d[0]) / 8, (a[1] + 3 * b[1] + 3 * c[1] + d[1]) / 8


def _at(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"


def _rectangle(parent: ET.Element, centre: Point, size: Point, fill: str, stroke: str | None, radius: float,
               dashed: bool = False) -> None:
    attributes = {"x": f"{centre[0] - size[0] / 2:.1f}", "y": f"{centre[1] - size[1] / 2:.1f}", "width": f"{size[0]:.1f}",
                  "height": f"{size[1]:.1f}", "rx": f"{radius:.1f}", "fill": LIGHT[fill], "class": f"mgp-{fill}-f"}
    if stroke:
        attributes |= {"stroke": LIGHT[stroke], "class": f"mgp-{fill}-f mgp-{stroke}-s"}
    if dashed:
        attributes["stroke-dasharray"] = "4 3"
    ET.SubElement(parent, "rect", attributes)


def _text(parent: ET.Element, at: Point, text: str, size: float, colour: str, anchor: str = "middle",
          bold: bool = False) -> None:
    attributes = {"x": f"{at[0]:.1f}", "y": f"{at[1]:.1f}", "font-size": f"{size:g}", "text-anchor": anchor,
                  "fill": LIGHT[colour], "class": f"mgp-{colour}-f", "xml:space": "preserve"}
    if bold:
        attributes["font-weight"] = "600"
    ET.SubElement(parent, "text", attributes).text = text
