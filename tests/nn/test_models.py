"""Networks against exact oracles: maxout, initialisation, output functions,
backpropagation by hand, prediction.
"""

import copy
import itertools
import math
import pickle
import random
import statistics

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from micrograd_plus import Value, gradcheck, ops, record
from micrograd_plus.nn import MLP, Adaline, Layer, Module, Neuron, Perceptron, activations, linear
from micrograd_plus.nn.modules import Predictor

BITS, SAME = [(0, 0), (0, 1), (1, 0), (1, 1)], [1, 0, 0, 1]


def data(model):
    return [p.data for p in model.parameters()]


def give(module, numbers):
    for p, number in zip(module.parameters(), numbers, strict=True):
        p.data = number


# Activations: maxout beside those of test_nn. -----------------------------------------------------
@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "relu", "leaky_relu", "hard_tanh", "softplus", "silu", "linear"]
)
def test_the_lectures_activations_in_a_network(name):
    model = MLP(2, [3, 1], activation=name, output=name, rng=random.Random(1))
    f, inputs = activations()[name], [0.5, -0.75]
    hidden = [f(ops.dot([w.data for w in n.w], inputs, n.b.data)) for n in model.layers[0].neurons]
    out = model.layers[1].neurons[0]
    assert model(inputs).data == f(ops.dot([w.data for w in out.w], hidden, out.b.data))
    assert model.totals(inputs).data == ops.dot([w.data for w in out.w], hidden, out.b.data)


def test_maxout_is_the_largest_of_its_pieces():
    neuron = Neuron(2, activation="maxout", pieces=3, rng=random.Random(0))
    assert repr(neuron) == "MaxoutNeuron(2)"
    assert len(neuron.parameters()) == 3 * (2 + 1)
    pieces = [neuron.parameters()[i : i + 3] for i in (0, 3, 6)]
    for x in itertools.product((-2.0, 0.5, 3.0), repeat=2):
        totals = [ops.dot([w1.data, w2.data], x, b.data) for w1, w2, b in pieces]
        neuron.zero_grad()
        out = neuron(x)
        out.backward()
        assert out.data == max(totals)
        found = [[p.grad for p in piece] for piece in pieces]
        assert found == [[*x, 1.0] if total == max(totals) else [0.0] * 3 for total in totals]


@pytest.mark.parametrize(
    ("slopes", "known"), [((1.0, -1.0), abs), ((1.0, 0.0), ops.relu), ((1.0, 0.01), ops.leaky_relu)]
)
def test_maxout_can_be_other_activations(slopes, known):
    neuron = Neuron(1, activation="maxout")
    give(neuron, [slopes[0], 0.0, slopes[1], 0.0])
    assert [neuron([x]).data for x in (-3.0, -0.5, 0.0, 2.0)] == [
        known(x) for x in (-3.0, -0.5, 0.0, 2.0)
    ]


@pytest.mark.parametrize("activation", ["maxout", "silu", "softplus"])
def test_gradients_of_a_network(activation):
    model = MLP(2, [3, 2], activation=activation, output="softmax", rng=random.Random(3))
    gradcheck(lambda x, y: ops.logsumexp(model.totals([x, y])) - model.totals([x, y])[1], 0.3, -0.7)


@pytest.mark.parametrize(
    ("activation", "output"),
    [("maxout", "softmax"), ("threshold", "sigmoid"), ("silu", "threshold")],
)
def test_a_tape_of_a_network_has_its_bits(activation, output):
    model = MLP(2, [3, 2], activation=activation, output=output, rng=random.Random(3))
    tape = record(model, [0.3, -0.7], parameters=model)
    rows = [[x / 4, y / 4] for x in range(-4, 4) for y in range(-4, 4)]
    assert tape.values(rows).tolist() == [[out.data for out in model(row)] for row in rows]


