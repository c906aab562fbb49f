"""Pictures inside one page: how their elements look is said once, in a style sheet of the page.

An element has the name of a rule, where in a file by itself it has its colours, font and anchor.
Colours are variables, so that pictures turn dark with the page.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from ..drawing import Picture
from ..drawing.svg import DARK, LIGHT, drawn

PLACES = ("x", "y", "width", "height", "points", "d", "transform")
LENGTHS = ("font-size", "rx", "stroke-width")
LOOKS = ("fill", "stroke", "text-anchor", "font-weight", *LENGTHS)
ROUND = re.compile(r"\.0+(?=[ ,)]|$)")  # 16.0 is 16
PLAIN = re.compile(r"[\w#.-]+")  # what may stand in a rule as it is
COLOR = re.compile(r"mgp-(\w+)-([fs])")
PAINTS = {"f": "fill", "s": "stroke"}


class Sheet:
    """A style sheet that grows with the pictures on its page."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    @property
    def css(self) -> str:
        """The rules of the pictures so far, which stand in elements of class "card"."""
        light, dark = map(_variables, (LIGHT, DARK))
        rules = [f".{name} {{ {looks} }}" for looks, name in self._names.items()]
        on_dark = f"@media screen and (prefers-color-scheme: dark) {{ {dark} }}"
        return "\n".join([light, on_dark, *rules, ""])

    def svg(self, picture: Picture, style: str) -> str:
        """A picture as an <svg> element of this page, with a style of its own."""
        svg = drawn(picture.texts, picture.places, "light")
        for element in svg.iter():
            self._share(element)
        del svg.attrib["xmlns"], svg.attrib["font-family"]
        svg.set("style", style)
        return ET.tostring(svg, encoding="unicode")

    def _share(self, element: ET.Element) -> None:
        """Leave to an element what is its own."""
        given = element.attrib
        for name in given.keys() & PLACES:
            given[name] = ROUND.sub("", given[name])
        if given.get("xml:space") and not re.search(r"^\s|\s\s|\s$", _text(element)):
            del given["xml:space"]
        looks = _taken(given)
        if looks:
            given["class"] = self._names.setdefault(looks, f"p{len(self._names)}")


def _variables(colors: dict[str, str]) -> str:
    inside = "; ".join(f"--{name}: {color}" for name, color in colors.items())
    return f".card {{ {inside} }}"


def _text(element: ET.Element) -> str:
    return "".join(element.itertext())


def _taken(given: dict[str, str]) -> str:
    """What of an element's attributes a rule can say, which are taken from it."""
    looks = {}
    for name in LOOKS:
        if name in given and PLAIN.fullmatch(given[name]):
            looks[name] = given.pop(name) + ("px" if name in LENGTHS else "")
    found = COLOR.findall(given.get("class", "")) if looks else []
    for color, painted in found:
        looks[PAINTS[painted]] = f"var(--{color})"
    return "; ".join(f"{name}: {value}" for name, value in looks.items())
