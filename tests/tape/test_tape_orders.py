"""Derivatives recorded on tapes: no routing decision is baked in, at any order, on either side of
any kink.

A tape is recorded at one point and replayed at others, where gates route otherwise; it must give
what the transformation gives there when it is called anew. Random programs compute on small numbers
of few bits, where every sum and product is exact, so that the order of additions changes no bit,
and what is left to compare is the routing itself: who gets a gradient, who gets none, which is not
the same as 0 times something, and where a nan belongs. With other numbers a reverse sweep over a
recorded one may add in another order than elsewhere, for the terms that are not routed take part in
its order.
"""

import math
import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tapes import INPUTS, bits, evaluate, nan, replayed

from micrograd_plus import (
    checkpoint,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    nn,
    ops,
    record,
    value_and_grad,
    vjp,
)
from micrograd_plus.trees import leaves_of

inf = math.inf
EXACT = (
    "add",
    "sub",
    "neg",
    "sum",
    "abs",
    "relu",
    "hard_tanh",
    "maximum",
    "minimum",
    "where",
    "less",
    "less_equal",
    "equal",
    "sign",
    "step",
    "mul",
    "div",
    "dot",
    "leaky_relu",
)
# operands that are inputs, lest digits multiply
BY_A_LEAF = {"mul": (1,), "div": (1,), "dot": (1,), "leaky_relu": (1,)}
FEW_BITS = st.sampled_from((0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, inf, -inf, nan))
POINTS = st.lists(st.tuples(*[FEW_BITS] * INPUTS), min_size=2, max_size=5)
EVERY = range(INPUTS)
TRANSFORMATIONS = {
    "grad": lambda f: grad(f, EVERY),
    "jvp": lambda f: lambda *xs: jvp(f, xs, (1.0, -0.5, 2.0)),
    "hessian": lambda f: hessian(f, EVERY),
    "hvp": lambda f: lambda *xs: hvp(f, xs, (1.0, -0.5, 2.0)),
    "grad of grad": lambda f: grad(grad(f), EVERY),
    "jvp of jvp": lambda f: (
        lambda *xs: jvp(lambda *ys: jvp(f, ys, (1.0, 0.0, 2.0))[1], xs, (0.5, 1.0, -1.0))
    ),
    "grad of jvp": lambda f: grad(lambda *xs: jvp(f, xs, (1.0, 0.0, 2.0))[1], EVERY),
    "jacobian in reverse": lambda f: jacobian(lambda *xs: [f(*xs), grad(f)(*xs)], EVERY),
    "jacobian forward": lambda f: jacobian(
        lambda *xs: [f(*xs), *grad(f, EVERY)(*xs), xs[0] * f(*xs)], EVERY
    ),
    "vjp": lambda f: (
        lambda *xs: vjp(lambda *ys: (f(*ys), f(ys[1], ys[0], ys[2])), *xs)[1]((1.0, -2.0))
    ),
    "third": lambda f: grad(grad(grad(f))),
}


@st.composite
def exact_programs(draw, most=6):
    lines = []
    for size in range(INPUTS, INPUTS + draw(st.integers(1, most))):
        row = ops.primitive(draw(st.sampled_from(EXACT)))
        # a tie of three would be shared by thirds
        arity = row.arity or (3 if row.name in ("dot", "sum") else 2)
        lines.append(
            (
                row,
                [
                    draw(
                        st.integers(
                            0, INPUTS - 1 if place in BY_A_LEAF.get(row.name, ()) else size - 1
                        )
                    )
                    for place in range(arity)
                ],
            )
        )
    return lines


def assert_routed_alike(name, program, points):
    transformed = TRANSFORMATIONS[name](lambda *xs: evaluate(program, xs))
    tape = record(transformed, *points[0], check=False)
    for point in points:
        assert bits(leaves_of(tape(*point, executor="python"))) == bits(
            leaves_of(transformed(*point))
        ), point


@pytest.mark.parametrize("name", TRANSFORMATIONS)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(exact_programs(), POINTS)
@example([(ops.maximum, [0, 0]), (ops.mul, [3, 0])], [(1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)])
# 0 times inf on one side only
@example([(ops.div, [1, 0]), (ops.where, [2, 3, 1])], [(0.0, 1.0, 1.0), (0.0, 1.0, 0.0)])
def test_a_transformation_on_a_tape_routes_like_one_that_is_called(name, program, points):
    assert_routed_alike(name, program, points)


@pytest.mark.slow
def test_ten_thousand_transformed_programs():
    counted = dict.fromkeys(TRANSFORMATIONS, 0)

    @settings(max_examples=10_000, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(sorted(TRANSFORMATIONS)), exact_programs(most=8), POINTS)
    def routes_alike(name, program, points):
        assert_routed_alike(name, program, points)
        counted[name] += len(points)

    routes_alike()
    print(f"\nat {sum(counted.values())} points, transformed on tapes as elsewhere: {counted}")
    assert sum(counted.values()) > 10_000


