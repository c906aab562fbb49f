"""The losses against mpmath with 450 digits, against each other, and on tapes;
convexity and invariance; refusals.
"""

import math
import random
from functools import reduce
from importlib.util import find_spec
from operator import add

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp, mpf
from oracle import is_close
from orders import true_first

from micrograd_plus import (
    Value,
    detect_anomaly,
    grad,
    gradcheck,
    jvp,
    nn,
    ops,
    record,
    value_and_grad,
)
from micrograd_plus.engine import nodes_below
from micrograd_plus.losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    l1_penalty,
    l2_penalty,
    margin_loss,
    multiclass_hinge,
    perceptron,
    squared_error,
)

inf, nan = math.inf, math.nan
needs_llvm = pytest.mark.skipif(
    find_spec("llvmlite") is None, reason="machine code is made by llvmlite"
)


# The losses once more, as a lecture writes them, for numbers of mpmath. ---------------------------
def surprise(zs, k):
    return mp.log(mp.fsum(mp.exp(z - zs[k]) for z in zs))


def ramp(ps, k, rho):
    margin = ps[k] - max(p for j, p in enumerate(ps) if j != k)
    return min(mpf(1), max(mpf(0), 1 - margin / rho))


def softmax(zs):
    return [1 / mp.fsum(mp.exp(z - zi) for z in zs) for zi in zs]


ONE = [
    (x,)
    for x in (
        0.3,
        0.0,
        1e-300,
        1e-8,
        -0.7,
        1.5,
        3.0,
        -5.0,
        30.0,
        -36.5,
        40.0,
        -700.0,
        720.0,
        -745.5,
        1e3,
        -1e3,
    )
]
SHARES = [(p,) for p in (0.1, 1e-300, 1e-20, 1e-8, 0.5, 0.75, 1 - 1e-3, 1 - 2**-40, 1 - 2**-53)]
THREE = [
    (0.1, -0.4, 0.8),
    (2.0, 1.0, -3.0),
    (40.0, 1.0, -2.0),
    (-40.0, 1.0, 2.0),
    (1000.25, 1001.0, 1002.0),
    (-1e3, 0.0, 1e3),
    (300.0, 299.5, -300.0),
    (1e-9, -1e-9, 0.0),
]
# name: (the loss, the same for mpmath, points); what it is differentiated in is what it takes
CASES = {
    "squared": (lambda y: squared_error(y, 0.25), lambda y: (y - 0.25) ** 2, ONE),
    "squared, halved": (
        lambda y: squared_error(y, 0.25, half=True),
        lambda y: (y - 0.25) ** 2 / 2,
        ONE,
    ),
    "squared, of three": (
        lambda *ys: squared_error(ys, [1.0, -2.0, 0.5]),
        lambda x, y, z: (x - 1) ** 2 + (y + 2) ** 2 + (z - 0.5) ** 2,
        THREE,
    ),
    "absolute": (lambda y: absolute_error(y, 0.25), lambda y: abs(y - 0.25), ONE),
    "absolute, of two": (
        lambda *ys: absolute_error(ys, [1.5, -2.0]),
        lambda x, y: abs(x - 1.5) + abs(y + 2),
        [(0.5, -7)],
    ),
    "binary, 1": (lambda x: binary_cross_entropy(x, 1), lambda x: mp.log1p(mp.exp(-x)), ONE),
    "binary, 0": (lambda x: binary_cross_entropy(x, 0), lambda x: mp.log1p(mp.exp(x)), ONE),
    "binary, 1/4": (
        lambda x: binary_cross_entropy(x, 0.25),
        lambda x: mp.log1p(mp.exp(-x)) / 4 + 3 * mp.log1p(mp.exp(x)) / 4,
        ONE,
    ),
    "binary, probability, 1": (
        lambda p: binary_cross_entropy(p, 1, from_logits=False),
        lambda p: -mp.log(p),
        SHARES,
    ),
    "binary, probability, 0": (
        lambda p: binary_cross_entropy(p, 0, from_logits=False),
        lambda p: -mp.log1p(-p),
        SHARES,
    ),
    "hinge, 1": (lambda y: hinge(y, 1), lambda y: max(mpf(0), 1 - y), ONE),
    "perceptron, -1": (
        lambda y: perceptron(y, -1),
        lambda y: max(mpf(0), y),
        [p for p in ONE if p != (0.0,)],
    ),
    "multiclass hinge": (
        lambda *ys: multiclass_hinge(ys, 1),
        lambda x, y, z: max(mpf(0), 1 + x - y) + max(mpf(0), 1 + z - y),
        THREE,
    ),
    "classes": (lambda *zs: cross_entropy(zs, 0), lambda *zs: surprise(zs, 0), THREE),
    "classes, shares": (
        lambda *zs: cross_entropy(zs, [0.5, 0.375, 0.125]),
        lambda *zs: mp.fsum(t * surprise(zs, k) for k, t in enumerate([0.5, 0.375, 0.125])),
        THREE,
    ),
    "classes, one-hot": (
        lambda *zs: cross_entropy(zs, [0.0, 1.0, 0.0]),
        lambda *zs: surprise(zs, 1),
        THREE,
    ),
    "classes, probabilities": (
        lambda *ps: cross_entropy(ps, 1, from_logits=False),
        lambda x, y, z: -mp.log(y),
        [(0.25, 0.5, 0.25), (0.5, 1e-30, 0.5), (1e-5, 1.0, 1e-5)],
    ),
    "margin": (
        lambda *zs: margin_loss(zs, 0),
        lambda *zs: ramp(softmax(zs), 0, 0.5),
        [
            (0.1, -0.4, -0.8),
            (2.0, 1.0, -3.0),
            (40.0, 1.0, -2.0),
            (-40.0, 1.0, 2.0),
            (1002.0, 1001.0, 1e3),
        ],
    ),
    "margin, probabilities": (
        lambda *ps: margin_loss(ps, 1, 0.25, from_logits=False),
        lambda *ps: ramp(ps, 1, 0.25),
        [(0.25, 0.375, 0.125), (0.125, 0.75, 0.0625), (0.5, 0.125, 0.375)],
    ),
}
every_case = pytest.mark.parametrize("case", CASES)


