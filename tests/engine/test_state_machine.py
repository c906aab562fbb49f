"""A graph's whole life in random order, against a model that knows floats and formulas only.

The model keeps for each node its formula and what `grad` should read. Values come from `math`,
gradients from carrying the slope in one leaf at a time through the formulas (dual numbers, whose
rules are written here once more).
"""

import copy
import math
import pickle

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from micrograd_plus import Value, no_grad, ops
from micrograd_plus.autodiff import grad, jvp
from micrograd_plus.engine import nodes_below

NUMBERS = st.floats(-2.0, 2.0).map(lambda x: round(x, 2))

# What each operation does to numbers, and to (number, slope) pairs; the package is not asked.
FORMULAS = {
    "add": (lambda x, y: x + y, lambda x, y, dx, dy: dx + dy),
    "sub": (lambda x, y: x - y, lambda x, y, dx, dy: dx - dy),
    "mul": (lambda x, y: x * y, lambda x, y, dx, dy: dx * y + x * dy),
    "maximum": (max, lambda x, y, dx, dy: dx if x > y else dy if y > x else (dx + dy) / 2),
    "div": (
        lambda x, y: x / (y * y + 1),
        lambda x, y, dx, dy: dx / (y * y + 1) - 2 * x * y * dy / (y * y + 1) ** 2,
    ),
    "sin": (math.sin, lambda x, dx: math.cos(x) * dx),
    "tanh": (math.tanh, lambda x, dx: dx / math.cosh(x) ** 2),
    "relu": (lambda x: max(x, 0.0), lambda x, dx: dx if x > 0 else 0.0),
    "cube": (lambda x: x**3, lambda x, dx: 3 * x * x * dx),
    "dot": (lambda x, y: 0.5 + x * y + y * x, lambda x, y, dx, dy: 2 * (dx * y + x * dy)),
}
BUILD = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "maximum": ops.maximum,
    "div": lambda x, y: x / (y * y + 1),
    "sin": ops.sin,
    "tanh": ops.tanh,
    "relu": ops.relu,
    "cube": lambda x: x**3,
    "dot": lambda x, y: ops.dot([x, y], [y, x], 0.5),
}


class Node:
    """What the model knows of one Value: its formula, the number it was last computed as, and its
    gradient.

    Every change gives a node a new version; what was computed from an older version of an operand
    is stale.
    """

    def __init__(self, value, operation=None, operands=()):
        self.value, self.operation, self.operands = value, operation, operands
        self.gradient = 0.0
        if operation:
            self.compute()
        else:
            self.edit(value.data)

    def edit(self, number):
        self.number, self.version, self.seen, self.numbers = number, object(), [], []

    def compute(self):
        self.seen, self.numbers = (
            [x.version for x in self.operands],
            [x.number for x in self.operands],
        )
        self.number, self.version = FORMULAS[self.operation][0](*self.numbers), object()

    def below(self, found=None):
        """All nodes this one depends on and itself, operands first."""
        found = {} if found is None else found
        for operand in self.operands:
            operand.below(found)
        found[self] = None
        return found

    def is_outdated(self):
        return self.seen != [x.version for x in self.operands]

    def is_stale(self):
        return any(node.is_outdated() for node in self.below())

    def forward(self):
        for node in self.below():
            if node.is_outdated():
                node.compute()
            if node.operands:
                node.gradient = 0.0

    def slope(self, source):
        """The derivative of this node in another one: one dual number for each node."""
        slope = {}
        for node in self.below():
            inner = [slope[x] for x in node.operands]
            slope[node] = (
                1.0
                if node is source
                else FORMULAS[node.operation][1](*node.numbers, *inner)
                if node.operands
                else 0.0
            )
        return slope[self]


def by_pickle(value):
    return pickle.loads(pickle.dumps(value))


