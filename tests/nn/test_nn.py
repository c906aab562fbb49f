"""Neurons, layers and networks: the same numbers as micrograd, and what is new:
activations, initialisations, refusals.
"""

import array
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

import micrograd_plus.engine
import micrograd_plus.nn
from micrograd_plus import Value, ops
from micrograd_plus.nn import MLP, Adaline, Layer, Module, Neuron, Perceptron, activations

BOTH = (micrograd, micrograd_plus)
NEAR = {"rel": 1e-9, "abs": 1e-12}


# micrograd's numbers. -----------------------------------------------------------------------------
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
        found.append(
            (
                following,
                [p.data for p in parameters],
                [y.data for y in outputs],
                [p.grad for p in parameters],
            )
        )
    theirs, ours = found
    assert ours[:2] == theirs[:2]
    assert ours[2] == pytest.approx(theirs[2], **NEAR)
    assert ours[3] == pytest.approx(theirs[3], **NEAR)


def test_names_of_micrograd_s_neurons():
    assert repr(Neuron(2)) == repr(micrograd.nn.Neuron(2)) == "ReLUNeuron(2)"
    assert (
        repr(Neuron(2, nonlin=False))
        == repr(micrograd.nn.Neuron(2, nonlin=False))
        == "LinearNeuron(2)"
    )
    assert repr(Neuron(3, activation="tanh")) == "TanhNeuron(3)"


def test_a_model_says_in_a_line_how_it_is_made_and_how_many_parameters_it_has():
    assert repr(MLP(2, [16, 16, 1])) == "MLP(2, [16, 16, 1]) with 337 parameters"
    assert repr(Layer(2, 16, activation="tanh")) == (
        "Layer(2, 16, activation='tanh') with 48 parameters"
    )
    network = MLP(2, [4, 3], activation="maxout", pieces=3, output="softmax", dropout=0.5)
    assert repr(network) == (
        "MLP(2, [4, 3], activation='maxout', pieces=3, output='softmax', dropout=0.5) "
        "with 51 parameters"
    )
    for line in (repr(network), repr(network.layers[0]), repr(MLP(2, [1]))):
        made = eval(line.partition(" with ")[0])
        assert repr(made) == line


def test_a_model_that_no_call_makes_lists_its_parts():
    network = MLP(2, [2, 2, 1])
    network.layers[0].neurons[0].activation = "tanh"
    assert repr(network.layers[0]) == "Layer of [TanhNeuron(2), ReLUNeuron(2)]"
    assert repr(network).startswith("MLP of [Layer of [TanhNeuron(2), ReLUNeuron(2)], Layer(2, 2)")
    network.layers[0].neurons[1].activation = "tanh"
    assert repr(network).startswith("MLP of [Layer(2, 2, activation='tanh') with 6 parameters, ")
    network.layers.clear()
    assert repr(network) == "MLP of []"


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
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINING],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        )
        for seed in range(10)
    ]
    outputs = [run.communicate()[0] for run in runs]
    assert {run.returncode for run in runs} == {0}
    assert len({hashlib.sha256(output).hexdigest() for output in outputs}) == 1
    assert outputs[0].count(b"0x") == 17


# Initialisation. ----------------------------------------------------------------------------------
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


# Activations. -------------------------------------------------------------------------------------
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
    assert [[n.nonlin for n in layer.neurons] for layer in model.layers] == [
        [True] * 3,
        [False] * 2,
    ]
    assert all(out.primitive is ops.dot_row for out in model([1.0, 2.0]))


@pytest.mark.parametrize(
    "inputs",
    [[1, 2, 3], np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0]), (True, Value(2), 3.0)],
    ids=["int", "array of int", "array of float", "mixed"],
)
def test_a_neuron_takes_numbers_of_any_kind(inputs):
    neuron = Neuron(3, nonlin=False)
    neuron(inputs).backward()
    assert [w.grad for w in neuron.w] == [
        float(x.data if isinstance(x, Value) else x) for x in inputs
    ]


def test_a_linear_neuron_is_one_gate():
    neuron = Neuron(3, nonlin=False)
    out = neuron([1.0, 2.0, 3.0])
    assert out.primitive is ops.dot_row
    assert math.isclose(
        out.data, ops.dot([w.data for w in neuron.w], [1.0, 2.0, 3.0], neuron.b.data)
    )