def test_pieces_are_drawn_after_one_another_from_the_same_rng():
    drawn = random.Random(5)
    expected = [[drawn.uniform(-1, 1), 0.0] for _ in range(3)]
    assert data(Neuron(1, activation="maxout", pieces=3, rng=random.Random(5))) == list(
        itertools.chain(*expected)
    )


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({"activation": "maxout", "pieces": 1}, "pieces, .* at least 2, not 1"),
        ({"output": "sofmax"}, "sofmax.*softmax"),
        ({"output": "maxout"}, "no output is called"),
        ({"dropout": 1.0}, "not 1.0"),
        ({"dropout": -0.1}, "not -0.1"),
        ({"dropout": math.nan}, "not nan"),
        ({"output": "softmax"}, "always 1"),
        ({"classes": (0, 1, 2)}, "1 output.*not 3"),
        ({"classes": (1, 1)}, "differ"),
        ({"classes": ["a"]}, "two classes"),
        ({"classes": (0, math.nan)}, "not nan"),
        ({"classes": (0, None)}, "not None"),
        ({"nonlin": False}, "nonlin"),
    ],
)
def test_a_network_that_cannot_be_is_refused(keywords, reason):
    with pytest.raises((ValueError, TypeError), match=reason):
        MLP(2, [2, 1], **keywords)


def test_a_network_of_no_layers_gives_its_inputs_as_micrograd_s():
    assert MLP(2, [])([1.0, 2.0]) == [1.0, 2.0]


# Initialisation (Glorot & Bengio 2010). -----------------------------------------------------------
@pytest.mark.parametrize(("nin", "nout"), [(50, 200), (200, 50), (100, 100)])
def test_xavier_initialisation_has_variance_two_over_the_sum_of_the_fans(nin, nout):
    layer = Layer(nin, nout, init="xavier", rng=random.Random(0))
    weights = [w.data for neuron in layer.neurons for w in neuron.w]
    reach = math.sqrt(6 / (nin + nout))
    assert statistics.fmean(weights) == pytest.approx(0.0, abs=0.01 * reach)
    assert statistics.pvariance(weights) == pytest.approx(2 / (nin + nout), rel=0.05)
    assert 0.99 * reach < max(map(abs, weights)) <= reach
    assert {neuron.b.data for neuron in layer.neurons} == {0.0}


@pytest.mark.parametrize("activation", ["tanh", "linear"])
def test_xavier_keeps_the_size_of_signals_and_gradients_through_ten_layers(activation):
    rng = random.Random(0)
    model = MLP(30, [30] * 10, activation=activation, init="xavier", rng=rng)
    inputs = [Value(0.1 * rng.gauss(0, 1)) for _ in range(30)]
    outputs = model(inputs)
    ops.sum([rng.choice((-1.0, 1.0)) * out for out in outputs]).backward()
    size = math.hypot(*(v.data for v in outputs)) / math.hypot(*(v.data for v in inputs))
    assert 0.2 < size < 5
    assert 0.2 < math.hypot(*(v.grad for v in inputs)) / math.sqrt(30) < 5


def test_zero_initialisation_draws_nothing():
    state = random.getstate()
    assert set(data(MLP(2, [3, 1], init="zero"))) == {0.0}
    assert random.getstate() == state


# Output functions. --------------------------------------------------------------------------------
def test_softmax_outputs_are_probabilities_and_the_largest_total_wins():
    model = MLP(1, [3], output="softmax")
    give(model, [1.0, 0.0, 1.0, 1.0, 1.0, 2.0])
    assert model.classes == (0, 1, 2)
    for x in (0.0, 1000.0, -1e300):  # RWTH: a = (1000, 1001, 1002) gives no nan
        found = [p.data for p in model([x])]
        assert found == ops.softmax([x, x + 1.0, x + 2.0])
        assert sum(found) == pytest.approx(1.0, rel=1e-15)
    assert model.predict([[0.0], [1000.0]]) == [2, 2]
    assert "output='softmax'" in repr(model)


