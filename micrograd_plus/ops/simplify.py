"""What need not be recorded, because the result is an operand already, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import Primitive, add, mul, where


def simplified(row: Primitive, operands: Sequence[Any]) -> Any:
    """What stands for 1 * x, -0.0 + x and a `where` whose condition is a float;
    None for anything else.
    """
    if row is where and type(operands[0]) is float:
        return operands[1] if operands[0] else operands[2]
    if row is mul or row is add:
        neutral = "1.0" if row is mul else "-0.0"
        for x, other in (operands, operands[::-1]):
            if type(x) is float and repr(x) == neutral:
                return other
    return None
