"""Neurons, layers and networks: the same numbers as micrograd, and what is new: activations, initialisations, refusals."""

import hashlib
import math
import os
import random
import statistics
import subprocess
import sys

import micrograd.engine
import micrograd.nn
import numpy as np
import pytest
from sklearn.datasets import make_moons

import micrograd_plus.engine
import micrograd_plus.nn
from micrograd_plus import Value, ops
from micrograd_plus.nn import MLP, Layer, Module, Neuron, activations

BOTH = (micrograd, micrograd_plus)
NEAR = {"rel": 1e-9, "abs": 1e-12}


# micrograd's numbers. -------------------------------------------------------------------------------------------------
def readme_example(V):
    a, b = V(-4.0), V(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g, (a, b)


def sanity_check(V):
    x = V(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    return h + q + q * x, (x,)


def more_operators(V):
    a, b = V(-4.0), V(2.0)
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    return g + 10.0 / f, (a, b)


@pytest.mark.parametrize("expression", [readme_example, sanity_check, more_operators])
def test_micrograd_s_expressions_give_its_numbers(expression):
    found = []
    for package in BOTH:
        out, leaves = expression(package.engine.Value)
        out.backward()
        found.append([out.data, *(leaf.grad for leaf in leaves)])
    assert found[1] == pytest.approx(found[0], **NEAR)


def test_the_readme_s_printed_numbers():
    g, (a, b) = readme_example(Value)
    g.backward()
    assert [f"{x:.4f}" for x in (g.data, a.grad, b.grad)] == ["24.7041", "138.8338", "645.5773"]


@pytest.mark.parametrize("sizes", [[1], [3], [4, 4, 1], [16, 16, 1], [2, 3]])
def test_a_seeded_network_is_micrograd_s(sizes):
    inputs = [0.3, -1.25, 2.0]
    found = []
    for package in BOTH:
        random.seed(1337)
        model = package.nn.MLP(3, sizes)
        following = random.random()
        out = model([package.engine.Value(x) for x in inputs])
        outputs = out if isinstance(out, list) else [out]
        sum(y * y for y in outputs).backward()
        parameters = model.parameters()
        found.append((repr(model), following, [p.data for p in parameters], [y.data for y in outputs],
                      [p.grad for p in parameters]))
    theirs, ours = found
    assert ours[:3] == theirs[:3]
    assert ours[3] == pytest.approx(theirs[3], **NEAR)
    assert ours[4] == pytest.approx(theirs[4], **NEAR)


def test_names_of_micrograd_s_neurons():
    assert repr(Neuron(2)) == repr(micrograd.nn.Neuron(2)) == "ReLUNeuron(2)"
    assert repr(Neuron(2, nonlin=False)) == repr(micrograd.nn.Neuron(2, nonlin=False)) == "LinearNeuron(2)"
    assert repr(Neuron(3, activation="tanh")) == "TanhNeuron(3)"


def test_micrograd_s_demo_trains_to_the_same_losses():
    """The training loop of its demo.ipynb, where only the import is another."""
    random.seed(1337)
    np.random.seed(1337)  # noqa: NPY002  # as the demo does
    X, y = make_moons(n_samples=100, noise=0.1)
    y = y * 2 - 1
    model = MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337

    def loss():
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores)]
        return data_loss + reg_loss, sum(accuracy) / len(accuracy)

    history = []
    for k in range(100):
        total_loss, accuracy = loss()
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        history.append(total_loss.data)
    assert history[0] == pytest.approx(0.8958441028683222, abs=1e-9)
    assert history[-1] == pytest.approx(0.010978370135492717, abs=1e-9)
    assert accuracy == 1.0


TRAINING = """
import random
from micrograd_plus.nn import MLP
model = MLP(2, [4, 1], activation="tanh", rng=random.Random(1))
data = [((x, y), float(x != y)) for x in (0.0, 1.0) for y in (0.0, 1.0)]
for _ in range(5):
    loss = sum((model(inputs) - target) ** 2 for inputs, target in data)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
print([p.data.hex() for p in model.parameters()])
"""


def test_ten_trainings_give_one_weight_hash():
    runs = [subprocess.Popen([sys.executable, "-c", TRAINING], stdout=subprocess.PIPE,
                             env={**os.environ, "PYTHONHASHSEED": str(seed)}) for seed in range(10)]
    outputs = [run.communicate()[0] for run in runs]
    assert {run.returncode for run in runs} == {0}
    assert len({hashlib.sha256(output).hexdigest() for output in outputs}) == 1
    assert outputs[0].count(b"0x") == 17


