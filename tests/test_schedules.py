"""Schedules in closed form, and what their settings, and those of the optimisers, may be."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest

from micrograd_plus.optim import SGD, AdaGrad, Adam, AdamW, CosineDecay, InverseTimeDecay, RMSProp, StepDecay


def test_schedules_in_closed_form():
    assert [StepDecay(1.0, every=3, factor=0.5)(k) for k in (0, 2, 3, 5, 6)] == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert [InverseTimeDecay(2.0, decay=0.5)(k) for k in (0, 2, 6)] == [2.0, 1.0, 0.5]
    cosine = CosineDecay(1.0, updates=10, final=0.5)
    assert [cosine(k) for k in (0, 5, 10, 11, 1000)] == pytest.approx([1.0, 0.75, 0.5, 0.5, 0.5], rel=1e-15)
    assert all(x > y for x, y in pairwise(map(cosine, range(11))))


def test_an_inverse_time_decay_converges_as_robbins_and_siegmund_ask():
    """Σα grows like a logarithm without end; Σα² has the bound initial² · (1 + 1/decay)."""
    rate = InverseTimeDecay(0.5, decay=0.25)
    sums = [math.fsum(rate(k) for k in range(n)) for n in (100, 10_000, 1_000_000)]
    assert all(later - earlier > 0.5 / 0.25 * math.log(50) for earlier, later in pairwise(sums))
    assert math.fsum(rate(k) ** 2 for k in range(100_000)) < 0.25 * (1 + 4)


def test_the_rate_follows_the_updates_and_any_function_may_give_it():
    optimizer, seen = SGD(lambda k: 1.0 / (1 + k)), []
    w = np.array([0.0])
    for _ in range(3):
        seen.append(optimizer.rate)
        w = optimizer.update(w, np.array([1.0]))
    assert (seen, optimizer.updates, w.tolist()) == ([1.0, 0.5, 1 / 3], 3, [-(1.0 + 0.5 + 1 / 3)])


def test_schedules_are_values():
    for schedule in (StepDecay(1.0, 3), InverseTimeDecay(1.0, 0.5), CosineDecay(1.0, 10)):
        assert pickle.loads(pickle.dumps(schedule)) == eval(repr(schedule)) == schedule


@pytest.mark.parametrize(("make", "said"), [
    (lambda: SGD(-0.1), "learning_rate of SGD must be at least 0 and finite, not -0.1"),
    (lambda: Adam(math.nan), "not nan"), (lambda: AdaGrad(math.inf), "not inf"),
    (lambda: SGD(momentum=1.0), "momentum of SGD must be at least 0 and below 1"),
    (lambda: SGD(nesterov=True), "momentum above 0"), (lambda: SGD(form="heavy"), '"sum", "step" and "average", not'),
    (lambda: Adam(betas=(0.9, 1.0)), "betas of Adam"), (lambda: Adam(betas=(0.9,)), "two betas"),
    (lambda: RMSProp(epsilon=0.0), "epsilon of RMSProp must be above 0"), (lambda: AdamW(weight_decay=-1), "weight_decay"),
    (lambda: StepDecay(0.1, every=0), "every of StepDecay must be above 0"), (lambda: CosineDecay(-1.0, 5), "initial"),
    (lambda: SGD(lambda k: -1.0).update(np.zeros(1), np.zeros(1)), "learning_rate of SGD"),
])
def test_settings_out_of_range_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
