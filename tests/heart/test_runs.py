"""The interpreter of tapes in C: vectors of every width, and programs that are none."""

import random

import numpy as np
import pytest
from tapes import INPUTS, any_number, any_program, evaluate, same_bits, written

from micrograd_plus import Value, heart
from micrograd_plus.tape import Tape
from micrograd_plus.tape.executors.interpreter import Interpreter
from micrograd_plus.tape.executors.python import Replay
from micrograd_plus.tape.lowering import lowered

pytestmark = pytest.mark.skipif(heart.library() is None, reason="the heart in C does not run here")


def random_tape(rng):
    """A tape of any rows, some leaves its inputs and the others its parameters; outputs may be
    leaves, constants, or named twice.
    """
    leaves = [Value(any_number(rng)) for _ in range(INPUTS)]
    program = any_program(rng, most=rng.choice((6, 12, 40)))
    rng.shuffle(shuffled := leaves[:])
    inputs = rng.randint(0, INPUTS)
    out = evaluate(program, leaves)
    outputs = out if rng.random() < 0.7 else [out, leaves[0], out, 3.0]
    return program, Tape.of(outputs, shuffled[:inputs], shuffled[inputs:])


def some_points(rng, inputs):
    count = rng.choice((1, 2, 3, 15, 16, 17, 40))
    numbers = [any_number(rng) for _ in range(count * inputs)]
    return np.array(numbers).reshape(count, inputs)


def uses(tape):
    """Ways to use a tape, each from points and an executor to numbers."""
    yield lambda points, executor: tape.values(points, executor=executor)
    yield lambda points, executor: np.ravel(tape(*points[0].tolist(), executor=executor))
    if tape.gradient:
        for of in ("inputs", "parameters"):
            yield lambda points, executor, of=of: tape.gradients(points, executor=executor, of=of)
        yield lambda points, executor: np.append(*tape.sum_and_grad(points, executor=executor))


def test_random_programs_have_the_bits_of_python_in_vectors_of_every_width(width):
    rng = random.Random(width)
    for _ in range(400):
        program, tape = random_tape(rng)
        points = some_points(rng, tape.program.inputs)
        for use in uses(tape):
            expected, found = use(points, "python"), use(points, "interpreter")
            assert same_bits(found, expected).all(), written(program)


# Layers, in which runs are long: of products, of what a condition lets through, of other terms.
def layers(inputs, sizes, form):
    rng = random.Random(sum(sizes))
    xs = [Value(rng.uniform(-1, 1)) for _ in range(inputs)]
    parameters, signals = [], xs
    for size in sizes:
        count = len(signals)
        weights = [[Value(rng.gauss(0, 0.5)) for _ in range(count + 1)] for _ in range(size)]
        parameters += [w for row in weights for w in row]
        signals = [form(row, signals) for row in weights]
    total = signals[0]
    for signal in signals[1:]:
        total = total + signal * signal
    return Tape.of(total, xs, parameters)


