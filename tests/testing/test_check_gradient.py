"""Gradients of other people's functions: what is right is silent, what is wrong is named, what is
open is said.
"""

import re
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_plus import Value, grad, ops
from micrograd_plus.testing import (
    GradientError,
    NotChecked,
    WrongGradientError,
    check_gradient,
)

RNG = np.random.default_rng(3)
POINT = np.array([0.7, -1.3, 2.1])
INPUTS = RNG.normal(size=(5, 4))


def cubic(x):
    return np.sum(x**3)


def cubic_gradient(x):
    return 3 * x**2


def softmax(x):
    exps = np.exp(x - x.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)


def softmax_vjp(x, v):
    p = softmax(x)
    return p * (v - (v * p).sum(axis=-1, keepdims=True))


def layer(p):
    return np.sum(np.tanh(INPUTS @ p["W"] + p["b"]) ** 2)


def layer_gradient(p):
    h = np.tanh(INPUTS @ p["W"] + p["b"])
    below = 2 * h * (1 - h**2)
    return {"W": INPUTS.T @ below, "b": below.sum(axis=0)}


PARAMETERS = {"W": RNG.normal(size=(4, 3)), "b": RNG.normal(size=3)}


def open_reasons(f, gradient, x, **options):
    with pytest.warns(NotChecked) as told:
        verdict = check_gradient(f, gradient, x, **options)
    assert not verdict
    assert verdict.notes
    assert len(told) == 1
    return "; ".join(verdict.notes)


