"""A tape as C: text that strict compilers take, with the tape's bits, and harmless names."""

import random
import re

import numpy as np
import pytest
from c_programs import InC, compiled, needs_cc
from tapes import INJECTED, any_number, any_point, any_program, evaluate, same_bits

from micrograd_plus import Tape, Value, custom, ops, record
from micrograd_plus.nn import MLP

PYTHON = {"executor": "python"}


def drawn(seed, most=12):
    """A tape of any rows, and points for it and its parameters, inf and nan among them."""
    rng = random.Random(seed)
    leaves = [Value(x) for x in any_point(rng)]
    out = evaluate(any_program(rng, most), leaves)
    shared = rng.randint(0, 2)
    tape = Tape.of(out, leaves[shared:], leaves[:shared])
    points = [[any_number(rng) for _ in leaves[shared:]] for _ in range(rng.choice((1, 5, 19)))]
    return tape, np.array(points), np.array([v.data for v in leaves[:shared]])


def assert_same(tape, in_c, points, shared):
    """Values, gradients and sums have the bits of the reference."""
    expected = tape.values(points, shared, **PYTHON).reshape(len(points), -1)
    assert same_bits(in_c.values(points, shared), expected).all()
    if tape.gradient:
        parts = [tape.gradients(points, shared, of=of, **PYTHON) for of in ("inputs", "parameters")]
        whole = np.hstack([expected, *parts])
        assert same_bits(in_c.gradients(points, shared), whole).all()
        total, gradient = tape.sum_and_grad(points, shared, **PYTHON)
        assert same_bits(in_c.sums(points, shared), [total, *gradient]).all()


@needs_cc
@pytest.mark.parametrize("flags", [("-O0",), ("-O2",)], ids=" ".join)
def test_random_tapes_of_any_rows_have_the_same_bits_in_c(tmp_path, flags):
    made = [drawn(seed) for seed in range(40)]
    codes = [tape.to_c(f"tape_{i}") for i, (tape, *_) in enumerate(made)]
    library = compiled(tmp_path, codes, flags)
    for (tape, points, shared), code in zip(made, codes):
        assert_same(tape, InC(library, code, tape), points, shared)


def network(sizes):
    model = MLP(sizes[0], sizes[1:], rng=random.Random(0))
    form = [[0.0] * sizes[0], 1.0]
    return record(lambda x, t: ops.relu(1 - t * model(x)), *form, parameters=model)


@needs_cc
@pytest.mark.parametrize("points", [0, 1, 15, 16, 100, 1024, 2_100])
def test_points_are_summed_in_the_stated_order(tmp_path, points):
    tape, rng = network([2, 3, 1]), np.random.default_rng(points)
    code = tape.to_c("net")
    in_c = InC(compiled(tmp_path, [code]), code, tape)
    given = rng.normal(size=(points, 3)) * 10.0 ** rng.integers(-9, 9, size=(points, 1))
    shared = tape._shared(None)
    total, gradient = tape.sum_and_grad(given, shared, **PYTHON)
    assert same_bits(in_c.sums(given, shared), [total, *gradient]).all()


@needs_cc
def test_a_network_is_loops_and_has_the_same_bits(tmp_path):
    small, large = network([2, 16, 16, 1]), network([64, 32, 1])
    codes = [small.to_c("moons"), large.to_c("digits")]
    assert len(codes[1].source) < 1.5 * len(codes[0].source) < 20_000
    library, rng = compiled(tmp_path, codes, ("-O2",)), np.random.default_rng(0)
    for tape, code in zip((small, large), codes):
        points = rng.normal(size=(20, tape.program.inputs))
        assert_same(tape, InC(library, code, tape), points, tape._shared(None))


@needs_cc
def test_a_long_program_without_repetition_is_split_into_functions(tmp_path):
    rng = random.Random(1)

    def walk(x, y):
        for _ in range(700):
            x, y = y, rng.choice((ops.sin, ops.tanh, ops.atan))(x * rng.uniform(-2, 2)) - y / 3
        return x, [y]

    tape = record(walk, 0.3, 0.4, check=False)
    code = tape.to_c("walk")
    assert "walk_point_2(" in code.source
    in_c = InC(compiled(tmp_path, [code]), code, tape)
    assert_same(tape, in_c, np.array([[0.3, 0.4], [np.nan, 1.0]]), [])


@needs_cc
def test_a_compiler_does_not_put_one_function_in_place_of_another(tmp_path):
    def f(x, y):
        return x**-1.0 + ops.pow(2.0, y) + ops.pow(x, ops.where(ops.less(y, 9e9), 2.0, y))

    tape, points = record(f, 0.3, 0.4), np.random.default_rng(0).normal(size=(1_000, 2))
    code = tape.to_c("powers")
    in_c = InC(compiled(tmp_path, [code], ("-O3",)), code, tape)
    assert_same(tape, in_c, points, [])


@needs_cc
def test_forms_without_inputs_parameters_or_operations(tmp_path):
    tapes = [
        record(lambda x: x, 1.0),
        record(lambda x: [x, 2.0, float("inf"), float("-inf"), float("nan"), -0.0], 1.0),
        record(lambda: 3.0),
        Tape.of(Value(2.0) * 3.0, []),
    ]
    codes = [tape.to_c(f"form{i}") for i, tape in enumerate(tapes)]
    library = compiled(tmp_path, codes)
    for tape, code in zip(tapes, codes):
        points = np.array([[2.5]])[:, : tape.program.inputs]
        assert_same(tape, InC(library, code, tape), points, [])


@needs_cc
def test_labels_are_no_code_in_c(tmp_path):
    names = [*INJECTED, "*/", "/*", "??/", "\\", "x */ int y;", "a\n#include <x>"]
    leaves = [Value(float(i), label=name) for i, name in enumerate(names)]
    tape = Tape.of(ops.sum(leaves), leaves)
    code = tape.to_c("labels")
    assert re.fullmatch(r"[\w\s.,?`*+=(){}\[\]<>#;:&\"!/|-]*", code.header, re.ASCII)
    in_c = InC(compiled(tmp_path, [code]), code, tape)
    assert_same(tape, in_c, np.array([[1.0] * len(names)]), [])


NO_NAMES = ["", "2x", "_x", "a b", "x;", "é", "int", "class", "exp", "expf", "y1", "main", "Math"]


LINKED = ["memset", "memcpy", "printf", "malloc", "exit", "abs"]


@pytest.mark.parametrize("name", [*NO_NAMES, *LINKED, "x" * 41, "a\n", None, "size_t", "NULL"])
def test_a_name_that_no_function_can_have_is_refused(name):
    with pytest.raises(ValueError, match="a function of C is called by"):
        record(lambda x: x * x, 1.0).to_c(name)


@needs_cc
def test_any_other_name_will_do(tmp_path):
    tape = record(ops.exp, 1.0)
    codes = [tape.to_c(name) for name in ("x", "k", "c_exp", "order", "Net2", "sums")]
    library = compiled(tmp_path, codes)
    for code in codes:
        assert_same(tape, InC(library, code, tape), np.array([[0.5]]), [])


def test_a_custom_row_is_refused_with_its_name():
    cubed = custom("cubed_in_c", lambda x: x**3, lambda out, x: 3 * x * x)
    tape = record(lambda x: cubed(x) + 1, 2.0)
    with pytest.raises(ValueError, match=r"custom row\(s\) cubed_in_c: write what they do in func"):
        tape.to_c()
