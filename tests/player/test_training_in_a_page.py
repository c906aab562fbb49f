"""Training in a page against `fit`: losses, weights and outputs, and what is refused."""

import functools
import json
import random
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from browser_arithmetic import NODE, needs_node

from micrograd_plus import losses, nn, optim
from micrograd_plus.nn import MLP
from micrograd_plus.optim import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    CosineDecay,
    InverseTimeDecay,
    OnPlateau,
    RMSProp,
    StepDecay,
)
from micrograd_plus.player import rows
from micrograd_plus.player.rows import model_setup, rows_data
from micrograd_plus.training import History, fit

pytestmark = needs_node

DRIVER = Path(__file__).with_name("trainings.mjs")
PENALTIES = {"l1": losses.l1_penalty, "l2": losses.l2_penalty}
ROWS = rows_data((1, 2, 3))

rng = np.random.default_rng(0)
X = rng.normal(size=(37, 2))
CLASSES = (X[:, 0] * X[:, 1] > 0).astype(float)
SIGNS = 2 * CLASSES - 1
NUMBERS = np.sin(X[:, 0]) + 0.1 * X[:, 1]
SHARES = np.column_stack([CLASSES, 1 - CLASSES])


def model(*nouts, seed=1, **options):
    return MLP(2, nouts, rng=random.Random(seed), **options)


def trained(tmp_path, jobs):
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps({"rows": ROWS, "jobs": jobs}, allow_nan=False), encoding="utf-8")
    done = subprocess.run(
        [NODE, DRIVER, path], check=True, capture_output=True, text=True, timeout=100
    )
    return json.loads(done.stdout)


def examples(x, y):
    return {"x": x.tolist(), "y": np.asarray(y).tolist()}


def job(setup, y, x=X, wasm=True, **more):
    data = {"train": examples(x, y), "test": examples(x[:7], y[:7])}
    points = x[:5].tolist()
    return {"setup": setup, "data": data, "wasm": wasm, "points": points, "epochs": 10, **more}


def function_of(penalty):
    if penalty is None:
        return None
    kind, amount = penalty
    return lambda weights: amount * PENALTIES[kind](weights)


class Fitted(NamedTuple):
    """What `fit` gave, and the loss with the penalty afterwards."""

    model: MLP
    history: History
    rate: float
    minimised: float

    @property
    def weights(self):
        return [p.data for p in self.model.parameters()]


def _minimised(given, x, y, loss, penalty):
    weights = given.parameters()
    of_one = functools.partial(_loss_of, given, getattr(losses, loss))
    mean = sum(map(of_one, x.tolist(), np.asarray(y).tolist())) / len(x)
    return mean + (function_of(penalty)(weights).data if penalty else 0.0)


def _loss_of(given, loss, x, target):
    entropies = {("softmax", losses.cross_entropy), ("sigmoid", losses.binary_cross_entropy)}
    output = given.totals(x) if (given.output, loss) in entropies else given(x)
    return loss(output, target).data


def compared(tmp_path, cases, x=X):
    """For each case what fit gives, and what the page gives with WebAssembly and without."""
    jobs, wanted = [], []
    for given, loss, optimizer, y, penalty in cases:
        setup = model_setup(given, loss, optimizer, penalty=penalty)
        history = fit(
            given,
            x,
            y,
            loss=loss,
            optimizer=optimizer,
            epochs=10,
            penalty=function_of(penalty),
            validation=(x[:7], y[:7]),
        )
        wanted.append(
            Fitted(given, history, optimizer.rate, _minimised(given, x, y, loss, penalty))
        )
        jobs += [job(setup, y, x, wasm=wasm) for wasm in (True, False)]
    found = trained(tmp_path, jobs)["found"]
    assert [one.get("usesWasm") for one in found] == [True, False] * len(wanted), found
    for pair, (given, *_) in zip(zip(found[::2], found[1::2]), cases):
        assert {**pair[0], "usesWasm": False} == pair[1], given
    return found[::2], wanted