# Refusals and gradients. --------------------------------------------------------------------------
@pytest.mark.parametrize("inputs", [[], [1.0], [1.0, 2.0, 3.0]])
def test_a_wrong_number_of_inputs_is_an_error_with_both_lengths(inputs):
    for callee in (Neuron(2), Layer(2, 3), MLP(2, [3, 1])):
        with pytest.raises(ValueError, match=f"2 inputs.* got {len(inputs)}"):
            callee(inputs)


def test_dot_refuses_lengths_that_differ():
    with pytest.raises(ValueError, match="2 and 3"):
        ops.dot([1.0, 2.0], [Value(1.0), 2.0, 3.0])


@pytest.mark.parametrize(
    ("keywords", "named"), [({"activation": "rleu"}, "rleu.*relu"), ({"init": "hee"}, "hee.*he")]
)
def test_an_unknown_name_is_refused_with_the_names_there_are(keywords, named):
    with pytest.raises(ValueError, match=named):
        MLP(2, [3, 1], **keywords)


def test_a_neuron_without_inputs_is_refused():
    with pytest.raises(
        ValueError, match="number of inputs of a neuron, is a whole number of at least 1, not 0"
    ):
        Neuron(0)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda: Neuron(3, nonlin="sigmoid"),
            TypeError,
            "True or False, not 'sigmoid': .* activation='sigmoid'",
        ),
        (lambda: Neuron(3, "tanh"), TypeError, "activation='tanh'"),
        (lambda: Neuron(3, nonlin=ops.tanh), TypeError, "activation=<primitive tanh>"),
        (lambda: Neuron(3, nonlin=None), TypeError, "nonlin, .* is True or False, not None"),
        (lambda: Neuron(3, nonlin=2), TypeError, "True or False, not 2"),
        (lambda: Neuron(3, nonlin=[]), TypeError, "True or False, not \\[\\]"),
        (lambda: Layer(2, 3, nonlin="tanh"), TypeError, "activation='tanh'"),
        (lambda: MLP(2, [2, 1], nonlin=False), TypeError, 'no option nonlin.* activation="linear"'),
        (
            lambda: MLP(2, [2, 1], activaton="tanh"),
            TypeError,
            "no option activaton; there are: activation, init",
        ),
        (
            lambda: MLP(2, [2, 1], False),
            TypeError,
            "activation goes by its name, not by False; there are: .*relu",
        ),
        (lambda: MLP(2, [2, 1], None), TypeError, '"linear" leaves it out'),
        (lambda: MLP(2, [2, 1], activation=0.5), TypeError, "activation goes by its name"),
        (
            lambda: MLP(2, 16),
            TypeError,
            r"sizes of an MLP's layers are a list, as in MLP\(2, \[16, 1\]\), not 16",
        ),
        (lambda: MLP(2, 16, 1), TypeError, r"MLP\(2, \[16, 1\]\)"),
        (lambda: MLP(2, None), TypeError, "a list, .* not None"),
        (lambda: MLP(2, {3, 1}), TypeError, "are a list"),
        (lambda: MLP(2, {3: 1}), TypeError, "are a list"),
        (lambda: MLP(2, "31"), TypeError, "size of layer 0 of an MLP is a whole number, not '3'"),
        (
            lambda: MLP(2, [3, 1.0]),
            TypeError,
            "size of layer 1 of an MLP is a whole number, not 1.0",
        ),
        (lambda: MLP(2, [3, True]), TypeError, "layer 1 .* not True"),
        (lambda: MLP(2, [3, 0]), ValueError, "layer 1 .* not 0"),
        (
            lambda: MLP([2], [1]),
            TypeError,
            "number of inputs of an MLP, is a whole number, not \\[2\\]",
        ),
        (lambda: MLP(True, [1]), TypeError, "not True"),
        (lambda: MLP(0, [1]), ValueError, "at least 1, not 0"),
        (lambda: Neuron(2.0), TypeError, "nin, .* is a whole number, not 2.0"),
        (lambda: Neuron("2"), TypeError, "not '2'"),
        (lambda: Neuron(2, nout=0), ValueError, "nout"),
        (lambda: Layer(2, 0), ValueError, "nout, .* at least 1, not 0"),
        (lambda: Layer(2, 1.5), TypeError, "nout"),
        (lambda: Layer(2, [3]), TypeError, "nout"),
        (lambda: Neuron(2, pieces=2.5), TypeError, "pieces"),
        (
            lambda: MLP(2, [2, 1], rng=0),
            TypeError,
            r"rng is a generator .* as random.Random\(0\) has, not 0",
        ),
        (lambda: MLP(2, [2, 1], init="he", rng=np.random.default_rng(0)), TypeError, "gauss"),
        (
            lambda: MLP(2, [2, 1], init=None),
            TypeError,
            "initialisation goes by its name, not by None; there are: uniform",
        ),
        (lambda: MLP(2, [2, 1], output=ops.tanh), TypeError, "output goes by its name"),
        (lambda: MLP(2, [2, 1], output=[1]), TypeError, "output goes by its name"),
        (lambda: MLP(2, [2, 1], output="softmaxx"), ValueError, "no output is called 'softmaxx'"),
        (lambda: MLP(2, [2, 1], dropout="0.5"), TypeError, "dropout, .* is a number, not '0.5'"),
        (lambda: MLP(2, [2, 1], dropout=True), TypeError, "not True"),
        (lambda: MLP(2, [2], classes=2), TypeError, "classes are listed"),
        (
            lambda: MLP(2, [2], classes={"a", "b"}),
            TypeError,
            r"classes are listed in their order, as in range\(3\)",
        ),
        (lambda: Perceptron(2.0), TypeError, "nin"),
        (lambda: Adaline("2"), TypeError, "nin"),
        (lambda: Perceptron(2, None), TypeError, "tells classes apart"),
        (lambda: Perceptron(2, 3), TypeError, "classes are"),
        (
            lambda: Perceptron(2).fit([[0.0, 1.0]], [1], passes=2.5),
            TypeError,
            "passes, .* is a whole number",
        ),
        (
            lambda: Perceptron(2).fit([[0.0, 1.0]], [1], passes=0),
            ValueError,
            "passes, .* at least 1",
        ),
        (lambda: Perceptron(2).fit([[0.0, 1.0]], [1], rng=0), TypeError, "rng is a generator"),
        (
            lambda: Adaline(2).fit([[0.0, 1.0]], [1], rate="fast"),
            TypeError,
            "rate, .* is a number, not 'fast'",
        ),
        (lambda: Adaline(2).fit([[0.0, 1.0]], [1], rng=0), TypeError, "rng is a generator"),
        (
            lambda: MLP(2, [2, 1], dropout=0.5, init="zero").masks(rng=0),
            TypeError,
            "rng is a generator",
        ),
    ],
)
def test_an_option_of_another_kind_is_refused_by_its_name(make, error, words):
    state = random.getstate()
    with pytest.raises(error, match=words):
        make()
    assert random.getstate() == state


