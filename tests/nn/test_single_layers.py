"""Single layers against exact oracles: threshold units, the perceptron and ADALINE,
step by step as by hand.
"""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from micrograd_plus import Value, ops
from micrograd_plus.nn import (
    MLP,
    Adaline,
    Neuron,
    Perceptron,
    activations,
    load,
    save,
    threshold,
)
from micrograd_plus.training import outputs

BITS = [(0, 0), (0, 1), (1, 0), (1, 1)]
AND, OR, XOR, SAME = [0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0], [1, 0, 0, 1]


def data(model):
    return [p.data for p in model.parameters()]


def give(module, numbers):
    for p, number in zip(module.parameters(), numbers, strict=True):
        p.data = number


# Threshold units (Sharif, slides 8-10 and 26-33). -------------------------------------------------
def test_a_threshold_unit_gives_1_from_its_threshold_on():
    assert [threshold(x) for x in (-1.0, -5e-324, -0.0, 0.0, 5e-324, math.nan)] == [
        0,
        0,
        1,
        1,
        1,
        0,
    ]
    unit = Neuron(2, activation="threshold")
    give(unit, [1.0, 1.0, -2.0])  # w1, w2 and b = -θ
    assert repr(unit) == "ThresholdNeuron(2)"
    assert [unit(x).data for x in BITS] == AND
    give(unit, [1.0, 1.0, -1.0])
    assert [unit(x).data for x in BITS] == OR


def test_a_threshold_has_no_derivative():
    x = Value(1.0)
    (threshold(x) * 3.0).backward()
    assert x.grad == 0.0
    assert "threshold" not in activations()


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_no_threshold_unit_tells_whether_two_bits_are_the_same(weights):
    """Sharif, slide 27: w1 + w2 ≥ θ and 0 ≥ θ add up to w1 + w2 ≥ 2θ,
    and w1 < θ and w2 < θ to less.
    """
    unit = Neuron(2, activation="threshold")
    give(unit, weights)
    assert [unit(x).data for x in BITS] not in (SAME, XOR)


def test_two_layers_of_threshold_units_do():
    model = MLP(2, [2, 1], activation="threshold", output="threshold")
    give(
        model,
        [
            1,
            1,
            -2,  # both
            -1,
            -1,
            0,  # neither
            1,
            1,
            -1,
        ],
    )  # either of these
    assert model.classes == (0, 1)
    assert model.predict(BITS) == SAME
    assert [model(x).data for x in BITS] == SAME


# The perceptron (Sharif, slides 13-24; Lund). -----------------------------------------------------
BY_HAND = {  # mistakes, w1, w2 and b after each pass over the rows in the order of BITS
    "and": (
        AND,
        [(2, 1, 1, 0), (3, 2, 1, -1), (3, 2, 1, -2), (2, 2, 2, -2), (1, 2, 1, -3), (0, 2, 1, -3)],
    ),
    "or": (OR, [(2, 0, 1, 0), (2, 1, 1, 0), (1, 1, 1, -1), (0, 1, 1, -1)]),
}


@pytest.mark.parametrize("gate", BY_HAND)
def test_a_perceptron_learns_and_and_or_as_by_hand(gate):
    y, passes = BY_HAND[gate]
    step_by_step = Perceptron(2)
    for mistakes, *weights in passes:
        assert step_by_step.fit(BITS, y, passes=1) == [mistakes]
        assert data(step_by_step) == weights
    at_once = Perceptron(2)
    assert at_once.fit(BITS, y) == [mistakes for mistakes, *_ in passes]
    assert data(at_once) == data(step_by_step)
    assert at_once.predict(BITS) == y
    assert [at_once(x).data for x in BITS] == y
    assert at_once.score(BITS, y) == 1.0


AT_ZERO = {  # the lectures' conventions: for AND and OR, mistakes of each pass, then w1, w2 and b
    "positive": ([2, 3, 3, 2, 1, 0], (2, 1, -3), [2, 2, 1, 0], (1, 1, -1)),
    "negative": ([1, 3, 3, 2, 1, 0], (2, 1, -2), [1, 2, 1, 0], (1, 1, 0)),
    "mistake": ([2, 3, 3, 2, 2, 3, 2, 1, 0], (3, 2, -4), [3, 1, 2, 2, 1, 0], (2, 2, -1)),
}