EXACT = [
    (model(16, 16, 1), "hinge", SGD(0.05), SIGNS, None),
    (model(16, 16, 1), "hinge", SGD(0.05, momentum=0.9, nesterov=True), SIGNS, ("l2", 0.001)),
    (model(4, 1, activation="linear"), "squared_error", SGD(0.01), NUMBERS, ("l1", 0.01)),
    (model(1), "perceptron", SGD(1.0), SIGNS, None),
    (model(8, 8, 1, init="he"), "squared_error", SGD(0.01, weight_decay=0.1), NUMBERS, None),
    (model(6, 5, 4, 2), "squared_error", SGD(0.01, momentum=0.5, form="step"), SHARES, None),
    (model(5, 1, bias=False), "absolute_error", SGD(0.01, momentum=0.5), NUMBERS, None),
    (
        model(5, 2, activation="maxout", pieces=3),
        "multiclass_hinge",
        SGD(0.02, momentum=0.9, form="average", weight_decay=0.1),
        CLASSES,
        None,
    ),
    (model(3, 1, activation="leaky_relu"), "hinge", SGD(StepDecay(0.125, 3, 0.5)), SIGNS, None),
    (model(3, 1, activation="hard_tanh"), "hinge", SGD(InverseTimeDecay(0.5, 0.5)), SIGNS, None),
]


def test_where_arithmetic_is_exact_the_losses_have_fit_s_bits(tmp_path):
    found, wanted = compared(tmp_path, EXACT)
    for one, fitted in zip(found, wanted, strict=True):
        assert one["losses"] == fitted.history.losses, fitted.model
        assert one["testLosses"] == fitted.history.validation_losses, fitted.model
        assert one["weights"] == fitted.weights, fitted.model
        assert one["rate"] == fitted.rate
        assert one["lossAt"] == pytest.approx(fitted.minimised, rel=1e-13)


@pytest.mark.parametrize("count", [1, 16, 17, 1025])
def test_sums_over_points_are_in_python_s_order(tmp_path, count):
    x = np.random.default_rng(count).normal(size=(count, 2))
    signs = np.where(x[:, 0] > x[:, 1], 1.0, -1.0)
    cases = [(model(3, 1), "hinge", SGD(0.1), signs, ("l2", 0.01))]
    (one,), (fitted,) = compared(tmp_path, cases, x)
    assert one["losses"] == fitted.history.losses
    assert one["testLosses"] == fitted.history.validation_losses
    assert one["weights"] == fitted.weights


NEAR = [
    (model(8, 8, 1, activation="tanh"), "squared_error", Adam(0.05), NUMBERS, ("l2", 0.01)),
    (model(8, 1, output="sigmoid"), "binary_cross_entropy", Adam(0.05), CLASSES, None),
    (model(8, 1, activation="gelu"), "binary_cross_entropy", AdamW(0.05), CLASSES, None),
    (
        model(8, 2, activation="sigmoid", output="softmax"),
        "cross_entropy",
        Adam(CosineDecay(0.1, 7, 0.01), amsgrad=True, weight_decay=0.1),
        CLASSES,
        None,
    ),
    (
        model(8, 2, activation="silu", output="softmax"),
        "margin_loss",
        RMSProp(0.01, momentum=0.5, centered=True),
        CLASSES,
        None,
    ),
    (
        model(4, 1, activation="softplus", output="tanh"),
        "absolute_error",
        AdaGrad(0.1, initial_accumulator=0.1),
        NUMBERS,
        ("l1", 0.01),
    ),
    (
        model(4, 1, activation="erf"),
        "hinge",
        RMSProp(OnPlateau(0.5, patience=0, factor=0.5, threshold=0.2), weight_decay=0.01),
        SIGNS,
        None,
    ),
]


def test_elsewhere_the_losses_differ_by_roundings(tmp_path):
    found, wanted = compared(tmp_path, NEAR)
    for one, fitted in zip(found, wanted, strict=True):
        history = fitted.history
        assert one["losses"] == pytest.approx(history.losses, rel=1e-12), fitted.model
        assert one["testLosses"] == pytest.approx(history.validation_losses, rel=1e-12)
        assert one["weights"] == pytest.approx(fitted.weights, rel=1e-10, abs=1e-12)
        assert one["rate"] == pytest.approx(fitted.rate, rel=1e-14)
        assert one["lossAt"] == pytest.approx(fitted.minimised, rel=1e-12)


def test_every_activation_learns_as_in_fit(tmp_path):
    cases = []
    for name in sorted(nn.activations()):
        given = model(3, 1, seed=3, activation=name)
        for p in given.parameters():
            p.data = abs(p.data) / 8 + (1.0 if name == "acosh" else 0.0)
        cases.append((given, "squared_error", SGD(1e-4), NUMBERS, None))
    found, wanted = compared(tmp_path, cases, 0.25 + np.abs(X) / 8)
    for one, fitted in zip(found, wanted, strict=True):
        assert one["losses"] == pytest.approx(fitted.history.losses, rel=1e-12), fitted.model


