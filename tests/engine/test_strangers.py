"""Programs as people write them for a small Value class of their own, which run here with only the
import changed.

Every program is given a class and gives numbers. It runs with ours and with `Small`, the kind of
class that lectures build: closures on nodes, operands in a set, recursion. What the two give must
be the same but for rounding.
"""

import math
import random
import weakref

import pytest
from graphviz import Digraph

from micrograd_plus import Value, draw_dot, ops, trace


class Small:
    """A number with a gradient, and a closure that hands the gradient down."""

    def __init__(self, data, operands=(), op="", label=""):
        self.data, self.grad, self.label = data, 0.0, label
        self._prev, self._op, self._backward = set(operands), op, lambda: None

    def _made(self, data, op, *slopes):
        """A result with the slope in each of its operands."""
        out = Small(data, [v for v, _ in slopes], op)

        def hand_down():
            for v, slope in slopes:
                v.grad += slope * out.grad

        out._backward = hand_down
        return out

    def __add__(self, other):
        other = other if isinstance(other, Small) else Small(other)
        return self._made(self.data + other.data, "+", (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Small) else Small(other)
        return self._made(self.data * other.data, "*", (self, other.data), (other, self.data))

    def __pow__(self, n):
        return self._made(self.data**n, f"**{n}", (self, n * self.data ** (n - 1)))

    def exp(self):
        return self._made(math.exp(self.data), "exp", (self, math.exp(self.data)))

    def log(self):
        return self._made(math.log(self.data), "log", (self, 1 / self.data))

    def tanh(self):
        t = math.tanh(self.data)
        return self._made(t, "tanh", (self, 1 - t * t))

    def relu(self):
        return self._made(max(0.0, self.data), "relu", (self, float(self.data > 0)))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -1 * other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return other * self**-1

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other):
        return other + -self

    def backward(self):
        self.grad = 1.0
        for v in reversed(in_order(self)):
            v._backward()


def in_order(root):
    """The nodes below a root, operands first, as a recursive walk with a set
    of visited nodes finds them.
    """
    order, visited = [], set()

    def visit(v):
        if v not in visited:
            visited.add(v)
            for operand in v._prev:
                visit(operand)
            order.append(v)

    visit(root)
    return order


# Models and optimisers of one's own. --------------------------------------------------------------
class Unit:
    def __init__(self, kind, inputs, chance, bend="tanh"):
        self.weights = [kind(chance.uniform(-1, 1) / inputs**0.5) for _ in range(inputs)]
        self.shift, self.bend = kind(0), bend

    def __call__(self, xs):
        total = sum((w * x for w, x in zip(self.weights, xs)), self.shift)
        return getattr(total, self.bend)() if self.bend else total

    def parameters(self):
        return [*self.weights, self.shift]


class Net:
    def __init__(self, kind, sizes, seed, bend="tanh"):
        chance = random.Random(seed)
        bends = [bend] * (len(sizes) - 2) + [None]
        self.layers = [
            [Unit(kind, n, chance, b) for _ in range(m)] for n, m, b in zip(sizes, sizes[1:], bends)
        ]

    def __call__(self, xs):
        for layer in self.layers:
            xs = [unit(xs) for unit in layer]
        return xs

    def parameters(self):
        return [p for layer in self.layers for unit in layer for p in unit.parameters()]


class Moments:
    """An optimiser that keeps what it remembers of a parameter on the parameter."""

    def __init__(self, parameters, rate, decay=0.0):
        self.parameters, self.rate, self.decay, self.steps = parameters, rate, decay, 0
        for p in parameters:
            p.m = 0
            p.v = 0

    def step(self):
        self.steps += 1
        for p in self.parameters:
            if p.grad is None:
                continue
            p.m = 0.9 * p.m + 0.1 * p.grad
            p.v = 0.98 * p.v + 0.02 * p.grad**2
            m, v = p.m / (1 - 0.9**self.steps), p.v / (1 - 0.98**self.steps)
            p.data -= self.rate * (m / (v**0.5 + 1e-8) + self.decay * p.data)

    def zero_grad(self):
        for p in self.parameters:
            p.grad = 0


def points(n, classes, seed=3):
    chance = random.Random(seed)
    return [
        ((r * math.cos(angle), r * math.sin(angle)), i % classes)
        for i in range(n)
        for r, angle in [(chance.uniform(0.5, 1.5), i % classes * 2.2 + chance.gauss(0, 0.4))]
    ]


