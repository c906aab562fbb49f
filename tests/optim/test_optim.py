"""Optimisers: PyTorch's numbers, the lectures' formulas in fractions, the same bits in both uses,
all or nothing.
"""

import copy
import math
import pickle
import random
from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimizers import BOUND, CASES, PROBLEMS, by_step, by_torch, by_update, kept, main, stored

from micrograd_plus import Value, engine, ops, record
from micrograd_plus.nn import MLP
from micrograd_plus.optim import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    CosineDecay,
    Optimizer,
    RMSProp,
    StepDecay,
)

KINDS = [SGD, AdaGrad, RMSProp, Adam, AdamW]
every_kind = pytest.mark.parametrize("kind", KINDS)
every_case = pytest.mark.parametrize("case", CASES)
NUMBERS = st.floats(-100.0, 100.0)


# PyTorch's trajectories. --------------------------------------------------------------------------
@pytest.mark.parametrize("problem", PROBLEMS)
@every_case
def test_fifty_steps_are_pytorch_s_and_the_same_bits_by_values_and_by_arrays(case, problem):
    trajectory = by_step(case, problem)
    assert abs(kept(trajectory) - stored(case, problem)).max() <= BOUND
    assert trajectory.tobytes() == by_update(case, problem).tobytes()


@pytest.mark.filterwarnings("ignore")  # of a library that is not ours
@pytest.mark.parametrize("problem", PROBLEMS)
@every_case
def test_every_step_agrees_with_pytorch_where_it_is_installed(case, problem):
    pytest.importorskip("torch")
    theirs = by_torch(case, problem)
    assert abs(by_step(case, problem) - theirs).max() <= BOUND
    assert abs(kept(theirs) - stored(case, problem)).max() <= BOUND


def test_the_table_has_a_line_for_every_optimizer(capsys, monkeypatch):
    monkeypatch.setattr("optimizers.find_spec", lambda name: None)
    main()
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line[:38].rstrip() for line in lines] == list(CASES)
    assert all(float(number) <= BOUND for line in lines for number in line[38:].split())


# The lectures' formulas, in exact fractions. ------------------------------------------------------
def exactly(formula, steps=6):
    """w after each step from 3/2 on, for the gradient w/2 - 1/4."""
    w, memory, found = Fraction(3, 2), Fraction(0), []
    for k in range(steps):
        w, memory = formula(w, w / 2 - Fraction(1, 4), memory, k)
        found.append(float(w))
    return found


def run(optimizer, steps=6):
    w, found = np.array([1.5]), []
    for _ in range(steps):
        w = optimizer.update(w, w / 2 - 0.25)
        found.append(float(w[0]))
    return found


MU, RATE, LAMBDA = Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)


