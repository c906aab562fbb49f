"""Derivatives of derivatives: no perturbation is taken for another, and every order and mix of
modes tells the truth.

The nested examples are those of Siskind & Pearlmutter (2005, "Perturbation confusion and
referential transparency") and of Manzyuk et al. (2019, "Perturbation confusion in forward automatic
differentiation of higher-order functions").
"""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders import COMPOSITIONS, SWEEPS
from programs import ROUTED, SMOOTH, THREE, evaluate, programs

from micrograd_plus import Value, ops
from micrograd_plus.autodiff import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

EACH_PAIR = pytest.mark.parametrize(("outer", "inner"), COMPOSITIONS)


def derivative(f, sweep, i=0):
    return SWEEPS[sweep](f, i)


# Perturbation confusion. --------------------------------------------------------------------------
@EACH_PAIR
def test_siskind_and_pearlmutter(outer, inner):
    """d/dx x * (d/dy x + y) at 1 is 1; a system that confuses the two perturbations says 2."""
    assert derivative(lambda x: x * derivative(lambda y: x + y, inner)(1.0), outer)(1.0) == 1.0
    assert derivative(lambda x: x * derivative(lambda y: x * y, inner)(2.0), outer)(3.0) == 6.0
    assert (
        derivative(lambda x: x * derivative(lambda y: x * y * y, inner)(x), outer)(3.0)
        == 6 * 3.0**2
    )


@EACH_PAIR
def test_the_same_variable_at_both_levels(outer, inner):
    """d/dx x * f'(x) with f = x³, and with f closing over the outer x beside its own."""
    assert (
        derivative(lambda x: x * derivative(lambda x: x * x * x, inner)(x), outer)(2.0) == 9 * 4.0
    )
    assert (
        derivative(lambda x: derivative(lambda y: x * y * y * x, inner)(x), outer)(2.0) == 6 * 4.0
    )
    assert (
        derivative(lambda x: derivative(lambda y: x * y * y * x, inner)(5.0), outer)(2.0)
        == 4 * 2.0 * 5.0
    )


@EACH_PAIR
@pytest.mark.parametrize("third", SWEEPS)
def test_three_levels_deep(outer, inner, third):
    """d/dx x · d/dy y · d/dz xyz = d/dx x · d/dy xy² = d/dx 2x²y."""

    def f(x, y):
        return y * derivative(lambda z: x * y * z, third)(y)

    assert (
        derivative(lambda x: x * derivative(lambda y: f(x, y), inner)(5.0), outer)(3.0)
        == 4 * 3.0 * 5.0
    )


def test_the_amazing_bug_of_manzyuk_et_al():
    """s(u)(f)(x) = f(x + u); D s at 0 is a function to functions, which may be applied to itself:
    h''(y), not 0.

    A directional derivative of a function to functions is pushed inside: (D s 0) g = d/du g(· + u)
    at 0.
    """

    def shifted_derivative(g):
        return lambda x: jvp(lambda u: g(x + u), (0.0,), (1.0,))[1]

    for h, second in (
        (ops.exp, math.exp(0.7)),
        (ops.sin, -math.sin(0.7)),
        (lambda x: x**3, 6 * 0.7),
    ):
        assert shifted_derivative(shifted_derivative(h))(0.7) == pytest.approx(second, rel=1e-15)
        assert (
            grad(shifted_derivative(h))(0.7)
            == shifted_derivative(grad(h))(0.7)
            == pytest.approx(second, rel=1e-15)
        )


def test_functions_that_escape_from_a_transformation_keep_what_they_closed_over():
    kept = []

    def f(x):
        kept.append(lambda y: x * y)
        return x * x

    assert grad(f)(3.0) == 6.0
    assert grad(lambda y: y * kept[0](y))(2.0) == 2 * 3.0 * 2.0
    pulls = []
    grad(lambda x: pulls.append(vjp(lambda y: y * y * x, 5.0)[1]) or x)(3.0)
    assert pulls[0](1.0)[0].data == 30.0