def classifier_with_cross_entropy(kind):
    """Three classes, softmax spelled out, moments kept on the parameters."""
    net, data = Net(kind, [2, 5, 3], seed=11), points(18, 3)
    optimiser = Moments(net.parameters(), rate=0.05, decay=1e-3)
    losses = []
    for _ in range(12):
        total = kind(0.0)
        for x, target in data:
            scores = net(x)
            top = max(s.data for s in scores)
            exps = [(s - top).exp() for s in scores]
            shares = [e / sum(exps) for e in exps]
            total = total + -shares[target].log()
        mean = total * (1.0 / len(data))
        mean.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(mean.data)
    right = sum(
        max(range(3), key=lambda k: scores[k].data) == target
        for x, target in data
        for scores in [net(x)]
    )
    return [*losses, right, *(p.data for p in net.parameters()), *(p.m for p in net.parameters())]


def regression_with_plain_descent(kind):
    """Squares summed from 0, gradients zeroed in a loop, the outputs kept for later."""
    net, history = Net(kind, [3, 4, 4, 1], seed=5), []
    xs = [(1.5, -2.0, 0.25), (-0.5, 1.0, 2.0), (0.0, -1.0, -1.5), (2.5, 0.5, 0.0)]
    wanted = [0.5, -0.75, 0.25, -1.0]
    for step in range(15):
        outputs = [net(x)[0] for x in xs]
        loss = sum((out - y) ** 2 for out, y in zip(outputs, wanted))
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data += -0.05 * p.grad
        history.append((step, loss.data))
    return (
        [number for entry in history for number in entry]
        + [out.data for out in outputs]
        + [out.grad for out in outputs]
    )


def hinge_with_regularisation(kind):
    """A margin loss with a penalty, a rate that falls,
    and accuracy from the signs of the outputs.
    """
    net, data = (
        Net(kind, [2, 6, 1], seed=2, bend="relu"),
        [(x, 1 - 2 * c) for x, c in points(16, 2)],
    )
    numbers = []
    for k in range(10):
        scores = [net([kind(number) for number in x])[0] for x, _ in data]
        losses = [(1 + -side * score).relu() for (_, side), score in zip(data, scores)]
        penalty = 1e-3 * sum(p * p for p in net.parameters())
        total = sum(losses) / len(losses) + penalty
        accuracy = [(score.data > 0) == (side > 0) for (_, side), score in zip(data, scores)]
        for p in net.parameters():
            p.grad = 0
        total.backward()
        for p in net.parameters():
            p.data -= (0.5 - 0.04 * k) * p.grad
        numbers += [total.data, sum(accuracy) / len(accuracy), len(losses)]
    return numbers + [p.grad for p in net.parameters()]


def circuit(kind):
    a, b, c, d = kind(1.5), kind(-0.5), kind(2.0), kind(0.25)
    for v, name in zip((a, b, c, d), "abcd"):
        v.label = name
    p = a * b
    q = p + c
    s = q * d
    r = s.tanh()
    out = r + q
    out.label = "out"
    return [a, b, c, d, p, q, s, r, out]


def stepped_by_hand(kind):
    """The gradient of the output set by hand, and then gate after gate."""
    nodes = a, _, _, _, p, q, s, r, out = circuit(kind)
    out.grad = 1.0
    out._backward()
    r._backward()
    s._backward()
    q._backward()
    p._backward()
    a._backward()  # a leaf: there is nothing below it
    return [v.grad for v in nodes]


def stepped_after_a_pass(kind):
    """What is stepped adds to what the pass has left."""
    *leaves, p, q, s, r, out = circuit(kind)
    out.backward()
    out.grad = 0.5
    out._backward()
    q._backward()
    q.grad = 0.0
    q._backward()
    p._backward()
    return [v.grad for v in (*leaves, p, q, s, r, out)]


def a_backward_of_one_s_own(kind):
    """Somebody's own function sorts the nodes and calls them backwards."""
    *leaves, _, _, _, _, out = circuit(kind)
    again = out * leaves[0] + out
    order = in_order(again)
    for v in order:
        v.grad = 0.0
    again.grad = 1.0
    for v in reversed(order):
        v._backward()
    return [v.grad for v in (*leaves, out, again)]


def a_slope_by_nudging(kind):
    """A leaf moved by a little, the graph built again, against the gradient."""

    def loss(nudge=0.0):
        x, y = kind(0.8), kind(-1.2)
        x.data += nudge
        out = (x * y + y**2 - 2 / x).tanh() + x
        return x, out

    x, out = loss()
    out.backward()
    slope = (loss(1e-6)[1].data - loss(-1e-6)[1].data) / 2e-6
    assert slope == pytest.approx(x.grad, rel=1e-6)
    return [x.grad, out.data]


