"""Modules on arrays: the lectures' numbers, and the gradients of the Values."""

import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus import Value, losses, nn, no_grad, ops
from micrograd_plus.nn import MLP
from micrograd_plus.nn.modular import (
    AddGate,
    AffineLayer,
    Chain,
    CrossEntropySoftmaxError,
    ElementwiseLayer,
    Gate,
    MaxGate,
    MultiplyGate,
    ReluLayer,
    SigmoidLayer,
    SoftmaxLayer,
    TanhLayer,
    batch_gradients,
)

# half a unit of the twelfth decimal, to which the lectures' numbers were computed by NumPy
TWELVE = {"rel": 0.0, "abs": 5.1e-13}


def close(found, expected):
    assert np.shape(found) == np.shape(expected)
    assert np.ravel(found).tolist() == pytest.approx(
        np.ravel(expected).tolist(), rel=0.0, abs=5.1e-13
    )


# Gates (Sharif, slides 69, 73-77). ----------------------------------------------------------------
def test_the_gates_of_the_slide_forward_and_backward():
    add, mul = AddGate(), MultiplyGate()
    q = add.forward(-2, 5)
    f = mul.forward(q, -4)
    assert (q, f) == (3.0, -12.0)
    dq, dz = mul.backward(1)
    dx, dy = add.backward(dq)
    assert ([dq, dz], [dx, dy]) == ([-4.0, 3.0], [-4.0, -4.0])


def test_a_max_gate_routes_and_shares_between_equals():
    gate = MaxGate()
    assert gate.forward(2, -1) == 2.0
    assert gate.backward(2) == [2.0, 0.0]
    gate.forward(3, 3)
    assert gate.backward(1) == [0.5, 0.5]


def test_a_sigmoid_gate_is_the_sigmoid_s_row():
    gate = Gate(ops.sigmoid)
    close(gate.forward(1.0), 0.731058578630)
    close(gate.backward(1.0), [0.196611933241])


@pytest.mark.parametrize("row", ops.primitives(), ids=lambda row: row.name)
def test_a_gate_passes_what_a_backward_pass_does(row):
    """To the bit, for every row of the table, at a kink and where a slope is infinite, too."""
    count = row.arity or 2 * row.least + 1
    for xs in ([0.5, 1.5, -0.25][:count], [0.0, 0.0, 0.0][:count], [1.0, 2.0, 0.5][:count]):
        leaves = [Value(x) for x in xs]
        out = row(*leaves)
        (out * Value(-3.0)).backward()
        gate = Gate(row)
        assert repr(gate.forward(*xs)) == repr(out.data)
        expected = [leaf.grad + 0.0 for leaf in leaves]  # no zero has a sign
        assert repr([g + 0.0 for g in gate.backward(-3.0)]) == repr(expected)


def test_gates_take_arrays_element_by_element():
    gate = MultiplyGate()
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])
    assert gate.forward(x, y).tolist() == (x * y).tolist()
    dx, dy = gate.backward(np.ones((2, 2)))
    assert (dx.tolist(), dy.tolist()) == (y.tolist(), x.tolist())


def test_the_jacobian_of_an_elementwise_maximum_is_diagonal():
    """Sharif, slides 85-96: max(0, x) at (1, −2, 3)."""
    layer, x = ReluLayer(), np.array([[1.0, -2.0, 3.0]] * 3)
    assert layer.bprop(x, layer.fprop(x), np.eye(3)).tolist() == np.diag([1.0, 0, 1]).tolist()


def test_a_squared_length_of_a_product_as_on_the_slide():
    """Sharif, slides 85-96: f = ‖Wx‖², whose gradients have the shape of W and x."""
    layer, square = AffineLayer([[0.1, 0.5], [-0.3, 0.8]]), Gate(ops.mul)
    x = np.array([[0.2, 0.4]])
    q = layer.fprop(x)
    close(q, [[0.22, 0.26]])
    close(square.forward(q, q).sum(), 0.116)
    dq = sum(square.backward(np.ones_like(q)))  # q is used twice
    close(dq, [[0.44, 0.52]])
    close(layer.grads_wrt_params(x, dq)[0], [[0.088, 0.176], [0.104, 0.208]])
    close(layer.bprop(x, q, dq), [[-0.112, 0.636]])


