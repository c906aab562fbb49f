"""What goes into a tape and comes out: parameters, forms and names, rows of a user,
functions in one gate.
"""

import math
import random
from typing import NamedTuple

import numpy as np
import pytest
from tapes import EXECUTORS, any_point, any_program, bits, eager, evaluate, replayed, run_source

from micrograd_plus import Tape, Value, checkpoint, custom, grad, nn, ops, record, value_and_grad


# Parameters. --------------------------------------------------------------------------------------
def test_parameters_are_a_list_or_a_module_and_edits_are_seen():
    model = nn.Neuron(2, activation="tanh", rng=random.Random(0))
    for given in (model, model.parameters(), tuple(model.parameters()), iter(model.parameters())):
        tape = record(lambda *xs: model(xs), 0.5, -1.0, parameters=given)
        for number in (0.25, -3.0):
            model.w[0].data = number
            for executor in EXECUTORS:
                assert replayed(tape, [0.5, 2.0], executor) == eager(
                    lambda *xs: model(xs), [0.5, 2.0], model.parameters()
                )
        assert tape(0.5, 2.0, parameters=[1.0, 2.0, 3.0]) == math.tanh(0.5 + 4.0 + 3.0)
        assert tape(0.5, 2.0, parameters=np.ones(3)) == math.tanh(3.5)
        other = nn.Neuron(2, activation="tanh", rng=random.Random(1))
        assert tape(0.5, 2.0, parameters=other) == other([0.5, 2.0]).data


def test_inputs_and_parameters_are_different_values():
    x, w = Value(1.0), Value(2.0)
    for inputs, parameters in (([x, x], []), ([x], [x]), ([], [w, w]), ([x], [1.0]), ([1.0], [w])):
        with pytest.raises(ValueError, match="different Values, each named once"):
            Tape.of(x * w, inputs, parameters)
    with pytest.raises(ValueError, match="different Values, each named once"):
        record(lambda y: y * w, 1.0, parameters=[w, w])


# Forms. -------------------------------------------------------------------------------------------
class Pair(NamedTuple):
    left: object
    right: object


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x,
        lambda x, y: 3.0,
        lambda x, y: Value(3.0),
        lambda x, y: [x],
        lambda x, y: (y, [x, (1, x * y)], []),
        lambda x, y: Pair(x, [y]),
        lambda x, y: [],
        lambda x, y: (),
        lambda x, y: [x, x, x],
        lambda x, y: np.float64(2.0),
    ],
)
def test_a_tape_gives_what_the_function_gives_in_its_form(f):
    tape = record(f, 1.0, 2.0)
    for executor in EXECUTORS:
        got, expected = tape(0.5, -3.0, executor=executor), f(0.5, -3.0)
        expected = expected.data if isinstance(expected, Value) else expected
        assert got == expected
        assert type(got) is (float if isinstance(expected, float) else type(expected))
        assert tape.values([[0.5, -3.0]] * 20, executor=executor).shape[0] == 20
        if isinstance(got, float):
            assert bits(replayed(tape, [0.5, -3.0], executor)) == bits(eager(f, [0.5, -3.0]))
        else:
            with pytest.raises(
                ValueError, match="only a tape with one number for output has a gradient"
            ):
                tape.gradients([[0.5, -3.0]], executor=executor)


def test_arguments_are_named_as_in_the_function():
    def f(first, xs, *others):
        return first * xs[0][0] * xs[1] * ops.sum(others)

    tape = record(f, 1.0, [[2.0], 3.0], 4.0, 5.0)
    assert tape.names == ["first", "xs0_0", "xs1", "others0", "others1"]
    assert record(ops.mul, 1.0, 2.0).names == ["x", "y"]
    assert (
        record(ops.sin, 0.7)
        .source()
        .startswith("from micrograd_plus.ops import cos, sin\n\n\ndef tape(x):")
    )
    assert record(lambda: 2.0)() == 2.0


@pytest.mark.parametrize("wrong", [("x",), (None,), (1j,), ([1.0, "x"],)])
def test_a_point_is_made_of_numbers(wrong):
    with pytest.raises(TypeError, match="works on numbers and Values, not on"):
        record(lambda x: x, *wrong)


def test_a_function_must_give_numbers():
    with pytest.raises(TypeError, match="works on numbers and Values, not on str"):
        record(lambda x: "x", 1.0)
    with pytest.raises(TypeError, match="works on numbers and Values, not on NoneType"):
        record(lambda x: None, 1.0)


# Rows of a user. ----------------------------------------------------------------------------------
def gaussian():
    return custom("gaussian", lambda x: math.exp(-x * x), lambda out, x: -2.0 * x * out)


def test_a_custom_row_is_replayed_in_python_and_the_machine_says_why_it_cannot():
    row, w = gaussian(), Value(0.5, label="w")

    def f(x, y):
        return row(w * x) * y + row(y)

    tape = record(f, 0.7, -1.0, parameters=[w])
    for point in ([0.7, -1.0], [3.0, 0.0], [-0.25, 2.0]):
        expected = eager(f, point, [w])
        assert (
            replayed(tape, point, None)
            == replayed(tape, point)
            == run_source(tape, point, [0.5])
            == expected
        )
    assert tape.executor() == "python, for no machine knows the custom row(s) gaussian"
    with pytest.raises(
        ValueError, match=r"no machine knows the custom row\(s\) gaussian: use executor='python'"
    ):
        tape(0.7, -1.0, executor="machine")


