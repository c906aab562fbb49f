"""Dropout: masks are drawn outside and given to a call,
so a tape has them as inputs and nothing is dropped elsewhere.
"""

import itertools
import math
import random

import numpy as np
import pytest

from micrograd_plus import ops, record
from micrograd_plus.nn import MLP


def dropping(**keywords):
    return MLP(2, [3, 1, 2, 1], activation="tanh", rng=random.Random(0), dropout=0.25, **keywords)


def test_masks_are_drawn_from_an_rng():
    model = dropping()
    state = random.getstate()
    masks = model.masks(random.Random(1))
    assert masks == model.masks(random.Random(1)) != model.masks(random.Random(2))
    assert random.getstate() == state
    assert len(masks) == 3 + 1 + 2
    many = [mask for seed in range(2000) for mask in model.masks(random.Random(seed))]
    assert set(many) == {0.0, 1 / 0.75}
    assert many.count(0.0) / len(many) == pytest.approx(0.25, abs=0.015)
    assert len(model.masks(np.random.default_rng(0))) == 6
    random.seed(3)
    first = model.masks()
    random.seed(3)
    assert model.masks() == first


def test_without_masks_nothing_is_dropped():
    model, plain = dropping(), MLP(2, [3, 1, 2, 1], activation="tanh", rng=random.Random(0))
    assert model([0.5, 1.0]).data == plain([0.5, 1.0]).data == model([0.5, 1.0], [1.0] * 6).data
    assert plain.masks() == []
    assert plain([0.5, 1.0], plain.masks()).data == plain([0.5, 1.0]).data
    assert model.predict([[0.5, 1.0]]) == [plain([0.5, 1.0]).data]


def test_a_mask_multiplies_each_hidden_unit():
    model, masks, x = dropping(), [1.5, 0.0, 2.0, 0.5, 3.0, 0.25], [0.5, 1.0]
    out, remaining = x, iter(masks)
    for layer in model.layers[:-1]:
        totals = [ops.dot([w.data for w in n.w], out, n.b.data) for n in layer.neurons]
        out = [ops.tanh(t) * m for t, m in zip(totals, remaining)]
    last = model.layers[-1].neurons[0]
    assert model(x, masks).data == ops.dot([w.data for w in last.w], out, last.b.data)


def test_a_dropped_unit_learns_nothing():
    model = MLP(2, [3, 1], activation="tanh", rng=random.Random(0), dropout=0.5)
    model([0.5, 1.0], [2.0, 0.0, 2.0]).backward()
    gone, *others = [model.layers[0].neurons[i] for i in (1, 0, 2)]
    assert [p.grad for p in gone.parameters()] == [0.0] * 3
    assert all(p.grad for neuron in others for p in neuron.parameters())


def test_the_mean_over_all_masks_is_the_network_without_them():
    """Why inverted dropout scales: the total inputs of the next layer keep their expectation."""
    model = MLP(2, [4, 1], activation="tanh", rng=random.Random(0), dropout=0.25)
    weighted = [
        0.75 ** sum(kept)
        * 0.25 ** (4 - sum(kept))
        * model([0.5, 1.0], [k / 0.75 for k in kept]).data
        for kept in itertools.product((0, 1), repeat=4)
    ]
    assert math.fsum(weighted) == pytest.approx(model([0.5, 1.0]).data, rel=1e-14)


def test_masks_are_inputs_of_a_tape():
    model, rng = dropping(), random.Random(4)
    tape = record(
        lambda x, masks: model(x, masks) ** 2, [0.5, 1.0], model.masks(rng), parameters=model
    )
    assert tape.program.inputs == 2 + 6
    rows = [[rng.uniform(-1, 1), rng.uniform(-1, 1), *model.masks(rng)] for _ in range(20)]
    gradients = tape.gradients(rows, of="parameters")
    assert len({tuple(row[2:]) for row in rows}) > 1
    for row, value, gradient in zip(rows, tape.values(rows), gradients, strict=True):
        model.zero_grad()
        out = model(row[:2], row[2:]) ** 2
        out.backward()
        assert value == out.data
        assert gradient.tolist() == pytest.approx(
            [p.grad for p in model.parameters()], rel=1e-14, abs=1e-300
        )


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (
            lambda model, x: model(x, model.masks()),
            "give the recorded function masks as an argument",
        ),
        (lambda model, x: model(x) * model.predict([[1.0, 2.0]])[0], "call the model itself"),
    ],
)
def test_what_one_row_would_fix_for_all_is_not_recorded(call, advice):
    model = dropping()
    with pytest.raises(TypeError, match=advice):
        record(lambda x: call(model, x), [0.5, 1.0], parameters=model)


@pytest.mark.parametrize("count", [0, 5, 7])
def test_a_wrong_number_of_masks_is_an_error_with_both(count):
    with pytest.raises(ValueError, match=rf"takes 6 masks.*got {count}"):
        dropping()([0.5, 1.0], [1.0] * count)