def test_options_may_be_numpy_s_numbers_and_sizes_anything_in_order():
    numbers = [
        repr(MLP(np.int64(2), sizes))
        for sizes in ([3, 1], (3, 1), np.array([3, 1]), iter([3, 1]), range(3, 0, -2))
    ]
    assert set(numbers) == {repr(MLP(2, [3, 1]))}
    assert (
        repr(Neuron(2, nonlin=np.bool_(False)))
        == repr(Neuron(2, nonlin=0))
        == repr(Neuron(2, nonlin=False))
    )
    assert len(MLP(2, [3, 1], rng=np.random.default_rng(0)).parameters()) == 13


def test_an_activation_may_be_set_and_is_what_the_neuron_then_has():
    neuron = Neuron(1, init="zero")
    neuron.b.data = -2.0
    assert (neuron([0.0]).data, neuron.activation, repr(neuron)) == (0.0, "relu", "ReLUNeuron(1)")
    neuron.activation = "tanh"
    assert (neuron([0.0]).data, repr(neuron)) == (math.tanh(-2.0), "TanhNeuron(1)")
    neuron.nonlin = False
    assert (neuron([0.0]).data, neuron.activation, repr(neuron)) == (
        -2.0,
        "linear",
        "LinearNeuron(1)",
    )
    neuron.activation = lambda x: x * x
    assert (neuron([0.0]).data, neuron.nonlin) == (4.0, True)
    for wrong, error in (
        ("tanhh", ValueError),
        (None, TypeError),
        (3, TypeError),
        ("maxout", ValueError),
    ):
        with pytest.raises(error):
            neuron.activation = wrong
    assert neuron([0.0]).data == 4.0
    maxout = Neuron(1, activation="maxout")
    with pytest.raises(ValueError, match="maxout neuron has weights that others have not"):
        maxout.activation = "tanh"


