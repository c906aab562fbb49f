"""How a formula is written: as text for a sentence, or as TeX.

Both put parentheses where the notation of books needs them, and only there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..support.text import number
from .formulas import ROOTS, SCHOOL, Formula, value_of

# How tightly a text holds together: the less, the sooner it needs parentheses.
CHOICE, SUM, PRODUCT, POWER, ATOM = range(5)
Written = tuple[str, int]  # a text, and how tightly it holds together

SHORT = re.compile(r"[^\W\d_][₀-₉]*")  # x, x₁: beside a number it needs no dot
CALL = re.compile(r"\w+\([^()]*\)")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
FROM_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
TEX_GREEK = {"σ": r"\sigma", "Φ": r"\Phi", "φ": r"\varphi", "π": r"\pi"}
TEX_CALLS = {"abs": r"\left|{}\right|", "√": r"\sqrt{{{}}}", "∛": r"\sqrt[3]{{{}}}"}
TEX_SIGNS = {"−": "-", "≤": r"\le", "≥": r"\ge"}
TEX_SPECIAL = str.maketrans(
    {
        **{c: f"\\{c}" for c in "#$%&_{}"},
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
    }
)


def written(formula: Formula, say: Callable[[float], str] = number) -> str:
    """The formula as text: numbers as `say` writes them, names as they are, a dot where two letters
    would run together.

    >>> from micrograd_plus.chain_rule.formulas import of_number, parse, simplified, substituted
    >>> written(simplified(substituted(parse("y·xʸ⁻¹")[1], {"y": of_number(2.0)})))
    '2x'
    """
    return _Text(say).write(formula)[0]


def tex(
    formula: Formula,
    say: Callable[[float], str] = number,
    name: Callable[[str], str] | None = None,
) -> str:
    r"""The formula as TeX in math mode; `say` writes a number, and `name` a name, by default as
    upright text in which every special character is escaped.

    >>> from micrograd_plus.chain_rule.formulas import parse
    >>> print(tex(parse("−1/x²")[1]))
    -\frac{1}{x^{2}}
    """
    return _Tex(say, name or tex_name).write(formula)[0]


def tex_name(text: str) -> str:
    """A name in TeX's math mode: x₁ as x_{1}, a word as upright text."""
    if text in TEX_GREEK:
        return TEX_GREEK[text]
    letter, index = text[:1], text[1:].translate(FROM_SUBSCRIPTS)
    if letter.isascii() and letter.isalpha() and index.isdecimal():
        return f"{letter}_{{{index}}}"
    if letter.isascii() and text.isalpha() and len(text) == 1:
        return letter
    return rf"\text{{{text.translate(TEX_SPECIAL)}}}"


def holds_together(name: str) -> bool:
    """Whether a name needs no parentheses anywhere: a word, or a call such as tanh(x + 1)."""
    return name.replace("_", "").isalnum() or CALL.fullmatch(name) is not None


class _Writer:
    """Writes each operation of a formula by the method for it."""

    brackets = "({})"

    def __init__(self, say: Callable[[float], str]) -> None:
        self._say = say
        self._methods: dict[str, Callable[..., Written]] = {
            "number": self._number,
            "name": self._name,
            "negative": self._negative,
            "call": self._call,
            "if": self._choice,
            "·": self._product,
            "/": self._fraction,
            "^": self._power,
        }

    def write(self, formula: Formula) -> Written:
        """The text of a formula, and how tightly it holds together."""
        method = self._methods.get(formula.operation)
        return method(*formula.parts) if method else self._between(formula)

    def _inside(self, formula: Formula, least: int) -> str:
        """The text of a part, in parentheses where it does not hold together as tightly as that."""
        text, tightness = self.write(formula)
        return text if tightness >= least else self.brackets.format(text)

    def _between(self, formula: Formula) -> Written:
        left, right = formula.parts
        least = PRODUCT if formula.operation in "+−" else SUM
        operation = self._operation(formula.operation)
        return f"{self._inside(left, SUM)} {operation} {self._inside(right, least)}", SUM

    def _operation(self, operation: str) -> str:
        return operation

    def _number(self, x: float) -> Written:
        text = self._say(x)
        return text, SUM if text.startswith("−") else ATOM

    def _name(self, text: str) -> Written:
        return text, ATOM if holds_together(text) else CHOICE

    def _negative(self, operand: Formula) -> Written:
        return self._operation("−") + self._inside(operand, PRODUCT), SUM

    def _call(self, function: str, operand: Formula) -> Written:
        raise NotImplementedError

    def _choice(self, first: Formula, condition: Formula, second: Formula) -> Written:
        raise NotImplementedError

    def _product(self, left: Formula, right: Formula) -> Written:
        raise NotImplementedError

    def _fraction(self, left: Formula, right: Formula) -> Written:
        raise NotImplementedError

    def _power(self, base: Formula, exponent: Formula) -> Written:
        raise NotImplementedError