# Edinburgh's network (Training MLPs: Gradients). --------------------------------------------------
X = np.array([[1.0, -2.0], [0.5, 1.5]])
TARGETS = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
W1, B1 = [[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6]], [0.1, 0.0, -0.1]
W2 = [[0.2, -0.1, 0.3], [0.4, 0.1, -0.2], [-0.5, 0.3, 0.1]]
B2 = [0.0, 0.1, -0.1]
ERROR_GRAD = [
    [0.407104155901, -0.658604697462, 0.251500541561],
    [-0.656166366385, 0.413229430433, 0.242936935952],
]
DW2 = [
    [-0.217416476773, -0.299010778406, 0.128205995153],
    [-0.044147341163, 0.087854235246, -0.415398413413],
    [0.261563817936, 0.211156543160, 0.287192418260],
]
DW1 = [
    [-0.086569753622, 0.121183248909],
    [0.015545900506, 0.075793131995],
    [0.011190780823, -0.161399712925],
]
DB2 = [-0.249062210484, -0.245375267029, 0.494437477513]
DB1 = [-0.096961005289, 0.036922887108, -0.016612849433]


def edinburgh():
    return AffineLayer(W1, B1), SigmoidLayer(), AffineLayer(W2, B2)


def test_forward_propagation_of_edinburgh_s_network():
    affine1, sigmoid, affine2 = edinburgh()
    a1 = affine1.fprop(X)
    close(a1, [[-0.2, -1.1, 1.6], [0.45, 0.45, -0.75]])
    h = sigmoid.fprop(a1)
    close(
        h,
        [
            [0.450166002688, 0.249739894405, 0.832018385134],
            [0.610639233949, 0.610639233949, 0.320821300825],
        ],
    )
    a2 = affine2.fprop(h)
    close(
        a2,
        [
            [0.314664726637, 0.138636713489, -0.166959194509],
            [0.157310313642, 0.341155356810, -0.190045716707],
        ],
    )
    close(
        SoftmaxLayer().fprop(a2),
        [
            [0.407104155901, 0.341395302538, 0.251500541561],
            [0.343833633615, 0.413229430433, 0.242936935952],
        ],
    )
    error = CrossEntropySoftmaxError()
    close(
        [error(a2[i : i + 1], TARGETS[i : i + 1]) for i in (0, 1)], [1.074714228124, 1.067597361804]
    )
    close(CrossEntropySoftmaxError(average=True)(a2, TARGETS), 1.071155794964)
    assert error(a2, TARGETS) == error(a2, [1, 0])  # or the numbers of the classes


def test_back_propagation_of_edinburgh_s_network_in_its_five_steps():
    affine1, sigmoid, affine2 = edinburgh()
    a1 = affine1.fprop(X)  # 1. forward
    h = sigmoid.fprop(a1)
    a2 = affine2.fprop(h)
    error = CrossEntropySoftmaxError()
    assert error(a2, TARGETS) > 0.0  # 2. the error
    g2 = error.grad(a2, TARGETS)  # 3. at each output unit
    close(g2, ERROR_GRAD)
    at_h = affine2.bprop(h, a2, g2)  # 4. at each hidden unit
    close(
        at_h,
        [
            [-0.307771318585, -0.031120722868, 0.279002240419],
            [-0.087409969080, 0.179820660467, -0.255202102407],
        ],
    )
    g1 = sigmoid.bprop(a1, h, at_h)
    close(
        g1,
        [
            [-0.076178501955, -0.005831086095, 0.038994411079],
            [-0.020782503334, 0.042753973203, -0.055607260512],
        ],
    )
    dw2, db2 = affine2.grads_wrt_params(h, g2)  # 5. at the parameters
    dw1, db1 = affine1.grads_wrt_params(X, g1)
    close(dw2, DW2)
    close(dw1, DW1)
    close(db2, DB2)  # the slide's exercise
    close(db1, DB1)


def test_the_mean_over_a_batch_is_half_of_the_sum_over_two():
    a2 = Chain(edinburgh()).fprop(X)
    halved = CrossEntropySoftmaxError(average=True).grad(a2, TARGETS)
    assert halved.tolist() == (CrossEntropySoftmaxError().grad(a2, TARGETS) / 2).tolist()


def test_a_chain_keeps_what_comes_between_and_goes_back_the_same_way():
    chain = Chain(edinburgh())
    y = chain.fprop(X)
    error = CrossEntropySoftmaxError()
    dx = chain.bprop(error.grad(y, TARGETS))
    assert [a.shape for a in chain.activations] == [(2, 2), (2, 3), (2, 3), (2, 3)]
    assert [g.shape for g in chain.grads] == [a.shape for a in chain.activations]
    assert dx is chain.grads[0]
    for found, expected in zip(chain.grads_wrt_params, [DW1, DB1, DW2, DB2], strict=True):
        close(found, expected)
    assert [p.shape for p in chain.params] == [g.shape for g in chain.grads_wrt_params]
    before = error(y, TARGETS)
    for p, g in zip(chain.params, chain.grads_wrt_params):
        p[:] = p - 0.1 * g
    assert error(chain.fprop(X), TARGETS) < before