def test_a_class_is_decided_before_anything_saturates():
    model = MLP(1, [2], output="sigmoid", classes=("no", "yes"))
    give(model, [1.0, 0.0, 1.0, 1.0])
    assert [v.data for v in model([100.0])] == [1.0, 1.0]
    assert model.predict([[100.0]]) == ["yes"]


def test_default_classes():
    known = {
        ("linear", 1): None,
        ("linear", 2): None,
        ("tanh", 1): None,
        ("sigmoid", 1): (0, 1),
        ("sigmoid", 2): None,
        ("threshold", 1): (0, 1),
        ("softmax", 2): (0, 1),
        ("softmax", 4): (0, 1, 2, 3),
    }
    assert {(output, n): MLP(2, [3, n], output=output).classes for output, n in known} == known


# Backpropagation by hand (Stone; Sharif 78-84; RWTH; Lund; Edinburgh). ----------------------------
def weights_of(layer):
    return [[w.data for w in n.w] for n in layer.neurons], [n.b.data for n in layer.neurons]


def activities(model, x):
    """The activities of every layer, from the inputs on, of sigmoid units below linear ones."""
    found = [list(x)]
    for i, layer in enumerate(model.layers):
        w, b = weights_of(layer)
        totals = [ops.dot(wj, found[-1], bj) for wj, bj in zip(w, b)]
        found.append([ops.sigmoid(t) for t in totals] if i < len(model.layers) - 1 else totals)
    return found


def deltas(model, a, last):
    """δ of every layer from that of the last: δ_j = a_j·(1 − a_j)·Σ_k δ_k·w_kj."""
    found = [last]
    for layer, units in zip(model.layers[:0:-1], a[-2:0:-1]):
        w, _ = weights_of(layer)
        found.append(
            [
                u * (1 - u) * sum(d * wk[j] for d, wk in zip(found[-1], w))
                for j, u in enumerate(units)
            ]
        )
    return found[::-1]