@pytest.mark.parametrize("classes", [(0, 1), (-1, 1), ("no", "yes")], ids=str)
@pytest.mark.parametrize("at_zero", AT_ZERO)
def test_each_lecture_s_meaning_of_0_has_its_own_trace(at_zero, classes):
    of_and, and_ends, of_or, or_ends = AT_ZERO[at_zero]
    for y, mistakes, ends in ((AND, of_and, and_ends), (OR, of_or, or_ends)):
        perceptron = Perceptron(2, classes, at_zero=at_zero)
        targets = [classes[k] for k in y]
        assert perceptron.fit(BITS, targets) == mistakes
        assert tuple(data(perceptron)) == ends
        assert perceptron.predict(BITS) == targets


@pytest.mark.parametrize(
    ("at_zero", "signed", "unsigned"),
    [
        ("positive", [-1, 1, 1], [0, 1, 1]),
        ("negative", [-1, -1, 1], [0, 0, 1]),
        ("mistake", [-1, 0, 1], [0, 0.5, 1]),
    ],
)
def test_a_unit_gives_what_its_classes_are_called(at_zero, signed, unsigned):
    for classes, expected in (((-1, 1), signed), ((0, 1), unsigned), ("ab", unsigned)):
        perceptron = Perceptron(1, classes, at_zero=at_zero)
        give(perceptron, [1.0, 0.0])
        assert [perceptron([x]).data for x in (-2.0, 0.0, 2.0)] == expected
        assert outputs(perceptron, [[-2.0], [0.0], [2.0]]).ravel().tolist() == expected
        first, second = classes
        at_0 = first if at_zero == "negative" else second
        assert perceptron.predict([[-2.0], [0.0], [2.0]]) == [first, at_0, second]


def test_a_repr_says_what_0_means():
    assert repr(Perceptron(1, at_zero="mistake")) == (
        "Perceptron(1, classes=(0, 1), at_zero='mistake')"
    )
    assert repr(Perceptron(1)) == "Perceptron(1, classes=(0, 1))"


def test_kept_outputs_follow_what_0_means():
    perceptron = Perceptron(1, (-1, 1))
    assert outputs(perceptron, [[1.0]]).tolist() == [[1.0]]
    perceptron.at_zero = "negative"
    assert outputs(perceptron, [[1.0]]).tolist() == [[-1.0]]
    perceptron.classes = (0, 1)
    assert outputs(perceptron, [[1.0]]).tolist() == [[0.0]]


def test_files_say_what_0_means_where_it_is_not_sharif_s(tmp_path):
    plain = save(Perceptron(1), tmp_path / "plain.json")
    assert "at_zero" not in plain.read_text(encoding="utf-8")
    other = save(Perceptron(1, at_zero="negative"), tmp_path / "negative.json")
    load(Perceptron(1, at_zero="negative"), other)
    with pytest.raises(ValueError, match="at_zero"):
        load(Perceptron(1), other)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Perceptron(1, at_zero="zero"), "there are: positive, negative, mistake"),
        (lambda: Perceptron(1, "abc", at_zero="mistake"), "one unit and two classes"),
    ],
)
def test_what_0_cannot_mean_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize("y", [SAME, XOR])
def test_a_perceptron_never_learns_what_no_plane_separates(y):
    perceptron = Perceptron(2)
    mistakes = perceptron.fit(BITS, y, passes=1000)
    assert len(mistakes) == 1000
    assert min(mistakes) > 0
    assert perceptron.score(BITS, y) < 1.0


def test_patterns_that_shift_with_wrap_around():
    """Sharif, slides 28-29: over all shifts, two patterns
    of four pixels bring a unit the same total input.
    """
    shifts = [
        [float((i - s) % 12 in on) for i in range(12)]
        for on in ({0, 1, 2, 3}, {0, 2, 4, 7})
        for s in range(12)
    ]
    perceptron = Perceptron(12)
    assert min(perceptron.fit(shifts, [0] * 12 + [1] * 12, passes=200)) > 0
    totals = [perceptron.totals(x).data for x in shifts]
    assert sum(totals[:12]) == sum(totals[12:])


