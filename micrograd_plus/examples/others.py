"""Circuits of notes and programs beside the five lectures: CS231n, Mazur, Karpathy."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from .. import ops
from ..engine import Value
from ..nn import MLP
from .circuits import Circuit, Circuits, Trainings, labelled

UNIVERSITY = "Notes and programs"
TITLE = "Stanford CS231n, Mazur, Karpathy"


def staged_function() -> Circuit:
    """(x + σ(y)) / (σ(x) + (x + y)²), in stages

    Stanford CS231n notes, Backpropagation, from which the Sharif slides are adapted: staged
    computation. No formula for the gradient is needed: every stage has a simple local gradient, and
    x and y gather theirs.
    """
    x, y = Value(3.0), Value(-4.0)
    sigy = y.sigmoid()
    num = x + sigy
    sigx = x.sigmoid()
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    return labelled(
        x=x, y=y, sigy=sigy, num=num, sigx=sigx, xpy=xpy, xpysqr=xpysqr, den=den, invden=invden, f=f
    )


def softmax_loss() -> Circuit:
    """A softmax with its loss

    Stanford CS231n notes, Linear Classification: the softmax classifier beside the SVM. Scores
    -2.85, 0.86 and 0.28, of which the last is right; the probabilities are 0.016, 0.631 and 0.353,
    the loss is 1.04, and its gradient in each score is the probability, less 1 where it is right.
    """
    s1, s2, s3 = Value(-2.85), Value(0.86), Value(0.28)
    lse = ops.logsumexp(s1, s2, s3)
    loss = lse - s3
    return labelled(s1=s1, s2=s2, s3=s3, lse=lse, L=loss)


def two_layer_network() -> Circuit:
    """Two inputs, two hidden neurons, two outputs

    Matt Mazur, A Step by Step Backpropagation Example. Sigmoids, half the squared errors, one bias
    a layer. What a hidden neuron is told is a sum: one contribution from each output.
    """
    i1, i2 = Value(0.05), Value(0.10)
    w1, w2, w3, w4, b1 = [Value(x) for x in (0.15, 0.20, 0.25, 0.30, 0.35)]
    w5, w6, w7, w8, b2 = [Value(x) for x in (0.40, 0.45, 0.50, 0.55, 0.60)]
    t1, t2 = Value(0.01), Value(0.99)
    net1 = w1 * i1 + w2 * i2 + b1
    net2 = w3 * i1 + w4 * i2 + b1
    h1, h2 = net1.sigmoid(), net2.sigmoid()
    net3 = w5 * h1 + w6 * h2 + b2
    net4 = w7 * h1 + w8 * h2 + b2
    o1, o2 = net3.sigmoid(), net4.sigmoid()
    error1, error2 = 0.5 * (t1 - o1) ** 2, 0.5 * (t2 - o2) ** 2
    error = error1 + error2
    inputs = {"i1": i1, "i2": i2, "w1": w1, "w2": w2, "w3": w3, "w4": w4, "b1": b1}
    more = {"w5": w5, "w6": w6, "w7": w7, "w8": w8, "b2": b2, "t1": t1, "t2": t2}
    hidden = {"net1": net1, "net2": net2, "h1": h1, "h2": h2}
    outputs = {"net3": net3, "net4": net4, "o1": o1, "o2": o2}
    errors = {"E1": error1, "E2": error2, "E": error}
    return labelled(**inputs, **more, **hidden, **outputs, **errors)


def micrograd_readme() -> Circuit:
    """The example of micrograd's README

    Andrej Karpathy, micrograd: README, Example usage.
    Two leaves, reused over and over: names that the README assigns again are numbered here.
    """
    a, b = Value(-4.0), Value(2.0)
    c1 = a + b
    d1 = a * b + b**3
    c2 = c1 + (c1 + 1)
    c3 = c2 + (1 + c2 + (-a))
    d2 = d1 + (d1 * 2 + (b + a).relu())
    d3 = d2 + (3 * d2 + (b - a).relu())
    e = c3 - d3
    f = e**2
    g1 = f / 2.0
    g = g1 + 10.0 / f
    return labelled(a=a, b=b, c1=c1, d1=d1, c2=c2, c3=c3, d2=d2, d3=d3, e=e, f=f, g1=g1, g=g)


def tanh_neuron() -> Circuit:
    """A neuron with tanh

    Andrej Karpathy, The spelled-out intro to neural networks and backpropagation: building
    micrograd. The bias is chosen so that the gradients come out whole: 1 − o² is a half.
    """
    x1, x2, w1, w2, b = Value(2.0), Value(0.0), Value(-3.0), Value(1.0), Value(6.8813735870195432)
    x1w1 = x1 * w1
    x2w2 = x2 * w2
    s = x1w1 + x2w2
    n = s + b
    o = n.tanh()
    return labelled(x1=x1, x2=x2, w1=w1, w2=w2, b=b, x1w1=x1w1, x2w2=x2w2, s=s, n=n, o=o)


class Moons(NamedTuple):
    """A training: the model after it, the loss and the accuracy before each step,
    and the data with classes ±1.
    """

    model: MLP
    losses: list[float]
    accuracies: list[float]
    points: list[tuple[float, float]]
    classes: list[int]


def moons(steps: int = 100) -> Moons:
    """Two moons, told apart by an MLP(2, [16, 16, 1])

    Andrej Karpathy, micrograd: demo.ipynb. Hinge loss and 1e-4·Σp², a rate that falls from 1 to
    0.1; the numbers are those of micrograd after `random.seed(1337)` and `np.random.seed(1337)`.
    Raises ImportError without scikit-learn.
    """
    points, classes = _moons_data()
    model = MLP(2, [16, 16, 1], rng=random.Random(1337))  # noqa: S311  # a seeded training is no secret
    losses, accuracies = [], []
    for k in range(steps):
        scores = [model([Value(x) for x in point]) for point in points]
        hinges = [(1 + -c * score).relu() for c, score in zip(classes, scores)]
        loss = sum(hinges) * (1.0 / len(hinges)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        losses.append(loss.data)
        accuracies.append(
            sum((c > 0) == (s.data > 0) for c, s in zip(classes, scores)) / len(classes)
        )
    return Moons(model, losses, accuracies, points, classes)


def _moons_data() -> tuple[list[tuple[float, float]], list[int]]:
    try:
        from sklearn.datasets import make_moons
    except ImportError:
        raise ImportError(
            'the moons come from scikit-learn: `pip install "micrograd-plus[data]"`'
        ) from None
    points: Any
    points, halves = make_moons(n_samples=100, noise=0.1, random_state=1337)
    return [(float(x), float(y)) for x, y in points], [2 * int(half) - 1 for half in halves]


EXAMPLES: Circuits = (
    staged_function,
    softmax_loss,
    two_layer_network,
    micrograd_readme,
    tanh_neuron,
)
TRAININGS: Trainings = (moons,)