def test_a_minimiser_inside_an_objective():
    """Newton's steps inside a function: d/da of argmin_x (x - a²)² is 2a."""

    def argmin(a):
        x = 0.0
        for _ in range(2):
            x = x - grad(lambda x: (x - a * a) ** 2)(x) / hessian(lambda x: (x - a * a) ** 2)(x)
        return x

    assert grad(argmin)(3.0) == jvp(argmin, (3.0,), (1.0,))[1] == 6.0


# Higher orders. -----------------------------------------------------------------------------------
@pytest.mark.parametrize("sweeps", list(itertools.product(SWEEPS, repeat=3)))
def test_the_third_derivative_of_tanh(sweeps):
    f = ops.tanh
    for sweep in sweeps:
        f = derivative(f, sweep)
    assert f(0.0) == -2.0
    for x in (0.3, -1.7, 20.0):
        t, s = math.tanh(x), ops.sech2(x)
        assert f(x) == pytest.approx(s * (4 * t * t - 2 * s), rel=1e-14)


def test_fourth_and_fifth_derivatives():
    assert grad(grad(grad(grad(ops.sin))))(0.5) == math.sin(0.5)
    assert grad(grad(grad(grad(grad(lambda x: x**5)))))(2.0) == 120.0
    assert jvp(grad(lambda x: jvp(grad(ops.exp), (x,), (1.0,))[1]), (0.5,), (1.0,))[1] == math.exp(
        0.5
    )
    t = math.tanh(0.3)
    assert grad(grad(grad(grad(ops.tanh))))(0.3) == pytest.approx(
        8 * t * (1 - t * t) * (2 - 3 * t * t), rel=1e-13
    )


@EACH_PAIR
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("x", [2.0, 0.5, 1.0])
def test_mixed_partials_of_a_power_at_small_whole_exponents(outer, inner, exponent, x):
    """x**(y-1) * (1 + y log x) in either order."""
    true = x ** (exponent - 1) * (1 + exponent * math.log(x))
    for i, j in ((0, 1), (1, 0)):
        assert derivative(derivative(ops.pow, inner, i), outer, j)(x, exponent) == pytest.approx(
            true, rel=1e-15
        )
    curvature = exponent * (exponent - 1) * x ** (exponent - 2)
    assert derivative(derivative(ops.pow, inner, 0), outer, 0)(x, exponent) == curvature


@EACH_PAIR
def test_constant_whole_exponents_at_zero(outer, inner):
    """In a sweep the condition on the exponent is a number,
    so its `where` is settled while it is recorded.
    """
    for exponent, curvature in ((0, 0.0), (1, 0.0), (2, 2.0), (3, 0.0)):
        assert derivative(derivative(lambda x, n=exponent: x**n, inner), outer)(0.0) == curvature


@EACH_PAIR
def test_routers_have_no_curvature_at_their_edges(outer, inner):
    for f in (
        ops.relu,
        ops.abs,
        ops.leaky_relu,
        lambda x: ops.maximum(x, 0.0),
        lambda x: ops.minimum(x, 0.0),
        lambda x: ops.hard_tanh(x + 1.0),
    ):
        assert derivative(derivative(f, inner), outer)(0.0) == 0.0
    # half of 2, half of 0
    assert derivative(derivative(lambda x: ops.maximum(x * x, x), inner), outer)(1.0) == 1.0
    assert derivative(derivative(lambda x: ops.maximum(x * x, 3.0), inner), outer)(2.0) == 2.0


@EACH_PAIR
def test_a_branch_not_taken_contributes_nothing_to_any_order(outer, inner):
    for f in (
        lambda x: ops.where(x > 0, ops.log(x), 0.0),
        lambda x: ops.where(x <= 0, 0.0, x**-0.5),
        lambda x: ops.maximum(ops.log(x), 1.0),
        lambda x: ops.relu(ops.log(x)),
    ):
        assert derivative(derivative(f, inner), outer)(0.0) == 0.0
        assert derivative(derivative(lambda x, f=f: f(x) + x**3, inner), outer)(0.0) == 0.0
    assert (
        derivative(derivative(lambda x: ops.where(x > 0, ops.log(x), 0.0), inner), outer)(2.0)
        == -0.25
    )


