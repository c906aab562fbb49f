"""What people record: points and results in lists, dicts and arrays, tables read by tokens, weights
that are shared, several outputs, derivatives of derivatives.
"""

import copy
import functools
import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tapes import EXECUTORS, assert_harmless, bits

from micrograd_plus import (
    Tape,
    Value,
    grad,
    hessian,
    hvp,
    jacobian,
    nn,
    ops,
    record,
    value_and_grad,
)
from micrograd_plus.trees import leaves_of, like, listed


def again_by_json(tape):
    return Tape.from_json(tape.to_json())


def again_by_pickle(tape):
    return pickle.loads(pickle.dumps(tape))


def run(source, *point):
    """What the text of a tape gives when Python runs it."""
    scope = {}
    exec(source, scope)
    return scope["tape"](*point)


WAYS = (lambda tape: tape, again_by_json, again_by_pickle, copy.copy, copy.deepcopy)


# Points. ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("again", WAYS)
def test_the_entries_of_a_dict_go_by_their_keys(again):
    def f(scale, p):
        return scale * (p["w"][0] - p["w"][1]) / p["bias"]

    tape = again(record(f, 1.0, {"w": [2.0, 3.0], "bias": 4.0}))
    assert list(tape.names) == ["scale", "p_w0", "p_w1", "p_bias"]
    for executor in EXECUTORS:
        turned = tape(6.0, {"bias": 3.0, "w": [5.0, 1.0]}, executor=executor)
        assert turned == tape(6.0, {"w": (5.0, 1.0), "bias": 3.0}, executor=executor) == 8.0
        in_array = {"bias": np.float64(3.0), "w": np.array([5.0, 1.0])}
        assert tape(6.0, in_array, executor=executor) == 8.0
        assert tape(6.0, 5.0, 1.0, 3.0, executor=executor) == 8.0  # one after the other
    for wrong in ({"w": [1.0, 2.0]}, {"w": [1.0], "bias": [2.0, 3.0]}, {"w": [1.0, 2.0], "b": 1.0}):
        with pytest.raises(ValueError, match=r"the point must have the form .*'w'.*'bias'"):
            tape(1.0, wrong)
    with pytest.raises(ValueError, match="the point must have the form"):
        tape({"w": [1.0, 2.0], "bias": 3.0}, 1.0)


def test_a_tape_of_numbers_takes_no_dict_of_other_keys():
    x, y = Value(1.0), Value(2.0)
    for tape in (record(lambda a, b: a / b, 1.0, 2.0), Tape.of(x / y, [x, y])):
        assert tape([1.0, 2.0]) == tape((1.0,), 2.0) == 0.5
        for wrong in ({"c": 1.0, "a": 2.0}, {"a": 1.0}, [{"b": 2.0, "a": 1.0}]):
            with pytest.raises(ValueError, match="the point must have the form"):
                tape(wrong)


def test_the_inputs_may_come_in_one_dict_by_their_names():
    tape = record(lambda a, b: a / b, 1.0, 2.0)
    for executor in EXECUTORS:
        assert tape({"b": 2.0, "a": 1.0}, executor=executor) == 0.5
        assert tape({"a": [1.0], "b": np.float64(2.0)}, executor=executor) == 0.5
    with pytest.raises(ValueError, match="takes 2 numbers, but got 3"):
        tape({"a": [1.0, 2.0], "b": 2.0})


def test_names_come_from_a_method_as_from_a_function():
    class Model:
        def loss(self, x, y, *rest, weight=1.0):
            return x * y * rest[0] * weight

        def mean(*numbers):
            return numbers[1] + numbers[2]

        @staticmethod
        def still(u, v):
            return u * v

        @classmethod
        def of(cls, w):
            return w * 2.0

    @functools.wraps(Model().loss)
    def wrapped(*anything):
        return Model().loss(*anything)

    model = Model()
    assert record(model.loss, 1.0, 2.0, 3.0).names == ["x", "y", "rest0"]
    assert record(model.mean, 1.0, 2.0).names == ["numbers0", "numbers1"]
    assert record(model.still, 1.0, 2.0).names == ["u", "v"]
    assert record(Model.of, 1.0).names == ["w"]
    assert record(wrapped, 1.0, 2.0, 3.0).names == ["x", "y", "rest0"]
    assert record(lambda a, /, b=2.0, *, c=1.0: a * b * c, 1.0, 2.0).names == ["a", "b"]


