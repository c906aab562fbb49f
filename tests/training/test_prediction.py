"""Outputs for many examples: the bits of the model as it is now,
whatever was changed since its tape was recorded.
"""

import copy
import gc
import pickle
import random
import sys
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pytest

from micrograd_plus import Value, custom, ops, record
from micrograd_plus.nn import MLP, Adaline, Layer, Module, Neuron, Perceptron
from micrograd_plus.nn.modules import brought_up_to_date
from micrograd_plus.training import fit, outputs, prediction

POINTS = np.random.default_rng(0).normal(size=(20, 2))


def eagerly(model, points):
    """What the model gives, called for each example, from its leaves up."""
    found = [brought_up_to_date(model(point)) for point in points.tolist()]
    return [
        [
            v.data if isinstance(v, Value) else float(v)
            for v in (out if isinstance(out, (list, tuple)) else [out])
        ]
        for out in found
    ]


def network():
    return MLP(2, [3, 3, 2], activation="tanh", rng=random.Random(0))


def first(model):
    return model.layers[0].neurons[0]


THETA = Value(0.25)


class Doubled(Neuron):
    def __call__(self, x):
        return super().__call__(x) * 2


class OwnLayer(Module):
    def parameters(self):
        return []

    def __call__(self, x):
        return [v * 2 for v in x]


def square_row():
    return custom("square_of_a_model", lambda x: x * x, lambda out, x: 2 * x)


def put(thing, place, new):
    if isinstance(place, str):
        setattr(thing, place, new)
    else:
        thing[place] = new


CHANGES = {  # of a network that has given outputs before
    "nothing": lambda m: None,
    "data": lambda m: put(m.parameters()[4], "data", 0.75),
    "all data": lambda m: [put(p, "data", 0.5 * p.data + 0.1) for p in m.parameters()],
    "a gradient": lambda m: put(m.parameters()[0], "grad", 3.0),
    "a label": lambda m: put(m.parameters()[0], "label", "w"),
    "another Value for a weight": lambda m: put(first(m).w, 1, Value(0.125)),
    "another Value with the same data": lambda m: put(first(m).w, 1, Value(first(m).w[1].data)),
    "a number for a weight": lambda m: put(first(m).w, 1, 0.5),
    "the same number for a weight": lambda m: put(first(m).w, 1, first(m).w[1].data),
    "a computed weight": lambda m: put(first(m).w, 1, THETA.exp()),
    "a leaf below a weight": lambda m: put(THETA, "data", THETA.data + 0.5),
    "a shared weight": lambda m: put(first(m).w, 1, m.layers[1].neurons[2].w[0]),
    "another bias": lambda m: put(first(m), "b", Value(-0.5)),
    "a number for a bias": lambda m: put(first(m), "b", 0.5),
    "two weights exchanged": lambda m: first(m).w.reverse(),
    "a tuple of weights": lambda m: put(first(m), "w", tuple(first(m).w)),
    "a layer appended": lambda m: m.layers.append(
        Layer(len(eagerly(m, POINTS[:1])[0]), 2, rng=random.Random(1))
    ),
    "a layer of another kind appended": lambda m: m.layers.append(OwnLayer()),
    "a layer fewer": lambda m: m.layers.pop(),
    "layers in a tuple": lambda m: put(m, "layers", tuple(m.layers)),
    "a neuron fewer": lambda m: len(m.layers[-1].neurons) > 1 and m.layers[-1].neurons.pop(),
    "two neurons exchanged": lambda m: m.layers[0].neurons.reverse(),
    "another neuron": lambda m: put(m.layers[0].neurons, 0, Neuron(2, rng=random.Random(2))),
    "a neuron of another class": lambda m: put(first(m), "__class__", Doubled),
    "a neuron of its class again": lambda m: put(first(m), "__class__", Neuron),
    "a linear neuron": lambda m: put(first(m), "nonlin", False),
    "an activation by name": lambda m: put(first(m), "activation", "sigmoid"),
    "an activation by row": lambda m: put(first(m), "activation", ops.softplus),
    "an activation by function": lambda m: put(first(m), "activation", lambda x: x * x + THETA),
    "an activation by a row of one's own": lambda m: put(first(m), "activation", square_row()),
    "an output": lambda m: put(m, "output", "sigmoid"),
    "another output": lambda m: put(m, "output", "linear"),
    "dropout": lambda m: put(m, "dropout", 0.5),
    "classes": lambda m: put(m, "classes", ("a", "b")),
    "a method of its own": lambda m: put(m, "totals", lambda x, masks=None: [x[0] + THETA, x[1]]),
}