# Known kinks. -------------------------------------------------------------------------------------
KINKED = {
    "log where it is defined": (lambda x: ops.where(x > 0, ops.log(x), 0), 0.0),
    "square root of relu": (lambda x: ops.sqrt(ops.relu(x)), 0.0),
    "power of relu": (lambda x: ops.relu(x) ** 1.5, 0.0),
    "relu of relu": (lambda x: ops.relu(x - ops.relu(1 - x)), 0.5),
    "abs": (lambda x: abs(x) * x, 0.0),
    "Huber": (lambda x: ops.where(abs(x) < 1, x * x / 2, abs(x) - 0.5), 1.0),
    "hard tanh": (lambda x: ops.hard_tanh(x) * x, -1.0),
    "leaky": (lambda x: ops.leaky_relu(x * x - 1), 1.0),
    "clipped log": (lambda x: ops.log(ops.maximum(x, 0.25)) * x, 0.25),
    "smallest of three": (lambda x: ops.minimum(x, 2 - x, x * x), 1.0),
    "tie with itself": (lambda x: ops.maximum(x, x) * x, 0.0),
    "infinite slope not taken": (lambda x: ops.where(x <= 1, x, ops.sqrt(x - 1)), 1.0),
    "equal": (lambda x: ops.where(ops.equal(x, 2.0), x * x, 1 / (x - 2)), 2.0),
    "logsumexp": (lambda x: ops.logsumexp(x, 0.0, -x), inf),
    "two gates deep": (
        lambda x: ops.where(x > 0, ops.where(x < 1, ops.log(x) * ops.log(1 - x), x), 0),
        1.0,
    ),
    "in a checkpoint": (checkpoint(lambda x: ops.where(x > 0, ops.log(x), 0) * x), 0.0),
}
OF_ONE = {
    "grad": grad,
    "grad of grad": lambda f: grad(grad(f)),
    "third": lambda f: grad(grad(grad(f))),
    "jvp": lambda f: lambda x: jvp(f, (x,), (-0.5,)),
    "hvp": lambda f: lambda x: hvp(f, (x,), (3.0,)),
    "hessian": lambda f: hessian(f, (0,)),
    "jvp of jvp": lambda f: lambda x: jvp(grad(f), (x,), (1.0,)),
}


def around(kink):
    near = [math.nextafter(kink, way) for way in (inf, -inf)]
    return [kink, *near, 1.0, -1.0, 0.5, -0.5, 0.0, -0.0, 2.0, -2.0, 3.7, -1e300, inf, -inf, nan]


@pytest.mark.parametrize("order", OF_ONE)
@pytest.mark.parametrize("name", KINKED)
def test_derivatives_beside_a_kink_have_the_bits_of_calling_anew_wherever_they_were_recorded(
    name, order
):
    f, kink = KINKED[name]
    transformed = OF_ONE[order](f)
    for recorded_at in (kink, 1.0, -1.0, nan):
        tape = record(transformed, recorded_at, check=False)
        for x in around(kink):
            assert bits(leaves_of(tape(x, executor="python"))) == bits(leaves_of(transformed(x))), (
                recorded_at,
                x,
            )


@pytest.mark.parametrize("name", KINKED)
def test_the_machine_routes_each_lane_by_itself(name):
    f, kink = KINKED[name]
    tape = record(lambda x: [value_and_grad(f)(x), grad(grad(f))(x)], 1.0, check=False)
    rows = [[x] for x in around(kink)] * 2
    assert len(rows) > 16
    expected = [leaves_of([value_and_grad(f)(x), grad(grad(f))(x)]) for (x,) in rows]
    assert [bits(row) for row in tape.values(rows, executor="machine")] == [
        bits(row) for row in expected
    ]


def test_a_branch_that_was_not_taken_where_the_tape_was_recorded_is_taken_elsewhere():
    f = lambda x: ops.where(x > 0, ops.log(x), 0)  # noqa: E731  # as users write it
    for tape in (record(grad(f), 1.0), record(grad(f), -1.0)):
        assert [tape(x) for x in (0.0, -0.0, -1.0, 2.0)] == [0.0, 0.0, 0.0, 0.5]
    assert replayed(record(f, 1.0), [0.0]) == [0.0, 0.0]
    assert bits(replayed(record(f, 1.0), [nan])) == bits([0.0, 0.0])
    assert record(hessian(lambda x, y: ops.maximum(x * x, y * y), (0, 1)), 2.0, 1.0)(1.0, 3.0) == (
        (0.0, 0.0),
        (0.0, 2.0),
    )
    relu = record(lambda x: hvp(lambda y: ops.relu(y) ** 3, (x,), (1.0,)), -1.0)
    assert [relu(x) for x in (-2.0, 0.0, 2.0)] == [(0.0,), (0.0,), (12.0,)]


def test_a_model_s_second_order_on_a_tape_is_that_of_its_transformation():
    rng = random.Random(0)
    model = nn.MLP(2, [4, 4, 1], activation="relu", rng=rng)

    def loss(x, y):
        return ops.maximum(model([x, y]), -0.1) ** 2

    for name, transformed in (
        ("hessian", hessian(loss, (0, 1))),
        ("hvp", lambda x, y: hvp(loss, (x, y), (1.0, -2.0))),
    ):
        tape = record(transformed, 0.5, -0.5, parameters=model)
        for _ in range(50):
            x, y = rng.uniform(-3, 3), rng.uniform(-3, 3)
            for p in model.parameters()[:3]:
                p.data = rng.uniform(-1, 1)
            got, expected = leaves_of(tape(x, y)), leaves_of(transformed(x, y))
            assert got == (
                pytest.approx(expected, rel=1e-12, abs=1e-12) if name == "hessian" else expected
            )
