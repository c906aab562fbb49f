"""Notes and programs: every number that is printed, to the last digit printed."""

import random
import sys

import mpmath
import pytest
from worked import check_numbers

from micrograd_plus import examples
from micrograd_plus.examples import others

# The values in the order of computation, and the gradients by name; 12 decimals where the numbers
# are not whole.
NUMBERS = {
    "staged_function": (
        {
            "x": 3,
            "y": -4,
            "sigy": 0.017986209962,
            "num": 3.017986209962,
            "sigx": 0.952574126822,
            "xpy": -1,
            "xpysqr": 1,
            "den": 1.952574126822,
            "invden": 0.512144448840,
            "f": 1.545644884107,
        },
        {
            "x": 2.059569795572,
            "y": 1.592232751484,
            "sigy": 0.512144448840,
            "num": 0.512144448840,
            "sigx": -0.791593447273,
            "xpy": 1.583186894545,
            "xpysqr": -0.791593447273,
            "den": -0.791593447273,
            "invden": 3.017986209962,
            "f": 1,
        },
    ),
    "softmax_loss": (
        {"s1": -2.85, "s2": 0.86, "s3": 0.28, "lse": 1.320190569430, "L": 1.040190569430},
        {
            "s1": 0.015449315676,
            "s2": 0.631163353605,
            "s3": -0.646612669281,
            "lse": 1,
            "L": 1,
        },
    ),
    "two_layer_network": (
        {
            "i1": 0.05,
            "i2": 0.1,
            "w1": 0.15,
            "w2": 0.2,
            "w3": 0.25,
            "w4": 0.3,
            "b1": 0.35,
            "w5": 0.4,
            "w6": 0.45,
            "w7": 0.5,
            "w8": 0.55,
            "b2": 0.6,
            "t1": 0.01,
            "t2": 0.99,
            "net1": 0.3775,
            "net2": 0.3925,
            "h1": 0.593269992107,
            "h2": 0.596884378260,
            "net3": 1.105905967060,
            "net4": 1.224921404096,
            "o1": 0.751365069552,
            "o2": 0.772928465321,
            "E1": 0.274811083176,
            "E2": 0.023560025584,
            "E": 0.298371108760,
        },
        {
            "w1": 0.000438567734,
            "w2": 0.000877135469,
            "w3": 0.000497712735,
            "w4": 0.000995425471,
            "w5": 0.082167040564,
            "w6": 0.082667627848,
            "w7": -0.022602540477,
            "w8": -0.022740242216,
            "h1": 0.036350306393,
            "h2": 0.041370322649,
            "o1": 0.741365069552,
            "o2": -0.217071534679,
            "E": 1,
        },
    ),
    "micrograd_readme": (
        {
            "a": -4,
            "b": 2,
            "c1": -2,
            "d1": 0,
            "c2": -3,
            "c3": -1,
            "d2": 0,
            "d3": 6,
            "e": -7,
            "f": 49,
            "g1": 24.5,
            "g": 24.704081632653,
        },
        {"a": 138.833819241983, "b": 645.577259475219, "g": 1},
    ),
    "tanh_neuron": (
        {
            "x1": 2,
            "x2": 0,
            "w1": -3,
            "w2": 1,
            "b": 6.881373587020,
            "x1w1": -6,
            "x2w2": 0,
            "s": -6,
            "n": 0.881373587020,
            "o": 0.707106781187,
        },
        {"x1": -1.5, "w1": 1, "x2": 0.5, "w2": 0, "b": 0.5, "n": 0.5, "o": 1},
    ),
}


def test_every_circuit_has_its_numbers_here():
    assert [circuit.__name__ for circuit in others.EXAMPLES] == list(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_values_and_gradients(name):
    check_numbers(getattr(others, name), *NUMBERS[name])


def test_the_staged_function_against_forty_digits():
    def f(x, y):
        return (x + 1 / (1 + mpmath.exp(-y))) / (1 / (1 + mpmath.exp(-x)) + (x + y) ** 2)

    values, gradients = NUMBERS["staged_function"]
    with mpmath.workdps(40):
        exact = [
            f(mpmath.mpf(3), mpmath.mpf(-4)),
            mpmath.diff(f, (3, -4), (1, 0)),
            mpmath.diff(f, (3, -4), (0, 1)),
        ]
    assert [f"{float(x):.12f}" for x in exact] == [
        str(x) for x in (values["f"], gradients["x"], gradients["y"])
    ]


def test_moons_like_micrograd():
    state = random.getstate()
    found = examples.moons()
    assert found.losses[0] == pytest.approx(0.8958441028683222, abs=1e-9)
    assert found.losses[-1] == pytest.approx(0.010978370135492717, abs=1e-9)
    assert (len(found.losses), found.accuracies[-1], len(found.points)) == (100, 1.0, 100)
    assert sorted(set(found.classes)) == [-1, 1]
    assert len(found.model.parameters()) == 337
    assert random.getstate() == state


def test_moons_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'pip install "micrograd-plus\[data\]"'):
        examples.moons(1)
