"""Conditions, which are 1 for true and 0 for false; `where`, which takes them; and steps.

None has a slope but `where`.
"""

from __future__ import annotations

import math
from math import inf, nan

from .primitive import Binary, Instruction, Ternary, Unary, row


def _no_slopes(out: object, x: object, y: object) -> tuple[None, None]:
    return None, None


less: Binary = row(
    "less",
    "<",
    "1 where x < y, else 0.",
    primal=lambda x, y: float(x < y),
    slopes=_no_slopes,
    gate="blocks",
    is_condition=True,
    compares=True,
    folded=("{} <", "< {}"),
    precedence=1,
    lowering=Instruction("olt"),
    oracle=lambda mp, x, y: mp.mpf(x < y),
)

less_equal: Binary = row(
    "less_equal",
    "≤",
    "1 where x ≤ y, else 0.",
    primal=lambda x, y: float(x <= y),
    slopes=_no_slopes,
    gate="blocks",
    is_condition=True,
    compares=True,
    folded=("{} ≤", "≤ {}"),
    precedence=1,
    lowering=Instruction("ole"),
    oracle=lambda mp, x, y: mp.mpf(x <= y),
)

equal: Binary = row(
    "equal",
    "=",
    "1 where x = y, else 0.",
    primal=lambda x, y: float(x == y),
    slopes=_no_slopes,
    gate="blocks",
    is_condition=True,
    compares=True,
    precedence=1,
    lowering=Instruction("oeq"),
    oracle=lambda mp, x, y: mp.mpf(x == y),
)

not_equal: Binary = row(
    "not_equal",
    "≠",
    "1 where x ≠ y or one is nan, else 0.",
    primal=lambda x, y: float(x != y),
    slopes=_no_slopes,
    gate="blocks",
    is_condition=True,
    compares=True,
    precedence=1,
    lowering=lambda x, y: 1.0 - equal(x, y),
    oracle=lambda mp, x, y: mp.mpf(x != y),
)

where: Ternary = row(
    "where",
    "where",
    "x where the condition holds (is not 0), else y. The other one gets no gradient, not even 0 · "
    "inf.",
    primal=lambda condition, x, y: x if condition else y,
    slopes=lambda out, condition, x, y: (None, 1.0 - equal(condition, 0.0), equal(condition, 0.0)),
    rule=("", "1 if condition else 0", "0 if condition else 1"),
    gate="routes",
    roles=("condition", "number", "number"),
    edges=[((0.0, inf, 2.0), 2.0, (0.0, 0.0, 1.0)), ((nan, 1.0, 2.0), 1.0, (0.0, 1.0, 0.0))],
    lowering=Instruction("select"),
    oracle=lambda mp, condition, x, y: x if condition else y,
)


sign: Unary = row(
    "sign",
    "sign",
    "1, 0 or −1, as x is above, at or below 0; nan of nan.",
    primal=lambda x: x if x == 0 or x != x else math.copysign(1.0, x),
    slope=lambda out, x: None,
    gate="blocks",
    kinks=(0.0,),
    edges=[((0.0,), 0.0, (0.0,)), ((nan,), nan, (0.0,))],
    lowering=lambda x: where(less(0.0, x), 1.0, where(less(x, 0.0), -1.0, x)),
    oracle=lambda mp, x: mp.sign(x),
)

step: Unary = row(
    "step",
    "step",
    "1 where x is above 0, else 0; nan of nan. The slope of relu.",
    primal=lambda x: x if x != x else float(x > 0),
    slope=lambda out, x: None,
    gate="blocks",
    kinks=(0.0,),
    edges=[((0.0,), 0.0, (0.0,)), ((nan,), nan, (0.0,))],
    lowering=lambda x: where(equal(x, x), less(0.0, x), x),
    oracle=lambda mp, x: mp.mpf(x > 0),
)
