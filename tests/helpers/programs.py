"""Random graphs as flat programs, evaluated on floats, or on whatever implements `__primitive__`.

A program is a list of lines (row, indices of earlier lines), the first three lines being the
leaves, so that operands are shared as often as not, and a failing one shrinks to a line or two.
"""

from hypothesis import strategies as st

from micrograd_plus import ops

SMALL_LINES = 12
NUMBERS = st.floats(-2.0, 2.0).map(lambda x: round(x, 3))
THREE = st.tuples(NUMBERS, NUMBERS, NUMBERS)

# With a derivative everywhere, on the complex plane near the reals, too.
ANALYTIC = (
    "add",
    "sub",
    "mul",
    "neg",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "silu",
    "atan",
    "asinh",
    "sinh",
    "exp",
    "expm1",
    "sech2",
    "dot",
    "sum",
    "logsumexp",
)
TAME = (
    "add",
    "sub",
    "mul",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "atan",
    "asinh",
    "erf",
    "silu",
    "dot",
    # smooth enough, and no poles
    "sum",
    "logsumexp",
    "maximum",
    "relu",
    "abs",
    "hard_tanh",
    "leaky_relu",
)
SMOOTH = (*ANALYTIC, "erf", "erfc", "hypot", "div")
ROUTED = ("maximum", "minimum", "relu", "abs", "hard_tanh", "leaky_relu", "where")


@st.composite
def programs(draw, names=SMOOTH, leaves=3):
    """Lines (row, indices of earlier lines); the first lines are the leaves."""
    lines = []
    for size in range(leaves, leaves + draw(st.integers(1, SMALL_LINES))):
        row = ops.primitive(draw(st.sampled_from(names)))
        arity = row.arity or 3
        lines.append(
            (row, draw(st.lists(st.integers(0, size - 1), min_size=arity, max_size=arity)))
        )
    return lines


def evaluate(program, leaves):
    """The last line of a program.

    A tanh after each keeps numbers within reach; hypot and div stay off their poles.
    """
    lines = list(leaves)
    for row, indices in program:
        operands = [lines[i] for i in indices]
        if row.name in ("hypot", "div"):
            operands[-1] = operands[-1] * operands[-1] + 1.0
        lines.append(ops.tanh(row(*operands)))
    return lines[-1]