@every_case
def test_values_and_derivatives_equal_those_of_mpmath(case):
    loss, oracle, points = CASES[case]
    for point in points:
        value, gradient = value_and_grad(loss, places := range(len(point)))(*point)
        forward = [jvp(loss, point, [float(i == j) for j in places])[1] for i in places]
        # a logit's rounding, less than a unit in its last place, is a factor
        bound = 1e-15 * (4 + max(map(abs, point)))
        with mp.workdps(450):
            xs = [mpf(x) for x in point]
            assert is_close(value, oracle(*xs), bound) or abs(value - oracle(*xs)) < 1e-16, (
                point,
                value,
            )
            for i, (up, down) in enumerate(zip(forward, gradient)):
                true = true_first(oracle, xs, i)
                for slope in (up, down):
                    assert is_close(slope, true, 8 * bound) or abs(slope - true) < 4e-16, (
                        point,
                        i,
                        slope,
                    )


# whose softmax compares with inf
@pytest.mark.parametrize("case", [case for case in CASES if case != "margin"])
def test_both_modes_and_orders_agree(case):
    loss, _, points = CASES[case]
    gradcheck(loss, *points[0])


@pytest.mark.parametrize("executor", ["python", pytest.param("machine", marks=needs_llvm)])
@every_case
def test_a_tape_gives_the_bits_of_the_eager_loss(case, executor):
    loss, _, points = CASES[case]
    tape = record(loss, *points[0])
    values, gradients = (
        tape.values(points, executor=executor),
        tape.gradients(points, executor=executor),
    )
    for point, value, gradient in zip(points, values.tolist(), gradients.tolist()):
        assert value == loss(*point) == loss(*map(Value, point)).data
        assert tuple(gradient) == grad(loss, range(len(point)))(*point)


