"""The laws of calculus on random graphs: linearity, product, quotient and chain rule; both sweeps
agree.

A graph is drawn as a flat program: each line applies a row to earlier lines, so operands are shared
as often as not.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import NUMBERS, TAME, THREE, programs

from micrograd_plus import Value, ops
from micrograd_plus.engine import adjoints, nodes_below, tangents

EXACT = {"rel": 1e-9, "abs": 1e-9}


def run(program, leaves):
    """Evaluate a program; a tanh after each line keeps its numbers within reach."""
    values = list(leaves)
    for row, indices in program:
        values.append(row(*(values[i] for i in indices)).tanh())
    return values[-1]


def gradients(function, data):
    """The value of a function of leaves, and its gradient in each of them, by one reverse sweep."""
    leaves = [Value(x) for x in data]
    out = function(*leaves)
    out.backward()
    return out.data, [leaf.grad for leaf in leaves]


FUNCTIONS = programs(TAME).map(lambda program: lambda *leaves: run(program, leaves))


@given(FUNCTIONS, FUNCTIONS, THREE, NUMBERS, NUMBERS)
def test_differentiation_is_linear(f, g, data, alpha, beta):
    (_, df), (_, dg) = gradients(f, data), gradients(g, data)
    _, combined = gradients(lambda *v: alpha * f(*v) + beta * g(*v), data)
    assert combined == pytest.approx([alpha * x + beta * y for x, y in zip(df, dg)], **EXACT)


@given(FUNCTIONS, FUNCTIONS, THREE)
def test_product_rule(f, g, data):
    (u, du), (v, dv) = gradients(f, data), gradients(g, data)
    _, product = gradients(lambda *x: f(*x) * g(*x), data)
    assert product == pytest.approx([a * v + u * b for a, b in zip(du, dv)], **EXACT)


@given(FUNCTIONS, FUNCTIONS, THREE)
def test_quotient_rule(f, g, data):
    (u, du), (v, dv) = gradients(f, data), gradients(lambda *x: g(*x) + 2, data)  # at least 1
    _, quotient = gradients(lambda *x: f(*x) / (g(*x) + 2), data)
    assert quotient == pytest.approx([(a * v - u * b) / v**2 for a, b in zip(du, dv)], **EXACT)


@given(FUNCTIONS, FUNCTIONS, THREE)
def test_chain_rule(f, g, data):
    inner, d_inner = gradients(g, data)
    _, (d_outer, *_) = gradients(f, (inner, 0.5, -0.5))
    _, composed = gradients(lambda *x: f(g(*x), Value(0.5), Value(-0.5)), data)
    assert composed == pytest.approx([d_outer * d for d in d_inner], **EXACT)


@given(programs(TAME), THREE, THREE)
def test_forward_and_reverse_sweep_agree(program, data, direction):
    leaves = [Value(x) for x in data]
    out = run(program, leaves)
    order = nodes_below(out)
    upward = tangents(order, dict(zip(leaves, direction))).get(out, 0.0)
    downward = adjoints(order, {out: 1.0})
    assert upward == pytest.approx(
        sum(downward.get(leaf, 0.0) * d for leaf, d in zip(leaves, direction)), **EXACT
    )


def test_a_seed_between_keeps_its_own_tangent():
    x = Value(3.0)
    square = x * x
    found = tangents(nodes_below(square * x), {x: 1.0, square: 10.0})
    assert list(found.values()) == [1.0, 10.0, 10.0 * 3.0 + 9.0]


@given(programs(TAME), THREE)
def test_the_sweeps_visit_operands_before_their_users_and_each_node_once(program, data):
    order = nodes_below(run(program, [Value(x) for x in data]))
    place = {v: i for i, v in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[operand] < place[v] for v in order for operand in v.operands)


@given(programs(TAME), THREE)
def test_a_zero_seed_gives_zero_gradients(program, data):
    leaves = [Value(x) for x in data]
    run(program, leaves).backward(0.0)
    assert [leaf.grad for leaf in leaves] == [0.0, 0.0, 0.0]


@given(programs(TAME), THREE, THREE)
def test_forward_gives_the_bits_of_building_anew(program, data, edited):
    leaves = [Value(x) for x in data]
    out = run(program, leaves)
    for leaf, number in zip(leaves, edited):
        leaf.data = number
    out.forward().backward()
    assert (out.data, [leaf.grad for leaf in leaves]) == gradients(
        lambda *x: run(program, x), edited
    )


@given(st.tuples(*[st.floats(0.1, 10.0)] * 3))
def test_euler_s_theorem_for_homogeneous_functions(data):
    """x · grad f = k f for f of degree k: here a length, of degree 1, and a product of three,
    of degree 3.
    """
    length, d_length = gradients(lambda x, y, z: ops.hypot(ops.hypot(x, y), z), data)
    product, d_product = gradients(lambda x, y, z: x * y * z, data)
    assert sum(x * d for x, d in zip(data, d_length)) == pytest.approx(length, rel=1e-14)
    assert sum(x * d for x, d in zip(data, d_product)) == pytest.approx(3 * product, rel=1e-14)