def test_templates_of_three_classes_as_by_hand():
    perceptron = Perceptron(2, classes="abc")
    rows, y = [(1, 0), (0, 1), (-1, -1)], ["a", "b", "c"]
    assert perceptron.fit(rows, y, passes=1) == [2]
    assert data(perceptron) == [1, 0, -2, 0, 1, 1, -1, -1, 1]
    assert perceptron.fit(rows, y) == [1, 0]
    assert data(perceptron) == [2, 0, -1, -1, 1, 0, -1, -1, 1]
    assert [total.data for total in perceptron((1, 0))] == [1, -1, 0]
    assert perceptron.predict(rows) == y


@pytest.mark.parametrize("seed", range(20))
def test_on_separable_rows_it_converges_within_novikoff_s_bound(seed):
    rng = random.Random(seed)
    wanted, rows = [rng.uniform(-1, 1) for _ in range(4)], []  # a bias and three weights
    length = math.hypot(*wanted)
    while len(rows) < 40:
        row = [rng.uniform(-1, 1) for _ in range(3)]
        if abs(ops.dot(wanted[1:], row, wanted[0])) / length >= 0.05:
            rows.append(row)
    y = [int(ops.dot(wanted[1:], row, wanted[0]) > 0) for row in rows]
    margin = min(abs(ops.dot(wanted[1:], row, wanted[0])) / length for row in rows)
    reach = max(math.hypot(1.0, *row) for row in rows)
    perceptron = Perceptron(3)
    mistakes = perceptron.fit(rows, y, passes=10**4)
    assert mistakes[-1] == 0
    assert sum(mistakes) <= (reach / margin) ** 2
    assert perceptron.predict(rows) == y


def test_an_rng_draws_a_new_order_for_each_pass():
    histories = []
    for seed in (1, 1, 2):
        perceptron = Perceptron(2)
        histories.append((perceptron.fit(BITS, AND, rng=random.Random(seed)), data(perceptron)))
        assert perceptron.predict(BITS) == AND
    assert histories[0] == histories[1] != histories[2]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16)[:600].tolist(), y[:600].tolist()


def test_templates_of_digits(digits):
    rows, y = digits
    for model in (Perceptron(64, range(10)), Adaline(64, range(10))):
        history = model.fit(rows, y, passes=10)
        assert history[-1] < 0.6 * history[0]
        assert model.score(rows, y) > 0.9


# ADALINE, the delta rule (Sharif, slide 16; RWTH; Stone). -----------------------------------------
def test_stone_s_simplest_network():
    """x = 0.8, w = 0.4, target 0.2: y = 0.32, δ = 0.12, E = 0.0072, dE/dw = 0.096;
    here a bias learns with δ, too.
    """
    unit = Neuron(1, nonlin=False)
    give(unit, [0.4, 0.0])
    y = unit([0.8])
    delta = y - 0.2
    error = delta**2 / 2
    error.backward()
    found = (y.data, delta.data, error.data, unit.w[0].grad, unit.b.grad)
    assert found == pytest.approx((0.32, 0.12, 0.0072, 0.096, 0.12), rel=1e-14)
    adaline = Adaline(1, classes=None)
    give(adaline, [0.4, 0.0])
    assert adaline.fit([[0.8]], [0.2], rate=0.5, passes=1) == [error.data]
    assert data(adaline) == [0.4 - 0.5 * unit.w[0].grad, -0.5 * unit.b.grad]


def test_the_weight_that_stone_finds():
    w = Value(0.4)
    for _ in range(200):
        w.grad = None
        ((0.8 * w - 0.2) ** 2 / 2).backward()
        w.data -= 0.5 * w.grad
    assert w.data == pytest.approx(0.25, rel=1e-14)


def test_adaline_s_steps_by_hand():
    adaline = Adaline(1)
    assert adaline.classes == (-1, 1)
    # δ = -1: w = b = ½; δ = 1: w = 1, b = 0
    assert adaline.fit([[1], [-1]], [1, -1], rate=0.5, passes=2) == [0.5, 0.0]
    assert data(adaline) == [1.0, 0.0]
    assert adaline.predict([[3], [-0.1], [0]]) == [1, -1, 1]


