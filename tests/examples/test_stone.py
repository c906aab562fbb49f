"""Every number of Stone's lecture: printed by it, or reckoned without the package."""

import itertools
import sys

import numpy as np
import pytest
from worked import gradients, numbers, swept, twelve

from micrograd_plus import grad, hessian, losses, ops
from micrograd_plus.chain_rule import explain
from micrograd_plus.examples import stone
from micrograd_plus.nn import Neuron
from micrograd_plus.optim import SGD
from micrograd_plus.training import fit


def test_the_simplest_network():
    circuit = swept(stone.simplest_network())
    assert numbers(circuit, "x w u y target delta E") == twelve(
        0.8, 0.4, 0.32, 0.32, 0.2, 0.12, 0.0072
    )
    assert gradients(circuit, "w u y delta E") == twelve(0.096, 0.12, 0.12, 0.12, 1.0)


def test_a_chord_and_the_tangent():
    assert stone.slope_of_a_chord() == pytest.approx(0.0992, rel=1e-12)
    assert stone.slope_of_a_chord() == pytest.approx(0.096 + 0.5 * 0.64 * 0.01, rel=1e-12)
    assert grad(stone.error_of_one_weight)(0.4) == pytest.approx(0.096, rel=1e-15)
    assert grad(stone.error_of_one_weight)(0.25) == pytest.approx(0.0, abs=1e-16)


def test_one_association():
    found = stone.learning_one_association()
    assert found.weights[:4] == twelve(0.4, 0.352, 0.31936, 0.2971648)
    assert found.errors[0] == pytest.approx(0.0072, rel=1e-14)
    assert found.weights[-1] == pytest.approx(0.25, abs=2e-6)
    missing = [w - 0.25 for w in found.weights]
    assert missing[1:] == pytest.approx([(1 - 0.64 * 0.5) * m for m in missing[:-1]], rel=1e-9)


@pytest.mark.parametrize(("rate", "updates"), [(0.5, 30), (0.1, 174), (1.0, 12)])
def test_updates_until_the_gradient_is_nothing(rate, updates):
    found = stone.learning_one_association(rate)
    assert len(found.weights) - 1 == updates
    assert abs(found.gradients[-1]) <= 1e-6 < abs(found.gradients[-2])


def test_a_rate_above_three_and_an_eighth_leads_uphill():
    assert stone.learning_one_association(4.0, updates=2).errors == twelve(
        0.0072, 0.01752192, 0.042641344512
    )
    for rate, factor in ((3.1, -1), (3.15, 1)):
        errors = stone.learning_one_association(rate, updates=20).errors
        assert all(factor * (after - before) > 0 for before, after in itertools.pairwise(errors))


def test_the_rule_for_one_association_is_the_gradient():
    found = stone.learning_one_association(updates=5)
    slope_at = grad(stone.error_of_one_weight)
    assert found.gradients == pytest.approx([slope_at(w) for w in found.weights], rel=1e-12)


def test_a_unit_without_a_bias_learns_one_association_so_too():
    found = stone.learning_one_association()
    unit = Neuron(1, nonlin=False, bias=False)
    unit.w[0].data = 0.4
    history = fit(
        unit,
        [[0.8]],
        [0.2],
        loss=lambda y, target: losses.squared_error(y, target, half=True),
        optimizer=SGD(0.5),
        epochs=1000,
        tolerance=1e-6,
    )
    assert history.updates == len(found.weights) - 1
    assert unit.w[0].data == pytest.approx(found.weights[-1], rel=1e-14)


# Two input units. ---------------------------------------------------------------------------------
def test_two_input_units():
    circuit = swept(stone.two_input_units())
    assert numbers(circuit, "y1 y2 delta1 delta2 E") == twelve(-1.76, -1.68, -2.26, -1.58, 3.802)
    assert gradients(circuit, "w1 w2") == twelve(-2.734, -2.778)
    assert gradients(circuit, "y1 y2 delta1 delta2 E1 E2") == twelve(
        -2.26, -1.58, -2.26, -1.58, 1, 1
    )


def test_two_associations():
    found = stone.learning_two_associations()
    assert (found.points[0], found.errors[0]) == ((-0.8, -1.6), pytest.approx(3.802, rel=1e-14))
    assert found.points[1] == twelve(-0.2532, -1.0444)
    assert found.points[30] == twelve(0.675283337907, -0.315657443284)
    assert found.errors[30] == pytest.approx(0.000270563085, abs=5.1e-13)
    assert len(found.points) == 31
    both = grad(stone.error_of_two_weights, (0, 1))
    for point, slopes in zip(found.points, found.gradients):
        assert slopes == pytest.approx(both(*point), rel=1e-11)


