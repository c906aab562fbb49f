"""The transformations, one by one: what they take, what form they give, what they refuse,
what they leave alone.
"""

import dataclasses
import threading
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pytest

from micrograd_plus import Value, detect_anomaly, modes, no_grad, ops
from micrograd_plus.autodiff import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from micrograd_plus.engine import nodes_below


def cubic(x, y):
    return x * x * x * y + 2.0 * y


# Arguments and forms. -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 36.0),
        (1, 10.0),
        (-1, 10.0),
        (-2, 36.0),
        ((0,), (36.0,)),
        ((0, 1), (36.0, 10.0)),
        ([1, 0], (10.0, 36.0)),
        (range(2), (36.0, 10.0)),
        ((), ()),
        ((-1, 0), (10.0, 36.0)),
    ],
)
def test_argnums_choose_the_arguments_in_their_order(argnums, expected):
    assert grad(cubic, argnums)(2.0, 3.0) == expected
    assert value_and_grad(cubic, argnums)(2.0, 3.0) == (30.0, expected)


def test_an_argument_named_twice_has_its_gradient_twice_or_is_refused():
    with suppress(ValueError):
        assert grad(cubic, (0, 0))(2.0, 3.0) == (36.0, 36.0)


@pytest.mark.parametrize("argnums", [2, -3, (0, 2)])
@pytest.mark.parametrize("transformation", [grad, value_and_grad, jacobian, hessian])
def test_argnums_beyond_the_arguments_are_refused(transformation, argnums):
    with pytest.raises(ValueError, match=r"argnums says argument (2|-3), but there are only 2"):
        transformation(cubic, argnums)(1.0, 1.0)


def test_a_gradient_has_the_form_of_its_argument():
    def f(tree, scale):
        a, (b, [c]), () = tree
        return scale * (a * b + c * c)

    assert grad(f)([2.0, (3.0, [5.0]), ()], 10) == [30.0, (20.0, [100.0]), ()]
    assert grad(f, (1, 0))((2.0, (3.0, [5.0]), ()), 10) == (31.0, (30.0, (20.0, [100.0]), ()))


class Point(NamedTuple):
    x: float
    y: float


def test_a_named_tuple_stays_one():
    assert grad(lambda p: p.x * p.x * p.y)(Point(2.0, 3.0)) == Point(12.0, 4.0)
    assert isinstance(grad(lambda p: p.x * p.y)(Point(2.0, 3.0)), Point)


def test_a_function_keeps_its_arguments_that_are_not_differentiated():
    def f(x, name, options, power=2):
        assert name == "relu"
        return getattr(x, name)() ** power * options["scale"]

    assert grad(f)(3.0, "relu", {"scale": 0.5}) == 3.0


def test_a_transformed_function_bears_the_name_of_the_original():
    assert [t(cubic).__name__ for t in (grad, value_and_grad, jacobian, hessian)] == ["cubic"] * 4


def test_vjp_and_jvp_of_trees():
    def f(pair, z):
        x, y = pair
        return x * y, [y * z, z]

    out, pull = vjp(f, [2.0, 3.0], 5.0)
    assert out == (6.0, [15.0, 5.0])
    assert pull((1.0, [0.0, 0.0])) == ([3.0, 2.0], 0.0)
    assert pull((1.0, [10.0, 100.0])) == ([3.0, 52.0], 130.0)  # it may be called again
    assert jvp(f, ([2.0, 3.0], 5.0), ([1.0, 10.0], 100.0)) == (out, (23.0, [350.0, 100.0]))


def test_an_output_that_is_an_input_or_a_constant_or_comes_twice():
    assert vjp(lambda x: (x, x, 7.0), 2.0)[1]((1.0, 10.0, 100.0)) == (11.0,)
    assert jvp(lambda x: (x, x, 7.0), (2.0,), (3.0,)) == ((2.0, 2.0, 7.0), (3.0, 3.0, 0.0))
    assert jacobian(lambda x: [x, 7.0])(2.0) == [1.0, 0.0]
    assert value_and_grad(lambda x: 7)(2.0) == (7, 0.0)


@pytest.mark.parametrize(("height", "width"), [(2, 3), (3, 2), (1, 1)])
def test_a_jacobian_has_the_form_of_the_output_and_in_it_of_the_argument(height, width):
    def f(xs):
        return [ops.sum([(i + 1) * x ** (j + 1) for j, x in enumerate(xs)]) for i in range(height)]

    xs = [2.0, 3.0, 5.0][:width]
    assert jacobian(f)(xs) == [
        [(i + 1) * (j + 1) * x**j for j, x in enumerate(xs)] for i in range(height)
    ]
    assert jacobian(lambda x, y: (x * y, {0: x}[0]), (0, 1))(2.0, 3.0) == ((3.0, 2.0), (1.0, 0.0))


def test_a_hessian_has_the_form_of_the_argument_twice():
    assert hessian(lambda t: t[0] ** 2 * t[1][0])([3.0, (5.0,)]) == [
        [10.0, (6.0,)],
        ([6.0, (0.0,)],),
    ]
    assert hessian(cubic, (0, 1))(2.0, 3.0) == ((36.0, 12.0), (12.0, 0.0))


