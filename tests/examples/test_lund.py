"""Every number of Lund's lecture: printed by it, or reckoned without the package."""

import itertools
import math

import numpy as np
import pytest
from worked import gradients, numbers, swept, twelve

from micrograd_plus import losses, ops
from micrograd_plus.chain_rule import explain
from micrograd_plus.examples import lund
from micrograd_plus.nn import MLP, Perceptron
from micrograd_plus.nn.modular import (
    AffineLayer,
    Chain,
    CrossEntropySoftmaxError,
    ReluLayer,
    batch_gradients,
)
from micrograd_plus.optim import SGD
from micrograd_plus.testing import numerical_gradient


# Models. ------------------------------------------------------------------------------------------
def test_the_objective():
    circuit = swept(lund.objective())
    assert circuit["L"].data == pytest.approx((0.04 + 0.04 + 0.25) / 6, rel=1e-14)
    assert gradients(circuit, "yhat1 yhat2 yhat3") == pytest.approx([-0.2 / 3, -0.2 / 3, 0.5 / 3])


def test_the_number_of_errors_tells_no_direction():
    circuit = swept(lund.number_of_errors())
    assert numbers(circuit, "margin1 margin2 margin3 E") == [-0.5, -1.5, 3.5, 2]
    assert gradients(circuit, "w1 w2 theta") == [0, 0, 0]


def test_the_perceptron_s_objective():
    circuit = swept(lund.perceptron_objective())
    assert numbers(circuit, "total1 total2 total3 E") == [-0.5, 1.5, 3.5, 2]
    assert gradients(circuit, "w1 w2 theta") == [1, -1, 0]


@pytest.mark.parametrize(
    ("targets", "mistakes", "weights"),
    [
        ((-1, -1, -1, 1), [1, 3, 3, 2, 1, 0], [2, 1, -2]),
        ((-1, 1, 1, 1), [1, 2, 1, 0], [1, 1, 0]),
    ],
)
def test_the_perceptron_algorithm(targets, mistakes, weights):
    found = lund.perceptron_algorithm(targets)
    assert found.mistakes == mistakes
    assert [*found.w, found.theta] == weights
    model = Perceptron(2, classes=(-1, 1), at_zero="negative")
    assert model.fit(lund.BITS, targets) == mistakes
    assert [p.data for p in model.parameters()] == weights


def test_no_weights_tell_same_bits_from_others():
    assert 0 not in lund.perceptron_algorithm((1, -1, -1, 1)).mistakes


def test_an_artificial_neuron():
    circuit = swept(lund.artificial_neuron())
    assert numbers(circuit, "z y") == twelve(0.7, 0.668187772168)
    slope = 0.221712873293
    assert gradients(circuit, "z b w1 w2 w3") == twelve(slope, slope, slope, -slope, slope / 2)


def test_the_final_equation():
    circuit = swept(lund.final_equation())
    hidden = 1 / (1 + np.exp(-(np.array([[0.8, -0.4], [-0.6, 0.2]]) @ [0.5, -1.5] + [0.1, 0.3])))
    assert circuit["yhat"].data == pytest.approx(0.25 + hidden @ [1.5, -2], rel=1e-14)
    assert gradients(circuit, "b11 b12") == gradients(circuit, "z1 z2")
    assert gradients(circuit, "v1 v2 b2") == pytest.approx([*hidden, 1], rel=1e-14)


# Losses. ------------------------------------------------------------------------------------------
def test_the_squared_loss():
    circuit = swept(lund.squared_loss())
    assert circuit["loss"].data == 2.5
    assert gradients(circuit, "yhat1 yhat2 y1 y2") == [-1, -3, 1, 3]


def test_the_negative_log_likelihood():
    circuit = swept(lund.negative_log_likelihood())
    assert circuit["loss"].data == pytest.approx(0.349012216768, abs=5.1e-13)
    probabilities = (0.705384512698 - 1, 0.259496460342, 0.035119026959)
    assert gradients(circuit, "z1 z2 z3") == twelve(*probabilities)