def test_they_are_two_equations_with_one_solution():
    inputs, targets = zip(*stone.ASSOCIATIONS)
    solution = np.linalg.solve(inputs, targets)
    assert solution.tolist() == twelve(0.708333333333, -0.347222222222)
    found = stone.learning_two_associations(updates=1000, tolerance=1e-9)
    assert found.points[-1] == pytest.approx(solution.tolist(), abs=1e-7)
    assert np.hypot(*found.gradients[-1]) <= 1e-9 < np.hypot(*found.gradients[-2])


def test_the_largest_rate_of_two_associations():
    second = hessian(lambda w: stone.error_of_two_weights(*w))([-0.8, -1.6])
    assert np.ravel(second).tolist() == twelve(1.09, 0.87, 0.87, 1.17)
    largest = float(2 / np.linalg.eigvalsh(second)[-1])
    assert largest == pytest.approx(0.999540683672, abs=5.1e-13)
    for share, falls in ((0.99, True), (1.01, False)):
        errors = stone.learning_two_associations(share * largest, updates=500).errors
        assert (errors[-1] < errors[-2]) is falls


# Several output units. ----------------------------------------------------------------------------
def test_a_four_four_network_is_four_four_one_networks():
    whole = swept(stone.four_four_network())
    x, k = np.array([1, -0.5, 0.25, 2]), np.arange(1, 5)
    weights = 0.1 * (k[None, :] - k[:, None])  # of a row for each output unit
    deltas = weights @ x - 0.5 * k
    assert numbers(whole, "delta1 delta2 delta3 delta4") == pytest.approx(deltas, rel=1e-13)
    for unit in k:
        part = swept(stone.four_one_network(unit))
        names = [name for name in part if name[0] == "w"]
        assert names == [f"w{i}{unit}" for i in k]
        assert [whole[n].grad for n in names] == [part[n].grad for n in names]
        assert [part[n].grad for n in names] == pytest.approx(deltas[unit - 1] * x, rel=1e-13)


def test_a_memory_of_two_digits():
    found = stone.digit_memory()
    assert found.before == pytest.approx(4.816282612173, abs=5.1e-13)
    assert found.after == pytest.approx(0.166505430703, abs=5.1e-13)
    projection = found.pictures.T @ np.linalg.pinv(found.pictures.T)
    assert found.weights == pytest.approx(projection, abs=1e-11)
    assert found.pictures @ found.weights.T == pytest.approx(found.pictures, abs=1e-11)


def test_a_memory_of_two_photographs():
    found = stone.photograph_memory()
    assert (found.side, found.pictures.shape) == (20, (2, 400))
    projection = found.pictures.T @ np.linalg.pinv(found.pictures.T)
    assert found.recalled == pytest.approx(projection @ found.noisy, abs=1e-11)
    # 400 and 2 times the variance of the noise, 0.09, and as much by chance
    assert (found.before, found.after) == pytest.approx((36, 0.18), rel=1)
    with pytest.raises(ValueError, match="400 pixels, which 30 does not divide"):
        stone.photograph_memory(side=30)


@pytest.mark.slow
def test_a_memory_of_fifty_by_fifty():
    found = stone.photograph_memory(side=50)
    assert (found.side, found.weights.size) == (50, 6_250_000)
    assert found.after < 0.002 * found.before


@pytest.mark.parametrize("memory", [stone.digit_memory, stone.photograph_memory])
def test_memories_say_what_to_install(memory, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'pip install "micrograd-plus\[data\]"'):
        memory()


# Hidden units. ------------------------------------------------------------------------------------
def test_the_sigmoid_and_its_slope():
    circuit = swept(stone.sigmoidal_unit())
    y = circuit["y"].data
    assert y == pytest.approx(0.668187772168, abs=5.1e-13)
    assert circuit["u"].grad == pytest.approx(0.221712873293, abs=5.1e-13)
    assert circuit["u"].grad == pytest.approx(y * (1 - y), rel=1e-14)


def test_the_backprop_network():
    circuit = swept(stone.backprop_network())
    assert numbers(circuit, "u1 u2 z1 z2 u y E") == twelve(
        *(0.6, 0.05, 0.645656306226, 0.512497396484),
        *(0.183158909742, 0.545662145710, 0.103211442921),
    )
    deltas = (-0.112637154812, -0.025769605911, 0.028141696478)
    assert gradients(circuit, "u u1 u2") == twelve(*deltas)
    assert gradients(circuit, "c b1 b2") == twelve(*deltas)
    assert gradients(circuit, "v1 v2") == twelve(-0.072724889319, -0.057726248588)
    assert gradients(circuit, "w11 w21 w12 w22") == twelve(-0.025769605911, 0, 0.028141696478, 0)
    # δ as some define it, at the activities
    assert gradients(circuit, "y z1 z2") == twelve(-0.454337854290, -0.112637154812, 0.112637154812)


