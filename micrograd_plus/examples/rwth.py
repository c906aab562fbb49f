"""RWTH Aachen, Advanced Machine Learning, lecture 13: Backpropagation, December 2015, section by
section: first the circuits, then what is learned or reckoned in numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import losses, ops
from ..autodiff import grad
from ..engine import Value, nodes_below, tangents
from ..nn import Perceptron
from ..nn.modular import AffineLayer, Chain, CrossEntropySoftmaxError, SigmoidLayer
from ..tape import record
from .circuits import Circuit, Circuits, Trainings, labelled

UNIVERSITY = "RWTH Aachen"
TITLE = "Advanced Machine Learning, lecture 13: Backpropagation"

Matrix = list[list[float]]
# Two inputs, three hidden units, three outputs; two examples with the classes 1 and 0.
INPUTS = [[1.0, -2.0], [0.5, 1.5]]
CLASSES = [1, 0]
HIDDEN: Matrix = [[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6]]
HIDDEN_BIASES = [0.1, 0.0, -0.1]
OUTER: Matrix = [[0.2, -0.1, 0.3], [0.4, 0.1, -0.2], [-0.5, 0.3, 0.1]]
OUTER_BIASES = [0.0, 0.1, -0.1]
LAMBDA = 0.01


def delta_rule() -> Circuit:
    """The delta rule is descent on a quadratic error

    RWTH Aachen, Advanced Machine Learning, lecture 13, Recap: Perceptron Learning. The gradients in
    the weights are (y − t)·φ, as the rule has it. This holds for linear outputs, as here; the
    perceptron's steps, of the whole input after a mistake and of nothing otherwise, descend another
    error, Σ max(0, −t·y) with t = ±1.
    """
    phi1, phi2, w1, w2, t = Value(1.0), Value(2.0), Value(0.5), Value(-0.25), Value(1.0)
    y = ops.dot([w1, w2], [phi1, phi2])
    d = y - t
    error = 0.5 * d**2
    return labelled(phi1=phi1, phi2=phi2, w1=w1, w2=w2, t=t, y=y, d=d, E=error)


def median_regression() -> Circuit:
    """The best constant of the L1 loss is the median

    RWTH Aachen, Advanced Machine Learning, lecture 13, Recap: Loss Functions. Each number pulls
    with the same force, however far it is: at m = 3 two pull up and two down, and the gradient
    is 0.
    """
    m, numbers = Value(3.0), _numbers()
    error = ops.sum([ops.abs(m - x) for x in numbers.values()])
    return labelled(m=m, **numbers, E=error)


def least_squares() -> Circuit:
    """The best constant of the L2 loss is the mean

    RWTH Aachen, Advanced Machine Learning, lecture 13, Recap: Loss Functions. Each number pulls the
    more, the farther it is: one outlier of 100 draws m from 3 to 22.
    """
    m, numbers = Value(22.0), _numbers()
    error = ops.sum([(m - x) ** 2 for x in numbers.values()])
    return labelled(m=m, **numbers, E=error)


def _numbers() -> Circuit:
    return {f"x{i}": Value(x) for i, x in enumerate((1.0, 2.0, 3.0, 4.0, 100.0), 1)}


def chain_of_two() -> Circuit:
    """The chain rule in one dimension

    RWTH Aachen, Advanced Machine Learning, lecture 13, Excursion: Chain Rule of Differentiation.
    Δy is dy/dx times Δx, and Δz is dz/dy times Δy.
    """
    x = Value(3.0)
    y = x**2
    z = 1.0 / y
    return labelled(x=x, y=y, z=z)


def total_derivative() -> Circuit:
    """The total derivative

    RWTH Aachen, Advanced Machine Learning, lecture 13, Excursion: Chain Rule of Differentiation.
    z depends on x through y1, y2 and y3: one product for each of the paths, and their sum.
    """
    x = Value(3.0)
    y1 = 2.0 * x
    y2 = x**2
    y3 = -x
    z = ops.sum(y1 * y2, y3)
    return labelled(x=x, y1=y1, y2=y2, y3=y3, z=z)


def core_steps() -> Circuit:
    """The core steps of the backpropagation algorithm

    RWTH Aachen, Advanced Machine Learning, lecture 13, Backpropagation Algorithm. Two inputs, two
    hidden units, one output, sigmoids, E = ½(t − y)². The gradient is −(t − y) at y; at a total
    input z it is y·(1 − y) times that at y; at a unit's output, the weights that leave it times the
    gradients at the totals they lead to; at a weight, its input times the gradient at its total.
    """
    x1, x2, t = Value(1.0), Value(0.0), Value(1.0)
    w11, w12, b1 = Value(0.5), Value(-0.5), Value(0.1)
    w21, w22, b2 = Value(0.25), Value(0.75), Value(-0.2)
    v1, v2, c = Value(1.0), Value(-1.0), Value(0.05)
    z1 = ops.dot([w11, w12], [x1, x2], b1)
    z2 = ops.dot([w21, w22], [x1, x2], b2)
    y1, y2 = z1.sigmoid(), z2.sigmoid()
    z = ops.dot([v1, v2], [y1, y2], c)
    y = z.sigmoid()
    error = 0.5 * (t - y) ** 2
    first = {"x1": x1, "x2": x2, "w11": w11, "w12": w12, "b1": b1, "w21": w21, "w22": w22, "b2": b2}
    second = {"v1": v1, "v2": v2, "c": c, "t": t}
    return labelled(**first, **second, z1=z1, z2=z2, y1=y1, y2=y2, z=z, y=y, E=error)


def mlp_backpropagation() -> Circuit:
    """A multi-layer perceptron with its loss and its regularizer

    RWTH Aachen, Advanced Machine Learning, lecture 13, Learning with Hidden Units, and Summary: MLP
    Backpropagation. Sigmoid hidden units, the softmax loss of the second class, and λ·Ω, the
    squares of all weights but the biases. A weight is to be changed against the direction of its
    gradient, not in it, as the slides have it.
    """
    x = [Value(number) for number in INPUTS[0]]
    first, second = _leaves(HIDDEN), _leaves(OUTER)
    b, c = [Value(n) for n in HIDDEN_BIASES], [Value(n) for n in OUTER_BIASES]
    z = [ops.dot(row, x, bias) for row, bias in zip(first, b)]
    h = [total.sigmoid() for total in z]
    a = [ops.dot(row, h, bias) for row, bias in zip(second, c)]
    loss = ops.logsumexp(a) - a[CLASSES[0]]
    weights = [w for row in (*first, *second) for w in row]
    omega = ops.dot(weights, weights)
    lam = Value(LAMBDA)
    error = loss + lam * omega
    return labelled(
        **_vector("x", x),
        **_matrix("w", first),
        **_vector("b", b),
        **_matrix("v", second),
        **_vector("c", c),
        lam=lam,
        **_vector("z", z),
        **_vector("h", h),
        **_vector("a", a),
        L=loss,
        R=omega,
        E=error,
    )


def _leaves(matrix: Matrix) -> list[list[Value]]:
    return [[Value(number) for number in row] for row in matrix]


def _vector(name: str, values: Sequence[Value]) -> Circuit:
    return {f"{name}{i}": v for i, v in enumerate(values, 1)}


def _matrix(name: str, rows: Sequence[Sequence[Value]]) -> Circuit:
    return {f"{name}{i}{j}": v for i, row in enumerate(rows, 1) for j, v in enumerate(row, 1)}


def skip_connection() -> Circuit:
    """A skip connection

    RWTH Aachen, Advanced Machine Learning, lecture 13, Analysis: Backpropagation. The algorithm for
    layers knows no way from x past the unit to y; on a graph it is one more edge, and its gradient
    1 is added.
    """
    w, x = Value(0.5), Value(2.0)
    h = (w * x).tanh()
    y = h + x
    return labelled(w=w, x=x, h=h, y=y)


def recurrent_network() -> Circuit:
    """A recurrent network, unrolled over two steps

    RWTH Aachen, Advanced Machine Learning, lecture 13, Analysis: Backpropagation. The same weight
    acts at each step, which the algorithm for layers does not foresee; on the graph its gradients
    of both steps are added.
    """
    w, h0 = Value(0.5), Value(1.0)
    h1 = (w * h0).tanh()
    h2 = (w * h1).tanh()
    return labelled(w=w, h0=h0, h1=h1, h2=h2)


def nine_paths() -> Circuit:
    """Factoring paths

    RWTH Aachen, Advanced Machine Learning, lecture 13, Backpropagation: Factoring Paths. Three
    edges lead from x to y and three from y to z. Nine products come to the same as (α + β + γ)·(δ +
    ε + ζ).
    """
    x = Value(1.0)
    alpha, beta, gamma = Value(1.0), Value(2.0), Value(3.0)
    delta, epsilon, zeta = Value(4.0), Value(5.0), Value(6.0)
    y = ops.sum(alpha * x, beta * x, gamma * x)
    z = ops.sum(delta * y, epsilon * y, zeta * y)
    return labelled(
        x=x, alpha=alpha, beta=beta, gamma=gamma, y=y, delta=delta, epsilon=epsilon, zeta=zeta, z=z
    )


def factoring_chain(diamonds: int = 60) -> Circuit:
    """Factoring paths in a chain

    RWTH Aachen, Advanced Machine Learning, lecture 13, Backpropagation: Factoring Paths. A chain of
    the diamonds of `nine_paths` has 9**diamonds paths and 12 wires a diamond. The factors add up to
    1 at each step, so the gradient is exactly 1, whatever the length.
    """
    x = Value(1.0)
    circuit = {"x": x}
    for i in range(1, diamonds + 1):
        y = circuit[f"y{i}"] = ops.sum(0.5 * x, 0.25 * x, 0.25 * x)
        x = circuit[f"z{i}"] = ops.sum(0.5 * y, 0.25 * y, 0.25 * y)
    return labelled(**circuit)


def forward_and_reverse() -> Circuit:
    """e = (a + b)·(b + 1), forward and in reverse

    RWTH Aachen, Advanced Machine Learning, lecture 13, Backpropagation: Computational Graphs, Why
    Do We Care? One sweep up from b differentiates every node by b; one sweep down from e
    differentiates e by every node.
    """
    a, b = Value(2.0), Value(1.0)
    c = a + b
    d = b + 1.0
    e = c * d
    return labelled(a=a, b=b, c=c, d=d, e=e)


def tanh_from_sigmoid() -> Circuit:
    """tanh(a) = 2σ(2a) − 1

    RWTH Aachen, Advanced Machine Learning, lecture 13, Commonly Used Nonlinearities. The same
    number as that of the tanh gate, and the same gradient, 1 − g².
    """
    a = Value(0.7)
    u = 2.0 * a
    s = u.sigmoid()
    g = 2.0 * s - 1.0
    return labelled(a=a, u=u, s=s, g=g)


def hard_tanh() -> Circuit:
    """Hard tanh from max and min

    RWTH Aachen, Advanced Machine Learning, lecture 13, Commonly Used Nonlinearities (2). Between
    −1 and 1 the gates let a and its gradient pass; beyond they choose a constant, and a gets
    nothing.
    """
    a = Value(0.3)
    low = ops.minimum(a, 1.0)
    g = ops.maximum(low, -1.0)
    return labelled(a=a, low=low, g=g)


def maxout() -> Circuit:
    """A maxout unit of two pieces

    RWTH Aachen, Advanced Machine Learning, lecture 13, Commonly Used Nonlinearities (2). The larger
    of two linear functions; only its weights learn from this input.
    """
    x1, x2 = Value(1.0), Value(2.0)
    w11, w12, b1 = Value(0.5), Value(-1.0), Value(0.25)
    w21, w22, b2 = Value(-1.0), Value(0.5), Value(0.5)
    a1: Value = ops.dot([w11, w12], [x1, x2], b1)
    a2: Value = ops.dot([w21, w22], [x1, x2], b2)
    g = ops.maximum(a1, a2)
    pieces = {"w11": w11, "w12": w12, "b1": b1, "w21": w21, "w22": w22, "b2": b2}
    return labelled(x1=x1, x2=x2, **pieces, a1=a1, a2=a2, g=g)


def l2_on_a_sigmoid() -> Circuit:
    """The squared error of a sigmoid that is confidently wrong

    RWTH Aachen, Advanced Machine Learning, lecture 13, Another Note on Error Functions. The output
    is nearly 0 where 1 is right, but hardly any gradient reaches a: y·(1 − y) has taken it away.
    """
    a, t = Value(-5.0), Value(1.0)
    y = a.sigmoid()
    error = (t - y) ** 2
    return labelled(a=a, t=t, y=y, E=error)


def cross_entropy_on_a_sigmoid() -> Circuit:
    """The cross-entropy of a sigmoid that is confidently wrong

    RWTH Aachen, Advanced Machine Learning, lecture 13, Another Note on Error Functions. The same
    output: the logarithm's slope 1/y makes up for that of the sigmoid, and y − 1 is left.
    """
    a = Value(-5.0)
    y = a.sigmoid()
    log = ops.log(y)
    error = -log
    return labelled(a=a, y=y, log=log, E=error)


def softmax_shifted() -> Circuit:
    """The logarithm of a softmax of large numbers

    RWTH Aachen, Advanced Machine Learning, lecture 13, Implementing Softmax Correctly. exp(1002) is
    more than a float holds. Less their maximum, the numbers have the same softmax, and none is
    above 0; nor is the softmax computed before its logarithm. The slide's softmax(a + b) =
    softmax(a) holds for a b of equal entries, and what is subtracted is the largest total, not a
    weight vector.
    """
    a1, a2, a3 = Value(1000.0), Value(1001.0), Value(1002.0)
    m = ops.maximum(a1, a2, a3)
    s1, s2, s3 = a1 - m, a2 - m, a3 - m
    e1, e2, e3 = ops.exp(s1), ops.exp(s2), ops.exp(s3)
    total = ops.sum(e1, e2, e3)
    log = ops.log(total)
    error = log - s3
    shifted = {"s1": s1, "s2": s2, "s3": s3, "e1": e1, "e2": e2, "e3": e3}
    return labelled(a1=a1, a2=a2, a3=a3, m=m, **shifted, sum=total, log=log, E=error)


class Features(NamedTuple):
    """What a perceptron on fixed features has learned."""

    mistakes: list[int]
    weights: list[float]
    bias: float


def basis_functions() -> Features:
    """XOR on fixed basis functions

    RWTH Aachen, Advanced Machine Learning, lecture 13, Recap: Non-Linear Basis Functions. One unit
    on the features x1, x2 and x1·x2 learns what no unit on x1 and x2 can. The features are given,
    not learned.
    """
    points = [(0, 0), (0, 1), (1, 0), (1, 1)]
    features = [(x1, x2, x1 * x2) for x1, x2 in points]
    perceptron = Perceptron(3)
    mistakes = perceptron.fit(features, [0, 1, 1, 0])
    *weights, bias = [v.data for v in perceptron.parameters()]
    return Features(mistakes, weights, bias)


class Losses(NamedTuple):
    """One example's loss, of each kind."""

    l2: float
    l1: float
    cross_entropy: float
    hinge: float
    softmax: float


