r"""Labels with mathematics between dollars, as `$\theta_1$`: what is a formula, and how it reads as
TeX and as plain Unicode text. Knows nothing of the package.

A label may come from a stranger, and TeX is a programming language. So a formula is read by a
grammar of our own, of known words and a few characters, and written anew from what was read; what
the grammar does not know is no formula but text, in which every character stands for itself.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby

from .text import visible

LONGEST = 300  # characters of a label that are looked at
DEEPEST = 12  # groups within groups

_SYMBOLS = (
    "alpha:α beta:β gamma:γ delta:δ epsilon:ϵ varepsilon:ε zeta:ζ eta:η theta:θ vartheta:ϑ "
    "iota:ι kappa:κ lambda:λ mu:μ nu:ν xi:ξ pi:π varpi:ϖ rho:ρ varrho:ϱ sigma:σ varsigma:ς "
    "tau:τ upsilon:υ phi:ϕ varphi:φ chi:χ psi:ψ omega:ω "
    "Gamma:Γ Delta:Δ Theta:Θ Lambda:Λ Xi:Ξ Pi:Π Sigma:Σ Upsilon:Υ Phi:Φ Psi:Ψ Omega:Ω "
    "partial:∂ nabla:∇ infty:∞ ell:ℓ prime:′ sum:∑ prod:∏ int:∫ forall:∀ exists:∃ "
    "cdot:· times:× div:÷ pm:± mp:∓ ast:∗ star:⋆ circ:∘ bullet:• odot:⊙ otimes:⊗ oplus:⊕ "
    "leq:≤ le:≤ geq:≥ ge:≥ ne:≠ neq:≠ approx:≈ equiv:≡ sim:∼ propto:∝ in:∈ ll:≪ gg:≫ "
    "to:→ rightarrow:→ leftarrow:← mapsto:↦ top:⊤ bot:⊥ dagger:† ldots:… cdots:⋯ "
    "langle:⟨ rangle:⟩ mid:∣ quad:\u2003"
)
_FUNCTIONS = (
    "exp log ln sin cos tan sinh cosh tanh arcsin arccos arctan max min arg det dim lim sup inf Pr"
)
# the words of a formula, each with the character that it stands for; all are in LaTeX itself
SYMBOLS = dict(pair.split(":") for pair in _SYMBOLS.split(" "))
FUNCTIONS = frozenset(_FUNCTIONS.split())
ACCENTS = {
    "hat": "\u0302",
    "bar": "\u0304",
    "tilde": "\u0303",
    "dot": "\u0307",
    "ddot": "\u0308",
    "check": "\u030c",
    "breve": "\u0306",
    "acute": "\u0301",
    "grave": "\u0300",
    "vec": "\u20d7",
}
FONTS = frozenset(("mathbf", "mathrm", "mathit", "mathsf", "mathcal"))
SPACES = {"\\,": "\u2009", "\\:": "\u2009", "\\;": "\u2009", "\\!": ""}
WORDS = frozenset((*SYMBOLS, *FUNCTIONS, *ACCENTS, *FONTS, "frac", "sqrt"))
# what else a formula may hold, beside ^ _ { } and '
CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-*/=(),. ")
WORD_OF = {symbol: word for word, symbol in reversed(SYMBOLS.items()) if symbol.isprintable()}

SUPERSCRIPTS = dict(
    zip("0123456789+−=()nabcdefghijklmoprstuvwxyz′⊤", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐᵒᵖʳˢᵗᵘᵛʷˣʸᶻ′ᵀ")
)
SUBSCRIPTS = dict(zip("0123456789+−=()aehijklmnoprstuvxβγρ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨ"))
SMALL = {"^": SUPERSCRIPTS, "_": SUBSCRIPTS}

# opened before and closed behind what is no space, and no digit follows, so that $5 is a price
_MATH = re.compile(r"\$(?=\S)([^$]*[^\s$])\$(?![0-9$])")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\[,:;!]|[\s\S]")
_ENDS_IN_WORD = re.compile(r"\\[A-Za-z]+\Z")

# what TeX would take for a command, in a text; all these words are in the kernel of LaTeX
TEXT_WORDS = {
    "\\": "textbackslash",
    "^": "textasciicircum",
    "~": "textasciitilde",
    "<": "textless",
    ">": "textgreater",
    "|": "textbar",
    "`": "textasciigrave",
}
_ESCAPED = {
    **{character: f"\\{word}{{}}" for character, word in TEXT_WORDS.items()},
    **{character: f"\\{character}" for character in "{}$&#%_"},
    '"': "\\symbol{34}",
}
# the formula that a character of a text becomes: an index goes with those beside it
_AS_MATH = {
    **{symbol: ("", f"\\{word} ") for symbol, word in WORD_OF.items()},
    **{
        small: (sign, plain.replace("−", "-"))
        for sign, smalls in SMALL.items()
        for plain, small in smalls.items()
        if plain.isascii() or plain == "−"
    },
    "−": ("", "-"),
}


@dataclass(frozen=True)
class Piece:
    """A stretch of a label: a formula, with its TeX, or a text, where `tex` is None;
    `text` is what stands for it where there is plain Unicode only.
    """

    text: str
    tex: str | None = None


def pieces(label: str) -> list[Piece]:
    """The texts and formulas of a label, in order; one text where it holds no formula."""
    found: list[Piece] = []
    end, label = 0, label[:LONGEST]
    for match in _MATH.finditer(label):
        formula = _formula(match[1])
        if formula is not None:
            if label[end : match.start()]:
                found.append(Piece(label[end : match.start()]))
            found.append(formula)
            end = match.end()
    if label[end:] or not found:
        found.append(Piece(label[end:]))
    return found


def has_math(label: str) -> bool:
    """Whether a label holds a formula."""
    return "$" in label and any(piece.tex is not None for piece in pieces(label))


def unicode(label: str) -> str:
    r"""The label as text without TeX: `θ₁` for `$\theta_1$`, `ŷ` for `$\hat y$`; one without a
    formula as it is.
    """
    return "".join(piece.text for piece in pieces(label)) if has_math(label) else label


def tex(label: str) -> str:
    r"""The label for a LaTeX document, whoever wrote it: formulas in dollars, all else escaped.

    No control word but those of WORDS, TEXT_WORDS and `\symbol` comes out, and each brace has its
    partner. Greek letters, indices and signs of mathematics in a text become formulas, so that
    every LaTeX has them.
    """
    return "".join(
        _escaped(visible(piece.text, LONGEST)) if piece.tex is None else f"${piece.tex}$"
        for piece in pieces(label)
    )


def _escaped(text: str) -> str:
    """A text in which every character stands for itself."""
    written = ""
    for sign, run in groupby(text, lambda c: _AS_MATH[c][0] if c in _AS_MATH else None):
        if sign is None:
            written += "".join(_ESCAPED.get(c, c) for c in run)
        else:
            row = "".join(_AS_MATH[c][1] for c in run).rstrip()
            written += f"${sign}{{{row}}}$" if sign else f"${row}$"
    # two would be one long dash
    return written.replace("--", "-{}-").replace("--", "-{}-")


class _NoFormula(Exception):  # noqa: N818  # no error: then it is a text
    """What stands between the dollars is not of the grammar."""


def _formula(source: str) -> Piece | None:
    tokens = _Tokens(source)
    try:
        read = _sequence(tokens, 0)
        tokens.expect("")
    except _NoFormula:
        return None
    text = unicodedata.normalize("NFC", read.text)
    return Piece(text, read.tex) if text.strip() else None


class _Tokens:
    """The words and characters of a formula, one after the other, with empty ones at its end."""

    def __init__(self, source: str) -> None:
        self._waiting = _TOKEN.findall(source)[::-1]

    @property
    def next(self) -> str:
        """The one that is taken next."""
        return self._waiting[-1] if self._waiting else ""

    def take(self) -> str:
        """The next one, which is then gone."""
        return self._waiting.pop() if self._waiting else ""

    def expect(self, token: str) -> None:
        """Takes that one, or gives the formula up."""
        if self.take() != token:
            raise _NoFormula


@dataclass(frozen=True)
class _Read:
    """A part of a formula that has been read, written in both ways."""

    tex: str
    text: str


def _sequence(tokens: _Tokens, depth: int) -> _Read:
    """Atoms with their indices, up to a closing brace or the end."""
    written, text = "", ""
    while tokens.next not in ("", "}"):
        read = _indexed(tokens, depth)
        if read.tex[:1].isalpha() and _ENDS_IN_WORD.search(written):
            written += " "
        written, text = written + read.tex, text + read.text
    return _Read(written, text)


def _indexed(tokens: _Tokens, depth: int) -> _Read:
    """An atom with what is raised above it and lowered below it, each at most once."""
    indices = ("^", "_", "'")
    base = _Read("{}", "") if tokens.next in indices else _atom(tokens, depth)
    written, text = base.tex, base.text
    taken = set()
    while tokens.next in indices:
        sign = tokens.take()
        place = "_" if sign == "_" else "^"
        if place in taken:
            raise _NoFormula
        taken.add(place)
        index = _Read(r"\prime", "′") if sign == "'" else _argument(tokens, depth)
        written += f"{place}{{{index.tex}}}"
        text += _indices(index.text, place)
    return _Read(written, text)


def _indices(text: str, place: str) -> str:
    """In small characters where Unicode has them all, else behind the sign."""
    small = SMALL[place]
    if all(c in small for c in text):
        return "".join(small[c] for c in text)
    return place + _together(text)


def _together(text: str) -> str:
    return text if text.isalnum() or len(text) == 1 else f"({text})"


def _argument(tokens: _Tokens, depth: int) -> _Read:
    """What a word, ^ or _ goes with: a group, whose braces are left out, or one atom."""
    while tokens.next == " ":
        tokens.take()
    return _group(tokens, depth) if tokens.next == "{" else _atom(tokens, depth)


def _group(tokens: _Tokens, depth: int) -> _Read:
    if depth == DEEPEST:
        raise _NoFormula
    tokens.expect("{")
    read = _sequence(tokens, depth + 1)
    tokens.expect("}")
    return read


def _atom(tokens: _Tokens, depth: int) -> _Read:
    """A character, a group, or a word with its arguments."""
    if tokens.next == "{":
        group = _group(tokens, depth)
        return _Read(f"{{{group.tex}}}", group.text)
    token = tokens.take()
    if token in CHARACTERS:
        return _Read(token, {"-": "−", "*": "∗"}.get(token, token))
    if token in SPACES:
        return _Read(token, SPACES[token])
    if token in WORD_OF:
        return _Read(f"\\{WORD_OF[token]}", token)
    if token[:1] != "\\" or token[1:] not in WORDS:
        raise _NoFormula
    return _word(token[1:], tokens, depth + 1)


def _word(word: str, tokens: _Tokens, depth: int) -> _Read:
    if depth > DEEPEST:
        raise _NoFormula
    if word in SYMBOLS:  # the first word for it: \leq, for matplotlib does not know \le
        return _Read(f"\\{WORD_OF.get(SYMBOLS[word], word)}", SYMBOLS[word])
    if word in FUNCTIONS:
        return _Read(f"\\{word}", word)
    first = _argument(tokens, depth)
    written = f"\\{word}{{{first.tex}}}"
    if word in ACCENTS:
        return _Read(written, "".join(c + ACCENTS[word] for c in first.text))
    if word in FONTS:
        return _Read(written, first.text)
    if word == "sqrt":
        return _Read(written, f"√{_together(first.text)}")
    second = _argument(tokens, depth)  # of \frac
    text = f"{_together(first.text)}/{_together(second.text)}"
    return _Read(f"{written}{{{second.tex}}}", text)
