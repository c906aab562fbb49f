"""Tapes under array libraries: NumPy always; JAX,
PyTorch and array-api-strict where they are installed.
"""

import math
import random
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from programs import ROUTED, SMOOTH, evaluate, programs
from rows import ROWS

from micrograd_plus import Tape, Value, custom, nn, ops, record
from micrograd_plus.tape.array_api import ArrayTape

MISSING = SimpleNamespace(
    erf=np.vectorize(math.erf, otypes=[float]), erfc=np.vectorize(math.erfc, otypes=[float])
)
DATA = np.random.default_rng(3).normal(size=(50, 3))
MODEL = nn.MLP(2, [5, 1], rng=random.Random(1))
TAPE = record(lambda x, y, t: (MODEL([x, y]).tanh() - t) ** 2, 0.1, 0.2, 1.0, parameters=MODEL)


def in_strict_library():
    strict = import_module("array_api_strict")

    def of(function):
        return lambda x: strict.asarray(function(np.asarray(x)))

    return strict, SimpleNamespace(
        cbrt=of(np.cbrt), exp2=of(np.exp2), erf=of(MISSING.erf), erfc=of(MISSING.erfc)
    )


def in_jax():
    import_module("jax").config.update("jax_enable_x64", True)
    return import_module("jax.numpy"), import_module("jax.scipy.special")


def in_torch():
    torch = import_module("torch")
    return torch, SimpleNamespace(cbrt=lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3))


LIBRARIES = {
    "numpy": lambda: (np, MISSING),
    "jax": in_jax,
    "torch": in_torch,
    "array_api_strict": in_strict_library,
}


@pytest.fixture(params=LIBRARIES)
def library(request):
    pytest.importorskip(request.param)
    return LIBRARIES[request.param]()


def assert_agrees(found, expected, rtol=1e-12, atol=1e-14, err_msg=""):
    found = np.asarray(found)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol, atol, err_msg=err_msg)


def assert_all_agree(found, expected, **tolerance):
    for one, other in zip(found, expected, strict=True):
        assert_agrees(one, other, **tolerance)


def assert_agrees_everywhere(tape, library, rows, parameters=None, **tolerance):
    xp, special = library
    arrays, in_xp = ArrayTape(tape, xp, special), xp.asarray(rows)
    shared = None if parameters is None else xp.asarray(parameters)
    assert_agrees(
        arrays.values(in_xp, shared), tape.values(rows, parameters, "python"), **tolerance
    )
    for of in ("inputs", "parameters"):
        assert_agrees(
            arrays.gradients(in_xp, shared, of),
            tape.gradients(rows, parameters, "python", of=of),
            **tolerance,
        )
    for method in ("sum_and_grad", "mean_and_grad"):
        expected = getattr(tape, method)(rows, parameters, "python")
        assert_all_agree(getattr(arrays, method)(in_xp, shared), expected, **tolerance)


# The rows of the table. ---------------------------------------------------------------------------
def points_of(row):
    """Points within reach inside the domain, and the special ones."""
    rng, arity = random.Random(row.name), row.arity or 3
    spans = [
        (max(low, -3.0), min(high, 3.0))
        for low, high in (row.domain[i % len(row.domain)] for i in range(arity))
    ]
    drawn = [[rng.uniform(*span) for span in spans] for _ in range(20)]
    return drawn + [list(operands) for operands, *_ in row.edges if len(operands) == arity]


def test_every_row_has_the_values_and_slopes_of_a_tape(library):
    for row in ROWS:
        points = np.array(points_of(row))
        tape = record(row, *points[0].tolist(), check=False)
        arrays, in_xp = ArrayTape(tape, *library), library[0].asarray(points)
        assert_agrees(
            arrays.values(in_xp), tape.values(points, executor="python"), err_msg=row.name
        )
        assert_agrees(
            arrays.gradients(in_xp), tape.gradients(points, executor="python"), err_msg=row.name
        )


@given(programs((*SMOOTH, *ROUTED)))
def test_random_programs_under_numpy(program):
    w = Value(0.7)
    tape = record(lambda x, y: evaluate(program, [x, y, w]), 0.3, -0.7, parameters=[w], check=False)
    assert_agrees_everywhere(tape, (np, MISSING), DATA[:20, :2], rtol=1e-9, atol=1e-10)


# Parameters, outputs, numbers. --------------------------------------------------------------------
def test_a_network_with_its_own_parameters_and_with_others(library):
    assert_agrees_everywhere(TAPE, library, DATA)
    assert_agrees_everywhere(TAPE, library, DATA, np.linspace(-1.0, 1.0, TAPE.program.parameters))


