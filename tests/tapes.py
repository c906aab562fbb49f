"""Random graphs of any rows at any numbers, and comparison to the last bit: what the tests of tapes share.

A graph is drawn as a flat program: a line applies a row to earlier lines, the first of which are the inputs. Nothing keeps
its numbers within reach or off the kinks; bits are compared, so there is no tolerance to respect.
"""

import math
from contextlib import contextmanager

import numpy as np
import pytest
from rows import ROWS

from micrograd_plus import Value, machine, ops

inf, nan = math.inf, math.nan
EXECUTORS = ("python", "machine")
TINY, SMALLEST, LARGEST = 5e-324, 2.0**-1022, 1.7976931348623157e308
SPECIAL = (0.0, -0.0, 1.0, -1.0, inf, -inf, nan, TINY, -TINY, SMALLEST, -SMALLEST / 2, LARGEST, -LARGEST, 1e-300, 1e300,
           0.5, -0.5, 2.0, -2.0, 3.0, 1 / 3, 22.5, -40.0, 709.78, -745.13, 2.0**53 + 2, -1e16)
ROUTED = [ops.primitive(name) for name in (
    "maximum", "minimum", "relu", "where", "hard_tanh", "leaky_relu", "abs", "dot", "sum", "logsumexp", "less", "add",
    "sub", "mul", "div", "exp", "log", "sqrt", "tanh")]
INPUTS = 3


def bits(numbers):
    """Numbers as text that tells zeros apart, and no nan from another."""
    return [float(x).hex() for x in numbers]


def same_bits(x, y):
    """Where two arrays hold the same bits; any nan equals any nan."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return (x.view(np.int64) == y.view(np.int64)) | (np.isnan(x) & np.isnan(y))


def any_number(rng):
    """Of any magnitude; one in three is special."""
    if rng.random() < 1 / 3:
        return rng.choice(SPECIAL)
    size = 10.0 ** rng.uniform(-320, 308)
    return rng.choice((rng.uniform(-3.0, 3.0), float(rng.randint(-4, 4)), size, -size))


def any_point(rng):
    return [any_number(rng) for _ in range(INPUTS)]


def any_program(rng, most=12, rows=None):
    """Lines (row, operands): an int is the number of an earlier line, a float a constant. Operands lie near or anywhere."""
    rows = rows or rng.choice((ROWS, ROUTED))
    lines = []
    for size in range(INPUTS, INPUTS + rng.randint(1, most)):
        row = rng.choice(rows)
        arity = row.arity or rng.choice((1, 3, 5, 7) if row is ops.dot_row else (1, 2, 3, 4, 6))
        operands = [rng.randrange(size) if rng.random() < 0.6 else max(0, size - rng.randint(1, 3)) for _ in range(arity)]
        operands[1:] = [any_number(rng) if rng.random() < 0.1 else o for o in operands[1:]]
        lines.append((row, operands))
    return lines


def evaluate(program, inputs):
    """The last line."""
    lines = list(inputs)
    for row, operands in program:
        lines.append(row(*[o if type(o) is float else lines[o] for o in operands]))
    return lines[-1]


def eager(f, numbers, parameters=()):
    """The value of `f` and its gradient in the arguments and parameters, by one backward pass on fresh leaves."""
    leaves = [Value(x) for x in numbers]
    varied = [*leaves, *parameters]
    for v in varied:
        v.grad = None
    out = f(*leaves)
    if not isinstance(out, Value):
        return [out, *[0.0] * len(varied)]
    out.backward()
    return [out.data, *[v.grad for v in varied]]


def replayed(tape, numbers, executor="python"):
    """The value and the gradient in inputs and parameters that a tape gives for one row."""
    gradients = [tape.gradients([numbers], of=of, executor=executor)[0].tolist() for of in ("inputs", "parameters")]
    return [tape(*numbers, executor=executor), *gradients[0], *gradients[1]]


@contextmanager
def reading_data():
    """Within it, the machine reads every program as data, as it does long ones, and compiles none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "MOST_NESTS", 0)
        yield


def run_source(tape, numbers, parameters=()):
    """What the tape's text gives when Python runs it: value and gradient."""
    scope = {}
    exec(tape.source(), scope)
    value, of_inputs, of_parameters = scope["tape"](*numbers, *([parameters] if parameters else []))
    return [value, *of_inputs, *of_parameters]


def written(program):
    """A program as one reads it in a failure."""
    return "\n".join(f"{i}: {row.name}{tuple(operands)}" for i, (row, operands) in enumerate(program, INPUTS))
