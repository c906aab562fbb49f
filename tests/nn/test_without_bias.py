"""Units without biases: Stone's simplest network and Lund's, their files, and what reads them."""

import json
import random

import pytest

from micrograd_plus import Value, draw, explain, losses
from micrograd_plus.nn import MLP, Adaline, Layer, Neuron, Perceptron, load, save
from micrograd_plus.optim import SGD
from micrograd_plus.training import fit, outputs

MAKERS = {
    "neuron": lambda bias: Neuron(2, activation="tanh", bias=bias),
    "maxout": lambda bias: Neuron(2, activation="maxout", pieces=3, bias=bias),
    "layer": lambda bias: Layer(2, 3, bias=bias),
    "mlp": lambda bias: MLP(2, [3, 1], activation="sigmoid", bias=bias),
    "adaline": lambda bias: Adaline(2, bias=bias),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def give(model, numbers):
    for p, number in zip(model.parameters(), numbers, strict=True):
        p.data = number


def biased_twin(model, make):
    """A model with biases, at 0, and the weights of another."""
    twin = make(True)
    for group, values in twin.named_parameters().items():
        given = model.named_parameters().get(group, [None] * len(values))
        for p, w in zip(values, given, strict=True):
            p.data = 0.0 if w is None else w.data
    return twin


@every_maker
def test_without_biases_a_model_gives_what_it_gives_with_biases_of_0(make):
    model = make(False)
    give(model, [random.Random(0).gauss(0, 1) for _ in model.parameters()])
    twin, x = biased_twin(model, make), [0.5, -2.0]
    assert len(model.parameters()) < len(twin.parameters())
    assert not [name for name in model.named_parameters() if name.split(".")[-1] == "b"]
    assert outputs(model, [x]).tolist() == outputs(twin, [x]).tolist()
    assert str(model(x)) == str(twin(x))


@every_maker
def test_files_say_that_there_are_no_biases(make, tmp_path):
    model, other = make(False), make(False)
    give(model, range(len(model.parameters())))
    path = save(model, tmp_path / "model.json")
    load(other, path)
    assert [p.data for p in other.parameters()] == list(range(len(model.parameters())))
    assert '"bias": false' in path.read_text()
    with pytest.raises(ValueError, match="bias"):
        load(make(True), path)
    with pytest.raises(ValueError, match="bias"):
        load(other, save(make(True), tmp_path / "biased.json"))


@every_maker
def test_of_models_with_biases_the_files_say_what_they_always_said(make, tmp_path):
    text = save(make(True), tmp_path / "model.json").read_text()
    assert "bias" not in json.dumps(json.loads(text)["architecture"])


def test_a_repr_says_so():
    assert repr(Layer(2, 3, bias=False)) == "Layer(2, 3, bias=False) with 6 parameters"
    assert repr(MLP(2, [3, 1], bias=False)) == "MLP(2, [3, 1], bias=False) with 9 parameters"
    assert repr(MLP(2, [1], bias=False)) == "MLP(2, [1], bias=False) with 2 parameters"
    assert repr(Adaline(2, bias=False)) == "Adaline(2, classes=(-1, 1), bias=False)"
    mixed = MLP(2, [3, 1])
    mixed.layers[1] = Layer(3, 1, nonlin=False, bias=False)
    assert repr(mixed).startswith("MLP of [Layer(2, 3) with 9 parameters")


def test_the_option_is_true_or_false():
    with pytest.raises(
        TypeError, match="bias, whether a neuron has one, is True or False, not 'no'"
    ):
        Layer(2, 2, bias="no")


def test_a_neuron_without_a_bias_is_drawn_and_explained():
    neuron = Neuron(2, activation="tanh", bias=False)
    y = neuron([Value(1.0, label="x0"), 2.0])
    y.backward()
    assert "<svg" in draw(y).svg
    assert "x0" in str(explain(y, "x0"))


# Stone's simplest network: x = 0.8, w = 0.4, target 0.2. ------------------------------------------
DESCENT = [0.352, 0.31936, 0.2971648]  # from 0.4 with ε = 0.5


def test_the_delta_rule_on_the_simplest_network():
    network = Adaline(1, classes=None, bias=False)
    give(network, [0.4])
    for w in DESCENT:
        network.fit([[0.8]], [0.2], rate=0.5, passes=1)
        assert network.layer.neurons[0].w[0].data == pytest.approx(w, rel=1e-14)
    network.fit([[0.8]], [0.2], rate=0.5, passes=100)
    assert network.predict([[0.8]]) == pytest.approx([0.2], rel=1e-14)
    assert network.layer.neurons[0].w[0].data == pytest.approx(0.25, rel=1e-14)


def test_gradient_descent_on_the_simplest_network():
    network = Neuron(1, nonlin=False, bias=False)
    give(network, [0.4])
    for w in DESCENT:
        fit(
            network,
            [[0.8]],
            [0.2],
            loss=lambda y, t: losses.squared_error(y, t, half=True),
            optimizer=SGD(0.5),
            epochs=1,
        )
        assert network.w[0].data == pytest.approx(w, rel=1e-14)


def test_a_network_of_four_outputs_is_four_of_one():
    """Stone, Figure 3: each unit learns as if it were alone."""
    xs = [[1.0, 0.0, 0.5, -1.0], [0.25, 1.0, 0.0, 0.5]]
    together = Adaline(4, classes=range(4), bias=False)
    targets = [2, 0]
    together.fit(xs, targets, rate=0.1, passes=20)
    for k, neuron in enumerate(together.layer.neurons):
        alone = Adaline(4, classes=None, bias=False)
        alone.fit(xs, [1.0 if t == k else -1.0 for t in targets], rate=0.1, passes=20)
        assert [w.data for w in alone.parameters()] == [w.data for w in neuron.w]


def test_a_perceptron_has_a_bias_still():
    assert len(Perceptron(2).parameters()) == 3


# Lund's network of 3-4-4-1 sigmoid units without biases. ------------------------------------------
def test_the_numbers_of_lund_s_network():
    network = MLP(3, [4, 4, 1], activation="sigmoid", bias=False)
    indices = [(j, k) for j in (1, 2, 3, 4) for k in (1, 2, 3)]
    first = [0.1 * (j + k) * (-1) ** (j + k) for j, k in indices]
    second = [0.1 * (j - k) for j in (1, 2, 3, 4) for k in (1, 2, 3, 4)]
    give(network, [*first, *second, 0.4, -0.3, 0.2, -0.1])
    y = network([1.0, -1.0, 0.5])
    assert y.data == pytest.approx(0.078718268831, rel=0, abs=5.1e-13)
    error = losses.squared_error(y, 0.5, half=True)
    assert error.data == pytest.approx(0.088739148508, rel=0, abs=5.1e-13)
    error.backward()
    assert y.grad == pytest.approx(-0.421281731169, rel=0, abs=5.1e-13)
    w12 = network.layers[0].neurons[0].w[1]
    assert explain(error, w12).count == 4  # as on the slide: a square is one gate
    assert w12.grad == pytest.approx(-0.000452264926, rel=0, abs=5.1e-13)
    last = [w.grad for w in network.layers[2].neurons[0].w]
    printed = [-0.185630586233, -0.205582874880, -0.225626394002, -0.245400822620]
    assert last == pytest.approx(printed, rel=0, abs=5.1e-13)
