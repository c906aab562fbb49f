"""Sharif: every number that is printed, to the last digit printed."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from worked import check_numbers, decimals

from micrograd_plus import zero_grad
from micrograd_plus.examples import sharif
from micrograd_plus.nn import Adaline
from micrograd_plus.nn.modular import SigmoidLayer

# The values in the order of computation, and the gradients by name; 12 decimals where the numbers
# are not whole.
NUMBERS = {
    "model_neuron": (
        {
            "x1": 2,
            "x2": 0,
            "w1": -3,
            "w2": 1,
            "b": 6.881373587020,
            "z": 0.881373587020,
            "y": 0.707106781187,
        },
        {"x1": -1.5, "x2": 0.5, "w1": 1, "w2": 0, "b": 0.5, "z": 0.5, "y": 1},
    ),
    "threshold_form": (
        {"x1": 1, "x2": 1, "w1": 1, "w2": 1, "theta": 2, "z": 2, "y": 1},
        {"x1": 0, "x2": 0, "w1": 0, "w2": 0, "theta": 0, "z": 0, "y": 1},
    ),
    "bias_form": (
        {"x1": 1, "x2": 1, "w1": 1, "w2": 1, "b": -2, "z": 0, "y": 1},
        {"x1": 0, "x2": 0, "w1": 0, "w2": 0, "b": 0, "z": 0, "y": 1},
    ),
    "and_network": (
        {"x1": 1, "x2": 0, "w1": 1, "w2": 1, "b": -2, "z": -1, "y": 0},
        {"x1": 0, "x2": 0, "w1": 0, "w2": 0, "b": 0, "z": 0, "y": 1},
    ),
    "or_network": (
        {"x1": 1, "x2": 0, "w1": 1, "w2": 1, "b": -1, "z": 0, "y": 1},
        {"x1": 0, "x2": 0, "w1": 0, "w2": 0, "b": 0, "z": 0, "y": 1},
    ),
    "sigmoid_neuron": (
        {"x1": 1, "x2": 2, "w1": 0.5, "w2": 0.25, "b": -0.3, "z": 0.7, "y": 0.668187772168},
        {
            "x1": 0.110856436647,
            "x2": 0.055428218323,
            "w1": 0.221712873293,
            "w2": 0.443425746586,
            "b": 0.221712873293,
            "z": 0.221712873293,
            "y": 1,
        },
    ),
    "relu_neuron": (
        {"x1": 1, "x2": 2, "w1": 0.5, "w2": 0.25, "b": -0.3, "z": 0.7, "y": 0.7},
        {"x1": 0.5, "x2": 0.25, "w1": 1, "w2": 2, "b": 1, "z": 1, "y": 1},
    ),
    "adaline": (
        {"w1": 0, "w2": 0, "x1": 1, "x2": 2, "y": 1, "out": 0, "d": 1, "E": 1},
        {"w1": -2, "w2": -4, "x1": 0, "x2": 0, "y": 2, "out": -2, "d": 2, "E": 1},
    ),
    "same_bit_inequalities": (
        {
            "w1": 1,
            "w2": -2,
            "theta": 0.5,
            "both": -1.5,
            "none": -0.5,
            "first": 0.5,
            "second": -2.5,
            "same": -2,
            "different": -2,
            "d": 0,
        },
        {
            "w1": 0,
            "w2": 0,
            "theta": 0,
            "both": 1,
            "none": 1,
            "first": -1,
            "second": -1,
            "same": 1,
            "different": -1,
            "d": 1,
        },
    ),
    "same_bit": (
        {
            "x1": 1,
            "x2": 0,
            "w11": 1,
            "w12": 1,
            "b1": -2,
            "w21": -1,
            "w22": -1,
            "b2": 0,
            "v1": 1,
            "v2": 1,
            "c": -1,
            "h1": 0,
            "h2": 0,
            "y": 0,
        },
        {
            "x1": 0,
            "x2": 0,
            "w11": 0,
            "w12": 0,
            "b1": 0,
            "w21": 0,
            "w22": 0,
            "b2": 0,
            "v1": 0,
            "v2": 0,
            "c": 0,
            "h1": 0,
            "h2": 0,
            "y": 1,
        },
    ),
    "linear_layers": (
        {
            "x1": 1,
            "x2": 2,
            "w11": 0.5,
            "w12": -1,
            "w21": 2,
            "w22": 0.25,
            "v1": 3,
            "v2": -2,
            "h1": -1.5,
            "h2": 2.5,
            "y": -9.5,
        },
        {
            "x1": -2.5,
            "x2": -3.5,
            "w11": 3,
            "w12": 6,
            "w21": -2,
            "w22": -4,
            "v1": -1.5,
            "v2": 2.5,
            "h1": 3,
            "h2": -2,
            "y": 1,
        },
    ),
    "two_layers": (
        {
            "x1": 1,
            "x2": 2,
            "w11": 0.5,
            "w12": 1,
            "w21": 2,
            "w22": -1.5,
            "v1": 3,
            "v2": -2,
            "h1": 2.5,
            "h2": 0,
            "o": 7.5,
        },
        {
            "x1": 1.5,
            "x2": 3,
            "w11": 3,
            "w12": 6,
            "w21": 0,
            "w22": 0,
            "v1": 2.5,
            "v2": 0,
            "h1": 3,
            "h2": -2,
            "o": 1,
        },
    ),
    "scores_and_loss": (
        {
            "x1": -15,
            "x2": 22,
            "x3": -44,
            "x4": 56,
            "w11": 0.01,
            "w12": -0.05,
            "w13": 0.1,
            "w14": 0.05,
            "w21": 0.7,
            "w22": 0.2,
            "w23": 0.05,
            "w24": 0.16,
            "w31": 0,
            "w32": -0.45,
            "w33": -0.2,
            "w34": 0.03,
            "b1": 0,
            "b2": 0.2,
            "b3": -0.3,
            "lam": 0.1,
            "s1": -2.85,
            "s2": 0.86,
            "s3": 0.28,
            "hinge": 1.58,
            "R": 0.08166,
            "L": 1.66166,
        },
        {
            "x1": 0.7,
            "x2": 0.65,
            "x3": 0.25,
            "x4": 0.13,
            "w11": 0.002,
            "w12": -0.01,
            "w13": 0.02,
            "w14": 0.01,
            "w21": -14.86,
            "w22": 22.04,
            "w23": -43.99,
            "w24": 56.032,
            "w31": 15,
            "w32": -22.09,
            "w33": 43.96,
            "w34": -55.994,
            "b1": 0,
            "b2": 1,
            "b3": -1,
            "lam": 0.8166,
            "s1": 0,
            "s2": 1,
            "s3": -1,
            "hinge": 1,
            "R": 1,
            "L": 1,
        },
    ),
    "product_of_a_sum": (
        {"x": -2, "y": 5, "z": -4, "q": 3, "f": -12},
        {"x": -4, "y": -4, "z": 3, "q": -4, "f": 1},
    ),
    "sigmoid_circuit": (
        {
            "w0": 2,
            "x0": -1,
            "w1": -3,
            "x1": -2,
            "w2": -3,
            "w0x0": -2,
            "w1x1": 6,
            "s": 4,
            "z": 1,
            "neg": -1,
            "exp": 0.367879441171,
            "den": 1.367879441171,
            "f": 0.731058578630,
        },
        {
            "w0": -0.196611933241,
            "x0": 0.393223866483,
            "w1": -0.393223866483,
            "x1": -0.589835799724,
            "w2": 0.196611933241,
            "w0x0": 0.196611933241,
            "w1x1": 0.196611933241,
            "s": 0.196611933241,
            "z": 0.196611933241,
            "neg": -0.196611933241,
            "exp": -0.534446645389,
            "den": -0.534446645389,
            "f": 1,
        },
    ),
    "sigmoid_gate": (
        {
            "w0": 2,
            "x0": -1,
            "w1": -3,
            "x1": -2,
            "w2": -3,
            "w0x0": -2,
            "w1x1": 6,
            "s": 4,
            "z": 1,
            "f": 0.731058578630,
        },
        {
            "w0": -0.196611933241,
            "x0": 0.393223866483,
            "w1": -0.393223866483,
            "x1": -0.589835799724,
            "w2": 0.196611933241,
            "w0x0": 0.196611933241,
            "w1x1": 0.196611933241,
            "s": 0.196611933241,
            "z": 0.196611933241,
            "f": 1,
        },
    ),
    "gates": (
        {"x": 3, "y": -4, "z": 2, "w": -1, "p": -12, "m": 2, "s": -10, "f": -20},
        {"x": -8, "y": 6, "z": 2, "w": 0, "p": 2, "m": 2, "s": 2, "f": 1},
    ),
    "branches": (
        {"a": 3, "b": 6, "c": 12},
        {"a": 4, "b": 2, "c": 1},
    ),
    "reused_input": (
        {"x": 2, "y": 3, "p": 6, "f": 8},
        {"x": 4, "y": 2, "p": 1, "f": 1},
    ),
    "simple_chain": (
        {"x": 2, "y": 4, "z": 1.386294361120},
        {"x": 1, "y": 0.25, "z": 1},
    ),
    "multiple_paths": (
        {"x": 2, "y1": 6, "y2": 4, "y3": 0.5, "z": 10.5},
        {"x": 6.75, "y1": 1, "y2": 1, "y3": 1, "z": 1},
    ),
    "sigmoid_layer": (
        {"a1": 1, "a2": 0, "top1": 0.731058578630, "top2": 0.5, "L": 0.962117157260},
        {"a1": 0.393223866483, "a2": -0.25, "top1": 2, "top2": -1, "L": 1},
    ),
    "composite_function": (
        {
            "x": 1,
            "w1": 0.5,
            "w2": -1,
            "w3": 2,
            "z1": 0.5,
            "a1": 0.462117157260,
            "z2": -0.462117157260,
            "a2": -0.431808180595,
            "z3": -0.863616361190,
            "a3": -0.698116225509,
        },
        {
            "x": -0.327987176355,
            "w1": -0.655974352710,
            "w2": 0.385450921152,
            "w3": -0.221359440716,
            "z1": -0.655974352710,
            "a1": -0.834097836657,
            "z2": 0.834097836657,
            "a2": 1.025267471363,
            "z3": 0.512633735682,
            "a3": 1,
        },
    ),
    "backpropagation_of_errors": (
        {
            "x1": 1,
            "x2": 0,
            "w11": 0.5,
            "w12": -0.5,
            "b1": 0.1,
            "w21": 0.25,
            "w22": 0.75,
            "b2": -0.2,
            "v1": 1,
            "v2": -1,
            "c": 0.05,
            "y": 1,
            "z1": 0.6,
            "z2": 0.05,
            "a1": 0.645656306226,
            "a2": 0.512497396484,
            "z": 0.183158909742,
            "a": 0.545662145710,
            "E": 0.206422885841,
        },
        {
            "x1": -0.011698757672,
            "x2": 0.067982150628,
            "w11": -0.051539211822,
            "w12": 0,
            "b1": -0.051539211822,
            "w21": 0.056283392956,
            "w22": 0,
            "b2": 0.056283392956,
            "v1": -0.145449778639,
            "v2": -0.115452497177,
            "c": -0.225274309623,
            "y": 0.908675708581,
            "z1": -0.051539211822,
            "z2": 0.056283392956,
            "a1": -0.225274309623,
            "a2": 0.225274309623,
            "z": -0.225274309623,
            "a": -0.908675708581,
            "E": 1,
        },
    ),
    "vectorized": (
        {
            "w11": 0.1,
            "w12": 0.5,
            "w21": -0.3,
            "w22": 0.8,
            "x1": 0.2,
            "x2": 0.4,
            "q1": 0.22,
            "q2": 0.26,
            "f": 0.116,
        },
        {
            "w11": 0.088,
            "w12": 0.176,
            "w21": 0.104,
            "w22": 0.208,
            "x1": -0.112,
            "x2": 0.636,
            "q1": 0.44,
            "q2": 0.52,
            "f": 1,
        },
    ),
    "svm_example": (
        {
            "s11": 3.2,
            "s12": 5.1,
            "s13": -1.7,
            "s21": 1.3,
            "s22": 4.9,
            "s23": 2,
            "s31": 2.2,
            "s32": 2.5,
            "s33": -3.1,
            "L1": 2.9,
            "L2": 0,
            "L3": 12.9,
            "L": 5.266666666667,
        },
        {
            "s11": -0.333333333333,
            "s12": 0.333333333333,
            "s13": 0,
            "s21": 0,
            "s22": 0,
            "s23": 0,
            "s31": 0.333333333333,
            "s32": 0.333333333333,
            "s33": -0.666666666667,
            "L1": 0.333333333333,
            "L2": 0.333333333333,
            "L3": 0.333333333333,
            "L": 1,
        },
    ),
    "weight_decay": (
        {
            "x": 0.8,
            "w": 0.4,
            "y": 0.2,
            "lam": 0.1,
            "d": 0.12,
            "error": 0.0072,
            "penalty": 0.008,
            "E": 0.0152,
        },
        {
            "x": 0.048,
            "w": 0.136,
            "y": -0.12,
            "lam": 0.08,
            "d": 0.12,
            "error": 1,
            "penalty": 1,
            "E": 1,
        },
    ),
    "weight_sharing": (
        {"x": 1, "w": 0.5, "h": 0.462117157260, "y": 0.227032608717},
        {"x": 0.186477806011, "w": 0.811253492447, "h": 0.474228097289, "y": 1},
    ),
}


def test_every_circuit_has_its_numbers_here():
    assert [circuit.__name__ for circuit in sharif.EXAMPLES] == list(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_values_and_gradients(name):
    check_numbers(getattr(sharif, name), *NUMBERS[name])


BITS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def output_of(circuit, **leaves):
    """The output, evaluated again with other values for some leaves."""
    for name, number in leaves.items():
        circuit[name].data = number
    *_, output = circuit.values()
    return output.forward().data


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (sharif.and_network, [0, 0, 0, 1]),
        (sharif.or_network, [0, 1, 1, 1]),
        (sharif.same_bit, [1, 0, 0, 1]),
    ],
)
def test_a_table_of_truth(make, expected):
    assert [output_of(make(), x1=x1, x2=x2) for x1, x2 in BITS] == expected


def test_a_threshold_and_a_bias_are_two_forms_of_one_neuron():
    for x in BITS:
        x1, x2 = x
        found = output_of(sharif.threshold_form(), x1=x1, x2=x2)
        assert found == output_of(sharif.bias_form(), x1=x1, x2=x2)


def test_below_zero_and_at_zero_a_rectified_unit_passes_nothing():
    for bias in (-2.0, -1.0):
        circuit = sharif.relu_neuron()
        output_of(circuit, b=bias)
        circuit["y"].backward()
        assert circuit["w1"].grad == 0.0


def test_the_slide_s_step_of_adaline_is_half_of_that_down_its_error():
    learner = Adaline(2, classes=None)
    learner.fit([(1.0, 2.0)], [1.0], rate=0.1, passes=1)
    assert [w.data for w in learner.layer.neurons[0].w] == [0.1, 0.2]
    _, gradients = NUMBERS["adaline"]
    assert [-0.1 * gradients["w1"], -0.1 * gradients["w2"]] == [0.2, 0.4]


def test_the_four_inequalities_contradict_each_other_whatever_the_weights():
    for w1, w2, theta in [(1.0, 1.0, 1.5), (-3.0, 0.25, -2.0), (0.0, 0.0, 0.0)]:
        assert output_of(sharif.same_bit_inequalities(), w1=w1, w2=w2, theta=theta) == 0.0


@pytest.mark.parametrize("x", [(1.0, 2.0), (-3.0, 0.5), (0.0, 0.0)])
def test_linear_layers_have_one_gradient_everywhere(x):
    circuit = sharif.linear_layers()
    output_of(circuit, x1=x[0], x2=x[1])
    circuit["y"].backward()
    assert (circuit["x1"].grad, circuit["x2"].grad) == (-2.5, -3.5)


def test_the_sensitivities_are_twice_those_of_half_the_square():
    """The numbers of E = ½(a − y)²: at total inputs, at activities, at the weights."""
    _, found = NUMBERS["backpropagation_of_errors"]
    halves = {
        "z": -0.112637154812,
        "z1": -0.025769605911,
        "z2": 0.028141696478,
        "a": -0.454337854290,
        "a1": -0.112637154812,
        "a2": 0.112637154812,
        "v1": -0.072724889319,
        "v2": -0.057726248588,
        "c": -0.112637154812,
        "w11": -0.025769605911,
        "w12": 0.0,
        "w21": 0.028141696478,
        "w22": 0.0,
        "b1": -0.025769605911,
        "b2": 0.028141696478,
    }
    assert {name: found[name] / 2 for name in halves} == pytest.approx(halves, abs=1e-12)


def test_a_step_of_weight_decay_and_where_many_lead():
    circuit = sharif.weight_decay()
    for step in range(400):
        zero_grad(circuit["E"])
        circuit["E"].backward()
        circuit["w"].data -= 0.5 * circuit["w"].grad
        circuit["E"].forward()
        if step == 0:
            assert circuit["w"].data == pytest.approx(0.332, abs=1e-15)
    assert f"{circuit['w'].data:.12f}" == "0.216216216216"


def test_the_perceptron_learns_what_a_unit_can_do_and_nothing_else():
    conjunction, disjunction, same_bit = sharif.perceptron_convergence()
    assert conjunction == ([2, 3, 3, 2, 1, 0], [2.0, 1.0], -3.0)
    assert disjunction == ([2, 2, 1, 0], [1.0, 1.0], -1.0)
    assert len(same_bit.mistakes) == 100
    assert min(same_bit.mistakes) > 0


def test_templates_change_by_the_image_that_was_mistaken():
    mistakes, updates, biases = sharif.learning_templates()
    assert (mistakes, biases) == ([2, 1, 0], [0.0, 0.0, 0.0])
    assert [(update.shown, update.won) for update in updates] == [
        ("L", "T"),
        ("X", "L"),
        ("T", "X"),
    ]
    *_, last = updates
    assert last.templates == {
        "T": [0, 1, 1, -1, 1, 0, -1, 0, -1],
        "L": [0, 0, -1, 1, -1, 0, 0, 1, 0],
        "X": [0, -1, 0, 0, 0, 0, 1, -1, 1],
    }


def test_translations_of_either_pattern_have_the_same_sum_of_totals():
    found = sharif.translation_with_wrap_around()
    weights = [0.1 * (i * i % 7) - 0.2 for i in range(12)]
    expected = 4.0 * sum(weights) + 12 * 0.3
    assert sum(found.totals_a) == pytest.approx(expected, abs=1e-12)
    assert sum(found.totals_b) == pytest.approx(expected, abs=1e-12)
    assert (found.weights, found.bias) == ([4.0] * 12, 12.0)


def test_regions_are_what_their_half_planes_say():
    regions = sharif.regions_by_depth()
    for i in range(-13, 14):
        for j in range(-13, 14):
            x, y = i / 4, j / 4
            upper = x >= 0 and y >= 0 and x + y <= 2
            lower = x <= 0 and y <= 0 and x + y >= -2
            assert regions.half_plane([x, y]).data == (x + y >= 1)
            assert regions.triangle([x, y]).data == upper
            assert regions.triangles([x, y]).data == (upper or lower)
            assert regions.same_bit([x, y]).data == (x + y >= 2 or x + y <= 0)
    assert [regions.same_bit([x, x]).data for x in (0.0, 0.5, 1.0)] == [1.0, 0.0, 1.0]


def test_gates_forward_and_backward():
    assert sharif.forward_backward_api() == (3.0, -12.0, [-4.0, 3.0], [-4.0, -4.0])


def test_the_layer_of_sigmoids_is_that_of_modules():
    layer = SigmoidLayer()
    inputs = [[1.0, 0.0]]
    [found] = layer.bprop(inputs, layer.fprop(inputs), [[1.0, 1.0]]).tolist()
    assert decimals(dict(enumerate(found))) == decimals({0: 0.196611933241, 1: 0.25})


def test_gradients_have_the_shape_of_their_variables():
    found = sharif.gradients_of_vectors()
    assert f"{found.f:.12f}" == "0.116000000000"
    assert found.weights == [pytest.approx([0.088, 0.176]), pytest.approx([0.104, 0.208])]
    assert found.inputs == pytest.approx([-0.112, 0.636])
    assert found.jacobian == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_more_hidden_units_meet_the_points_and_miss_what_lies_between():
    found = sharif.overfitting()
    few, some, many = found.training
    assert few > some > many
    assert many < 1e-3
    assert found.validation[2] > found.validation[1]
    assert found.best[1] < min(found.validation) / 2
    assert found.best_epoch < 200


def test_an_average_of_models_errs_by_less_than_models_on_average():
    found = sharif.model_averaging()
    expected = {"mean_of_errors": 0.11, "error_of_mean": 0.001111111111}
    assert decimals(found._asdict()) == decimals({**expected, "variance": 0.108888888889})
    assert found.mean_of_errors - found.error_of_mean == pytest.approx(found.variance, abs=1e-15)


def test_all_thinned_networks():
    found = sharif.dropout()
    eight = [0.5, 4.1, -1.1, 2.5, 0.9, 4.5, -0.7, 2.9]
    assert sorted(found.outputs) == pytest.approx(sorted(eight))
    assert found.mean == pytest.approx(found.whole) == 1.7
    assert f"{found.mean_of_sigmoids:.12f}" == "0.719957471370"
    assert f"{found.geometric_mean:.12f}" == "0.845534734916"


def test_templates_of_digits_are_those_of_an_independent_loop():
    images, digits = load_digits(return_X_y=True)
    rows = np.column_stack([images, np.ones(len(images))])
    weights, mistakes = np.zeros((10, 65)), []
    for _ in range(3):
        wrong = 0
        for row, digit in zip(rows[:1200], digits[:1200], strict=True):
            won = int(np.argmax(weights @ row))
            if won != digit:
                wrong += 1
                weights[digit] += row
                weights[won] -= row
        mistakes.append(wrong)
    found = sharif.digit_templates(passes=3)
    assert found.mistakes == mistakes
    assert found.templates == weights[:, :64].tolist()
    told = np.argmax(rows[1200:] @ weights.T, axis=1)
    assert found.accuracy == np.mean(told == digits[1200:])
    assert found.accuracy > 0.8


def test_digits_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'pip install "micrograd-plus\[data\]"'):
        sharif.digit_templates()


def test_two_hidden_layers_do_better_here_than_one_of_more_parameters():
    found = sharif.networks_by_depth()
    assert found.parameters == [121, 105, 109]
    one, two, three = found.losses
    assert two < one
    assert two < three
    assert found.accuracies[1] == 1.0


def test_where_a_total_of_0_is_a_mistake_the_perceptron_takes_longer():
    conjunction, disjunction = sharif.perceptron_of_signs()
    assert conjunction == ([2, 3, 3, 2, 2, 3, 2, 1, 0], [3.0, 2.0], -4.0)
    assert disjunction == ([3, 1, 2, 2, 1, 0], [2.0, 2.0], -1.0)


def test_differences_come_near_to_the_slope_and_lose_it_again():
    found = sharif.numerical_against_analytic()
    assert f"{found.exact:.12f}" == "-0.196611933241"
    assert f"{found.forward[0]:.12f}" == "-0.201090760050"
    assert f"{found.central[0]:.12f}" == "-0.196553014851"
    forward = [abs(slope - found.exact) for slope in found.forward]
    central = [abs(slope - found.exact) for slope in found.central]
    assert forward[4] == pytest.approx(4.5e-7, rel=0.05)  # h = 1e-5
    assert central[1] == pytest.approx(5.9e-7, rel=0.05)  # h = 1e-2
    assert min(forward) < 1e-7
    assert min(central) < 1e-9
    assert forward[13] > 1e-4  # h = 1e-14