# Targets as numbers, as Values and on tapes. ------------------------------------------------------
LOGITS = st.floats(-60.0, 60.0)
SCORES = st.lists(LOGITS, min_size=3, max_size=3)
OF_CLASSES = pytest.mark.parametrize("loss", [cross_entropy, multiclass_hinge, margin_loss])


@OF_CLASSES
@given(SCORES, st.integers(0, 2))
@example([0.0, 0.0, 0.0], 1)
def test_a_class_is_the_same_as_a_number_as_a_value_and_one_hot(loss, scores, k):
    one_hot = [float(j == k) for j in range(3)]
    for targets in (
        (k, float(k), np.int64(k), Value(k)),
        (one_hot, np.array(one_hot), list(map(Value, one_hot))),
    ):
        (value, gradient), *others = [
            value_and_grad(lambda zs, t=t: loss(zs, t))(scores) for t in targets
        ]
        assert {found for found, _ in others} == {value}
        assert all(found == pytest.approx(gradient, rel=1e-12, abs=1e-15) for _, found in others)
    assert value == pytest.approx(loss(scores, k), rel=1e-12, abs=1e-14)


@OF_CLASSES
def test_the_class_may_differ_from_row_to_row_of_a_tape(loss):
    rows = [[*(random.Random(10 * k + i).uniform(-5, 5) for i in range(4)), k] for k in range(4)]
    tape = record(loss, [0.1, 0.2, 0.3, 0.4], 1)
    eager = [value_and_grad(lambda zs, k=row[4]: loss(zs, Value(k)))(row[:4]) for row in rows]
    for executor in (None, "python"):
        assert tape.values(rows, executor=executor).tolist() == [value for value, _ in eager]
        assert tape.gradients(rows, executor=executor).tolist() == [
            [*gradient, 0.0] for _, gradient in eager
        ]


@pytest.mark.parametrize("from_logits", [True, False])
def test_binary_targets_may_differ_from_row_to_row_of_a_tape(from_logits):
    outputs = (-inf, -1e3, -0.5, 0.0, 36.5, 1e3, inf) if from_logits else (0.0, 1e-300, 0.25, 1.0)
    rows = [[x, t] for x in outputs for t in (0.0, 0.25, 1.0)]
    tape = record(lambda x, t: binary_cross_entropy(x, t, from_logits=from_logits), 0.5, 1.0)
    for (x, t), value, gradient in zip(rows, tape.values(rows), tape.gradients(rows)):
        eager = value_and_grad(lambda x, t=t: binary_cross_entropy(x, t, from_logits=from_logits))(
            x
        )
        assert (value, gradient[0]) == eager


@pytest.mark.parametrize("loss", [squared_error, absolute_error, hinge, perceptron])
@pytest.mark.parametrize("t", [-1.0, 1.0])
def test_other_targets_may_be_values(loss, t):
    tape = record(loss, 0.5, 1.0)
    for y in (-2.0, 3.0):
        assert tape(y, t) == loss(y, t) == loss(Value(y), Value(t)).data
        assert tape.gradients([[y, t]])[0][0] == grad(loss)(y, t)


def test_a_class_that_is_not_there_gives_nan_where_it_cannot_be_refused():
    for loss in (cross_entropy, multiclass_hinge, margin_loss):
        assert all(math.isnan(loss([0.1, 0.2, 0.3], Value(k)).data) for k in (-1, 3, 0.5, nan))


@pytest.mark.parametrize(
    ("x", "t", "value", "slope"),
    [
        (inf, 1, 0.0, 0.0),
        (inf, 0, inf, 1.0),
        (-inf, 1, inf, -1.0),
        (-inf, 0, 0.0, 0.0),
        (-inf, 0.25, inf, -0.25),
    ],
)
def test_infinite_logits(x, t, value, slope):
    assert value_and_grad(binary_cross_entropy)(x, t) == (value, slope)
    assert value_and_grad(binary_cross_entropy, (0,))(x, Value(t))[1][0].data == slope


