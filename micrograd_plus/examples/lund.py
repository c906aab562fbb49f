"""Lund University, FMAN-45 Machine Learning, lecture 7: Neural Networks, section by section.

z are total inputs and a activities, δ the derivative of the loss at a z, matrices have a row for
each unit that they lead to. Biases are left out where the slides leave them out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .. import ops
from ..engine import Value
from ..nn import MLP
from ..nn.modular import AffineLayer, batch_gradients
from ..ops import Number
from ..optim import SGD, AdaGrad, Adam, InverseTimeDecay, OnPlateau, Optimizer, RMSProp
from ..tape.program import Floats
from ..training import History, fit, outputs
from .circuits import Circuit, Circuits, Trainings, labelled

UNIVERSITY = "Lund University"
TITLE = "Machine Learning, lecture 7: Neural Networks"


# Models. ------------------------------------------------------------------------------------------
def objective() -> Circuit:
    """The objective: half the mean squared error

    Lund University, Machine Learning, lecture 7, The objective. Three predictions ŷ for the
    targets 1, 0 and 1. The gradient at each is its difference over N, for the ½ takes the 2 of the
    square away.
    """
    targets = (1.0, 0.0, 1.0)
    predictions = [Value(y) for y in (0.8, -0.2, 1.5)]
    squares = [(y - target) ** 2 for y, target in zip(predictions, targets)]
    total = ops.sum(squares)
    circuit = {f"yhat{n}": y for n, y in enumerate(predictions, 1)}
    circuit |= {f"square{n}": square for n, square in enumerate(squares, 1)}
    return labelled(**circuit, total=total, L=total / (2 * len(targets)))


POINTS = (((1.0, 2.0), 1), ((2.0, 1.0), -1), ((3.0, 0.0), 1))


def number_of_errors() -> Circuit:
    """The number of misclassified patterns

    Lund University, Machine Learning, lecture 7, Perceptron. Two of three patterns lie on the wrong
    side. Their number is piecewise constant, so every gradient is 0 and tells nothing of how to
    improve.
    """
    circuit, margins = _margins()
    errors = [ops.step(-margin) for margin in margins]
    circuit |= {f"error{n}": error for n, error in enumerate(errors, 1)}
    return labelled(**circuit, E=ops.sum(errors))


def perceptron_objective() -> Circuit:
    """The perceptron's objective

    Lund University, Machine Learning, lecture 7, Perceptron. E(w) = −Σ (w·x + θ)t over the
    misclassified patterns: what their totals lack. The gradient is −Σ xt, and a step down it adds
    xt to w. The algorithm on the next slide forgets θ, whose gradient is −Σ t.
    """
    circuit, margins = _margins()
    lacks = [ops.relu(-margin) for margin in margins]
    circuit |= {f"lack{n}": lack for n, lack in enumerate(lacks, 1)}
    return labelled(**circuit, E=ops.sum(lacks))


def _margins() -> tuple[Circuit, list[Value]]:
    """(w·x + θ)t of each of the points, and the Values up to there."""
    w1, w2, theta = Value(1.0), Value(-1.0), Value(0.5)
    circuit, margins = {"w1": w1, "w2": w2, "theta": theta}, []
    for n, ((x1, x2), t) in enumerate(POINTS, 1):
        total = w1 * x1 + w2 * x2 + theta
        margin = total * t
        circuit |= {f"total{n}": total, f"margin{n}": margin}
        margins.append(margin)
    return circuit, margins


class PerceptronRun(NamedTuple):
    """What a perceptron has learned, and the mistakes of each pass over the patterns."""

    w: list[float]
    theta: float
    mistakes: list[int]


BITS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))


def perceptron_algorithm(
    targets: Sequence[int] = (-1, -1, -1, 1), passes: int = 100
) -> PerceptronRun:
    """The perceptron algorithm

    Lund University, Machine Learning, lecture 7, Perceptron Algorithm. The four pairs of bits, by
    default with the targets of AND, from weights of 0 until a pass makes no mistake. A total of 0
    counts as −1 here, so the mistakes are others than Sharif's. θ gets t added where w gets xt,
    which the slide leaves out.
    """
    w, theta = [0.0, 0.0], 0.0
    mistakes: list[int] = []
    while len(mistakes) < passes and 0 not in mistakes:
        wrong = 0
        for (x1, x2), t in zip(BITS, targets):
            total = w[0] * x1 + w[1] * x2 + theta
            output = 1 if total > 0 else -1
            if output != t:
                wrong += 1
                w = [w[0] + x1 * t, w[1] + x2 * t]
                theta += t
        mistakes.append(wrong)
    return PerceptronRun(w, theta, mistakes)


def artificial_neuron() -> Circuit:
    """An artificial neuron

    Lund University, Machine Learning, lecture 7, Artificial Neurons. y = σ(w·x + b), between 0, not
    activated, and 1. The sigmoid is the perceptron's step made differentiable, and so every weight
    has a gradient, σ′·x.
    """
    x1, x2, x3 = Value(1.0), Value(-1.0), Value(0.5)
    w1, w2, w3, b = Value(0.2), Value(-0.3), Value(0.4), Value(0.0)
    z = ops.dot([w1, w2, w3], [x1, x2, x3]) + b
    return labelled(x1=x1, x2=x2, x3=x3, w1=w1, w2=w2, w3=w3, b=b, z=z, y=z.sigmoid())


def final_equation() -> Circuit:
    """The final equation, with bias vectors

    Lund University, Machine Learning, lecture 7, The final equation of neural networks. Regression
    with one hidden layer, ŷ = b₂ + W₂·σ(b₁ + W₁·x). A bias is the weight of a neuron whose
    activation is always 1: its gradient is that of its unit's total input.
    """
    x1, x2 = Value(0.5), Value(-1.5)
    w11, w12, b11 = Value(0.8), Value(-0.4), Value(0.1)
    w21, w22, b12 = Value(-0.6), Value(0.2), Value(0.3)
    v1, v2, b2 = Value(1.5), Value(-2.0), Value(0.25)
    z1 = b11 + w11 * x1 + w12 * x2
    z2 = b12 + w21 * x1 + w22 * x2
    a1, a2 = z1.sigmoid(), z2.sigmoid()
    weights = {"w11": w11, "w12": w12, "b11": b11, "w21": w21, "w22": w22, "b12": b12}
    output = {"v1": v1, "v2": v2, "b2": b2, "z1": z1, "z2": z2, "a1": a1, "a2": a2}
    return labelled(x1=x1, x2=x2, **weights, **output, yhat=b2 + v1 * a1 + v2 * a2)


# Losses. ------------------------------------------------------------------------------------------
def squared_loss() -> Circuit:
    """‖ŷ − y‖² for regression

    Lund University, Machine Learning, lecture 7, Training a Neural Net. Two outputs. Without the ½
    the gradient is twice the difference.
    """
    yhat1, yhat2, y1, y2 = Value(0.5), Value(-1.0), Value(1.0), Value(0.5)
    d1, d2 = yhat1 - y1, yhat2 - y2
    loss = d1**2 + d2**2
    return labelled(yhat1=yhat1, yhat2=yhat2, y1=y1, y2=y2, d1=d1, d2=d2, loss=loss)


def negative_log_likelihood() -> Circuit:
    """Softmax and the negative log likelihood

    Lund University, Machine Learning, lecture 7, Losses: Softmax for classification. The first of
    three classes is right: −z₁ + log Σ e^z. At each z the gradient is the probability ŷ, less 1 at
    the right class.
    """
    z1, z2, z3 = Value(2.0), Value(1.0), Value(-1.0)
    e1, e2, e3 = z1.exp(), z2.exp(), z3.exp()
    total = ops.sum(e1, e2, e3)
    log = total.log()
    return labelled(z1=z1, z2=z2, z3=z3, e1=e1, e2=e2, e3=e3, total=total, log=log, loss=log - z1)


def margin_loss() -> Circuit:
    """The margin loss

    Lund University, Machine Learning, lecture 7, Losses: Margin loss for classification. Softmax,
    then how far the right class is above the best wrong one, then the ramp ℓ₂ of ρ = 0.5. The slide
    has the conditions of the ramp wrong: it is 1 for x ≤ 0, 1 − x/ρ from 0 to ρ, and 0 for x ≥ ρ.
    """
    z1, z2, z3, rho = Value(2.0), Value(1.0), Value(-1.0), Value(0.5)
    yhat1, yhat2, yhat3 = ops.softmax([z1, z2, z3])
    best = ops.maximum(yhat2, yhat3)
    l1 = yhat1 - best
    height = 1.0 - l1 / rho
    outputs = {"yhat1": yhat1, "yhat2": yhat2, "yhat3": yhat3, "best": best, "l1": l1}
    loss = ops.minimum(1.0, height.relu())
    return labelled(z1=z1, z2=z2, z3=z3, rho=rho, **outputs, height=height, loss=loss)


# Descent. -----------------------------------------------------------------------------------------
class Walk(NamedTuple):
    """The points of a descent, the first one before any update, and the loss at each."""

    points: list[tuple[float, float]]
    losses: list[float]


def valley(x: Number, y: Number) -> Number:
    """½(x² + 10y²), ten times as steep one way as the other; for Values, too.

    Lund University, Machine Learning, lecture 7, Choice of the step size. The lecture has pictures
    and no formula. Gradient descent needs a step size below 0.2 here, 2 over the larger curvature.
    """
    return 0.5 * (x**2 + 10.0 * y**2)


def descent(optimizer: Optimizer | None = None, updates: int = 20) -> Walk:
    """Down a valley

    Lund University, Machine Learning, lecture 7, Gradient Descent. W ← W − α∇L from (10, 1), by
    default with α = 0.1; another optimizer goes another way. The first of the two slides has no α,
    which is a step size of 1 and diverges here.
    """
    chosen = SGD(0.1) if optimizer is None else optimizer
    x, y = Value(10.0), Value(1.0)
    walk = Walk([], [])
    for _ in range(updates + 1):
        loss = valley(x, y)
        walk.points.append((x.data, y.data))
        walk.losses.append(loss.data)
        x.grad = y.grad = 0.0
        loss.backward()
        chosen.step([x, y])
    return walk


class StepSizes(NamedTuple):
    """Descents with three step sizes: too small, right, and too big."""

    small: Walk
    right: Walk
    big: Walk


def step_sizes() -> StepSizes:
    """The choice of the step size

    Lund University, Machine Learning, lecture 7, Choice of the step size. Too small, 0.001, and 20
    updates hardly move; 0.1 is right; too big, 0.21, and y swings farther out each time.
    """
    return StepSizes(*[descent(SGD(rate)) for rate in (0.001, 0.1, 0.21)])


class Methods(NamedTuple):
    """Descents by several methods, from the same point with the same step size."""

    descent: Walk
    momentum: Walk
    adagrad: Walk
    rmsprop: Walk


def methods(rate: float = 0.1, updates: int = 20) -> Methods:
    """Several methods on one surface

    Lund University, Machine Learning, lecture 7, Choice of the step size. Momentum μ = 0.9 as on
    the slide, whose step is m ← μm − α∇L; AdaGrad and RMSProp divide by the size of the gradients
    they have met, so both directions fall alike.
    """
    momentum = SGD(rate, momentum=0.9, form="step")
    chosen = [SGD(rate), momentum, AdaGrad(rate), RMSProp(rate, smoothing=0.9)]
    return Methods(*[descent(optimizer, updates) for optimizer in chosen])


class Batches(NamedTuple):
    """The gradient (slope, intercept) over all points, and that of each batch."""

    full: tuple[float, float]
    batches: list[tuple[float, float]]


class Line(NamedTuple):
    """A line fitted to points: the slope, the intercept, what happened, and the points."""

    slope: float
    intercept: float
    history: History
    x: list[float]
    y: list[float]


def batch_gradient(batch_size: int = 5) -> Batches:
    """The gradient over all points is the mean of those of the batches

    Lund University, Machine Learning, lecture 7, Stochastic gradient descent. Twenty points near
    2x − 1 and a line that lies flat at 0, loss (ŷ − y)². Each batch points roughly where all
    together do.
    """
    x, y = _near_a_line()
    slopes = np.column_stack([2.0 * (0.0 - y) * x, 2.0 * (0.0 - y)])
    batches = [slopes[i : i + batch_size].mean(axis=0) for i in range(0, len(x), batch_size)]
    pairs = [(float(slope), float(intercept)) for slope, intercept in batches]
    slope, intercept = slopes.mean(axis=0)
    return Batches((float(slope), float(intercept)), pairs)


def stochastic_gradient_descent(batch_size: int = 5, epochs: int = 40) -> Line:
    """Stochastic gradient descent with small batches

    Lund University, Machine Learning, lecture 7, Stochastic gradient descent. A line through twenty
    points near 2x − 1: as many epochs with small batches make as many more updates, for the same
    number of derivatives.
    """
    x, y = _near_a_line()
    model = MLP(1, [1], init="zero")
    optimizer = SGD(0.1)
    history = fit(
        model,
        x[:, None],
        y,
        loss="squared_error",
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
    )
    slope, intercept = [p.data for p in model.parameters()]
    return Line(slope, intercept, history, x.tolist(), y.tolist())


def _near_a_line() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, 20)
    return x, 2.0 * x - 1.0 + 0.1 * rng.standard_normal(20)


class RobbinsSiegmund(NamedTuple):
    """The weight after each update, by three schedules of the step size."""

    constant: list[float]
    harmonic: list[float]
    summable: list[float]


def robbins_siegmund(updates: int = 2000, noise: float = 1.0, seed: int = 0) -> RobbinsSiegmund:
    """Step sizes large enough and small enough

    Lund University, Machine Learning, lecture 7, Stochastic gradient descent: the theorem of
    Robbins and Siegmund. Descent on ½(w − 1)² from 0, each gradient with new noise. With a constant
    α = 0.5 the steps are large enough and w never comes to rest. With α = 1/k, Σα = ∞ and Σα² < ∞:
    w is the mean of all that it has seen, and converges. With α = 1/(k + 1)² the steps are too
    small: without noise w ends halfway, at ½.
    """
    shakes = noise * np.random.default_rng(seed).standard_normal(updates)
    schedules: list[Callable[[int], float]] = [
        lambda _: 0.5,
        InverseTimeDecay(1.0, decay=1.0),
        lambda k: 1.0 / (k + 2) ** 2,
    ]
    return RobbinsSiegmund(*[_shaken(schedule, shakes) for schedule in schedules])


def _shaken(schedule: Callable[[int], float], shakes: Floats) -> list[float]:
    w, found = 0.0, []
    for k, shake in enumerate(shakes.tolist()):
        w -= schedule(k) * (w - 1.0 - shake)
        found.append(w)
    return found


# Backpropagation. ---------------------------------------------------------------------------------
def _weights() -> list[Floats]:
    """W₁, W₂ and W₃ of a network 3-4-4-1; the lecture gives no numbers."""
    j, k = np.arange(1, 5)[:, None], np.arange(1, 5)[None, :]
    first = 0.1 * (j + k) * (-1.0) ** (j + k)
    return [first[:, :3], 0.1 * (j - k), np.array([[0.4, -0.3, 0.2, -0.1]])]


X, Y = (1.0, -1.0, 0.5), 0.5


def backpropagation() -> Circuit:
    """Backpropagation in a network 3-4-4-1

    Lund University, Machine Learning, lecture 7, Forwardpropagation and Backpropagation. Nodes are
    split into z before and a after the activation, and δ is the gradient at a z. w1_12 leads from
    the second input to the first unit, and its gradient is δ at z2_1 times x2, along four paths to
    J. The slide prints y − ŷ for the δ of the output; it is ŷ − y, as the algorithm has it.
    """
    x = [Value(number) for number in X]
    y = Value(Y)
    circuit = {f"x{k}": v for k, v in enumerate(x, 1)} | {"y": y}
    matrices = []
    for layer, numbers in enumerate(_weights(), 1):
        matrix = [[Value(w) for w in row] for row in numbers.tolist()]
        for j, row in enumerate(matrix, 1):
            circuit |= {f"w{layer}_{j}{k}": w for k, w in enumerate(row, 1)}
        matrices.append(matrix)
    a = x
    for layer, matrix in enumerate(matrices[:2], 2):
        z = [ops.dot(row, a) for row in matrix]
        a = [total.sigmoid() for total in z]
        circuit |= {f"z{layer}_{j}": v for j, v in enumerate(z, 1)}
        circuit |= {f"a{layer}_{j}": v for j, v in enumerate(a, 1)}
    yhat = ops.dot(matrices[2][0], a)
    difference = yhat - y
    circuit |= {"yhat": yhat, "difference": difference}
    return labelled(**circuit, J=0.5 * difference**2)


class Deltas(NamedTuple):
    """δ of each layer from the last one back, and the gradient of each matrix of weights."""

    delta4: Floats
    delta3: Floats
    delta2: Floats
    dw1: Floats
    dw2: Floats
    dw3: Floats


def deltas() -> Deltas:
    """δ from layer to layer

    Lund University, Machine Learning, lecture 7, Backpropagation. The same network by hand: each δ
    is the one above it through the weights, times a(1 − a); each dW is δ times the activities below
    it. The slide's δ of the output has the wrong sign.
    """
    first, second, third = _weights()
    a1 = np.array(X)
    a2 = _sigmoid(first @ a1)
    a3 = _sigmoid(second @ a2)
    yhat = third @ a3
    delta4 = yhat - Y
    delta3 = (third.T @ delta4) * a3 * (1.0 - a3)
    delta2 = (second.T @ delta3) * a2 * (1.0 - a2)
    slopes = [np.outer(delta2, a1), np.outer(delta3, a2), np.outer(delta4, a3)]
    return Deltas(delta4, delta3, delta2, *slopes)


def _sigmoid(z: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-z))
    return found


class Batch(NamedTuple):
    """The matrices of weights after training, and the mean of J before each update."""

    weights: list[Floats]
    losses: list[float]


def vectorized_algorithm(rate: float = 1.0, updates: int = 300) -> Batch:
    """The backpropagation algorithm, vectorized

    Lund University, Machine Learning, lecture 7, Backpropagation-Algorithm. The network 3-4-4-1 on
    eight points in a batch, dW summed over them and divided by their number. Literally, the slide's
    loop to L − 2 never fills Δ for the first layer, and W₁ would stay as it was; it also runs over
    all N points and divides by m, where both are the size of the batch.
    """
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1.0, 1.0, (8, 3))
    targets = np.sin(inputs.sum(axis=1, keepdims=True))
    weights, found = _weights(), []
    for _ in range(updates):
        found.append(_mean_loss(weights, inputs, targets))
        slopes = batch_gradients(weights, inputs, targets)
        weights = [w - rate * dw for w, dw in zip(weights, slopes)]
    return Batch(weights, found)


def _mean_loss(weights: Sequence[Floats], inputs: Floats, targets: Floats) -> float:
    first, second, third = [AffineLayer(w) for w in weights]
    activities = _sigmoid(second.fprop(_sigmoid(first.fprop(inputs))))
    return float(0.5 * np.mean((third.fprop(activities) - targets) ** 2))


def relu_and_softmax() -> Circuit:
    """A fully connected layer, a relu layer, and the softmax loss

    Lund University, Machine Learning, lecture 7, Implementing Backpropagation: the exercise. The
    second hidden unit is off, so nothing flows back through it, and its weights have the gradient
    0. Central differences confirm every other gradient.
    """
    x1, x2 = Value(1.0), Value(-2.0)
    first = [[Value(w) for w in row] for row in ((0.5, -0.25), (-1.0, 0.75), (0.3, 0.1))]
    second = [[Value(w) for w in row] for row in ((0.2, -0.4, 0.6), (-0.5, 0.1, 0.3))]
    z = [ops.dot(row, [x1, x2]) for row in first]
    a = [total.relu() for total in z]
    scores = [ops.dot(row, a) for row in second]
    log = ops.logsumexp(scores)
    circuit = {"x1": x1, "x2": x2}
    for layer, matrix in enumerate((first, second), 1):
        for j, row in enumerate(matrix, 1):
            circuit |= {f"w{layer}_{j}{k}": w for k, w in enumerate(row, 1)}
    circuit |= {f"z{j}": v for j, v in enumerate(z, 1)}
    circuit |= {f"a{j}": v for j, v in enumerate(a, 1)}
    circuit |= {f"s{j}": v for j, v in enumerate(scores, 1)}
    return labelled(**circuit, log=log, loss=log - scores[0])


# Regularisation, and advice. ----------------------------------------------------------------------
def weight_decay() -> Circuit:
    """A loss and the weight decay beside it

    Lund University, Machine Learning, lecture 7, Regularization. The weight 0.4 of x = 0.8 for the
    target 0.2, and λ/2·w² with λ = 0.1, whose gradient λw adds to that of the loss: 0.096 + 0.04.
    """
    x, w, target, lam = Value(0.8), Value(0.4), Value(0.2), Value(0.1)
    y = w * x
    loss = 0.5 * (y - target) ** 2
    penalty = 0.5 * lam * w**2
    total = loss + penalty
    inputs = {"x": x, "w": w, "target": target, "lam": lam}
    return labelled(**inputs, y=y, loss=loss, penalty=penalty, total=total)


class Decay(NamedTuple):
    """A weight before the first update and after each, by SGD with weight decay."""

    weights: list[float]


def decaying_weight(rate: float = 0.5, decay: float = 0.1, updates: int = 100) -> Decay:
    """Gradient descent with weight decay

    Lund University, Machine Learning, lecture 7, Regularization: W ← W − α(∂L/∂W + λW). It ends at
    0.16/(0.64 + λ), below the 0.25 that the loss alone would have.
    """
    w, optimizer = Value(0.4), SGD(rate, weight_decay=decay)
    found = [w.data]
    for _ in range(updates):
        w.grad = 0.0
        (0.5 * (w * 0.8 - 0.2) ** 2).backward()
        optimizer.step([w])
        found.append(w.data)
    return Decay(found)


def decay_beside_momentum(updates: int = 20) -> Walk:
    """Momentum as a mean, with weight decay outside it

    Lund University, Machine Learning, lecture 7, Regularization. m ← μm + (1 − μ)∇L and then
    θ ← θ − α(m + λθ), in the valley with μ = 0.9, α = 0.1 and λ = 0.01. The decay is no part of m.
    """
    return descent(SGD(0.1, momentum=0.9, weight_decay=0.01, form="average"), updates)


class Signal(NamedTuple):
    """The root mean square of the units of each layer, from the inputs on, by two initialisations;
    and the standard deviation of the weights that the first of them drew.
    """

    he: list[float]
    half: list[float]
    deviation: float


def he_initialisation(inputs: int = 64, layers: int = 8, seed: int = 0) -> Signal:
    """Weights with the standard deviation √(2/n)

    Lund University, Machine Learning, lecture 7, Practical Training Tips. As many units in each of
    some relu layers as there are inputs: the signal keeps its size from layer to layer. With
    weights half as large it is halved at each layer, and so are the gradients on their way back.
    """
    rng = np.random.default_rng(seed)
    deviation = np.sqrt(2.0 / inputs)
    matrices = [deviation * rng.standard_normal((inputs, inputs)) for _ in range(layers)]
    x = rng.standard_normal((inputs, 200))
    he, half = _sizes(matrices, x), _sizes([0.5 * w for w in matrices], x)
    return Signal(he, half, float(np.std(matrices)))


def _sizes(matrices: Sequence[Floats], x: Floats) -> list[float]:
    sizes = [float(np.sqrt(np.mean(x**2)))]
    for weights in matrices:
        x = np.maximum(0.0, weights @ x)
        sizes.append(float(np.sqrt(np.mean(x**2))))
    return sizes


class Plateau(NamedTuple):
    """The rate of each update of a descent, the loss before it, and the point where it ended."""

    rates: list[float]
    losses: list[float]
    end: tuple[float, float]


def rate_on_a_plateau(initial: float = 0.21, updates: int = 60) -> Plateau:
    """The rate halved when the loss does not fall

    Lund University, Machine Learning, lecture 7, Practical Training Tips. In the valley again, from
    a step size that is too big: after three losses in a row that are no lower than the lowest the
    rate is halved, by `optim.OnPlateau`, and then it is right.
    """
    optimizer = SGD(OnPlateau(initial, patience=2, factor=0.5))
    x, y = Value(10.0), Value(1.0)
    found = Plateau([], [], (x.data, y.data))
    for _ in range(updates):
        loss = valley(x, y)
        optimizer.observe(loss.data)
        found.rates.append(optimizer.rate)
        found.losses.append(loss.data)
        x.grad = y.grad = 0.0
        loss.backward()
        optimizer.step([x, y])
    return found._replace(end=(x.data, y.data))


class Playground(NamedTuple):
    """A trained network, its data with classes of 0 and 1, what happened, and the share of points
    of the training and of the test data that it gets right.
    """

    model: MLP
    points: list[tuple[float, float]]
    classes: list[int]
    history: History
    right: float
    right_on_test: float


def playground(
    data: str = "circle",
    hidden: Sequence[int] = (4,),
    activation: str = "tanh",
    rate: float = 0.1,
    decay: float = 0.0,
    noise: float = 0.0,
    epochs: int = 60,
    seed: int = 0,
) -> Playground:
    """A playground

    Lund University, Machine Learning, lecture 7, Demo: playground.tensorflow.org. Choose the data,
    "circle", "xor", "gauss" or "spiral", the hidden layers, their activation, the rate, the weight
    decay λ and the noise, and look at the regions with `plots.decision_regions`. 100 points train
    and 100 test. With xor, sixteen units, noise 0.4 and 300 epochs the test data show what decay is
    for. Raises ValueError for other data.
    """
    if data not in SETS:
        raise ValueError(f"there are the data {', '.join(SETS)}, not {data!r}")
    rng = np.random.default_rng(seed)
    points, classes = SETS[data](rng, 200)
    points = points + noise * rng.standard_normal(points.shape)
    model = MLP(
        2,
        [*hidden, 1],
        activation,
        init="xavier",
        rng=random.Random(seed),  # noqa: S311  # a seeded training is no secret
        output="sigmoid",
    )
    history = fit(
        model,
        points[:100],
        classes[:100],
        loss="binary_cross_entropy",
        optimizer=Adam(rate, weight_decay=decay),
        epochs=epochs,
        batch_size=20,
        validation=(points[100:], classes[100:]),
    )
    found = (outputs(model, points)[:, 0] > 0.5) == (classes > 0.5)
    pairs = [(float(x), float(y)) for x, y in points[:100]]
    numbers = classes[:100].astype(int).tolist()
    shares = float(found[:100].mean()), float(found[100:].mean())
    return Playground(model, pairs, numbers, history, *shares)


def _circle(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    classes = (np.arange(count) % 2).astype(float)
    radii = rng.uniform(0.0, 0.5, count) + 0.7 * (1.0 - classes)
    return _polar(radii, rng.uniform(0.0, 2.0 * np.pi, count)), classes


def _xor(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    points = rng.uniform(-1.0, 1.0, (count, 2))
    return points, (points[:, 0] * points[:, 1] > 0.0).astype(float)


def _gauss(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    classes = (np.arange(count) % 2).astype(float)
    return 0.3 * rng.standard_normal((count, 2)) + (classes - 0.5)[:, None], classes


def _spiral(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    classes = (np.arange(count) % 2).astype(float)
    along = rng.uniform(0.1, 1.0, count)
    return _polar(along, np.pi * (3.5 * along + classes)), classes


def _polar(radii: Floats, angles: Floats) -> Floats:
    found: Floats = radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    return found


SETS = {"circle": _circle, "xor": _xor, "gauss": _gauss, "spiral": _spiral}


class Approximation(NamedTuple):
    """A network with one hidden layer, and its largest distance from sin on [0, 2π]."""

    model: MLP
    error: float


def universal_approximation(units: int = 16) -> Approximation:
    """One hidden layer approximates sin

    Lund University, Machine Learning, lecture 7, Why are neural networks powerful? f(x) =
    W₂·σ(W₁x + b) with steep sigmoids: steps at equal distances, whose heights are the middle values
    of sin between them. The largest error is sin(π/N) for N units, and falls as they become more.
    In the slide's theorem W₁ is N×m and W₂ 1×N, the layer must be wide enough, not deep enough, and
    what works better in practice than shallow and wide is deep and narrow.
    """
    model = MLP(1, [units, 1], activation="sigmoid", init="zero")
    steepness, width = 400.0 * units, 2.0 * np.pi / units
    height = 0.0
    for k, neuron in enumerate(model.layers[0].neurons):
        # the first step lies before 0, so that its unit is a constant
        place = k * width if k else -1.0
        neuron.w[0].data = steepness
        neuron.b.data = -steepness * place
        level = float(np.sin((k + 0.5) * width))
        model.layers[1].neurons[0].w[k].data = level - height
        height = level
    x = np.linspace(0.0, 2.0 * np.pi, 1000)
    errors = np.abs(outputs(model, x[:, None])[:, 0] - np.sin(x))
    return Approximation(model, float(errors.max()))


EXAMPLES: Circuits = (
    objective,
    number_of_errors,
    perceptron_objective,
    artificial_neuron,
    final_equation,
    squared_loss,
    negative_log_likelihood,
    margin_loss,
    backpropagation,
    relu_and_softmax,
    weight_decay,
)
TRAININGS: Trainings = (
    perceptron_algorithm,
    descent,
    batch_gradient,
    stochastic_gradient_descent,
    step_sizes,
    methods,
    robbins_siegmund,
    deltas,
    vectorized_algorithm,
    decaying_weight,
    decay_beside_momentum,
    rate_on_a_plateau,
    he_initialisation,
    playground,
    universal_approximation,
)
