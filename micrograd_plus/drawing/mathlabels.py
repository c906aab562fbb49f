r"""Labels with mathematics in a picture: `$\theta_1$` as outlines, with their exact size.

matplotlib sets the formulas where it is installed; else they stand as Unicode text. It is imported
when the first formula is drawn, which takes about half a second, and on a machine where it never
ran some seconds more, for it looks through all fonts; each other formula takes some three
milliseconds once. Which labels hold a formula, and how they read as text, says
`support.formulas`: what it does not know never comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any
from xml.etree import ElementTree as ET

from ..support.formulas import has_math, pieces, tex, unicode
from .widths import is_measured, width

__all__ = ["Set", "has_math", "pieces", "set_label", "svg", "tex", "unicode"]

FONT = "dejavusans"  # one of those that come with matplotlib, whatever its settings
EM = 100.0  # the font size of outlines as they are kept
KEPT = 512  # formulas
LONGEST = 24  # characters of a label in a box, as Unicode text
# shares of the font size: behind each part, and how far a text and at most a formula reach up and
# down from their line; a formula that is higher is made smaller, down to a share of its size
SPACE = 0.08
TEXT_HEIGHT, TEXT_DEPTH = 0.75, 0.2
HIGHEST, LOWEST, SMALLEST = 1.15, 0.5, 0.6

_MOVE, _LINE, _QUADRATIC, _CUBIC, _CLOSE = 1, 2, 3, 4, 79  # matplotlib's codes for a path
_LETTERS = {_MOVE: "M", _LINE: "L", _QUADRATIC: "Q", _CUBIC: "C"}
_POINTS = {_MOVE: 1, _LINE: 1, _QUADRATIC: 2, _CUBIC: 3}


@dataclass(frozen=True)
class Outline:
    """A formula at the font size EM: an SVG path from the left end of its line, y pointing down,
    and how far it reaches to the right, above and below.
    """

    path: str
    width: float
    height: float
    depth: float


@dataclass(frozen=True)
class Set:
    """A label with formulas, set at a font size: its parts, each an Outline or a text, where they
    begin, and how far it all reaches to the right, above and below the line.
    """

    parts: tuple[Outline | str, ...]
    starts: tuple[float, ...]
    text: str
    size: float
    width: float
    height: float
    depth: float

    def svg(self, fill: str, style: str = "") -> ET.Element:
        """A <g> that begins at the origin, with the label in Unicode for those who hear it."""
        group = ET.Element("g", {"role": "img", "aria-label": self.text, "class": "mgp-math"})
        painted = {"fill": fill, "class": style} if style else {"fill": fill}
        for start, part in zip(self.starts, self.parts):
            if isinstance(part, Outline):
                scale = f"translate({start:.2f} 0) scale({self.size / EM:g})"
                ET.SubElement(group, "path", {"d": part.path, "transform": scale, **painted})
            else:
                self._write(group, part, start, painted)
        return group

    def _write(self, group: ET.Element, text: str, start: float, painted: dict[str, str]) -> None:
        """A text beside formulas: close to that behind it, or else to that before it."""
        across = width(text, self.size)
        is_last = start == self.starts[-1]
        attributes = {
            "x": f"{start if is_last else start + across:.2f}",
            "y": "0",
            "font-size": f"{self.size:g}",
            "text-anchor": "start" if is_last else "end",
            "xml:space": "preserve",
            **painted,
        }
        if not is_measured(text):
            attributes |= {"textLength": f"{across:.1f}", "lengthAdjust": "spacingAndGlyphs"}
        ET.SubElement(group, "text", attributes).text = text


def set_label(label: str, size: float) -> Set | None:
    """A label with formulas at a font size, or at a smaller one where it would not stay between the
    lines above and below; None where it is to be written as text: it holds no formula, is too long
    or too high for a box, or there is no matplotlib to set it.
    """
    if not has_math(label) or len(unicode(label)) > LONGEST:
        return None
    parts = [piece.text if piece.tex is None else _outline(piece.tex) for piece in pieces(label)]
    known = tuple(part for part in parts if part is not None)
    if len(known) < len(parts):
        return None
    height = max(TEXT_HEIGHT if isinstance(part, str) else part.height / EM for part in known)
    depth = max(TEXT_DEPTH if isinstance(part, str) else part.depth / EM for part in known)
    fitting = min(1.0, HIGHEST / height, LOWEST / depth if depth else 1.0)
    if fitting < SMALLEST:
        return None
    size *= fitting
    ends = list(accumulate(_across(part, size) for part in known))
    return Set(
        known, (0.0, *ends[:-1]), unicode(label), size, ends[-1], height * size, depth * size
    )


def _across(part: Outline | str, size: float) -> float:
    own = width(part, size) if isinstance(part, str) else part.width / EM * size
    return own + SPACE * size


def svg(label: str, size: float, fill: str) -> tuple[str, float, float, float] | None:
    """The label as markup that begins at the origin, and its width, height above and depth below
    the line; None where it is to be written as text.
    """
    found = set_label(label, size)
    if found is None:
        return None
    markup = ET.tostring(found.svg(fill), encoding="unicode")
    return markup, found.width, found.height, found.depth


@lru_cache(KEPT)
def _outline(formula: str) -> Outline | None:
    """A formula's outline; None where there is no matplotlib, or it cannot set it."""
    try:
        from matplotlib.font_manager import FontProperties
        from matplotlib.textpath import TextToPath
    except ImportError:
        return None
    setter: Any = TextToPath()
    try:
        points, codes = setter.get_text_path(
            FontProperties(math_fontfamily=FONT), f"${formula}$", ismath=True
        )
    except (ValueError, RuntimeError):  # it says so of what it does not know, FreeType of a font
        return None
    # the point of a closing code says nothing
    corners = [(float(x), -float(y)) for (x, y), code in zip(points, codes) if code != _CLOSE]
    if not corners:
        return None
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    moved = ((x - left, y) for x, y in corners)
    return Outline(_path(moved, map(int, codes)), right - left, max(0.0, -top), max(0.0, bottom))


def _path(points: Iterator[tuple[float, float]], codes: Iterable[int]) -> str:
    """As SVG writes it: for each letter its points, of which each has a code in matplotlib."""
    written = ""
    waiting = 0  # points of the letter that was written last
    for code in codes:
        if code == _CLOSE:
            written += "Z"
            continue
        written += " " if waiting else _LETTERS[code]
        waiting = (waiting or _POINTS[code]) - 1
        x, y = next(points)
        written += f"{x:.1f} {y:.1f}"
    return written