def test_infinite_scores():
    assert value_and_grad(lambda *zs: cross_entropy(zs, 0), (0, 1, 2))(inf, 0.0, 1.0) == (
        0.0,
        (0.0, 0.0, 0.0),
    )
    assert value_and_grad(lambda *zs: cross_entropy(zs, 0), (0, 1, 2))(0.0, inf, 1.0) == (
        inf,
        (-1.0, 1.0, 0.0),
    )
    assert all(cross_entropy([0.0, -inf, 0.0], k) == math.log(2) for k in (0, [1.0, 0.0, 0.0]))
    with detect_anomaly():
        assert cross_entropy([0.5, 1.5, 0.5], Value(1)).data == cross_entropy([0.5, 1.5, 0.5], 1)
    assert (
        cross_entropy([0.5, -inf, 0.5], Value(1)).data
        == multiclass_hinge([0.5, -inf, 0.5], Value(1)).data
        == inf
    )


def test_the_perceptron_s_objective_as_by_hand():
    """Lund, Perceptron: one mistake on either side, and one example that is right."""
    w, theta = [Value(1.0), Value(-1.0)], Value(0.5)
    examples = [((1.0, 2.0), 1), ((2.0, 1.0), -1), ((3.0, 0.0), 1)]
    objective = ops.sum([perceptron(ops.dot(w, x, theta), t) for x, t in examples])
    objective.backward()
    assert objective.data == 2.0
    assert [v.grad for v in (*w, theta)] == [1.0, -1.0, 0.0]


def test_a_step_down_the_perceptron_s_objective_is_the_perceptron_s():
    unit, w = nn.Perceptron(2, (-1, 1)), [Value(x) for x in (1.0, -1.0, 0.5)]
    for p, v in zip(unit.parameters(), w):
        p.data = v.data
    for x, t in [((1.0, 2.0), 1), ((2.0, 1.0), -1), ((3.0, 0.0), 1)]:
        unit.fit([x], [t], passes=1)
        perceptron(ops.dot(w[:2], x, w[2]), t).backward()
        for v in w:
            v.data -= v.grad
            v.grad = None
        assert [p.data for p in unit.parameters()] == [v.data for v in w]


# Laws. --------------------------------------------------------------------------------------------
CONVEX = {
    "squared": squared_error,
    "absolute": absolute_error,
    "hinge": hinge,
    "perceptron": perceptron,
    "binary": binary_cross_entropy,
    "multiclass hinge": lambda x, t: multiclass_hinge([x, 0.5, -x], int(t)),
    "classes": lambda x, t: cross_entropy([x, 0.5, -x], int(t)),
    "shares": lambda x, t: cross_entropy([x, 0.5, -x], [0.25, 0.5, 0.25]),
}


@pytest.mark.parametrize("name", CONVEX)
@given(LOGITS, LOGITS, st.floats(0.0, 1.0))
def test_losses_of_logits_are_convex_and_not_negative(name, a, b, share):
    between, of_a, of_b = (CONVEX[name](x, 1.0) for x in (share * a + (1 - share) * b, a, b))
    assert 0.0 <= between <= (share * of_a + (1 - share) * of_b) * (1 + 1e-12) + 1e-12


@given(SCORES, st.floats(-1e3, 1e3), st.integers(0, 2))
def test_a_common_shift_changes_no_loss_of_classes(scores, shift, k):
    for loss in (cross_entropy, multiclass_hinge, margin_loss):
        assert loss([z + shift for z in scores], k) == pytest.approx(
            loss(scores, k), rel=1e-11, abs=1e-11
        )
        assert math.fsum(grad(lambda zs, loss=loss: loss(zs, k))(scores)) == pytest.approx(
            0.0, abs=1e-12
        )


@given(SCORES, st.integers(0, 2))
def test_the_gradient_of_cross_entropy_is_p_minus_t(scores, k):
    p_minus_t = [p - float(j == k) for j, p in enumerate(ops.softmax(scores))]
    assert grad(lambda zs: cross_entropy(zs, k))(scores) == pytest.approx(p_minus_t, abs=1e-14)