# right --------------------------------------------------------------------------------------------
RIGHT = {
    "a number": (lambda x: x**3, lambda x: 3 * x**2, 2.0),
    "an array": (cubic, cubic_gradient, POINT),
    "without axes": (lambda x: x * x, lambda x: 2 * x, np.array(3.0)),
    "single precision": (cubic, cubic_gradient, POINT.astype(np.float32)),
    "a list": (lambda x: x[0] * x[1], lambda x: [x[1], x[0]], [2, 3.0]),
    "a dict": (layer, layer_gradient, PARAMETERS),
    "a tuple in a dict": (
        lambda x: float(x["a"][0] @ x["a"][1]),
        lambda x: {"a": (x["a"][1], x["a"][0])},
        {"a": (POINT, POINT + 1), "labels": np.array([1, 2])},
    ),
    "linear": (lambda x: x @ np.array([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0], POINT.tolist()),
    "constant": (lambda x: 5.0, lambda x: np.zeros(3), POINT),
    "at a minimum": (lambda x: x @ x, lambda x: 2 * x, np.zeros(3)),
    "beside a large number": (lambda x: 1e6 + x @ x, lambda x: 2 * x, POINT),
    "fast": (lambda x: np.sin(100 * x).sum(), lambda x: 100 * np.cos(100 * x), POINT),
    "of several scales": (
        lambda x: np.sum(np.log(x)),
        lambda x: 1 / x,
        np.array([1e-9, 1.0, 1e9]),
    ),
    "a bias near 0": (
        lambda x: np.tanh(x[0] * 2 + x[1]),
        lambda x: (1 - np.tanh(x[0] * 2 + x[1]) ** 2) * np.array([2.0, 1.0]),
        np.array([0.3, 1e-12]),
    ),
    "kinks all around": (
        lambda x: np.maximum(x, 0).sum(),
        lambda x: (x > 0) * 1.0,
        np.random.default_rng(0).normal(size=1000),
    ),
    "ours": (lambda x: ops.tanh(x[0] * x[1]), grad(lambda x: ops.tanh(x[0] * x[1])), [0.5, 2.0]),
    "a Value": (lambda x: x * x, lambda x: 2 * x, Value(3.0)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_said_to_be_and_nothing_is_printed(name, capsys):
    verdict = check_gradient(*RIGHT[name])
    assert verdict
    assert verdict.right
    assert verdict.smallest_error < (1e-2 if name == "single precision" else 1e-8)
    assert str(verdict).startswith("right: an error of ")
    assert capsys.readouterr() == ("", "")


def test_backward_passes_and_jacobians_of_what_gives_arrays():
    x = RNG.normal(size=(2, 3))
    assert check_gradient(softmax, softmax_vjp, x, kind="vjp")
    matrix = RNG.normal(size=(4, 3))
    assert check_gradient(lambda x: matrix @ x, lambda x: matrix, POINT, kind="jacobian")
    with pytest.raises(WrongGradientError, match=r"shape \(3, 4\); f\(x\) and x make it \(4, 3\)"):
        check_gradient(lambda x: matrix @ x, lambda x: matrix.T, POINT, kind="jacobian")
    pair = {"double": 2.0, "half": np.ones(2)}
    assert check_gradient(
        lambda x: {"double": 2 * x, "half": x * np.ones(2) / 2},
        lambda x, v: 2 * v["double"] + v["half"].sum() / 2,
        1.5,
        kind="vjp",
    )
    assert pair["double"] == 2.0


def test_a_slope_that_cancels_is_rounded_as_its_terms_are():
    zeros = np.zeros((3, 3))  # nothing moves here when x moves in its last digits
    for seed in range(20):
        assert check_gradient(softmax, softmax_vjp, zeros, kind="vjp", seed=seed)


def test_the_rate_is_that_of_the_taylor_remainder():
    assert check_gradient(cubic, cubic_gradient, POINT).rate == pytest.approx(2.0, abs=0.2)
    assert np.isnan(check_gradient(lambda x: 3.0 * x, 3.0, 1.0).rate)


def test_complex_numbers_are_used_where_f_takes_them_and_agrees():
    finer = check_gradient(cubic, cubic_gradient, POINT)
    assert "complex step" in finer.method
    assert finer.smallest_error < 1e-11

    def through_reals(x):
        return np.sum(np.real(x) ** 3)  # takes complex numbers, and loses their derivative

    coarser = check_gradient(through_reals, cubic_gradient, POINT)
    assert coarser
    assert "complex step" not in coarser.method


# wrong --------------------------------------------------------------------------------------------
def remembering():
    kept = []

    def gradient(x):
        kept.append(3 * x**2)
        return kept[0]

    return gradient


def largest(x):
    return x.max()


WRONG = {
    "a factor": (cubic, lambda x: 2 * x**2, POINT, "0.666667 times what it should be"),
    "a sign": (cubic, lambda x: -3 * x**2, POINT, "the sign is the other one"),
    "one in a million": (cubic, lambda x: 3 * x**2 * (1 + 1e-6), POINT, "d f / d x[2]"),
    "a stale cache": (cubic, remembering(), POINT, "stale cache"),
    "a detached branch": (
        lambda x: x[0] * x[1] + x[2] ** 2,
        lambda x: np.array([x[1], x[0], 0.0]),
        POINT,
        "is a branch detached",
    ),
    "a factor at a tie": (
        largest,
        lambda x: (x == x.max()) * 1.0,
        np.array([3.0, 3.0, 1.0]),
        "at a tie",
    ),
    "nobody at a tie": (
        lambda x: np.maximum(x[0], x[1]),
        lambda x: np.array([x[0] > x[1], x[1] > x[0]]) * 1.0,
        np.array([3.0, 3.0]),
        "at a tie",
    ),
    "single precision": (
        cubic,
        lambda x: cubic_gradient(x.astype(np.float32)),
        POINT,
        "gradient comes in float32, though x is float64",
    ),
    "no number": (
        lambda x: np.sum(np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0)),
        lambda x: np.where(x > 0, 1 / x, np.nan),
        POINT,
        "gradient is no number, though f is smooth there",
    ),
    "f forgets x": (lambda x: 7.0, lambda x: 2 * x, POINT, "f: it gives the same number"),
    "f has a fine structure": (
        lambda x: np.sum(x + 1e-6 * np.sin(1e6 * x)),
        np.ones_like,
        np.zeros(3),
        "f: over large steps",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_with_both_numbers(name):
    f, gradient, x, told = WRONG[name]
    with pytest.raises(GradientError) as caught:
        check_gradient(f, gradient, x)
    message = str(caught.value)
    assert told in message
    assert "gradient says" in message
    assert "f says" in message
    assert "suspected" in message
    assert not caught.value.verdict


def test_the_worst_components_are_named_first():
    def gradient(p):
        found = layer_gradient(p)
        found["W"][2, 1] += 0.25
        found["b"][0] -= 0.5
        return found

    with pytest.raises(WrongGradientError) as caught:
        check_gradient(layer, gradient, PARAMETERS)
    labels = [component.label for component in caught.value.components]
    assert labels == ["d f / d x['b'][0]", "d f / d x['W'][2, 1]"]
    worst = caught.value.components[0]
    right = layer_gradient(PARAMETERS)["b"][0]
    assert worst.got == right - 0.5
    assert worst.expected == pytest.approx(right, rel=1e-9)
    assert caught.value.difference == pytest.approx(0.5)
    assert worst.ulps == pytest.approx(0.5 / np.spacing(abs(right)), rel=1e-6)


def test_a_backward_pass_with_a_wrong_axis_and_one_without_a_sum():
    x = RNG.normal(size=(3, 3))

    def wrong_axis(x, v):
        p = softmax(x)
        return p * (v - (v * p).sum(axis=0, keepdims=True))

    with pytest.raises(WrongGradientError, match=r"d sum\(v \* f\) / d x\[\d, \d\]"):
        check_gradient(softmax, wrong_axis, x, kind="vjp")

    def without_sum(p):
        found = layer_gradient(p)
        h = np.tanh(INPUTS @ p["W"] + p["b"])
        return found | {"b": 2 * h * (1 - h**2)}

    told = r"shape \(5, 3\) for x\['b'\], which has \(3,\): the sum over what was broadcast"
    with pytest.raises(WrongGradientError, match=told):
        check_gradient(layer, without_sum, PARAMETERS)


MESSAGES = {
    "a factor": """\
the gradient is wrong: d f / d x[2], at x = array([ 0.7, -1.3, 2.1])
  gradient says  8.82
  f says         13.23 (by halved differences and complex step, to #)
  apart          4.41, which is # ulps
  remainder      of f(x + h) - f(x - h) falls with h to the power 1.00, and to the 3rd if right
  suspected      gradient: differences of f and its complex step agree with each other
  hint           gradient is # times what it should be in all of these: a factor
  also           d f / d x[1]: gradient says 3.38, f says 5.07, # ulps apart
  also           d f / d x[0]: gradient says 0.98, f says 1.47, # ulps apart
The smallest part of f that carries the error: what goes through the gate add is taken # times
    def program(c=-#, d=#):
        a = c + d
        return a
""",
    "a stale cache": """\
the gradient is wrong: d f / d x[2], at a second point nearby
  gradient says  13.23
  f says         # (by halved differences and complex step, to #)
  apart          #, which is # ulps
  remainder      of f(x + h) - f(x - h) falls with h to the power 1.00, and to the 3rd if right
  suspected      gradient: differences of f and its complex step agree with each other
  hint           gradient may keep something of the first point (a stale cache)
  also           d f / d x[1]: gradient says 5.07, f says #, # ulps apart
  also           d f / d x[0]: gradient says 1.47, f says #, # ulps apart
""",
    "a detached branch": """\
the gradient is wrong: d f / d x[2], at x = array([ 0.7, -1.3, 2.1])
  gradient says  0.0
  f says         # (by halved differences and complex step, to #)
  apart          4.2, which is # ulps
  remainder      of f(x + h) - f(x - h) falls with h to the power 1.00, and to the 3rd if right
  suspected      gradient: differences of f and its complex step agree with each other
  hint           gradient is 0 there: is a branch detached, or a case left out?
The smallest part of f that carries the error: what goes through the gate pow is left out
    def program(x_2=2.1):
        a = x_2 ** 2.0
        return a
""",
    "a factor at a tie": """\
the gradient is wrong: the slope along a direction across all of x, at x = array([3., 3., 1.])
  gradient says  #
  f says         # (by halved differences and complex step, to #)
  apart          2.52, which is # ulps
  remainder      of f(x + h) - f(x - h) falls with h to the power 1.00, and to the 3rd if right
  suspected      gradient: differences of f and its complex step agree with each other
  hint           no component is wrong by itself: at a tie, several may have got what one should get
""",
    "no number": """\
the gradient is wrong: d f / d x[1], at x = array([ 0.7, -1.3, 2.1])
  gradient says  nan
  f says         0.0 (by halved differences and complex step, to #)
  apart          nan, which is nan ulps
  suspected      gradient: differences of f and its complex step agree with each other
  hint           gradient is no number, though f is smooth there
""",
}
# what differs from one C library to the next
LAST_DIGITS = re.compile(r"\d+\.\d{3,}|\d+(?:\.\d+)?e[+-]\d+")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_tells_all_that_is_known(name):
    f, gradient, x, _ = WRONG[name]
    gradient = remembering() if name == "a stale cache" else gradient
    with pytest.raises(WrongGradientError) as caught:
        check_gradient(f, gradient, x)
    assert LAST_DIGITS.sub("#", str(caught.value)) + "\n" == MESSAGES[name]


# open ---------------------------------------------------------------------------------------------
def test_kinks_and_jumps_are_said_and_not_called_wrong():
    kinked = np.array([0.0, 1.0, -2.0])
    told = open_reasons(lambda x: np.abs(x).sum(), np.sign, kinked)
    assert "kink here" in told
    assert "x[0]" in told
    assert "x[1]" not in told
    assert "jumps" in open_reasons(lambda x: float(x > 0), lambda x: 0.0, 0.0)
    assert "both sides" in open_reasons(np.sqrt, lambda x: 1.0, 0.0)
    large = np.zeros(40)
    assert "kink" in open_reasons(lambda x: np.abs(x).sum(), np.sign, large)


def test_noise_is_said_and_not_called_wrong():
    def noisy(x):
        return np.sum(x**2) + 0.5 * np.sin(1e9 * np.sum(x))

    assert open_reasons(noisy, lambda x: 2 * x, POINT)


def test_what_is_random_is_said():
    rng = np.random.default_rng(0)
    assert "another number each time" in open_reasons(
        lambda x: np.sum(x) + rng.normal(), np.ones_like, POINT
    )
    assert "called again" in open_reasons(
        np.sum, lambda x: np.ones_like(x) * rng.integers(1, 1000), POINT
    )
    total = np.zeros(3)

    def adding(x):
        total[:] += 1.0
        return total

    assert "as if it added to them" in open_reasons(np.sum, adding, POINT)


def test_changes_in_place_are_said_and_do_no_harm():
    def shifting(x):
        x -= 1.0
        return np.sum((x + 1.0) ** 2)

    given_point = POINT.copy()
    told = open_reasons(shifting, lambda x: 2 * x, given_point)
    assert told == "f changes x in place"
    assert given_point.tolist() == POINT.tolist()

    def scaling(x, v):
        v *= 2 * x
        return v

    told = open_reasons(lambda x: x**2, scaling, POINT, kind="vjp")
    assert told == "gradient changes v in place"


def test_half_precision_is_decided_only_where_it_is_gross():
    half = POINT.astype(np.float16)
    open_reasons(cubic, cubic_gradient, half)
    with pytest.raises(WrongGradientError, match="the sign"):
        check_gradient(lambda x: float(np.sum(x)), lambda x: -np.ones_like(x), half)


def test_a_function_without_a_number_at_the_point_is_open():
    assert "not finite" in open_reasons(np.log, lambda x: 1 / x, -1.0)
    steep = np.float32(4.35)
    told = open_reasons(lambda x: np.exp(20 * x), lambda x: 20 * np.exp(20 * x), steep)
    assert "beyond the range" in told


MASKED = np.ma.masked_array(POINT, [False, True, False])


# refused ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: check_gradient(softmax, softmax_vjp, POINT), TypeError, "kind='vjp'"),
        (lambda: check_gradient(cubic, cubic_gradient, np.array([1, 2])), TypeError, "no real"),
        (lambda: check_gradient(cubic, cubic_gradient, POINT + 0j), TypeError, "complex"),
        (lambda: check_gradient(cubic, cubic_gradient, MASKED), TypeError, "x must .* masked"),
        (lambda: check_gradient(cubic, cubic_gradient, POINT, kind="hessian"), ValueError, "kind"),
        (lambda: check_gradient(lambda x: None, cubic_gradient, POINT), TypeError, "f gives"),
        (lambda: check_gradient(layer, lambda p: {"W": p["W"]}, PARAMETERS), ValueError, "keys"),
        (lambda: check_gradient(cubic, lambda x: "abc", POINT), ValueError, "real numbers"),
    ],
)
def test_what_cannot_be_checked_is_refused(call, error, told):
    with pytest.raises(error, match=told):
        call()


# laws ---------------------------------------------------------------------------------------------
NUMBERS = st.floats(-10, 10, allow_subnormal=False)


@settings(max_examples=50)
@given(st.lists(NUMBERS, min_size=1, max_size=4), st.lists(NUMBERS, min_size=4, max_size=4))
def test_a_polynomial_s_gradient_is_never_called_wrong(point, coefficients):
    c = np.array(coefficients)

    def f(x):
        return np.sum(((c[0] * x + c[1]) * x + c[2]) * x + c[3])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotChecked)
        check_gradient(f, lambda x: (3 * c[0] * x + 2 * c[1]) * x + c[2], np.array(point))


@settings(max_examples=25)
@given(st.integers(0, 2), st.floats(1e-6, 10.0), st.integers(0, 1000))
def test_an_error_in_any_component_is_found_and_named(place, error, seed):
    point = np.random.default_rng(seed).uniform(0.5, 2.0, 3)

    def gradient(x):
        found = cubic_gradient(x)
        found[place] *= 1.0 + error
        return found

    with pytest.raises(WrongGradientError) as caught:
        check_gradient(cubic, gradient, point, seed=seed)
    assert [c.label for c in caught.value.components] == [f"d f / d x[{place}]"]


def test_ten_thousand_parameters_take_no_more_calls_than_ten():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2, 100))

    def f(w):
        return np.sum(np.tanh(inputs @ w) ** 2)

    def gradient(w):
        h = np.tanh(inputs @ w)
        return inputs.T @ (2 * h * (1 - h**2))

    def wrong(w):
        found = gradient(w)
        found[3, 14] *= 1.001
        return found

    w = rng.normal(size=(100, 100)) / 10
    start = time.process_time()
    assert check_gradient(f, gradient, w).evaluations < 300
    with pytest.raises(WrongGradientError, match=r"d f / d x\[3, 14\]"):
        check_gradient(f, wrong, w)
    assert time.process_time() - start < 20.0


def test_no_library_is_imported_that_a_user_does_not_use():
    code = (
        "import sys; from micrograd_plus.testing import check_gradient; "
        "assert check_gradient(lambda x: x * x, lambda x: 2 * x, 3.0); "
        "print([m for m in ('torch', 'jax', 'scipy', 'autograd', 'hypothesis', 'mpmath', 'pytest')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
