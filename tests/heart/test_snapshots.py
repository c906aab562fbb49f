"""What a tape keeps of a graph, in C or in Python: nothing that is done to the graph afterwards
reaches it, and two graphs have the same when they are built alike.
"""

import gc
import math
import weakref

import numpy as np
import pytest

from micrograd_plus import Value, engine_name, heart, ops, record
from micrograd_plus.engine import nodes_below
from micrograd_plus.tape import Tape
from micrograd_plus.tape.linearisation import snapshot_of

in_c = pytest.mark.skipif(engine_name() != "c", reason="the heart in C was not built")


@pytest.fixture(autouse=True, params=[pytest.param("c", marks=in_c), "python"])
def kept_by(request, monkeypatch):
    """Who keeps snapshots."""
    if request.param == "python":
        monkeypatch.setattr(heart, "_running", None)
    return request.param


def snapshot(build, *leaves, gradient=True):
    """What is kept of what a function builds on leaves with these numbers."""
    varied = [Value(x) for x in leaves]
    out = build(*varied)
    given = out if isinstance(out, tuple) else (out,)
    return snapshot_of(given, varied, gradient and len(given) == 1)


def test_a_tape_is_that_of_the_graph_as_it_was():
    a, b, c = Value(2.0, label="a"), Value(3.0, label="b"), Value(7.0)
    y = (a * b + c).relu() * a
    y.label = "y"
    tape, twin = Tape.of(y, [a], [b]), Tape.of(y, [a], [b])
    whole = twin.to_json(), twin.labels, twin.sum_and_grad([[2.0]], [3.0])
    for v in (a, b, c):
        v.data = -50.0
    y.label = "changed"
    y.operands = (c, c)
    del y, c
    found = tape.sum_and_grad([[2.0]], [3.0])
    assert found[0] == whole[2][0] == 26.0
    assert found[1].tolist() == whole[2][1].tolist() == [4.0]
    assert tape.labels == {**whole[1]}
    assert tape.source() == twin.source()


@pytest.mark.parametrize(
    "other",
    [
        lambda x, y: (x * y + 2.0) * 3.0,
        lambda x, y: (x * y + 2.0) + x,
        lambda x, y: (x * y + 2.0) - 3.0,
        lambda x, y: (y * x + 2.0) + 3.0,
        lambda x, y: (x * x + 2.0) + 3.0,
        lambda x, y: (x * y + 2.0) + Value(3.0),
        lambda x, y: (x * y + 2.0) + math.nextafter(3.0, 4.0),
        lambda x, y: x * y + 2.0,
        lambda x, y: ((x * y + 2.0) + 3.0, 1.0),
        lambda x, y: 1.0,
    ],
)
def test_graphs_that_differ_have_other_snapshots(other):
    one = snapshot(lambda x, y: (x * y + 2.0) + 3.0, 1.5, -2.0)
    assert one.same(snapshot(lambda x, y: (x * y + 2.0) + 3.0, 7.0, 8.0))
    assert not one.same(snapshot(other, 1.5, -2.0))
    assert not snapshot(other, 1.5, -2.0).same(one)


def test_what_runs_while_memory_is_collected_does_not_reach_a_snapshot():
    """A program's own code runs then, too, and may walk the graph or edit it."""
    a = Value(2.0)
    y = a * 3.0
    longer = (Value(1.0).exp() + 1.0).tanh() + y
    outputs, varied = (y,), (a,)
    expected = snapshot_of(outputs, varied, True)

    def act(phase, _):
        if phase == "start":
            nodes_below(longer)  # in which y has another place
            y.label = "" if y.label else "y"

    few, usual, others = 20, gc.get_threshold(), []
    gc.callbacks.append(act)
    try:
        for before in range(2 * few):
            gc.set_threshold(0)
            others.clear()
            gc.collect()
            others += [set() for _ in range(before)]  # so many until the next time
            gc.set_threshold(few)
            kept = snapshot_of(outputs, varied, True)
            gc.set_threshold(*usual)
            assert kept.same(expected)
    finally:
        gc.callbacks.remove(act)
        gc.set_threshold(*usual)


