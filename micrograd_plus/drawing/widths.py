"""How wide a text is in a picture, before any browser has laid it out.

Knows characters, nothing of the package.
"""

from __future__ import annotations

import math
import unicodedata

_WIDTHS = {  # in ems: the widest among common sans-serif fonts, measured
    0.42: " !'(),-./:;I[\\]fijl|·⋅",
    0.48: '"rt₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹',
    0.66: "$*0123456789?FJLT_`abcdeghknopqsuvxyz{}ΓΣΤβγδεζηθικλνξορςτυχ∂",
    0.84: "#&+<=>^w~±×÷−≤≥≠≈∞√ABCDEGHKNOPQRSUVXYZΑΒΔΕΖΗΘΙΚΛΝΞΟΠΡΥΧΨΩαμπσφψω",
    1.02: "%@MWmΜΦ…→",
}
_WIDTH = {character: share for share, characters in _WIDTHS.items() for character in characters}
_BOLDER = 1.1  # how much wider the same characters are in bold


def width(text: str, size: float, bold: bool = False) -> float:
    """A text's width at a font size, in its unit: an upper estimate if it `is_measured`,
    else a guess.
    """
    return size * (_BOLDER if bold else 1.0) * math.fsum(_share(c) for c in _plain(text))


def is_measured(text: str) -> bool:
    """Whether it is of Latin and Greek letters, digits and common signs,
    whose widths are known in any font.
    """
    return all(c in _WIDTH for c in _plain(text))


def _plain(text: str) -> str:
    """The text without its accents and other marks, which take no room."""
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def _share(character: str) -> float:
    if character in _WIDTH:
        return _WIDTH[character]
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0 if unicodedata.category(character) == "Lo" else 1.3  # a letter, an emoji
    return 0.6 if unicodedata.category(character)[0] == "L" else 1.0
