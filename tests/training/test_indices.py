"""Indices that a model computes: fit refuses, before the first step, data for which one is no
whole number in range.
"""

import math

import numpy as np
import pytest

from micrograd_plus import Value, losses, nn, ops
from micrograd_plus.training import fit

GOOD = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
TARGETS = np.array([1.0, -1.0, 0.5, 0.25])


class Table(nn.Module):
    """Picks one of three parameters by an index that a function of the inputs gives."""

    def __init__(self, index):
        self.table, self.shift, self.index = [Value(0.1), Value(0.2), Value(0.3)], Value(0.0), index

    def parameters(self):
        return [*self.table, self.shift]

    def __call__(self, x):
        return ops.take(self.index(self, x), self.table) + 0.0 * x[1]


# the index of a model, and an input from which it is out of range or no whole number
COMPUTED = {
    "less than a number": (lambda m, x: 2 - x[0], 3.0, -1.0),
    "half of one": (lambda m, x: x[0] / 2, 1.0, 0.5),
    "of two inputs": (lambda m, x: x[0] + x[1], 2.0, 3.0),
    "rounded down": (lambda m, x: ops.floor(x[0] + 0.25), -1.0, -1.0),
    "a power": (lambda m, x: x[0] ** 2, 1.5, 2.25),
    "a remainder": (lambda m, x: x[0] % 3, 0.5, 0.5),
    "a condition's": (lambda m, x: ops.where(x[0] > 2.5, x[0], 0.0), 4.0, 4.0),
    "taken itself": (lambda m, x: ops.take(x[0], [0.0, 1.0, 7.0]), 2.0, 7.0),
    "the input itself": (lambda m, x: x[0], -0.5, -0.5),
    "shifted by a parameter": (lambda m, x: x[0] + m.shift, 3.0, 3.0),
}


def data_of(name, wrong=False):
    """Inputs for which the index of that name is a place; in the third of them it is none."""
    _, number, _ = COMPUTED[name]
    X = np.zeros((4, 2))
    X[:, 1] = [0.0, 1.0, 1.0, 0.0]
    if wrong:
        X[2, 0] = number
    return X


def learn(model, X, **options):
    return fit(model, X, TARGETS[: len(X)], loss="squared_error", progress=False, **options)


@pytest.mark.parametrize("engine", ["tape", "eager"])
@pytest.mark.parametrize("name", COMPUTED)
def test_an_index_that_is_no_place_is_refused_with_its_example(name, engine):
    index, _, found = COMPUTED[name]
    model = Table(index)
    learn(model, data_of(name), epochs=2, engine=engine)
    before = [p.data for p in model.parameters()]
    with pytest.raises(
        ValueError, match=rf"picks one of 3 values, .* and is {found} in example 2$"
    ):
        learn(model, data_of(name, wrong=True), epochs=2, engine=engine)
    with pytest.raises(ValueError, match=rf"is {found} in example 2 of the validation data$"):
        learn(
            model,
            data_of(name),
            epochs=2,
            engine=engine,
            validation=(data_of(name, wrong=True), TARGETS),
        )
    assert [p.data for p in model.parameters()] == before


def test_the_message_says_which_numbers_an_index_is_computed_from():
    model = Table(lambda m, x: x[0] + x[1])
    with pytest.raises(ValueError, match="an index computed from number 0, number 1 of an example"):
        learn(model, data_of("of two inputs", wrong=True))
    with pytest.raises(ValueError, match=r"^number 0 of an example picks one of 3 values"):
        learn(Table(lambda m, x: x[0]), data_of("the input itself", wrong=True))
    with pytest.raises(ValueError, match=r"^an index picks one of 3 values"):
        learn(Table(lambda m, x: Value(5.0)), GOOD)


def test_an_example_is_counted_as_it_was_given_when_some_are_held_out():
    wrong = data_of("less than a number", wrong=True)
    for seed in range(4):
        with pytest.raises(ValueError, match=r"example 2$"):
            learn(Table(COMPUTED["less than a number"][0]), wrong, validation=0.5, seed=seed)


def test_an_index_of_a_loss_is_asked_too():
    def weighed(output, target):
        return losses.squared_error(output, 0.0) * ops.take(target - 1, [1.0, 2.0])

    model = nn.MLP(2, [1])
    assert fit(model, GOOD, [1, 2, 2, 1], loss=weighed, epochs=1, progress=False).updates == 1
    with pytest.raises(ValueError, match=r"computed from number 2 of .* is 2.0 in example 1$"):
        fit(model, GOOD, [1, 3, 2, 1], loss=weighed, progress=False)


@pytest.mark.parametrize("engine", ["tape", "eager"])
def test_a_take_that_a_condition_passes_over_may_have_any_index(engine):
    lower, upper = [Value(0.1), Value(0.2)], [Value(0.3), Value(0.4)]

    class Halves(nn.Module):
        def parameters(self):
            return [*lower, *upper]

        def __call__(self, x):
            return ops.where(x[0] < 2, ops.take(x[0], lower), ops.take(x[0] - 2, upper))

    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.arange(4.0)
    found = fit(Halves(), X, y, loss="squared_error", engine=engine, epochs=3, progress=False)
    assert all(map(math.isfinite, found.losses))
    X[3] = 4.0
    with pytest.raises(ValueError, match=r"picks one of 2 values.* in example 3$"):
        fit(Halves(), X, y, loss="squared_error", engine=engine, progress=False)
