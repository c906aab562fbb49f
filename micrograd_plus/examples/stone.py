"""James V Stone, Sheffield University, Backprop: How it works, and how it fails, by its equations.

His networks have no biases, his errors the ½ of equation 4; δ is the error's derivative by a unit's
total input. Trainings go by his own pseudo-code, with his rules for δ; the tests hold them against
`backward()`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .. import ops
from ..autodiff import grad
from ..engine import Value
from ..nn import MLP
from ..optim import Adam
from ..tape.program import Floats
from ..training import History, fit, outputs
from . import data
from .circuits import Circuit, Circuits, Trainings, labelled

UNIVERSITY = "Sheffield University"
TITLE = "Backprop: How it works, and how it fails"

Association = tuple[tuple[float, float], float]
# the lecture prints none; these lie well apart, and the descent on them bends
ASSOCIATIONS: tuple[Association, ...] = (((1.0, 0.6), 0.5), ((0.3, 0.9), -0.1))


class Descent(NamedTuple):
    """Weights before the first update and after each, with the error and the gradient there."""

    weights: list[float]
    errors: list[float]
    gradients: list[float]


def simplest_network() -> Circuit:
    """The simplest neural network

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equations 1-9.
    One weight, and the identity for f. E = ½δ², so the error's slope at y is δ itself, 0.12, and at
    the weight it is δx, 0.096.
    """
    x, w, target = Value(0.8), Value(0.4), Value(0.2)
    u = w * x
    y = ops.identity(u)
    delta = y - target
    error = 0.5 * delta**2
    return labelled(x=x, w=w, u=u, y=y, target=target, delta=delta, E=error)


def error_of_one_weight(w: float) -> float:
    """E(w) = ½(wx − target)² for x = 0.8 and the target 0.2: a parabola with its lowest point at
    0.25.

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equation 7.
    """
    return 0.5 * (w * 0.8 - 0.2) ** 2


def slope_of_a_chord(w: float = 0.4, step: float = 0.01) -> float:
    """ΔE/Δw, which is near dE/dw

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equation 8. At
    0.4 the derivative is 0.096 and the chord over a step of 0.01 has 0.0992: more by ½·0.64·0.01,
    half the second derivative times the step.
    """
    return (error_of_one_weight(w + step) - error_of_one_weight(w)) / step


def learning_one_association(
    rate: float = 0.5, w: float = 0.4, tolerance: float = 1e-6, updates: int = 1000
) -> Descent:
    """Gradient descent, learning one association

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equations 10-11
    and their algorithm. Each update shrinks what is missing to w* = 0.25 by the factor 1 − 0.64ε;
    above ε = 3.125 the error grows. Here the gradient is looked at before the step, in the slide
    after it, which makes one step more. It ends after so many `updates` at the latest.
    """
    x, target = 0.8, 0.2
    found = Descent([], [], [])
    while True:
        y = w * x
        delta = y - target
        slope = delta * x
        found.weights.append(w)
        found.errors.append(0.5 * delta**2)
        found.gradients.append(slope)
        if abs(slope) <= tolerance or len(found.errors) > updates:
            return found
        w -= rate * slope


def two_input_units() -> Circuit:
    """Two input units, two associations

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equations 12-29
    and Fig 1, 2. Both associations see the same weights, from (−0.8, −1.6) on: each weight's
    gradient is a sum of one δx an association. The inputs have the number of the unit and that of
    the association.
    """
    (first, t1), (second, t2) = ASSOCIATIONS
    w1, w2 = Value(-0.8), Value(-1.6)
    x11, x21, target1 = Value(first[0]), Value(first[1]), Value(t1)
    x12, x22, target2 = Value(second[0]), Value(second[1]), Value(t2)
    y1 = w1 * x11 + w2 * x21
    y2 = w1 * x12 + w2 * x22
    d1, d2 = y1 - target1, y2 - target2
    e1, e2 = 0.5 * d1**2, 0.5 * d2**2
    inputs = {"x11": x11, "x21": x21, "target1": target1, "x12": x12, "x22": x22}
    outputs = {"target2": target2, "y1": y1, "y2": y2, "delta1": d1, "delta2": d2}
    return labelled(w1=w1, w2=w2, **inputs, **outputs, E1=e1, E2=e2, E=e1 + e2)


def error_of_two_weights(w1: float, w2: float) -> float:
    """E(w1, w2), half the squared δ of both associations: the surface of Fig 2.

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equation 22. It
    takes Values, too.
    """
    deltas = [w1 * x1 + w2 * x2 - target for (x1, x2), target in ASSOCIATIONS]
    return 0.5 * sum(delta**2 for delta in deltas)


class Walk(NamedTuple):
    """Points (w1, w2) before the first update and after each, with the error and the gradient
    there.
    """

    points: list[tuple[float, float]]
    errors: list[float]
    gradients: list[tuple[float, float]]


def learning_two_associations(
    rate: float = 0.2,
    start: tuple[float, float] = (-0.8, -1.6),
    updates: int = 30,
    tolerance: float = 0.0,
) -> Walk:
    """Gradient descent with two input units

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equations 23-30,
    their algorithm, and Fig 2. ∇E is summed over the associations and not averaged, so the rate is
    half of what it were for a mean; up to ε = 0.9995 the error falls.
    """
    w1, w2 = map(float, start)
    found = Walk([], [], [])
    while True:
        slope1, slope2, error = 0.0, 0.0, 0.0
        for (x1, x2), target in ASSOCIATIONS:
            y = w1 * x1 + w2 * x2
            delta = y - target
            slope1 += delta * x1
            slope2 += delta * x2
            error += 0.5 * delta**2
        found.points.append((w1, w2))
        found.errors.append(error)
        found.gradients.append((slope1, slope2))
        if np.hypot(slope1, slope2) <= tolerance or len(found.errors) > updates:
            return found
        w1 -= rate * slope1
        w2 -= rate * slope2


def four_four_network() -> Circuit:
    """A network with four input and four output units

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, Fig 3a. The
    weight from input i to output k is w_ik. Its gradient is δ_k·x_i and knows nothing of the other
    outputs, so it is that of `four_one_network(k)`.
    """
    return _four_inputs((1, 2, 3, 4))


def four_one_network(k: int = 1) -> Circuit:
    """One of the four 4-1 networks

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, Fig 3b. The same
    four inputs, and the k-th output unit alone.
    """
    return _four_inputs((k,))


def _four_inputs(units: Sequence[int]) -> Circuit:
    xs = [Value(x) for x in (1.0, -0.5, 0.25, 2.0)]
    circuit = {f"x{i}": x for i, x in enumerate(xs, 1)}
    errors = []
    for k in units:
        ws = [Value(0.1 * (i - k)) for i in range(1, 5)]
        target = Value(0.5 * k)
        y = ops.dot(ws, xs)
        delta = y - target
        error = 0.5 * delta**2
        circuit |= {f"w{i}{k}": w for i, w in enumerate(ws, 1)}
        circuit |= {f"target{k}": target, f"y{k}": y, f"delta{k}": delta, f"E{k}": error}
        errors.append(error)
    if len(errors) > 1:
        circuit["E"] = ops.sum(errors)
    return labelled(**circuit)


class Recall(NamedTuple):
    """Two pictures, the first of them with noise, and what the network makes of that; the squared
    distance of both from the first picture.

    All are rows of grey values, side² of them. `weights` has a row for each output unit.
    """

    side: int
    pictures: Floats
    noisy: Floats
    recalled: Floats
    weights: Floats
    updates: int
    before: float
    after: float


def digit_memory(noise: float = 0.3, seed: int = 0) -> Recall:
    """Two handwritten digits, learned by heart

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, Learning
    Photographs. A linear network of 64 inputs and 64 outputs learns a 0 and a 1, each with itself.
    Beginning with weights of 0 it becomes the projection onto the two pictures, which lets pass 2
    of 64 parts of the noise. Raises ImportError without scikit-learn.
    """
    images, _ = data.digits()
    return _memory(images[:2] / 16.0, noise, seed)


def photograph_memory(side: int = 20, noise: float = 0.3, seed: int = 0) -> Recall:
    """Learning photographs

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, Learning
    Photographs. The two photographs that come with scikit-learn, cut and shrunk to side·side grey
    pixels; the lecture's have 50·50, 6.25 million weights, which take a minute. `side` divides 400.
    Raises ImportError without scikit-learn and Pillow, and ValueError for another side.
    """
    if side < 1 or 400 % side:
        raise ValueError(f"the photographs are cut to 400 pixels, which {side} does not divide")
    try:
        from sklearn.datasets import load_sample_images

        images = load_sample_images().images
    except ImportError:
        raise ImportError(
            "the photographs come from scikit-learn and are read by Pillow: "
            '`pip install "micrograd-plus[data]" pillow`'
        ) from None
    return _memory(np.array([_small(image, side) for image in images]), noise, seed)


def _small(image: Floats, side: int) -> Floats:
    """The middle of a photograph in grey, from 0 to 1, each pixel the mean of a square."""
    grey = image.mean(axis=2) / 255.0
    height, width = grey.shape
    top, left = (height - 400) // 2, (width - 400) // 2
    squares = grey[top : top + 400, left : left + 400].reshape(side, 400 // side, side, -1)
    small: Floats = squares.mean(axis=(1, 3)).ravel()
    return small


def _memory(pictures: Floats, noise: float, seed: int) -> Recall:
    """Learn each picture as its own target, and recall the first from under noise.

    δ is the output less the picture, the weights' gradient is the sum of δ·x. The rate is 1 over
    the sum of all squared inputs, with which no step overshoots.
    """
    pixels = pictures.shape[1]
    weights = np.zeros((pixels, pixels))
    rate, updates = 1.0 / np.sum(pictures**2), 0
    while True:
        deltas = pictures @ weights.T - pictures
        if np.abs(deltas).max() <= 1e-13:  # and with them the gradient is about 0
            break
        weights -= deltas.T @ (rate * pictures)
        updates += 1
    noisy = pictures[0] + noise * np.random.default_rng(seed).standard_normal(pixels)
    recalled = weights @ noisy
    before = float(np.sum((noisy - pictures[0]) ** 2))
    after = float(np.sum((recalled - pictures[0]) ** 2))
    side = round(pixels**0.5)
    return Recall(side, pictures, noisy, recalled, weights, updates, before, after)


def sigmoidal_unit() -> Circuit:
    """The sigmoid, and y(1 − y)

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equations 31-32.
    Of 1 + e^−u the power −1; the products of all local slopes back to u come to y(1 − y).
    """
    u = Value(0.7)
    neg = -u
    exp = neg.exp()
    den = 1.0 + exp
    return labelled(u=u, neg=neg, exp=exp, den=den, y=den**-1)


def backprop_network() -> Circuit:
    """A backprop neural network, 2-2-1

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equations 31-35.
    Input x, hidden z, output y, and biases beside the weights. The δ of a unit is the gradient at
    its total input u: of the output (y − target)·y(1 − y), of a hidden unit its own z(1 − z) times
    the weighted sum of the δ above it. What stands at z itself is that sum without z(1 − z).
    """
    x1, x2, target = Value(1.0), Value(0.0), Value(1.0)
    w11, w21, b1 = Value(0.5), Value(-0.5), Value(0.1)
    w12, w22, b2 = Value(0.25), Value(0.75), Value(-0.2)
    v1, v2, c = Value(1.0), Value(-1.0), Value(0.05)
    u1 = w11 * x1 + w21 * x2 + b1
    u2 = w12 * x1 + w22 * x2 + b2
    z1, z2 = u1.sigmoid(), u2.sigmoid()
    u = v1 * z1 + v2 * z2 + c
    y = u.sigmoid()
    error = 0.5 * (y - target) ** 2
    inputs = {"x1": x1, "x2": x2, "target": target}
    below = {"w11": w11, "w21": w21, "b1": b1, "w12": w12, "w22": w22, "b2": b2}
    above = {"v1": v1, "v2": v2, "c": c}
    units = {"u1": u1, "u2": u2, "z1": z1, "z2": z2, "u": u, "y": y}
    return labelled(**inputs, **below, **above, **units, E=error)


class Backprop(NamedTuple):
    """A network with one hidden layer, after training, and its error before each update.

    A row of `hidden` are the weights into a hidden unit, `output` those into the output unit; the
    last weight of each goes with an input that is always 1.
    """

    hidden: Floats
    output: Floats
    errors: list[float]


XOR = (((0.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), 0.0))


def backprop(rate: float = 1.0, updates: int = 1000, seed: int = 0) -> Backprop:
    """Backprop, short version: XOR

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, equations 33-35
    and the algorithm after them. Two hidden units. From the weights of seed 4 it stays on a plateau
    for 2500 updates and then learns; from those of seed 12 the error falls towards ¼ and never
    below, for two of the outputs become ½: how it works, and how it fails.
    """
    rng = np.random.default_rng(seed)
    hidden, output = rng.uniform(-1.0, 1.0, (2, 3)), rng.uniform(-1.0, 1.0, 3)
    errors = []
    for _ in range(updates):
        hidden_slopes, output_slopes, error = np.zeros((2, 3)), np.zeros(3), 0.0
        for inputs, target in XOR:
            x = np.array([*inputs, 1.0])
            z = _sigmoid(hidden @ x)
            y = _sigmoid(output @ [*z, 1.0])
            delta = (y - target) * y * (1.0 - y)
            deltas = z * (1.0 - z) * (output[:2] * delta)
            output_slopes += delta * np.array([*z, 1.0])
            hidden_slopes += np.outer(deltas, x)
            error += 0.5 * float(y - target) ** 2
        hidden -= rate * hidden_slopes
        output -= rate * output_slopes
        errors.append(error)
    return Backprop(hidden, output, errors)


def _sigmoid(u: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-u))
    return found


def cross_section() -> Circuit:
    """A cross-section of an error with two minima

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, Fig 4, 5. The
    lecture has no formula; here it is w⁴ − 3w² + w, whose slope 4w³ − 6w + 1 comes along three
    paths. At 2 it points uphill, away from the local minimum at 1.1309.
    """
    w = Value(2.0)
    fourth = w**4
    square = 3.0 * w**2
    difference = fourth - square
    return labelled(w=w, fourth=fourth, square=square, difference=difference, E=difference + w)


def error_with_two_minima(w: float) -> float:
    """w⁴ − 3w² + w: the global minimum at −1.3008, a local one at 1.1309, and between them a
    maximum at 0.1699.

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, Fig 5.
    """
    return w**4 - 3.0 * w**2 + w


def local_and_global_minimum(start: float = 2.0, rate: float = 0.01, updates: int = 300) -> Descent:
    """Always downhill, into the minimum that is nearest

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, Fig 5. From 2 the
    weight comes to the local minimum, from −2 to the global one. Always downhill is right for small
    rates alone: `learning_one_association` climbs when its rate is above 3.125.
    """
    w, found = start, Descent([], [], [])
    slope_at = grad(error_with_two_minima)
    for _ in range(updates + 1):
        slope = slope_at(w)
        found.weights.append(w)
        found.errors.append(error_with_two_minima(w))
        found.gradients.append(slope)
        w -= rate * slope
    return found


class Fit(NamedTuple):
    """A model after training, with the points that it has learned and its history; `distance` is
    the mean squared distance from the curve without noise.
    """

    model: MLP
    x: list[float]
    y: list[float]
    history: History
    distance: float


def fitting(units: int = 3, epochs: int = 500) -> Fit:
    """Over-fitting, under-fitting, Goldilocks-fitting

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, the page of that
    name. Twelve noisy points of sin πx: one tanh unit is too few, three are right, and twenty go
    through every point but farther from the curve than three.
    """
    x, y = _noisy_points(12, np.random.default_rng(1))
    model = _curve(units)
    history = fit(model, x[:, None], y, loss="squared_error", optimizer=Adam(0.1), epochs=epochs)
    return Fit(model, x.tolist(), y.tolist(), history, _distance(model))


def early_stopping(patience: int = 50, epochs: int = 500) -> Fit:
    """Preventing over-fitting with early stopping

    Sheffield University, James V Stone, Backprop: How it works, and how it fails, the page of that
    name. The twenty units of `fitting` again, while twelve other points are watched: the weights
    that are kept are those with which the error on these was lowest.
    """
    rng = np.random.default_rng(1)
    (x, y), (others, values) = _noisy_points(12, rng), _noisy_points(12, rng)
    model = _curve(20)
    history = fit(
        model,
        x[:, None],
        y,
        loss="squared_error",
        optimizer=Adam(0.1),
        epochs=epochs,
        validation=(others[:, None], values),
        early_stopping=patience,
    )
    return Fit(model, x.tolist(), y.tolist(), history, _distance(model))


def _noisy_points(count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    x = np.linspace(-1.0, 1.0, count)
    return x, np.sin(np.pi * x) + 0.3 * rng.standard_normal(count)


def _curve(units: int) -> MLP:
    """An MLP(1, [units, 1]) whose units bend at different places of [-1, 1], most of them
    steeply.
    """
    model = MLP(1, [units, 1], activation="tanh", rng=random.Random(0))  # noqa: S311  # no secret
    rng = random.Random(units)  # noqa: S311  # no secret
    for neuron in model.layers[0].neurons:
        neuron.w[0].data, neuron.b.data = rng.uniform(-6.0, 6.0), rng.uniform(-3.0, 3.0)
    return model


def _distance(model: MLP) -> float:
    x = np.linspace(-1.0, 1.0, 101)
    found = outputs(model, x[:, None])[:, 0]
    return float(np.mean((found - np.sin(np.pi * x)) ** 2))


EXAMPLES: Circuits = (
    simplest_network,
    two_input_units,
    four_four_network,
    four_one_network,
    sigmoidal_unit,
    backprop_network,
    cross_section,
)
TRAININGS: Trainings = (
    learning_one_association,
    learning_two_associations,
    digit_memory,
    photograph_memory,
    backprop,
    local_and_global_minimum,
    fitting,
    early_stopping,
)