def two_passes_without_zeroing(kind):
    """Leaves add up what several losses send them."""
    w = kind(0.7)
    for x in (1.0, -2.0, 0.5):
        (w * x - 0.3).tanh().backward()
    return [w.grad]


PROGRAMS = [
    classifier_with_cross_entropy,
    regression_with_plain_descent,
    hinge_with_regularisation,
    stepped_by_hand,
    stepped_after_a_pass,
    a_backward_of_one_s_own,
    a_slope_by_nudging,
    two_passes_without_zeroing,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_gives_the_numbers_of_the_class_that_it_was_written_for(program):
    ours, theirs = program(Value), program(Small)
    assert len(ours) == len(theirs) > 0
    assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-12)
    assert any(abs(number) > 1e-3 for number in ours)


def test_the_trainings_learn():
    losses = classifier_with_cross_entropy(Value)[:12]
    assert losses[-1] < 0.75 * losses[0]
    history = regression_with_plain_descent(Value)[1:30:2]
    assert history[-1] < 0.2 * history[0]


# Pictures of one's own. ---------------------------------------------------------------------------
def test_a_drawing_function_of_one_s_own_finds_every_node_and_edge():
    *_, out = circuit(Value)
    out.backward()
    nodes, edges = set(), set()

    def collect(v):
        if v not in nodes:
            nodes.add(v)
            for operand in v._prev:
                edges.add((operand, v))
                collect(operand)

    collect(out)
    dot = Digraph(graph_attr={"rankdir": "LR"})
    for v in nodes:
        text = "%s | data %.4f | grad %.4f" % (v.label, v.data, v.grad)  # noqa: UP031  # as people write it
        dot.node(str(id(v)), text, shape="record")
        if v._op:
            dot.node(str(id(v)) + v._op, v._op)
            dot.edge(str(id(v)) + v._op, str(id(v)))
    for operand, v in edges:
        dot.edge(str(id(operand)), str(id(v)) + v._op)
    assert (len(nodes), len(edges)) == (9, 9)
    assert dot.source.count("data") == 9
    assert sorted(v._op for v in nodes if v._op) == ["+", "+", "tanh", "×", "×"]
    found, wires = trace(out)
    assert set(found) == nodes
    assert set(wires) == edges
    assert draw_dot(out).source.startswith("digraph")


def test_nodes_live_in_sets_and_dicts_and_are_found_again():
    nodes = circuit(Value)
    numbers = {v: i for i, v in enumerate(nodes)}
    assert [numbers[v] for v in nodes] == list(range(9))
    assert nodes[0] in set(nodes)
    assert nodes.index(nodes[3]) == 3
    twin = Value(nodes[0].data)
    assert twin not in nodes
    assert twin not in numbers


# What is set on a Value, and what is asked of it. -------------------------------------------------
def test_what_is_set_on_a_value_stays_on_it():
    a, b = Value(2.0), Value(3.0)
    for v, attribute in ((a, "_colour"), (b, "_colour")):
        setattr(v, attribute, "teal")
    c = a * b
    assert [getattr(v, "_colour", "white") for v in (a, b, c)] == ["teal", "teal", "white"]
    assert not hasattr(c, "_colour")
    a.m = a.velocity = 0.0
    a.m += 0.5
    assert vars(a) == {"_colour": "teal", "m": 0.5, "velocity": 0.0}
    c.backward()
    assert (a.grad, a.m) == (3.0, 0.5)
    assert weakref.ref(a)() is a


def test_texts_of_a_loss_as_a_training_prints_it():
    loss = Value(0.123456)
    assert f"step {3:2d} loss {loss:.4f} {loss.data:.2e}" == "step  3 loss 0.1235 1.23e-01"
    assert repr(loss) == str(loss) == "Value(data=0.123456)"


def test_the_largest_of_some_values_and_their_order():
    scores = [Value(0.3), Value(2.0), Value(-1.0)]
    assert max(scores) is scores[1]
    assert sorted(scores) == [scores[2], scores[0], scores[1]]
    assert max(range(3), key=lambda i: scores[i].data) == 1
    assert [score.data > 0 for score in scores] == [True, True, False]
    assert ops.maximum(scores).data == 2.0


def test_gradients_are_zeroed_by_0_0_0_or_none():
    w = Value(0.5)
    for nothing in (0, 0.0, None):
        w.grad = nothing
        assert w.grad == 0.0
        (w * 3).backward()
        assert w.grad == 3.0
