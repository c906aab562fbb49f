"""Sharif University of Technology, Multi-Layer Networks and Backpropagation Algorithm, fall 2017,
slide by slide: first the circuits, then what is learned or reckoned in numbers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from .. import ops
from ..autodiff import jacobian, value_and_grad
from ..engine import Value
from ..nn import MLP, Perceptron, threshold
from ..nn.modular import AddGate, MultiplyGate
from ..optim import Adam
from ..testing import numerical_gradient
from ..training import History, fit, outputs
from . import data
from .circuits import Circuit, Circuits, Trainings, labelled

UNIVERSITY = "Sharif University of Technology"
TITLE = "Multi-Layer Networks and Backpropagation"

BITS = [(0, 0), (0, 1), (1, 0), (1, 1)]
# inputs with their target
Pairs = Sequence[tuple[list[float], float]]


def model_neuron() -> Circuit:
    """A neuron: a weighted sum through an activation function

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 5-8. Each
    gradient of a weight is its input times that of the total input z, which the activation sets.
    """
    x1, x2, w1, w2, b = Value(2.0), Value(0.0), Value(-3.0), Value(1.0), Value(6.8813735870195432)
    z = ops.dot([w1, w2], [x1, x2], b)
    y = z.tanh()
    return labelled(x1=x1, x2=x2, w1=w1, w2=w2, b=b, z=z, y=y)


def threshold_form() -> Circuit:
    """A binary threshold neuron with its threshold

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 8-9. The
    neuron sends 1 where z ≥ θ, so z = θ counts. A step has no slope anywhere: no gradient reaches a
    weight, which is why such neurons learn by rules of their own.
    """
    x1, x2, w1, w2, theta = Value(1.0), Value(1.0), Value(1.0), Value(1.0), Value(2.0)
    z = ops.dot([w1, w2], [x1, x2])
    y = z >= theta
    return labelled(x1=x1, x2=x2, w1=w1, w2=w2, theta=theta, z=z, y=y)


def bias_form() -> Circuit:
    """The same neuron with a bias, b = −θ

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 9. The
    threshold becomes the weight of an input that is always 1, and the step stands at 0.
    """
    x1, x2, w1, w2, b = Value(1.0), Value(1.0), Value(1.0), Value(1.0), Value(-2.0)
    z = ops.dot([w1, w2], [x1, x2], b)
    y = threshold(z)
    return labelled(x1=x1, x2=x2, w1=w1, w2=w2, b=b, z=z, y=y)


def and_network() -> Circuit:
    """AND as one threshold unit

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 10. Weights 1
    and 1 and the bias −2: only both inputs together reach 0. Give x2 another value and evaluate
    again.
    """
    return _unit(b=-2.0)


def or_network() -> Circuit:
    """OR as one threshold unit

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 10. The same
    weights as AND and the bias −1: one input is enough.
    """
    return _unit(b=-1.0)


def _unit(b: float) -> Circuit:
    x1, x2, w1, w2, bias = Value(1.0), Value(0.0), Value(1.0), Value(1.0), Value(b)
    z = ops.dot([w1, w2], [x1, x2], bias)
    y = threshold(z)
    return labelled(x1=x1, x2=x2, w1=w1, w2=w2, b=bias, z=z, y=y)


def sigmoid_neuron() -> Circuit:
    """A sigmoid neuron and its nice derivative

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 11. The
    derivative of y = σ(z) is y·(1 − y): the forward pass has computed all it needs.
    """
    x1, x2, w1, w2, b = Value(1.0), Value(2.0), Value(0.5), Value(0.25), Value(-0.3)
    z = ops.dot([w1, w2], [x1, x2], b)
    y = z.sigmoid()
    return labelled(x1=x1, x2=x2, w1=w1, w2=w2, b=b, z=z, y=y)


def relu_neuron() -> Circuit:
    """A rectified linear unit

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 12. Above 0 the
    gradient passes as it is; below, nothing passes. At 0 the derivative is taken as 0.
    """
    x1, x2, w1, w2, b = Value(1.0), Value(2.0), Value(0.5), Value(0.25), Value(-0.3)
    z = ops.dot([w1, w2], [x1, x2], b)
    y = z.relu()
    return labelled(x1=x1, x2=x2, w1=w1, w2=w2, b=b, z=z, y=y)


def adaline() -> Circuit:
    """ADALINE's error: descent down it is the delta rule

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 16. From w = 0,
    the example x = (1, 2) with y = 1: the slide's update η·(y − wᵀx)·x leads to (0.1, 0.2) with
    η = 0.1. The slide's E has no ½, so its gradient is −2·(y − wᵀx)·x and a step of −η∇E goes twice
    as far as the slide's own Δw; the ½ was forgotten in E, or a 2 in Δw.
    """
    w1, w2, x1, x2, y = Value(0.0), Value(0.0), Value(1.0), Value(2.0), Value(1.0)
    out = ops.dot([w1, w2], [x1, x2])
    d = y - out
    error = d**2
    return labelled(w1=w1, w2=w2, x1=x1, x2=x2, y=y, out=out, d=d, E=error)


def same_bit_inequalities() -> Circuit:
    """Four inequalities that no weights satisfy

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 26-27. One
    threshold unit would need w1 + w2 ≥ θ and 0 ≥ θ, so that `same`, their sum, is not negative, and
    w1 < θ and w2 < θ, so that `different` is negative. But the two sums are one and the same
    number: their difference is 0, and so is its gradient in every weight and in θ.
    """
    w1, w2, theta = Value(1.0), Value(-2.0), Value(0.5)
    both, none = (w1 + w2) - theta, 0.0 - theta
    first, second = w1 - theta, w2 - theta
    same = both + none
    different = first + second
    d = same - different
    given = {"w1": w1, "w2": w2, "theta": theta}
    totals = {"both": both, "none": none, "first": first, "second": second}
    return labelled(**given, **totals, same=same, different=different, d=d)


def same_bit() -> Circuit:
    """Two layers of threshold units tell whether two bits are the same

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 26-30. The
    first hidden unit is on for (1, 1), the second for (0, 0), and the output is on for either: what
    one unit cannot do, two layers can.
    """
    x1, x2 = Value(1.0), Value(0.0)
    w11, w12, b1 = Value(1.0), Value(1.0), Value(-2.0)
    w21, w22, b2 = Value(-1.0), Value(-1.0), Value(0.0)
    v1, v2, c = Value(1.0), Value(1.0), Value(-1.0)
    h1 = threshold(ops.dot([w11, w12], [x1, x2], b1))
    h2 = threshold(ops.dot([w21, w22], [x1, x2], b2))
    y = threshold(ops.dot([v1, v2], [h1, h2], c))
    first = {"x1": x1, "x2": x2, "w11": w11, "w12": w12, "b1": b1}
    second = {"w21": w21, "w22": w22, "b2": b2, "v1": v1, "v2": v2, "c": c}
    return labelled(**first, **second, h1=h1, h2=h2, y=y)


def linear_layers() -> Circuit:
    """Two layers of linear units are one

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 30. Whatever
    the inputs, the gradients of y in them are the same two numbers, the product of the weights'
    matrices: (v1, v2)·W.
    """
    x1, x2 = Value(1.0), Value(2.0)
    w11, w12, w21, w22 = Value(0.5), Value(-1.0), Value(2.0), Value(0.25)
    v1, v2 = Value(3.0), Value(-2.0)
    h1 = ops.dot([w11, w12], [x1, x2])
    h2 = ops.dot([w21, w22], [x1, x2])
    y = ops.dot([v1, v2], [h1, h2])
    weights = {"w11": w11, "w12": w12, "w21": w21, "w22": w22, "v1": v1, "v2": v2}
    return labelled(x1=x1, x2=x2, **weights, h1=h1, h2=h2, y=y)


def two_layers() -> Circuit:
    """W2·max(0, W1·x): a network of two layers

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 31-37. The
    second hidden unit is off for this input, so nothing is learned by its weights, neither those
    before it nor the one behind it.
    """
    x1, x2 = Value(1.0), Value(2.0)
    w11, w12, w21, w22 = Value(0.5), Value(1.0), Value(2.0), Value(-1.5)
    v1, v2 = Value(3.0), Value(-2.0)
    h1 = ops.dot([w11, w12], [x1, x2]).relu()
    h2 = ops.dot([w21, w22], [x1, x2]).relu()
    o = ops.dot([v1, v2], [h1, h2])
    weights = {"w11": w11, "w12": w12, "w21": w21, "w22": w22, "v1": v1, "v2": v2}
    return labelled(x1=x1, x2=x2, **weights, h1=h1, h2=h2, o=o)


def scores_and_loss() -> Circuit:
    """Scores, hinge loss and regularizer

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 43. The
    weights reach the total L twice, through the scores s of the data loss and through R. The third
    class is right. The slide's figure has no numbers; these are an example of the course from which
    it is adapted.
    """
    x = [Value(number) for number in (-15.0, 22.0, -44.0, 56.0)]
    rows = ((0.01, -0.05, 0.1, 0.05), (0.7, 0.2, 0.05, 0.16), (0.0, -0.45, -0.2, 0.03))
    weights = [[Value(number) for number in row] for row in rows]
    biases = [Value(number) for number in (0.0, 0.2, -0.3)]
    s1, s2, s3 = [ops.dot(row, x, bias) for row, bias in zip(weights, biases)]
    hinge = ops.sum((s1 - s3 + 1.0).relu(), (s2 - s3 + 1.0).relu())
    squares = [w for row in weights for w in row]
    lam = Value(0.1)
    penalty = lam * ops.dot(squares, squares)
    total = hinge + penalty
    inputs = {f"x{i}": v for i, v in enumerate(x, 1)}
    matrix = {f"w{k}{i}": w for k, row in enumerate(weights, 1) for i, w in enumerate(row, 1)}
    offsets = {f"b{k}": b for k, b in enumerate(biases, 1)}
    scores = {"s1": s1, "s2": s2, "s3": s3}
    return labelled(
        **inputs, **matrix, **offsets, lam=lam, **scores, hinge=hinge, R=penalty, L=total
    )


def product_of_a_sum() -> Circuit:
    """(x + y)·z

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 44-50. The sum
    hands its gradient on as it is; the product gives each factor the value of the other one.
    """
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    return labelled(x=x, y=y, z=z, q=q, f=f)


def sigmoid_circuit() -> Circuit:
    """The sigmoid circuit, gate by gate

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 53-66. Local
    times upstream gradient at every gate. The slides round to 0.2 on the way, which makes w0 −0.2
    and x0 0.4.
    """
    w0, x0, w1, x1, w2 = Value(2.0), Value(-1.0), Value(-3.0), Value(-2.0), Value(-3.0)
    w0x0 = w0 * x0
    w1x1 = w1 * x1
    s = w0x0 + w1x1
    z = s + w2
    neg = -z
    exp = neg.exp()
    den = exp + 1.0
    f = 1.0 / den
    return labelled(
        w0=w0,
        x0=x0,
        w1=w1,
        x1=x1,
        w2=w2,
        w0x0=w0x0,
        w1x1=w1x1,
        s=s,
        z=z,
        neg=neg,
        exp=exp,
        den=den,
        f=f,
    )


def sigmoid_gate() -> Circuit:
    """The sigmoid circuit, its last gates in one

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 67-68.
    Any gates may be taken together when the derivative of the whole is known: here σ(z)·(1 − σ(z)).
    """
    w0, x0, w1, x1, w2 = Value(2.0), Value(-1.0), Value(-3.0), Value(-2.0), Value(-3.0)
    w0x0 = w0 * x0
    w1x1 = w1 * x1
    s = w0x0 + w1x1
    z = s + w2
    f = z.sigmoid()
    return labelled(w0=w0, x0=x0, w1=w1, x1=x1, w2=w2, w0x0=w0x0, w1x1=w1x1, s=s, z=z, f=f)


def gates() -> Circuit:
    """Patterns in backward flow

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 69. Add
    distributes the gradient, max routes it to the larger operand alone, mul switches the values of
    its operands.
    """
    x, y, z, w = Value(3.0), Value(-4.0), Value(2.0), Value(-1.0)
    p = x * y
    m = ops.maximum(z, w)
    s = p + m
    f = s * 2.0
    return labelled(x=x, y=y, z=z, w=w, p=p, m=m, s=s, f=f)


def branches() -> Circuit:
    """Gradients add at branches

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 70.
    Each Value is used twice, by one and the same gate: two edges, two contributions.
    """
    a = Value(3.0)
    b = a + a
    c = b + b
    return labelled(a=a, b=b, c=c)


def reused_input() -> Circuit:
    """x·y + x

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 70-72. x
    counts twice, through the product and directly; the chain rule adds what comes along both paths.
    """
    x, y = Value(2.0), Value(3.0)
    p = x * y
    f = p + x
    return labelled(x=x, y=y, p=p, f=f)


def simple_chain() -> Circuit:
    """The simple chain rule

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 71. One path,
    so the gradient is one product of local gradients: ∂z/∂x = ∂z/∂y·∂y/∂x.
    """
    x = Value(2.0)
    y = x**2
    z = ops.log(y)
    return labelled(x=x, y=y, z=z)


def multiple_paths() -> Circuit:
    """The chain rule along multiple paths

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 72. Three
    intermediate results depend on x, and z on all three: the products along the three paths are
    added.
    """
    x = Value(2.0)
    y1 = 3.0 * x
    y2 = x**2
    y3 = 1.0 / x
    z = ops.sum(y1, y2, y3)
    return labelled(x=x, y1=y1, y2=y2, y3=y3, z=z)


def sigmoid_layer() -> Circuit:
    """A layer of sigmoids, and the loss above it

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 76-77. A
    library's layer multiplies the gradient that comes from the top, 2 and −1 here, with σ·(1 − σ)
    for each unit by itself, and needs nothing but its own outputs.
    """
    a1, a2 = Value(1.0), Value(0.0)
    top1, top2 = a1.sigmoid(), a2.sigmoid()
    loss = 2.0 * top1 - top2
    return labelled(a1=a1, a2=a2, top1=top1, top2=top2, L=loss)


def composite_function() -> Circuit:
    """The output as a composite function

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 78. Three
    layers of one unit, f = tanh: a3 = f(w3·f(w2·f(w1·x))).
    """
    x, w1, w2, w3 = Value(1.0), Value(0.5), Value(-1.0), Value(2.0)
    z1 = w1 * x
    a1 = z1.tanh()
    z2 = w2 * a1
    a2 = z2.tanh()
    z3 = w3 * a2
    a3 = z3.tanh()
    return labelled(x=x, w1=w1, w2=w2, w3=w3, z1=z1, a1=a1, z2=z2, a2=a2, z3=z3, a3=a3)


def backpropagation_of_errors() -> Circuit:
    """Sensitivities from the last layer to the first

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 79-84. Two
    inputs, two hidden units, one output, sigmoids; E = (a − y)² without a half. Slides 81 and 83
    define δ as ∂E/∂a, the gradient at an activity, and slide 84 as ∂E/∂z, at a total input: here
    they are those of a1, a2, a and of z1, z2, z. Slide 80 has 2·(y − a) for ∂E/∂a; it is 2·(a − y),
    as on slide 84. Slides 81 and 82 have f′(z_i) where f′(z_j) is meant, and 82 takes it out of a
    sum over j.
    """
    x1, x2, y = Value(1.0), Value(0.0), Value(1.0)
    w11, w12, b1 = Value(0.5), Value(-0.5), Value(0.1)
    w21, w22, b2 = Value(0.25), Value(0.75), Value(-0.2)
    v1, v2, c = Value(1.0), Value(-1.0), Value(0.05)
    z1 = ops.dot([w11, w12], [x1, x2], b1)
    z2 = ops.dot([w21, w22], [x1, x2], b2)
    a1, a2 = z1.sigmoid(), z2.sigmoid()
    z = ops.dot([v1, v2], [a1, a2], c)
    a = z.sigmoid()
    error = (a - y) ** 2
    first = {"x1": x1, "x2": x2, "w11": w11, "w12": w12, "b1": b1, "w21": w21, "w22": w22, "b2": b2}
    second = {"v1": v1, "v2": v2, "c": c, "y": y}
    hidden = {"z1": z1, "z2": z2, "a1": a1, "a2": a2}
    return labelled(**first, **second, **hidden, z=z, a=a, E=error)


def vectorized() -> Circuit:
    """f = ‖W·x‖², by its numbers

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 85-97. In
    vectors the gradients are 2q for q, 2q·xᵀ for W and 2Wᵀq for x: each has the shape of its
    variable.
    """
    w11, w12, w21, w22 = Value(0.1), Value(0.5), Value(-0.3), Value(0.8)
    x1, x2 = Value(0.2), Value(0.4)
    q1 = ops.dot([w11, w12], [x1, x2])
    q2 = ops.dot([w21, w22], [x1, x2])
    f = ops.sum(q1**2, q2**2)
    return labelled(w11=w11, w12=w12, w21=w21, w22=w22, x1=x1, x2=x2, q1=q1, q2=q2, f=f)


def svm_example() -> Circuit:
    """The loss of an SVM over three examples

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 98-99. A row
    of scores for each example, of which the first, the second and the third is right. A wrong class
    costs what it has above the right one less 1, and sends 1 to its own score and −1 to the right
    one's; L is the mean.
    """
    rows = ((3.2, 5.1, -1.7), (1.3, 4.9, 2.0), (2.2, 2.5, -3.1))
    scores = [[Value(number) for number in row] for row in rows]
    losses = []
    for right, row in enumerate(scores):
        wrong = [s for k, s in enumerate(row) if k != right]
        losses.append(ops.sum([(s - row[right] + 1.0).relu() for s in wrong]))
    total = ops.sum(losses) / 3.0
    table = {f"s{i}{k}": s for i, row in enumerate(scores, 1) for k, s in enumerate(row, 1)}
    each = {f"L{i}": loss for i, loss in enumerate(losses, 1)}
    return labelled(**table, **each, L=total)


def weight_decay() -> Circuit:
    """Weight decay

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 104. The error
    of one linear weight, and λ/2 times its square: the gradient 0.096 of the error has 0.04 added
    to it, which draws the weight to 0. A step of ½ leads from 0.4 to 0.332, and many lead to
    0.16/0.74, not to the 0.25 that fits best.
    """
    x, w, y, lam = Value(0.8), Value(0.4), Value(0.2), Value(0.1)
    d = w * x - y
    error = 0.5 * d**2
    penalty = 0.5 * lam * w**2
    total = error + penalty
    return labelled(x=x, w=w, y=y, lam=lam, d=d, error=error, penalty=penalty, E=total)


def weight_sharing() -> Circuit:
    """Weight sharing

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 104. One weight
    in two places: what both places send back is added.
    """
    x, w = Value(1.0), Value(0.5)
    h = (w * x).tanh()
    y = (w * h).tanh()
    return labelled(x=x, w=w, h=h, y=y)


class Learned(NamedTuple):
    """What a threshold unit has learned: the mistakes of each pass, its weights and its bias."""

    mistakes: list[int]
    weights: list[float]
    bias: float


class Convergence(NamedTuple):
    """The perceptron on two tasks that it can learn, and on one that it cannot."""

    conjunction: Learned
    disjunction: Learned
    same_bit: Learned


def perceptron_convergence() -> Convergence:
    """The perceptron convergence procedure on AND, OR and "same bit"

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 13-15 and 26.
    From weights 0, over (0, 0), (0, 1), (1, 0), (1, 1), with a total of 0 counted as on, as on
    slide 9. Weights that separate AND and OR are found within six passes; for "same bit" there are
    none, and a hundred passes end as they began.
    """
    return Convergence(_learned([0, 0, 0, 1]), _learned([0, 1, 1, 1]), _learned([1, 0, 0, 1]))


def _learned(targets: list[int]) -> Learned:
    perceptron = Perceptron(2)
    mistakes = perceptron.fit(BITS, targets)
    *weights, bias = [v.data for v in perceptron.parameters()]
    return Learned(mistakes, weights, bias)


class Signs(NamedTuple):
    """The perceptron of signs on two tasks."""

    conjunction: Learned
    disjunction: Learned


def perceptron_of_signs() -> Signs:
    """The perceptron with targets −1 and 1

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 16. Where
    sign(wᵀx) ≠ y the weights move by x·y. As sign(0) is neither −1 nor 1, a total of 0 is always a
    mistake: AND takes nine passes in place of the six of slides 9 and 15.
    """
    return Signs(_signed([-1, -1, -1, 1]), _signed([-1, 1, 1, 1]))


def _signed(targets: list[int]) -> Learned:
    perceptron = Perceptron(2, classes=(-1, 1), at_zero="mistake")
    mistakes = perceptron.fit(BITS, targets)
    *weights, bias = [v.data for v in perceptron.parameters()]
    return Learned(mistakes, weights, bias)


class Update(NamedTuple):
    """One update of templates: the image's class, the class that won in its place, and all
    templates afterwards.
    """

    shown: str
    won: str
    templates: dict[str, list[float]]


class Templates(NamedTuple):
    """A multi-class perceptron: the mistakes of each pass, its updates, its biases."""

    mistakes: list[int]
    updates: list[Update]
    biases: list[float]


IMAGES = {
    "T": (1, 1, 1, 0, 1, 0, 0, 1, 0),
    "L": (1, 0, 0, 1, 0, 0, 1, 1, 1),
    "X": (1, 0, 1, 0, 1, 0, 1, 0, 1),
}


def learning_templates() -> Templates:
    """Learning the templates of three letters, update by update

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 17-24. Images
    of 3×3 pixels. After a mistake the image is added to the weights of its class and subtracted
    from those of the class that won; a correct answer changes nothing.
    """
    perceptron = Perceptron(9, classes=list(IMAGES))
    mistakes: list[int] = []
    updates: list[Update] = []
    while 0 not in mistakes:
        wrong = 0
        for letter, image in IMAGES.items():
            [won] = perceptron.predict([image])
            if won != letter:
                wrong += 1
                perceptron.fit([image], [letter], passes=1)
                updates.append(Update(letter, won, _templates(perceptron)))
        mistakes.append(wrong)
    return Templates(mistakes, updates, [unit.b.data for unit in perceptron.layer.neurons])


def _templates(perceptron: Perceptron) -> dict[str, list[float]]:
    units = perceptron.layer.neurons
    return {letter: [w.data for w in unit.w] for letter, unit in zip(IMAGES, units)}


class DigitTemplates(NamedTuple):
    """The mistakes of each pass over the digits, the weights of each class, and the share of other
    digits that the templates tell right.
    """

    mistakes: list[int]
    templates: list[list[float]]
    accuracy: float


def digit_templates(passes: int = 10) -> DigitTemplates:
    """Templates of hand-written digits

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 17-24. The
    rule of `learning_templates` on 1200 images of 8×8 pixels, tried on 597 others. An eighth of
    these is told wrong: digits vary in more ways than one template a class can follow. Raises
    ImportError without scikit-learn.
    """
    images, digits = _digits()
    perceptron = Perceptron(64, classes=range(10))
    mistakes = perceptron.fit(images[:1200], digits[:1200], passes=passes)
    found = perceptron.predict(images[1200:])
    right = sum(guess == digit for guess, digit in zip(found, digits[1200:], strict=True))
    templates = [[w.data for w in unit.w] for unit in perceptron.layer.neurons]
    return DigitTemplates(mistakes, templates, right / len(found))


def _digits() -> tuple[list[list[float]], list[int]]:
    images, digits = data.digits()
    return images.tolist(), digits.tolist()


class Translations(NamedTuple):
    """The total inputs for two patterns in all their translations, and the gradients of the sum
    over one pattern's in the weights and in the bias.
    """

    totals_a: list[float]
    totals_b: list[float]
    weights: list[float]
    bias: float


def translation_with_wrap_around() -> Translations:
    """Patterns of as many pixels, translated with wrap-around

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 28-29. Twelve
    pixels in a ring, pattern A on the pixels 0, 1, 2, 3 and B on 0, 2, 4, 7. Every pixel is on in
    four translations of either, so the sum of all totals is 4·Σw + 12·b for both, and no weights
    can put every A above every B.
    """
    weights = [Value(0.1 * (i * i % 7) - 0.2) for i in range(12)]
    bias = Value(0.3)
    a = [_seen((0, 1, 2, 3), shift, weights, bias) for shift in range(12)]
    b = [_seen((0, 2, 4, 7), shift, weights, bias) for shift in range(12)]
    difference = ops.sum(a)
    difference.backward()
    return Translations(
        [v.data for v in a], [v.data for v in b], [w.grad for w in weights], bias.grad
    )


def _seen(pixels: tuple[int, ...], shift: int, weights: list[Value], bias: Value) -> Any:
    return ops.sum(*[weights[(pixel + shift) % 12] for pixel in pixels], bias)


class Regions(NamedTuple):
    """Networks of threshold units whose output is 1 in a region of the plane."""

    half_plane: MLP
    triangle: MLP
    same_bit: MLP
    triangles: MLP


def regions_by_depth() -> Regions:
    """Decision regions by the number of layers

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 33. No hidden
    layer gives a half plane, one the triangle x ≥ 0, y ≥ 0, x + y ≤ 2, and two the union of that
    and of its mirror image, x ≤ 0, y ≤ 0, x + y ≥ −2. The slide says that one hidden layer gives
    intersections of half planes only. It gives more: `same_bit` has one, and its region holds
    (0, 0) and (1, 1) but not the point between them. `plots.decision_regions` shows each.
    """
    sides = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (-1.0, -1.0, 2.0)]
    mirrored = [(-w1, -w2, b) for w1, w2, b in sides]
    both = [(1.0, 1.0, 1.0, 0.0, 0.0, 0.0, -3.0), (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, -3.0)]
    return Regions(
        _thresholds([[(1.0, 1.0, -1.0)]]),
        _thresholds([sides, [(1.0, 1.0, 1.0, -3.0)]]),
        _thresholds([[(1.0, 1.0, -2.0), (-1.0, -1.0, 0.0)], [(1.0, 1.0, -1.0)]]),
        _thresholds([sides + mirrored, both, [(1.0, 1.0, -1.0)]]),
    )


def _thresholds(layers: Sequence[Sequence[Sequence[float]]]) -> MLP:
    """A network of threshold units from its weights: layers of units, each with its bias last."""
    widths = [len(units) for units in layers]
    model = MLP(len(layers[0][0]) - 1, widths, activation="threshold", output="threshold")
    numbers = [number for units in layers for unit in units for number in unit]
    for parameter, number in zip(model.parameters(), numbers):
        parameter.data = number
    return model


class Depths(NamedTuple):
    """Networks of one, two and three hidden layers: how many parameters each has, the loss after
    training, and the share of points told right.
    """

    parameters: list[int]
    losses: list[float]
    accuracies: list[float]


def networks_by_depth(epochs: int = 600) -> Depths:
    """Networks of about as many parameters, but of different depth

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 38. Two
    spirals, tanh units, the hinge loss. Here two hidden layers do better than one, and a third does
    not help: an observation on these points and from these weights, as the slide's is on others.
    """
    points, classes = _spirals(40)
    models = []
    for widths in ([30], [9, 7], [6, 6, 6]):
        rng = random.Random(1)  # noqa: S311  # seeded weights are no secret
        models.append(MLP(2, [*widths, 1], activation="tanh", init="xavier", rng=rng))
    losses, accuracies = [], []
    for model in models:
        optimizer = Adam(0.03)
        history = fit(
            model,
            points,
            classes,
            loss="hinge",
            optimizer=optimizer,
            epochs=epochs,
            progress=False,
        )
        scores = outputs(model, points)[:, 0]
        right = sum((score > 0) == (c > 0) for score, c in zip(scores, classes, strict=True))
        losses.append(history.losses[-1])
        accuracies.append(float(right / len(classes)))
    return Depths([len(model.parameters()) for model in models], losses, accuracies)


def _spirals(count: int) -> tuple[list[list[float]], list[int]]:
    """So many points on each of two spirals that run into each other, with the classes 1 and −1."""
    points, classes = [], []
    for i in range(count):
        angle = 0.5 + 2.0 * math.pi * i / (count - 1)
        radius = angle / (1.25 * math.pi)
        for side in (1, -1):
            reach = side * radius
            points.append([reach * ops.cos(angle), reach * ops.sin(angle)])
            classes.append(side)
    return points, classes


class Differences(NamedTuple):
    """An exact slope, and for each step what forward and central differences take it for."""

    exact: float
    steps: list[float]
    forward: list[float]
    central: list[float]


def numerical_against_analytic() -> Differences:
    """Numerical and analytic gradient

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 41. The
    slope of the sigmoid circuit in w0. The error of a forward difference falls with its step, that
    of a central one with the square of it, until the digits that a subtraction loses outweigh it:
    neither is exact, and each takes evaluations for every weight.
    """
    circuit = sigmoid_circuit()
    circuit["f"].backward()
    w0, f = circuit["w0"], circuit["f"]
    start, exact = w0.data, w0.grad

    def at(number: float) -> float:
        w0.data = number
        return float(f.forward().data)

    steps = [10.0**-k for k in range(1, 15)]
    forward = [numerical_gradient(at, start, "forward", h).gradient for h in steps]
    central = [numerical_gradient(at, start, "central", h).gradient for h in steps]
    return Differences(exact, steps, forward, central)


class Passes(NamedTuple):
    """What the gates of (x + y)·z give forwards, and what they send backwards."""

    q: float
    f: float
    of_product: list[float]
    of_sum: list[float]


def forward_backward_api() -> Passes:
    """Gates with forward and backward

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 73-75 and 100.
    (x + y)·z with gates that keep their inputs for the way back, and are called in the order of the
    graph and then in reverse: what a Value does unseen.
    """
    add, multiply = AddGate(), MultiplyGate()
    q = add.forward(-2.0, 5.0)
    f = multiply.forward(q, -4.0)
    of_product = multiply.backward(1.0)
    of_sum = add.backward(of_product[0])
    return Passes(q, f, of_product, of_sum)


class Vectors(NamedTuple):
    """f = ‖W·x‖² with its gradients in the shapes of W and x; and the Jacobian of max(0, ·)."""

    f: float
    weights: list[list[float]]
    inputs: list[float]
    jacobian: list[list[float]]


def gradients_of_vectors() -> Vectors:
    """Gradients in the shape of their variables

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 85-97. The
    gradient of a list of lists is one, too. The Jacobian of an element-wise function is diagonal,
    so nobody forms it: its diagonal is all that a backward pass needs.
    """

    def f(matrix: Any, x: Any) -> Any:
        q = [ops.dot(row, x) for row in matrix]
        return ops.dot(q, q)

    value, (weights, inputs) = value_and_grad(f, (0, 1))([[0.1, 0.5], [-0.3, 0.8]], [0.2, 0.4])
    rectified = jacobian(lambda x: [ops.relu(number) for number in x])([1.0, -2.0, 3.0])
    return Vectors(value, weights, inputs, rectified)


class Overfitting(NamedTuple):
    """Of networks with few, some and many hidden units, the mean squared errors on the points
    learned from and on others; and for the largest, the epoch at which early stopping would end and
    the errors there.
    """

    hidden: list[int]
    training: list[float]
    validation: list[float]
    best_epoch: int
    best: tuple[float, float]


def overfitting(epochs: int = 1500) -> Overfitting:
    """A powerful model on few data, and early stopping

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slides 103-104.
    Twelve noisy points of a sine, one hidden layer of tanh units. The more of them, the better the
    points are met, but not what lies between: the error on points that were not learned from grows
    again, unless one stops where it was smallest.
    """
    rng = random.Random(5)  # noqa: S311  # noise that is the same on every run is no secret
    points = [(i / 2.0 - 2.75, rng.gauss(0.0, 0.3)) for i in range(12)]
    learned = [([x], ops.sin(1.2 * x) + noise) for x, noise in points]
    others = [([x + 0.25], ops.sin(1.2 * (x + 0.25))) for x, _ in points[:-1]]
    hidden, histories = [1, 4, 30], []
    for units in hidden:
        rng = random.Random(1)  # noqa: S311
        model = MLP(1, [units, 1], activation="tanh", init="xavier", rng=rng)
        histories.append(_fitted(model, learned, others, epochs))
    *_, largest = histories
    best = min(range(epochs), key=largest.validation_losses.__getitem__)
    return Overfitting(
        hidden,
        [history.losses[-1] for history in histories],
        [history.validation_losses[-1] for history in histories],
        best,
        (largest.losses[best], largest.validation_losses[best]),
    )


def _fitted(model: MLP, learned: Pairs, others: Pairs, epochs: int) -> History:
    inputs, targets = zip(*learned)
    unseen, sought = zip(*others)
    return fit(
        model,
        inputs,
        targets,
        loss="squared_error",
        optimizer=Adam(0.05),
        epochs=epochs,
        validation=(unseen, sought),
        progress=False,
    )


class Averaged(NamedTuple):
    """The mean of the models' squared errors, the squared error of their mean, their variance."""

    mean_of_errors: float
    error_of_mean: float
    variance: float


