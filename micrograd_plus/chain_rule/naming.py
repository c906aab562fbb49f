"""What a sentence calls a node, whether or not anybody gave it a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import Value
from ..ops import Primitive
from ..ops.operators import BINARY, UNARY
from ..support.formulas import unicode
from ..support.text import did_you_mean, listed, number, visible

OUTPUT = "output"  # what one is called that has no name
LONGEST_NAME = 24
TIGHT = 9
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def gate_name(primitive: Primitive) -> str:
    """What a sentence calls a row: add, exp, max rather than maximum."""
    return primitive.symbol if primitive.name.startswith(primitive.symbol) else primitive.name


def named_by(names: Mapping[str, Any] | None) -> dict[Value, str]:
    """What a mapping such as locals() calls its Values;
    names that open with an underscore are ignored.
    """
    named: dict[Value, str] = {}
    for name, thing in (names or {}).items():
        if isinstance(thing, Value) and not name.startswith("_"):
            named.setdefault(thing, name)
    return named


def called(name: str, order: Sequence[Value], names: Mapping[str, Any] | None = None) -> Value:
    """The Value that is called `name`: a node in `order` by its title, else what `names` says.

    A node's title is its label or, where it has none, its name in `names`, as in a picture. Raises
    ValueError, with what comes near and what there is, when nothing or several nodes are called so.
    """
    named = named_by(names)
    titles = {v: title for v in order if (title := v.label or named.get(v, ""))}
    found = [v for v, title in titles.items() if name in (title, visible(title), unicode(title))]
    if len(found) == 1:
        return found[0]
    shown = f"'{visible(name, 60)}'"
    if found:
        values = listed([number(v.data) for v in found], 4)
        raise ValueError(
            f"{len(found)} nodes are called {shown}, with the values {values}: "
            "pass the Value that is meant"
        )
    meant = (names or {}).get(name)
    if isinstance(meant, Value):
        return meant
    if not titles:
        raise ValueError(
            f"no node of the graph is called {shown}, for none has a label: "
            "pass the Value itself, or names=locals()"
        )
    known = dict.fromkeys(titles.values())
    near = did_you_mean(name, known)
    raise ValueError(
        f"no node of the graph is called {shown}{f' ({near})' if near else ''}: "
        f"there are {listed(known)}"
    )


class Names:
    """What to call a node: its label, its name in `names`, a short formula, or its gate and number.

    `names` maps names to Values as `locals()` does. Whatever a label holds, its name is visible
    text.
    """

    def __init__(self, order: Sequence[Value], names: Mapping[str, Any] | None) -> None:
        self.numbers = {v: i for i, v in enumerate(order, 1)}  # in the order of evaluation
        self._output = order[-1]
        self._named = named_by(names)

    def __call__(self, v: Value | float) -> str:
        if not isinstance(v, Value):
            return number(v)
        if self.given(v):
            return visible(unicode(self.given(v)), LONGEST_NAME)
        if self._is_shallow(v, 2):
            formula = self._formula(v)
            if len(formula) <= LONGEST_NAME:
                return formula
        if v is self._output and v.primitive is not None:
            return OUTPUT
        kind = gate_name(v.primitive) if v.primitive else "leaf"
        return kind + str(self.numbers.get(v, "")).translate(SUBSCRIPTS)

    def given(self, v: Value) -> str:
        """The name that somebody gave to a node; empty where nobody did."""
        return v.label or self._named.get(v, "")

    def _is_shallow(self, v: Value, depth: int) -> bool:
        """Whether a gate's formula reaches names or numbers within a few gates."""
        return (
            v.primitive is not None
            and len(v.operands) <= 3
            and all(
                not isinstance(o, Value)
                or o.primitive is None
                or self.given(o) != ""
                or (depth > 0 and self._is_shallow(o, depth - 1))
                for o in v.operands
            )
        )

    def defined(self, v: Value) -> str:
        """c = a + b, or a + b when that is its name."""
        name = self(v)
        many = f"{gate_name(v.primitive)} of {len(v.operands)} operands"
        formula = self._formula(v) if len(v.operands) <= 3 else many
        return formula if formula == name else f"{name} = {formula}"

    def _formula(self, v: Value) -> str:
        operands = [self(operand) for operand in v.operands]
        symbol, precedence = v.primitive.symbol, v.primitive.precedence
        if not precedence:
            return f"{gate_name(v.primitive)}({', '.join(operands)})"
        binds = [self._binds(o, text) for o, text in zip(v.operands, operands)]
        least = [precedence + (v.primitive is BINARY["**"][2]), precedence + 1][-len(operands) :]
        operands = [
            text if bind >= lowest else f"({text})"
            for text, bind, lowest in zip(operands, binds, least)
        ]
        return f" {symbol} ".join(operands) if len(operands) == 2 else symbol + operands[0]

    def _binds(self, operand: Value | float, text: str) -> int:
        """How tightly the text of an operand holds together:
        the less, the sooner it needs parentheses.
        """
        if not isinstance(operand, Value):
            return UNARY["-"][1].precedence if text.startswith("−") else TIGHT
        is_formula = (
            operand.primitive is not None
            and not self.given(operand)
            and (" " in text or text[0] == "−")
        )
        return operand.primitive.precedence or TIGHT if is_formula else TIGHT