def test_the_penalised_gradients_of_the_summary():
    """RWTH, Summary: MLP Backpropagation, with λΩ = 0.01·(‖W1‖² + ‖W2‖²), for the first example."""
    chain, x, t = Chain(edinburgh()), X[:1], TARGETS[:1]
    y = chain.fprop(x)
    error = CrossEntropySoftmaxError()
    chain.bprop(error.grad(y, t))
    square = Gate(ops.mul)
    penalties, dpenalties = [], []
    for w in (chain.params[0], chain.params[2]):
        penalties.append(0.01 * square.forward(w, w).sum())
        dpenalties.append(sum(square.backward(np.full_like(w, 0.01))))
    close(error(y, t) + sum(penalties), 1.090814228124)
    close(
        chain.grads_wrt_params[2] + dpenalties[1],
        [
            [0.187264450539, 0.099670148906, 0.344718142374],
            [-0.288481444008, -0.162479867599, -0.551971216824],
            [0.103216993468, 0.068809718692, 0.211253074450],
        ],
    )
    close(
        chain.grads_wrt_params[0] + dpenalties[0],
        [
            [-0.074178501955, 0.156357003910],
            [-0.011831086095, 0.019662172190],
            [0.048994411079, -0.089988822157],
        ],
    )


def test_gradients_into_a_unit_have_one_sign_behind_sigmoids_and_any_behind_tanhs():
    """Edinburgh, tanh units: the first example's gradient at the weights of the first output."""
    first_rows = []
    for hidden in (SigmoidLayer(), TanhLayer()):
        affine1, _, affine2 = edinburgh()
        chain = Chain([affine1, hidden, affine2])
        y = chain.fprop(X[:1])
        chain.bprop(CrossEntropySoftmaxError().grad(y, TARGETS[:1]))
        first_rows.append(chain.grads_wrt_params[2][0])
    close(first_rows[0], [0.183264450539, 0.101670148906, 0.338718142374])
    close(first_rows[1], [-0.089787469161, -0.364152828975, 0.419273730936])


# Lund's network and its batch algorithm. ----------------------------------------------------------
LUND = [
    [[0.1 * (j + k) * (-1) ** (j + k) for k in (1, 2, 3)] for j in (1, 2, 3, 4)],
    [[0.1 * (j - k) for k in (1, 2, 3, 4)] for j in (1, 2, 3, 4)],
    [[0.4, -0.3, 0.2, -0.1]],
]
LUND_X, LUND_Y = [[1.0, -1.0, 0.5]], [[0.5]]


def test_the_batch_algorithm_on_lund_s_network():
    dw1, dw2, dw3 = batch_gradients(LUND, LUND_X, LUND_Y)
    close(dw3, [[-0.185630586233, -0.205582874880, -0.225626394002, -0.245400822620]])
    close(dw2[0], [-0.027752683257, -0.011583274121, -0.031920106563, -0.007891574045])
    assert dw1[0, 1] == pytest.approx(-0.000452264926, **TWELVE)
    # δ⁽²⁾ times x, which the slide's loop leaves out
    delta2 = [0.000452264926, 0.000825895772, 0.001098246326, 0.001268212118]
    close(dw1, np.outer(delta2, LUND_X[0]))


def test_modules_find_the_same_deltas():
    layers = [AffineLayer(LUND[0]), SigmoidLayer(), AffineLayer(LUND[1]), SigmoidLayer()]
    chain = Chain([*layers, AffineLayer(LUND[2])])
    y = chain.fprop(LUND_X)
    close(y, [[0.078718268831]])
    chain.bprop(y - LUND_Y)  # ŷ − y, where the slide prints y − ŷ
    _, z2, _, z3, _, z4 = chain.grads
    close(z4, [[-0.421281731169]])
    close(z3, [[-0.041534257903, 0.031577911671, -0.020957475687, 0.010245238862]])
    close(z2, [[0.000452264926, 0.000825895772, 0.001098246326, 0.001268212118]])


numbers = st.floats(-3.0, 3.0)


def matrices(rows, columns):
    return st.lists(
        st.lists(numbers, min_size=columns, max_size=columns), min_size=rows, max_size=rows
    )