class _Text(_Writer):
    def _call(self, function: str, operand: Formula) -> Written:
        if function == "abs":
            return f"|{self._inside(operand, SUM)}|", ATOM
        if function in ROOTS:
            return function + self._inside(operand, ATOM), POWER
        text, tightness = self.write(operand)
        if function in SCHOOL and tightness == ATOM:
            return f"{function} {text}", POWER
        return f"{function}({text})", ATOM

    def _choice(self, first: Formula, condition: Formula, second: Formula) -> Written:
        one, test, other = [self._inside(part, SUM) for part in (first, condition, second)]
        return f"{one} if {test} else {other}", CHOICE

    def _product(self, left: Formula, right: Formula) -> Written:
        before, after = self._inside(left, PRODUCT), self._inside(right, POWER)
        if left.operation == "number":
            touching = after.startswith("√") or _begins_short(right)
        else:
            ends = SHORT.fullmatch(before) is not None or before.endswith(")")
            touching = ends and after.startswith("(")
        return before + ("" if touching else "·") + after, PRODUCT

    def _fraction(self, left: Formula, right: Formula) -> Written:
        return f"{self._inside(left, PRODUCT)}/{self._inside(right, POWER)}", PRODUCT

    def _power(self, base: Formula, exponent: Formula) -> Written:
        below, y = self._inside(base, ATOM), value_of(exponent)
        if y is not None and y.is_integer() and 0.0 <= y < 100.0:
            return below + str(int(y)).translate(SUPERSCRIPTS), POWER
        return f"{below}^{self._inside(exponent, ATOM)}", POWER


def _begins_short(formula: Formula) -> bool:
    """Whether it is a short name, or a power of one, and so may touch a number: 2x, 3x²."""
    base = formula.parts[0] if formula.operation == "^" else formula
    return base.operation == "name" and SHORT.fullmatch(base.parts[0]) is not None


class _Tex(_Writer):
    brackets = r"\left({}\right)"

    def __init__(self, say: Callable[[float], str], name: Callable[[str], str]) -> None:
        super().__init__(say)
        self._tex_name = name

    def _operation(self, operation: str) -> str:
        return TEX_SIGNS.get(operation, operation)

    def _number(self, x: float) -> Written:
        text, tightness = super()._number(x)
        mantissa, e, exponent = text.replace("−", "-").partition("e")
        if e:
            return rf"{mantissa} \cdot 10^{{{exponent}}}", min(tightness, PRODUCT)
        return mantissa.replace("inf", r"\infty").replace("nan", r"\text{nan}"), tightness

    def _name(self, text: str) -> Written:
        return self._tex_name(text), super()._name(text)[1]

    def _call(self, function: str, operand: Formula) -> Written:
        text = self.write(operand)[0]
        if function in TEX_CALLS:
            return TEX_CALLS[function].format(text), ATOM
        known = TEX_GREEK.get(function, rf"\operatorname{{{function}}}")
        if function in SCHOOL:
            known = f"\\{function}"
        return rf"{known}\left({text}\right)", ATOM

    def _choice(self, first: Formula, condition: Formula, second: Formula) -> Written:
        one, test, other = [self.write(part)[0] for part in (first, condition, second)]
        cases = rf"{one} & \text{{if }} {test} \\ {other} & \text{{else}}"
        return rf"\begin{{cases}}{cases}\end{{cases}}", ATOM

    def _product(self, left: Formula, right: Formula) -> Written:
        after = self._inside(right, PRODUCT)
        dot = r"\," if after[0].isalpha() or after.startswith((r"\sqrt", r"\left(")) else r" \cdot "
        return self._inside(left, PRODUCT) + dot + after, PRODUCT

    def _fraction(self, left: Formula, right: Formula) -> Written:
        return rf"\frac{{{self.write(left)[0]}}}{{{self.write(right)[0]}}}", PRODUCT

    def _power(self, base: Formula, exponent: Formula) -> Written:
        return f"{self._inside(base, ATOM)}^{{{self.write(exponent)[0]}}}", POWER
