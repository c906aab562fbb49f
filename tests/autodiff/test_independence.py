"""What an output does not depend on has derivative 0 in it, whatever the other outputs do;
and costs nothing.
"""

import math
import random

import numpy as np
import pytest
from tapes import EXECUTORS, bits

from micrograd_plus import Value, engine, grad, hessian, jacobian, jvp, ops, record

inf, nan = math.inf, math.nan
INFINITE = {  # at these points the slope is infinite, and 0 times it would be nan
    "sqrt": (ops.sqrt, 0.0, inf),
    "cbrt": (ops.cbrt, 0.0, inf),
    "log": (ops.log, 0.0, inf),
    "power": (lambda z: z**0.5, 0.0, inf),
    "quotient": (lambda z: 1 / z, 0.0, -inf),
    "exp": (ops.exp, 1000.0, inf),
    "nan": (ops.sqrt, -1.0, nan),
}


def same(x, y):
    return np.array_equal(np.array(x, dtype=float), np.array(y, dtype=float), equal_nan=True)


def test_the_root_of_one_number_says_nothing_of_that_of_another():
    assert jacobian(lambda v: [ops.sqrt(z) for z in v])([4.0, 0.0]) == [[0.25, 0.0], [0.0, inf]]
    assert jacobian(lambda x, y: (2 * x, ops.sqrt(y)), (0, 1))(1.0, 0.0) == ((2.0, 0.0), (0.0, inf))
    forward = jacobian(lambda x, y: (2 * x, ops.sqrt(y), x), (0, 1))(1.0, 0.0)
    assert forward == ((2.0, 0.0), (0.0, inf), (1.0, 0.0))


@pytest.mark.parametrize("more", [0, 1, 5], ids=["square", "one more output", "many more outputs"])
@pytest.mark.parametrize("name", INFINITE)
def test_no_infinite_slope_reaches_another_row_in_either_mode(name, more):
    f, there, slope = INFINITE[name]
    found = jacobian(lambda v: [2.0 * v[0], f(v[1]), *[v[0] * k for k in range(more)]])(
        [3.0, there]
    )
    assert same(found, [[2.0, 0.0], [0.0, slope], *[[float(k), 0.0] for k in range(more)]])


@pytest.mark.parametrize("name", INFINITE)
def test_outputs_that_share_inputs_keep_theirs_apart(name):
    f, there, slope = INFINITE[name]
    assert same(
        jacobian(lambda x, y: [x * x, f(y) + x], (0, 1))(3.0, there), [[6.0, 0.0], [1.0, slope]]
    )
    found = jacobian(lambda x, y: [f(y) + x, x * x, y * 0.5], (0, 1))(3.0, there)
    assert same(found, [[1.0, slope], [6.0, 0.0], [0.0, 0.5]])


def test_the_same_output_twice_has_its_row_twice():
    def f(x, y):
        root = ops.sqrt(y) + x
        return root, root, 1.0

    assert jacobian(f, (0, 1))(1.0, 0.0) == ((1.0, inf), (1.0, inf), (0.0, 0.0))