def loss_functions() -> Losses:
    """Five loss functions

    RWTH Aachen, Advanced Machine Learning, lecture 13, Recap: Loss Functions. An output of 0.4
    where 1 is right, squared and absolute; the probability 0.8 of what is right; the score 0.25 on
    the right side, but within the margin; and of the scores 2, 1 and −1 the first is right.
    """
    return Losses(
        losses.squared_error(0.4, 1.0),
        losses.absolute_error(0.4, 1.0),
        losses.binary_cross_entropy(0.8, 1, from_logits=False),
        losses.hinge(0.25, 1),
        losses.cross_entropy([2.0, 1.0, -1.0], 0),
    )


class Search(NamedTuple):
    """A search by small changes: how many weights there are, the error after each round over them,
    and the forward passes that each round took.
    """

    weights: int
    errors: list[float]
    forward_passes: list[int]


def perturbation_search(rounds: int = 20, change: float = 0.1) -> Search:
    """Small changes that are kept when they improve the error

    RWTH Aachen, Advanced Machine Learning, lecture 13, Obtaining the Gradients, Approach 2:
    Numerical Differentiation. The network of the core steps: each weight in turn is made a little
    larger, or else smaller, and stays so if that helps. That takes one to three forward passes for
    each weight, where one backward pass tells of all weights at once. With nine weights one can
    wait for it; with a million, a round is a million passes and more.
    """
    circuit = core_steps()
    weights = [v for name, v in circuit.items() if name[0] in "wvbc"]
    error = circuit["E"]
    errors, passes = [error.data], []
    for _ in range(rounds):
        passes.append(sum(_kept(weight, error, change) for weight in weights))
        errors.append(error.data)
    return Search(len(weights), errors, passes)


