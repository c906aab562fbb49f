r"""The picture as TikZ, for LaTeX: in our own coordinates, with named nodes, in styles that can be
set anew.

One text serves twice. Compiled by itself it is a page with the picture, or with overlays a frame of
Beamer; `\input` where TikZ is loaded it is the picture alone. A style is defined only where the
document has none of that name, so `\tikzset{mgp value/.style={blue}}` before the picture counts.

Nothing from a graph reaches TeX but numbers of ours, and texts that `formulas.tex` made harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..support.formulas import tex
from .arrangement import NAME, SMALL, Arrangement, Bar, bars_of, room_of, spots, title_of
from .colors import rgb
from .labels import rectangle
from .layout import Point
from .model import Box
from .style import NUMBER
from .svg import DARK, LIGHT, is_closed, margin_of
from .texts import Moment, Pieces, Spot, Texts, changes

STYLES = {
    "mgp box": "draw=mgp edge, rounded corners=4pt, inner sep=0pt, outer sep=0pt",
    "mgp leaf": "mgp box, fill=mgp card",
    "mgp parameter": "mgp box, fill=mgp parameter",
    "mgp input": "mgp box, fill=mgp input",
    "mgp gate": "mgp box, fill=mgp gate",
    "mgp constant": "mgp box, fill=mgp card",
    "mgp text": "inner sep=1pt, font=\\mgpnumber",
    "mgp name": "mgp text, text=mgp ink, font=\\mgpname",
    "mgp chip": "inner sep=0pt, fill=mgp chip, text=mgp onchip, font=\\mgpsmall",
    "mgp value": "mgp text, text=mgp value",
    "mgp slope": "mgp text, text=mgp slope",
    "mgp muted": "mgp text, text=mgp muted",
    "mgp label": "fill=mgp paper, inner sep=1pt, align=center, font=\\mgpsmall",
    "mgp wire": "draw=mgp wire, line width=0.6pt, -stealth",
    "mgp closed": "mgp wire, dashed",
    "mgp hairline": "-, line width=0.3pt, opacity=0.4",
}
SLIDE = 398.0, 220.0  # the room in points for a picture on a slide of 16:9
BESIDE = 57.0  # and what is around it there
DROP = 0.35  # how far the line of a text is below its middle, as a share of the font size
SIZES = {"mgpnumber": NUMBER, "mgpname": NAME, "mgpsmall": SMALL}
HEAD = r"""% A computational graph. By itself it makes a page; where TikZ is loaded, \input it.
% The styles "mgp box", "mgp value" ... may be defined before it, by \tikzset. Letters that pdfLaTeX
% does not know take XeLaTeX or LuaLaTeX.
\ifx\tikzpicture\undefined
  \documentclass CLASS
  \usepackage{tikz}
  \def\mgpshow{\begin{document}BEGIN\mgppicture END\end{document}}
\else
  \def\mgpshow{\mgppicture}