@given(matrices(4, 3), matrices(2, 4), matrices(3, 3), matrices(3, 2))
def test_the_batch_algorithm_is_the_mean_of_the_gradients_of_the_values(w1, w2, xs, ys):
    found = batch_gradients([w1, w2], xs, ys, activation=ops.tanh)
    one, two = [[[Value(w) for w in row] for row in matrix] for matrix in (w1, w2)]
    errors = []
    for x, y in zip(xs, ys):
        hidden = [ops.tanh(ops.dot(row, x)) for row in one]
        outputs = [ops.dot(row, hidden) for row in two]
        errors.append(losses.squared_error(outputs, y, half=True))
    (ops.sum(errors) / len(errors)).backward()
    for matrix, of in zip((one, two), found):
        expected = [[w.grad for w in row] for row in matrix]
        assert of == pytest.approx(np.array(expected), rel=1e-12, abs=1e-12)


# The Values' gradients. ---------------------------------------------------------------------------
HIDDEN = {"sigmoid": SigmoidLayer, "tanh": TanhLayer, "relu": ReluLayer}


def modules_of(mlp):
    layers = []
    for i, layer in enumerate(mlp.layers):
        weights = [[w.data for w in n.w] for n in layer.neurons]
        layers.append(AffineLayer(weights, [n.b.data for n in layer.neurons]))
        if i < len(mlp.layers) - 1:
            layers.append(HIDDEN[layer.neurons[0].activation]())
    return Chain(layers)


@given(st.sampled_from(sorted(HIDDEN)), st.data())
def test_modules_give_the_gradients_of_the_values(activation, data):
    mlp = MLP(2, [3, 2, 3], activation=activation)
    for p in mlp.parameters():
        p.data = data.draw(numbers)
    xs = data.draw(matrices(2, 2))
    targets = data.draw(st.lists(st.sampled_from(range(3)), min_size=2, max_size=2))
    inputs = [[Value(x) for x in example] for example in xs]
    total = ops.sum([losses.cross_entropy(mlp(x), t) for x, t in zip(inputs, targets)])
    total.backward()
    chain, error = modules_of(mlp), CrossEntropySoftmaxError()
    y = chain.fprop(xs)
    dx = chain.bprop(error.grad(y, targets))
    assert error(y, targets) == pytest.approx(total.data, rel=1e-12, abs=1e-12)
    assert dx == pytest.approx(np.array([[x.grad for x in row] for row in inputs]), abs=1e-12)
    layers = iter(chain.grads_wrt_params)
    for layer in mlp.layers:
        weights = np.array([[w.grad for w in n.w] for n in layer.neurons])
        assert next(layers) == pytest.approx(weights, rel=1e-12, abs=1e-12)
        biases = np.array([n.b.grad for n in layer.neurons])
        assert next(layers) == pytest.approx(biases, rel=1e-12, abs=1e-12)


@given(matrices(2, 4), matrices(2, 4))
def test_a_softmax_layer_gives_the_gradients_of_the_values(xs, seeds):
    layer = SoftmaxLayer()
    outputs = layer.fprop(xs)
    found = layer.bprop(xs, outputs, seeds)
    for example, probabilities, upstream, gradient in zip(xs, outputs, seeds, found):
        leaves = [Value(x) for x in example]
        outs = ops.softmax(leaves)
        assert [out.data for out in outs] == probabilities.tolist()
        ops.dot(upstream, outs).backward()
        expected = [leaf.grad for leaf in leaves]
        assert gradient.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(matrices(2, 3), matrices(2, 3))
def test_a_softmax_layer_before_the_logarithm_gives_the_error_s_gradient(xs, ts):
    """Through y: at it −t/y, at the inputs y − t again."""
    shares = np.exp(np.array(ts))
    shares /= shares.sum(axis=1, keepdims=True)
    layer, log = SoftmaxLayer(), Gate(ops.log_row)
    y = layer.fprop(xs)
    log.forward(y)
    [at_y] = log.backward(-shares)
    found = layer.bprop(xs, y, at_y)
    error = CrossEntropySoftmaxError()
    assert found == pytest.approx(error.grad(xs, shares), rel=1e-9, abs=1e-13)
    assert found == pytest.approx(y - shares, rel=1e-9, abs=1e-13)


def test_confident_outputs_keep_their_digits():
    error = CrossEntropySoftmaxError()
    assert error([[1000.0, 0.0]], [1]) == 1000.0
    assert error.grad([[1000.0, 0.0]], [1]).tolist() == [[1.0, -1.0]]
    close(
        SoftmaxLayer().fprop([[1000.0, 1001.0, 1002.0]]),
        [[0.090030573170, 0.244728471055, 0.665240955775]],
    )


