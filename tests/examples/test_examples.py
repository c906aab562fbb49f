"""Every number that the lectures print, to the last digit printed."""

import random
import sys

import mpmath
import pytest

from micrograd_plus import examples
from micrograd_plus.chain_rule import explain

# The values in the order of computation, and the gradients by name; 12 decimals where the numbers
# are not whole.
NUMBERS = {
    "product_of_a_sum": (
        {"x": -2, "y": 5, "z": -4, "q": 3, "f": -12},
        {"x": -4, "y": -4, "z": 3, "q": -4, "f": 1},
    ),
    "sigmoid_circuit": (
        {
            "w0": 2,
            "x0": -1,
            "w1": -3,
            "x1": -2,
            "w2": -3,
            "w0x0": -2,
            "w1x1": 6,
            "s": 4,
            "z": 1,
            "neg": -1,
            "exp": 0.367879441171,
            "den": 1.367879441171,
            "f": 0.731058578630,
        },
        {
            "w0": -0.196611933241,
            "x0": 0.393223866483,
            "w1": -0.393223866483,
            "x1": -0.589835799724,
            "w2": 0.196611933241,
            "w0x0": 0.196611933241,
            "w1x1": 0.196611933241,
            "s": 0.196611933241,
            "z": 0.196611933241,
            "neg": -0.196611933241,
            "exp": -0.534446645389,
            "den": -0.534446645389,
            "f": 1,
        },
    ),
    "sigmoid_gate": (
        {
            "w0": 2,
            "x0": -1,
            "w1": -3,
            "x1": -2,
            "w2": -3,
            "w0x0": -2,
            "w1x1": 6,
            "s": 4,
            "z": 1,
            "f": 0.731058578630,
        },
        {
            "w0": -0.196611933241,
            "x0": 0.393223866483,
            "w1": -0.393223866483,
            "x1": -0.589835799724,
            "w2": 0.196611933241,
            "w0x0": 0.196611933241,
            "w1x1": 0.196611933241,
            "s": 0.196611933241,
            "z": 0.196611933241,
            "f": 1,
        },
    ),
    "gates": (
        {"x": 3, "y": -4, "z": 2, "w": -1, "p": -12, "m": 2, "s": -10, "f": -20},
        {"x": -8, "y": 6, "z": 2, "w": 0, "p": 2, "m": 2, "s": 2, "f": 1},
    ),
    "branches": ({"a": 3, "b": 6, "c": 12}, {"a": 4, "b": 2, "c": 1}),
    "reused_input": ({"x": 2, "y": 3, "p": 6, "f": 8}, {"x": 4, "y": 2, "p": 1, "f": 1}),
    "forward_and_reverse": (
        {"a": 2, "b": 1, "c": 3, "d": 2, "e": 6},
        {"a": 2, "b": 5, "c": 2, "d": 3, "e": 1},
    ),
    "nine_paths": (
        {
            "x": 1,
            "alpha": 1,
            "beta": 2,
            "gamma": 3,
            "y": 6,
            "delta": 4,
            "epsilon": 5,
            "zeta": 6,
            "z": 90,
        },
        {
            "x": 90,
            "alpha": 15,
            "beta": 15,
            "gamma": 15,
            "y": 15,
            "delta": 6,
            "epsilon": 6,
            "zeta": 6,
            "z": 1,
        },
    ),
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


def test_every_example_is_listed():
    assert list(examples.all_examples()) == list(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_values_and_gradients(name):
    values, gradients = NUMBERS[name]
    circuit = examples.all_examples()[name]()
    assert list(circuit) == list(values)
    assert {k: f"{v.data:.12f}" for k, v in circuit.items()} == {
        k: f"{x:.12f}" for k, x in values.items()
    }
    assert all(v.grad == 0.0 for v in circuit.values()), "backward has run already"
    *_, output = circuit.values()
    output.backward()
    found = {k: f"{circuit[k].grad:.12f}" for k in gradients}
    assert found == {k: f"{x:.12f}" for k, x in gradients.items()}


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


@pytest.mark.parametrize("name", NUMBERS)
def test_names_titles_and_sources(name):
    function = examples.all_examples()[name]
    circuit = function()
    assert [v.label for v in circuit.values()] == [examples.GREEK.get(k, k) for k in circuit]
    title, blank, *rest = function.__doc__.splitlines()
    assert title
    assert blank == ""
    assert rest[0].strip().startswith(("Sharif", "RWTH", "Stanford", "Matt", "Andrej"))
    assert function()[next(iter(circuit))] is not circuit[next(iter(circuit))], (
        "each call makes its own Values"
    )


def test_the_largest_product_of_nine_paths():
    circuit = examples.nine_paths()
    found = explain(circuit["z"], circuit["x"], limit=9)
    assert found.count == 9
    assert sorted(p.product for p in found.paths) == [4, 5, 6, 8, 10, 12, 12, 15, 18]


def test_a_chain_with_more_paths_than_anyone_could_walk():
    chain = examples.factoring_chain()
    found = explain(chain["z60"], chain["x"])
    assert (found.count, found.value) == (9**60, 1.0)
    chain["z60"].backward()
    assert {v.grad for v in chain.values()} == {1.0}
    assert list(examples.factoring_chain(0)) == ["x"]


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
