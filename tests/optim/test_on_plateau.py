"""A rate that is cut on a plateau of the loss: against the rule, in a loop and in fit."""

import copy
import math
import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus.nn import MLP
from micrograd_plus.optim import SGD, Adam, OnPlateau, Optimizer
from micrograd_plus.training import fit

LOSSES = st.lists(st.sampled_from([1.0, 2.0, 3.0, 2.0 - 1e-5, 0.5, -1.0, math.nan, math.inf]))


def rates(schedule, losses):
    """The rate after each of the losses."""
    optimizer = SGD(schedule)
    found = []
    for loss in losses:
        optimizer.observe(loss)
        found.append(optimizer.rate)
    return found


def by_the_rule(losses, initial, patience, factor):
    """Cut when more than `patience` losses in a row are not below all before."""
    rate, bad, lowest, found = initial, 0, math.inf, []
    for loss in losses:
        bad = 0 if loss < lowest else bad + 1
        lowest = min(lowest, loss)
        if bad > patience:
            rate, bad = rate * factor, 0
        found.append(rate)
    return found


@given(LOSSES, st.integers(0, 3))
def test_the_rate_is_cut_when_the_loss_has_not_fallen_for_so_long(losses, patience):
    schedule = OnPlateau(0.5, patience=patience, factor=0.5, threshold=0.0)
    assert rates(schedule, losses) == by_the_rule(losses, 0.5, patience, 0.5)


def test_less_than_the_threshold_is_no_fall():
    fine, coarse = (OnPlateau(1.0, 0, 0.5, threshold=t) for t in (1e-6, 1e-4))
    assert rates(fine, [2.0, 2.0 - 1e-5]) == [1.0, 1.0]
    assert rates(coarse, [2.0, 2.0 - 1e-5]) == [1.0, 0.5]
    assert rates(coarse, [-2.0, -2.0 - 1e-5, -2.1]) == [1.0, 0.5, 0.5]


def test_the_rate_does_not_fall_below_the_final_one():
    schedule = OnPlateau(1.0, patience=0, factor=0.25, final=0.1)
    assert rates(schedule, [1.0] * 4) == [1.0, 0.25, 0.1, 0.1]


@pytest.mark.skipif(find_spec("torch") is None, reason="the rule is compared with PyTorch's")
@pytest.mark.parametrize("patience", [0, 2])
def test_pytorch_cuts_where_we_do(patience):
    import torch

    losses = [3.0, 2.5, 2.5, 2.6, 2.4999, 2.4, 2.4, 2.4, 2.4, 2.3, 5.0, 5.0, 5.0, 5.0]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=patience, eps=0.0)
    expected = []
    for loss in losses:
        scheduler.step(loss)
        expected.append(optimizer.param_groups[0]["lr"])
    assert rates(OnPlateau(0.5, patience=patience), losses) == pytest.approx(expected, rel=1e-14)


def test_what_was_seen_stays_with_the_optimiser_and_not_with_the_schedule():
    schedule = OnPlateau(0.5, patience=0, factor=0.5)
    one, other = SGD(schedule), SGD(schedule)
    for loss in (1.0, 1.0):
        one.observe(loss)
    assert (one.rate, other.rate) == (0.25, 0.5)
    for twin in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        twin.observe(1.0)
        assert (twin.rate, one.rate) == (0.125, 0.25)
    w = one.update(np.array([1.0]), np.array([1.0]))
    assert (w.tolist(), one.updates, one.rate) == ([0.75], 1, 0.25)
    one.reset()
    assert one.rate == 0.5


def test_other_rates_do_not_mind_the_loss():
    for optimizer in (SGD(0.5), SGD(lambda k: 0.5)):
        optimizer.observe(1.0)
        optimizer.observe(1.0)
        assert optimizer.rate == 0.5


class Watched(Optimizer):
    """Plain descent that writes down what it is told."""

    def __post_init__(self):
        super().__post_init__()
        self.told = []

    def observe(self, loss):
        self.told.append(loss)

    def rule(self, w, g, rate, memory):
        return w - rate * g, memory


X = np.linspace(-1.0, 1.0, 8)[:, None]


@pytest.mark.parametrize("validation", [None, (X, X[:, 0])])
def test_fit_tells_the_loss_of_each_epoch(validation):
    optimizer = Watched(0.1)
    history = fit(
        MLP(1, [1]),
        X,
        X[:, 0] ** 2,
        loss="squared_error",
        optimizer=optimizer,
        epochs=5,
        batch_size=3,
        validation=validation,
    )
    assert optimizer.told == (history.validation_losses if validation else history.losses)


def test_fit_ends_its_swinging_by_smaller_steps():
    """At the rate 1 the mean of (w − 1)² and (w + 1)², from 1, swings for ever."""
    kept, cut = (SGD(rate) for rate in (1.0, OnPlateau(1.0, patience=1, factor=0.5)))
    losses = []
    for optimizer in (kept, cut):
        model = MLP(1, [1], bias=False)
        model.parameters()[0].data = 1.0
        history = fit(
            model,
            [[1.0], [1.0]],
            [1.0, -1.0],
            loss="squared_error",
            optimizer=optimizer,
            epochs=8,
        )
        losses.append(history.losses)
    assert losses[0] == [2.0] * 8
    assert losses[1] == [2.0] * 4 + [1.0] * 4
    assert cut.rate == 0.5**2


def test_an_error_in_training_takes_back_what_was_seen():
    optimizer = Adam(OnPlateau(0.1, patience=0))
    before = repr(optimizer)

    def fails(out, target):
        return (out - target) ** 2

    model = MLP(1, [1])
    fit(model, X, X[:, 0], loss=fails, optimizer=optimizer, epochs=1)
    rate, updates = optimizer.rate, optimizer.updates
    model.parameters()[0].data = 1e308
    with pytest.raises(FloatingPointError):
        fit(model, X, X[:, 0], loss=fails, optimizer=optimizer, epochs=3)
    assert (optimizer.rate, optimizer.updates) == (rate, updates)
    assert before.startswith("Adam(learning_rate=OnPlateau(initial=0.1, patience=0")