def test_the_margin_loss():
    circuit = swept(lund.margin_loss())
    probabilities = (0.705384512698, 0.259496460342, 0.035119026959)
    assert numbers(circuit, "yhat1 yhat2 yhat3") == twelve(*probabilities)
    assert circuit["loss"].data == pytest.approx(0.108223895288, abs=5.1e-13)
    assert gradients(circuit, "l1 yhat1 yhat2 yhat3") == [-2, -2, 2, 0]
    scores = numbers(circuit, "z1 z2 z3")
    assert losses.margin_loss(scores, 0) == circuit["loss"].data
    assert losses.margin_loss(scores, 1) == 1


# Descent. -----------------------------------------------------------------------------------------
def test_step_sizes():
    found = lund.step_sizes()
    assert found.small.points[20] == twelve(9.801888648295, 0.817906937597)
    assert found.right.points[20] == twelve(1.215766545906, 0)
    assert found.big.points[20] == twelve(0.089648251977, 6.727499949326)
    assert [len(walk.points) for walk in found] == [21, 21, 21]


@pytest.mark.parametrize(("rate", "comes_down"), [(0.199, True), (0.201, False)])
def test_the_bound_of_the_step_size(rate, comes_down):
    away = [abs(y) for _, y in lund.descent(SGD(rate)).points]
    assert (away[20] < away[0]) is comes_down


def test_without_a_step_size_it_diverges():
    assert lund.descent(SGD(1.0), updates=5).points[5] == (0, pytest.approx(-(9.0**5)))


def test_methods_on_one_surface():
    found = lund.methods()
    assert found.descent == lund.descent()
    assert found.momentum.points[20] == twelve(3.446674486270, -0.395834032775)
    assert found.rmsprop.points[20] == twelve(7.281632363603, 0.000068634924)
    x, y, gathered = 10.0, 1.0, np.zeros(2)
    for _ in range(20):
        slopes = np.array([x, 10 * y])
        gathered += slopes**2
        x, y = (x, y) - 0.1 * slopes / np.sqrt(gathered)
    assert found.adagrad.points[20] == pytest.approx((x, y), rel=1e-8)


def test_batches_point_where_all_points_do():
    found = lund.batch_gradient()
    assert len(found.batches) == 4
    assert np.mean(found.batches, axis=0) == pytest.approx(found.full, rel=1e-14)
    assert lund.batch_gradient(20).batches == [found.full]


def test_small_batches_learn_sooner():
    small, full = lund.stochastic_gradient_descent(), lund.stochastic_gradient_descent(20)
    assert (small.history.updates, full.history.updates) == (160, 40)
    best = np.polyfit(small.x, small.y, 1)
    assert (small.slope, small.intercept) == pytest.approx(best, abs=0.05)
    assert abs(full.slope - best[0]) > 2 * abs(small.slope - best[0])


def test_step_sizes_large_enough_and_small_enough():
    quiet, found = lund.robbins_siegmund(noise=0.0), lund.robbins_siegmund()
    n = 2000
    assert quiet.harmonic == [1.0] * n
    assert quiet.summable[-1] == pytest.approx(1 - (n + 2) / (2 * (n + 1)), rel=1e-12)
    seen = 1 + np.random.default_rng(0).standard_normal(n)
    assert found.harmonic == pytest.approx(np.cumsum(seen) / np.arange(1, n + 1), abs=1e-12)
    assert abs(found.harmonic[-1] - 1) < 3 / math.sqrt(n)
    # α/(2 − α) of the variance of the noise, which is 1
    assert np.var(found.constant[100:]) == pytest.approx(1 / 3, rel=0.15)
    assert np.var(found.summable[100:]) < 1e-4


# Backpropagation. ---------------------------------------------------------------------------------
Z2 = (0.7, -0.95, 1.2, -1.45)
A2 = (0.668187772168, 0.278884821977, 0.768524783499, 0.190001566015)
Z3 = (-0.238593908702, -0.048034014336, 0.142525880030, 0.333085774396)
A3 = (0.440632888869, 0.487993804785, 0.535571275251, 0.582510003315)
DELTA4 = -0.421281731169
DELTA3 = (-0.041534257903, 0.031577911671, -0.020957475687, 0.010245238862)
DELTA2 = (0.000452264926, 0.000825895772, 0.001098246326, 0.001268212118)
DW3 = (-0.185630586233, -0.205582874880, -0.225626394002, -0.245400822620)
DW2 = (-0.027752683257, -0.011583274121, -0.031920106563, -0.007891574045)  # its first row