# Initialisation. ------------------------------------------------------------------------------------------------------
def test_he_initialisation_has_variance_two_over_fan_in():
    layer = Layer(50, 200, init="he", rng=random.Random(0))
    weights = [w.data for neuron in layer.neurons for w in neuron.w]
    assert statistics.fmean(weights) == pytest.approx(0.0, abs=0.01)
    assert statistics.pvariance(weights) == pytest.approx(2 / 50, rel=0.05)
    assert {neuron.b.data for neuron in layer.neurons} == {0.0}


def test_uniform_initialisation_fills_the_interval():
    weights = [w.data for w in Neuron(10_000, rng=random.Random(0)).w]
    assert -1 <= min(weights) < -0.99
    assert 0.99 < max(weights) <= 1
    assert statistics.pvariance(weights) == pytest.approx(1 / 3, rel=0.05)


@pytest.mark.parametrize("init", ["uniform", "he"])
def test_an_rng_of_its_own_leaves_the_module_random_alone(init):
    random.seed(5)
    before = random.getstate()
    models = [MLP(3, [4, 1], init=init, rng=random.Random(42)) for _ in range(2)]
    other = MLP(3, [4, 1], init=init, rng=random.Random(43))
    assert random.getstate() == before
    weights = [[p.data for p in model.parameters()] for model in (*models, other)]
    assert weights[0] == weights[1] != weights[2]


# Activations. ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", activations())
def test_an_activation_by_name_is_applied_to_the_total_input(name):
    neuron = Neuron(2, activation=name, rng=random.Random(3))
    inputs = [0.5, 0.75]
    total = neuron.b.data + neuron.w[0].data * inputs[0] + neuron.w[1].data * inputs[1]
    expected = activations()[name](total)
    assert neuron(inputs).data == pytest.approx(expected, rel=0, abs=0, nan_ok=True)


def test_every_smooth_row_of_one_operand_is_an_activation():
    rows = {row.name for row in ops.primitives() if row.arity == 1 and row.gate != "blocks"}
    assert set(activations()) == rows | {"leaky_relu", "linear"}


def test_a_function_serves_as_an_activation():
    neuron = Neuron(1, activation=lambda x: x * x + 1)
    neuron.w[0].data = 3.0
    assert neuron([2.0]).data == 37.0


def test_the_last_layer_of_a_network_is_linear():
    model = MLP(2, [3, 2], activation="sigmoid")
    assert [[n.nonlin for n in layer.neurons] for layer in model.layers] == [[True] * 3, [False] * 2]
    assert all(out.primitive is ops.dot_row for out in model([1.0, 2.0]))


@pytest.mark.parametrize("inputs", [[1, 2, 3], np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0]), (True, Value(2), 3.0)],
                         ids=["int", "array of int", "array of float", "mixed"])
def test_a_neuron_takes_numbers_of_any_kind(inputs):
    neuron = Neuron(3, nonlin=False)
    neuron(inputs).backward()
    assert [w.grad for w in neuron.w] == [float(x.data if isinstance(x, Value) else x) for x in inputs]


def test_a_linear_neuron_is_one_gate():
    neuron = Neuron(3, nonlin=False)
    out = neuron([1.0, 2.0, 3.0])
    assert out.primitive is ops.dot_row
    assert math.isclose(out.data, ops.dot([w.data for w in neuron.w], [1.0, 2.0, 3.0], neuron.b.data))


# Refusals and gradients. ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("inputs", [[], [1.0], [1.0, 2.0, 3.0]])
def test_a_wrong_number_of_inputs_is_an_error_with_both_lengths(inputs):
    for callee in (Neuron(2), Layer(2, 3), MLP(2, [3, 1])):
        with pytest.raises(ValueError, match=f"2 inputs.* got {len(inputs)}"):
            callee(inputs)


def test_dot_refuses_lengths_that_differ():
    with pytest.raises(ValueError, match="2 and 3"):
        ops.dot([1.0, 2.0], [Value(1.0), 2.0, 3.0])


@pytest.mark.parametrize(("keywords", "named"), [({"activation": "rleu"}, "rleu.*relu"), ({"init": "hee"}, "hee.*he")])
def test_an_unknown_name_is_refused_with_the_names_there_are(keywords, named):
    with pytest.raises(ValueError, match=named):
        MLP(2, [3, 1], **keywords)


def test_a_neuron_without_inputs_is_refused():
    with pytest.raises(ValueError, match="at least one input, not 0"):
        Neuron(0)


def test_zero_grad_forgets_the_gradients():
    model = MLP(2, [3, 1], rng=random.Random(0), activation="tanh")
    model([1.0, -1.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert {p.grad for p in model.parameters()} == {0.0}


def test_a_module_of_one_s_own():
    class Scale(Module):
        def __init__(self):
            self.factor = Value(2.0)

        def parameters(self):
            return [self.factor]

    scale = Scale()
    (scale.factor * 3).backward()
    assert scale.factor.grad == 3.0
    scale.zero_grad()
    assert scale.factor.grad == 0.0
    assert Module().parameters() == []