def model_averaging() -> Averaged:
    """Model averaging

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 104. Three
    models say 0.1, 0.4 and 0.9 where 0.5 is right. The mean of what they say is off by less than
    they are on average, by exactly their variance, whatever they say.
    """
    outputs, target = [0.1, 0.4, 0.9], 0.5
    mean = ops.sum(outputs) / 3.0
    mean_of_errors = ops.sum([(y - target) ** 2 for y in outputs]) / 3.0
    variance = ops.sum([(y - mean) ** 2 for y in outputs]) / 3.0
    return Averaged(mean_of_errors, (mean - target) ** 2, variance)


class Dropped(NamedTuple):
    """The outputs of all thinned networks and their mean, as linear and as sigmoid units; what the
    whole network gives.
    """

    outputs: list[float]
    mean: float
    mean_of_sigmoids: float
    geometric_mean: float
    whole: float


def dropout() -> Dropped:
    """All eight networks of a dropout of one half

    Sharif University of Technology, Multi-Layer Networks and Backpropagation, slide 104. Three
    hidden units, each there, and then twice as strong, or not. The mean output of the thinned
    networks is the whole network's where the output is linear; with a sigmoid behind it, it is the
    normalised geometric mean that is.
    """
    hidden, weights, bias = (0.2, -0.4, 0.6), (1.0, 2.0, 3.0), 0.5
    outputs = []
    for masks in product((2.0, 0.0), repeat=3):
        thinned = [mask * h for mask, h in zip(masks, hidden)]
        outputs.append(ops.dot(weights, thinned, bias))
    probabilities = [ops.sigmoid(z) for z in outputs]
    yes = ops.exp(ops.sum([ops.log(p) for p in probabilities]) / 8.0)
    no = ops.exp(ops.sum([ops.log(1.0 - p) for p in probabilities]) / 8.0)
    return Dropped(
        outputs,
        ops.sum(outputs) / 8.0,
        ops.sum(probabilities) / 8.0,
        yes / (yes + no),
        ops.dot(weights, hidden, bias),
    )


EXAMPLES: Circuits = (
    model_neuron,
    threshold_form,
    bias_form,
    and_network,
    or_network,
    sigmoid_neuron,
    relu_neuron,
    adaline,
    same_bit_inequalities,
    same_bit,
    linear_layers,
    two_layers,
    scores_and_loss,
    product_of_a_sum,
    sigmoid_circuit,
    sigmoid_gate,
    gates,
    branches,
    reused_input,
    simple_chain,
    multiple_paths,
    sigmoid_layer,
    composite_function,
    backpropagation_of_errors,
    vectorized,
    svm_example,
    weight_decay,
    weight_sharing,
)
TRAININGS: Trainings = (
    perceptron_convergence,
    perceptron_of_signs,
    learning_templates,
    digit_templates,
    translation_with_wrap_around,
    regions_by_depth,
    networks_by_depth,
    numerical_against_analytic,
    forward_backward_api,
    gradients_of_vectors,
    overfitting,
    model_averaging,
    dropout,
)
