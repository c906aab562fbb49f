"""A scalar GPT, as people train it on a Value class of their own: a step with that class, and with
only the import changed.

    python tests/benchmarks/gpt.py [--steps 10] [--rounds 3]

The model names people, letter by letter: embeddings of 16 for letters and places, one layer of
attention with four heads and of a ReLU network of 64, each after a division by the root of the mean
square, and an output matrix of its own; 4,192 parameters. A step is one name: the mean of −log of
the softmax forward, backward, and Adam over a list of parameters. `plain` is the forty-line class
below, which keeps its local derivatives; `python` and `c` are the two engines, the import changed;
`c, dot` is the heart in C with `ops.dot` in place of `sum(w * x)`, and Adam on arrays. PyTorch, on
tensors without axes, and XAD take part where they are installed; their parameters are made anew
from floats in each step, which is counted as forward, and read again, which is backward.

Each runs in a process of its own, by turns, with Python's garbage collector on; milliseconds are of
the processor, whose time other work on the machine hardly changes, and medians over all steps but
the first of each round. The losses are compared: between the engines to
the bit, with the plain class, which divides by multiplying with a power of −1, and with the peers
to 1e-12.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
from itertools import pairwise
from time import process_time
from types import SimpleNamespace

from scalars import PEERS, present

NAMES = ["amelia", "oliver", "sophia", "daniel", "hannah", "thomas", "carmen", "viktor", "leonie"]
NAMES += ["samuel", "ingrid", "martin", "esther", "julian", "maria", "emil", "astrid", "benedict"]
LETTERS = [".", *"abcdefghijklmnopqrstuvwxyz"]
WIDTH, HEADS, PLACES, HIDDEN = 16, 4, 16, 64
PART = WIDTH // HEADS
SHAPES = {
    "letters": (len(LETTERS), WIDTH),
    "places": (PLACES, WIDTH),
    **dict.fromkeys(("queries", "keys", "contents", "mixed"), (WIDTH, WIDTH)),
    "inner": (HIDDEN, WIDTH),
    "outer": (WIDTH, HIDDEN),
    "logits": (len(LETTERS), WIDTH),
}
CONTESTANTS = ("plain", "python", "c", "c, dot", *PEERS)


class Plain:
    """The forty lines: a number, its operands and the slope in each."""

    __slots__ = ("data", "grad", "operands", "slopes")

    def __init__(self, data, operands=(), slopes=()):
        self.data, self.grad, self.operands, self.slopes = data, 0.0, operands, slopes

    def __add__(self, other):
        other = other if isinstance(other, Plain) else Plain(other)
        return Plain(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Plain) else Plain(other)
        return Plain(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, k):
        return Plain(self.data**k, (self,), (k * self.data ** (k - 1),))

    def exp(self):
        e = math.exp(self.data)
        return Plain(e, (self,), (e,))

    def log(self):
        return Plain(math.log(self.data), (self,), (1 / self.data,))

    def relu(self):
        return Plain(max(0.0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for operand in v.operands:
                    visit(operand)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            for operand, slope in zip(v.operands, v.slopes):
                operand.grad += slope * v.grad


def product(matrix, x):
    """A matrix of rows times a list, as everyone writes it."""
    return [sum(w * e for w, e in zip(row, x)) for row in matrix]


def normed(x):
    """A list over the root of its mean square."""
    scale = (sum(e * e for e in x) * (1 / len(x)) + 1e-5) ** -0.5
    return [e * scale for e in x]


def softmax(logits):
    """Shares that add up to 1."""
    largest = max(e.data for e in logits)
    exps = [(e - largest).exp() for e in logits]
    total = sum(exps)
    return [e / total for e in exps]


def drawn():
    """Where all parameters begin."""
    rng = random.Random(42)
    return [rng.gauss(0, 0.08) for rows, columns in SHAPES.values() for _ in range(rows * columns)]


class Model:
    """The parameters, numbers of one class in a flat list, and the loss of one name."""

    def __init__(self, parameters, product=product):
        self.parameters, self.product = parameters, product
        rest = iter(parameters)
        self.of = {
            name: [[next(rest) for _ in range(columns)] for _ in range(rows)]
            for name, (rows, columns) in SHAPES.items()
        }

    def loss(self, name):
        """The mean of −log of what the model gives for each next letter."""
        text = [LETTERS.index(letter) for letter in f".{name}."]
        keys, contents, losses = [], [], []
        for place, (letter, following) in enumerate(pairwise(text)):
            x = [a + b for a, b in zip(self.of["letters"][letter], self.of["places"][place])]
            shares = softmax(self.product(self.of["logits"], self.layer(normed(x), keys, contents)))
            losses.append(-shares[following].log())
        return sum(losses) * (1 / len(losses))

    def layer(self, x, keys, contents):
        """Attention over the places so far, and a network of one hidden layer; each is added."""
        inside = normed(x)
        query = self.product(self.of["queries"], inside)
        keys.append(self.product(self.of["keys"], inside))
        contents.append(self.product(self.of["contents"], inside))
        found = []
        for head in range(0, WIDTH, PART):
            part = slice(head, head + PART)
            scores = self.product([key[part] for key in keys], query[part])
            shares = softmax([score * PART**-0.5 for score in scores])
            columns = zip(*[content[part] for content in contents])
            found += self.product([list(column) for column in columns], shares)
        x = [a + b for a, b in zip(self.product(self.of["mixed"], found), x)]
        hidden = [e.relu() for e in self.product(self.of["inner"], normed(x))]
        return [a + b for a, b in zip(self.product(self.of["outer"], hidden), x)]


class Adam:
    """Adam over a list of parameters, as a script has it."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.mean, self.squares = [0.0] * len(parameters), [0.0] * len(parameters)

    def step(self, t, rate):
        """One update, after which gradients are forgotten."""
        of_mean, of_squares = 1 - 0.85 ** (t + 1), 1 - 0.99 ** (t + 1)
        for i, p in enumerate(self.parameters):
            self.mean[i] = 0.85 * self.mean[i] + 0.15 * p.grad
            self.squares[i] = 0.99 * self.squares[i] + 0.01 * p.grad**2
            root = (self.squares[i] / of_squares) ** 0.5 + 1e-8
            p.data -= rate * (self.mean[i] / of_mean) / root
            p.grad = 0.0


