"""Random graphs as flat programs, evaluated on floats, or on whatever implements `__primitive__`.

A program is a list of lines (row, indices of earlier lines), the first three lines being the leaves, so that operands
are shared as often as not, and a failing one shrinks to a line or two.
"""

from test_laws import programs as lines_of

from micrograd_plus import ops

# With a derivative everywhere, on the complex plane near the reals, too.
ANALYTIC = ("add", "sub", "mul", "neg", "sin", "cos", "tanh", "sigmoid", "softplus", "silu", "atan", "asinh", "sinh", "exp",
            "expm1", "sech2", "dot", "sum", "logsumexp")
SMOOTH = (*ANALYTIC, "erf", "erfc", "hypot", "div")
ROUTED = ("maximum", "minimum", "relu", "abs", "hard_tanh", "leaky_relu", "where")


def programs(names=SMOOTH, leaves=3):
    return lines_of(leaves, names)


def evaluate(program, leaves):
    """The last line of a program. A tanh after each keeps numbers within reach; hypot and div stay off their poles."""
    lines = list(leaves)
    for row, indices in program:
        operands = [lines[i] for i in indices]
        if row.name in ("hypot", "div"):
            operands[-1] = operands[-1] * operands[-1] + 1.0
        lines.append(ops.tanh(row(*operands)))
    return lines[-1]