def test_a_switch_that_is_off_passes_nothing_at_all():
    layer = ReluLayer()
    assert layer.bprop([[-1.0]], [[0.0]], [[math.inf]]).tolist() == [[0.0]]


def test_modules_work_while_nothing_is_recorded():
    with no_grad():
        found = CrossEntropySoftmaxError().grad([[1.0, 2.0]], [0])
    assert found.tolist() == CrossEntropySoftmaxError().grad([[1.0, 2.0]], [0]).tolist()


def test_an_affine_layer_has_copies_of_its_own_and_may_lack_biases():
    weights = np.ones((1, 2))
    layer = AffineLayer(weights)
    layer.params[0][:] = 3.0
    assert weights.tolist() == [[1.0, 1.0]]
    assert layer.fprop([[1, 2]]).tolist() == [[9.0]]
    assert [g.tolist() for g in layer.grads_wrt_params([[1, 2]], [[1.0]])] == [[[1.0, 2.0]]]
    assert repr(Chain([layer, TanhLayer()])) == (
        "Chain([<AffineLayer of 2 inputs, 1 outputs, without biases>, TanhLayer(tanh)])"
    )


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: Gate(math.sin), TypeError, "a row of the table, such as ops.sigmoid"),
        (lambda: ElementwiseLayer(ops.mul), TypeError, "mul is not"),
        (lambda: AddGate().backward(1.0), ValueError, "call forward before backward"),
        (lambda: AddGate().forward(1.0), ValueError, "takes the inputs x, y, not 1 of them"),
        (lambda: AddGate().forward([1.0], [1.0, 2.0]), ValueError, "np.broadcast_arrays"),
        (lambda: AddGate().forward(Value(1.0), 2.0), TypeError, "take their .data"),
        (lambda: AddGate().forward(1j, 2.0), TypeError, "real numbers, not complex128"),
        (lambda: AffineLayer([1.0, 2.0]), ValueError, "(outputs, inputs), not (2,)"),
        (lambda: AffineLayer([[1.0], [2.0, 3.0]]), ValueError, "rows of one length"),
        (lambda: AffineLayer([[1.0, 2.0]], 0.5), ValueError, "one for each row of weights"),
        (lambda: AffineLayer([[1.0, 2.0]]).fprop([1.0, 2.0]), ValueError, "a batch of one, [x]"),
        (
            lambda: AffineLayer([[1.0]]).bprop([[1.0]], [[1.0]], [[1.0, 2.0]]),
            ValueError,
            "grads_wrt_outputs must have the shape (1, 1), not (1, 2)",
        ),
        (
            lambda: TanhLayer().bprop([[1.0]], [[1.0, 2.0]], [[1.0]]),
            ValueError,
            "outputs must have the shape (1, 1)",
        ),
        (lambda: SoftmaxLayer().fprop([[1.0]]), ValueError, "two classes or more"),
        (lambda: CrossEntropySoftmaxError("mean"), TypeError, "True or False"),
        (
            lambda: CrossEntropySoftmaxError()([[1.0, 2.0]], [2]),
            ValueError,
            "numbers of classes, from 0 to 1",
        ),
        (
            lambda: CrossEntropySoftmaxError()([[1.0, 2.0]], [[0.5, 0.6]]),
            ValueError,
            "add up to 1",
        ),
        (lambda: Chain([]), ValueError, "a layer at least"),
        (lambda: Chain([TanhLayer]), TypeError, "layers with fprop and bprop"),
        (lambda: Chain([TanhLayer()]).bprop([[1.0]]), ValueError, "call fprop before bprop"),
        (lambda: batch_gradients([], [[1.0]], [[1.0]]), ValueError, "W₁"),
        (
            lambda: batch_gradients([[[1.0]], [[1.0, 2.0]]], [[1.0]], [[1.0]]),
            ValueError,
            "takes 2 inputs, but layer 2 has 1 units",
        ),
        (
            lambda: batch_gradients([[[1.0]]], [[1.0]], [1.0]),
            ValueError,
            "targets must have the shape (1, 1)",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_meant(call, error, said):
    with pytest.raises(error, match=re.escape(said)):
        call()


def test_models_need_no_numpy_and_modules_come_when_they_are_asked_for():
    code = (
        "import sys; import micrograd_plus.nn as nn; before = 'numpy' in sys.modules; "
        "print(before, nn.modular.__name__, 'numpy' in sys.modules)"
    )
    root = Path(__file__).parent.parent.parent
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert found.stdout.split() == ["False", "micrograd_plus.nn.modular", "True"]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nn.nothing  # asking is the test