def test_outputs_without_the_custom_row_run_on_the_machine():
    row = custom("flat", lambda x: math.floor(x) + x, lambda out, x: 1.0)
    tape = record(lambda x, y: row(x) * y, 0.5, 2.0)
    assert tape.executor().startswith("python, ")
    assert tape.gradients([[0.5, 2.0]], executor="python").tolist() == [[2.0, 0.5]]
    with pytest.raises(ValueError, match="flat"):
        tape.gradients([[0.5, 2.0]], executor="machine")
    slope = record(grad(lambda x, y: row(x) * y), 0.5, 2.0)
    assert slope.executor("machine") == "machine"  # whose result has no need of the row
    assert slope(0.5, 3.0) == 3.0


def test_a_custom_row_may_route_and_its_switches_may_be_negative():
    either = custom(
        "either",
        lambda x, y: x if x > 0 else -y,
        lambda out, x, y: (ops.step(x), ops.step(x) - 1.0),
        gate="routes",
    )

    def f(x, y):
        return either(x, ops.log(y)) + 3 * ops.relu(y) + either(y - x, y)

    for recorded_at in ((1.0, 2.0), (-1.0, 2.0), (2.0, -1.0)):
        tape = record(f, *recorded_at, check=False)
        for point in (
            [1.0, 2.0],
            [-1.0, 2.0],
            [2.0, -1.0],
            [1.0, 0.0],
            [0.0, 0.0],
            [-1.0, 0.0],
            [math.nan, 1.0],
        ):
            assert bits(replayed(tape, point)) == bits(eager(f, point))


@pytest.mark.parametrize(
    "partials",
    [
        lambda out, x: 1.0 if x > 0 else 0.0,
        lambda out, x: 0.0 if x == 0 else 1.0,
        lambda out, x: 1.0 if x != 0 else 0.0,
        lambda out, x: 1.0 if out else 0.0,
        lambda out, x: float(x > 0),
        lambda out, x: max(x, 0.0) / x,
        lambda out, x: math.copysign(0.5, x) + 0.5,
        lambda out, x: x in (0.0, 1.0),
        lambda out, x: not x,
    ],
)
def test_partials_that_decide_in_python_are_refused(partials):
    """On numbers they do; on a tape the decision of one row would stand for all."""
    ramp = custom("ramp", lambda x: max(x, 0.0), partials)
    assert eager(ramp, [1.0])[0] == 1.0
    with pytest.raises(TypeError, match=r"choose with ops\.where"):
        record(ramp, 1.0, check=False)


def test_a_tape_keeps_the_rows_it_was_recorded_with():
    first = gaussian()
    tape = record(lambda x: first(x) * x, 0.5)
    expected = eager(lambda x: first(x) * x, [0.5])
    custom("gaussian", lambda x: 1.0, lambda out, x: 0.0)
    assert replayed(tape, [0.5]) == expected
    both = Tape.of((x := Value(0.5)) * first(x) + ops.primitive("gaussian")(x), [x])
    assert both(0.5) == expected[0] + 1.0
    for text in (tape.source, tape.to_json, both.source, both.to_json):
        with pytest.raises(
            ValueError, match="the row gaussian of this tape is no longer in the table"
        ):
            text()


# Functions in one gate. ---------------------------------------------------------------------------
def test_a_checkpoint_comes_onto_the_tape_as_its_inner_graph():
    rng = random.Random(0)
    for _ in range(150):
        inner, outer = any_program(rng, most=5), any_program(rng, most=5)
        gate = checkpoint(lambda *xs, p=inner: evaluate(p, xs))
        nested = checkpoint(
            lambda *xs, p=outer, g=gate: evaluate(p, [g(xs[0], xs[0], 2.0), xs[1], g(*xs)])
        )

        def f(x, y, z, g=gate, h=nested):
            return h(x * y, y, y) + g(x, y, z)

        points = [any_point(rng) for _ in range(3)]
        tape = record(f, *points[0], check=False)
        of_transformation = record(value_and_grad(f, (0, 1, 2)), *points[0], check=False)
        assert not tape.program.python_only
        for point in points:
            expected = bits(eager(f, point))
            assert bits(replayed(tape, point)) == expected
            value, gradient = of_transformation(*point, executor="python")
            assert bits([value, *gradient]) == expected


def test_a_checkpoint_on_the_machine():
    gate = checkpoint(lambda x, y: ops.tanh(x * y) + ops.maximum(x, y))
    tape = record(lambda x, y: gate(x, gate(y, x)) * 2, 0.5, -1.0)
    assert tape.executor("machine") == "machine"
    for point in ([0.5, -1.0], [1.0, 1.0], [-2.0, 3.0]):
        assert replayed(tape, point, "machine") == eager(
            lambda x, y: gate(x, gate(y, x)) * 2, point
        )