@given(LOGITS, LOGITS)
def test_two_classes_are_a_binary_choice_and_mirror_images(x, y):
    assert cross_entropy([x, y], 0) == binary_cross_entropy(x - y, 1)
    assert (
        cross_entropy([x, y], 1) == binary_cross_entropy(x - y, 0) == binary_cross_entropy(y - x, 1)
    )
    assert binary_cross_entropy(x, 0.25) == binary_cross_entropy(-x, 0.75)


@given(st.floats(-5.0, 5.0), st.floats(0.0, 1.0))
def test_logits_and_probabilities_agree(x, t):
    def by_probability(x, t):
        return binary_cross_entropy(ops.sigmoid(x), t, from_logits=False)

    for whole in (lambda f: f, lambda f: grad(f, (0, 1))):
        assert whole(binary_cross_entropy)(x, t) == pytest.approx(
            whole(by_probability)(x, t), rel=1e-12, abs=1e-13
        )


@given(st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3), st.integers(0, 2))
def test_logits_and_probabilities_of_classes_agree(scores, k):
    for loss, target in ((cross_entropy, k), (margin_loss, k), (cross_entropy, [0.5, 0.25, 0.25])):
        assert loss(scores, target) == pytest.approx(
            loss(ops.softmax(scores), target, from_logits=False), rel=1e-12
        )


@pytest.mark.parametrize(
    ("m", "value", "slope"),
    [(-0.5, 1.0, 0.0), (0.0, 1.0, -2.0), (0.125, 0.5, -4.0), (0.25, 0.0, 0.0), (0.5, 0.0, 0.0)],
)
def test_the_margin_loss_is_one_for_a_mistake_and_falls_to_zero_at_the_margin(m, value, slope):
    """Lund's slide has the ends of the ramp exchanged;
    at m = 0 the slope is half that of the ramp.
    """

    def loss(m):
        return margin_loss([0.5 + m / 2, 0.5 - m / 2], 0, 0.25, from_logits=False)

    assert value_and_grad(loss)(m) == (value, slope)


def test_a_confident_mistake_has_a_gradient_unless_the_error_is_squared():
    slopes = [
        grad(lambda x: squared_error(ops.sigmoid(x), 1.0))(-40.0),
        grad(lambda x: binary_cross_entropy(x, 1))(-40.0),
    ]
    assert slopes == pytest.approx([0.0, -1.0], abs=1e-16)


def test_stone_s_simplest_network():
    assert value_and_grad(lambda w: squared_error(w * 0.8, 0.2, True))(0.4) == pytest.approx(
        (0.0072, 0.096), rel=1e-12
    )


def test_small_losses_have_small_graphs():
    zs = [Value(x) for x in (0.1, 0.2, 0.3)]
    for loss, gates in (
        (cross_entropy(zs, 1), "logsumexp sub softplus"),
        (binary_cross_entropy(zs[0], 0), "softplus"),
        (binary_cross_entropy(zs[0], 1), "neg softplus"),
        (squared_error(zs[0], 1.0), "sub square"),
        (absolute_error(zs[:1], [1.0]), "sub abs"),
        (cross_entropy(zs, [0.0, 1.0, 0.0]), "logsumexp sub"),
        (hinge(zs[0], -1), "mul sub relu"),
        (perceptron(zs[0], -1), "mul relu"),
    ):
        assert [v.primitive.name for v in nodes_below(loss) if v.primitive] == gates.split()


# Penalties. ---------------------------------------------------------------------------------------
def test_penalties_of_a_model_and_of_its_parameters():
    model = nn.MLP(2, [3, 1], rng=random.Random(0))
    data = [p.data for p in model.parameters()]
    for penalty, sizes, slopes in (
        (l1_penalty, list(map(abs, data)), [(w > 0) - (w < 0) for w in data]),
        (l2_penalty, [w * w for w in data], [2 * w for w in data]),
    ):
        model.zero_grad()
        penalty(model).backward()
        # one after the other
        assert penalty(model).data == penalty(model.parameters()).data == reduce(add, sizes)
        assert [p.grad for p in model.parameters()] == slopes
    assert l1_penalty([]) == l2_penalty([]) == 0.0


