"""Every number of Edinburgh's lecture: printed by it, or reckoned without the package."""

import sys

import numpy as np
import pytest
from worked import gradients, numbers, swept, twelve

from micrograd_plus import grad
from micrograd_plus.chain_rule import explain
from micrograd_plus.examples import edinburgh


def rows(*numbers):
    """Rows of numbers that are right to twelve decimals."""
    return pytest.approx(np.array(numbers), rel=0, abs=5.1e-13)


# Single-layer networks. ---------------------------------------------------------------------------
def test_a_softmax_network():
    circuit = swept(edinburgh.softmax_network())
    assert numbers(circuit, "z1_1 z1_2 z1_3") == twelve(-0.2, -1.1, 1.6)
    exps = np.exp([-0.2, -1.1, 1.6])
    y = exps / exps.sum()
    assert numbers(circuit, "y1 y2 y3") == pytest.approx(y, rel=1e-14)
    assert gradients(circuit, "z1_1 z1_2 z1_3") == pytest.approx(y - [0, 1, 0], rel=1e-13)


def test_a_single_output():
    circuit = swept(edinburgh.single_output())
    assert numbers(circuit, "z y") == twelve(1, 0.731058578630)
    assert gradients(circuit, "x1 x2") == twelve(0.393223866483, -0.196611933241)


def test_the_closest_template():
    circuit = swept(edinburgh.closest_template())
    assert numbers(circuit, "across down diagonal closest") == pytest.approx([1.9, 1.1, 1.0, 1.9])
    assert gradients(circuit, "x1 x2 x3 x4") == [1, 1, 0, 0]
    assert gradients(circuit, "down_w1 down_w2 diagonal_w1 diagonal_w4") == [0, 0, 0, 0]


def test_regions_of_a_single_layer_are_bounded_by_straight_lines():
    found = edinburgh.three_classes()
    assert found.right == 1.0
    assert found.model.score(found.points, found.classes) == 1.0

    def lead(x, y):
        totals = found.model.totals([x, y])
        return totals[0] - totals[1]

    slopes = [grad(lead, (0, 1))(*point) for point in found.points[:3]]
    assert slopes[0] == slopes[1] == slopes[2]


def test_rings_want_hidden_units():
    assert edinburgh.three_classes(curved=True).right < 0.7
    assert edinburgh.three_classes(hidden=(8,), curved=True).right == 1.0


def test_hidden_units_tell_more_digits_than_templates():
    single, several = edinburgh.single_layer_on_digits(), edinburgh.multi_layer_on_digits()
    assert single.right == pytest.approx(0.925, abs=0.005)
    assert several.right == pytest.approx(0.931, abs=0.005)
    assert several.right > single.right
    assert [len(layer.neurons) for layer in several.model.layers] == [32, 10]
    assert len(single.history.losses) == 40


def test_digits_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'pip install "micrograd-plus\[data\]"'):
        edinburgh.single_layer_on_digits()


