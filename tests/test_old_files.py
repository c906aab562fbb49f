"""Files that earlier versions wrote load for ever:
a tape and a model file of version 1, and some odd relatives.
"""

import json
import math
import random
from pathlib import Path

import pytest
from tapes import EXECUTORS, bits

from micrograd_plus import Tape, custom, grad, nn, ops

FIXTURES = Path(__file__).parent / "fixtures"
TAPES = sorted(FIXTURES.glob("tape-1-*.json"))
MODELS = {
    "mlp": lambda: nn.MLP(2, [3, 1], activation="tanh"),
    "layer": lambda: nn.Layer(2, 2),
    "softmax": lambda: nn.MLP(3, [2, 3], output="softmax", classes=["a", "b", "c"]),
    "maxout": lambda: nn.MLP(2, [2, 1], activation="maxout", pieces=3),
    "adaline": lambda: nn.Adaline(2),
    "neuron": lambda: nn.Neuron(2, activation="sigmoid"),
    "perceptron": lambda: nn.Perceptron(2),
}
# The numbers that version 1 wrote for the rows, in the order of the recorded outputs.
NUMBERED = [
    "add",
    "sub",
    "mul",
    "div",
    "identity",
    "neg",
    "sum",
    "dot",
    "less",
    "less_equal",
    "equal",
    "not_equal",
    "sign",
    "step",
    "where",
    "maximum",
    "minimum",
    "relu",
    "hard_tanh",
    "leaky_relu",
    "abs",
    "pow",
    "sqrt",
    "cbrt",
    "hypot",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "logsumexp",
    "sin",
    "cos",
    "tan",
    "semicircle",
    "asin",
    "acos",
    "atan",
    "atan2",
    "sinh",
    "cosh",
    "sech2",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "sigmoid",
    "softplus",
    "silu",
    "erf",
    "erfc",
]


def tape(name):
    return Tape.from_json((FIXTURES / f"tape-1-{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_each_number_of_version_1_means_its_row(executor):
    point = (0.5, 0.25, 0.75)
    rows = [ops.primitive(name) for name in NUMBERED]
    assert bits(tape("every-row")(*point, executor=executor)) == bits(
        [row(*point[: row.arity]) for row in rows]
    )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_tape_of_version_1_has_its_gradient_names_and_parameters(executor):
    loaded = tape("gradient")
    assert (loaded.names, loaded.parameters) == (("x0", "x1", "target"), (0.5, -0.25, 0.125))
    value, gradient = loaded.sum_and_grad([[1.0, 2.0, 0.5]], executor=executor)

    def loss(w):
        return (ops.tanh(w[0] * 1.0 + w[1] * 2.0 + w[2]) - 0.5) ** 2

    assert value == loss([0.5, -0.25, 0.125])
    assert gradient.tolist() == pytest.approx(grad(loss)([0.5, -0.25, 0.125]), rel=1e-15)
    assert {"h", "loss", "w0"} <= set(loaded.labels.values())


def test_its_odd_relatives_load():
    x, y = 2.0, 4.0
    assert tape("nested-form")(x, y) == ([6.0, (8.0,)], (), math.inf, [[2.0]])
    where, *others = tape("odd-constants")(2.0)
    assert (where, others) == (2.0, [2.0 * 1e-320, math.inf, -math.inf])
    assert math.isnan(tape("odd-constants")(-2.0)[0])
    assert tape("no-inputs")() == 3.0
    assert tape("second-derivative")(0.5) == grad(lambda x: ops.sigmoid(x * x))(0.5)


def test_a_custom_row_of_an_old_tape_must_be_defined_as_before():
    with pytest.raises(ValueError, match="cube_of_a_fixture"):
        tape("custom-row")
    custom("cube_of_a_fixture", lambda x: x**3, lambda out, x: 3 * x**2)
    assert tape("custom-row")(2.0) == 9.0


@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
def test_an_old_tape_is_written_anew_and_read_again(path):
    custom("cube_of_a_fixture", lambda x: x**3, lambda out, x: 3 * x**2)
    loaded = Tape.from_json(path.read_text(encoding="utf-8"))
    again = Tape.from_json(loaded.to_json())
    point = [random.Random(0).random() for _ in loaded.names]
    assert bits(loaded.values([point]).ravel()) == bits(again.values([point]).ravel())


@pytest.mark.parametrize("name", MODELS)
def test_a_model_file_of_version_1_fills_its_model(name):
    model, path = MODELS[name](), FIXTURES / f"model-1-{name}.json"
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 1
    nn.load(model, path)
    parameters = model.parameters()
    assert [p.data for p in parameters] == [(i + 1) / 7 * (-1) ** i for i in range(len(parameters))]


def test_every_fixture_is_read():
    assert len(TAPES) == 7
    assert {path.stem for path in FIXTURES.glob("model-1-*.json")} == {
        f"model-1-{name}" for name in MODELS
    }