def test_backpropagation():
    circuit = swept(lund.backpropagation())
    assert len(circuit) == 3 + 1 + 12 + 16 + 4 + 16 + 3
    for name, expected in {"z2": Z2, "a2": A2, "z3": Z3, "a3": A3}.items():
        assert [circuit[f"{name}_{j}"].data for j in (1, 2, 3, 4)] == twelve(*expected)
    assert numbers(circuit, "yhat J") == twelve(0.078718268831, 0.088739148508)
    for name, expected in {"z3": DELTA3, "z2": DELTA2}.items():
        assert [circuit[f"{name}_{j}"].grad for j in (1, 2, 3, 4)] == twelve(*expected)
    assert circuit["yhat"].grad == pytest.approx(DELTA4, abs=5.1e-13)
    assert [circuit[f"w3_1{k}"].grad for k in (1, 2, 3, 4)] == twelve(*DW3)
    assert [circuit[f"w2_1{k}"].grad for k in (1, 2, 3, 4)] == twelve(*DW2)


def test_the_gradient_of_one_weight():
    circuit = swept(lund.backpropagation())
    assert circuit["w1_12"].grad == pytest.approx(-0.000452264926, abs=5.1e-13)
    assert circuit["w1_12"].grad == circuit["z2_1"].grad * circuit["x2"].data
    assert explain(circuit["J"], circuit["w1_12"]).count == 4


def test_central_differences_of_all_weights():
    def loss(weights):
        first, second, third = weights
        hidden = [ops.sigmoid(ops.dot(row, lund.X)) for row in first]
        hidden = [ops.sigmoid(ops.dot(row, hidden)) for row in second]
        return 0.5 * (ops.dot(third[0], hidden) - lund.Y) ** 2

    found = numerical_gradient(loss, [w.tolist() for w in lund._weights()], h=1e-5)
    assert found.gradient[0][0][1] == pytest.approx(-0.000452264926, abs=1e-11)
    assert found.evaluations == 2 * 32
    for slopes, expected in zip(found.gradient, lund.deltas()[3:], strict=True):
        assert np.array(slopes) == pytest.approx(expected, abs=1e-10)


def test_deltas_by_hand():
    found, circuit = lund.deltas(), swept(lund.backpropagation())
    assert found.delta4.tolist() == twelve(DELTA4)
    assert found.delta3.tolist() == twelve(*DELTA3)
    assert found.delta2.tolist() == twelve(*DELTA2)
    assert found.dw3.ravel().tolist() == twelve(*DW3)
    assert found.dw2[0].tolist() == twelve(*DW2)
    for layer, slopes in enumerate((found.dw1, found.dw2, found.dw3), 1):
        for (j, k), slope in np.ndenumerate(slopes):
            expected = circuit[f"w{layer}_{j + 1}{k + 1}"].grad
            assert slope == pytest.approx(expected, rel=1e-12, abs=1e-16)


def test_the_algorithm_of_the_slide_takes_the_same_steps():
    by_hand = lund.deltas()
    found = batch_gradients(lund._weights(), [lund.X], [[lund.Y]])
    for slopes, expected in zip(found, (by_hand.dw1, by_hand.dw2, by_hand.dw3), strict=True):
        assert slopes == pytest.approx(expected, rel=1e-12)


def test_the_vectorized_algorithm_learns_in_every_layer():
    found = lund.vectorized_algorithm()
    assert found.losses[-1] < 0.01 * found.losses[0]
    assert all(after < before for before, after in itertools.pairwise(found.losses))
    for before, after in zip(lund._weights(), found.weights, strict=True):
        assert np.abs(after - before).max() > 0.1