def test_names_come_from_keys_and_places():
    point = {"layer": [{"w": np.ones((2, 2)), "b": 0.0}], 7: 1.0, "two words": 2.0}
    tape = record(lambda p: p[7] + p["layer"][0]["w"].sum(), point)
    corners = [f"p_layer0_w{i}_{j}" for i in (0, 1) for j in (0, 1)]
    assert tape.names == [*corners, "p_layer0_b", "p7", "p_two words"]
    value, gradient, _ = run(tape.source(), *[1.0] * 7)
    assert (value, gradient) == (5.0, (1.0,) * 4 + (0.0, 1.0, 0.0))


def test_arrays_are_points_of_recordings_and_of_calls():
    matrix, vector = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 0.5])
    tape = record(lambda w, x: ops.sum(np.tanh(w @ x)), matrix, vector)
    assert tape.names == [*[f"w{i}_{j}" for i in (0, 1) for j in range(3)], "x0", "x1", "x2"]
    for executor in EXECUTORS:
        for w, x in (
            (matrix, vector),
            (matrix.tolist(), vector),
            (matrix.astype(int), [1, -2, 0.5]),
        ):
            found = tape(w, x, executor=executor)
            assert found == pytest.approx(np.tanh(matrix @ vector).sum(), rel=1e-14)
    with pytest.raises(ValueError, match="takes 9 numbers, but got 8"):
        tape(matrix, vector[:2])


# Results. -----------------------------------------------------------------------------------------
OUTPUTS = {
    "a dict": lambda x, y: {"sum": x + y, "both": [x, (y, x * y)]},
    "a dict of one number": lambda x, y: {"sum": x + y},
    "an empty dict": lambda x, y: {},
    "numbers for keys": lambda x, y: {1: x, -2: y},
    "an array": lambda x, y: np.array([[x, y, x * y], [x, x, 1.0]]),
    "an array of numbers": lambda x, y: np.array([1.0, 2.0]),
    "an empty array": lambda x, y: np.zeros((0, 3)),
    "arrays in a dict": lambda x, y: {"a": np.array([x, y]), "b": [np.array([y])]},
    "an odd key": lambda x, y: {"'} + {'": x, "ä\n": y},
}