def lund_step(w, g, m, k):
    """mₙ = μ·mₙ₋₁ - α∇L, Wⁿ⁺¹ = Wⁿ + mₙ (Choice of the step size),
    where α is halved after every second step.
    """
    m = MU * m - RATE / 2 ** (k // 2) * g
    return w + m, m


def lund_average(w, g, m, k):
    """mₙ = μ·mₙ₋₁ + (1 - μ)∂L/∂θ, θₙ₊₁ = θₙ - α(mₙ + λθₙ) (Regularization)."""
    m = MU * m + (1 - MU) * g
    return w - RATE * (m + LAMBDA * w), m


def lund_decay(w, g, m, k):
    """W ← W - α(∂L/∂W + λW) (Regularization)."""
    return w - RATE * (g + LAMBDA * w), m


def looking_ahead(w, g, m, k):
    """Sutskever's: the gradient is taken at w, which is ahead
    of where the steps have led by μ·m.
    """
    m_next = MU * m - RATE * g
    return w - MU * m + m_next + MU * m_next, m_next


@pytest.mark.parametrize(
    ("formula", "optimizer"),
    [
        (lund_step, SGD(StepDecay(0.25, every=2, factor=0.5), momentum=0.5, form="step")),
        (lund_average, SGD(0.25, momentum=0.5, weight_decay=0.125, form="average")),
        (lund_decay, SGD(0.25, weight_decay=0.125)),
        (lund_decay, SGD(0.25, weight_decay=0.125, form="step")),
        (lund_decay, SGD(0.25, weight_decay=0.125, form="average")),
        (looking_ahead, SGD(0.25, momentum=0.5, nesterov=True, form="step")),
        (looking_ahead, SGD(0.25, momentum=0.5, nesterov=True)),
    ],
    ids=lambda given: given.__name__ if callable(given) else given.form,
)
def test_the_forms_of_momentum_are_the_lectures(formula, optimizer):
    assert run(copy.copy(optimizer)) == pytest.approx(exactly(formula), rel=1e-15)


@given(NUMBERS, st.lists(NUMBERS, min_size=1, max_size=5))
def test_an_average_is_a_sum_at_a_rate_smaller_by_its_share(w, gradients):
    average, total = SGD(0.5, momentum=0.75, form="average"), SGD(0.125, momentum=0.75)
    x = y = np.array([w])
    for g in gradients:
        x, y = average.update(x, np.array([g])), total.update(y, np.array([g]))
    assert x == pytest.approx(y, rel=1e-13, abs=1e-12)


@given(st.lists(NUMBERS, min_size=1, max_size=4), st.floats(1e-3, 100.0))
def test_what_adapts_to_the_size_of_gradients_does_not_know_it(gradients, scale):
    for make in (
        lambda: AdaGrad(epsilon=1e-300),
        lambda: RMSProp(epsilon=1e-300),
        lambda: Adam(epsilon=1e-300),
    ):
        once, scaled = make(), make()
        x = y = np.zeros(len(gradients))
        for _ in range(3):
            x, y = (
                once.update(x, np.array(gradients) + 101.0),
                scaled.update(y, scale * (np.array(gradients) + 101.0)),
            )
        assert x == pytest.approx(y, rel=1e-12)


def test_the_first_step_of_adam_is_the_rate():
    assert Adam(0.25).update(np.zeros(3), np.array([1e-3, -5.0, 1e5])) == pytest.approx(
        [-0.25, 0.25, -0.25], rel=1e-4
    )


def test_a_centered_spread_that_rounds_below_zero_is_zero():
    optimizer, w = RMSProp(smoothing=0.5, centered=True), np.zeros(1)
    for _ in range(200):
        w = optimizer.update(w, np.array([0.7]))
    assert np.isfinite(w).all()


# State. -------------------------------------------------------------------------------------------
@every_kind
def test_copies_and_pickles_go_on_alone_and_give_the_same_bits(kind):
    w, *gradients = np.random.default_rng(0).normal(size=(7, 5))
    optimizer = kind(CosineDecay(0.1, updates=6))
    for g in gradients[:3]:
        w = optimizer.update(w, g)
    before, ends = repr(optimizer), []
    for other in (
        copy.copy(optimizer),
        copy.deepcopy(optimizer),
        pickle.loads(pickle.dumps(optimizer)),
        optimizer,
    ):
        assert repr(optimizer) == repr(other) == before
        v = w
        for g in gradients[3:]:
            v = other.update(v, g)
        ends.append(v.tobytes())
    assert len(set(ends)) == 1
    optimizer.reset()
    new = kind(CosineDecay(0.1, updates=6))
    assert optimizer.update(w, gradients[0]).tobytes() == new.update(w, gradients[0]).tobytes()


@every_kind
def test_arrays_given_are_left_alone_and_may_have_any_shape(kind):
    w, g = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    flat, shaped = kind(), kind()
    for _ in range(3):
        shaped_w, flat_w = shaped.update(w, g), flat.update(w.ravel(), g.ravel())
    assert (w.tolist(), g.tolist()) == (
        np.arange(6.0).reshape(2, 3).tolist(),
        np.ones((2, 3)).tolist(),
    )
    assert shaped_w.ravel().tobytes() == flat_w.tobytes()
    assert (
        shaped.update(w.astype(np.float32), g.astype(int)).dtype
        == kind().update(np.array(1.0), np.array(0.5)).dtype
    )


@every_kind
def test_an_optimizer_belongs_to_parameters_of_one_shape(kind):
    optimizer = kind()
    optimizer.update(np.zeros(3), np.ones(3))
    with pytest.raises(
        ValueError, match=rf"{kind.__name__}.* 1 updates of 3 parameters.*\(3,\), not \(2,\).*reset"
    ):
        optimizer.update(np.zeros(2), np.ones(2))
    assert optimizer.updates == 1
    optimizer.reset()
    optimizer.update(np.zeros(2), np.ones(2))


def test_representations_say_all():
    assert (
        repr(SGD(0.1))
        == "SGD(learning_rate=0.1, weight_decay=0.0, momentum=0.0, nesterov=False, form='sum')"
    )
    optimizer = Adam(StepDecay(0.5, every=10))
    optimizer.update(np.zeros(7), np.ones(7))
    assert repr(optimizer) == (
        "<Adam(learning_rate=StepDecay(initial=0.5, every=10, factor=0.1), weight_decay=0.0, "
        "betas=(0.9, 0.999), epsilon=1e-08, amsgrad=False) after 1 updates of 7 parameters>"
    )


@pytest.mark.parametrize(
    ("kind", "name", "settings"),
    [
        (SGD, "momentum", [0.0, 0.9, 0.0, 0.5]),
        (SGD, "weight_decay", [0.0, -0.1, 0.1]),
        (RMSProp, "centered", [False, True, False, True]),
        (RMSProp, "epsilon", [0.5, -0.125]),
        (Adam, "amsgrad", [False, True, False, True]),
        (Adam, "betas", [(0.9, 0.999), [0.5, 0.5], (0.0, 0.9)]),
    ],
)
def test_settings_may_be_set_between_updates(kind, name, settings, monkeypatch):
    """The formulas that NumPy computes are what counts."""

    def trajectory():
        optimizer, w, found = kind(0.1), np.array([1.0, -2.0, 0.5]), []
        for setting in settings:
            setattr(optimizer, name, setting)
            for _ in range(2):
                w = optimizer.update(w, w * w - 0.5)
                found.append([w, *optimizer._state.memory.values()])
        return [[column.tolist() for column in each] for each in found]

    ours = trajectory()
    monkeypatch.setattr("micrograd_plus.heart.library", lambda: None)
    assert ours == trajectory()


@pytest.mark.parametrize("number", [np.float32, np.float64, np.longdouble, Fraction])
@every_kind
def test_numbers_of_other_kinds_are_floats_to_an_optimizer(kind, number, monkeypatch):
    """A rule in single precision would have other bits, and NumPy has no root of a Fraction."""
    names = {"momentum", "smoothing", "epsilon", "weight_decay", "initial_accumulator"}
    settings = {f.name: number(0.3) for f in fields(kind) if f.name in names}
    if kind in (Adam, AdamW):
        settings["betas"] = [number(0.3), number(0.7)]

    def trajectory(numbers):
        w, optimizer = np.linspace(-1.0, 2.0, 5), kind(number(0.1), **numbers)
        return [(w := optimizer.update(w, w * w - 0.5)).tolist() for _ in range(3)]

    floats = {
        name: [*map(float, x)] if name == "betas" else float(x) for name, x in settings.items()
    }
    ours = trajectory(floats)
    assert trajectory(settings) == ours
    monkeypatch.setattr("micrograd_plus.heart.library", lambda: None)
    assert trajectory(settings) == ours


@pytest.mark.parametrize("betas", [(np.float32(0.3), 0.7), (0.3, np.float32(0.7))])
def test_numbers_of_other_kinds_may_be_set_between_updates(betas, monkeypatch):
    def trajectory():
        optimizer, w, found = Adam(0.1, betas=tuple(map(float, betas))), np.array([1.0, -2.0]), []
        for setting in (tuple(map(float, betas)), betas, (0.3, 0.7)):
            optimizer.betas = setting
            found.append((w := optimizer.update(w, w * w - 0.5)).tolist())
        return found

    ours = trajectory()
    monkeypatch.setattr("micrograd_plus.heart.library", lambda: None)
    assert ours == trajectory()


@every_kind
def test_arrays_may_lie_in_memory_as_they_like(kind):
    w, g = np.arange(6.0).reshape(2, 3), np.linspace(-1.0, 1.0, 6).reshape(2, 3)
    plain, turned, spaced = kind(), kind(), kind()
    for _ in range(3):
        found = [
            plain.update(w, g),
            turned.update(np.asfortranarray(w), np.asfortranarray(g)),
            spaced.update(np.repeat(w, 2, axis=1)[:, ::2], np.repeat(g, 2, axis=1)[:, ::2]),
        ]
        w = found[0]
        assert [array.tolist() for array in found] == [w.tolist()] * 3


# All or nothing. ----------------------------------------------------------------------------------
def trained(kind=Adam):
    """A small model with gradients, and an optimiser that has done a step on it."""
    model = MLP(2, [3, 1], activation="tanh", rng=random.Random(1))
    optimizer = kind()
    for _ in range(2):
        model.zero_grad()
        (model([1.0, -0.5]) - 1.0).tanh().backward()
        if optimizer.updates == 0:
            optimizer.step(model)
    return model, optimizer


@pytest.mark.parametrize("number", [math.nan, math.inf])
@every_kind
def test_a_gradient_that_is_not_finite_changes_nothing_and_is_named(kind, number):
    model, optimizer = trained(kind)
    before, state = [p.data for p in model.parameters()], pickle.dumps(optimizer)
    model.parameters()[2].label, model.parameters()[2].grad = "b1", number
    with pytest.raises(
        FloatingPointError,
        match=f"gradient of parameter 2, Value.*label='b1'.* is {number}: nothing",
    ):
        optimizer.step(model)
    with pytest.raises(FloatingPointError, match=f"gradient of parameter 1 is {number}"):
        optimizer.update(np.zeros(13), np.where(np.arange(13) == 1, number, 0.0))
    assert ([p.data for p in model.parameters()], pickle.dumps(optimizer)) == (before, state)


def test_an_overflow_changes_nothing_and_is_named():
    for optimizer, said in (
        (SGD(1e300), "data of parameter 1 would become -inf.* below 1e.300"),
        (Adam(), "squares of parameter 1 would become inf"),
    ):
        with pytest.raises(FloatingPointError, match=said):
            optimizer.update(np.array([1.0, 2.0]), np.array([0.0, 1e200]))
        assert optimizer.updates == 0


@pytest.mark.parametrize("is_written", [False, True])
def test_ctrl_c_beside_the_edits_undoes_them(is_written, monkeypatch):
    model, optimizer = trained()
    before, state = [p.data for p in model.parameters()], pickle.dumps(optimizer)

    def interrupted(values, numbers):
        monkeypatch.undo()
        if is_written:
            engine.write_data(values, numbers)
        raise KeyboardInterrupt

    monkeypatch.setattr("micrograd_plus.optim.write_data", interrupted)
    with pytest.raises(KeyboardInterrupt):
        optimizer.step(model)
    assert ([p.data for p in model.parameters()], pickle.dumps(optimizer)) == (before, state)
    optimizer.step(model)
    assert optimizer.updates == 2


def test_a_parameter_that_nothing_reached_has_the_gradient_zero():
    (2 * (used := Value(1.0))).backward()
    unused = Value(1.0)
    SGD(0.25, weight_decay=0.5).step([used, unused])
    assert (used.data, unused.data) == (1.0 - 0.25 * 2.5, 1.0 - 0.25 * 0.5)
    assert used.grad == 2.0


@pytest.mark.parametrize(
    ("parameters", "error", "said"),
    [
        (
            lambda: MLP(2, [3, 1]),
            ValueError,
            r"none of the 13 parameters has a gradient: call .backward\(\)",
        ),
        (list, ValueError, "none of the 0 parameters"),
        (lambda: [Value(1.0) * 2], ValueError, "result of mul, not a leaf"),
        (lambda: [Value(1.0)] * 2, ValueError, "named twice"),
        (lambda: np.zeros(3), TypeError, "not of float64; update takes arrays"),
    ],
)
def test_what_cannot_be_stepped_is_refused(parameters, error, said):
    with pytest.raises(error, match=said):
        SGD().step(parameters())


def test_other_arrays_are_refused():
    with pytest.raises(
        ValueError, match=r"the gradient has the shape of the parameters, \(3,\), not \(2,\)"
    ):
        SGD().update(np.zeros(3), np.zeros(2))
    for array in (np.array([1j]), np.array(["1"]), np.array([None])):
        with pytest.raises(TypeError, match="the parameters must be real numbers"):
            SGD().update(array, np.zeros(1))


# Of one's own. ------------------------------------------------------------------------------------
def test_an_optimizer_of_one_s_own_is_a_rule():
    @dataclass(repr=False)
    class SignDescent(Optimizer):
        least: float | None = None

        def rule(self, w, g, rate, memory):
            return w - rate * np.sign(g), memory

    optimizer = SignDescent(0.5)
    assert optimizer.update(np.zeros(3), np.array([3.0, 0.0, -7.0])).tolist() == [-0.5, 0.0, 0.5]
    assert repr(optimizer).startswith(
        "<SignDescent(learning_rate=0.5, weight_decay=0.0, least=None) after 1"
    )


class InPlace(Optimizer):
    """Descent with momentum as one may write it, in place."""

    def rule(self, w, g, rate, memory):
        v = memory.setdefault("velocity", np.zeros_like(w))
        v *= 0.5
        v += g
        w -= rate * v
        return w, memory


def test_a_rule_may_work_in_place():
    ours, own, w, v = SGD(4.0, momentum=0.5), InPlace(4.0), np.ones(2), np.ones(2)
    for g in ([1.0, 2.0], [-1.0, 0.5], [0.25, 0.0]):
        before = v.copy()
        w, new = ours.update(w, np.array(g)), own.update(v, np.array(g))
        assert (v == before).all()
        v = new
        assert w.tobytes() == v.tobytes()
    copied = copy.copy(own)
    copied.update(v, np.ones(2))
    with pytest.raises(FloatingPointError):
        own.update(v, np.array([np.finfo(float).max] * 2))
    v *= np.nan
    assert own.update(w, np.ones(2)).tobytes() == ours.update(w, np.ones(2)).tobytes()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (lambda w: None, TypeError, "rule of Own gives a pair, .*, not None"),
        (lambda w: w, TypeError, "gives a pair"),
        (lambda w: (w, None), TypeError, "a dictionary"),
        (lambda w: (w[:1], {}), ValueError, r"shape \(2,\), but .* \(1,\)"),
        (lambda w: (w + 1j, {}), TypeError, "complex"),
        (lambda w: (w * np.inf, {}), FloatingPointError, "inf"),
    ],
)
def test_what_a_rule_may_not_give_is_named_and_changes_nothing(given, error, words):
    class Own(Optimizer):
        def rule(self, w, g, rate, memory):
            return given(w)

    optimizer = Own()
    with pytest.raises(error, match=words):
        optimizer.update(np.ones(2), np.ones(2))
    assert optimizer.updates == 0


def test_training_by_tape_and_by_values_gives_the_same_bits():
    models = [MLP(2, [4, 1], activation="tanh", rng=random.Random(3)) for _ in range(2)]
    rows = [[x, y, 2.0 * (x != y) - 1.0] for x in (0.0, 1.0) for y in (0.0, 1.0)]
    values, arrays = Adam(0.05), Adam(0.05)

    def loss(model):
        return lambda x, y, t: ops.softplus(-t * model([x, y]))

    tape = record(loss(models[1]), *rows[0], parameters=models[1])
    weights = np.array([p.data for p in models[1].parameters()])
    for _ in range(25):
        for row in rows:
            models[0].zero_grad()
            loss(models[0])(*row).backward()
            values.step(models[0])
            weights = arrays.update(weights, tape.sum_and_grad([row], weights)[1])
    assert [p.data for p in models[0].parameters()] == weights.tolist()