# Refusals. ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: squared_error([1.0, 2.0], [1.0]), "as many targets as outputs.* 1 and 2"),
        (lambda: squared_error([1.0, 2.0], 1.0), "one target, and a sequence of outputs"),
        (lambda: absolute_error(Value(1.0), [1.0]), "one output, and a sequence of targets"),
        (lambda: squared_error([], []), "at least one"),
        (lambda: perceptron(0.5, 0), "perceptron takes a target of -1 or 1, not 0: "),
        (lambda: binary_cross_entropy(0.5, nan), "not nan"),
        (lambda: binary_cross_entropy(0.5, -1), "0, 1 or between.* hinge.* not -1"),
        (lambda: binary_cross_entropy(1.5, 1, from_logits=False), "from_logits=True: not 1.5"),
        (lambda: hinge(0.5, 0), r"-1 or 1, not 0: .* 2 \* t - 1"),
        (lambda: cross_entropy([0.1, 0.2, 0.3], 3), "classes 0 to 2 of 3 outputs, not 3"),
        (lambda: cross_entropy([0.1, 0.2], -1), "not -1"),
        (lambda: cross_entropy([0.1, 0.2], 0.5), "not 0.5"),
        (lambda: cross_entropy([0.1, 0.2, 0.3], [0.5, 0.5]), "each of the 3 outputs, not 2"),
        (lambda: cross_entropy([0.1, 0.2, 0.3], [0.5, 0.6, 0.1]), "sum to 1"),
        (lambda: cross_entropy([0.1, 0.2], [1.5, -0.5]), "not 1.5"),
        (lambda: cross_entropy([1.0, 2.0], 0, False), "not 2.0"),
        (lambda: cross_entropy(Value(0.1), 0), "binary_cross_entropy or hinge"),
        (lambda: multiclass_hinge([1.0], 0), "two classes or more"),
        (lambda: multiclass_hinge([0.1, 0.2], [0.5, 0.5]), r"one-hot sequence, not \[0.5, 0.5\]"),
        (lambda: margin_loss([0.1, 0.2], 0, 1.0), "0 and 1, not at 1"),
        (lambda: margin_loss([0.1, 0.2], 0, 0), "not at 0"),
    ],
)
def test_bad_input_is_refused_with_advice(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize(
    ("loss", "output", "target"),
    [(hinge, 1.0, None), (cross_entropy, ["a", "b"], 0), (squared_error, 1.0, np.array(1.0))],
)
def test_what_is_no_number_is_a_type_error_that_names_the_loss(loss, output, target):
    with pytest.raises(TypeError, match=loss.__name__):
        loss(output, target)


@pytest.mark.parametrize(
    ("loss", "outputs", "target", "takes"),
    [
        (hinge, [1.0, 2.0], [1, -1], "one output and one target"),
        (hinge, 1.0, [1], "one target"),
        (binary_cross_entropy, [0.5, 0.5], 1, "one output and one target"),
        (binary_cross_entropy, 0.5, [1.0], "one target"),
        (
            cross_entropy,
            [[1.0, 2.0], [3.0, 4.0]],
            [0, 1],
            "a list of outputs, and the number of a class or",
        ),
        (cross_entropy, np.ones((2, 3)), [0, 1], "a list of outputs"),
        (cross_entropy, [1.0, 2.0], [[0.5, 0.5], [0.5, 0.5]], "as many probabilities"),
        (multiclass_hinge, [[1.0, 2.0], [3.0, 4.0]], 0, "a list of outputs"),
        (margin_loss, [[1.0], [2.0]], 0, "a list of"),
        (squared_error, [[1.0], [2.0]], [[1.0], [2.0]], "lists of as many outputs and targets"),
        (squared_error, np.ones((2, 2)), np.ones((2, 2)), "lists of as many"),
        (absolute_error, [1.0], [[1.0]], "lists of"),
    ],
)
def test_the_outputs_of_several_examples_are_refused_with_what_the_loss_takes(
    loss, outputs, target, takes
):
    said = f"{loss.__name__} is the loss of one example and takes .*{takes}.* mean of their losses"
    with pytest.raises(TypeError, match=said):
        loss(outputs, target)