def _kept(weight: Value, error: Value, change: float) -> int:
    """Change a weight for the better, if one of two changes is; gives the forward passes taken."""
    before, middle = error.data, weight.data
    for trial, changed in enumerate((middle + change, middle - change), 1):
        weight.data = changed
        if error.forward().data < before:
            return trial
    weight.data = middle
    error.forward()
    return 3


class Propagated(NamedTuple):
    """An error and its gradients in the weights of each layer, from the first on; the slopes of the
    hidden units, and what they would be, taken at the outputs in place of the totals.
    """

    error: float
    gradients: list[Matrix]
    slopes: list[float]
    slopes_at_outputs: list[float]


def forward_and_backward_pass() -> Propagated:
    """The forward and the backward pass, line by line

    RWTH Aachen, Advanced Machine Learning, lecture 13, Summary: MLP Backpropagation. The slide's
    algorithm on lists, for the network of `mlp_backpropagation`. The slide has g′(y) where g′(z) is
    right, which for a sigmoid is y·(1 − y). Ω does not depend on y, so it comes in with the weights
    alone.
    """
    weights, biases = [HIDDEN, OUTER], [HIDDEN_BIASES, OUTER_BIASES]
    functions: list[Callable[[Any], Any]] = [ops.sigmoid, ops.identity]
    y, z = [INPUTS[0]], []
    for k in range(2):
        z.append([ops.dot(row, y[k], bias) for row, bias in zip(weights[k], biases[k])])
        y.append([functions[k](total) for total in z[k]])
    squares = ops.sum([w * w for matrix in weights for row in matrix for w in row])
    error = losses.cross_entropy(y[-1], CLASSES[0]) + LAMBDA * squares

    h = grad(losses.cross_entropy)(y[-1], CLASSES[0])
    gradients: list[Matrix] = []
    for k in (1, 0):
        slopes = [grad(functions[k])(total) for total in z[k]]
        h = [upstream * slope for upstream, slope in zip(h, slopes)]
        gradients.insert(0, _of_weights(h, y[k], weights[k]))
        h = [ops.dot(column, h) for column in zip(*weights[k])]
    at_outputs = [grad(ops.sigmoid)(output) for output in y[1]]
    return Propagated(error, gradients, slopes, at_outputs)


