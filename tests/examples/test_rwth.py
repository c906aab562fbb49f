"""RWTH Aachen: every number that is printed, to the last digit printed."""

import pytest
from worked import check_numbers

from micrograd_plus import examples, grad, ops
from micrograd_plus.chain_rule import explain
from micrograd_plus.examples import rwth
from micrograd_plus.nn import Adaline

# The values in the order of computation, and the gradients by name; 12 decimals where the numbers
# are not whole.
NUMBERS = {
    "delta_rule": (
        {"phi1": 1, "phi2": 2, "w1": 0.5, "w2": -0.25, "t": 1, "y": 0, "d": -1, "E": 0.5},
        {"phi1": -0.5, "phi2": 0.25, "w1": -1, "w2": -2, "t": 1, "y": -1, "d": -1, "E": 1},
    ),
    "median_regression": (
        {"m": 3, "x1": 1, "x2": 2, "x3": 3, "x4": 4, "x5": 100, "E": 101},
        {"m": 0, "x1": -1, "x2": -1, "x3": 0, "x4": 1, "x5": 1, "E": 1},
    ),
    "least_squares": (
        {"m": 22, "x1": 1, "x2": 2, "x3": 3, "x4": 4, "x5": 100, "E": 7610},
        {"m": 0, "x1": -42, "x2": -40, "x3": -38, "x4": -36, "x5": 156, "E": 1},
    ),
    "chain_of_two": (
        {"x": 3, "y": 9, "z": 0.111111111111},
        {"x": -0.074074074074, "y": -0.012345679012, "z": 1},
    ),
    "total_derivative": (
        {"x": 3, "y1": 6, "y2": 9, "y3": -3, "z": 51},
        {"x": 53, "y1": 9, "y2": 6, "y3": 1, "z": 1},
    ),
    "core_steps": (
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
            "t": 1,
            "z1": 0.6,
            "z2": 0.05,
            "y1": 0.645656306226,
            "y2": 0.512497396484,
            "z": 0.183158909742,
            "y": 0.545662145710,
            "E": 0.103211442921,
        },
        {
            "x1": -0.005849378836,
            "x2": 0.033991075314,
            "w11": -0.025769605911,
            "w12": 0,
            "b1": -0.025769605911,
            "w21": 0.028141696478,
            "w22": 0,
            "b2": 0.028141696478,
            "v1": -0.072724889319,
            "v2": -0.057726248588,
            "c": -0.112637154812,
            "t": 0.454337854290,
            "z1": -0.025769605911,
            "z2": 0.028141696478,
            "y1": -0.112637154812,
            "y2": 0.112637154812,
            "z": -0.112637154812,
            "y": -0.454337854290,
            "E": 1,
        },
    ),
    "mlp_backpropagation": (
        {
            "x1": 1,
            "x2": -2,
            "w11": 0.1,
            "w12": 0.2,
            "w21": -0.3,
            "w22": 0.4,
            "w31": 0.5,
            "w32": -0.6,
            "b1": 0.1,
            "b2": 0,
            "b3": -0.1,
            "v11": 0.2,
            "v12": -0.1,
            "v13": 0.3,
            "v21": 0.4,
            "v22": 0.1,
            "v23": -0.2,
            "v31": -0.5,
            "v32": 0.3,
            "v33": 0.1,
            "c1": 0,
            "c2": 0.1,
            "c3": -0.1,
            "lam": 0.01,
            "z1": -0.2,
            "z2": -1.1,
            "z3": 1.6,
            "h1": 0.450166002688,
            "h2": 0.249739894405,
            "h3": 0.832018385134,
            "a1": 0.314664726637,
            "a2": 0.138636713489,
            "a3": -0.166959194509,
            "L": 1.074714228124,
            "R": 1.61,
            "E": 1.090814228124,
        },
        {
            "x1": 0.013628681172,
            "x2": -0.040964781476,
            "w11": -0.074178501955,
            "w12": 0.156357003910,
            "w21": -0.011831086095,
            "w22": 0.019662172190,
            "w31": 0.048994411079,
            "w32": -0.089988822157,
            "b1": -0.076178501955,
            "b2": -0.005831086095,
            "b3": 0.038994411079,
            "v11": 0.187264450539,
            "v12": 0.099670148906,
            "v13": 0.344718142374,
            "v21": -0.288481444008,
            "v22": -0.162479867599,
            "v23": -0.551971216824,
            "v31": 0.103216993468,
            "v32": 0.068809718692,
            "v33": 0.211253074450,
            "c1": 0.407104155901,
            "c2": -0.658604697462,
            "c3": 0.251500541561,
            "lam": 1.61,
            "z1": -0.076178501955,
            "z2": -0.005831086095,
            "z3": 0.038994411079,
            "h1": -0.307771318585,
            "h2": -0.031120722868,
            "h3": 0.279002240419,
            "a1": 0.407104155901,
            "a2": -0.658604697462,
            "a3": 0.251500541561,
            "L": 1,
            "R": 0.01,
            "E": 1,
        },
    ),
    "skip_connection": (
        {"w": 0.5, "x": 2, "h": 0.761594155956, "y": 2.761594155956},
        {"w": 0.839948683228, "x": 1.209987170807, "h": 1, "y": 1},
    ),
    "recurrent_network": (
        {"w": 0.5, "h0": 1, "h1": 0.462117157260, "h2": 0.227032608717},
        {"w": 0.811253492447, "h0": 0.186477806011, "h1": 0.474228097289, "h2": 1},
    ),
    "nine_paths": (
        {
            "x": 1,
            "alpha": 1,
            "beta": 2,
            "gamma": 3,
            "y": 6,
            "delta": 4,
            "epsilon": 5,
            "zeta": 6,
            "z": 90,
        },
        {
            "x": 90,
            "alpha": 15,
            "beta": 15,
            "gamma": 15,
            "y": 15,
            "delta": 6,
            "epsilon": 6,
            "zeta": 6,
            "z": 1,
        },
    ),
    "forward_and_reverse": (
        {"a": 2, "b": 1, "c": 3, "d": 2, "e": 6},
        {"a": 2, "b": 5, "c": 2, "d": 3, "e": 1},
    ),
    "tanh_from_sigmoid": (
        {"a": 0.7, "u": 1.4, "s": 0.802183888559, "g": 0.604367777117},
        {"a": 0.634739589982, "u": 0.317369794991, "s": 2, "g": 1},
    ),
    "hard_tanh": (
        {"a": 0.3, "low": 0.3, "g": 0.3},
        {"a": 1, "low": 1, "g": 1},
    ),
    "maxout": (
        {
            "x1": 1,
            "x2": 2,
            "w11": 0.5,
            "w12": -1,
            "b1": 0.25,
            "w21": -1,
            "w22": 0.5,
            "b2": 0.5,
            "a1": -1.25,
            "a2": 0.5,
            "g": 0.5,
        },
        {
            "x1": -1,
            "x2": 0.5,
            "w11": 0,
            "w12": 0,
            "b1": 0,
            "w21": 1,
            "w22": 2,
            "b2": 1,
            "a1": 0,
            "a2": 1,
            "g": 1,
        },
    ),
    "l2_on_a_sigmoid": (
        {"a": -5, "t": 1, "y": 0.006692850924, "E": 0.986659092405},
        {"a": -0.013207124437, "t": 1.986614298151, "y": -1.986614298151, "E": 1},
    ),
    "cross_entropy_on_a_sigmoid": (
        {"a": -5, "y": 0.006692850924, "log": -5.006715348489, "E": 5.006715348489},
        {"a": -0.993307149076, "y": -149.413159102577, "log": -1, "E": 1},
    ),
    "softmax_shifted": (
        {
            "a1": 1000,
            "a2": 1001,
            "a3": 1002,
            "m": 1002,
            "s1": -2,
            "s2": -1,
            "s3": 0,
            "e1": 0.135335283237,
            "e2": 0.367879441171,
            "e3": 1,
            "sum": 1.503214724408,
            "log": 0.407605964444,
            "E": 0.407605964444,
        },
        {
            "a1": 0.090030573170,
            "a2": 0.244728471055,
            "a3": -0.334759044225,
            "m": 0,
            "s1": 0.090030573170,
            "s2": 0.244728471055,
            "s3": -0.334759044225,
            "e1": 0.665240955775,
            "e2": 0.665240955775,
            "e3": 0.665240955775,
            "sum": 0.665240955775,
            "log": 1,
            "E": 1,
        },
    ),
}


