"""take: the operand in the place that an index says, in every executor alike;
and what is told where it says none.
"""

import math

import numpy as np
import pytest
from tapes import EXECUTORS, bits

from micrograd_plus import Value, gradcheck, hessian, jvp, nn, ops, record, value_and_grad
from micrograd_plus.training import fit

NOWHERE = (2.0, -1.0, 0.5, 1e300, math.inf, -math.inf, math.nan)


@pytest.mark.parametrize("index", [0, 1, 1.0, True, np.int64(1), Value(1.0), Value(0)], ids=repr)
def test_the_value_and_the_whole_gradient_are_those_of_the_place(index):
    a, b = Value(3.0), Value(-2.0)
    for picked in (ops.take(index, a, b), ops.take(index, [a, b]), ops.take(index, iter((a, b)))):
        a.grad = b.grad = None
        (picked * 2).backward()
        chosen = int(index.data if isinstance(index, Value) else index)
        assert (picked.data, a.grad, b.grad) == (
            (3.0, -2.0)[chosen],
            *((2.0, 0.0), (0.0, 2.0))[chosen],
        )
        assert not isinstance(index, Value) or index.grad == 0.0
    assert type(ops.take(1, 3.0, 4.0)) is float


@pytest.mark.parametrize("index", [2, -1, 0.5, math.inf, math.nan, np.float64(7.0)], ids=repr)
def test_a_plain_number_that_is_no_place_is_an_index_error(index):
    with pytest.raises(
        IndexError, match=r"take picks one of 2 values by a whole number from 0 on, not by"
    ):
        ops.take(index, Value(1.0), 2.0)


@pytest.mark.parametrize("index", NOWHERE)
def test_a_value_that_is_no_place_gives_nan_and_passes_nothing_in_every_executor(index):
    i, a, b = Value(index), Value(math.inf), Value(0.0)
    picked = ops.take(i, a, b)
    picked.backward()
    assert math.isnan(picked.data)
    assert (i.grad, a.grad, b.grad) == (0.0, 0.0, 0.0)
    tape = record(lambda i, a, b: ops.take(i, a * b, b), 1.0, 2.0, 3.0)
    for executor in EXECUTORS:
        assert math.isnan(tape(index, math.inf, 0.0, executor=executor))
        assert tape.gradients([[index, math.inf, 0.0]], executor=executor).tolist() == [
            [0.0, 0.0, 0.0]
        ]


def test_the_place_not_taken_contributes_nothing():
    x = Value(0.0)
    ops.take(0, 2 * x, ops.log(x)).backward()
    assert x.grad == 2.0


def test_a_table_is_read_by_a_token_on_a_tape():
    table = [Value(x) for x in (0.5, -1.5, 2.5)]
    tape = record(lambda token, x: ops.take(token, table) * x, 1.0, 2.0, parameters=table)
    for executor in EXECUTORS:
        rows = [[0.0, 2.0], [1.0, 3.0], [2.0, 4.0], [1.0, 1.0]]
        assert tape.values(rows, executor=executor).tolist() == [1.0, -4.5, 10.0, -1.5]
        assert tape.gradients(rows, of="parameters", executor=executor).tolist() == [
            [2.0, 0.0, 0.0],
            [0.0, 3.0, 0.0],
            [0.0, 0.0, 4.0],
            [0.0, 1.0, 0.0],
        ]


def test_a_row_of_a_table_is_read_by_a_token():
    table = [[Value(10.0 * i + j) for j in range(2)] for i in range(3)]
    parameters = [v for row in table for v in row]

    def f(token, x):
        first, second = ops.take(token, table)
        return first * x + second * second

    for index in (1, 1.0, Value(1.0)):
        picked = ops.take(index, table)
        assert [v.data for v in picked] == [10.0, 11.0]
        assert [v.data for v in ops.take(index, *table)] == [10.0, 11.0]
    assert ops.take(1, np.array([[1.0, 2.0], [3.0, 4.0]])) == [3.0, 4.0]
    tape = record(f, 0.0, 2.0, parameters=parameters)
    for executor in EXECUTORS:
        assert tape(2.0, 3.0, executor=executor) == 20.0 * 3.0 + 21.0 * 21.0
        gradient = tape.gradients([[2.0, 3.0]], of="parameters", executor=executor)
        assert gradient.tolist() == [[0.0, 0.0, 0.0, 0.0, 3.0, 42.0]]
        assert math.isnan(tape(3.0, 3.0, executor=executor))
    with pytest.raises(IndexError, match="one of 3 values"):
        ops.take(3, table)
    with pytest.raises(ValueError, match=r"rows of a table have one length, not \[2, 1\]"):
        ops.take(0, [[1.0, 2.0], [3.0]])


def test_a_table_of_tables_is_read_like_a_table():
    assert ops.take(1, [[[1.0], [2.0]], [[3.0], [4.0]]]) == [[3.0], [4.0]]


def test_an_index_stays_a_place_where_record_compares_once_more():
    tape = record(lambda i, x: ops.take(i, [x, x * x, ops.exp(x)]), 2.0, 0.5)
    again = record(lambda i, x: ops.take(2 - i, [x, x * x, ops.exp(x)]), 2.0, 0.5)
    assert bits([tape(1.0, 3.0), again(2.0, 3.0)]) == bits([9.0, 3.0])
    state = []
    with pytest.raises(ValueError, match="neither on chance"):
        record(lambda i, x: state.append(1) or ops.take(i, [x, x * len(state)]), 1.0, 0.5)


def test_every_order_and_mode_of_derivative_goes_through():
    def f(x):
        return ops.take(1, x, x**3)

    assert value_and_grad(f)(2.0) == (8.0, 12.0)
    assert jvp(f, (2.0,), (1.0,)) == (8.0, 12.0)
    assert hessian(f)(2.0) == 12.0
    gradcheck(lambda x, y: ops.take(0, x * y, y), 0.5, 2.0)


def test_fit_refuses_an_example_that_picks_no_place_before_the_first_step():
    class Embedding(nn.Module):
        def __init__(self):
            self.table = [Value(0.1), Value(0.2), Value(0.3)]

        def parameters(self):
            return self.table

        def __call__(self, x):
            return ops.take(x[0], self.table)

    good, targets = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, -1.0, 0.5])
    for engine in ("tape", "eager"):
        model = Embedding()
        history = fit(
            model, good, targets, loss="squared_error", epochs=3, engine=engine, progress=False
        )
        assert history.losses[-1] < history.losses[0]
        before = [p.data for p in model.table]
        for wrong in (3.0, -1.0, 0.5):
            X = good.copy()
            X[1] = wrong
            with pytest.raises(
                ValueError, match=rf"picks one of 3 values.*is {wrong} in example 1"
            ):
                fit(model, X, targets, loss="squared_error", engine=engine, progress=False)
            with pytest.raises(ValueError, match=r"picks one of 3 values"):
                fit(
                    model,
                    good,
                    targets,
                    loss="squared_error",
                    engine=engine,
                    validation=(X, targets),
                    progress=False,
                )
        assert [p.data for p in model.table] == before


TEXTS = ["ab", b"ab", ["ab", "cd"], np.array(["a", "b"])]


@pytest.mark.parametrize("index", [0, Value(0.0)], ids=repr)
@pytest.mark.parametrize("values", [*TEXTS, {"a": 1.0}, [{"a": 1.0}, {"a": 2.0}], np.array(2.0)])
def test_texts_dicts_and_numbers_are_no_tables(index, values):
    with pytest.raises(TypeError, match="take works on numbers and Values, not on"):
        ops.take(index, values)