def _of_weights(h: Sequence[float], y: Sequence[float], weights: Matrix) -> Matrix:
    """h·yᵀ, and λ times the gradient of Ω."""
    rows = zip(h, weights)
    return [[upstream * x + LAMBDA * 2.0 * w for x, w in zip(y, row)] for upstream, row in rows]


class Sweeps(NamedTuple):
    """What the gradient of one output in so many inputs takes: sweeps and edges visited, forward
    from each input and in reverse from the output; and how far the two results differ.
    """

    inputs: int
    forward_sweeps: int
    forward_edges: int
    reverse_sweeps: int
    reverse_edges: int
    difference: float


def forward_against_reverse(inputs: int = 32) -> Sweeps:
    """Forward-mode against reverse-mode differentiation

    RWTH Aachen, Advanced Machine Learning, lecture 13, Why Do We Care? A sweep forward costs as
    much as one in reverse, but tells of one input alone. The slide counts a pass per node; it is
    one per input.
    """
    x = [Value(0.1 * i) for i in range(1, inputs + 1)]
    y = ops.sum([a * b.sin() for a, b in zip(x, [*x[1:], x[0]])])
    order = nodes_below(y)
    edges = sum(len(v.operands) for v in order)
    forward = [tangents(order, {source: 1.0})[y] for source in x]
    y.backward()
    difference = max(abs(slope - source.grad) for slope, source in zip(forward, x))
    return Sweeps(inputs, inputs, inputs * edges, 1, edges, difference)


