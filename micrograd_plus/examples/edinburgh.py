"""University of Edinburgh, Machine Learning Practical, lecture 3: Deep Neural Networks (1), October
2019, section by section.

x are inputs, z total inputs, h hidden units, y softmax outputs and t their targets; g is the error
signal of a unit, the gradient at its z. Edinburgh's labs average over a batch; here gradients are
summed, as on the slides each is of one example.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..engine import Value
from ..nn import MLP
from ..nn.modular import (
    AffineLayer,
    Chain,
    CrossEntropySoftmaxError,
    ReluLayer,
    SigmoidLayer,
    TanhLayer,
)
from ..ops import Number
from ..optim import Adam
from ..tape.program import Floats
from ..training import History, fit, outputs
from . import data
from .circuits import Circuit, Circuits, Trainings, labelled

UNIVERSITY = "University of Edinburgh"
TITLE = "Machine Learning Practical, lecture 3: Hidden layers; Back-propagation"

Numbers = tuple[float, ...]
Matrix = tuple[Numbers, ...]
Vector = list[Value]

# two examples and the weights of a network 2-3-3; the slides give no numbers
INPUTS: Matrix = ((1.0, -2.0), (0.5, 1.5))
TARGETS = (1, 0)
W1: Matrix = ((0.1, 0.2), (-0.3, 0.4), (0.5, -0.6))
B1: Numbers = (0.1, 0.0, -0.1)
W2: Matrix = ((0.2, -0.1, 0.3), (0.4, 0.1, -0.2), (-0.5, 0.3, 0.1))
B2: Numbers = (0.0, 0.1, -0.1)


# Single-layer networks. ---------------------------------------------------------------------------
def softmax_network() -> Circuit:
    """A softmax single-layer network

    University of Edinburgh, Machine Learning Practical, lecture 3, Recap, and Single-layer network,
    3 outputs, 2 inputs. Each output divides its e^z by the sum of all three, so every weight moves
    every output; E is −ln y2, for the second class.
    """
    circuit, x = _vector("x", INPUTS[0])
    layer, z = _affine(1, W1, B1, x)
    exps = [total.exp() for total in z]
    total = ops.sum(exps)
    y = [e / total for e in exps]
    circuit |= layer | _numbered("e", exps) | {"sum": total} | _numbered("y", y)
    return labelled(**circuit, E=-y[1].log())


def single_output() -> Circuit:
    """A single-layer network with 1 output and 2 inputs

    University of Edinburgh, Machine Learning Practical, lecture 3, Single-layer network, 1 output,
    2 inputs. y is a half on the line w1·x1 + w2·x2 + b = 0, and rises along (w1, w2), which is also
    where the gradient at the inputs points.
    """
    x1, x2 = Value(1.0), Value(0.5)
    w1, w2, b = Value(2.0), Value(-1.0), Value(-0.5)
    z = w1 * x1 + w2 * x2 + b
    return labelled(x1=x1, x2=x2, w1=w1, w2=w2, b=b, z=z, y=z.sigmoid())


class ThreeClasses(NamedTuple):
    """A network with its data of three classes, what happened, and the share of points that it gets
    right.
    """

    model: MLP
    points: list[tuple[float, float]]
    classes: list[int]
    history: History
    right: float


def three_classes(hidden: Sequence[int] = (), curved: bool = False) -> ThreeClasses:
    """Example data of three classes

    University of Edinburgh, Machine Learning Practical, lecture 3, Classification regions with
    single-layer network. Three clouds of points, told apart by straight lines that meet in a point.
    When the data are `curved`, three rings, straight lines do not tell them apart, and `hidden`
    units do.
    """
    rng = np.random.default_rng(0)
    points, classes = _rings(rng) if curved else _clouds(rng)
    model = MLP(
        2,
        [*hidden, 3],
        "tanh",
        init="xavier",
        rng=random.Random(0),  # noqa: S311  # a seeded training is no secret
        output="softmax",
    )
    history = fit(
        model, points, classes, loss="cross_entropy", optimizer=Adam(0.1), epochs=150, seed=None
    )
    found = outputs(model, points).argmax(axis=1) == classes
    pairs = [(float(x), float(y)) for x, y in points]
    return ThreeClasses(model, pairs, classes.tolist(), history, float(found.mean()))


def _clouds(rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """Forty points around each corner of a triangle, and their classes."""
    classes = np.arange(120) % 3
    angles = 2.0 * np.pi * classes / 3.0
    corners = np.column_stack([np.cos(angles), np.sin(angles)])
    return corners + 0.3 * rng.standard_normal((120, 2)), classes


def _rings(rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """Forty points around 0 and near two rings, and their classes."""
    classes = np.arange(120) % 3
    angles = rng.uniform(0.0, 2.0 * np.pi, 120)
    rings = classes[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    return rings + 0.15 * rng.standard_normal((120, 2)), classes


def closest_template() -> Circuit:
    """The inner product with each template

    University of Edinburgh, Machine Learning Practical, lecture 3, Weights of each output unit
    define a template for the class. Pictures of 2·2 pixels: a bar across, one down, and a diagonal.
    The largest inner product wins, and its template is the gradient at the picture.
    """
    circuit, x = _vector("x", (1.0, 0.9, 0.1, 0.0))
    templates = {"across": (1, 1, 0, 0), "down": (1, 0, 1, 0), "diagonal": (1, 0, 0, 1)}
    scores = {}
    for name, pixels in templates.items():
        named, weights = _vector(f"{name}_w", pixels)
        circuit |= named
        scores[name] = ops.dot(weights, x)
    closest = ops.maximum(list(scores.values()))
    return labelled(**circuit, **scores, closest=closest)


class Digits(NamedTuple):
    """A network that has learned 1200 digits, what happened, and the share of 597 others that it
    gets right.
    """

    model: MLP
    history: History
    right: float


def single_layer_on_digits(epochs: int = 40) -> Digits:
    """A single-layer network trained on digits

    University of Edinburgh, Machine Learning Practical, lecture 3, Single layer network trained on
    MNIST digits, here on those of scikit-learn, with 8·8 pixels. The weights of each unit are a
    template: see `plots.weight_templates` and `plots.hinton_diagram`. Raises ImportError without
    scikit-learn.
    """
    return _trained_on_digits((), epochs)


def multi_layer_on_digits(hidden: Sequence[int] = (32,), epochs: int = 40) -> Digits:
    """A multi-layer network trained on digits

    University of Edinburgh, Machine Learning Practical, lecture 3, Multi-layer network for MNIST,
    here for the digits of scikit-learn. 32 sigmoid units are features that all classes share, and
    they tell more digits right than templates do. Raises ImportError without scikit-learn.
    """
    return _trained_on_digits(hidden, epochs)


def _trained_on_digits(hidden: Sequence[int], epochs: int) -> Digits:
    images, digits = data.digits()
    images = images / 16.0
    model = MLP(
        64,
        [*hidden, 10],
        "sigmoid",
        init="xavier" if hidden else "zero",
        rng=random.Random(0),  # noqa: S311  # a seeded training is no secret
        output="softmax",
    )
    history = fit(
        model,
        images[:1200],
        digits[:1200],
        loss="cross_entropy",
        optimizer=Adam(0.01),
        epochs=epochs,
        batch_size=50,
    )
    found = outputs(model, images[1200:]).argmax(axis=1) == digits[1200:]
    return Digits(model, history, float(found.mean()))


# Back-propagation. --------------------------------------------------------------------------------
def multi_layer_network() -> Circuit:
    """A multi-layer network, and its error

    University of Edinburgh, Machine Learning Practical, lecture 3, Multi-layer network, and
    Training MLPs: Error function and required gradients. Sigmoid hidden units, softmax outputs,
    E = −ln y2. At each z2 the gradient is y − t, at each z1 the weighted sum of these times
    h(1 − h); at a weight it is that of its z times what comes in, and at a bias that of its z.
    """
    return _network(ops.sigmoid)


def tanh_network() -> Circuit:
    """The same network with tanh units

    University of Edinburgh, Machine Learning Practical, lecture 3, tanh hidden units. Where all
    inputs of a unit are positive, as sigmoids are, the gradients of its weights all have the sign
    of its g; here h1_1 and h1_2 are negative and h1_3 is not, and the gradients of the weights from
    these differ in sign.
    """
    return _network(ops.tanh)


def _network(activation: Callable[[Number], Number]) -> Circuit:
    circuit, x = _vector("x", INPUTS[0])
    first, z = _affine(1, W1, B1, x)
    h = [activation(total) for total in z]
    second, totals = _affine(2, W2, B2, h)
    y = ops.softmax(totals)
    circuit |= first | _numbered("h1_", h) | second | _numbered("y", y)
    return labelled(**circuit, E=-y[TARGETS[0]].log())


def multiple_hidden_layers() -> Circuit:
    """Two hidden layers

    University of Edinburgh, Machine Learning Practical, lecture 3, Training with multiple hidden
    layers. The g of each layer are weighted sums of those of the next, times h(1 − h) of its own
    units; each layer's are made from the next one's alone.
    """
    circuit, x = _vector("x", (0.5, -1.0))
    first, z1 = _affine(1, ((0.4, -0.6), (0.7, 0.1)), (0.1, -0.2), x)
    h1 = [total.sigmoid() for total in z1]
    second, z2 = _affine(2, ((-0.8, 0.5), (0.3, 0.9)), (0.0, 0.2), h1)
    h2 = [total.sigmoid() for total in z2]
    third, z3 = _affine(3, ((1.0, -1.0), (-0.5, 0.6)), (0.2, -0.1), h2)
    log = ops.logsumexp(z3)
    circuit |= first | _numbered("h1_", h1) | second | _numbered("h2_", h2) | third
    return labelled(**circuit, log=log, E=log - z3[0])


class Gradients(NamedTuple):
    """What each module gives for the two examples, a row for each, and the gradients of the
    parameters, summed over both.
    """

    affine1: Floats
    hidden: Floats
    affine2: Floats
    errors: list[float]
    error_grad: Floats
    affine_bprop: Floats
    sigmoid_bprop: Floats
    weights2: Floats
    biases2: Floats
    weights1: Floats
    biases1: Floats


def back_propagation() -> Gradients:
    """Back-propagation of error, in five steps

    University of Edinburgh, Machine Learning Practical, lecture 3, Training MLPs: Gradients, and
    the summary after it. The names of the modules are the slide's: CrossEntropySoftmaxError.grad,
    AffineLayer.bprop and SigmoidLayer.bprop make the error signals g, and grads_wrt_params are made
    of these.
    """
    layer1, sigmoid, layer2 = AffineLayer(W1, B1), SigmoidLayer(), AffineLayer(W2, B2)
    error, x = CrossEntropySoftmaxError(), np.array(INPUTS)
    # 1. propagate forward
    z1 = layer1.fprop(x)
    h = sigmoid.fprop(z1)
    z2 = layer2.fprop(h)
    # 2. the error of each example
    errors = [error(z2[n : n + 1], TARGETS[n : n + 1]) for n in range(len(x))]
    # 3. the error signals of the output units
    g2 = error.grad(z2, TARGETS)
    # 4. those of the hidden units
    through_weights = layer2.bprop(h, z2, g2)
    g1 = sigmoid.bprop(z1, h, through_weights)
    # 5. the gradients of the parameters
    weights2, biases2 = layer2.grads_wrt_params(h, g2)
    weights1, biases1 = layer1.grads_wrt_params(x, g1)
    below = weights1, biases1
    return Gradients(z1, h, z2, errors, g2, through_weights, g1, weights2, biases2, *below)


class BiasGradients(NamedTuple):
    """The gradients of the output units' biases and of the hidden units', over both examples."""

    output: list[float]
    hidden: list[float]


def gradients_of_the_biases() -> BiasGradients:
    """The exercise: gradients with respect to the biases

    University of Edinburgh, Machine Learning Practical, lecture 3, Training MLPs: Gradients. A bias
    is the weight of an input that is always 1, so the last factor of the weights' gradients falls
    away: ∂E/∂b_k = y_k − t_k for an output unit, and (Σ_c g_c·w_ck)·h_k·(1 − h_k) for a hidden one.
    """
    output, hidden = [0.0] * 3, [0.0] * 3
    for x, target in zip(INPUTS, TARGETS):
        h = [ops.sigmoid(ops.dot(w, x, b)) for w, b in zip(W1, B1)]
        y = ops.softmax([ops.dot(w, h, b) for w, b in zip(W2, B2)])
        g = [p - float(k == target) for k, p in enumerate(y)]
        for k in range(3):
            output[k] += g[k]
            back = sum(g[c] * W2[c][k] for c in range(3))
            hidden[k] += back * h[k] * (1.0 - h[k])
    return BiasGradients(output, hidden)


# Hidden units. ------------------------------------------------------------------------------------
def saturated_sigmoid(total: float = 10.0) -> Circuit:
    """A sigmoid unit in saturation

    University of Edinburgh, Machine Learning Practical, lecture 3, Sigmoid hidden units. The
    gradient is multiplied by h(1 − h), which is 4.5e−5 for a total input of 10 and 2.1e−9 for 20.
    The slide has high magnitudes saturate to 1; large negative totals saturate to 0, with the same
    small gradients.
    """
    x, w = Value(total), Value(1.0)
    z = w * x
    return labelled(x=x, w=w, z=z, h=z.sigmoid())


class Means(NamedTuple):
    """The mean outputs of units whose total inputs are normally distributed around 0."""

    sigmoid: float
    tanh: float


def outputs_not_centred(count: int = 10000, seed: int = 0) -> Means:
    """Outputs that are not centred at 0

    University of Edinburgh, Machine Learning Practical, lecture 3, Sigmoid hidden units. For total
    inputs of mean 0 the outputs of a sigmoid layer have a mean of a half, those of tanh 0.
    """
    totals = np.random.default_rng(seed).standard_normal(count)
    means = [np.mean([unit(z) for z in totals.tolist()]) for unit in (ops.sigmoid, ops.tanh)]
    return Means(*map(float, means))


def tanh_by_exponentials() -> Circuit:
    """tanh of exponentials

    University of Edinburgh, Machine Learning Practical, lecture 3, tanh: (e^x − e^−x)/(e^x + e^−x).
    Its derivative, over all paths, is 1 − tanh² x.
    """
    x = Value(0.7)
    up = x.exp()
    minus = -x
    down = minus.exp()
    above, below = up - down, up + down
    parts = {"up": up, "minus": minus, "down": down, "above": above, "below": below}
    return labelled(x=x, **parts, tanh=above / below)


def sigmoid_by_tanh() -> Circuit:
    """The sigmoid as a tanh

    University of Edinburgh, Machine Learning Practical, lecture 3, tanh: sigmoid(x) = (1 +
    tanh(x/2))/2. The same shape, half as high and half as steep along x.
    """
    x = Value(0.7)
    half = x / 2.0
    tanh = half.tanh()
    above = 1.0 + tanh
    return labelled(x=x, half=half, tanh=tanh, above=above, sigmoid=above / 2.0)


def relu_unit(total: float = 2.0) -> Circuit:
    """A ReLU unit, on

    University of Edinburgh, Machine Learning Practical, lecture 3, Rectified Linear Unit. Of total
    inputs above 0 it hands both the number and the gradient on as they are; at 0 and below, it
    gives 0, and so is its derivative.
    """
    x, w = Value(total), Value(1.0)
    z = w * x
    return labelled(x=x, w=w, z=z, h=z.relu())


def dead_relu() -> Circuit:
    """A ReLU unit that is dead

    University of Edinburgh, Machine Learning Practical, lecture 3, ReLU hidden units. Its bias is
    so low that the unit gives 0 for all inputs near this one: the error is large, and no gradient
    comes through to change w or b.
    """
    x, w, b, target = Value(0.5), Value(1.0), Value(-10.0), Value(1.0)
    z = w * x + b
    h = z.relu()
    return labelled(x=x, w=w, b=b, target=target, z=z, h=h, E=0.5 * (h - target) ** 2)


# Lab 3. -------------------------------------------------------------------------------------------
class Lab(NamedTuple):
    """Stacked layers after training, the mean error before each update, and the share of points
    that they get right.
    """

    layers: Chain
    errors: list[float]
    right: float


LAYERS: dict[str, Callable[[], Any]] = {
    "sigmoid": SigmoidLayer,
    "tanh": TanhLayer,
    "relu": ReluLayer,
}


def stacked_layers(
    activation: str = "relu",
    hidden: Sequence[int] = (8,),
    rate: float = 1.0,
    updates: int = 60,
) -> Lab:
    """Stacking layers

    University of Edinburgh, Machine Learning Practical, lecture 3, Lab 3. Activation functions are
    layers of their own after affine ones; fprop goes up the stack, bprop comes back, and gradient
    descent on the averaged error moves the parameters. The data are 60 points of the three rings
    of `three_classes`. Take more `hidden` layers and another activation: "sigmoid", "tanh" or
    "relu". Raises ValueError for another one.
    """
    if activation not in LAYERS:
        raise ValueError(f"there are the layers {', '.join(LAYERS)}, not {activation!r}")
    rng = np.random.default_rng(0)
    points, classes = [numbers[:60] for numbers in _rings(rng)]
    layers: list[Any] = []
    sizes = [2, *hidden, 3]
    for inputs, units in pairwise(sizes):
        weights = np.sqrt(2.0 / inputs) * rng.standard_normal((units, inputs))
        layers += [AffineLayer(weights, np.zeros(units)), LAYERS[activation]()]
    chain, error = Chain(layers[:-1]), CrossEntropySoftmaxError(average=True)
    errors = []
    for _ in range(updates):
        z = chain.fprop(points)
        errors.append(error(z, classes))
        chain.bprop(error.grad(z, classes))
        for parameter, slope in zip(chain.params, chain.grads_wrt_params):
            parameter[...] -= rate * slope
    found = chain.fprop(points).argmax(axis=1) == classes
    return Lab(chain, errors, float(found.mean()))


# Values by name. ----------------------------------------------------------------------------------
def _numbered(name: str, values: Sequence[Value]) -> Circuit:
    return {f"{name}{k}": v for k, v in enumerate(values, 1)}


def _vector(name: str, numbers: Sequence[float]) -> tuple[Circuit, Vector]:
    values = [Value(number) for number in numbers]
    return _numbered(name, values), values


def _affine(
    layer: int, weights: Matrix, biases: Numbers, inputs: Sequence[Value]
) -> tuple[Circuit, Vector]:
    """The total inputs of a layer, and its Values by their names."""
    circuit: Circuit = {}
    totals = []
    for k, (row, bias) in enumerate(zip(weights, biases), 1):
        named, w = _vector(f"w{layer}_{k}", row)
        b = Value(bias)
        circuit |= named | {f"b{layer}_{k}": b}
        totals.append(ops.dot(w, inputs, b))
    return circuit | _numbered(f"z{layer}_", totals), totals


EXAMPLES: Circuits = (
    softmax_network,
    single_output,
    closest_template,
    multi_layer_network,
    multiple_hidden_layers,
    saturated_sigmoid,
    tanh_by_exponentials,
    sigmoid_by_tanh,
    tanh_network,
    relu_unit,
    dead_relu,
)
TRAININGS: Trainings = (
    three_classes,
    single_layer_on_digits,
    multi_layer_on_digits,
    back_propagation,
    gradients_of_the_biases,
    outputs_not_centred,
    stacked_layers,
)