def test_every_circuit_has_its_numbers_here():
    assert [circuit.__name__ for circuit in rwth.EXAMPLES] == list(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_values_and_gradients(name):
    check_numbers(getattr(rwth, name), *NUMBERS[name])


def test_the_largest_product_of_nine_paths():
    circuit = examples.nine_paths()
    found = explain(circuit["z"], circuit["x"], limit=9)
    assert found.count == 9
    assert sorted(p.product for p in found.paths) == [4, 5, 6, 8, 10, 12, 12, 15, 18]


def test_a_chain_with_more_paths_than_anyone_could_walk():
    chain = examples.factoring_chain()
    found = explain(chain["z60"], chain["x"])
    assert (found.count, found.value) == (9**60, 1.0)
    chain["z60"].backward()
    assert {v.grad for v in chain.values()} == {1.0}
    assert list(examples.factoring_chain(0)) == ["x"]


# Sums over the two examples of the network of modules.
OF_FIRST = [
    [-0.086569753622, 0.121183248909],
    [0.015545900506, 0.075793131995],
    [0.011190780823, -0.161399712925],
]
OF_SECOND = [
    [-0.217416476773, -0.299010778406, 0.128205995153],
    [-0.044147341163, 0.087854235246, -0.415398413413],
    [0.261563817936, 0.211156543160, 0.287192418260],
]


def rounded(numbers):
    """Numbers, or lists of them, to twelve decimals."""
    if isinstance(numbers, list):
        return [rounded(number) for number in numbers]
    return f"{numbers + 0.0:.12f}"


def test_a_rule_of_descent_on_linear_outputs():
    learner = Adaline(2, classes=None)
    for unit, start in zip(learner.layer.neurons[0].w, (0.5, -0.25)):
        unit.data = start
    learner.fit([(1.0, 2.0)], [1.0], rate=0.1, passes=1)
    _, gradients = NUMBERS["delta_rule"]
    found = [w.data for w in learner.layer.neurons[0].w]
    assert found == [0.5 - 0.1 * gradients["w1"], -0.25 - 0.1 * gradients["w2"]]


@pytest.mark.parametrize(
    ("make", "smaller", "larger"),
    [(rwth.median_regression, 2.9, 3.1), (rwth.least_squares, 21.9, 22.1)],
)
def test_beside_the_best_constant_the_gradient_leads_back_to_it(make, smaller, larger):
    slopes = []
    for m in (smaller, larger):
        circuit = make()
        circuit["m"].data = m
        circuit["E"].forward()
        circuit["E"].backward()
        slopes.append(circuit["m"].grad)
    assert slopes[0] < 0 < slopes[1]


@pytest.mark.parametrize(("a", "output", "slope"), [(-1.5, -1, 0), (0.25, 0.25, 1), (4, 1, 0)])
def test_hard_tanh_is_a_gate_of_its_own_too(a, output, slope):
    circuit = rwth.hard_tanh()
    circuit["a"].data = a
    circuit["g"].forward()
    circuit["g"].backward()
    assert (circuit["g"].data, circuit["a"].grad) == (output, slope)
    assert (ops.hard_tanh(a), grad(ops.hard_tanh)(float(a))) == (output, slope)


def test_tanh_is_a_sigmoid_of_twice_its_input():
    circuit = rwth.tanh_from_sigmoid()
    assert circuit["g"].data == pytest.approx(ops.tanh(0.7), abs=1e-15)


def test_xor_on_fixed_features():
    assert rwth.basis_functions() == ([3, 3, 4, 3, 1, 2, 1, 0], [1.0, 1.0, -3.0], -1.0)


def test_the_five_losses():
    expected = [0.36, 0.6, 0.223143551314, 0.75, 0.349012216768]
    assert rounded([*rwth.loss_functions()]) == rounded(expected)


def test_a_search_by_small_changes_takes_several_passes_for_each_weight():
    found = rwth.perturbation_search()
    assert found.weights == 9
    assert f"{found.errors[0]:.12f}" == "0.103211442921"
    assert found.errors == sorted(found.errors, reverse=True)
    assert found.errors[-1] < found.errors[0] / 1000
    assert all(9 <= passes <= 27 for passes in found.forward_passes)


def test_the_algorithm_line_by_line_gives_the_gradients_of_the_graph():
    found = rwth.forward_and_backward_pass()
    _, gradients = NUMBERS["mlp_backpropagation"]
    first, second = found.gradients
    assert f"{found.error:.12f}" == "1.090814228124"
    assert rounded(first) == [[f"{gradients[f'w{i}{j}']:.12f}" for j in (1, 2)] for i in (1, 2, 3)]
    assert rounded(second) == [
        [f"{gradients[f'v{i}{j}']:.12f}" for j in (1, 2, 3)] for i in (1, 2, 3)
    ]
    assert rounded(found.slopes) == rounded([0.247516572712, 0.187369879548, 0.139763791933])
    literally = [0.237750224957, 0.246142039953, 0.211277026488]
    assert rounded(found.slopes_at_outputs) == rounded(literally)


@pytest.mark.parametrize("inputs", [1, 2, 32])
def test_forward_takes_a_sweep_for_each_input_and_reverse_one_in_all(inputs):
    found = rwth.forward_against_reverse(inputs)
    assert (found.forward_sweeps, found.reverse_sweeps) == (inputs, 1)
    assert found.forward_edges == inputs * found.reverse_edges
    assert found.difference < 1e-15


def test_the_modules_forward_and_backward():
    found = rwth.modular_implementation()
    expected = {
        "totals": [[-0.2, -1.1, 1.6], [0.45, 0.45, -0.75]],
        "hidden": [
            [0.450166002688, 0.249739894405, 0.832018385134],
            [0.610639233949, 0.610639233949, 0.320821300825],
        ],
        "outputs": [
            [0.314664726637, 0.138636713489, -0.166959194509],
            [0.157310313642, 0.341155356810, -0.190045716707],
        ],
        "at_outputs": [
            [0.407104155901, -0.658604697462, 0.251500541561],
            [-0.656166366385, 0.413229430433, 0.242936935952],
        ],
        "at_hidden": [
            [-0.307771318585, -0.031120722868, 0.279002240419],
            [-0.087409969080, 0.179820660467, -0.255202102407],
        ],
        "at_totals": [
            [-0.076178501955, -0.005831086095, 0.038994411079],
            [-0.020782503334, 0.042753973203, -0.055607260512],
        ],
    }
    assert {name: rounded(numbers) for name, numbers in found._asdict().items()} == {
        name: rounded(numbers) for name, numbers in expected.items()
    }


def test_the_mean_over_a_batch_and_its_gradients():
    found = rwth.batch_processing()
    assert f"{found.error:.12f}" == "1.071155794964"
    for matrix, sums in zip(found.gradients, (OF_FIRST, OF_SECOND), strict=True):
        for row, expected in zip(matrix, sums, strict=True):
            assert [2 * number for number in row] == pytest.approx(expected, abs=1e-12)


def test_the_slide_s_softmax_is_a_softmin():
    found = rwth.softmax_and_softmin()
    assert rounded(found.softmax) == rounded([0.705384512698, 0.259496460342, 0.035119026959])
    assert rounded(found.softmin) == rounded([0.042010066134, 0.114195199385, 0.843794734481])


def test_slopes_of_losses_from_wrong_to_right():
    found = rwth.confidently_wrong()
    assert found.totals == [-10, -5, -2, 0, 2, 5]
    l2 = [
        *(-9.078749372609e-05, -0.013207124437, -0.184956086460),
        *(-0.25, -0.025031084347, -0.000088988904),
    ]
    entropy = [
        *(-0.999954602131, -0.993307149076, -0.880797077978),
        *(-0.5, -0.119202922022, -0.006692850924),
    ]
    assert found.l2 == pytest.approx(l2, abs=1e-12)
    assert found.cross_entropy == pytest.approx(entropy, abs=1e-12)
    assert f"{found.l2_on_tanh[1]:.12f}" == "-0.000726299950"


def test_the_softmax_of_large_numbers():
    found = rwth.softmax_done_right()
    probabilities = [0.090030573170, 0.244728471055, 0.665240955775]
    assert rounded(found.probabilities) == rounded(probabilities)
    assert f"{found.logsumexp:.12f}" == "1002.407605964444"
    assert rounded(found.losses) == rounded([2.407605964444, 1.407605964444, 0.407605964444])
