"""What a local gradient is, as one writes it on the board: in names, then with the numbers.

`∂(e²)/∂e = 2e = 2·(−3) = −6`: the rule is the field of the row, read and filled in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..engine import Value
from ..support.text import number
from .formulas import Formula, of_name, of_number, parse, simplified, substituted
from .naming import Names
from .notation import holds_together, written
from .paths import Step

Say = Callable[[float], str]
LOOSE = re.compile(r"[\s+\-−×÷·*/=<>,;]")  # characters that a name in one piece has not
LONGEST = 80  # characters of a rule, up to which it is worth reading


def ratio(name: Names, above: Value, below: Value) -> str:
    """∂e/∂a, with parentheses where a name is a formula."""
    return "/".join(f"∂{bracketed_name(name(v))}" for v in (above, below))


def bracketed_name(name: str) -> str:
    """A name as it stands behind a ∂: in parentheses where it is an expression."""
    return name if LOOSE.search(name) is None or holds_together(name) else f"({name})"


def bracketed(text: str) -> str:
    """A number or product as it stands behind another one: (−2)·3."""
    first, dot, others = text.partition("·")
    return f"({first}){dot}{others}" if first.startswith("−") else text


def told(step: Step, name: Names, say: Say = number) -> list[str]:
    """The local gradient in names, with their numbers, and its value: as many of these as differ.

    >>> from micrograd_plus import Value
    >>> e = Value(-3.0, label="e")
    >>> f = e**2
    >>> told(Step(f, 0, -6.0), Names([e, f], None))
    ['2e', '2·(−3)', '−6']
    """
    value = say(step.local)
    rule = step.gate.primitive.rule_of(step.place)
    if not rule:
        return [value]
    called, formula = parse(rule)
    operands = _operands(step)
    constants = {k: of_number(o) for k, o in operands.items() if not isinstance(o, Value)}
    formula = simplified(substituted(formula, constants))
    values = {k: o for k, o in operands.items() if isinstance(o, Value)}
    in_names = _written(formula, {k: of_name(name(o)) for k, o in values.items()}, say)
    in_numbers = _written(formula, {k: of_number(o.data) for k, o in values.items()}, say)
    texts = [text for text in (called, in_names, in_numbers) if text and len(text) <= LONGEST]
    return [*dict.fromkeys([*texts, value])]


def name_of_rule(step: Step) -> str:
    """What books call the local gradient: p, of a softmax; mostly nothing."""
    rule = step.gate.primitive.rule_of(step.place)
    return parse(rule)[0] if rule else ""


def _written(formula: Formula, names: dict[str, Formula], say: Say) -> str:
    return written(substituted(formula, names), say)


def _operands(step: Step) -> dict[str, Any]:
    """What the names of a rule stand for: Values, and numbers."""
    gate, row = step.gate, step.gate.primitive
    known: dict[str, Any] = {"a": gate, **dict(zip(row.operands, gate.operands))}
    if row.variadic:
        known |= {"x": step.operand, "place": float(step.place - (len(row.operands) - 1))}
    if row.is_weighted_sum and step.place:
        half = len(gate.operands) // 2
        partner = step.place + half if step.place <= half else step.place - half
        known["partner"] = gate.operands[partner]
    return known