def test_an_output_may_be_set_and_is_what_the_network_then_gives():
    model = MLP(1, [2], init="zero")
    model.output = "softmax"
    assert [p.data for p in model([1.0])] == [0.5, 0.5]
    assert model.architecture()["output"] == "softmax"
    for wrong, error in (("softmaxx", ValueError), (None, TypeError)):
        with pytest.raises(error):
            model.output = wrong
    model.output = "linear"
    assert [p.data for p in model([1.0])] == [0.0, 0.0]
    with pytest.raises(ValueError, match="softmax of one output"):
        MLP(1, [1]).output = "softmax"


# Calls that were meant otherwise. -----------------------------------------------------------------
CALLED = {
    "Neuron": lambda: Neuron(3),
    "Layer": lambda: Layer(3, 2),
    "MLP": lambda: MLP(3, [4, 1]),
    "Perceptron": lambda: Perceptron(3),
    "Adaline": lambda: Adaline(3),
    "MLP.totals": lambda: MLP(3, [4, 1]).totals,
}
every_model = pytest.mark.parametrize("model", CALLED)
ROWS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]


@every_model
@pytest.mark.parametrize(
    "batch",
    [
        ROWS,
        ROWS[:2],
        ROWS[:1],
        tuple(map(tuple, ROWS)),
        list(map(np.array, ROWS)),
        [[1.0], [2.0], [3.0]],
        [list(map(Value, row)) for row in ROWS],
        np.array(ROWS),
        np.array(ROWS[:1]),
        np.array(ROWS)[:, :1],
        np.empty((0, 3)),
        np.array(ROWS)[None],
    ],
    ids=repr,
)
def test_a_batch_is_refused_with_what_takes_one(model, batch):
    with pytest.raises(
        TypeError,
        match=rf"one example at a time, 3 numbers.* batch of {len(batch)}: .* training.outputs",
    ):
        CALLED[model]()(batch)


@every_model
@pytest.mark.parametrize(
    "inputs", [(1.0, 2.0), (1.0, 2.0, 3.0), (Value(1.0), Value(2.0)), (1, [2], 3, 4)]
)
def test_inputs_one_by_one_are_refused_with_the_list_that_was_meant(model, inputs):
    if len(inputs) > 2 and "totals" in model:
        return
    with pytest.raises(
        TypeError, match=r"takes its inputs in one list: model\(\[.*\]\), not model\(.*\)"
    ):
        CALLED[model]()(*inputs)


@every_model
@pytest.mark.parametrize(
    "inputs",
    [1.0, 3, np.array(1.0), np.float64(1.0), None, iter([1.0, 2.0, 3.0])],
    ids=lambda inputs: type(inputs).__name__,
)
def test_what_is_no_list_of_inputs_is_refused(model, inputs):
    with pytest.raises(
        TypeError, match=r"takes its inputs in a list, a single one, too: model\(\["
    ):
        CALLED[model]()(inputs)


@every_model
@pytest.mark.parametrize("inputs", ["abc", b"abc", {1.0, 2.0, 3.0}, {1: 1, 2: 2, 3: 3}], ids=repr)
def test_what_has_no_order_or_no_numbers_is_refused(model, inputs):
    with pytest.raises(TypeError, match=r"in a list or an array, not in a (str|bytes|set|dict)"):
        CALLED[model]()(inputs)


@every_model
def test_an_input_that_is_no_number_is_refused(model):
    with pytest.raises(TypeError, match=r"3 numbers or Values: .* str"):
        CALLED[model]()([1.0, "2", 3.0])


@every_model
@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        np.array,
        lambda row: np.array(row, dtype=int),
        np.ma.array,
        lambda row: list(map(Value, row)),
        lambda row: array.array("d", row),
    ],
)
def test_inputs_may_be_lists_tuples_and_arrays_of_one_axis(model, make):
    called = CALLED[model]()
    assert str(called(make(ROWS[0]))) == str(called(ROWS[0]))


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
