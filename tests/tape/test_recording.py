"""Recording a function: what would be baked in is refused by name,
what is recorded is what the function does.
"""

import linecache
import math
import random
import re
from contextlib import suppress

import numpy as np
import pytest
from tapes import EXECUTORS, bits, replayed

from micrograd_plus import (
    Value,
    checkpoint,
    custom,
    detect_anomaly,
    grad,
    hessian,
    jvp,
    modes,
    nn,
    no_grad,
    ops,
    record,
)


@pytest.fixture(autouse=True)
def _as_before():
    """No recording, however it ended, leaves a mode switched or a row in the table."""
    table, mode = dict(ops.TABLE), modes.mode.get()
    yield
    assert modes.mode.get() is mode
    ops.TABLE.clear()
    ops.TABLE.update(table)


TABLE = [0.5, 1.5, 2.5]


# What decides in Python. --------------------------------------------------------------------------
def with_if(x):
    if x > 0:
        return x
    return -x


def with_while(x):
    while x < 1:
        x = x * 2
    return x


def with_backward(x):
    y = x * x
    y.backward()
    return x * x.grad


def with_no_grad(x):
    with no_grad():
        y = 2 * x
    return y * x


def with_data_of_a_result(x):
    return x * (x + 1).data


DECIDING = {  # each with the code that is named, and what is told to be written instead
    "if": (with_if, "if x > 0:", "ops.where(condition, x, y)"),
    "while": (with_while, "while x < 1:", "a fixed number of times"),
    "backward": (with_backward, "y.backward()", "use grad(f)"),
    "no_grad": (with_no_grad, "y = 2 * x", "leave no_grad out"),
    "data of a result": (with_data_of_a_result, "(x + 1).data", "leave .data out"),
    "and": (lambda x: (x > 0 and x) or -x, "x > 0 and x", "ops.min says whether all are true"),
    "bool": (lambda x: x * bool(x < 3), "bool(x < 3)", "a comparison is a number already"),
    "bool of a number": (lambda x: x * bool(x), "bool(x)", "a comparison is a number already"),
    "not": (lambda x: x * (not x < 3), "not x < 3", "condition == 0"),
    "float": (lambda x: x * float(x), "float(x)", "leave float() out"),
    "int": (lambda x: x * int(x), "int(x)", "ops.take(index, *values) picks"),
    "round": (lambda x: x * round(x), "round(x)", "ops.floor(x + 0.5)"),
    "floor": (lambda x: x * math.floor(x), "math.floor(x)", "write ops.floor"),
    "ceil": (lambda x: x * math.ceil(x), "math.ceil(x)", "-ops.floor(-x)"),
    "data": (lambda x: x * x.data, "x * x.data", "leave .data out"),
    "math": (lambda x: x * math.exp(x), "math.exp(x)", "write ops.exp"),
    "math of data": (lambda x: x * math.exp(x.data), "math.exp(x.data)", "write ops.exp"),
    "ops of data": (lambda x: x * ops.exp(x.data), "ops.exp(x.data)", "leave .data out"),
    "sorted": (
        lambda x: ops.sum(sorted([x, x * x, -x])[:2]),
        "sorted([x, x * x, -x])",
        "ops.minimum(x, y) and ops.maximum(x, y) put two in order",
    ),
    "sorted by data": (
        lambda x: ops.sum(sorted([x, -x], key=lambda v: v.data)[:1]),
        "key=lambda v: v.data",
        "put two in order",
    ),
    "max": (lambda x: max(x, -x), "max(x, -x)", "write ops.max"),
    "min": (lambda x: min(x, -x), "min(x, -x)", "write ops.min"),
    "the largest data": (
        lambda x: x - max(v.data for v in (x, -x)),
        "max(v.data for v in (x, -x))",
        "a softmax that is shifted by its largest is ops.softmax",
    ),
    "an index": (lambda x: x * TABLE[x], "TABLE[x]", "write ops.take(x, TABLE)"),
    "an index by int": (lambda x: x * TABLE[int(x)], "TABLE[int(x)]", "write ops.take(x, TABLE)"),
    "an index by data": (
        lambda x: x * TABLE[int(x.data)],
        "TABLE[int(x.data)]",
        "write ops.take(x, TABLE)",
    ),
    "an index that is reckoned": (
        lambda x: x * TABLE[int(2 * x)],
        "TABLE[int(2 * x)]",
        "write ops.take(2 * x, TABLE)",
    ),
    "a slice": (lambda x: x * ops.sum(TABLE[x:]), "TABLE[x:]", "ops.take(index, *values) picks"),
    "range": (lambda x: ops.sum([x for _ in range(x)]), "range(x)", "a fixed number of times"),
    "any": (
        lambda x: x if any([x > 0, x < 1]) else -x,
        "any([x > 0, x < 1])",
        "ops.max whether one",
    ),
    "chance": (
        lambda x: x * random.choices([1.0, 2.0], weights=[x, 1.0])[0],
        "random.choices([1.0, 2.0], weights=[x, 1.0])",
        "draw outside of what is recorded",
    ),
    "text": (lambda x: x * float(f"{x:.3f}"), "{x:.3f}", "print what the tape gives"),
    "a choice of a list": (
        lambda x: ops.sum([y for y in (x, -x) if y > 0]),
        "if y > 0",
        "those that fall away as ops.where(condition, x, 0.0)",
    ),
    "a condition of a constant and x": (
        lambda x: 1 if ops.less(0.0, x) else x,
        "ops.less(0.0, x)",
        "ops.where(condition, x, y)",
    ),
    "numpy": (
        lambda x: x * np.asarray([x, x], dtype=float).sum(),
        "np.asarray",
        "leave dtype=float",
    ),
    "the largest in numpy": (lambda x: np.max([x, -x]), "np.max([x, -x])", "write ops.max"),
    "a sort in numpy": (lambda x: np.sort([x, -x])[0], "np.sort([x, -x])[0]", "put two in order"),
    "a limit in numpy": (
        lambda x: np.clip(x, 0.0, 1.0),
        "np.clip(x, 0.0, 1.0)",
        "ops.minimum(ops.maximum(x, low), high)",
    ),
    "any in numpy": (
        lambda x: x if np.any([x > 0]) else -x,
        "np.any([x > 0])",
        "ops.max whether one",
    ),
    "grad": (grad(lambda y: y * y if y > 0 else y), "if y > 0", "ops.where(condition, x, y)"),
    "jvp": (
        lambda x: jvp(lambda y: y * float(y), (x,), (1.0,))[1],
        "float(y)",
        "leave float() out",
    ),
    "checkpoint": (
        checkpoint(lambda x: x if x > 0 else -x),
        "if x > 0",
        "ops.where(condition, x, y)",
    ),
}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", DECIDING)
def test_a_number_that_decides_in_python_is_refused_naming_the_line_and_a_way_out(name, check):
    f, code, instead = DECIDING[name]
    with pytest.raises(TypeError, match="would stand for all: ") as caught:
        record(f, 0.5, check=check)
    said, _, told = str(caught.value).partition("would stand for all: ")
    assert re.search(rf"{re.escape(__file__)}, line \d+: ", said), said
    assert code in said
    assert instead in told


