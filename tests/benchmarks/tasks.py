"""The tasks of `tape.py`: networks and their rows, the lectures' circuit, and a scalar GPT, with
the numbers that everyone gets.
"""

import random
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.datasets import load_digits, make_moons

from micrograd_plus import ops
from micrograd_plus.examples import gpt
from micrograd_plus.nn import MLP

PENALTY = 1e-4
LETTERS, HEADS = 6, 4  # of a name, and of the GPT's attention


def staged(x, y, sigmoid):
    """The lectures' circuit, in anyone's numbers."""
    return (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)


@dataclass
class Network:
    """The mean loss of a model over rows, which hold the inputs and then the targets."""

    title: str
    model: MLP
    sizes: tuple[int, ...]
    rows: np.ndarray
    hinge: bool = False

    def __post_init__(self):
        self.rows = np.ascontiguousarray(self.rows, dtype=float)
        self.inputs, self.targets = map(
            np.ascontiguousarray, np.split(self.rows, [self.sizes[0]], axis=1)
        )
        self.parameters = np.array([p.data for p in self.model.parameters()])

    @property
    def layers(self):
        """The weights, (outputs, inputs), and the biases of each layer."""
        starts = np.cumsum([(a + 1) * b for a, b in zip(self.sizes, self.sizes[1:])])
        matrices = [
            part.reshape(b, -1)
            for part, b in zip(np.split(self.parameters, starts[:-1]), self.sizes[1:])
        ]
        return [(matrix[:, :-1].copy(), matrix[:, -1].copy()) for matrix in matrices]

    @property
    def point(self):
        """The first row as the arguments of `loss`: x1, x2, y for the hinge, else two lists."""
        inputs, targets = self.inputs[0].tolist(), self.targets[0].tolist()
        return (*inputs, *targets) if self.hinge else (inputs, targets)

    def loss(self, *point):
        """The loss of one row, with the penalty."""
        if self.hinge:
            *inputs, target = point
            return ops.relu(1 - target * self.model(inputs)) + self.penalty()
        inputs, targets = point
        scores = self.model(inputs)
        return ops.logsumexp(scores) - ops.dot(targets, scores)

    def penalty(self):
        parameters = self.model.parameters()
        return PENALTY * ops.dot(parameters, parameters)

    @property
    def share(self):
        """By what the time of a step is divided: moons counts steps, the others images."""
        return 1 if self.hinge else len(self.rows)

    def step_of(self, contestant):
        return contestant.network(self)

    def first(self, count):
        """The same task with fewer rows."""
        return Network(self.title, self.model, self.sizes, self.rows[:count], self.hinge)


@dataclass
class Circuit:
    """(x + σ(y)) / (σ(x) + (x + y)²) at a point."""

    title: str
    point: tuple[float, float]
    rows: ClassVar = [None]
    share: ClassVar = 1

    def step_of(self, contestant):
        return contestant.circuit(*self.point)


@dataclass
class Names:
    """The mean loss of a GPT over names of six letters."""

    title: str
    model: gpt.GPT
    rows: np.ndarray

    def __post_init__(self):
        self.parameters = np.array([p.data for p in self.model.parameters()])
        self.share = len(self.rows)

    @property
    def matrices(self):
        """The parameters as the model's nine matrices."""
        parts = vars(self.model).values()
        return [
            np.array([[p.data for p in row] for row in part])
            for part in parts
            if isinstance(part, list)
        ]

    @property
    def arrays(self):
        """The tokens that go in; 1 where a place may look, at itself and back; and 1 for the token
        that comes next.
        """
        tokens = np.pad(self.rows.astype(int), ((0, 0), (1, 1)), constant_values=gpt.MARK)
        seen = np.tril(np.ones((LETTERS + 1, LETTERS + 1)))
        return tokens[:, :-1].copy(), seen, np.eye(len(gpt.LETTERS))[tokens[:, 1:]]

    def step_of(self, contestant):
        return contestant.gpt(self)

    def first(self, count):
        """The same task with fewer names."""
        return Names(self.title, self.model, self.rows[:count])


def moons():
    random.seed(1337)
    np.random.seed(1337)  # noqa: NPY002  # as the demo does
    points, classes = make_moons(n_samples=100, noise=0.1)
    rows = np.column_stack([points, classes * 2 - 1])
    return [Network("100 points", MLP(2, [16, 16, 1]), (2, 16, 16, 1), rows, hinge=True)]


def circuit():
    return [Circuit("one point", (3.0, -4.0))]


def image():
    rng = np.random.default_rng(1337)
    rows = np.column_stack([rng.random((64, 784)), np.eye(10)[rng.integers(0, 10, 64)]])
    return batches((784, 50, 10), rows, 1, 64)


def digits():
    images, labels = load_digits(return_X_y=True)
    return batches((64, 50, 10), np.column_stack([images / 16, np.eye(10)[labels]]), 1, 32, 1500)


def batches(sizes, rows, *counts):
    model = MLP(sizes[0], sizes[1:], init="he", rng=random.Random(1337))
    return [Network(f"batch of {count}", model, sizes, rows[:count]) for count in counts]


def names():
    texts = [name for name in gpt.names() if len(name) == LETTERS][:64]
    rows, model = np.array(list(map(gpt.tokens_of, texts)), dtype=float), gpt.GPT(random.Random(42))
    return [Names(f"batch of {count}", model, rows[:count]) for count in (1, 64)]


WORKLOADS = {
    "moons": (moons, "a step"),
    "circuit": (circuit, "a call"),
    "image": (image, "an image"),
    "digits": (digits, "an image"),
    "gpt": (names, "a name"),
}