def mixed():
    """A model whose layers differ."""
    given = model(4, 3, 3, 2, output="softmax")
    given.layers[0] = nn.Layer(2, 4, activation="maxout", pieces=2, rng=random.Random(2))
    for neuron in given.layers[1].neurons:
        neuron.activation = "tanh"
    return given


SHAPES = [
    (model(4, 3, 1), SGD(0.01)),
    (model(4, 2, activation="tanh", output="softmax"), SGD(0.01)),
    (model(3, 1, activation="maxout", pieces=3), SGD(0.01)),
    (model(3, 1, output="sigmoid", bias=False), SGD(0.01)),
    (model(1, 1, activation="sigmoid", classes=("left", '"right"')), SGD(0.01)),
    (model(2, 1, init="zero", dropout=0.25), SGD(0.0)),
    (mixed(), SGD(0.01)),
]


def test_trained_weights_come_back_to_python(tmp_path):
    setups = [model_setup(given, "squared_error", optimizer) for given, optimizer in SHAPES]
    targets = [SHARES if setup["layers"][-1]["units"] == 2 else CLASSES for setup in setups]
    found = trained(tmp_path, [job(setup, y) for setup, y in zip(setups, targets)])["found"]
    for (given, optimizer), one in zip(SHAPES, found, strict=True):
        assert (one["weights"] != one["first"]) == (optimizer.rate > 0), one
        path = tmp_path / "model.json"
        path.write_text(one["file"], encoding="utf-8")
        nn.load(given, path)
        assert [p.data for p in given.parameters()] == one["weights"]
        _require_predictions(given, one)
        nn.save(given, path)
        assert json.loads(path.read_text(encoding="utf-8")) == json.loads(one["file"])
        made = _made(one["python"])
        assert made.architecture() == given.architecture()
        assert made.dropout == given.dropout
        assert [p.data for p in made.parameters()] == one["weights"]


def _made(text):
    """The model that a program makes."""
    names = {}
    exec(text, names)  # the page's own
    return names["model"]


def _require_predictions(given, one):
    """The page's outputs, and those of each of its units, are the model's."""
    outputs = [_data(given(x)) for x in X[:5].tolist()]
    assert one["outputs"] == pytest.approx(np.array(outputs).ravel().tolist(), rel=1e-14)
    layer = X[:5].tolist()
    for units, of_page in zip(given.layers[:-1], one["units"]):
        layer = [_data(units(x)) for x in layer]
        assert of_page == pytest.approx(np.array(layer).ravel().tolist(), rel=1e-14)
    assert one["units"][-1] == one["outputs"]


def _data(out):
    return [v.data for v in out] if isinstance(out, list) else [out.data]


SETUP = model_setup(model(3, 1), "hinge", SGD(0.1), batch_size=None)


def changed(**settings):
    return {**SETUP, "weights": None, **settings}


def test_batches_and_dropout_are_drawn_from_the_seed(tmp_path):
    setup = changed(batch=10, dropout=[0.5, 0.0], initialisation="xavier")
    jobs = [
        job(setup, SIGNS),
        job(setup, SIGNS),
        job({**setup, "seed": 2}, SIGNS),
        job(setup, SIGNS, reseed=2),
    ]
    one, same, other, reseeded = trained(tmp_path, jobs)["found"]
    assert one == same
    assert one["losses"] != other["losses"] == reseeded["losses"]
    assert one["steps"] == 40
    assert len(one["losses"]) == 10


def test_an_epoch_takes_each_example_once_and_masks_keep_the_mean(tmp_path):
    still = {"optimizer": {"name": "SGD", "rate": 0.0}, "loss": "absolute_error"}
    layers = [{"units": 16, "activation": "linear"}, {"units": 1, "activation": "linear"}]
    setup = changed(**still, layers=layers)
    far = [-1000.0] * len(X)  # where the loss is linear
    jobs = [
        job(setup, far),
        job({**setup, "batch": 10}, far),
        job({**setup, "dropout": [0.5, 0.0]}, far, epochs=2000),
    ]
    whole, batches, thinned = trained(tmp_path, jobs)["found"]
    assert batches["losses"] == pytest.approx(whole["losses"], rel=1e-14)
    found, mean = np.array(thinned["losses"]), whole["losses"][0]
    error = found.std() / np.sqrt(len(found))
    assert 0 < abs(found.mean() - mean) < 4 * error < 0.1
    assert thinned["lossAt"] == pytest.approx(mean, rel=1e-14)


