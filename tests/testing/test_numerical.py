"""Difference quotients in floats: the lectures' numbers, their errors, forms and refusals."""

import numpy as np
import pytest

from micrograd_plus import Value, grad, losses, ops
from micrograd_plus.nn import MLP
from micrograd_plus.testing import numerical_gradient


def sigmoid_circuit(w0):
    """Sharif, slides 53-66: 1 / (1 + exp(-(w0·x0 + w1·x1 + w2)))."""
    return 1.0 / (1.0 + ops.exp(-(w0 * -1.0 + -3.0 * -2.0 - 3.0)))


EXACT = -0.196611933241


@pytest.mark.parametrize(
    ("kind", "h", "printed"),
    [("forward", 0.1, -0.201090760050), ("central", 0.1, -0.196553014851)],
)
def test_the_quotients_of_the_sigmoid_circuit(kind, h, printed):
    found, evaluations = numerical_gradient(sigmoid_circuit, 2.0, kind, h)
    assert found == pytest.approx(printed, rel=0, abs=5.1e-13)
    assert evaluations == 2
    assert grad(sigmoid_circuit)(2.0) == pytest.approx(EXACT, rel=0, abs=5.1e-13)


@pytest.mark.parametrize(
    ("kind", "h", "error"),
    [
        ("forward", 1e-5, 4.5e-7),
        ("forward", 1e-7, 3e-9),
        ("forward", 1e-10, 3e-7),
        ("forward", 1e-14, 3e-3),
        ("central", 1e-2, 5.9e-7),
        ("central", 1e-5, 7e-12),
        ("central", 1e-10, 3e-7),
    ],
)
def test_errors_fall_with_the_step_and_rise_again_by_rounding(kind, h, error):
    found = numerical_gradient(sigmoid_circuit, 2.0, kind, h).gradient
    off = abs(found - grad(sigmoid_circuit)(2.0))
    assert error / 4 < off < error * 4 or off < 7e-12  # rounding is a matter of luck


def test_a_slope_between_two_points_of_the_simplest_network():
    """Stone, equations 7-8: ΔE/Δw from w = 0.4, Δw = 0.01."""
    found = numerical_gradient(
        lambda w: losses.squared_error(w * 0.8, 0.2, half=True), 0.4, "forward", 0.01
    )
    assert found.gradient == pytest.approx(0.0992, rel=1e-12)


def test_a_central_difference_checks_lund_s_weight():
    network = MLP(3, [4, 4, 1], activation="sigmoid", bias=False)
    first = [0.1 * (j + k) * (-1) ** (j + k) for j in (1, 2, 3, 4) for k in (1, 2, 3)]
    second = [0.1 * (j - k) for j in (1, 2, 3, 4) for k in (1, 2, 3, 4)]
    weights = [*first, *second, 0.4, -0.3, 0.2, -0.1]

    def error(numbers):
        for p, number in zip(network.parameters(), numbers, strict=True):
            p.data = number
        return losses.squared_error(network([1.0, -1.0, 0.5]), 0.5, half=True)

    found = numerical_gradient(error, weights)
    assert found.gradient[1] == pytest.approx(-0.000452264926, rel=0, abs=2e-12)
    assert found.evaluations == 2 * len(weights) == 64
    loss = error(weights)
    loss.backward()
    assert found.gradient == pytest.approx([p.grad for p in network.parameters()], abs=1e-10)
    assert numerical_gradient(error, weights, "forward").evaluations == 33


def test_a_gradient_has_the_form_of_its_point():
    def f(tree):
        return tree["a"][0] * tree["a"][1] + 3.0 * tree["b"]

    found, evaluations = numerical_gradient(f, {"a": (2.0, 5), "b": 1.0}, h=0.25)
    assert (found, evaluations) == ({"a": (5.0, 2.0), "b": 3.0}, 6)
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = numerical_gradient(lambda m: float((m * m).sum()), array, h=0.5).gradient
    assert found.tolist() == (2.0 * array).tolist()
    assert array.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert numerical_gradient(lambda x: 1.0, []) == ([], 0)
    assert numerical_gradient(lambda v: v * v, Value(3.0), h=0.5).gradient == 6.0


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (
            lambda f: numerical_gradient(f, 1.0, "backward"),
            ValueError,
            "there are: forward, central",
        ),
        (lambda f: numerical_gradient(f, 1.0, h=0.0), ValueError, "above 0 and finite, not 0.0"),
        (lambda f: numerical_gradient(f, 1.0, h=float("nan")), ValueError, "not nan"),
        (lambda f: numerical_gradient(f, 1.0, h="small"), TypeError, "h, the step, is a number"),
        (lambda f: numerical_gradient(f, 1e20), ValueError, "take a larger step h"),
        (lambda f: numerical_gradient(f, "x"), TypeError, "str"),
        (lambda f: numerical_gradient(lambda x: [x], 1.0), TypeError, "what f gives"),
    ],
)
def test_what_has_no_quotient_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call(lambda x: x * x)
