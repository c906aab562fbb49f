"""What NumPy's functions are in the table: np.exp(v) of a Value is ops.exp(v), or an error that
says where to look.

NumPy asks a Value before it computes with one. Without an answer it would take the Value for an
object and pick an operand by comparing (np.maximum), or give a number without a graph (np.sign).
This module knows the table, and NumPy only by the names of its functions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import ops
from .ops import Primitive

# Where NumPy has another name for a row.
NAMES = {
    "float_power": "pow",
    "remainder": "mod",
    "negative": "neg",
    "positive": "identity",
    "absolute": "abs",
    "fabs": "abs",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "rad2deg": "degrees",
    "deg2rad": "radians",
}
OPERATORS = {
    "multiply": ops.mul,
    "add": ops.add,
    "subtract": ops.sub,
    "divide": ops.div,
    "power": ops.pow,
}
# array == v means for each of them what w == v means
IN_ARRAYS: Mapping[Primitive, Callable[..., Any]] = {
    ops.equal: operator.eq,
    ops.not_equal: operator.ne,
}
SWAPPED = {"greater": "less", "greater_equal": "less_equal"}


def row_call(
    function: Any, method: str, operands: Sequence[Any], options: Mapping[str, Any]
) -> tuple[Primitive, Sequence[Any]]:
    """The row that a NumPy function stands for, and its operands in order;
    TypeError where there is none.
    """
    name = function.__name__
    row: Primitive | None = OPERATORS.get(name)
    # arithmetic: the way to be short on
    if row is not None and method == "__call__" and not options:
        return row, operands
    swapped = SWAPPED.get(name)
    row = row or ops.TABLE.get(swapped or NAMES.get(name, name))
    if row is None or method != "__call__" or row.arity not in (None, len(operands)):
        called = f"np.{name}" if method == "__call__" else f"np.{name}.{method}"
        raise TypeError(
            f"{called} would lose the graph of a Value: what keeps it are the operators and the "
            "functions "
            "of micrograd_plus.ops, such as ops.exp(x); for the number alone take x.data"
        )
    if options:
        raise TypeError(
            f"np.{name} of a Value takes no {', '.join(options)}: it is ops.{row.name}, "
            "which gives a new Value"
        )
    if row.is_condition:  # NumPy makes a scalar that it compares an array of no dimensions
        operands = [o[()] if getattr(o, "shape", None) == () else o for o in operands]
    return row, operands[::-1] if swapped else operands


def is_array_of_objects(thing: object) -> bool:
    """Whether it is an array that may hold Values, as a function gets that is differentiated by an
    array.
    """
    dtype = getattr(thing, "dtype", None)
    return dtype is not None and dtype.kind == "O" and hasattr(thing, "__array__")


def elementwise(row: Primitive, operands: Sequence[Any]) -> Any:
    """The row of each element of arrays of Values, shapes broadcast as NumPy has it."""
    import numpy as np

    function = np.frompyfunc(IN_ARRAYS.get(row, row), len(operands), 1)
    return function(*map(_boxed, operands))


def _boxed(operand: Any) -> Any:
    """A Value as an array of one object, which NumPy takes apart without asking it."""
    import numpy as np

    if isinstance(operand, np.ndarray):
        return operand
    box = np.empty((), dtype=object)
    box[()] = operand
    return box