def test_weights_are_drawn_as_the_initialisations_say(tmp_path):
    layers = [{"units": 100, "activation": "relu"}] * 2 + [{"units": 1, "activation": "linear"}]
    names = list(nn.INITIALISATIONS)
    setups = [changed(layers=layers, dropout=[], initialisation=name) for name in names]
    jobs = [job(setup, SIGNS, epochs=0) for setup in setups]
    for name, one in zip(names, trained(tmp_path, jobs)["found"], strict=True):
        place = one["layout"][1]
        end = place["weights"] + place["units"] * place["stride"]
        units = np.array(one["first"][place["weights"] : end]).reshape(100, 101)
        weights, biases = units[:, :100].ravel(), units[:, 100]
        rng = random.Random(0)
        ours = np.array([nn.INITIALISATIONS[name](100, 100, rng) for _ in range(len(weights))])
        assert not biases.any()
        assert weights.mean() == pytest.approx(0.0, abs=4 * ours.std() / 100)
        assert weights.std() == pytest.approx(ours.std(), rel=0.03)
        assert abs(weights).max() == pytest.approx(abs(ours).max(), rel=0.25)


def test_other_data_and_the_best_weights(tmp_path):
    setup = changed(optimizer={"name": "SGD", "rate": 0.2}, batch=5)
    data = {"train": examples(X[:9], -SIGNS[:9]), "test": None}
    plain, other, back = trained(
        tmp_path,
        [
            job(setup, SIGNS),
            job(setup, SIGNS, data2=data),
            job(setup, SIGNS, best=True),
        ],
    )["found"]
    assert len(other["losses"]) == len(plain["losses"]) + 1 == len(other["testLosses"]) + 1
    assert other["best"] is None
    epoch = int(np.argmin(plain["testLosses"]))
    assert 0 < epoch < 9
    assert plain["best"]["epoch"] == epoch
    assert plain["best"]["loss"] == plain["testLosses"][epoch]
    assert back["weights"] == plain["best"]["weights"] != plain["weights"]


def test_layers_below_a_threshold_learn_nothing(tmp_path):
    layers = [
        {"units": 3, "activation": "tanh"},
        {"units": 3, "activation": "threshold"},
        {"units": 1, "activation": "linear"},
    ]
    (one,) = trained(tmp_path, [job(changed(layers=layers, dropout=[]), SIGNS)])["found"]
    assert one["learns"] == [False, False, True]
    first = one["layout"][2]["weights"]
    assert one["weights"][:first] == one["first"][:first]
    assert one["weights"][first:] != one["first"][first:]


REFUSED = {
    "layers are a list of 1 to 12, not 0": {"layers": []},
    "the number of units of layer 0 is a whole number from 1 to 512, not 0": {
        "layers": [{"units": 0, "activation": "relu"}]
    },
    'there is no activation for layer 0 "rleu"': {"layers": [{"units": 1, "activation": "rleu"}]},
    "the loss cross_entropy takes 2 or 3 outputs here, not 1": {"loss": "cross_entropy"},
    'there is no loss "x"': {"loss": "x"},
    'there is no optimizer "sgd"': {"optimizer": {"name": "sgd"}},
    'there is no setting of SGD "rho"': {"optimizer": {"name": "SGD", "rho": 1}},
    "learning_rate of SGD is a number from 0 to any finite number, not -1": {
        "optimizer": {"name": "SGD", "rate": -1}
    },
    "momentum of SGD is a number from 0 to less than 1, not 1": {
        "optimizer": {"name": "SGD", "momentum": 1}
    },
    "Nesterov's look ahead needs a momentum above 0": {
        "optimizer": {"name": "SGD", "nesterov": True}
    },
    "every of StepDecay is a whole number from 1": {"schedule": {"name": "StepDecay"}},
    'there is no penalty "l3"': {"penalty": {"kind": "l3", "amount": 1}},
    "dropout leaves out units of hidden layers": {"dropout": [0.0, 0.5]},
    "dropout of layer 0 is a number from 0 to less than 1": {"dropout": [1, 0]},
    "this network has 13 weights, not 1": {"weights": [1.0]},
    "weight 0 is a finite number": {"weights": ["1"] * 13},
    "the inputs of example 0 of the training data are a list of 3 to 3, not 2": {"inputs": 3},
    "batch is a whole number from 0": {"batch": 0.5},
    "the number of parameters is a whole number from 1 to 20000": {
        "layers": [{"units": 500, "activation": "relu"}] * 3
    },
    "nothing can be learned": {"layers": [{"units": 1, "activation": "threshold"}], "dropout": []},
    "binary_cross_entropy takes a target from 0 to 1, not -1": {"loss": "binary_cross_entropy"},
}