def test_outputs_in_lists_constants_and_what_depends_on_parameters_alone(library):
    xp, special = library
    w = Value(2.0)
    tape = record(lambda x, y: [x, -0.0, w * w, math.inf, (x + y, w)], 1.0, 2.0, parameters=[w])
    rows = xp.asarray(DATA[:, :2])
    assert_agrees(ArrayTape(tape, xp, special).values(rows), tape.values(DATA[:, :2]))
    assert_agrees(
        ArrayTape(tape, xp, special).values(rows, xp.asarray([3.0])),
        tape.values(DATA[:, :2], [3.0]),
    )
    assert_agrees_everywhere(record(lambda x: 3.0, 1.0), library, DATA[:, :1])
    assert_agrees_everywhere(Tape.of(w.exp(), [], [w]), library, DATA[:, :0])
    assert math.copysign(1.0, ArrayTape(tape, xp).values(rows)[0, 1]) == -1.0


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_rows(library, count):
    xp, arrays = library[0], ArrayTape(TAPE, *library)
    assert_agrees(arrays.values(xp.asarray(DATA[:count])), TAPE.values(DATA[:count]))
    assert_all_agree(arrays.sum_and_grad(xp.asarray(DATA[:count])), TAPE.sum_and_grad(DATA[:count]))


def test_whole_numbers_are_taken_as_floats_and_float32_stays():
    tape = record(lambda x, y: x / y + 0.5, 1.0, 2.0)
    whole = np.array([[1, 2], [3, 0], [0, 0]])
    assert_agrees(ArrayTape(tape, np).values(whole), tape.values(whole))
    assert ArrayTape(tape, np).values(DATA[:, :2].astype(np.float32)).dtype == np.float32


def test_registers_are_let_go_when_they_have_served():
    held = []

    class Counted(np.ndarray):
        def __array_finalize__(self, parent):
            held.append(1)

        def __del__(self):
            held.append(-1)

    def chain(x):
        for _ in range(200):
            x = ops.sin(x)
        return x

    ArrayTape(record(chain, 1.0), np).values(DATA[:, :1].view(Counted))
    assert max(np.cumsum(held)) < 20


def test_a_method_can_be_compiled_and_differentiated_by_jax():
    jax = pytest.importorskip("jax")
    jnp, special = in_jax()
    arrays = ArrayTape(TAPE, jnp, special)
    assert_all_agree(
        jax.jit(arrays.mean_and_grad)(DATA, np.ones(21)), TAPE.mean_and_grad(DATA, np.ones(21))
    )
    assert_all_agree(jax.jit(arrays.mean_and_grad)(DATA), TAPE.mean_and_grad(DATA))
    by_jax = jax.grad(lambda p: arrays.mean_and_grad(jnp.asarray(DATA), p)[0])(jnp.ones(21))
    assert_agrees(by_jax, TAPE.mean_and_grad(DATA, np.ones(21))[1])


# What is wrong is said. ---------------------------------------------------------------------------
def test_a_function_that_the_library_lacks_is_named():
    arrays = ArrayTape(record(ops.erf, 1.0), np)
    with pytest.raises(NotImplementedError, match="erf is neither in numpy nor in `special`"):
        arrays.values(DATA[:, :1])
    row = custom("cube_of_arrays", lambda x: x * x * x, lambda out, x: (3.0 * x * x,))
    try:
        with pytest.raises(NotImplementedError, match="cube_of_arrays"):
            ArrayTape(record(row, 2.0), np).values(DATA[:, :1])
    finally:
        del ops.TABLE[row.name]


def test_arrays_of_other_shapes():
    arrays = ArrayTape(TAPE, np)
    for rows in (DATA[:, :2], DATA[:, 0], DATA[None]):
        with pytest.raises(ValueError, match=r"shape \(points, 3\), not \("):
            arrays.values(rows)
    for parameters in (np.ones(3), np.ones((1, 21))):
        with pytest.raises(ValueError, match=r"parameters of shape \(21,\), not \("):
            arrays.sum_and_grad(DATA, parameters)
    with pytest.raises(ValueError, match="no mean of no points"):
        arrays.mean_and_grad(DATA[:0])


def test_gradients_that_there_are_not():
    arrays = ArrayTape(record(lambda x: [x, x], 1.0), np)
    for method in (arrays.gradients, arrays.sum_and_grad, arrays.mean_and_grad):
        with pytest.raises(ValueError, match="one number"):
            method(DATA[:, :1])
    with pytest.raises(ValueError, match='"inputs" or the "parameters", not'):
        ArrayTape(TAPE, np).gradients(DATA, of="sums")