class AdamOnArrays:
    """The same with all parameters in arrays."""

    def __init__(self, parameters):
        from micrograd_plus.optim import Adam as Arrays

        self.rate = 0.0
        self.parameters = parameters
        self.adam = Arrays(lambda _: self.rate, betas=(0.85, 0.99))

    def step(self, t, rate):
        """One update, after which gradients are forgotten."""
        self.rate = rate
        self.adam.step(self.parameters)
        for p in self.parameters:
            p.grad = None


def contest(who, steps):
    """The seconds of each part of each step, and the losses."""
    if who in PEERS:
        return contest_of_peer(PEERS[who](), steps)
    if who == "plain":
        sys.setrecursionlimit(10_000)
        model = Model(list(map(Plain, drawn())))
    else:
        from micrograd_plus import Value, engine_name, ops

        assert engine_name() == who[: len(engine_name())]
        of_rows = (lambda m, x: [ops.dot(w, x) for w in m]) if who.endswith("dot") else product
        model = Model(list(map(Value, drawn())), of_rows)
    optimizer = (AdamOnArrays if who.endswith("dot") else Adam)(model.parameters)
    times, losses = [], []
    for t in range(steps):
        begin = process_time()
        loss = model.loss(NAMES[t % len(NAMES)])
        forward = process_time()
        loss.backward()
        backward = process_time()
        optimizer.step(t, rate_at(t))
        losses.append(loss.data)
        del loss
        end = process_time()
        times.append((forward - begin, backward - forward, end - backward))
    return {"times": times, "losses": losses}


def contest_of_peer(peer, steps):
    """The same with the numbers of a peer, and parameters that are floats between the steps."""
    parameters = [SimpleNamespace(data=number, grad=0.0) for number in drawn()]
    optimizer = Adam(parameters)
    times, losses = [], []
    for t in range(steps):
        begin = process_time()
        leaves = peer.leaves([p.data for p in parameters])
        loss = Model(leaves).loss(NAMES[t % len(NAMES)])
        forward = process_time()
        for p, gradient in zip(parameters, peer.gradient(loss, leaves)):
            p.grad = gradient
        backward = process_time()
        optimizer.step(t, rate_at(t))
        losses.append(float(loss.data))
        del loss, leaves
        end = process_time()
        times.append((forward - begin, backward - forward, end - backward))
    return {"times": times, "losses": losses}


def rate_at(t):
    """The learning rate, which falls along a line."""
    return 0.01 * (1 - t / 1000)


def in_a_process(who, steps):
    """What a contestant finds in a Python of its own."""
    engine = "c" if who in ("c", "c, dot") else "python"
    command = [sys.executable, __file__, "--who", who, "--steps", str(steps)]
    env = {**os.environ, "MICROGRAD_PLUS_ENGINE": engine}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return json.loads(done.stdout)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10, help="names a round (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default 3)")
    parser.add_argument("--who", choices=CONTESTANTS, help="one of them alone, as JSON")
    arguments = parser.parse_args()
    if arguments.who:
        print(json.dumps(contest(arguments.who, arguments.steps)))
        return
    there = present(CONTESTANTS)
    times, losses = {who: [] for who in there}, {}
    for _ in range(arguments.rounds):
        for who in there:
            found = in_a_process(who, arguments.steps)
            times[who] += found["times"][1:]
            losses[who] = found["losses"]
    assert losses["c"] == losses["python"], "the engines differ"
    for who in there:
        gap = max(abs(a - b) / abs(b) for a, b in zip(losses[who], losses["plain"]))
        assert gap < 1e-12, f"{who} differs from the plain class by {gap}"
    print(f"{'ms':10}{'forward':>10}{'backward':>10}{'update':>10}{'step':>10}{'times plain':>13}")
    of_plain = statistics.median(map(sum, times["plain"]))
    for who, found in times.items():
        parts = [statistics.median(part) * 1e3 for part in zip(*found)]
        whole = statistics.median(map(sum, found))
        columns = "".join(f"{ms:10.2f}" for ms in (*parts, whole * 1e3))
        print(f"{who:10}{columns}{of_plain / whole:13.2f}")


if __name__ == "__main__":
    main()