def test_a_product_with_the_hessian_is_a_tuple_like_the_arguments():
    assert hvp(cubic, (2.0, 3.0), (1.0, 10.0)) == (36.0 + 120.0, 12.0)
    assert hvp(lambda t: t[0] * t[1] * t[1], ([2.0, 3.0],), ([0.0, 1.0],)) == ([6.0, 4.0],)


def test_a_jacobian_swept_forward_keeps_infinite_slopes_apart():
    assert jacobian(lambda x, y: [x + ops.sqrt(y)], (0, 1))(1.0, 0.0) == [(1.0, float("inf"))]
    assert jacobian(lambda x, y: [x + ops.sqrt(y), x, y], (0, 1))(1.0, 0.0)[0] == (
        1.0,
        float("inf"),
    )


def test_a_jacobian_of_no_arguments_has_empty_rows():
    assert jacobian(lambda xs: [1.0, 2.0])([]) == [[], []]


# Refusals. ----------------------------------------------------------------------------------------
def test_a_gradient_needs_one_number():
    for out in ([1.0], (), (1.0, 2.0)):
        with pytest.raises(
            TypeError,
            match=f"grad needs a function that gives one number, not a {type(out).__name__}",
        ):
            grad(lambda x, out=out: out)(1.0)


@pytest.mark.parametrize("thing", [1j, "1", None, {1.0}], ids=repr)
def test_what_is_no_number_is_refused_as_argument_and_as_result(thing):
    for call in (
        lambda: grad(cubic)(thing, 1.0),
        lambda: grad(lambda x: thing)(1.0),
        lambda: jvp(lambda x: x, (1.0,), (thing,)),
        lambda: vjp(lambda x: [x, thing], 1.0),
    ):
        with pytest.raises(
            TypeError,
            match=f"a transformation works on numbers and Values, not on {type(thing).__name__}",
        ):
            call()


def test_a_direction_or_cotangent_of_another_form_is_refused():
    with pytest.raises(ValueError, match="the direction must have the form"):
        jvp(cubic, (1.0, 1.0), (1.0,))
    with pytest.raises(ValueError, match="the cotangent must have the form"):
        vjp(cubic, 1.0, 1.0)[1]([1.0])
    with pytest.raises(ValueError, match="the direction must have the form"):
        hvp(cubic, (1.0, 1.0), ((1.0, 1.0),))


@pytest.mark.parametrize(
    "one", [1.0, 2, Value(1.0), None, {"x": 1.0}], ids=lambda one: type(one).__name__
)
def test_arguments_and_directions_that_stand_in_no_tuple_are_sent_into_one(one):
    for transform in (jvp, hvp):
        for args, directions in ((one, one), ((1.0,), one), (one, (1.0,))):
            with pytest.raises(
                TypeError, match=rf"as in {transform.__name__}\(f, \(x,\), \(dx,\)\)"
            ):
                transform(lambda x: x * x, args, directions)
    assert jvp(ops.mul, np.array([2.0, 3.0]), np.array([1.0, 0.0])) == (6.0, 3.0)


# Values as arguments, and Values elsewhere. -------------------------------------------------------
def test_floats_give_floats():
    assert type(grad(cubic)(2, True)) is float
    out, pull = vjp(lambda x: [x * x, 3], 2.0)
    assert [type(number) for number in (out[0], *pull([1.0, 1.0]))] == [float, float]
    assert type(jvp(ops.sin, (1.0,), (1.0,))[1]) is float


def test_values_as_arguments_give_a_gradient_with_a_graph_of_its_own():
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    out, (dx, dy) = value_and_grad(cubic, (0, 1))(x, y)
    assert (out.data, dx.data, dy.data) == (30.0, 36.0, 10.0)
    assert {x, y} <= set(nodes_below(dx))
    dx.backward()
    assert (x.grad, y.grad) == (36.0, 12.0)  # d²f/dx², d²f/dxdy
    out.backward()
    assert (x.grad, y.grad) == (72.0, 22.0)


def test_the_gradient_of_a_value_follows_an_edit_of_the_value():
    x = Value(2.0)
    slope = grad(lambda x: x**4)(x)
    x.data = 3.0
    assert slope.forward().data == 108.0


def test_a_value_as_cotangent_or_direction_is_recorded():
    seed, direction = Value(5.0), Value(7.0)
    (pulled,) = vjp(lambda x: x * x, 3.0)[1](seed)
    _, pushed = jvp(lambda x: x * x, (3.0,), (direction,))
    pulled.backward()
    pushed.backward()
    assert (pulled.data, seed.grad, pushed.data, direction.grad) == (30.0, 6.0, 42.0, 6.0)


def test_a_value_as_argument_gives_a_value_even_when_the_gradient_is_constant():
    assert isinstance(grad(lambda x: 3.0 * x)(Value(2.0)), Value)
    assert isinstance(grad(lambda x, y: y * y)(Value(2.0), Value(1.0)), Value)


