r"""The picture as TikZ, for LaTeX: in our own coordinates, with named nodes, in styles that can be
set anew.

One text serves twice. Compiled by itself it is a page with the picture, or with overlays a frame of
Beamer; `\input` where TikZ is loaded it is the picture alone. A style is defined only where the
document has none of that name, so `\tikzset{mgp value/.style={blue}}` before the picture counts.

Nothing from a graph reaches TeX but numbers of ours, and texts that `formulas.tex` made harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..support.formulas import tex
from .arrangement import NAME, SMALL, Arrangement, spots, title_of
from .layout import Point
from .model import Box
from .style import NUMBER
from .svg import LIGHT, is_closed
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
    "mgp chip": "inner sep=1.5pt, rounded corners=4pt, fill=mgp chip, text=white, font=\\mgpsmall",
    "mgp value": "mgp text, text=mgp value",
    "mgp slope": "mgp text, text=mgp slope",
    "mgp muted": "mgp text, text=mgp muted",
    "mgp label": "fill=white, inner sep=1pt, align=center, font=\\mgpsmall",
    "mgp wire": "draw=mgp wire, line width=0.6pt, -stealth",
    "mgp closed": "mgp wire, dashed",
}
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


def tikz(texts: Texts, places: Arrangement, moments: Sequence[Moment] = ()) -> str:
    """The picture as TikZ; with moments, each number from the overlay on in which it is known."""
    scale = texts.style.font_size / NUMBER
    if texts.style.width is not None:
        scale = texts.style.width / (places.right - places.left)
    lines = [*_begun(scale, bool(moments)), *_drawn(texts, places, moments, scale), _ended()]
    return "\n".join(lines)


def _begun(scale: float, overlays: bool) -> Iterator[str]:
    class_of = r"{beamer}" if overlays else "[border=4pt]{standalone}"
    begin, end = (r"\begin{frame}", r"\end{frame}") if overlays else ("", "")
    head = HEAD.replace(" CLASS", class_of).replace("BEGIN", begin).replace(" END", end)
    yield head.rstrip()
    yield r"\def\mgppicture{\begingroup"
    for name, color in LIGHT.items():
        yield f"\\definecolor{{mgp {name}}}{{HTML}}{{{color[1:].upper()}}}"
    for command, size in SIZES.items():
        points = size * scale
        yield f"\\def\\{command}{{\\fontsize{{{points:.2f}}}{{{1.2 * points:.2f}}}\\selectfont}}"
    for style, meaning in STYLES.items():
        yield (
            f"\\pgfkeysifdefined{{/tikz/{style}/.@cmd}}{{}}"
            f"{{\\tikzset{{{style}/.style={{{meaning}}}}}}}"
        )
    yield f"\\begin{{tikzpicture}}[x={scale:.4f}pt, y=-{scale:.4f}pt]"


def _ended() -> str:
    return "\\end{tikzpicture}\n\\endgroup}\n\\mgpshow\n"


def _drawn(
    texts: Texts, places: Arrangement, moments: Sequence[Moment], scale: float
) -> Iterator[str]:
    names = node_names(texts.model.boxes)
    for box, centre, size in zip(texts.model.boxes, places.layout.centres, places.sizes):
        style = f"mgp {box.role or ('leaf' if box.kind == 'leaf' else 'gate')}"
        if box.kind in ("constant", "cut"):
            style = "mgp constant"
        room = f"minimum width={scale * size[0]:.1f}pt, minimum height={scale * size[1]:.1f}pt"
        yield f"\\node[{style}, {room}] ({names[box]}) at {_at(centre)} {{}};"
        yield from _titled(texts, box, centre)
    for (wire, box), curve in zip(places.wires, places.layout.curves):
        style = "mgp closed" if is_closed(wire, box) else "mgp wire"
        bends = zip(curve[1::3], curve[2::3], curve[3::3])
        path = "".join(f" .. controls {_at(a)} and {_at(b)} .. {_at(c)}" for a, b, c in bends)
        yield f"\\draw[{style}] {_at(curve[0])}{path};"
    where = spots(texts, places)
    centres = dict(zip(texts.model.boxes, places.layout.centres))
    for spot, first, last, lines in changes(texts, moments):
        if spot in where:
            x, y = where[spot]
            if isinstance(spot[1], Box):
                x, y = centres[spot[1]][0] + x, centres[spot[1]][1] + y
            written = _number(spot, (x, y), [_pieces(line) for line in lines])
            yield _overlaid(written, first, last) if moments else written


def _overlaid(written: str, first: int, last: int | None) -> str:
    return f"\\onslide<{first + 1}-{'' if last is None else last}>{{{written}}}"


def _titled(texts: Texts, box: Box, centre: Point) -> Iterator[str]:
    """The name of a box, and the chip with its gate."""
    if box.kind in ("constant", "cut"):
        yield f"\\node[mgp muted] at {_at(centre)} {{{tex(texts.constant(box))}}};"
        return
    title, name = title_of(texts, box), tex(box.label or texts.title(box))
    y = centre[1] + title.y
    if box.symbol:
        yield f"\\node[mgp chip] at {_at((centre[0] + title.chip, y))} {{{tex(box.symbol)}}};"
    if name:
        yield f"\\node[mgp name] at {_at((centre[0] + title.name, y))} {{{name}}};"


def _number(spot: Spot, at: Point, lines: Sequence[str]) -> str:
    style = {"value": "mgp value", "derivative": "mgp slope", "label": "mgp label"}[spot[0]]
    written = r" \\ ".join(lines)
    return f"\\node[{style}] at {_at(at)} {{{written}}};"


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