# Back-propagation. --------------------------------------------------------------------------------
def test_a_multi_layer_network():
    circuit = swept(edinburgh.multi_layer_network())
    assert numbers(circuit, "z1_1 z1_2 z1_3") == twelve(-0.2, -1.1, 1.6)
    h = (0.450166002688, 0.249739894405, 0.832018385134)
    y = (0.407104155901, 0.341395302538, 0.251500541561)
    assert numbers(circuit, "h1_1 h1_2 h1_3") == twelve(*h)
    assert numbers(circuit, "z2_1 z2_2 z2_3") == twelve(
        *(0.314664726637, 0.138636713489, -0.166959194509)
    )
    assert numbers(circuit, "y1 y2 y3 E") == twelve(*y, 1.074714228124)
    g = (0.407104155901, -0.658604697462, 0.251500541561)
    assert gradients(circuit, "z2_1 z2_2 z2_3") == twelve(*g)
    assert gradients(circuit, "b2_1 b2_2 b2_3") == twelve(*g)
    assert gradients(circuit, "h1_1 h1_2 h1_3") == twelve(
        *(-0.307771318585, -0.031120722868, 0.279002240419)
    )
    hidden = (-0.076178501955, -0.005831086095, 0.038994411079)
    assert gradients(circuit, "z1_1 z1_2 z1_3") == twelve(*hidden)
    assert gradients(circuit, "b1_1 b1_2 b1_3") == twelve(*hidden)
    # each gradient of a weight is its unit's g times what comes in
    for k in range(3):
        into_output = [circuit[f"w2_{k + 1}{j}"].grad for j in (1, 2, 3)]
        assert into_output == pytest.approx(g[k] * np.array(h), rel=1e-11)
        into_hidden = [circuit[f"w1_{k + 1}{j}"].grad for j in (1, 2)]
        assert into_hidden == pytest.approx(hidden[k] * np.array([1, -2]), rel=1e-9)


def test_how_important_a_weight_is_to_an_output():
    circuit = edinburgh.multi_layer_network()
    found = explain(circuit["z2_3"], circuit["w1_21"])
    h = 0.249739894405
    assert (found.count, found.value) == (1, pytest.approx(0.3 * h * (1 - h), rel=1e-11))
    assert explain(circuit["E"], circuit["w1_21"]).count > 1


def test_gradients_of_one_sign():
    sigmoid, tanh = swept(edinburgh.multi_layer_network()), swept(edinburgh.tanh_network())
    names = "w2_11 w2_12 w2_13"
    assert gradients(sigmoid, names) == twelve(0.183264450539, 0.101670148906, 0.338718142374)
    assert gradients(tanh, names) == twelve(-0.089787469161, -0.364152828975, 0.419273730936)


def test_back_propagation_in_five_steps():
    found = edinburgh.back_propagation()
    assert found.affine1 == rows([-0.2, -1.1, 1.6], [0.45, 0.45, -0.75])
    assert found.hidden == rows(
        [0.450166002688, 0.249739894405, 0.832018385134],
        [0.610639233949, 0.610639233949, 0.320821300825],
    )
    assert found.affine2 == rows(
        [0.314664726637, 0.138636713489, -0.166959194509],
        [0.157310313642, 0.341155356810, -0.190045716707],
    )
    y = np.exp(found.affine2) / np.exp(found.affine2).sum(axis=1, keepdims=True)
    assert y == rows(
        [0.407104155901, 0.341395302538, 0.251500541561],
        [0.343833633615, 0.413229430433, 0.242936935952],
    )
    assert found.errors == twelve(1.074714228124, 1.067597361804)
    assert np.mean(found.errors) == pytest.approx(1.071155794964, abs=5.1e-13)
    assert found.error_grad == rows(
        [0.407104155901, -0.658604697462, 0.251500541561],
        [-0.656166366385, 0.413229430433, 0.242936935952],
    )
    assert found.affine_bprop == rows(
        [-0.307771318585, -0.031120722868, 0.279002240419],
        [-0.087409969080, 0.179820660467, -0.255202102407],
    )
    assert found.sigmoid_bprop == rows(
        [-0.076178501955, -0.005831086095, 0.038994411079],
        [-0.020782503334, 0.042753973203, -0.055607260512],
    )
    assert found.weights2 == rows(
        [-0.217416476773, -0.299010778406, 0.128205995153],
        [-0.044147341163, 0.087854235246, -0.415398413413],
        [0.261563817936, 0.211156543160, 0.287192418260],
    )
    assert found.weights1 == rows(
        [-0.086569753622, 0.121183248909],
        [0.015545900506, 0.075793131995],
        [0.011190780823, -0.161399712925],
    )