class Modules(NamedTuple):
    """What modules give forwards, and the gradients at what they give, for a batch."""

    totals: Matrix
    hidden: Matrix
    outputs: Matrix
    at_outputs: Matrix
    at_hidden: Matrix
    at_totals: Matrix


def modular_implementation() -> Modules:
    """Modules with fprop and bprop

    RWTH Aachen, Advanced Machine Learning, lecture 13, Modular Implementation. The network of
    `mlp_backpropagation` without Ω, from modules, for two examples at once: y = fprop(x) stores
    what comes between, and ∂E/∂x = bprop(∂E/∂y) makes use of it.
    """
    chain = Chain(
        [AffineLayer(HIDDEN, HIDDEN_BIASES), SigmoidLayer(), AffineLayer(OUTER, OUTER_BIASES)]
    )
    outputs = chain.fprop(INPUTS)
    chain.bprop(CrossEntropySoftmaxError().grad(outputs, CLASSES))
    _, totals, hidden, _ = chain.activations
    _, at_totals, at_hidden, at_outputs = chain.grads
    found = (totals, hidden, outputs, at_outputs, at_hidden, at_totals)
    return Modules(*[array.tolist() for array in found])


class Softmaxes(NamedTuple):
    """A softmax, and a softmin."""

    softmax: list[float]
    softmin: list[float]


