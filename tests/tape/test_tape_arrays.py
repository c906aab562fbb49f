"""Odd arrays for rows and parameters: the right bits or a plain refusal,
and what was given is never changed.
"""

import array
import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from tapes import EXECUTORS, bits, same_bits

from micrograd_plus import Value, nn, ops, record

# 35: two blocks of sixteen and a tail
ROWS = np.array([[0.5, -1.0], [2.0, 3.0], [-0.0, 1.0], [-4.0, 0.0], [1.5, 2.5]] * 7)
SHARED = np.array([0.5, -2.0, 4.0])


@pytest.fixture(scope="module")
def tape():
    w = [Value(x) for x in (1.0, 2.0, 3.0)]
    return record(lambda x, y: ops.relu(w[0] * x + w[1] * y) * w[2] + x / y, 0.5, 1.0, parameters=w)


class Arraylike:
    """What a data frame is to NumPy."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numbers, dtype=dtype)


class Own(np.ndarray):
    """An array class of somebody's own."""


def unaligned(numbers):
    """The same numbers, one byte off."""
    room = np.zeros(numbers.nbytes + 1, dtype=np.uint8)
    found = room[1:].view(numbers.dtype).reshape(numbers.shape)
    found[...] = numbers
    return found


def read_only(numbers):
    found = numbers.copy()
    found.flags.writeable = False
    return found


def every_second(numbers):
    room = np.full([2 * n for n in numbers.shape], np.nan)
    view = room[tuple(slice(None, None, 2) for _ in numbers.shape)]
    view[...] = numbers
    return view


KINDS = {
    "as they are": lambda a: a,
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "int64": lambda a: a.astype(np.int64),
    "int8": lambda a: a.astype(np.int8),
    "uint64": lambda a: abs(a).astype(np.uint64),
    "bool": lambda a: a > 0,
    "Fortran order": np.asfortranarray,
    "strided": every_second,
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "read-only": read_only,
    "unaligned": unaligned,
    "unaligned float32": lambda a: unaligned(a.astype(np.float32)),
    "other end first": lambda a: a.astype(a.dtype.newbyteorder()),
    "short and other end first": lambda a: a.astype(">i2"),
    "repeated without memory": lambda a: np.broadcast_to(a[:1], a.shape),
    "nothing masked": np.ma.array,
    "a mask that is off": lambda a: np.ma.array(a, mask=np.zeros(a.shape)),
    "own class": lambda a: a.view(Own),
}
NO_ARRAYS = {
    "a list": lambda a: a.tolist(),
    "tuples": lambda a: tuple(map(tuple, a.tolist())) if a.ndim > 1 else tuple(a.tolist()),
    "a list of arrays": list,
    "scalars of NumPy": lambda a: [list(x) if a.ndim > 1 else x for x in a],
    "whole numbers": lambda a: a.astype(int).tolist(),
    "like an array": Arraylike,
    "a view of memory": lambda a: memoryview(np.ascontiguousarray(a)),
}
WRONG = {
    "objects": lambda a: a.astype(object),
    "complex": lambda a: a.astype(complex),
    "text": lambda a: a.astype(str),
    "bytes": lambda a: a.astype("S8"),
    "a list of text": lambda a: a.astype(str).tolist(),
    "masked": lambda a: np.ma.array(a, mask=a == a.flat[0]),
    "dates": lambda a: a.astype(int).astype("M8[D]"),
    "times": lambda a: a.astype(int).astype("m8[s]"),
    "records": lambda a: a.view([("x", float)]),
    "nothing": lambda a: None,
    "nothings": lambda a: [[None, None]] if a.ndim > 1 else [None] * 3,
    "a set": lambda a: {1.0, 2.0},
    "a dict": lambda a: {0: 1.0},
    "a generator": lambda a: (x for x in a.tolist()),
    "fractions": lambda a: np.vectorize(Fraction, otypes=[object])(a).tolist(),
    "decimals": lambda a: np.vectorize(Decimal, otypes=[object])(a).tolist(),
    "empty objects": lambda a: a[:0].astype(object),
} | (
    {"more digits": lambda a: a.astype(np.longdouble)}
    if np.dtype(np.longdouble).itemsize > 8
    else {}
)