def test_a_line_that_is_in_no_file_is_not_quoted():
    f = eval("lambda x: x if x > 0 else -x")
    with pytest.raises(
        TypeError, match=r"^<string>, line 1: the function asks a Value for whether it is true"
    ):
        record(f, 0.5)


GENERAL = "choose with ops.where(condition, x, y), ops.maximum, ops.minimum or ops.take"


def test_a_line_that_says_nothing_and_one_without_its_places_get_advice_in_general(monkeypatch):
    def asking(x):
        return x * sum(map(float, [x]))

    with pytest.raises(TypeError, match=re.escape(GENERAL)):
        record(asking, 0.5)
    monkeypatch.setattr(linecache, "getlines", lambda *_: ["this is no Python"])
    with pytest.raises(TypeError, match=re.escape(GENERAL)):
        record(with_while, 0.5)


def test_a_condition_elsewhere_in_a_function_says_nothing_of_a_line():
    def asking(x, n=3):
        while n > 0:
            n -= 1
            y = [v for v in (x.data, n) if n < 5]
        return y[0] if n == 0 else max(1.0, x)

    with pytest.raises(TypeError, match=r"leave \.data out"):
        record(asking, 0.5)


def test_an_index_of_numpy_and_a_key_of_a_dict_are_told_what_to_write():
    for f, kind in (
        (lambda k: k * np.ones(3)[k], IndexError),
        (lambda k: k * {1.0: 2.0}[k], KeyError),
    ):
        with pytest.raises(kind) as caught:
            record(f, 1.0)
        assert "ops.take(index, *values) picks" in caught.value.__notes__[0]
    for f, kind in ((lambda k: k * TABLE[7], IndexError), (lambda k: k * {}["k"], KeyError)):
        with pytest.raises(kind) as caught:
            record(f, 1.0)
        assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("name", DECIDING)
def test_a_parameter_may_not_decide_either(name):
    f, _, instead = DECIDING[name]
    w = Value(0.5, label="w")
    with pytest.raises(TypeError, match=re.escape(instead)):
        record(lambda: f(w), parameters=[w])
    assert (w.data, w.grad) == (0.5, 0.0)