@pytest.mark.parametrize(
    ("sizes", "loss"),
    [
        ([2, 2, 1], "squares"),  # Stone's network for XOR
        ([3, 4, 4, 1], "squares"),  # Lund's
        # Edinburgh's: g(2) = y − t, AffineLayer.bprop and SigmoidLayer.bprop
        ([4, 3, 3], "cross-entropy"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_deltas_by_hand_are_the_gradients(sizes, loss, seed):
    rng = random.Random(seed)
    nin, *nouts = sizes
    model = MLP(
        nin,
        nouts,
        activation="sigmoid",
        rng=rng,
        output="linear" if loss == "squares" else "softmax",
    )
    for layer in model.layers:
        for neuron in layer.neurons:
            neuron.b.data = rng.uniform(-1, 1)
    x = [rng.uniform(-2, 2) for _ in range(nin)]
    a = activities(model, x)
    # J = ½·(ŷ − y)²; the δ of the last unit is ŷ − y (Lund's slide has the sign the other way)
    if loss == "squares":
        target = 0.3
        last = [a[-1][0] - target]
        error = 0.5 * (model(x) - target) ** 2
    else:
        target = 1
        last = [y - (k == target) for k, y in enumerate(ops.softmax(a[-1]))]
        error = -ops.log(model(x)[target])
    error.backward()
    for layer, units, delta in zip(model.layers, a[:-1], deltas(model, a, last), strict=True):
        for neuron, d in zip(layer.neurons, delta, strict=True):
            assert neuron.b.grad == pytest.approx(d, rel=1e-12, abs=1e-15)
            assert [w.grad for w in neuron.w] == pytest.approx(
                [d * u for u in units], rel=1e-12, abs=1e-15
            )


def test_cross_entropy_from_total_inputs():
    model = MLP(2, [3], output="softmax", rng=random.Random(2))
    x, target = [0.5, -1.0], 2
    totals = model.totals(x)
    (ops.logsumexp(totals) - totals[target]).backward()
    y = [p.data for p in model(x)]
    assert [n.b.grad for n in model.layers[0].neurons] == pytest.approx(
        [y[k] - (k == target) for k in range(3)], rel=1e-14
    )


def test_an_l2_loss_on_a_sigmoid_has_next_to_no_gradient_when_confidently_wrong():
    """RWTH, Another Note on Error Functions: do not use it;
    cross-entropy keeps a gradient of nearly 1.
    """
    model = MLP(1, [1], output="sigmoid")
    give(model, [10.0, 0.0])
    ((model([-2.0]) - 1.0) ** 2).backward()
    assert 0 < -model.layers[0].neurons[0].b.grad < 1e-8
    model.zero_grad()
    ops.softplus(-model.totals([-2.0])).backward()
    assert -1 < model.layers[0].neurons[0].b.grad < -1 + 1e-8


def test_a_4_4_network_is_four_4_1_networks():
    layer = Layer(4, 4, nonlin=False, rng=random.Random(0))
    x = [0.25, -1.0, 2.0, 0.5]
    singles = [Neuron(4, nonlin=False) for _ in range(4)]
    for single, neuron in zip(singles, layer.neurons):
        give(single, data(neuron))
    outputs = layer(x)
    assert [v.data for v in outputs] == [single(x).data for single in singles]
    ops.sum([v * v for v in outputs]).backward()
    for single, neuron in zip(singles, layer.neurons):
        (single(x) ** 2).backward()
        assert [p.grad for p in single.parameters()] == [p.grad for p in neuron.parameters()]


def test_a_2_2_1_network_learns_whether_two_bits_are_the_same():
    steps = []
    for seed in range(20):
        model = MLP(2, [2, 1], activation="silu", output="sigmoid", rng=random.Random(seed))
        loss = ops.sum(
            [ops.softplus(-model.totals(x) if y else model.totals(x)) for x, y in zip(BITS, SAME)]
        )
        for step in range(300):
            model.zero_grad()
            loss.backward()
            for p in model.parameters():
                p.data -= 0.5 * p.grad
            loss.forward()
            if step % 10 == 9 and model.score(BITS, SAME) == 1.0:
                steps.append(step + 1)
                break
    print(f"{len(steps)} of 20 seeds, after {min(steps)} to {max(steps)} steps")
    assert len(steps) == 20


# Prediction. --------------------------------------------------------------------------------------
ROWS = np.random.default_rng(0).normal(size=(50, 3))


@pytest.mark.parametrize(
    ("nouts", "keywords"),
    [
        ([4, 3], {"output": "softmax"}),
        ([4, 1], {"output": "sigmoid"}),
        ([4, 1], {"classes": (-1, 1)}),
        ([4, 3], {"classes": "xyz"}),
    ],
)
def test_scores_of_classifiers_are_scikit_learn_s(nouts, keywords):
    model = MLP(3, nouts, rng=random.Random(0), **keywords)
    y = np.random.default_rng(1).choice(model.classes, 50)
    predicted = model.predict(ROWS)
    assert set(predicted) <= set(model.classes)
    assert len(set(predicted)) > 1
    assert (
        model.score(ROWS, y)
        == model.score(ROWS.tolist(), y.tolist())
        == accuracy_score(y, predicted)
    )


@pytest.mark.parametrize("outputs", [1, 2])
def test_scores_of_regressions_are_scikit_learn_s(outputs):
    model = MLP(3, [4, outputs], rng=random.Random(0))
    y = np.random.default_rng(1).normal(size=(50, outputs)).squeeze()
    assert model.predict(ROWS)[0] == (
        model(ROWS[0]).data if outputs == 1 else [v.data for v in model(ROWS[0])]
    )
    assert model.score(ROWS, y) == pytest.approx(r2_score(y, model.predict(ROWS)), rel=1e-13)
    assert model.score(ROWS, model.predict(ROWS)) == 1.0
    constant = np.ones_like(y)
    assert model.score(ROWS, constant) == r2_score(constant, model.predict(ROWS)) == 0.0


def test_predictions_are_plain_and_leave_no_graph():
    model = MLP(3, [4, 2], classes=np.array([3, 5]), rng=random.Random(0))
    assert {type(label) for label in model.predict(ROWS)} == {int}
    assert {type(label) for label in MLP(3, [1], classes=np.array(["a", "b"])).predict(ROWS)} == {
        str
    }
    assert {type(number) for number in MLP(3, [1]).predict(ROWS)} == {float}
    assert {p.grad for p in model.parameters()} == {0.0}


@pytest.mark.parametrize(
    ("rows", "y", "reason"),
    [
        ([[1.0, 2.0]], [0, 1], "1 examples and 2 targets"),
        ([], [], "0 examples"),
        ([[1.0, 2.0]], [2], "target of example 0 is 2"),
        ([[1.0]], [0], "2 inputs"),
        ([[1.0, math.nan]], [0], "nan"),
    ],
)
def test_what_cannot_be_scored_is_refused(rows, y, reason):
    with pytest.raises(ValueError, match=reason):
        MLP(2, [2], output="softmax").score(rows, y)


def test_one_row_is_not_rows():
    with pytest.raises(
        TypeError,
        match=r"a list of examples, .* but 1.0 is no example: the inputs of one go into a list of",
    ):
        MLP(2, [1]).predict([1.0, 2.0])


@pytest.mark.parametrize("power", [-1040, -600, -300, 300, 600, 1000])
def test_a_score_does_not_know_the_size_of_the_numbers(power):
    model, rows, y = MLP(1, [1]), [[x] for x in (1.0, 2.0, 3.0, -1.0)], [1.0, 3.0, 2.0, -2.0]
    give(model, [1.0, 0.25])
    plain = model.score(rows, y)
    give(model, [math.ldexp(1.0, power), math.ldexp(0.25, power)])
    assert model.score(rows, [math.ldexp(t, power) for t in y]) == plain
    give(model, [0.0, 0.0])
    far = model.score(rows, [math.ldexp(t, power) for t in y])
    assert far == pytest.approx(1 - 18 / 14, rel=1e-15)
    give(model, [1e200, 0.0])
    assert model.score(rows, [1e-200, 2e-200, 3e-200, 0.0]) == -math.inf
    assert model.score(rows, [1e-200] * 4) == 0.0


def test_targets_of_another_width_are_refused():
    with pytest.raises(ValueError, match="2 numbers an example, but there are 1 targets"):
        MLP(2, [2]).score([[1.0, 2.0]], [1.0])


@pytest.mark.parametrize(
    "model",
    [
        MLP(2, [3, 2], activation="maxout", output="softmax", dropout=0.5),
        Adaline(2, "abc"),
        MLP(2, [3, 1], activation="threshold", output="leaky_relu"),
        Perceptron(2),
    ],
    ids=repr,
)
def test_models_are_copied_and_pickled(model):
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(other) == repr(model)
        assert data(other) == data(model)
        assert not set(other.parameters()) & set(model.parameters())
        assert other.predict([[0.5, -1.0]]) == model.predict([[0.5, -1.0]])


def test_a_predictor_of_one_s_own():
    class Mean(Predictor):
        def totals(self, x):
            return ops.sum(x) / len(x)

    assert Mean().predict([[1.0, 3.0], [Value(2.0), 5.0]]) == [2.0, 3.5]
    assert Mean().score([[1.0, 3.0], [4.0, 6.0]], [2.0, 5.0]) == 1.0
    with pytest.raises(NotImplementedError):
        Predictor()([1.0])


def test_every_parameter_has_a_name():
    for model in (
        MLP(2, [3, 2], activation="maxout"),
        Perceptron(2, "abc"),
        Neuron(2),
        Layer(2, 2),
    ):
        groups = model.named_parameters()
        assert list(itertools.chain(*groups.values())) == model.parameters()
    assert list(MLP(1, [1]).named_parameters()) == ["layers.0.neurons.0.w", "layers.0.neurons.0.b"]
    assert Module().named_parameters() == {"parameters": []}
    assert linear("as it is") == "as it is"