def every_use(tape, rows, parameters, executor):
    """What each method gives, flat."""
    given = {"parameters": parameters, "executor": executor}
    parts = [
        tape.values(rows, **given),
        tape.gradients(rows, **given),
        tape.gradients(rows, of="parameters", **given),
        *tape.chunk_sums(rows, **given),
        *tape.sum_and_grad(rows, **given),
        *tape.mean_and_grad(rows, **given),
    ]
    return np.concatenate([np.ravel(part) for part in parts])


def contents(thing):
    return np.array(thing.numbers if isinstance(thing, Arraylike) else thing).tobytes()


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("kind", [*KINDS, *NO_ARRAYS])
def test_rows_and_parameters_of_any_kind_give_the_bits_of_plain_ones_and_stay_as_they_are(
    tape, kind, executor
):
    made = (KINDS | NO_ARRAYS)[kind]
    rows, shared = made(ROWS), made(SHARED)
    before = contents(rows), contents(shared)
    plain = [np.array(np.asarray(x), dtype=np.float64, order="C") for x in (rows, shared)]
    expected = bits(every_use(tape, *plain, "python"))
    assert bits(every_use(tape, rows, shared, executor)) == expected
    assert (contents(rows), contents(shared)) == before
    first = plain[0][0].tolist()
    assert bits([tape(*first, parameters=shared, executor=executor)]) == bits(
        [tape(*first, parameters=plain[1])]
    )


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_array_of_floats_is_refused_by_name(tape, kind, executor):
    rows, shared = WRONG[kind](ROWS), WRONG[kind](SHARED)
    for use in (
        tape.values,
        tape.gradients,
        tape.sum_and_grad,
        tape.mean_and_grad,
        tape.chunk_sums,
    ):
        with pytest.raises(TypeError, match="the points must be real numbers"):
            use(rows, executor=executor)
        if shared is not None:  # which means the present ones
            with pytest.raises(TypeError, match="the parameters must be real numbers"):
                use(ROWS, shared, executor=executor)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    "rows",
    [
        0.5,
        np.array(0.5),
        [],
        [0.5, 1.0],
        np.ones(2),
        np.ones((3, 1)),
        np.ones((3, 3)),
        np.ones((0, 3)),
        np.ones((3, 0)),
        np.ones((2, 2, 2)),
        np.ones((1, 1, 2)),
        [[]],
        [[[0.5, 1.0]]],
        np.empty((0, 0)),
    ],
    ids=np.shape,
)
def test_rows_of_another_shape_are_refused_by_name(tape, rows, executor):
    for use in (
        tape.values,
        tape.gradients,
        tape.sum_and_grad,
        tape.mean_and_grad,
        tape.chunk_sums,
    ):
        with pytest.raises(
            ValueError, match=r"takes points of 2 numbers, an array of shape \(points, 2\), not \("
        ):
            use(rows, executor=executor)


@pytest.mark.parametrize(
    "shared",
    [[], [1.0], np.ones(4), np.ones((3, 1)), np.ones((1, 3)), 0.5, [[1.0, 2.0, 3.0]]],
    ids=np.shape,
)
def test_parameters_of_another_shape_are_refused_by_name(tape, shared):
    for executor in EXECUTORS:
        with pytest.raises(ValueError, match=r"takes parameters of shape \(3,\), not \("):
            tape.values(ROWS, shared, executor=executor)
        with pytest.raises(ValueError, match=r"takes parameters of shape \(3,\), not \("):
            tape(0.5, 1.0, parameters=shared, executor=executor)


def test_ragged_rows_are_refused(tape):
    with pytest.raises(ValueError, match="its lists differ in length"):
        tape.values([[0.5, 1.0], [0.5]])


def test_parameters_may_be_values_numbers_or_a_module(tape):
    expected = bits(tape.values(ROWS, SHARED, executor="python"))
    for shared in (
        [Value(x) for x in SHARED],
        [Value(0.5), -2.0, Value(4)],
        (0.5, Value(-2), 4),
        array.array("d", SHARED),
    ):
        for executor in EXECUTORS:
            assert bits(tape.values(ROWS, shared, executor=executor)) == expected
    neuron = nn.Neuron(2)
    for p, x in zip(neuron.parameters(), SHARED):
        p.data = x
    assert bits(tape.values(ROWS, neuron)) == expected
    with pytest.raises(ValueError, match=r"takes parameters of shape \(3,\), not \(4,\)"):
        tape.values(ROWS, nn.Neuron(3))
    none = record(lambda x: x, 1.0)
    assert none.values([[2.0]], []) == [2.0]
    with pytest.raises(ValueError, match=r"takes parameters of shape \(0,\), not \(1,\)"):
        none.values([[2.0]], [1.0])