@pytest.fixture
def recordings(monkeypatch):
    """The recordings that were made, a number in a list."""
    made = [0]

    def counted(*args, **options):
        made[0] += 1
        return record(*args, **options)

    monkeypatch.setattr(prediction, "record", counted)
    return made


def same(model):
    return outputs(model, POINTS[:3]).tolist() == eagerly(model, POINTS[:3])


@pytest.mark.parametrize("change", CHANGES)
def test_after_any_change_outputs_are_those_of_the_model_as_it_is(change):
    model = network()
    assert same(model)
    CHANGES[change](model)
    assert same(model)
    for leaf in (model.parameters()[-1], THETA):
        leaf.data += 0.375
        assert same(model)


@pytest.mark.parametrize("seed", range(8))
def test_after_any_changes_in_any_order_outputs_are_those_of_the_model_as_it_is(seed):
    rng, model = random.Random(seed), network()
    for _ in range(12):
        # a tuple, or a layer without neurons, takes few changes
        with suppress(AttributeError, TypeError, IndexError):
            CHANGES[rng.choice([name for name in CHANGES if "method" not in name])](model)
        assert same(model)
        THETA.data = rng.uniform(-1.0, 1.0)
        assert same(model)


def test_a_method_that_someone_has_put_in_place_is_the_one_that_is_called(monkeypatch):
    model, plain = network(), eagerly(network(), POINTS[:3])
    assert same(model)
    for kind, name in (
        (Neuron, "__call__"),
        (Layer, "__call__"),
        (MLP, "__call__"),
        (MLP, "totals"),
    ):
        before = vars(kind)[name]
        with monkeypatch.context() as patch:
            patch.setattr(
                kind, name, lambda self, *args, before=before: doubled(before(self, *args))
            )
            assert same(model)
            assert outputs(model, POINTS[:3]).tolist() != plain
        assert same(model)


def doubled(out):
    return [2 * v for v in out] if isinstance(out, list) else 2 * out


@pytest.mark.parametrize(
    "make",
    [
        network,
        lambda: MLP(2, [1]),
        lambda: MLP(2, [3, 1], output="sigmoid"),
        lambda: MLP(2, [2], output="softmax"),
        lambda: MLP(2, [3, 1], activation="maxout", pieces=3),
        lambda: MLP(2, [3, 1], dropout=0.5),
        lambda: MLP(2, []),
        lambda: MLP(2, [3, 1], activation="threshold", output="threshold"),
        lambda: Layer(2, 3),
        lambda: Neuron(2),
        lambda: Perceptron(2),
        lambda: Perceptron(2, "abc"),
        lambda: Adaline(2),
        lambda: MLP(2, [3, 1], activation="leaky_relu"),
    ],
)
def test_only_the_first_call_records_whatever_the_parameters_become(make, recordings):
    model = make()
    for _ in range(3):
        assert same(model)
        for p in model.parameters():
            p.data += 0.25
        assert outputs(model, POINTS).tolist() == eagerly(model, POINTS)
    assert recordings == [1]


def test_training_and_loading_need_no_other_recording(recordings, tmp_path):
    from micrograd_plus.nn import load, save

    model = network()
    save(model, tmp_path / "model.json")
    before = outputs(model, POINTS).tolist()
    fit(model, POINTS, POINTS, loss="squared_error", epochs=2)
    assert outputs(model, POINTS).tolist() == eagerly(model, POINTS) != before
    load(model, tmp_path / "model.json")
    assert outputs(model, POINTS).tolist() == before
    assert recordings == [1]


# Models of a user's own. --------------------------------------------------------------------------
class Own(Module):
    def __init__(self):
        self.w, self.scale, self.steps = Value(0.5), 2.0, 1

    def parameters(self):
        return [self.w]

    def __call__(self, x):
        out = self.w * x[0]
        for _ in range(self.steps):
            out = (out * self.scale + x[1]).tanh()
        return out


@dataclass
class Equal(Module):  # two of which are equal, so that none can be a key
    w: Value = field(default_factory=lambda: Value(0.5))

    def parameters(self):
        return [self.w]

    def __call__(self, x):
        return [self.w * x[0], x[1]]


class Slotted:
    __slots__ = ("w",)

    def __init__(self):
        self.w = Value(0.5)

    def parameters(self):
        return [self.w]

    def __call__(self, x):
        return self.w * x[0] + x[1]


class OfMLP(MLP):
    factor = 1.0

    def __call__(self, x, masks=None):
        return [self.factor * v for v in super().__call__(x, masks)]