def test_backprop_learns_xor():
    found = stone.backprop()
    assert found.errors[0] > 0.5
    assert found.errors[-1] < 0.01
    assert len(found.errors) == 1000
    assert stone.backprop(updates=100).errors == found.errors[:100]


def test_backprop_waits_on_a_plateau():
    errors = stone.backprop(seed=4, updates=3500).errors
    assert errors[1999] == pytest.approx(0.335, abs=5e-4)
    assert errors[1998] - errors[1999] < 1e-5
    assert errors[-1] < 0.01


def test_backprop_fails_where_two_outputs_are_a_half():
    found = stone.backprop(seed=12, updates=10000)
    assert found.errors[-1] == pytest.approx(0.2504, abs=5e-5)
    hidden = 1 / (1 + np.exp(-(np.array([[*x, 1] for x, _ in stone.XOR]) @ found.hidden.T)))
    y = 1 / (1 + np.exp(-(np.column_stack([hidden, np.ones(4)]) @ found.output)))
    assert y == pytest.approx([0, 1, 0.5, 0.5], abs=0.02)


def test_the_rules_for_delta_are_the_gradient():
    def error(hidden, output):
        total = 0.0
        for (x1, x2), target in stone.XOR:
            z1, z2 = [ops.sigmoid(a * x1 + b * x2 + c) for a, b, c in hidden]
            y = ops.sigmoid(output[0] * z1 + output[1] * z2 + output[2])
            total += 0.5 * (y - target) ** 2
        return total

    before, after = stone.backprop(updates=3), stone.backprop(updates=4)
    weights = [before.hidden.tolist(), before.output.tolist()]
    assert after.errors[3] == pytest.approx(error(*weights), rel=1e-13)
    hidden, output = grad(error, (0, 1))(*weights)
    assert before.hidden - after.hidden == pytest.approx(np.array(hidden), rel=1e-11)
    assert before.output - after.output == pytest.approx(np.array(output), rel=1e-11)


# Minima and fits. ---------------------------------------------------------------------------------
def test_a_cross_section():
    circuit = swept(stone.cross_section())
    assert numbers(circuit, "w E") == [2, 6]
    assert gradients(circuit, "w") == [4 * 2**3 - 6 * 2 + 1]
    assert explain(circuit["E"], circuit["w"]).count == 3
    maximum = 0.169938443312
    slope_at = grad(stone.error_with_two_minima)
    assert slope_at(maximum) == pytest.approx(0, abs=1e-11)
    assert stone.error_with_two_minima(maximum) == pytest.approx(0.084135220711, abs=5.1e-13)


@pytest.mark.parametrize(
    ("start", "w", "error"),
    [(2.0, 1.130901122630, -1.070230181776), (-2.0, -1.300839565942, -3.513905038935)],
)
def test_two_starts_end_in_two_minima(start, w, error):
    found = stone.local_and_global_minimum(start)
    assert (found.weights[0], len(found.errors)) == (start, 301)
    assert (found.weights[-1], found.errors[-1]) == twelve(w, error)
    assert found.gradients[-1] == pytest.approx(0, abs=1e-9)
    assert all(after <= before + 1e-14 for before, after in itertools.pairwise(found.errors))


def test_one_unit_is_too_few_and_twenty_are_too_many():
    under, good, over = [stone.fitting(units) for units in (1, 3, 20)]
    assert under.history.losses[-1] > 5 * good.history.losses[-1]
    assert good.history.losses[-1] > 5 * over.history.losses[-1]
    assert good.distance < 0.6 * min(under.distance, over.distance)


def test_stopping_early_is_nearer_to_the_curve():
    stopped, over = stone.early_stopping(), stone.fitting(20)
    assert stopped.y == over.y
    assert stopped.history.stopped == "early stopping"
    assert len(stopped.history.losses) == stopped.history.best_epoch + 50 + 1
    watched = stopped.history.validation_losses
    assert min(watched) == watched[stopped.history.best_epoch] < watched[-1]
    assert stopped.history.losses[-1] > over.history.losses[-1]
    assert stopped.distance < 0.5 * over.distance