@pytest.mark.parametrize("executor", EXECUTORS)
def test_one_row_is_numbers_in_any_nesting(tape, executor):
    expected = tape(0.5, 2.0, executor=executor)
    for row in (
        (0.5, 2),
        ([0.5, 2.0],),
        ((0.5,), [2]),
        (np.float32(0.5), np.int8(2)),
        (Fraction(1, 2), 2),
        (0.5, [[2.0]]),
        (np.array([0.5, 2.0]),),
        (0.5, np.array([2], dtype=np.int8)),
        ({"x": 0.5, "y": 2.0},),
    ):
        assert tape(*row, executor=executor) == expected
    assert tape(True, False, executor=executor) == tape(1.0, 0.0, executor=executor)
    for row in ((), (0.5,), (0.5, 2.0, 1.0), ([0.5, 2.0], 1.0)):
        with pytest.raises(ValueError, match="takes 2 numbers, but got"):
            tape(*row, executor=executor)
    for row in (
        ("0.5", 2.0),
        (None, 2.0),
        (0.5j, 2.0),
        (Decimal(1), 2.0),
        (dt.date(2026, 1, 1), 2.0),
    ):
        with pytest.raises(TypeError, match="works on numbers and Values, not on"):
            tape(*row, executor=executor)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_no_rows_and_no_inputs(tape, executor):
    nothing = np.empty((0, 2))
    assert tape.values(nothing, executor=executor).shape == (0,)
    assert tape.gradients(nothing, executor=executor).shape == (0, 2)
    assert tape.gradients(nothing, of="parameters", executor=executor).shape == (0, 3)
    assert list(tape.chunk_sums(nothing, executor=executor)) == []
    w = Value(3.0)
    constant = record(lambda: [w * w, w], parameters=[w])
    assert constant(executor=executor) == [9.0, 3.0]
    assert constant.values(np.empty((20, 0)), executor=executor).tolist() == [[9.0, 3.0]] * 20
    assert record(lambda x, y: (), 1.0, 2.0).values(ROWS, executor=executor).shape == (35, 0)


def test_a_million_rows_that_are_one_in_memory(tape):
    rows = np.broadcast_to(ROWS[:1], (1_000_000, 2))
    for threads in (1, 2):
        assert same_bits(
            tape.values(rows, threads=threads), np.broadcast_to(tape.values(ROWS[:1]), 1_000_000)
        ).all()


def test_results_share_no_memory_with_each_other_or_with_what_was_given(tape):
    for executor in EXECUTORS:
        identity = record(lambda x, y: [y, x], 1.0, 2.0)
        rows, shared = ROWS.copy(), SHARED.copy()
        first = identity.values(rows, executor=executor)
        first[:] = 7.0
        _, gradient = tape.sum_and_grad(rows, shared, executor=executor)
        again = tape.sum_and_grad(rows, shared, executor=executor)[1].copy()
        gradient[:] = 7.0
        assert bits(tape.sum_and_grad(rows, shared, executor=executor)[1]) == bits(again)
        assert (identity.values(rows, executor=executor) == ROWS[:, ::-1]).all()
        assert (rows.tobytes(), shared.tobytes()) == (ROWS.tobytes(), SHARED.tobytes())


@pytest.mark.slow
def test_five_thousand_random_layouts(tape):
    rng, count = random.Random(0), 0
    for _ in range(2_500):
        rows = (
            np.random.default_rng(rng.randrange(2**32)).integers(
                -8, 8, (rng.choice((1, 2, 16, 17, 40)), 4)
            )
            / 2
        )
        rows = rows[
            :, rng.choice((slice(0, 2), slice(None, None, 2), slice(3, 1, -1), slice(1, 3)))
        ]
        for _ in range(rng.randint(1, 3)):
            rows = rng.choice(list(KINDS.values()))(rows)
            rows = rows[:: rng.choice((1, -1, 2))] if len(rows) > 2 else rows
        before = contents(rows)
        expected = bits(
            every_use(tape, np.array(rows, dtype=np.float64, order="C"), SHARED, "python")
        )
        for executor in EXECUTORS:
            assert bits(every_use(tape, rows, SHARED, executor)) == expected
            count += 1
        assert contents(rows) == before
    print(
        f"\n{count} cases of rows of odd kinds and layouts: the bits of plain ones, and none was "
        "changed"
    )