def softmax_and_softmin() -> Softmaxes:
    """The softmax, and what the slide prints for it

    RWTH Aachen, Advanced Machine Learning, lecture 13, Commonly Used Nonlinearities. The slide has
    exp{−a}, which makes the smallest number the most probable: a softmin. The softmax of 2, 1, −1
    has exp{a}.
    """
    a = [2.0, 1.0, -1.0]
    return Softmaxes(ops.softmax(a), ops.softmax([-number for number in a]))


class Wrong(NamedTuple):
    """Total inputs, and there the slopes of three losses where 1 is right."""

    totals: list[float]
    l2: list[float]
    cross_entropy: list[float]
    l2_on_tanh: list[float]


def confidently_wrong() -> Wrong:
    """Gradients of the L2 loss and of the cross-entropy, from wrong to right

    RWTH Aachen, Advanced Machine Learning, lecture 13, Another Note on Error Functions. The more
    certain the mistake, the smaller the gradient of the squared error of a sigmoid or tanh: do not
    use it. That of the cross-entropy goes to −1.
    """
    totals = [-10.0, -5.0, -2.0, 0.0, 2.0, 5.0]
    l2 = grad(lambda a: losses.squared_error(ops.sigmoid(a), 1.0))
    entropy = grad(lambda a: losses.binary_cross_entropy(a, 1))
    l2_on_tanh = grad(lambda a: losses.squared_error(ops.tanh(a), 1.0))
    slopes = [[slope(a) for a in totals] for slope in (l2, entropy, l2_on_tanh)]
    return Wrong(totals, *slopes)


class Softmax(NamedTuple):
    """Probabilities, the logarithm of the sum of exponentials, and the loss of each class."""

    probabilities: list[float]
    logsumexp: float
    losses: list[float]


def softmax_done_right() -> Softmax:
    """The softmax of 1000, 1001 and 1002

    RWTH Aachen, Advanced Machine Learning, lecture 13, Implementing Softmax Correctly. The
    exponentials of such numbers are infinite, and infinity over infinity is no number; shifted by
    the maximum, they are ordinary ones.
    """
    a = [1000.0, 1001.0, 1002.0]
    each = [losses.cross_entropy(a, k) for k in range(3)]
    return Softmax(ops.softmax(a), ops.logsumexp(a), each)


class Batch(NamedTuple):
    """The mean error of a batch, and its gradients in the weights of each layer."""

    error: float
    gradients: list[Matrix]


def batch_processing() -> Batch:
    """A batch at once

    RWTH Aachen, Advanced Machine Learning, lecture 13, Practical Issues: Efficient batch
    processing. The network is recorded for one example; the recording runs on all examples at once,
    here two, and gives the mean of their errors and the gradients of that.
    """
    first, second = _leaves(HIDDEN), _leaves(OUTER)
    parameters = [w for row in (*first, *second) for w in row]

    def error(x: Any, right: Any) -> Any:
        h = [ops.sigmoid(ops.dot(row, x, b)) for row, b in zip(first, HIDDEN_BIASES)]
        a = [ops.dot(row, h, c) for row, c in zip(second, OUTER_BIASES)]
        return losses.cross_entropy(a, right)

    tape = record(error, INPUTS[0], float(CLASSES[0]), parameters=parameters)
    examples = [[*x, float(right)] for x, right in zip(INPUTS, CLASSES)]
    mean, found = tape.mean_and_grad(examples)
    numbers = [float(number) for number in found]
    of_first, of_second = numbers[:6], numbers[6:]
    return Batch(mean, [_rows(of_first, 2), _rows(of_second, 3)])


def _rows(numbers: list[float], width: int) -> Matrix:
    return [numbers[i : i + width] for i in range(0, len(numbers), width)]


EXAMPLES: Circuits = (
    delta_rule,
    median_regression,
    least_squares,
    chain_of_two,
    total_derivative,
    core_steps,
    mlp_backpropagation,
    skip_connection,
    recurrent_network,
    nine_paths,
    forward_and_reverse,
    tanh_from_sigmoid,
    hard_tanh,
    maxout,
    l2_on_a_sigmoid,
    cross_entropy_on_a_sigmoid,
    softmax_shifted,
)
TRAININGS: Trainings = (
    basis_functions,
    loss_functions,
    perturbation_search,
    forward_and_backward_pass,
    forward_against_reverse,
    modular_implementation,
    softmax_and_softmin,
    confidently_wrong,
    softmax_done_right,
    batch_processing,
)