def test_what_is_the_same_for_every_row_may_decide():
    rate = Value(0.1)

    def f(xs, n):
        total = xs[0] if len(xs) > 1 and n is not None else 0.0
        for x in xs[1:]:
            total = total + (x if rate.data < 0.5 else -x)
        return total * n

    tape = record(f, [1.0, 2.0, 3.0], 2.0)
    assert tape([1.0, 2.0, 3.0], 2.0) == 12.0
    # the arguments in the form of the function, or one after the other
    assert tape(1.0, 2.0, 4.0, 0.5) == 3.5


# What a tape would hold fast. ---------------------------------------------------------------------
def test_a_value_that_is_no_parameter_is_refused_unless_nobody_checks():
    w, b = Value(2.0, label="w"), Value(1.0)
    for f in (
        lambda x: w * x,
        lambda x: x * 1 + w,
        lambda x: [x, (w + 1) * x],
        lambda x: ops.dot([w, x], [x, b]),
        lambda x: w,
        grad(lambda x: w * x * x),
        lambda x: ops.where(x > 9, x, w),
    ):
        with pytest.raises(
            ValueError, match=r"refers to Value\(data=2.0, label='w'\).*among the parameters"
        ):
            record(f, 1.0, parameters=[b])
    frozen = record(lambda x: w * x, 1.0, check=False)
    w.data = 5.0
    assert frozen(3.0) == 6.0


def test_constants_made_in_the_function_are_no_foreign_values():
    assert record(lambda x: Value(2.0) * x + Value(1.0), 1.0)(3.0) == 7.0


def test_random_numbers_are_refused_unless_nobody_checks():
    rng = random.Random(0)
    for f in (
        lambda x: x * rng.uniform(0, 1),
        lambda x: [x, rng.random()],
        lambda x: x * rng.random() * 1e-9,
    ):
        with pytest.raises(ValueError, match="depend on its arguments and parameters alone"):
            record(f, 1.0)
        assert len(record(f, 1.0, check=False)) < 3


def test_what_changes_between_calls_is_refused():
    calls = []

    def counting(x):
        calls.append(x)
        return x * len(calls)

    def growing(x):
        calls.append(x)
        return [x] * len(calls)

    with pytest.raises(ValueError, match="neither on chance nor on anything it changes"):
        record(counting, 1.0)
    with pytest.raises(ValueError, match=r"gave \d+ numbers and then \d+"):
        record(growing, 1.0)
    w = Value(1.0)

    def editing(x):
        w.data = 7.0
        return x * w

    record(editing, 1.0, parameters=[w])
    # as the function has it, on the tape the parameter is what it is when it runs
    assert w.data == 7.0


def test_a_gradient_that_differs_is_refused_though_the_value_agrees():
    sloppy = custom("sloppy", lambda x: x * x, lambda out, x: rng.random() * x)
    rng = random.Random(0)
    with pytest.raises(ValueError, match="the derivative in input or parameter 0"):
        record(sloppy, 1.0)


def test_rounding_is_no_reason_to_refuse():
    """Of a gradient's gradient, which adds in another order on a tape where gates route."""

    def f(x, y, z):
        t = ops.tanh(ops.dot([x, y, x], [x, z, x]))
        return ops.hard_tanh(t) + ops.maximum(t, t, x * y) * ops.where(x > y, t, t * z)

    rng = random.Random(0)
    for _ in range(100):
        record(hessian(f, (0, 1, 2)), *[rng.uniform(-1, 1) for _ in range(3)])


# Modes. -------------------------------------------------------------------------------------------
class Stop(Exception):
    pass


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_an_exception_in_the_function_leaves_everything_as_it_was(depth):
    w, calls = Value(2.0), []

    def failing(x):
        calls.append(x)
        with no_grad(), detect_anomaly():
            if len(calls) > depth:
                raise Stop
        return grad(lambda y: y * w)(x) * x

    for _ in range(2):
        with suppress(Stop):
            record(failing, 1.0, parameters=[w])
        calls.clear()
        assert (w.data, w.grad, w.primitive) == (2.0, 0.0, None)
        y = w * w
        assert bool(y > 1)
        assert float(y.data) == 4.0
        assert grad(lambda z: z.data * z)(3.0) == 3.0


def test_recording_inside_other_modes():
    with no_grad():
        tape = record(lambda x: x * x, 1.0)
        assert (Value(1.0) * 2).primitive is None
    assert replayed(tape, [3.0]) == [9.0, 6.0]
    with detect_anomaly():
        tape = record(ops.log, 0.0)
    assert bits(replayed(tape, [0.0])) == bits([-math.inf, math.inf])

    def anomalous(x):
        with detect_anomaly():
            return grad(lambda y: y * y * x)(x)

    assert record(anomalous, 1.0)(3.0) == 18.0
    assert grad(lambda x: x * record(lambda y: y * y, 2.0)(3.0))(1.0) == 9.0
    assert record(lambda x: x * record(lambda y: y * y, 2.0)(3.0), 1.0)(2.0) == 18.0