@EACH_PAIR
def test_python_branches_inside_transformations(outer, inner):
    def f(x):
        return x**3 if x > 1.0 else -(x**2)

    assert [derivative(derivative(f, inner), outer)(x) for x in (2.0, 1.0)] == [12.0, -2.0]


# Laws of the transformations. ---------------------------------------------------------------------
EXACT = {"rel": 1e-9, "abs": 1e-9}
FUNCTIONS = programs(SMOOTH + ROUTED).map(lambda program: lambda *xs: evaluate(program, xs))


@given(
    FUNCTIONS,
    FUNCTIONS,
    THREE,
    st.floats(-2.0, 2.0),
    st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3),
)
def test_a_product_forward_and_a_product_in_reverse_are_adjoint(f, g, data, weight, direction):
    """⟨u, Jv⟩ = ⟨Jᵀu, v⟩."""

    def both(*xs):
        return [f(*xs), g(*xs)]

    u = [1.0, weight]
    _, pushed = jvp(both, data, direction)
    pulled = vjp(both, *data)[1](u)
    assert sum(a * b for a, b in zip(u, pushed)) == pytest.approx(
        sum(a * b for a, b in zip(pulled, direction)), **EXACT
    )


@given(FUNCTIONS, THREE)
def test_all_four_hessians_are_one_and_symmetric(f, data):
    entries = {}
    for i, j in itertools.product(range(3), repeat=2):
        four = [SWEEPS[a](SWEEPS[b](f, i), j)(*data) for a, b in COMPOSITIONS]
        assert four == pytest.approx([four[0]] * 4, **EXACT)
        entries[i, j] = four[0]
    for (i, j), entry in entries.items():
        assert entry == pytest.approx(entries[j, i], **EXACT)


@given(FUNCTIONS, THREE, THREE)
def test_the_product_with_the_hessian_is_the_hessian_times_the_vector(f, data, direction):
    matrix = hessian(f, range(3))(*data)
    product = [sum(h * d for h, d in zip(row, direction)) for row in matrix]
    assert list(hvp(f, data, direction)) == pytest.approx(product, **EXACT)


@given(FUNCTIONS, FUNCTIONS, THREE)
def test_a_jacobian_swept_forward_is_one_swept_in_reverse(f, g, data):
    tall = jacobian(lambda *xs: [f(*xs), g(*xs), f(*xs), xs[0]], (0, 1, 2))(*data)
    wide = [grad(h, (0, 1, 2))(*data) for h in (f, g)]
    for row, other in zip(tall, wide):
        assert row == pytest.approx(other, **EXACT)


@given(FUNCTIONS, THREE)
def test_nothing_in_gives_exactly_nothing_out(f, data):
    assert jvp(f, data, (0.0, 0.0, 0.0))[1] == 0.0
    assert vjp(f, *data)[1](0.0) == (0.0, 0.0, 0.0)
    assert hvp(f, data, (0.0, 0.0, 0.0)) == (0.0, 0.0, 0.0)


@given(FUNCTIONS, THREE)
def test_values_and_backward_agree_with_the_transformations(f, data):
    leaves = [Value(x) for x in data]
    out = f(*leaves)
    out.backward()
    assert value_and_grad(f, range(3))(*data) == (out.data, tuple(leaf.grad for leaf in leaves))


@given(st.tuples(*[st.floats(0.25, 4.0)] * 3), st.sampled_from([-2, -1, 1, 2, 3]))
def test_euler_s_theorem_to_the_second_order(data, degree):
    """For f of degree k: x · grad f = k f, and H x = (k - 1) grad f."""

    def f(x, y, z):
        return ops.hypot(x, y) ** degree * ops.atan2(y, z) + (x * y / z) ** degree

    value, gradient = value_and_grad(f, range(3))(*data)
    scale = sum(abs(x * d) for x, d in zip(data, gradient)) + abs(value)
    assert sum(x * d for x, d in zip(data, gradient)) == pytest.approx(
        degree * value, rel=0, abs=1e-13 * scale
    )
    for got, slope in zip(hvp(f, data, data), gradient):
        assert got == pytest.approx((degree - 1) * slope, rel=1e-9, abs=1e-12 * scale)