def test_a_value_among_the_other_arguments_makes_the_gradient_depend_on_it():
    y = Value(3.0)
    grad(lambda x, y: x * y * y)(2.0, y).backward()
    assert y.grad == 6.0


def test_parameters_that_the_function_refers_to_are_constants_and_stay_untouched():
    weight = Value(3.0, label="w")
    square = weight * weight
    square.backward()
    for derivative in (
        grad(lambda x: x * x * square)(2.0),
        jvp(lambda x: x * x * square, (2.0,), (1.0,))[1],
        grad(grad(lambda x: x**3 * square / 3))(2.0),
    ):
        assert derivative == 36.0
        assert (weight.grad, square.grad, weight.data) == (6.0, 1.0, 3.0)
    assert grad(lambda x: square)(2.0) == 0.0
    x = Value(2.0)
    assert grad(lambda y: x * y)(x).data == 2.0
    assert x.grad == 0.0


def test_parameters_edited_since_they_were_used_are_refused():
    weight = Value(3.0)
    square = weight * weight
    weight.data = 4.0
    for transform in (
        lambda f: grad(f)(2.0),
        lambda f: jvp(f, (2.0,), (1.0,)),
        lambda f: grad(f)(Value(2.0)),
    ):
        with pytest.raises(ValueError, match=r"\.forward\(\)"):
            transform(lambda x: x * square)
    assert grad(lambda x: x * weight)(2.0) == 4.0


# Modes, exceptions, threads. ----------------------------------------------------------------------
@pytest.mark.parametrize(
    "transform",
    [
        lambda f: grad(f)(1.0),
        lambda f: jvp(f, (1.0,), (1.0,)),
        lambda f: hessian(f)(1.0),
        lambda f: hvp(f, (1.0,), (1.0,)),
        lambda f: grad(lambda x: jvp(f, (x,), (1.0,))[1])(1.0),
        lambda f: vjp(f, 1.0),
    ],
)
@pytest.mark.parametrize("already", [no_grad, detect_anomaly])
def test_an_exception_in_the_function_leaves_every_mode_as_it_was(transform, already):
    def fails(x):
        raise InterruptedError

    before = modes.mode.get()
    with pytest.raises(InterruptedError), already():
        transform(fails)
    with already():
        within = modes.mode.get()
        with pytest.raises(InterruptedError):
            transform(fails)
        assert modes.mode.get() is within
    assert modes.mode.get() is before
    assert type(grad(ops.sin)(0.0)) is float  # no transformation is thought to be under way


def test_a_partial_that_raises_in_a_sweep_leaves_every_mode_as_it_was():
    before = modes.mode.get()
    faulty = dataclasses.replace(
        ops.identity, name="faulty", symbol="f", slopes=lambda out, x: 1 / 0
    )
    for transform in (
        lambda: grad(faulty)(1.0),
        lambda: jvp(faulty, (1.0,), (1.0,)),
        lambda: hessian(faulty)(1.0),
    ):
        with pytest.raises(ZeroDivisionError):
            transform()
        assert modes.mode.get() is before
        assert type(grad(ops.sin)(0.0)) is float


def test_transformations_record_what_they_need_under_no_grad():
    with no_grad():
        assert grad(grad(ops.sin))(0.0) == 0.0
        assert hessian(cubic, (0, 1))(2.0, 3.0) == ((36.0, 12.0), (12.0, 0.0))
        assert grad(lambda x: x**3)(Value(2.0)).data == 12.0
        assert (Value(1.0) + 1.0).primitive is None


def test_no_graph_leaves_a_transformation_under_no_grad():
    def detached(x):
        with no_grad():
            return value_and_grad(lambda y: y * y)(x)[0]

    assert detached(Value(3.0)).primitive is None
    assert grad(lambda x: x + detached(x))(3.0) == 1.0


def test_anomaly_mode_watches_the_function_and_recorded_sweeps():
    with detect_anomaly():
        with pytest.raises(FloatingPointError, match="log"):
            grad(lambda x: x.log())(0.0)
        with pytest.raises(FloatingPointError, match=r"turned inf; it came through sqrt"):
            grad(ops.sqrt)(Value(0.0))
        assert grad(grad(ops.sin))(0.5) == -ops.sin(0.5)


@pytest.mark.parametrize(
    "slope", [lambda: grad(ops.sqrt)(0.0), lambda: jvp(ops.sqrt, (0.0,), (1.0,))]
)
def test_anomaly_mode_watches_sweeps_on_floats(slope):
    with detect_anomaly(), pytest.raises(FloatingPointError, match="sqrt"):
        slope()


def test_threads_differentiate_on_their_own():
    """One thread in the middle of a transformation leaves the others outside: they get floats."""
    kinds, found = [], []

    def f(x):
        thread = threading.Thread(target=lambda: kinds.append(type(grad(ops.sin)(0.0))))
        thread.start()
        thread.join()
        return x * x

    assert (grad(f)(3.0), kinds) == (6.0, [float])
    threads = [
        threading.Thread(target=lambda n=n: found.append((n, hessian(lambda x: x**n)(1.0))))
        for n in range(2, 8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(n, float(n * (n - 1))) for n in range(2, 8)]
