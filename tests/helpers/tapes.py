"""Random graphs of any rows at any numbers, and comparison to the last bit: what the tests of tapes
share.

A graph is drawn as a flat program: a line applies a row to earlier lines, the first of which are
the inputs. Nothing keeps its numbers within reach or off the kinks; bits are compared, so there is
no tolerance to respect.
"""

import ast
import math
import random
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
from rows import ROWS

from micrograd_plus import Value, heart, ops
from micrograd_plus.tape.executors.llvm import machine
from micrograd_plus.trees import leaves_of

inf, nan = math.inf, math.nan
EXECUTORS = ("python", "machine", *(("interpreter",) if heart.library() else ()))
TINY, SMALLEST, LARGEST = 5e-324, 2.0**-1022, 1.7976931348623157e308
SPECIAL = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    inf,
    -inf,
    nan,
    TINY,
    -TINY,
    SMALLEST,
    -SMALLEST / 2,
    LARGEST,
    -LARGEST,
    1e-300,
    1e300,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    1 / 3,
    22.5,
    -40.0,
    709.78,
    -745.13,
    2.0**53 + 2,
    -1e16,
)
ROUTED = [
    ops.primitive(name)
    for name in (
        "maximum",
        "minimum",
        "relu",
        "where",
        "hard_tanh",
        "leaky_relu",
        "abs",
        "dot",
        "sum",
        "logsumexp",
        "less",
        "add",
        "sub",
        "mul",
        "div",
        "exp",
        "log",
        "sqrt",
        "tanh",
    )
]
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
    """Lines (row, operands): an int is the number of an earlier line, a float a constant.

    Operands lie near or anywhere.
    """
    rows = rows or rng.choice((ROWS, ROUTED))
    lines = []
    for size in range(INPUTS, INPUTS + rng.randint(1, most)):
        row = rng.choice(rows)
        arity = row.arity or rng.choice(
            [count for count in (1, 2, 3, 4, 5, 6, 7) if row.takes(count)]
        )
        operands = [
            rng.randrange(size) if rng.random() < 0.6 else max(0, size - rng.randint(1, 3))
            for _ in range(arity)
        ]
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
    """The value of `f` and its gradient in the arguments and parameters,
    by one backward pass on fresh leaves.
    """
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
    gradients = [
        tape.gradients([numbers], of=of, executor=executor)[0].tolist()
        for of in ("inputs", "parameters")
    ]
    return [tape(*numbers, executor=executor), *gradients[0], *gradients[1]]


@contextmanager
def reading_data():
    """Within it, the machine reads every program as data, as it does long ones, and compiles none.

    A tape must not have met the machine before: it would keep the form that it got then, which is
    an error here.
    """

    def compiling(*_):
        raise AssertionError("this tape was given to the machine before, so it is not read as data")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "rolled", lambda program, most: None)
        patch.setattr(machine, "Loops", compiling)
        yield


def run_source(tape, numbers, parameters=()):
    """What the tape's text gives when Python runs it: value and gradient."""
    scope = {}
    exec(tape.source(), scope)
    value, of_inputs, of_parameters = scope["tape"](*numbers, *([parameters] if parameters else []))
    return [value, *of_inputs, *of_parameters]


def written(program):
    """A program as one reads it in a failure."""
    return "\n".join(
        f"{i}: {row.name}{tuple(operands)}" for i, (row, operands) in enumerate(program, INPUTS)
    )


# labels that would like to be code, and others that are no names or mean something already
INJECTED = (
    "x",
    "import os",
    "a\nimport os",
    "x = __import__('os').system('true')",
    "__debug__",
    "None",
    "lambda",
    "_",
    "é",
    "x" * 500,
    "tape",
    "parameters",
    "inf",
    "nan",
    "primitive",
    "sum",
    "exp",
    "\ud800",
    "print",
    "__builtins__",
    "",
    " ",
    "a b",
    "1x",
    "dx",
    "ﬁ",
    "x_1",
    "match",
    "self",
    '"""',
    "#",
)
PLAIN = (
    ast.Assign,
    ast.Return,
    ast.Name,
    ast.Load,
    ast.Store,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.Constant,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.UnaryOp,
    ast.USub,
    ast.Call,
)


def keys_of(statement):
    """The keys of dicts: strings and whole numbers, which may have a sign."""
    keys = [key for node in ast.walk(statement) if isinstance(node, ast.Dict) for key in node.keys]
    constants = [key.operand if isinstance(key, ast.UnaryOp) else key for key in keys]
    assert all(type(constant.value) in (str, int) for constant in constants)
    return constants


def assert_harmless(source):
    """Nothing is in the text but imports of the table and of inf and nan,
    and one function of assignments.
    """
    *imports, function = ast.parse(source).body
    known = set()
    for statement in imports:
        if isinstance(statement, ast.ImportFrom):
            assert statement.module in ("math", "micrograd_plus.ops")
            known |= {alias.name for alias in statement.names}
            assert not any(alias.asname for alias in statement.names)
            assert statement.module != "math" or known <= {"inf", "nan"}
        else:
            call = statement.value
            assert isinstance(statement, ast.Assign)
            assert call.func.id == "primitive"
            known.add(statement.targets[0].id)
    assert isinstance(function, ast.FunctionDef)
    assert function.name == "tape"
    assert not function.decorator_list
    assert not function.args.defaults
    for statement in function.body:
        assert isinstance(statement, (ast.Assign, ast.Return))
        keys = keys_of(statement)
        for node in ast.walk(statement):
            assert isinstance(node, PLAIN), ast.dump(node)
            assert not isinstance(node, ast.Call) or node.func.id in known
            assert (
                not isinstance(node, ast.Constant) or isinstance(node.value, float) or node in keys
            )
            assert not isinstance(node, ast.Name) or node.id.isidentifier()
    written = [
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    written += [argument.arg for argument in function.args.args]
    assert len(set(written)) == len(written), "a name stands for two numbers"
    assert not {*written} & known


def assert_runs_alike(tape, compiled=False):
    """Run a tape everywhere on a few rows: in Python, on the machine, alone and in blocks,
    and as its own text.
    """
    rng = random.Random(len(tape))
    rows = [[any_number(rng) for _ in range(tape.program.inputs)] for _ in range(3)]
    rows = np.array(rows).reshape(3, -1)
    shared = [p.data if isinstance(p, Value) else p for p in tape.parameters]
    expected = tape.values(rows, executor="python")
    assert_harmless(tape.source())
    scope = {}
    exec(tape.source(), scope)
    for row, numbers in zip(rows.tolist(), expected):
        given = scope["tape"](*row, *([shared] if shared else []))
        found = [given[0], *given[1], *given[2]] if tape.gradient else leaves_of(given)
        assert bits(found) == bits(replayed(tape, row) if tape.gradient else np.ravel(numbers))
    if not tape.program.python_only and "interpreter" in EXECUTORS:
        assert same_bits(tape.values(rows, executor="interpreter"), expected).all()
        block = tape.values(np.vstack([rows] * 6), executor="interpreter")
        assert same_bits(block, np.concatenate([expected] * 6)).all()
    with nullcontext() if compiled else reading_data():
        if not tape.executor().startswith("python"):
            assert same_bits(tape.values(rows, executor="machine"), expected).all()
            block = tape.values(np.vstack([rows] * 6), executor="machine")
            assert same_bits(block, np.concatenate([expected] * 6)).all()
