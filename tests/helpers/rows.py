"""The rows of the table by kind, and one gate at a time: what the tests of the table share."""

import pytest

from micrograd_plus import ops
from micrograd_plus.engine import Value

ROWS = ops.primitives()
DIFFERENTIABLE = [row for row in ROWS if row.gate != "blocks"]
BLOCKING = [row for row in ROWS if row.gate == "blocks"]
COMPOSITE = [row for row in ROWS if row.expansion is not None]
OF_FIXED_ARITY = [row for row in ROWS if row.arity is not None]


def recorded(row, operands):
    """The output Value of a row, and its leaves."""
    leaves = [Value(x) for x in operands]
    return row(*leaves), leaves


def slopes(row, operands):
    """What one backward pass through one gate leaves in the operands."""
    out, leaves = recorded(row, operands)
    out.backward()
    return [leaf.grad for leaf in leaves]


def same(x, y):
    return x == y or (x != x and y != y)


def by_name(rows):
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.name)