def test_a_tape_inside_a_recording_may_not_freeze_what_the_outer_one_varies():
    w = Value(2.0)
    inner = record(lambda x: w * x, 1.0, parameters=[w])
    assert record(lambda x: x * inner(3.0), 1.0)(2.0) == 12.0
    with pytest.raises(TypeError, match=r"the data of the parameters of a tape"):
        record(lambda x: w * x * inner(3.0), 1.0, parameters=[w])
    with pytest.raises(TypeError, match="a tape takes a plain number here"):
        record(inner, 1.0)
    with pytest.raises(TypeError, match="a tape takes a plain number here"):
        inner(Value(1.0))


def test_recording_and_replaying_change_no_parameter():
    model = nn.MLP(2, [3, 1], rng=random.Random(0))
    parameters = model.parameters()
    model([1.0, 2.0]).backward()
    before = [(p.data, p.grad, p.label, p._clock) for p in parameters]
    tape = record(lambda *xs: model(xs), 1.0, 2.0, parameters=model)
    for executor in EXECUTORS:
        tape(1.0, 2.0, executor=executor)
        tape.sum_and_grad([[1.0, 2.0]] * 20, executor=executor)
    assert [(p.data, p.grad, p.label, p._clock) for p in parameters] == before


def test_a_comparison_for_equality_is_recorded_and_may_not_decide_in_python():
    for f in (
        lambda x: 1.0 if x == 0 else ops.sin(x) / x,
        lambda x: x if x in (0, 1) else 2 * x,
        lambda x: x if x != 2 else 2 * x,
        lambda x: x if (x > 0) != (x > 1) else 2 * x,
    ):
        with pytest.raises(TypeError, match=r"whether it is true.*ops\.where"):
            record(f, 1.0)
    for executor in EXECUTORS:
        equal = record(lambda x: ops.where(x == 2, 3 * x, x), 1.0)
        assert [equal(x, executor=executor) for x in (1.0, 2.0, math.inf)] == [1.0, 6.0, math.inf]
        unequal = record(lambda x: ops.where(x != 2, 3 * x, x * x), 1.0)
        assert [unequal(x, executor=executor) for x in (1.0, 2.0, math.inf)] == [3.0, 4.0, math.inf]
        alike = record(lambda x, y: ops.where((x > 0) == (y > 0), x, y), 1.0, 2.0)
        assert [
            alike(*xs, executor=executor) for xs in ((1.0, 2.0), (-1.0, 2.0), (-1.0, -2.0))
        ] == [1.0, 2.0, -1.0]
    # identity is known
    assert record(lambda x, y: x if x is not y and x != y else y, 1.0, 2.0)(3.0, 4.0) == 3.0


def test_numbers_that_do_not_vary_may_be_read():
    scale = Value(2.0) * 3
    assert record(lambda x: x * scale.data, 1.0)(2.0) == 12.0


def with_source(name, expression):
    """A function of x with this expression for a source, which no file holds."""
    source = f"def f(x):\n    return {expression}\n"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    found = {}
    exec(compile(source, name, "exec"), found)
    return found["f"]


def test_an_index_as_deep_as_no_text_is_made_of_gets_advice_without_it():
    f = with_source("<deep>", f"[1.0, 2.0][int(x{' + 1' * 900})]")
    with pytest.raises(TypeError, match=r"ops\.take\(index, \*values\) picks by a number"):
        record(f, -900.0)


def test_of_a_long_line_the_beginning_is_quoted():
    f = with_source("<long>", f"[{'1.0, ' * 1000}2.0][int(x)]")
    with pytest.raises(TypeError, match=r"'return \[1\.0, .*…' asks a Value") as caught:
        record(f, 0.0)
    assert len(str(caught.value)) < 1000


def test_a_function_that_edits_its_input_is_not_that_of_its_tape():
    def editing(x):
        x.data = 3.0
        return x * 2.0

    with pytest.raises(ValueError, match="nor on anything it changes"):
        record(editing, 1.0)


def test_a_function_that_exchanges_operands_is_not_that_of_its_tape():
    def exchanging(x):
        y = x * 2.0
        y.operands = (x, 3.0)
        return y + 1.0

    with pytest.raises(ValueError, match="nor on anything it changes"):
        record(exchanging, 1.0)


def test_a_function_may_give_nothing_or_numbers_alone():
    assert record(lambda x: [], 1.0)(2.0) == []
    assert record(lambda x: [3.0, 1.5], 1.0)(2.0) == [3.0, 1.5]
