"""Functions of NumPy arrays that can be traced: 160 digits, and the part that carries an error."""

import numpy as np
import pytest

from micrograd_plus.testing import WrongGradientError, check_gradient

RNG = np.random.default_rng(3)
POINT = np.array([0.7, -1.3, 2.1])
INPUTS = RNG.normal(size=(5, 4))
WEIGHTS = RNG.normal(size=(4, 3))


KINKS = POINT + 1e-5  # so near that differences do not come to rest


def steep(x):
    return np.abs(x - KINKS).sum() * x.max()


def steep_gradient(x):
    return np.sign(x - KINKS) * x.max() + np.abs(x - KINKS).sum() * (x == x.max())


def network(w):
    return np.sum(np.tanh(INPUTS @ w) ** 2)


def network_gradient(w):
    h = np.tanh(INPUTS @ w)
    return INPUTS.T @ (2 * h * (1 - h**2))


def softmax(x):
    exps = np.exp(x - x.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def softmax_vjp(x, v):
    p = softmax(x)
    return p * (v - (v * p).sum(axis=1, keepdims=True))


def test_what_can_be_traced_is_held_against_160_digits():
    for f, gradient, x in ((steep, steep_gradient, POINT), (network, network_gradient, WEIGHTS)):
        assert "160 digits" in check_gradient(f, gradient, x, exact=True).method
    x = RNG.normal(size=(2, 3))
    assert "160 digits" in check_gradient(softmax, softmax_vjp, x, kind="vjp", exact=True).method


def test_what_cannot_is_left_to_differences():
    def opaque(x):
        return float(np.sum(np.asarray(x, dtype=float) ** 3))

    verdict = check_gradient(opaque, lambda x: 3 * x**2, POINT, exact=True)
    assert verdict
    assert verdict.method == "halved differences"


def test_160_digits_find_what_differences_cannot_see():
    def off(x):
        return steep_gradient(x) * np.array([1.0, 1.0, 1.0 + 2e-12])

    assert check_gradient(steep, off(POINT), POINT)  # the complex step knows no absolute value
    with pytest.raises(WrongGradientError, match=r"d f / d x\[2\]") as caught:
        check_gradient(steep, off(POINT), POINT, exact=True)
    assert caught.value.components[0].expected == pytest.approx(-2.1, rel=1e-4)


def detached(x):
    return np.array([x[1], x[0], 0.0])


def other_sign(x):
    return np.array([x[1], x[0], -2 * x[2]])


@pytest.mark.parametrize(
    ("gradient", "told"),
    [(detached, "the gate pow is left out"), (other_sign, "the gate pow has the other sign")],
)
def test_the_part_that_carries_the_error_is_named_and_drawn(gradient, told):
    with pytest.raises(WrongGradientError, match=told) as caught:
        check_gradient(lambda x: x[0] * x[1] + x[2] ** 2, gradient, POINT)
    error = caught.value
    assert [row.name for row, _ in error.program.instructions] == ["pow"]
    assert error.program.inputs == (2.1,)
    assert error.subgraph.data == 2.1**2
    assert error.picture() is not None


def test_a_part_is_found_among_thousands_of_components():
    many = np.linspace(0.1, 2.0, 4000)

    def one_wrong(x):
        slopes = 3 * x**2
        slopes[1234] *= 1.5
        return slopes

    with pytest.raises(WrongGradientError, match=r"d f / d x\[1234\]") as caught:
        check_gradient(lambda x: (x**3).sum(), one_wrong, many)
    assert "is taken 1.5 times" in str(caught.value)


def test_gates_that_an_array_computes_together_are_named_together():
    def without_residual(w):
        h = np.tanh(INPUTS @ w)
        return INPUTS.T @ (1 - h**2)

    def residual(w):
        h = INPUTS @ w
        return np.sum(h + np.tanh(h))

    with pytest.raises(WrongGradientError, match="15 gates tanh is counted twice"):
        check_gradient(
            residual, lambda w: INPUTS.T @ np.ones((5, 3)) + 2 * without_residual(w), WEIGHTS
        )


def test_where_there_is_no_graph_there_is_no_picture():
    def opaque(x):
        return float(np.sum(np.asarray(x, dtype=float) ** 3))

    with pytest.raises(WrongGradientError) as caught:
        check_gradient(opaque, lambda x: x**2, POINT)
    with pytest.raises(ValueError, match="could not be traced"):
        caught.value.picture()
    assert "gradient says" in caught.value._repr_mimebundle_()["text/html"]