SECOND = {
    "a cube and a power": (lambda x, y: x**3 + y**1.5, (2.0, 0.0), ((12.0, 0.0), (0.0, inf))),
    "a quotient": (ops.div, (1e9, 1e-100), ((0.0, -1e200), (-1e200, inf))),
    "a root and a square": (
        lambda x, y: x * x + ops.sqrt(y),
        (1.0, 0.0),
        ((2.0, 0.0), (0.0, -inf)),
    ),
    "a logarithm": (lambda x, y: ops.log(x) + y**3, (1e-200, 2.0), ((-inf, 0.0), (0.0, 12.0))),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives_of_independent_parts_stay_apart_on_tapes_too(name):
    f, point, expected = SECOND[name]
    found = hessian(f, (0, 1))(*point)
    assert np.allclose(found, expected, rtol=1e-14, atol=0.0)
    for executor in EXECUTORS:
        tape = record(hessian(f, (0, 1)), 1.5, 0.5)
        assert bits(np.ravel(tape(*point, executor=executor))) == bits(np.ravel(found))


def test_the_second_derivative_of_a_cube_root_next_to_0_is_infinite():
    assert grad(grad(ops.cbrt))(1e-200) == -inf
    assert grad(grad(ops.cbrt))(-1e-200) == inf
    assert grad(ops.cbrt)(1e-200) == pytest.approx(1e-200 ** (-2 / 3) / 3, rel=1e-13)
    assert grad(grad(grad(ops.cbrt)))(1e-150) == inf


@pytest.mark.parametrize("seed", range(40))
def test_the_jacobian_of_a_random_program_has_the_gradients_of_its_outputs_for_rows(seed):
    rng = random.Random(seed)
    width, height = rng.randint(1, 5), rng.randint(1, 8)
    rows = (ops.mul, ops.add, ops.maximum, ops.div, ops.sub)

    def program(inputs):
        rng = random.Random(seed)
        numbers = list(inputs)
        for _ in range(20):
            numbers.append(rng.choice(rows)(rng.choice(numbers), rng.choice(numbers)))
            if rng.random() < 0.3:
                numbers[-1] = ops.sqrt(numbers[-1])
        return [rng.choice(numbers) for _ in range(height)]

    point = [rng.choice([0.0, 1.0, -2.0, 4.0]) for _ in range(width)]
    found = jacobian(program)(point)
    assert len(found) == height
    for k, row in enumerate(found):
        expected = grad(lambda inputs, k=k: program(inputs)[k])(point)
        if height > width:  # forward: sums in another order, in which inf may meet -inf sooner
            finite = np.isfinite(expected)
            assert np.allclose(
                np.array(row)[finite], np.array(expected)[finite], rtol=1e-12, atol=0
            )
        else:
            assert same(row, expected)


@pytest.mark.parametrize("shape", [(200, 200), (200, 20)], ids=["reverse", "forward"])
def test_a_sweep_of_many_outputs_visits_each_gate_about_once(shape, monkeypatch):
    chains, inputs = shape
    visited = []
    monkeypatch.setattr(
        "micrograd_plus.autodiff.local_gradients",
        lambda v: visited.append(v) or engine.local_gradients(v),
    )

    def outputs(v):
        numbers = []
        for k in range(chains):
            z = v[k % inputs]
            for _ in range(10):
                z = ops.sin(z)
            numbers.append(z)
        return numbers

    jacobian(outputs)([0.1] * inputs)
    assert chains * 10 <= len(visited) <= 2 * chains * 10 + chains


# Arrays and dicts. --------------------------------------------------------------------------------
def rosenbrock(x):
    return sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


def test_arrays_go_in_and_arrays_come_out():
    x = np.array([1.3, 0.7, 0.8])
    found = grad(rosenbrock)(x)
    assert type(found) is np.ndarray
    assert (found.dtype, found.shape) == (np.float64, (3,))
    assert found.tolist() == grad(lambda v: rosenbrock(np.array(v)))(x.tolist())
    matrix = np.arange(6).reshape(2, 3)
    assert grad(lambda m: (m * m).sum())(matrix).tolist() == (2.0 * matrix).tolist()
    assert hessian(lambda m: (m**3.0).sum())(np.ones(2)).tolist() == [[6.0, 0.0], [0.0, 6.0]]
    assert jacobian(lambda m: matrix @ m)(np.ones(3)).tolist() == matrix.tolist()
    assert jacobian(lambda m: matrix @ m)(np.ones((3, 4))).shape == (2, 4, 3, 4)
    assert np.exp(x).tolist() == grad(lambda v: np.exp(v).sum())(x).tolist()


def test_arrays_of_values_are_differentiated_and_give_values():
    leaves = np.array([Value(2.0, label="a"), Value(3.0)])
    found = grad(lambda v: v[0] * v[1])(leaves)
    assert [v.data for v in found] == [3.0, 2.0]
    assert all(isinstance(v, Value) for v in found)


def test_dicts_have_the_form_of_their_keys():
    point = {"w": [1.0, 2.0], "b": 3.0}
    found = grad(lambda p: p["w"][0] * p["w"][1] * p["b"])(point)
    assert found == {"w": [6.0, 3.0], "b": 2.0}
    assert jacobian(lambda p: {"twice": 2 * p["b"]})(point) == {
        "twice": {"w": [0.0, 0.0], "b": 2.0}
    }
    assert jvp(lambda p: p["w"][0] * p["b"], (point,), ({"b": 1.0, "w": [0.0, 0.0]},)) == (3.0, 1.0)
    with pytest.raises(ValueError, match="the direction must have the form"):
        jvp(lambda p: p["b"], (point,), ({"b": 1.0},))


@pytest.mark.parametrize(
    "thing",
    [
        np.array(["a"]),
        np.array([1j]),
        np.array([None]),
        {"a": "b"},
        {"a": None},
        np.ma.masked_array([1.0, 2.0], [True, False]),
    ],
    ids=repr,
)
def test_an_array_or_dict_of_what_is_no_number_is_refused(thing):
    with pytest.raises(TypeError, match=r"real numbers|numbers and Values|masked"):
        grad(lambda v: 1.0)(thing)


def test_an_array_of_which_nothing_is_masked_is_an_array_like_others():
    def f(v):
        return v[0] * v[1] * v[1]

    point, masked = np.array([2.0, 3.0]), np.ma.array([2.0, 3.0], mask=[False, False])
    for transformed in (grad(f), jacobian(lambda v: [f(v), v[0]])):
        assert np.array_equal(transformed(masked), transformed(point))
    assert jvp(f, (masked,), (masked,)) == jvp(f, (point,), (point,))
    with pytest.raises(TypeError, match="masked"):
        jvp(f, (point,), (np.ma.array([1.0, 1.0], mask=[False, True]),))


def test_an_array_of_lists_is_refused():
    with pytest.raises(TypeError, match="real numbers or Values here, not lists"):
        grad(lambda v: v[0][0])(np.array([[1.0, 2.0], [3.0]], dtype=object))


def test_a_minimiser_that_wants_a_gradient_can_have_it():
    minimize = pytest.importorskip("scipy.optimize").minimize
    found = minimize(rosenbrock, np.array([1.3, 0.7, 0.8]), jac=grad(rosenbrock))
    assert found.success
    assert found.x == pytest.approx([1.0] * 3, abs=1e-4)
