"""Schedules in closed form, and what their settings, and those of the optimisers, may be."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest

from micrograd_plus.optim import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    CosineDecay,
    InverseTimeDecay,
    OnPlateau,
    RMSProp,
    StepDecay,
)


def test_schedules_in_closed_form():
    assert [StepDecay(1.0, every=3, factor=0.5)(k) for k in (0, 2, 3, 5, 6)] == [
        1.0,
        1.0,
        0.5,
        0.5,
        0.25,
    ]
    assert [InverseTimeDecay(2.0, decay=0.5)(k) for k in (0, 2, 6)] == [2.0, 1.0, 0.5]
    cosine = CosineDecay(1.0, updates=10, final=0.5)
    assert [cosine(k) for k in (0, 5, 10, 11, 1000)] == pytest.approx(
        [1.0, 0.75, 0.5, 0.5, 0.5], rel=1e-15
    )
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
    for schedule in (
        StepDecay(1.0, 3),
        InverseTimeDecay(1.0, 0.5),
        CosineDecay(1.0, 10),
        OnPlateau(1.0, patience=2, threshold=0.0),
    ):
        assert pickle.loads(pickle.dumps(schedule)) == eval(repr(schedule)) == schedule


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SGD(-0.1), "learning_rate of SGD must be at least 0 and finite, not -0.1"),
        (lambda: Adam(math.nan), "not nan"),
        (lambda: AdaGrad(math.inf), "not inf"),
        (lambda: SGD(momentum=1.0), "momentum of SGD must be at least 0 and below 1"),
        (lambda: SGD(nesterov=True), "momentum above 0"),
        (lambda: SGD(form="heavy"), '"sum", "step" and "average", not'),
        (lambda: Adam(betas=(0.9, 1.0)), "betas of Adam"),
        (lambda: Adam(betas=(0.9,)), "two betas"),
        (lambda: RMSProp(epsilon=0.0), "epsilon of RMSProp must be above 0"),
        (lambda: AdamW(weight_decay=-1), "weight_decay"),
        (lambda: StepDecay(0.1, every=0), "every of StepDecay must be above 0"),
        (lambda: CosineDecay(-1.0, 5), "initial"),
        (lambda: OnPlateau(0.1, factor=1.0), "factor of OnPlateau makes the rate smaller"),
        (lambda: OnPlateau(0.1, patience=-1), "patience of OnPlateau"),
        (lambda: OnPlateau(0.1, threshold=-0.1), "threshold of OnPlateau must be at least 0"),
        (lambda: SGD(lambda k: -1.0).update(np.zeros(1), np.zeros(1)), "learning_rate of SGD"),
    ],
)
def test_settings_out_of_range_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Adam(True), "learning_rate of Adam is a number, not True"),
        (lambda: SGD("0.1"), "not '0.1'"),
        (lambda: SGD(None), "learning_rate of SGD is a number, not None"),
        (lambda: SGD([0.1]), r"not \[0.1\]"),
        (lambda: SGD(np.array([0.1])), "learning_rate of SGD is a number, not array"),
        (lambda: SGD(StepDecay), "a schedule with its settings, .* not StepDecay without any"),
        (lambda: SGD(momentum=[0.9]), r"momentum of SGD is a number, not \[0.9\]"),
        (lambda: SGD(momentum=False), "not False"),
        (lambda: SGD(weight_decay=lambda k: 0.1), "weight_decay of SGD is a number, not <function"),
        (
            lambda: SGD(0.1, momentum=0.9, nesterov="yes"),
            "nesterov of SGD is True or False, not 'yes'",
        ),
        (lambda: RMSProp(centered=None), "centered of RMSProp is True or False, not None"),
        (lambda: Adam(amsgrad=0.5), "amsgrad of Adam is True or False, not 0.5"),
        (lambda: Adam(betas=0.9), "betas of Adam are numbers in a tuple, not 0.9"),
        (lambda: Adam(betas=("0.9", 0.99)), "betas of Adam is a number, not '0.9'"),
        (lambda: StepDecay(0.1, every=2.5), "every of StepDecay is a whole number, not 2.5"),
        (lambda: StepDecay("0.1", every=2), "initial of StepDecay is a number, not '0.1'"),
        (lambda: StepDecay(lambda k: 0.1, every=2), "initial of StepDecay"),
        (lambda: OnPlateau(0.1, patience=2.5), "patience of OnPlateau is a whole number"),
        (lambda: SGD(OnPlateau(0.1)).observe(None), "loss that SGD observes is a number"),
        (lambda: CosineDecay(0.1, updates=10.0), "updates of CosineDecay is a whole number"),
        (
            lambda: InverseTimeDecay(0.1, decay=None),
            "decay of InverseTimeDecay is a number, not None",
        ),
    ],
)
def test_settings_of_another_kind_are_refused(make, said):
    with pytest.raises(TypeError, match=said):
        make()


def test_settings_may_be_numpy_s_numbers():
    assert SGD(np.float32(0.5), momentum=np.float64(0.5), nesterov=np.bool_(True)).rate == 0.5
    assert Adam(betas=[0.5, np.float64(0.25)]).update(np.zeros(1), np.ones(1)).tolist() == [
        -0.001 / (1 + 1e-8)
    ]
    assert StepDecay(1, every=np.int64(2), factor=0.5)(2) == 0.5
