"""Tapes in writing, pickled and copied: they come back the same,
and no label is more than a name.
"""

import copy
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs
from rows import ROWS
from tapes import INJECTED, assert_runs_alike, bits, evaluate, replayed, run_source, same_bits

from micrograd_plus import Tape, Value, custom, ops, record
from micrograd_plus.testing import tapes
from micrograd_plus.trees import leaves_of


# Round trips. -------------------------------------------------------------------------------------
def again_by_json(tape):
    return Tape.from_json(tape.to_json())


def again_by_bytes(tape):
    return Tape.from_json(tape.to_json().encode())


def again_by_pickle(tape):
    return pickle.loads(pickle.dumps(tape))


WAYS = (again_by_json, again_by_bytes, again_by_pickle, copy.copy, copy.deepcopy)


def assert_equal(tape, twin):
    assert tape.to_json() == twin.to_json()
    assert tape.source() == twin.source()
    for part in ("codes", "starts", "operands", "outputs"):
        array = getattr(twin.program, part)
        assert array.dtype == np.int32
        assert array.tolist() == getattr(tape.program, part).tolist()
    assert same_bits(twin.program.constants, tape.program.constants).all()


@given(
    programs([row.name for row in ROWS], 4),
    st.lists(st.floats(), min_size=6, max_size=6),
    st.booleans(),
)
def test_any_tape_comes_back_the_same(program, numbers, listed):
    x, w = Value(numbers[0], label="x"), Value(numbers[1], label="w")
    constants = numbers[2:4]
    out = evaluate(program, [x, w, *constants])
    tape = Tape.of([out, (x, [])] if listed else out, [x], [w])
    for again in WAYS:
        twin = again(tape)
        assert_equal(tape, twin)
        assert bits(
            leaves_of(twin(numbers[4], parameters=[numbers[5]], executor="python"))
        ) == bits(leaves_of(tape(numbers[4], parameters=[numbers[5]], executor="python")))


@given(tapes())
def test_drawn_tapes_come_back_the_same(tape):
    for again in WAYS:
        assert_equal(tape, again(tape))
    assert_runs_alike(tape)


def test_what_was_loaded_has_numbers_for_parameters_and_keeps_names():
    w = Value(0.5, label="weight")

    def f(x, y):
        hidden = ops.tanh(w * x)
        hidden.label = "hidden"
        return hidden * y

    tape = record(f, 1.0, 2.0, parameters=[w])
    assert tape.parameters == [w]
    for again in (again_by_json, again_by_pickle):
        twin = again(tape)
        assert list(twin.parameters) == [0.5]
        w.data = 2.0
        assert (twin(1.0, 2.0), tape(1.0, 2.0)) == (2 * math.tanh(0.5), 2 * math.tanh(2.0))
        w.data = 0.5
        assert "    hidden = tanh(a)" in twin.source()
    shallow, deep = copy.copy(tape), copy.deepcopy(tape)
    assert shallow.parameters[0] is w is not deep.parameters[0]
    w.data = 2.0
    assert (shallow(1.0, 2.0), deep(1.0, 2.0)) == (2 * math.tanh(2.0), 2 * math.tanh(0.5))


def test_what_no_output_needs_leaves_neither_instruction_nor_label():
    def f(x):
        unused = ops.exp(x)
        unused.label = "unused"
        return ops.where(1.0, ops.sin(x), unused)

    tape = record(f, 0.5)
    assert "unused" not in tape.source() + tape.to_json()
    assert_equal(tape, again_by_json(tape))


def gaussian():
    return custom("gaussian", lambda x: math.exp(-x * x), lambda out, x: -2.0 * x * out)


def test_a_tape_with_a_custom_row_comes_back_where_the_row_is_defined():
    row = gaussian()
    tape = record(lambda x: row(x) * x, 0.5)
    for again in WAYS:
        twin = again(tape)
        assert_equal(tape, twin)
        assert row in twin.program.table
        assert replayed(twin, [0.7]) == replayed(tape, [0.7])
    text, pickled = tape.to_json(), pickle.dumps(tape)
    del ops.TABLE["gaussian"]
    with pytest.raises(
        ValueError, match=r"the table has no row 'gaussian'.*defined before the tape is loaded"
    ):
        Tape.from_json(text)
    with pytest.raises(KeyError, match="gaussian"):
        pickle.loads(pickled)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(tape)


def test_a_tape_of_the_first_version_is_still_read():
    """Written down here, so that no later program forgets it."""
    text = """{"format": "micrograd_plus tape", "version": 1, "names": ["x"],
        "parameters": [0.5, "inf"],
        "constants": [1.0, -0.0], "codes": [3, 44, 43, 3, 3], "starts": [0, 2, 3, 4, 6, 8],
        "operands": [0, 1, 5, 5, 7, 1, 7, 0], "outputs": [6, 8, 9, 3],
        "custom": [], "form": 0, "gradient": true,
        "labels": [[0, "x"], [1, "w"], [6, "y"]], "adjoint_of": [[7, 5], [8, 0], [9, 1]]}"""
    tape = Tape.from_json(text)
    assert (
        tape.source()
        == """from micrograd_plus.ops import sech2, tanh


def tape(x, parameters):
    (w, a) = parameters
    b = x * w
    y = tanh(b)
    # backward
    db = sech2(b)
    dx = db * w
    dw = db * x
    return y, (dx,), (dw, 1.0)
"""
    )
    assert tape(2.0) == math.tanh(1.0)
    assert_runs_alike(tape, compiled=True)


# What labels may do. ------------------------------------------------------------------------------
@pytest.mark.parametrize("label", INJECTED)
def test_a_label_is_a_name_or_nothing(label):
    x, y, w, v = (
        Value(0.5, label=label),
        Value(2.0, label=label),
        Value(3.0, label=label),
        Value(4.0),
    )
    hidden = ops.exp(x * w)
    hidden.label = label
    out = ops.sum(hidden, y, v, ops.log(hidden))
    out.label = label
    tape = Tape.of(out, [x, y], [w, v])
    assert_runs_alike(tape)
    assert bits(run_source(tape, [0.5, 2.0], [3.0, 4.0])) == bits(replayed(tape, [0.5, 2.0]))
    assert_equal(tape, again_by_json(tape))


def test_many_nodes_of_one_label_and_long_chains_of_adjoints_make_no_long_names():
    x = Value(0.5, label="x" * 30)
    out = x
    for _ in range(5_000):
        out = ops.sin(out)
        out.label = "h"
    tape = Tape.of(out, [x])
    source = tape.source()
    assert len(source) < 100 * len(tape)
    assert bits(run_source(tape, [0.5])) == bits(replayed(tape, [0.5]))
    spoilt = json.loads(tape.to_json())
    first, size = tape.program.first, tape.program.first + len(tape)
    spoilt |= {
        "labels": [[0, "x" * 10_000]],
        "adjoint_of": [[r, r - 1] for r in range(first, size)],
    }
    assert len(Tape.from_json(json.dumps(spoilt)).source()) < 100 * len(tape)