def test_what_cannot_be_is_refused_in_words(tmp_path):
    asked = [job(changed(**settings), SIGNS) for settings in REFUSED.values()]
    asked.append(job(changed(), [*SIGNS[:-1], 0.0]))
    asked.append(job(changed(optimizer={"name": "SGD", "rate": 1e300}), SIGNS))
    messages = [one.get("error", "") for one in trained(tmp_path, asked)["found"]]
    for found, wanted in zip(messages, REFUSED):
        assert wanted in found
    assert messages[-2] == (
        "hinge takes a target of -1 or 1, not 0, in example 36 of the training data"
    )
    assert "nothing was updated; try a learning rate below 1e+300" in messages[-1]


def test_what_is_no_data_is_refused_in_words(tmp_path):
    refused = {
        "the training data is an object with names, not undefined": {},
        "the inputs of the training data are a list of 1 to 20000, not 0": examples(X[:0], []),
        "the training data has 37 examples and 36 targets": examples(X, SIGNS[1:]),
        "the inputs of example 1 of the training data are a list of 2 to 2, not 1": {
            "x": [[1, 2], [3]],
            "y": [1, 1],
        },
        "the inputs of example 0 of the training data are finite numbers": {
            "x": [[None, 2]],
            "y": [1],
        },
        "the targets of example 0 of the training data are finite numbers": {
            "x": [[1, 2]],
            "y": [["1"]],
        },
    }
    jobs = [{**job(changed(), SIGNS), "data": {"train": given}} for given in refused.values()]
    jobs[0]["data"] = {}
    found = trained(tmp_path, [*jobs, {"setup": None, "data": {}, "epochs": 0}])["found"]
    assert [one.get("error") for one in found] == [
        *refused,
        "a setup is an object with names, not null",
    ]


class Other(MLP):
    """One that may do anything when it is called."""


def test_models_that_a_page_does_not_know_are_refused():
    with pytest.raises(TypeError, match="a playground trains an MLP with activations of this"):
        model_setup(Other(2, [1]), "hinge")
    with pytest.raises(TypeError, match="a playground trains an MLP with activations of this"):
        model_setup(model(2, 1, activation=lambda x: x * x), "hinge")
    with pytest.raises(ValueError, match="no loss is called 'hinges'"):
        model_setup(model(2, 1), "hinges")
    with pytest.raises(ValueError, match=r"a playground knows the optimisers and schedules of"):
        model_setup(model(2, 1), "hinge", SGD(lambda updates: 0.1))
    with pytest.raises(ValueError, match="no penalty is called 'l3'"):
        model_setup(model(2, 1), "hinge", penalty=("l3", 1.0))
    uneven = model(2, 2, 1)
    uneven.layers[0].neurons[1].activation = "tanh"
    with pytest.raises(ValueError, match="the units of a layer of a playground are alike"):
        model_setup(uneven, "hinge")


def test_the_page_knows_no_derivative():
    """Its networks name no rows but those of which total inputs are made, and call no function."""
    text = (Path(rows.__file__).parent / "networks.js").read_text(encoding="utf-8")
    assert {*re.findall(r'"(\w+/\d+)"', text)} == {"add/2", "mul/2"}
    assert {*re.findall(r"Math\.\w+", text)} == {"Math.max"}


def test_names_are_those_of_the_package(tmp_path):
    names = trained(tmp_path, [])["names"]
    assert {*names["activations"]} == {*nn.activations(), "threshold", "maxout"}
    assert {*names["outputs"]} == {*nn.activations(), "threshold", "softmax"}
    assert names["optimizers"] == [kind.__name__ for kind in optim.BUILT_IN]
    assert names["initialisations"] == list(nn.INITIALISATIONS)
    assert {*names["losses"]} == {*losses._TAKES}