def test_outputs_are_told_apart_by_their_order_and_gates_by_how_many_operands_each_has():
    def sums(*shares):
        return lambda x, y: ops.mul(*[ops.sum([[x, y][i] for i in share]) for share in shares])

    one = snapshot(lambda x, y: (x * y, x), 1.5, -2.0)
    assert one.same(snapshot(lambda x, y: (x * y, x), 1.5, -2.0))
    assert not one.same(snapshot(lambda x, y: (x * y, y), 1.5, -2.0))
    one = snapshot(sums((0, 1), (0, 1)), 1.5, -2.0)
    assert one.same(snapshot(sums((0, 1), (0, 1)), 1.5, -2.0))
    assert not one.same(snapshot(sums((0, 1, 0), (1,)), 1.5, -2.0))


def test_zeros_have_signs_and_nans_are_one():
    def plus(number):
        return snapshot(lambda x: x + number, 1.0)

    assert not plus(0.0).same(plus(-0.0))
    assert plus(math.nan).same(plus(-math.nan))
    assert not plus(math.nan).same(plus(1.0))
    assert not snapshot(lambda x: (x, 1.0), 0.0).same(snapshot(lambda x: (x, 2.0), 0.0))


def test_a_graph_whose_leaf_was_edited_after_its_use_is_like_no_other():
    def edited(x):
        y = x * 2.0
        x.data = 5.0
        return y

    one, other = snapshot(edited, 1.0), snapshot(edited, 1.0)
    assert not one.same(other)
    assert not one.same(one)


def test_it_tells_of_what_it_consists():
    kept = snapshot(lambda x: ops.sin(x + Value(1.0)) * 2.0, 1.0)
    assert kept.about() == (4, 1)
    assert snapshot(lambda x: ops.sin(x) * ops.sin(x + 1.0), 1.0).rows() == [
        ops.sin,
        ops.add,
        ops.mul,
    ]


@pytest.mark.parametrize("asked", [(True, -1, 1), (True, 1, 0), (True, 0, 3), (False, 5, 6)])
def test_derivatives_that_there_are_not_are_refused(asked):
    kept = snapshot(lambda x, y: x * y, 1.0, 2.0)
    with pytest.raises(ValueError, match="no such derivatives"):
        kept.linearised(None, *asked)
    with pytest.raises(ValueError, match="no such derivatives"):
        snapshot(lambda x: (x * 2.0, x), 1.0).linearised(None, True, 0, 1)


@pytest.mark.parametrize("kept_by", [pytest.param("c", marks=in_c)], indirect=True)
def test_the_heart_compares_a_snapshot_with_another_one_alone():
    kept = heart.library().snapshot((Value(1.0),), (), True)
    with pytest.raises(TypeError, match="another one"):
        kept.same(3)


def test_a_tape_and_what_it_keeps_are_freed():
    w = Value(2.0)
    tape = record(lambda x: x * w, 1.0, parameters=[w])
    gone = weakref.ref(tape)
    tape.itself = tape
    del tape
    gc.collect()
    assert gone() is None


def test_a_snapshot_is_evaluated_at_any_numbers():
    def built(x, y):
        return ops.exp(x * y + Value(2.0)) - 3.0, ops.dot([x, y], [y, 0.5]), 7.0

    kept, there = snapshot(built, 1.5, -2.0), (0.25, math.inf)
    found = np.frombuffer(kept.evaluated(np.array(there)))
    expected = [v.data if isinstance(v, Value) else v for v in built(*map(Value, there))]
    assert found.tolist() == expected
    assert len(np.frombuffer(snapshot(lambda: (1.0, 2.0)).evaluated(np.empty(0)))) == 2
    with pytest.raises(ValueError, match="as many numbers"):
        kept.evaluated(np.zeros(3))