FORMS = {
    "sums of products": lambda row, xs: sum((w * x for w, x in zip(row, xs)), row[-1]).tanh(),
    "rectified": lambda row, xs: sum((w * x for w, x in zip(row, xs)), row[-1]).relu(),
    "differences": lambda row, xs: sum(((w - x) ** 2 for w, x in zip(row, xs)), row[-1]),
    "quotients": lambda row, xs: sum((x / (w * w + 1.0) for w, x in zip(row, xs)), row[-1]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sizes", [(5, 3), (16, 9, 1), (7, 33)])
def test_layers_have_the_bits_of_python_in_vectors_of_every_width(form, sizes, width):
    tape = layers(19, sizes, FORMS[form])
    points = np.random.default_rng(7).normal(size=(37, 19))
    points[5, 3], points[20, 0], points[36, 18] = np.inf, np.nan, -0.0
    for count in (1, 2, 16, 37):
        for use in uses(tape):
            expected, found = use(points[:count], "python"), use(points[:count], "interpreter")
            assert same_bits(found, expected).all()


def test_neurons_of_a_layer_are_one_run():
    tape = layers(19, (16, 9, 1), FORMS["sums of products"])
    assert Interpreter(lowered(tape.program_for("values"))).runs < 12


def test_outputs_may_come_in_any_order(width):
    xs = [Value(0.1 * i) for i in range(24)]
    whole = lowered(Tape.of([x * 3.0 for x in xs], xs).program)
    points = np.random.default_rng(1).normal(size=(17, 24))
    for step in (1, 5, 7, 23):
        program = whole.giving(whole.outputs[[step * i % 24 for i in range(24)]])
        for count in (1, 17):
            found = Interpreter(program).sum(points[:count], np.empty(0))
            expected = Replay(program).sum(points[:count], np.empty(0))
            assert same_bits(found, expected).all()


def test_memory_is_used_again_when_its_numbers_are_needed_no_more():
    x = y = Value(0.5)
    for _ in range(1000):
        y = (y * 1.01 + x).tanh()
    _, shared, lanes, _ = Interpreter(lowered(Tape.of(y, [x]).program))._runs.about()
    assert shared < 10
    assert lanes < 3010  # the slopes of a thousand gates, and a few


# Programs that are none. --------------------------------------------------------------------------
def parts(**changed):
    """What makes y = x * p + x, but for what is changed."""
    whole = {
        "inputs": 1,
        "parameters": 1,
        "operations": ["fmul", "fadd"],
        "constants": np.array([2.0]),
        "codes": np.array([0, 1], np.int32),
        "starts": np.array([0, 2, 4], np.int32),
        "operands": np.array([0, 1, 3, 0], np.int32),
        "outputs": np.array([4], np.int32),
    }
    return list((whole | changed).values())


def integers(*numbers):
    return np.array(numbers, np.int32)


def test_a_program_is_run_and_its_sizes_are_checked():
    runs = heart.runs(*parts())
    found = np.empty((3, 1))
    points = np.array([[1.0], [2.0], [3.0]])
    runs.entry(False, False).run(points, np.array([10.0]), found)
    assert found.tolist() == [[11.0], [22.0], [33.0]]
    with pytest.raises(ValueError, match="there are 1 parameters"):
        runs.entry(True, True).run(points, np.array([10.0, 1.0]), found[0])


BROKEN = [
    {"inputs": -1},
    {"parameters": -1},
    {"inputs": 2**31 - 1},
    {"codes": integers(0, 2)},
    {"codes": integers(-1, 1)},
    {"codes": integers(0)},
    {"codes": np.array([0, 1], np.int64)},
    {"codes": np.array([0.0, 1.0])},
    {"constants": np.array([1], np.int64)},
    {"starts": integers(0, 2)},
    {"starts": integers(0, 3, 4)},
    {"starts": integers(1, 2, 4)},
    {"starts": integers(0, 2**31 - 1, 4)},
    {"starts": integers(0, -2, 4)},
    {"starts": integers(0, 2, 5)},
    {"starts": integers()},
    {"operands": integers(0, 1, 4, 0)},
    {"operands": integers(0, 1, -1, 0)},
    {"operands": integers(0, 3, 3, 0)},
    {"operands": integers(0, 1, 2**31 - 1, 0)},
    {"outputs": integers(5)},
    {"outputs": integers(-1)},
    {"operations": ["fmul", "dot"]},
    {"operations": ["fmul", "select"]},
    {"operations": ["exp", "fadd"]},
]


@pytest.mark.parametrize("changed", BROKEN, ids=str)
def test_a_malformed_program_is_refused(changed):
    with pytest.raises(ValueError, match="not a program that C can run"):
        heart.runs(*parts(**changed))


def test_an_operation_that_c_lacks_is_named():
    with pytest.raises(NotImplementedError, match="the heart in C lacks frobnicate"):
        heart.runs(*parts(operations=["fmul", "frobnicate"]))


def test_whatever_is_changed_in_a_program_it_runs_or_is_refused():
    rng = np.random.default_rng(3)
    point, ran = np.ones((20, 1)), 0
    for _ in range(3000):
        given = parts()
        array = given[rng.integers(4, 8)]
        array[rng.integers(len(array))] = rng.integers(-2, 8)
        try:
            runs = heart.runs(*given)
        except ValueError:
            continue
        ran += 1
        for many in (False, True):
            runs.entry(many, False).run(point, np.ones(1), np.empty((20, 1)))
            runs.entry(many, True).run(point[: 20 if many else 1], np.ones(1), np.empty(1))
    assert 100 < ran < 2500
