"""Training that ends where the gradient is about 0, as Stone's algorithms do."""

import numpy as np
import pytest

from micrograd_plus import losses
from micrograd_plus.nn import MLP, Neuron
from micrograd_plus.optim import SGD, Adam
from micrograd_plus.training import fit


def half_squared_error(y, target):
    return losses.squared_error(y, target, half=True)


def linear(*weights):
    unit = Neuron(len(weights), nonlin=False, bias=False)
    for p, w in zip(unit.w, weights):
        p.data = w
    return unit


# Updates until |dE/dw| ≤ 1e-6 on the simplest network, x = 0.8, w = 0.4, target 0.2.
@pytest.mark.parametrize(("rate", "updates"), [(0.1, 174), (0.5, 30), (1.0, 12)])
@pytest.mark.parametrize("engine", ["tape", "eager"])
def test_the_simplest_network_stops_when_the_slope_is_about_0(rate, updates, engine):
    unit = linear(0.4)
    history = fit(
        unit,
        [[0.8]],
        [0.2],
        loss=half_squared_error,
        optimizer=SGD(rate),
        epochs=1000,
        tolerance=1e-6,
        engine=engine,
    )
    assert (history.stopped, history.updates) == ("tolerance", updates)
    assert len(history.losses) == updates + 1  # the last one is that of the weights it ends with
    y = unit([0.8])
    assert history.losses[-1] == pytest.approx(half_squared_error(y, 0.2).data, rel=1e-12)
    unit.zero_grad()
    half_squared_error(unit([0.8]), 0.2).backward()
    slope = unit.w[0].grad
    assert abs(slope) <= 1e-6 < abs(slope) / (1 - 0.64 * rate)  # one update before it was not


# Stone's two associations; fit takes the mean, so its rate is twice that of the sum.
ASSOCIATIONS = [[1.0, 0.6], [0.3, 0.9]], [0.5, -0.1]


@pytest.mark.parametrize(
    ("updates", "weights"),
    [(1, (-0.2532, -1.0444)), (30, (0.675283337907, -0.315657443284))],
)
def test_two_associations_descend_as_on_the_slide(updates, weights):
    unit = linear(-0.8, -1.6)
    history = fit(
        unit,
        *ASSOCIATIONS,
        loss=half_squared_error,
        optimizer=SGD(0.4),
        epochs=updates,
        tolerance=0,
    )
    assert (history.updates, history.stopped) == (updates, "epochs")
    assert history.losses[0] == pytest.approx(3.802 / 2, rel=1e-14)
    assert [w.data for w in unit.w] == pytest.approx(weights, rel=0, abs=5.1e-13)


def test_two_associations_end_at_the_solution_of_their_equations():
    unit = linear(-0.8, -1.6)
    history = fit(
        unit,
        *ASSOCIATIONS,
        loss=half_squared_error,
        optimizer=SGD(0.4),
        epochs=10_000,
        tolerance=1e-13,
    )
    assert history.stopped == "tolerance"
    assert [w.data for w in unit.w] == pytest.approx([0.708333333333, -0.347222222222], abs=1e-12)


def test_the_gradient_of_a_penalty_counts():
    unit = linear(3.0)
    history = fit(
        unit,
        [[1.0], [1.0]],
        [0.0, 1.0],
        loss=half_squared_error,
        optimizer=SGD(0.5),
        penalty=lambda weights: 0.5 * losses.l2_penalty(weights),
        epochs=1000,
        tolerance=1e-9,
    )
    assert history.stopped == "tolerance"
    assert unit.w[0].data == pytest.approx(0.25, abs=1e-9)


def test_where_the_gradient_is_0_from_the_first_nothing_is_updated():
    unit, optimizer = linear(0.25), Adam()
    history = fit(unit, [[0.8]], [0.2], loss="squared_error", optimizer=optimizer, tolerance=1e-9)
    assert (history.updates, optimizer.updates, history.best_epoch) == (0, 0, 0)
    assert unit.w[0].data == 0.25


def test_early_stopping_restores_the_best_weights_where_the_gradient_is_flat():
    unit = linear(0.0)
    history = fit(
        unit,
        [[1.0]],
        [1.0],
        loss=half_squared_error,
        optimizer=SGD(0.5),
        epochs=100,
        validation=([[1.0]], [0.6]),
        early_stopping=100,
        tolerance=1e-6,
    )
    assert history.stopped == "tolerance"
    assert history.best_epoch == int(np.argmin(history.validation_losses)) == 0
    assert unit.w[0].data == 0.5


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"tolerance": "small"}, TypeError, "tolerance.* is a number, not 'small'"),
        ({"tolerance": True}, TypeError, "not True"),
        ({"tolerance": -1e-6}, ValueError, "0 or more, not -1e-06"),
        ({"tolerance": float("nan")}, ValueError, "not nan"),
        ({"tolerance": 0.1, "batch_size": 1}, ValueError, "over all 2 examples.* not batch_size=1"),
    ],
)
def test_what_is_no_tolerance_is_refused(options, error, said):
    model = MLP(1, [1])
    before = [p.data for p in model.parameters()]
    with pytest.raises(error, match=said):
        fit(model, [[1.0], [2.0]], [1.0, 2.0], loss="squared_error", **options)
    assert [p.data for p in model.parameters()] == before