\fi
"""
ENDED = "\\end{tikzpicture}%\n\\endgroup}\n\\mgpshow\n"


def tikz(texts: Texts, places: Arrangement, moments: Sequence[Moment] = ()) -> str:
    """The picture as TikZ; with moments, each number from the overlay on in which it is known."""
    paper = _paper(texts, places)
    scale = texts.style.font_size / NUMBER
    if texts.style.width is not None:
        scale = texts.style.width / (paper.right - paper.left)
    head = _head(scale * (paper.right - paper.left), scale * (paper.bottom - paper.top), moments)
    # the end of a line is a space, and these stand where a space counts
    begun = [f"{line}%" for line in _begun(texts, paper, scale)]
    return "\n".join([head, *begun, *_drawn(texts, places, moments, scale), ENDED])


@dataclass(frozen=True)
class Paper:
    """What a picture is drawn on: how far it reaches, and whether it is painted."""

    left: float
    top: float
    right: float
    bottom: float
    painted: bool


def _paper(texts: Texts, places: Arrangement) -> Paper:
    """Painted where somebody asked for a colour; else it is that of the document."""
    style, height = texts.style, places.layout.height
    painted = bool(style.background) or style.theme == "dark"
    if not painted or style.background == "transparent":
        return Paper(places.left, 0.0, places.right, height, painted=False)
    margin = margin_of(texts)
    across = places.left - margin, places.right + margin
    return Paper(across[0], -margin, across[1], height + margin, painted=True)


def _begun(texts: Texts, paper: Paper, scale: float) -> Iterator[str]:
    yield r"\def\mgppicture{\begingroup"
    colors = dict(DARK if texts.style.theme == "dark" else LIGHT)
    for name, color in {**colors, "paper": texts.style.background or colors["paper"]}.items():
        yield _defined(name, rgb(color) or rgb(colors[name]) or "")
    for fill, number in _fills(texts.model.boxes).items():
        yield _defined(f"fill {number}", fill)
    for command, size in SIZES.items():
        points = size * scale
        yield f"\\def\\{command}{{\\fontsize{{{points:.2f}}}{{{1.2 * points:.2f}}}\\selectfont}}"
    for style, meaning in STYLES.items():
        yield (
            f"\\pgfkeysifdefined{{/tikz/{style}/.@cmd}}{{}}"
            f"{{\\tikzset{{{style}/.style={{{meaning}}}}}}}"
        )
    yield f"\\begin{{tikzpicture}}[x={scale:.4f}pt, y=-{scale:.4f}pt]"
    if paper.painted:
        corners = _at((paper.left, paper.top)), _at((paper.right, paper.bottom))
        yield f"\\fill[color=mgp paper] {corners[0]} rectangle {corners[1]};"


def _head(width: float, height: float, overlays: Sequence[Moment]) -> str:
    """What makes a page of it where there is none: as large as the picture, or a slide."""
    if not overlays:
        class_of, begin, end = r"[border=4pt]{standalone}", "", ""
    else:
        class_of, begin, end = r"[aspectratio=169]{beamer}", r"\begin{frame}[plain]", r"\end{frame}"
        class_of += "\n" + r"  \setbeamertemplate{navigation symbols}{}"
        if width > SLIDE[0] or height > SLIDE[1]:
            room = max(width, SLIDE[0]) + BESIDE, max(height, SLIDE[1]) + BESIDE
            class_of += f"\n  \\geometry{{papersize={{{room[0]:.1f}pt,{room[1]:.1f}pt}}}}"
    return HEAD.replace(" CLASS", class_of).replace("BEGIN", begin).replace(" END", end).rstrip()


def _defined(name: str, digits: str) -> str:
    return f"\\definecolor{{mgp {name}}}{{HTML}}{{{digits}}}"


def _fills(boxes: Sequence[Box]) -> dict[str, int]:
    """A number for each colour that was asked for."""
    found: dict[str, int] = {}
    for box in boxes:
        if box.fill and (digits := rgb(box.fill)):
            found.setdefault(digits, len(found) + 1)
    return found


def _drawn(
    texts: Texts, places: Arrangement, moments: Sequence[Moment], scale: float
) -> Iterator[str]:
    names, fills = node_names(texts.model.boxes), _fills(texts.model.boxes)
    for box, centre, size in zip(texts.model.boxes, places.layout.centres, places.sizes):
        style = _style(box, fills)
        room = _room(size, scale)
        if box.kind == "stretch":  # a card behind the card
            yield f"\\node[{style}, {room}] at {_at((centre[0] + 4, centre[1] - 4))} {{}};"
        yield f"\\node[{style}, {room}] ({names[box]}) at {_at(centre)} {{}};"
        yield from _titled(texts, box, centre, scale)
        if box.kind == "layer":
            yield from (_barred(centre, bar) for bar in bars_of(box, size))
    for (wire, box), curve in zip(places.wires, places.layout.curves):
        style = "mgp closed" if is_closed(wire, box) else "mgp wire"
        if not places.labelled:  # too many for curves and arrows
            yield f"\\draw[{style}, mgp hairline] {_at(curve[0])} -- {_at(curve[-1])};"
            continue
        bends = zip(curve[1::3], curve[2::3], curve[3::3])
        path = "".join(f" .. controls {_at(a)} and {_at(b)} .. {_at(c)}" for a, b, c in bends)
        yield f"\\draw[{style}] {_at(curve[0])}{path};"
    where = spots(texts, places)
    centres = dict(zip(texts.model.boxes, places.layout.centres))
    for spot, first, last, lines in changes(texts, moments):
        if spot in where:
            x, y = where[spot]
            if isinstance(spot[1], Box):
                x, y = centres[spot[1]][0] + x, centres[spot[1]][1] + y + DROP * NUMBER
            written = _number(spot, (x, y), [_pieces(line) for line in lines])
            yield _overlaid(written, first, last) if moments else written


def _style(box: Box, fills: Mapping[str, int]) -> str:
    """That of a box: its kind, and what somebody asked for."""
    style = f"mgp {box.role or ('leaf' if box.kind == 'leaf' else 'gate')}"
    if box.kind in ("constant", "cut"):
        style = "mgp constant"
    if box.fill and (digits := rgb(box.fill)):
        style += f", fill=mgp fill {fills[digits]}"
    return f"{style}, dashed" if box.stale else style


def _room(size: Point, scale: float) -> str:
    return f"minimum width={scale * size[0]:.1f}pt, minimum height={scale * size[1]:.1f}pt"


def _barred(centre: Point, bar: Bar) -> str:
    left, top, right, bottom = rectangle(bar.centre, bar.size)
    first, second = (_at((centre[0] + x, centre[1] + y)) for x, y in ((left, top), (right, bottom)))
    return f"\\fill[color=mgp {bar.color}] {first} rectangle {second};"


def _overlaid(written: str, first: int, last: int | None) -> str:
    return f"\\onslide<{first + 1}-{'' if last is None else last}>{{{written}}}"


def _titled(texts: Texts, box: Box, centre: Point, scale: float) -> Iterator[str]:
    """The name of a box, and the chip with its gate."""
    x, y = centre
    if box.kind in ("constant", "cut"):
        yield _text("mgp muted", (x, y + DROP * NUMBER), tex(texts.constant(box)))
        return
    title, name = title_of(texts, box), tex(box.label or texts.title(box))
    y += title.y
    if box.symbol:
        size = title.chip_width, min(20.0, room_of(texts.style).line)
        ends = f"rounded corners={scale * size[1] / 2 - 0.1:.1f}pt, {_room(size, scale)}"
        on_line = f"text height={scale * 2 * DROP * SMALL:.1f}pt, text depth=0pt"
        at = _at((x + title.chip, y))
        yield f"\\node[{ends}, {on_line}, mgp chip] at {at} {{{tex(box.symbol)}}};"
    if name:
        yield _text("mgp name", (x + title.name, y + DROP * NAME), name)
    elif not box.symbol:
        yield _text("mgp muted", (x, y + DROP * NUMBER), "leaf")


def _number(spot: Spot, at: Point, lines: Sequence[str]) -> str:
    if spot[0] == "label":
        written = r" \\ ".join(lines)
        return f"\\node[mgp label] at {_at(at)} {{{written}}};"
    return _text("mgp value" if spot[0] == "value" else "mgp slope", at, lines[0])


def _text(style: str, at: Point, written: str) -> str:
    """A text whose letters stand on a line."""
    return f"\\node[anchor=base, {style}] at {_at(at)} {{{written}}};"


def _pieces(pieces: Pieces) -> str:
    return "".join(f"\\textcolor{{mgp {color}}}{{{_tex(text)}}}" for text, color in pieces)


def _tex(text: str) -> str:
    """A number or a product of numbers, with spaces that count."""
    return "~".join(tex(word) if word else "" for word in text.split(" "))


def node_names(boxes: Sequence[Box]) -> dict[Box, str]:
    """A name for each node: its label where that is a plain word, else mgp-1, mgp-2 ..."""
    names: dict[Box, str] = {}
    taken: set[str] = set()
    for i, box in enumerate(boxes, 1):
        word = box.name if re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,30}", box.name) else ""
        name = word if word and word not in taken else f"mgp-{i}"
        taken.add(name)
        names[box] = name
    return names


def _at(point: Point) -> str:
    return f"({point[0]:.1f},{point[1]:.1f})"