def test_the_exercise():
    found, modules = edinburgh.gradients_of_the_biases(), edinburgh.back_propagation()
    assert found.output == twelve(-0.249062210484, -0.245375267029, 0.494437477513)
    assert found.hidden == twelve(-0.096961005289, 0.036922887108, -0.016612849433)
    assert modules.biases2.tolist() == pytest.approx(found.output, rel=1e-12)
    assert modules.biases1.tolist() == pytest.approx(found.hidden, rel=1e-12)


def test_multiple_hidden_layers():
    circuit = swept(edinburgh.multiple_hidden_layers())
    g = {layer: np.array([circuit[f"z{layer}_{k}"].grad for k in (1, 2)]) for layer in (1, 2, 3)}
    scores = np.array(numbers(circuit, "z3_1 z3_2"))
    y = np.exp(scores) / np.exp(scores).sum()
    assert circuit["E"].data == pytest.approx(-np.log(y[0]), rel=1e-13)
    assert g[3] == pytest.approx(y - [1, 0], rel=1e-13)
    for layer in (2, 1):
        weights = np.array([[circuit[f"w{layer + 1}_{k}{j}"].data for j in (1, 2)] for k in (1, 2)])
        h = np.array([circuit[f"h{layer}_{k}"].data for k in (1, 2)])
        assert g[layer] == pytest.approx(g[layer + 1] @ weights * h * (1 - h), rel=1e-12)


# Hidden units. ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("total", "slope"), [(10, 4.5395807736e-5), (20, 2.0611536139e-9), (40, 4.2483542553e-18)]
)
def test_saturation(total, slope):
    for sign in (1, -1):
        circuit = swept(edinburgh.saturated_sigmoid(sign * float(total)))
        assert circuit["z"].grad == pytest.approx(slope, rel=5.1e-11)
    assert circuit["h"].data == pytest.approx(0, abs=5e-5)


def test_outputs_that_are_not_centred():
    found = edinburgh.outputs_not_centred()
    assert (found.sigmoid, found.tanh) == pytest.approx((0.5015, 0.0045), abs=5e-5)


def test_tanh_and_its_derivative():
    circuit = swept(edinburgh.tanh_by_exponentials())
    assert circuit["tanh"].data == pytest.approx(0.604367777117, abs=5.1e-13)
    assert circuit["x"].grad == pytest.approx(0.634739589982, abs=5.1e-13)


def test_the_sigmoid_as_a_tanh():
    circuit = swept(edinburgh.sigmoid_by_tanh())
    assert circuit["sigmoid"].data == pytest.approx(0.668187772168, abs=5.1e-13)
    assert circuit["x"].grad == pytest.approx(0.221712873293, abs=5.1e-13)


@pytest.mark.parametrize(("total", "h", "slope"), [(-1.0, 0, 0), (0.0, 0, 0), (2.0, 2, 1)])
def test_a_relu_and_its_derivative(total, h, slope):
    circuit = swept(edinburgh.relu_unit(total))
    assert (circuit["h"].data, circuit["z"].grad) == (h, slope)


def test_a_dead_relu_learns_nothing():
    circuit = swept(edinburgh.dead_relu())
    assert numbers(circuit, "z h E") == [-9.5, 0, 0.5]
    assert gradients(circuit, "h z w b x") == [-1, 0, 0, 0, 0]


# Lab 3. -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("activation", "hidden"), [("relu", (8,)), ("tanh", (8, 8)), ("sigmoid", (8,))]
)
def test_stacked_layers(activation, hidden):
    found = edinburgh.stacked_layers(activation, hidden, updates=30)
    assert len(found.layers.layers) == 2 * len(hidden) + 1
    assert found.errors[-1] < found.errors[0]
    assert len(found.errors) == 30


def test_stacked_layers_learn_rings():
    assert edinburgh.stacked_layers().right > 0.95


def test_an_activation_without_a_layer():
    with pytest.raises(ValueError, match="sigmoid, tanh, relu, not 'gelu'"):
        edinburgh.stacked_layers("gelu")