def test_a_model_of_one_s_own_may_depend_on_anything():
    model = Own()
    assert same(model)
    for name, new in (
        ("scale", 3.0),
        ("steps", 3),
        ("w", Value(-1.0)),
        ("steps", 1),
        ("scale", -2.0),
    ):
        setattr(model, name, new)
        assert same(model)
        model.w.data += 0.5
        assert same(model)
    of_mlp = OfMLP(2, [3, 2])
    assert same(of_mlp)
    of_mlp.factor = 2.0
    assert same(of_mlp)


@pytest.mark.parametrize("make", [Own, Equal, Slotted, lambda: OfMLP(2, [3, 2])])
def test_a_model_of_one_s_own_gives_the_same_each_time(make):
    model = make()
    for _ in range(3):
        assert same(model)
        model.parameters()[0].data += 0.25


def test_the_same_program_is_compiled_once():
    model = Own()
    outputs(model, POINTS)
    tape = prediction._KEPT[model].tape
    model.w = Value(2.0)
    assert same(model)
    assert prediction._KEPT[model].tape is tape
    model.steps = 2
    assert same(model)
    assert prediction._KEPT[model].tape is not tape


# Nothing is dragged along. ------------------------------------------------------------------------
@pytest.mark.parametrize("make", [network, Own])
def test_copies_and_pickles_have_no_tape_and_go_their_own_way(make):
    model = make()
    size = len(pickle.dumps(model))
    outputs(model, POINTS)
    assert len(pickle.dumps(model)) == size
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other not in prediction._KEPT
        assert same(other)
        other.parameters()[0].data += 0.5  # which a shallow copy shares
        assert same(other)
        assert same(model)


@pytest.mark.parametrize("make", [network, Own])
def test_a_tape_goes_with_its_model(make):
    model = make()
    outputs(model, POINTS)
    tape = weakref.ref(prediction._KEPT[model].tape)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is tape() is None


def test_a_model_with_a_row_of_its_own_goes_too():
    class Rowed(Own):
        def __init__(self):
            super().__init__()
            self.row = custom("row_of_a_model", lambda x: self.scale * x, lambda out, x: self.scale)

        def __call__(self, x):
            return self.row(self.w * x[0])

    model = Rowed()
    assert same(model)
    model.scale = 3.0
    assert same(model)
    alive = weakref.ref(model)
    ops.TABLE.pop("row_of_a_model", None)
    del model
    gc.collect()
    assert alive() is None


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is read where Linux has it"
)
def test_five_hundred_calls_take_no_memory():
    from micrograd_plus.estimators import Classifier, Regressor

    classes = (POINTS[:, 0] > 0).astype(int)
    options = {"hidden": (8,), "epochs": 1, "random_state": 0}
    classifier, regressor = (
        Classifier(**options).fit(POINTS, classes),
        Regressor(**options).fit(POINTS, classes),
    )
    uses = (
        lambda: classifier.predict(POINTS[:1]),
        lambda: classifier.predict_proba(POINTS[:1]),
        lambda: regressor.predict(POINTS[:1]),
        lambda: outputs(regressor.model_, POINTS[:1]),
    )

    def kilobytes():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4

    for _ in range(5):
        [use() for use in uses]
    before = kilobytes()
    for _ in range(500):
        [use() for use in uses]
    assert kilobytes() - before < 1000


def test_threads_may_ask_one_model():
    model, found = network(), []
    meant = eagerly(model, POINTS)

    def ask():
        found.append(all(outputs(model, POINTS).tolist() == meant for _ in range(20)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == [True] * 4


# Refusals. ----------------------------------------------------------------------------------------
def test_what_cannot_be_given_outputs_for_is_refused_after_a_call_as_before_it():
    model = network()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"shape \(examples, inputs\), not \(2,\)"):
            outputs(model, POINTS[0])
        with pytest.raises(ValueError, match="2 inputs, but got 3"):
            outputs(model, np.ones((1, 3)))
        with pytest.raises(ValueError, match="X must be finite"):
            outputs(model, [[np.nan, 0.0]])
        assert same(model)
        assert outputs(model, POINTS[:0]).shape == (0, 2)


def test_within_a_recording_the_outputs_of_one_row_are_refused():
    model = MLP(2, [1])
    outputs(model, POINTS)
    with pytest.raises(TypeError, match="asks a Value for the data of the parameters of a model"):
        record(lambda x: x * outputs(model, POINTS)[0, 0], 1.0, parameters=model)