class Life(RuleBasedStateMachine):
    nodes = Bundle("nodes")
    leaves = Bundle("leaves")

    def __init__(self):
        super().__init__()
        self.known = []

    def keep(self, node):
        self.known.append(node)
        return node

    @initialize(target=nodes, number=NUMBERS)
    def begin(self, number):
        return self.keep(Node(Value(number)))

    @rule(target=leaves, number=NUMBERS)
    def plant_a_leaf(self, number):
        return self.keep(Node(Value(number)))

    @rule(target=nodes, leaf=leaves)
    def use_a_leaf(self, leaf):
        return leaf

    @precondition(lambda self: len(self.known) < 25)
    @rule(target=nodes, operation=st.sampled_from(sorted(FORMULAS)), x=nodes, y=nodes | leaves)
    def apply(self, operation, x, y):
        operands = (x,) if operation in ("sin", "tanh", "relu", "cube") else (x, y)
        return self.keep(
            Node(BUILD[operation](*[operand.value for operand in operands]), operation, operands)
        )

    @rule(node=nodes | leaves, seed=st.sampled_from([1.0, 1.0, -0.5, 0.0]))
    def run_backward(self, node, seed):
        if node.is_stale():
            with pytest.raises(ValueError, match="forward"):
                node.value.backward(seed)
            return
        node.value.backward(seed)
        for other in node.below():
            gradient = seed * node.slope(other)
            other.gradient = gradient if other.operands else other.gradient + gradient

    @rule(leaf=leaves, number=NUMBERS)
    def edit_a_leaf(self, leaf, number):
        leaf.value.data = number
        leaf.edit(number)

    @rule(node=nodes)
    def evaluate_again(self, node):
        node.value.forward()
        node.forward()

    @rule(leaf=leaves)
    def zero_a_gradient(self, leaf):
        leaf.value.grad = leaf.gradient = 0.0

    @rule(target=nodes, node=consumes(nodes), copier=st.sampled_from([copy.deepcopy, by_pickle]))
    def become_a_copy(self, node, copier):
        """The copy lives on in place of the node, with all below it;
        the original must not notice.
        """
        if node.is_stale():
            copier = copy.deepcopy
        twin = copier(node.value)
        places = {v: i for i, v in enumerate(nodes_below(node.value))}
        below, copies = list(node.below()), nodes_below(twin)
        assert len(copies) == len(places)
        replicas = {}
        for old in below:
            new = copy.copy(old)
            new.operands = tuple(replicas[x] for x in old.operands)
            new.value = copies[places[old.value]]
            assert new.value is not old.value
            replicas[old] = self.keep(new)
        return replicas[node]

    @rule(node=nodes)
    def differentiate_under_a_transformation(self, node):
        """Whatever the function refers to is a constant for it, and stays untouched;
        a stale one is refused.
        """
        number = node.value.data
        if node.is_stale():
            with pytest.raises(ValueError, match="forward"):
                grad(lambda x: x * node.value)(3.0)
            return
        assert grad(lambda x: x * node.value)(3.0) == number
        assert jvp(lambda x: node.value * x * x, (2.0,), (1.0,)) == (
            number * 4.0,
            number * 2.0 + 2.0 * number,
        )

    @rule(node=nodes)
    def record_nothing(self, node):
        with no_grad():
            assert (node.value * 2.0).operands == ()

    @invariant()
    def every_number_is_as_the_model_says(self):
        for node in self.known:
            assert node.value.data == pytest.approx(node.number, rel=1e-9, abs=1e-9)
            assert node.value.grad == pytest.approx(node.gradient, rel=1e-7, abs=1e-7)


TestLife = Life.TestCase
TestLife.settings = settings(
    derandomize=True,
    max_examples=300,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    database=None,
)


def test_a_node_built_on_a_stale_one_is_stale_after_that_was_evaluated_again():
    leaf = Value(2.0)
    square = leaf * leaf
    leaf.data = 3.0
    fourth = square * square  # of the old square
    square.forward()
    with pytest.raises(ValueError, match="forward"):
        fourth.backward()
