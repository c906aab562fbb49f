"""Training in a page against `fit`: losses, weights and outputs, and what is refused."""

import json
import random
import subprocess
from pathlib import Path

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
from micrograd_plus.player.rows import model_setup, rows_data
from micrograd_plus.training import fit

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
        weights = [p.data for p in given.parameters()]
        wanted.append((history.losses, history.validation_losses, weights, optimizer.rate))
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
    for one, (losses_of_fit, validation, weights, rate), (given, *_) in zip(found, wanted, EXACT):
        assert one["losses"] == losses_of_fit, given
        assert one["testLosses"] == validation, given
        assert one["weights"] == weights, given
        assert one["rate"] == rate


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
    for one, (losses_of_fit, validation, weights, rate), (given, *_) in zip(found, wanted, NEAR):
        assert one["losses"] == pytest.approx(losses_of_fit, rel=1e-12), given
        assert one["testLosses"] == pytest.approx(validation, rel=1e-12), given
        assert one["weights"] == pytest.approx(weights, rel=1e-10, abs=1e-12), given
        assert one["rate"] == pytest.approx(rate, rel=1e-14)


def test_every_activation_learns_as_in_fit(tmp_path):
    cases = []
    for name in sorted(nn.activations()):
        given = model(3, 1, seed=3, activation=name)
        for p in given.parameters():
            p.data = abs(p.data) / 8 + (1.0 if name == "acosh" else 0.0)
        cases.append((given, "squared_error", SGD(1e-4), NUMBERS, None))
    found, wanted = compared(tmp_path, cases, 0.25 + np.abs(X) / 8)
    for one, (losses_of_fit, _, _, _), (given, *_) in zip(found, wanted, cases):
        assert one["losses"] == pytest.approx(losses_of_fit, rel=1e-12), given


def test_trained_weights_come_back_to_python(tmp_path):
    models = [
        model(4, 3, 1),
        model(4, 2, activation="tanh", output="softmax"),
        model(3, 1, activation="maxout", pieces=3),
        model(3, 1, output="sigmoid", bias=False),
        model(1, 1, activation="sigmoid", classes=("left", "right")),
    ]
    setups = [model_setup(given, "squared_error", SGD(0.01)) for given in models]
    targets = [SHARES if setup["layers"][-1]["units"] == 2 else CLASSES for setup in setups]
    found = trained(tmp_path, [job(setup, y) for setup, y in zip(setups, targets)])["found"]
    for given, one in zip(models, found):
        path = tmp_path / "model.json"
        path.write_text(one["file"], encoding="utf-8")
        nn.load(given, path)
        assert [p.data for p in given.parameters()] == one["weights"] != one["first"]
        outputs = np.array([np.atleast_1d(_data(given(x))) for x in X[:5].tolist()])
        assert one["outputs"] == pytest.approx(outputs.ravel().tolist(), rel=1e-14)
        nn.save(given, path)
        assert json.loads(path.read_text(encoding="utf-8")) == json.loads(one["file"])


def _data(out):
    return [v.data for v in out] if isinstance(out, list) else out.data


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
    "binary_cross_entropy takes a target of from 0 to 1, not -1": {"loss": "binary_cross_entropy"},
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


def test_names_are_those_of_the_package(tmp_path):
    names = trained(tmp_path, [])["names"]
    assert {*names["activations"]} == {*nn.activations(), "threshold", "maxout"}
    assert {*names["outputs"]} == {*nn.activations(), "threshold", "softmax"}
    assert names["optimizers"] == [kind.__name__ for kind in optim.BUILT_IN]
    assert names["initialisations"] == list(nn.INITIALISATIONS)
    assert {*names["losses"]} == {*losses._TAKES}
