"""Averages of models: Sharif's arithmetic, classes, files, and what is refused."""

import math
import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus import ops
from micrograd_plus.nn import MLP, Adaline, Ensemble, Layer, Module, Neuron, Perceptron, load, save
from micrograd_plus.training import fit, outputs


def constant(number):
    """A model that gives a number for whatever input."""
    model = Neuron(1, nonlin=False, init="zero")
    model.b.data = number
    return model


def test_the_error_of_the_mean_is_the_mean_error_less_the_variance():
    predictions, target = (0.1, 0.4, 0.9), 0.5
    ensemble = Ensemble(map(constant, predictions))
    mean = ensemble([0.0]).data
    of_mean = (mean - target) ** 2
    of_each = math.fsum((p - target) ** 2 for p in predictions) / 3
    variance = math.fsum((p - mean) ** 2 for p in predictions) / 3
    expected = (0.11, 0.001111111111, 0.108888888889)
    assert (of_each, of_mean, of_each - of_mean) == pytest.approx(expected, rel=0, abs=5.1e-13)
    assert variance == pytest.approx(of_each - of_mean, rel=1e-13)


class Thinned(Module):
    """A network with one set of masks for ever: w·(mask·h) + b."""

    def __init__(self, masks, finish=lambda x: x):
        self.masks, self.finish = masks, finish

    def __call__(self, h):
        units = [mask * x for mask, x in zip(self.masks, h)]
        return self.finish(ops.dot((1.0, 2.0, 3.0), units, 0.5))


def test_dropout_averages_all_thinned_networks():
    """Of a linear output the mean is that of the whole network; of a sigmoid it is not, but the
    normalised geometric mean is.
    """
    h, all_masks = [0.2, -0.4, 0.6], list(product((0.0, 2.0), repeat=3))
    linear = Ensemble([Thinned(masks) for masks in all_masks])
    each = [model(h) for model in linear.models]
    printed = [0.5, 4.1, -1.1, 2.5, 0.9, 4.5, -0.7, 2.9]
    assert each == pytest.approx(printed, rel=1e-14)
    assert linear(h) == pytest.approx(1.7, rel=1e-14)
    sigmoids = Ensemble([Thinned(masks, ops.sigmoid) for masks in all_masks])
    assert sigmoids(h) == pytest.approx(0.719957471370, rel=0, abs=5.1e-13)
    ps = [model(h) for model in sigmoids.models]
    yes, no = (math.prod(q) ** (1 / 8) for q in (ps, [1 - p for p in ps]))
    assert yes / (yes + no) == pytest.approx(0.845534734916, rel=0, abs=5.1e-13)
    assert ops.sigmoid(1.7) == pytest.approx(0.845534734916, rel=0, abs=5.1e-13)


def test_several_outputs_are_averaged_one_by_one_and_train_together():
    models = [Layer(2, 3, rng=random.Random(k), nonlin=False) for k in (0, 1)]
    ensemble, x = Ensemble(models), [0.5, -1.0]
    ones, twos = (model(x) for model in models)
    expected = [(one.data + two.data) / 2 for one, two in zip(ones, twos)]
    assert [v.data for v in ensemble(x)] == expected
    assert outputs(ensemble, [x]).tolist() == [expected]
    assert len(ensemble.parameters()) == 18
    targets = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    history = fit(ensemble, [x, [1.0, 1.0]], targets, loss="squared_error", epochs=50)
    assert history.losses[-1] < history.losses[0]


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_one_sigmoid_output_chooses_the_second_class_from_a_mean_of_a_half_on(totals):
    models = []
    for total in totals:
        model = MLP(1, [1], output="sigmoid", init="zero")
        model.layers[0].neurons[0].b.data = total
        models.append(model)
    ensemble = Ensemble(models)
    mean = ensemble([0.0]).data
    assert ensemble.classes == (0, 1)
    assert ensemble.predict([[0.0]]) == [int(mean >= 0.5)]
    assert Ensemble([ensemble]).predict([[0.0]]) == ensemble.predict([[0.0]])


def test_probabilities_are_averaged_and_not_votes():
    models = []
    for scores in ([5.0, 0.0, 0.0], [0.0, 0.4, 0.0], [0.0, 0.4, 0.0]):
        model = MLP(1, [3], output="softmax", init="zero", classes="abc")
        for neuron, score in zip(model.layers[0].neurons, scores):
            neuron.b.data = score
        models.append(model)
    assert [model.predict([[0.0]]) for model in models] == [["a"], ["b"], ["b"]]
    assert Ensemble(models).predict([[0.0]]) == ["a"]


@pytest.mark.parametrize("classes", [(0, 1), (-1, 1), ("no", "yes")], ids=str)
def test_perceptrons_vote(classes):
    units = []
    for total in (-5.0, 1.0, 0.5):
        unit = Perceptron(1, classes)
        unit.layer.neurons[0].b.data = total
        units.append(unit)
    assert Ensemble(units).predict([[0.0]]) == [classes[1]]
    assert Ensemble(units[:1] * 2 + units[1:2]).predict([[0.0]]) == [classes[0]]


def test_adalines_and_other_outputs_choose_where_each_does():
    adalines = [Adaline(1), Adaline(1)]
    adalines[0].layer.neurons[0].b.data, adalines[1].layer.neurons[0].b.data = -0.5, 0.25
    assert Ensemble(adalines).predict([[0.0]]) == [-1]
    for output in ("tanh", "softplus", "threshold", "linear"):
        model = MLP(1, [1], output=output, init="zero", classes=("no", "yes"))
        for total in (-0.5, 0.0, 0.5):
            model.layers[0].neurons[0].b.data = total
            assert Ensemble([model]).predict([[0.0]]) == model.predict([[0.0]])


def test_files_and_kept_outputs_follow_every_model(tmp_path):
    def make(seed):
        return Ensemble([MLP(2, [3, 1], rng=random.Random(seed + k)) for k in (0, 1)])

    ensemble, other = make(0), make(7)
    load(other, save(ensemble, tmp_path / "ensemble.json"))
    x = [[0.5, -1.0]]
    assert outputs(other, x).tolist() == outputs(ensemble, x).tolist()
    other.models[1].layers[1].neurons[0].b.data += 1.0
    assert outputs(other, x)[0, 0] == pytest.approx(outputs(ensemble, x)[0, 0] + 0.5)
    other.models.pop()
    assert outputs(other, x).tolist() == outputs(other.models[0], x).tolist()
    with pytest.raises(ValueError, match="models"):
        load(other, tmp_path / "ensemble.json")


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Ensemble([]), ValueError, "one model at least"),
        (lambda: Ensemble(Neuron(1)), TypeError, "models in a list"),
        (lambda: Ensemble([Neuron]), TypeError, "are Modules that are called"),
        (lambda: Ensemble([lambda x: x]), TypeError, "are Modules that are called"),
        (
            lambda: Ensemble([MLP(1, [2], classes="ab"), MLP(1, [2], classes="ac")]),
            ValueError,
            "same classes apart, not",
        ),
        (lambda: Ensemble([Layer(1, 2), Layer(1, 3)])([1.0]), ValueError, "outputs, not 2, 3"),
        (lambda: Ensemble([Neuron(1)])(1.0), TypeError, "in a list"),
    ],
)
def test_what_is_no_ensemble_is_refused(make, error, said):
    with pytest.raises(error, match=said):
        make()