def test_the_delta_rule_is_gradient_descent_to_the_last_bit():
    rng = random.Random(0)
    rows = [[rng.uniform(-1, 1) for _ in range(3)] for _ in range(10)]
    y = [rng.uniform(-1, 1) for _ in rows]
    adaline, unit = Adaline(3, classes=None), Neuron(3, nonlin=False, init="zero")
    errors = adaline.fit(rows, y, rate=0.1, passes=3)
    for error in errors:
        squares = 0.0
        for row, target in zip(rows, y):
            loss = 0.5 * (unit(row) - target) ** 2
            unit.zero_grad()
            loss.backward()
            for p in unit.parameters():
                p.data -= 0.1 * p.grad
            squares += loss.data
        assert error == pytest.approx(squares / len(rows), rel=1e-15)
    assert data(adaline) == data(unit)


def test_adaline_finds_the_weights_that_stone_s_two_associations_have():
    rows, wanted = [(1.0, 0.5), (-0.5, 1.0), (0.25, -1.0)], (0.75, -0.25, 0.5)
    y = [ops.dot(wanted[:2], row, wanted[2]) for row in rows]
    adaline = Adaline(2, classes=None)
    give(adaline, [-0.8, -1.6, 0.0])  # where the descent on Stone's error surface begins
    errors = adaline.fit(rows, y, rate=0.3, passes=400)
    assert errors[0] > 1e3 * errors[50]
    assert data(adaline) == pytest.approx(wanted, rel=1e-12)
    assert adaline.score(rows, y) == pytest.approx(1.0, rel=1e-12)


def test_adaline_learns_and_and_three_classes():
    adaline = Adaline(2)
    adaline.fit(BITS, [2 * bit - 1 for bit in AND], rate=0.05, passes=200)
    assert adaline.predict(BITS) == [-1, -1, -1, 1]
    of_three = Adaline(2, classes="abc")
    rows, y = [(1, 0), (0, 1), (-1, -1)], ["a", "b", "c"]
    of_three.fit(rows, y, rate=0.1)
    assert of_three.predict(rows) == y


def test_a_rate_too_large_is_an_error_and_changes_nothing():
    adaline = Adaline(2, classes=None)
    give(adaline, [0.25, -0.5, 1.0])
    with pytest.raises(FloatingPointError, match=r"rate 0.5 is too large, .* up to 0.038,"):
        adaline.fit([(3, 4)], [1.0], rate=0.5, passes=10**4)
    assert data(adaline) == [0.25, -0.5, 1.0]


def test_weights_that_the_last_row_blows_up_are_not_kept():
    adaline = Adaline(1, classes=None)
    with pytest.raises(FloatingPointError, match="in pass 1"):
        adaline.fit([[1e150]], [1e150], rate=1e10, passes=1)
    assert data(adaline) == [0.0, 0.0]


@pytest.mark.parametrize("rate", [0.0, -0.1, math.inf, math.nan])
def test_a_rate_that_is_none_is_refused(rate):
    adaline = Adaline(1)
    with pytest.raises(ValueError, match=f"not {rate}"):
        adaline.fit([[1.0]], [1], rate=rate)
    assert data(adaline) == [0.0, 0.0]


@pytest.mark.parametrize("model", [Perceptron(2), Adaline(2)], ids=repr)
@pytest.mark.parametrize(
    ("rows", "y", "reason"),
    [
        ([(0, 1)], [1, 1], "1 examples and 2 targets"),
        ([], [], "0 examples"),
        ([(0, 1, 2)], [1], "example 0 must be 2 finite numbers"),
        ([(0, 1), (0, math.nan)], [1, 1], "example 1 must be 2 finite numbers"),
        ([(0, math.inf)], [1], "finite"),
        ([(0, 1), (0, 1)], [1, 7], "target of example 1 is 7"),
        ([(0, 1)], [[1]], "none of the classes"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(model, rows, y, reason):
    with pytest.raises(ValueError, match=reason):
        model.fit(rows, y)
    assert data(model) == [0.0, 0.0, 0.0]


def test_ctrl_c_in_a_fit_changes_nothing():
    class Interrupting:
        def uniform(self, a, b):
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls == 10:
                raise KeyboardInterrupt
            return 0.5

    for model in (Perceptron(2), Adaline(2, (0, 1))):
        with pytest.raises(KeyboardInterrupt):
            model.fit(BITS, AND, rng=Interrupting())
        assert data(model) == [0.0, 0.0, 0.0]