def assert_same(found, expected):
    """Equal forms and equal numbers."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, np.ndarray):
        assert (found.shape, found.dtype) == (expected.shape, np.float64)
        assert bits(found.ravel()) == bits(float(x) for x in expected.ravel())
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for x, y in zip(found, expected):
            assert_same(x, y)
    else:
        assert bits([found]) == bits([expected])


@pytest.mark.parametrize("again", WAYS)
@pytest.mark.parametrize("name", OUTPUTS)
def test_a_tape_gives_dicts_and_arrays_as_the_function_does(name, again):
    f = OUTPUTS[name]
    tape = again(record(f, 1.0, 2.0))
    for executor in EXECUTORS:
        assert_same(tape(0.5, -3.0, executor=executor), f(0.5, -3.0))
    count = len(leaves_of(f(0.5, -3.0)))
    assert tape.values([[0.5, -3.0]] * 3).shape == (3, count)
    assert not tape.gradient
    with pytest.raises(ValueError, match="only a tape with one number"):
        tape.gradients([[0.5, -3.0]])
    assert_harmless(tape.source())
    assert_same(run(tape.source(), 0.5, -3.0), listed(f(0.5, -3.0)))


def test_an_array_without_axes_is_a_number():
    tape = record(lambda x: np.array(x * x), 1.0)
    assert tape(3.0) == 9.0
    assert tape.gradients([[3.0]]).tolist() == [[6.0]]


def test_keys_that_no_text_can_name_are_for_memory_only():
    tape = record(lambda x: {(0, 1): x, None: 2 * x}, 1.0)
    assert again_by_pickle(tape)(3.0) == tape(3.0) == {(0, 1): 3.0, None: 6.0}
    for text in (tape.to_json, tape.source):
        with pytest.raises(ValueError, match=r"strings and whole numbers for the keys.*\(0, 1\)"):
            text()


def trees(leaves):
    """Numbers in lists, tuples, dicts and arrays, nested."""
    keys = st.one_of(st.text(max_size=3), st.integers(-9, 9))
    shapes = st.sampled_from([(0,), (2,), (1, 3), (2, 0, 2)])
    return st.recursive(
        st.one_of(leaves, shapes.map(np.ones)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(keys, inner, max_size=3),
        ),
        max_leaves=6,
    )


def turned(tree):
    """The tree with the entries of its dicts in the other order."""
    if isinstance(tree, dict):
        return {key: turned(tree[key]) for key in reversed(tree)}
    return type(tree)(map(turned, tree)) if isinstance(tree, (list, tuple)) else tree


@settings(max_examples=40)
@given(trees(st.floats(-9, 9)))
def test_whatever_the_form_of_a_point_it_comes_back_by_keys_and_from_files(tree):
    numbers = leaves_of(tree)

    def f(given):
        return like(given, [x * (2 + i) for i, x in enumerate(leaves_of(given))])

    tape = record(f, tree)
    for again in (tape, again_by_json(tape)):
        assert_same(again(tree, executor="python"), f(tree))
        assert_same(again(turned(tree), executor="python"), f(tree))
        assert_same(again(*numbers, executor="python"), f(tree))


# Programs. ----------------------------------------------------------------------------------------
class Tied(nn.Module):
    """Letters that are told by the table that they are read from."""

    def __init__(self, letters, width, rng):
        self.table = [[Value(rng.gauss(0, 0.5)) for _ in range(width)] for _ in range(letters)]
        self.turn = [[Value(rng.gauss(0, 0.5)) for _ in range(width)] for _ in range(width)]

    def parameters(self):
        return [v for row in (*self.table, *self.turn) for v in row]

    def logits(self, token):
        read = ops.take(token, self.table)
        for _ in range(2):  # one matrix, twice
            read = [ops.tanh(ops.dot(row, read)) for row in self.turn]
        return [ops.dot(row, read) for row in self.table]

    def loss(self, token, following):
        logits = self.logits(token)
        return ops.logsumexp(logits) - ops.take(following, logits)


@pytest.fixture
def tied():
    return Tied(5, 3, random.Random(0))


def test_shared_weights_gather_what_comes_from_each_of_their_uses(tied):
    tape = record(tied.loss, 0, 1, parameters=tied)
    parameters = tied.parameters()
    for token, following in ((0, 1), (4, 4), (2, 0)):
        for p in parameters:
            p.grad = None
        loss = tied.loss(token, following)
        loss.backward()
        expected = [p.grad for p in parameters]
        for executor in EXECUTORS:
            assert bits([tape(token, following, executor=executor)]) == bits([loss.data])
            points = [[token, following]]
            found = tape.gradients(points, of="parameters", executor=executor)[0]
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_several_outputs_are_recorded_at_once(tied):
    def f(token, following):
        logits = tied.logits(token)
        loss = ops.logsumexp(logits) - ops.take(following, logits)
        return {"loss": loss, "shares": np.array(ops.softmax(logits)), "logits": logits}

    tape = record(f, 3, 1, parameters=tied)
    for executor in EXECUTORS:
        found, expected = tape(1, 2, executor=executor), f(1, 2)
        assert found["loss"] == expected["loss"].data
        assert found["logits"] == [v.data for v in expected["logits"]]
        assert found["shares"].tolist() == [v.data for v in expected["shares"]]


@pytest.mark.parametrize(
    "transformed",
    [
        grad,
        value_and_grad,
        hessian,
        lambda f: jacobian(grad(f)),
        lambda f: grad(lambda p: grad(f)(p)["w"][0] * p["b"]),
        lambda f: lambda p: hvp(f, (p,), ({"w": [1.0, -1.0], "b": 0.5},)),
    ],
    ids=["grad", "value_and_grad", "hessian", "jacobian of grad", "grad of grad", "hvp"],
)
def test_derivatives_of_derivatives_in_dicts_are_recorded_as_they_are_reckoned(transformed):
    def f(p):
        return ops.tanh(ops.dot(p["w"], [p["b"], 2.0])) * ops.exp(p["b"]) + p["w"][0] ** 3

    derivative = transformed(f)
    point, other = {"w": [0.5, -1.0], "b": 0.25}, {"b": -0.5, "w": [1.5, 0.75]}
    tape = record(derivative, point)
    for executor in EXECUTORS:
        for there in (point, {"w": other["w"], "b": other["b"]}):
            assert_same(tape(there, executor=executor), derivative(there))
        assert tape(other, executor=executor) == tape(there, executor=executor)


def test_a_derivative_may_be_taken_in_a_table_of_inputs():
    def loss(p, token):
        return ops.sum(x * x for x in ops.take(token, p["table"]))

    tape = record(grad(loss), {"table": [[1.0, 2.0], [3.0, 4.0]]}, 1)
    assert tape({"table": [[1.0, 2.0], [3.0, 4.0]]}, 0) == {"table": [[2.0, 4.0], [0.0, 0.0]]}
    assert tape({"table": [[1.0, 2.0], [3.0, 4.0]]}, 1) == {"table": [[0.0, 0.0], [6.0, 8.0]]}
