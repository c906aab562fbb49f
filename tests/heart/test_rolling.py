"""Rolling up in C: the loops that Python finds, for any program, and beside other threads."""

import random
import sys
import threading
import time

import numpy as np
import pytest
from tapes import INPUTS, any_number, any_program, evaluate, written

from micrograd_plus import Value, heart, nn, ops, record
from micrograd_plus.examples import gpt
from micrograd_plus.tape import Tape
from micrograd_plus.tape.executors.llvm.rolling import rolled, rolled_in_python
from micrograd_plus.tape.lowering import lowered
from micrograd_plus.tape.program import FlatProgram

pytestmark = pytest.mark.skipif(heart.library() is None, reason="the heart in C does not run here")
MANY = 1 << 20  # nests
PATIENCE = 60.0  # seconds
TASKS = ("values", "sums", "gradients of inputs", "gradients of parameters")


def programs_of(tape):
    tasks = TASKS if tape.gradient else TASKS[:1]
    return [lowered(tape.program_for(task)) for task in tasks]


def nests_of(loops):
    return len(loops.prologue) + len(loops.body)


def random_tape(rng):
    """A tape of any rows; outputs may be leaves, constants, or named twice."""
    leaves = [Value(any_number(rng)) for _ in range(INPUTS)]
    program = any_program(rng, most=rng.choice((6, 12, 60)))
    inputs, out = rng.randint(0, INPUTS), evaluate(program, leaves)
    outputs = out if rng.random() < 0.7 else [out, leaves[0], out, 3.0]
    return program, Tape.of(outputs, leaves[:inputs], leaves[inputs:])


def test_random_programs_have_the_loops_of_python():
    rng = random.Random(11)
    for _ in range(300):
        lines, tape = random_tape(rng)
        for program in programs_of(tape):
            assert rolled(program, MANY) == rolled_in_python(program, MANY), written(lines)


def network(inputs, sizes, activation):
    model = nn.MLP(inputs, sizes, activation=activation, rng=random.Random(len(sizes)))

    def loss(*xs):
        return ops.logsumexp(model(xs)) + 1e-4 * ops.sum([p * p for p in model.parameters()])

    return record(loss, *[0.5] * inputs, parameters=model)


def constant():
    weights = [Value(0.1 * i) for i in range(9)]
    return Tape.of([ops.exp(w) * 2 for w in weights], [], weights)


RECORDED = {
    "relu": lambda: network(7, [16, 16, 2], "relu"),
    "tanh": lambda: network(30, [20, 10], "tanh"),
    "gpt": lambda: gpt.tape_of(gpt.GPT(random.Random(1)), 1),
    "constants": lambda: record(
        lambda x: ops.sum([x * c for c in (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, np.inf, np.nan)]),
        0.5,
    ),
    "what no point changes": constant,
    "nothing to sum": lambda: Tape.of([ops.sum([]) + (x := Value(1.0)), x], [x]),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_examples_have_the_loops_of_python_unless_there_are_too_many(name):
    for program in programs_of(RECORDED[name]()):
        expected = rolled_in_python(program, MANY)
        most = nests_of(expected)
        assert rolled(program, MANY) == rolled(program, most) == expected
        if most:
            assert rolled(program, most - 1) is rolled_in_python(program, most - 1) is None


def test_a_long_chain_and_a_long_fold_take_time_in_proportion():
    x, ys = Value(0.5), [Value(0.1 * i) for i in range(30_000)]
    total, folded = x, ops.sum([y * ys[-i] for i, y in enumerate(ys)])
    for y in ys:
        total = total * 0.5 + y
    program = lowered(Tape.of([total, folded], [x], ys).program_for("values"))
    begin = time.perf_counter()
    assert rolled(program, MANY) == rolled_in_python(program, MANY)
    assert time.perf_counter() - begin < PATIENCE


def test_what_needs_constants_alone_has_no_numbers_to_lie_anywhere():
    _, _, _, *arrays, _ = parts(operands=[2, 2, 2, 2])
    program = FlatProgram(1, 1, *arrays, (ops.add, ops.mul))
    assert rolled(program, MANY) == rolled_in_python(program, MANY)


def parts(**changed):
    """(x + w) * 2 as arrays, or what is changed in it."""
    integers = {"codes": [0, 1], "starts": [0, 2, 4], "operands": [0, 1, 3, 2], "outputs": [4]}
    arrays = {
        name: np.array(changed.get(name, given), np.int32) for name, given in integers.items()
    }
    return 1, 1, ["fadd", "fmul"], np.array([2.0]), *arrays.values(), 10


@pytest.mark.parametrize(
    "changed",
    [{"codes": [0, 2]}, {"starts": [0, 3, 4]}, {"operands": [0, 1, 4, 2]}, {"outputs": [5]}],
    ids=str,
)
def test_a_malformed_program_is_refused(changed):
    assert heart.rolled(*parts())
    with pytest.raises(ValueError, match="not a program that C can run"):
        heart.rolled(*parts(**changed))


def test_an_operation_that_c_lacks_is_named():
    inputs, parameters, _, *others = parts()
    with pytest.raises(NotImplementedError, match="the heart in C lacks frobnicate"):
        heart.rolled(inputs, parameters, ["fadd", "frobnicate"], *others)


def test_other_threads_run_meanwhile():
    """Even where Python itself would let none of them have its turn."""
    count, order, began = 1_000_000, [], threading.Event()
    before = np.arange(count, dtype=np.int32)  # each is the square of the one before
    squares = np.zeros(count, np.int32), 2 * np.arange(count + 1, dtype=np.int32)
    chain = (1, 0, ["fmul"], np.empty(0), *squares, np.repeat(before, 2), before[-1:])

    def work():
        began.set()
        heart.rolled(*chain, 10)
        order.append("rolled up")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(PATIENCE)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        began.wait()
        order.append("another thread")
        thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert order == ["another thread", "rolled up"]
