"""Sums, differences, products, quotients.

Division is a row because Python's own raises where IEEE 754 gives inf or nan.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, nan

from . import ieee
from .primitive import SOME_COUNTS, Binary, Instruction, Number, Unary, Variadic, row

add: Binary = row(
    "add",
    "+",
    "x + y. The gradient goes on to both operands unchanged.",
    primal=lambda x, y: x + y,
    slopes=lambda out, x, y: (1.0, 1.0),
    rule=("1", "1"),
    gate="distributes",
    folded=("+ {}", "+ {}"),
    precedence=2,
    lowering=Instruction("fadd"),
    oracle=lambda mp, x, y: x + y,
)

sub: Binary = row(
    "sub",
    "−",
    "x − y. The gradient goes on to x unchanged, and to y with its sign turned.",
    primal=lambda x, y: x - y,
    slopes=lambda out, x, y: (1.0, -1.0),
    rule=("1", "−1"),
    gate="distributes",
    folded=("{} −", "− {}"),
    precedence=2,
    lowering=Instruction("fsub"),
    oracle=lambda mp, x, y: x - y,
)

mul: Binary = row(
    "mul",
    "×",
    "x · y. Each operand gets the gradient times the other one.",
    primal=lambda x, y: x * y,
    slopes=lambda out, x, y: (y, x),
    rule=("y", "x"),
    gate="swaps",
    folded=("× {}", "× {}"),
    precedence=3,
    lowering=Instruction("fmul"),
    oracle=lambda mp, x, y: x * y,
)

div: Binary = row(
    "div",
    "÷",
    "x / y, rounded once. Its slopes are 1/y and −x/y².",
    primal=ieee.divide,
    slopes=lambda out, x, y: (div(1.0, y), -div(out, y)),
    rule=("1/y", "−x/y²"),
    kinks=((None, 0.0),),
    edges=[
        ((49.0, 49.0), 1.0, (1 / 49, -1 / 49)),
        ((1.0, 0.0), inf, (inf, -inf)),
        ((0.0, 0.0), nan, (inf, nan)),
    ],
    folded=("{} / x", "÷ {}"),
    precedence=3,
    lowering=Instruction("fdiv"),
    oracle=lambda mp, x, y: x / y,
)

identity: Unary = row(
    "identity",
    "=",
    "x itself, as a gate of its own.",
    primal=lambda x: x,
    slope=lambda out, x: 1.0,
    rule="1",
    gate="distributes",
    lowering=lambda x: x,
    oracle=lambda mp, x: x,
)

neg: Unary = row(
    "neg",
    "−",
    "−x.",
    primal=lambda x: -x,
    slope=lambda out, x: -1.0,
    rule="−1",
    folded=("× −1", "× −1"),
    precedence=2,
    lowering=Instruction("fneg"),
    oracle=lambda mp, x: -x,
)

sum: Variadic = row(
    "sum",
    "Σ",
    "The operands added from left to right, beginning with 0; of none it is 0.",
    primal=ieee.add_up,
    slopes=lambda out, *xs: (1.0,) * len(xs),
    rule="1",
    gate="distributes",
    least=0,
    lowering=Instruction("sum"),
    oracle=lambda mp, *xs: mp.fsum(xs),
    samples=SOME_COUNTS,
)


# on floats the primal, on Values the expansion
def _weighted_sum(bias: Number, *factors: Number) -> Number:
    n, odd = divmod(len(factors), 2)
    if odd:
        raise ValueError("dot takes a bias, then as many weights as inputs")
    for w, x in zip(factors[:n], factors[n:]):
        bias += w * x
    return bias


dot_row: Variadic = row(
    "dot",
    "w·x",
    "bias + Σ weights·inputs, added from left to right: the total input of a neuron as one gate.",
    primal=_weighted_sum,
    slopes=lambda out, bias, *factors: (
        1.0,
        *factors[len(factors) // 2 :],
        *factors[: len(factors) // 2],
    ),
    rule=("1", "partner"),
    gate="swaps",
    is_weighted_sum=True,
    expansion=_weighted_sum,
    lowering=Instruction("dot"),
    oracle=lambda mp, bias, *f: bias + mp.fdot(f[: len(f) // 2], f[len(f) // 2 :]),
    samples=[operands for operands in SOME_COUNTS if len(operands) % 2],
)


def dot(weights: Iterable[Number], inputs: Iterable[Number], bias: Number = 0.0) -> Number:
    """bias + Σ weights·inputs as one gate, added from left to right;
    raises ValueError when the lengths differ.
    """
    ws, xs = tuple(weights), tuple(inputs)
    if len(ws) != len(xs):
        raise ValueError(f"dot needs as many weights as inputs, not {len(ws)} and {len(xs)}")
    return dot_row(bias, *ws, *xs)