def test_the_exercise_by_layers():
    circuit = swept(lund.relu_and_softmax())
    first = AffineLayer([[circuit[f"w1_{j}{k}"].data for k in (1, 2)] for j in (1, 2, 3)])
    second = AffineLayer([[circuit[f"w2_{j}{k}"].data for k in (1, 2, 3)] for j in (1, 2)])
    chain, error = Chain([first, ReluLayer(), second]), CrossEntropySoftmaxError()
    scores = chain.fprop([[1, -2]])
    assert error(scores, [0]) == pytest.approx(circuit["loss"].data, rel=1e-14)
    back = chain.bprop(error.grad(scores, [0]))
    assert back[0].tolist() == pytest.approx(gradients(circuit, "x1 x2"), rel=1e-13)
    for layer, slopes in enumerate(chain.grads_wrt_params, 1):
        for (j, k), slope in np.ndenumerate(slopes):
            expected = circuit[f"w{layer}_{j + 1}{k + 1}"].grad
            assert slope == pytest.approx(expected, rel=1e-13)
    assert circuit["z2"].data < 0
    assert gradients(circuit, "z2 w1_21 w1_22 w2_12 w2_22") == [0, 0, 0, 0, 0]


# Regularisation, and advice. ----------------------------------------------------------------------
def test_weight_decay():
    circuit = swept(lund.weight_decay())
    assert circuit["w"].grad == pytest.approx(0.096 + 0.1 * 0.4, rel=1e-14)
    found = lund.decaying_weight().weights
    assert found[1] == pytest.approx(0.332, rel=1e-14)
    assert found[-1] == pytest.approx(0.216216216216, abs=5.1e-13)
    assert found[-1] == pytest.approx(0.16 / (0.64 + 0.1), rel=1e-12)


def test_decay_beside_momentum():
    found = lund.decay_beside_momentum()
    assert found.points[20] == twelve(1.115934995861, 0.340971760429)


def test_the_rate_on_a_plateau():
    found = lund.rate_on_a_plateau()
    assert found.rates[0] == 0.21
    assert set(found.rates) <= {0.21 / 2**k for k in range(4)}
    assert found.rates[-1] < 0.2
    assert max(map(abs, found.end)) < 0.1
    assert all(after <= before for before, after in itertools.pairwise(found.rates))
    assert max(map(abs, lund.descent(SGD(0.21), 60).points[60])) > 100


def test_he_s_weights_keep_the_signal():
    found = lund.he_initialisation()
    assert found.deviation == pytest.approx(math.sqrt(2 / 64), rel=0.01)
    assert all(0.7 < size < 1.5 for size in found.he)
    for layer, (whole, halved) in enumerate(zip(found.he, found.half, strict=True)):
        assert halved == pytest.approx(whole * 0.5**layer, rel=1e-12)


@pytest.mark.parametrize(
    ("data", "share"), [("circle", 0.95), ("xor", 0.9), ("gauss", 0.95), ("spiral", 0.5)]
)
def test_the_playground(data, share):
    found = lund.playground(data)
    assert min(found.right, found.right_on_test) >= share
    assert found.model.predict(found.points)[:5] == [
        int(found.model(list(point)).data > 0.5) for point in found.points[:5]
    ]
    assert found.model.score(found.points, found.classes) == pytest.approx(found.right)


def test_a_spiral_wants_more_layers():
    assert lund.playground("spiral", (8, 8), epochs=300).right > 0.8


def test_weight_decay_for_data_that_were_learned_by_heart():
    without = lund.playground("xor", (16,), noise=0.4, epochs=300)
    decayed = lund.playground("xor", (16,), noise=0.4, epochs=300, decay=0.01)
    assert without.right - without.right_on_test > 0.25
    assert decayed.right - decayed.right_on_test < 0.15
    assert decayed.right_on_test > without.right_on_test


def test_a_playground_with_other_data():
    with pytest.raises(ValueError, match="circle, xor, gauss, spiral, not 'moons'"):
        lund.playground("moons")


@pytest.mark.parametrize(
    ("units", "error"), [(4, 0.707106781187), (16, 0.195090322016), (64, 0.049067674327)]
)
def test_universal_approximation(units, error):
    found = lund.universal_approximation(units)
    assert found.error == pytest.approx(error, abs=5.1e-13)
    assert isinstance(found.model, MLP)
    assert found.model([1.0]).data == pytest.approx(math.sin(1.0), abs=error)
    assert ops.sin(math.pi / units) == pytest.approx(error, abs=5.1e-13)
