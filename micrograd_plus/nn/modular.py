"""Backpropagation as the lectures write it: gates with forward and backward, layers with fprop and
bprop, on NumPy arrays.

What a Value does unseen is spelled out here: a module computes its outputs from its inputs, and the
gradient at its inputs from that at its outputs. The names are those of Sharif (slides 73-77), RWTH
(Modular Implementation) and Edinburgh (Training MLPs). No rule is written here: each local
derivative is the row's own, so the gradients are those of the Values, a sum over units or examples
apart, which NumPy adds in an order of its own. Gates are Python called for each element: made for
reading, not for speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..checks import require_unmasked
from ..engine import Value, adjoints, nodes_below
from ..modes import switched
from ..options import yes_or_no

Floats = NDArray[np.float64]

__all__ = [
    "AddGate",
    "AffineLayer",
    "Chain",
    "CrossEntropySoftmaxError",
    "ElementwiseLayer",
    "Gate",
    "MaxGate",
    "MultiplyGate",
    "ReluLayer",
    "SigmoidLayer",
    "SoftmaxLayer",
    "TanhLayer",
    "batch_gradients",
]


# Gates. -------------------------------------------------------------------------------------------
class Gate:
    """One row of the table as a gate that keeps its inputs for the way back (Sharif, slides 73-75
    and 100).

    Inputs are numbers, or arrays of one shape, of which each element passes alone. Raises TypeError
    for what is no row and for what is no real number.

    >>> gate = Gate(ops.mul)
    >>> gate.forward(3, -4), gate.backward(1)
    (-12.0, [-4.0, 3.0])
    """

    def __init__(self, row: Any) -> None:
        self.row = _known_row(row, "a Gate")
        self.inputs: list[Floats] = []
        self.outputs: Floats | None = None

    def forward(self, *inputs: Any) -> Any:
        """The output, a number or an array of the inputs' shape; raises ValueError for another
        number of inputs than the row has, and for shapes that differ.
        """
        arrays = [_reals(x, f"the inputs of the {self.row.name} gate") for x in inputs]
        if not self.row.takes(len(arrays)):
            operands = ", ".join(self.row.operands)
            raise ValueError(
                f"the {self.row.name} gate takes the inputs {operands}, not {len(arrays)} of them"
            )
        self.outputs = _values(self.row, arrays)
        self.inputs = arrays
        return _plain(self.outputs)

    def backward(self, grads_wrt_outputs: Any) -> list[Any]:
        """The gradient at each input, upstream × local, given the upstream gradient at the output.

        Raises ValueError before any `forward`, and for another shape than the output's.
        """
        if self.outputs is None:
            raise ValueError(
                f"the {self.row.name} gate has no inputs yet: call forward before backward"
            )
        grads = _like(grads_wrt_outputs, self.outputs, "the gradient at the output")
        return [_plain(g) for g in _contributions(self.row, self.outputs, self.inputs, grads)]

    def __repr__(self) -> str:
        return f"Gate({self.row.name})"


class AddGate(Gate):
    """x + y: it distributes the gradient to both (Sharif, slide 69)."""

    def __init__(self) -> None:
        super().__init__(ops.add)


class MultiplyGate(Gate):
    """x · y: it switches, each input gets the gradient times the other (Sharif, slides 69 and
    74-75).
    """

    def __init__(self) -> None:
        super().__init__(ops.mul)


class MaxGate(Gate):
    """max(x, y): it routes the gradient to the larger (Sharif, slide 69); of equals each gets its
    share.
    """

    def __init__(self) -> None:
        super().__init__(ops.maximum)


# Layers. ------------------------------------------------------------------------------------------
class ElementwiseLayer:
    """A row of one operand applied to each element, as an activation is (RWTH, Nonlinearities).

    Like every layer here it takes a batch, an array of shape (examples, units). Raises TypeError
    for what is no such row.
    """

    params: tuple[Floats, ...] = ()

    def __init__(self, row: Any) -> None:
        self.row = _known_row(row, "an ElementwiseLayer", operands=1)

    def fprop(self, inputs: Any) -> Floats:
        """The outputs for the inputs, of the same shape."""
        return _values(self.row, [_reals(inputs, "inputs")])

    def bprop(self, inputs: Any, outputs: Any, grads_wrt_outputs: Any) -> Floats:
        """The gradient at the inputs: that at the outputs times the row's slope.

        `outputs` is what `fprop` gave for these inputs. Raises ValueError for shapes that differ.
        """
        given = _reals(inputs, "inputs")
        outs = _like(outputs, given, "outputs")
        grads = _like(grads_wrt_outputs, given, "grads_wrt_outputs")
        [found] = _contributions(self.row, outs, [given], grads)
        return found

    def grads_wrt_params(self, inputs: Any, grads_wrt_outputs: Any) -> list[Floats]:
        """[], for there are no parameters."""
        return []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.row.name})"


class SigmoidLayer(ElementwiseLayer):
    """1 / (1 + e⁻ˣ) of each element; its bprop multiplies by h(1 − h) (Edinburgh; Sharif, slides
    76-77).
    """

    def __init__(self) -> None:
        super().__init__(ops.sigmoid)


class TanhLayer(ElementwiseLayer):
    """tanh x of each element; its bprop multiplies by 1 − h² (Edinburgh, tanh)."""

    def __init__(self) -> None:
        super().__init__(ops.tanh)


class ReluLayer(ElementwiseLayer):
    """max(0, x) of each element; its bprop lets pass what had x > 0 (Edinburgh, ReLU)."""

    def __init__(self) -> None:
        super().__init__(ops.relu)


class AffineLayer:
    """y = x Wᵀ + b for each example x of a batch, the total inputs of a layer (Edinburgh).

    `weights` has the shape (outputs, inputs), `biases` (outputs,); without biases there are none.
    The layer's own copies of them are `params`, which an update may change in place. Raises
    ValueError for other shapes, TypeError for what is no real number.
    """

    def __init__(self, weights: Any, biases: Any = None) -> None:
        self.weights = _reals(weights, "weights").copy()
        if self.weights.ndim != 2 or not self.weights.size:
            raise ValueError(
                f"weights have the shape (outputs, inputs), not {self.weights.shape}: one row for "
                "each unit"
            )
        units = len(self.weights)
        self.biases = None if biases is None else _reals(biases, "biases").copy()
        if self.biases is not None and self.biases.shape != (units,):
            raise ValueError(
                f"biases have the shape ({units},), one for each row of weights, not "
                f"{self.biases.shape}"
            )

    @property
    def params(self) -> tuple[Floats, ...]:
        """The weights, and the biases where there are some."""
        return (self.weights,) if self.biases is None else (self.weights, self.biases)

    def fprop(self, inputs: Any) -> Floats:
        """The outputs, of shape (examples, outputs), for inputs of shape (examples, inputs)."""
        totals: Floats = self._batch(inputs) @ self.weights.T
        return totals if self.biases is None else totals + self.biases

    def bprop(self, inputs: Any, outputs: Any, grads_wrt_outputs: Any) -> Floats:
        """The gradient at the inputs: Σ over the units c of grads_c · w_ci.

        Raises ValueError for other shapes than those of `fprop`.
        """
        batch = self._batch(inputs)
        grads = self._grads(batch, grads_wrt_outputs)
        of_inputs = self._slopes(batch)[1 + batch.shape[1] :]  # each is a column of weights
        return np.stack([grads @ slope for slope in of_inputs], axis=1)

    def grads_wrt_params(self, inputs: Any, grads_wrt_outputs: Any) -> list[Floats]:
        """[dE/dW, dE/db], summed over the examples of the batch: grads_k · x_i for each weight, and
        grads_k for each bias, which is the weight of an input that is always 1.

        Raises ValueError for other shapes than those of `fprop`.
        """
        batch = self._batch(inputs)
        grads = self._grads(batch, grads_wrt_outputs)
        of_bias, *others = self._slopes(batch)
        of_weights = others[: batch.shape[1]]  # each is a column of inputs
        found = [np.stack([slope @ grads for slope in of_weights], axis=1)]
        if self.biases is not None:
            found.append((grads * of_bias).sum(axis=0))
        return found

    def _slopes(self, batch: Floats) -> Sequence[Any]:
        """The local derivatives of a weighted sum: in its bias, its weights and its inputs.

        The row only hands partners over, so that it may be given whole columns: the examples of an
        input, and the units of a weight.
        """
        return ops.dot_row.slopes(None, 0.0, *self.weights.T, *batch.T)

    def _batch(self, inputs: Any) -> Floats:
        batch = _reals(inputs, "inputs")
        width = self.weights.shape[1]
        if batch.ndim != 2 or batch.shape[1] != width:
            raise ValueError(
                f"inputs have the shape (examples, {width}), not {batch.shape}: a single example "
                "is a batch of one, [x]"
            )
        return batch

    def _grads(self, batch: Floats, grads_wrt_outputs: Any) -> Floats:
        shape = len(batch), len(self.weights)
        return _of_shape(grads_wrt_outputs, shape, "grads_wrt_outputs")

    def __repr__(self) -> str:
        units, inputs = self.weights.shape
        without = ", without biases" if self.biases is None else ""
        return f"<AffineLayer of {inputs} inputs, {units} outputs{without}>"


class SoftmaxLayer:
    """exp(x_k) / Σ exp(x_j) over the units of each example (Edinburgh, Recap; RWTH, Implementing
    Softmax Correctly).

    Before a `CrossEntropySoftmaxError` it is left out, as in Edinburgh's course: that takes the
    total inputs, and its gradient is at these.
    """

    params: tuple[Floats, ...] = ()

    def fprop(self, inputs: Any) -> Floats:
        """The probabilities of each example; raises ValueError for less than two units."""
        rows = [ops.softmax(example) for example in _scores(inputs, "inputs").tolist()]
        return np.array(rows)

    def bprop(self, inputs: Any, outputs: Any, grads_wrt_outputs: Any) -> Floats:
        """The gradient at the inputs, by a sweep over the graph of each example.

        `outputs` is what `fprop` gave for these inputs. Raises ValueError for shapes that differ.
        """
        given = _scores(inputs, "inputs")
        _like(outputs, given, "outputs")
        grads = _like(grads_wrt_outputs, given, "grads_wrt_outputs")
        return _swept(ops.softmax, given, grads)

    def grads_wrt_params(self, inputs: Any, grads_wrt_outputs: Any) -> list[Floats]:
        """[], for there are no parameters."""
        return []

    def __repr__(self) -> str:
        return "SoftmaxLayer()"


# The error. ---------------------------------------------------------------------------------------
class CrossEntropySoftmaxError:
    """−Σ t_k ln y_k, where y is the softmax of the outputs, summed over the examples of a batch
    (Edinburgh, Error function).

    Its gradient at the outputs is y − t for each example, as on the slides. With `average` both are
    divided by the number of examples, as in the course's labs. Raises TypeError when `average` is
    neither True nor False.
    """

    def __init__(self, average: bool = False) -> None:
        self.average = yes_or_no(average, "average, whether the error is the mean over the batch,")

    def __call__(self, outputs: Any, targets: Any) -> float:
        """The error of a batch: `outputs` are total inputs of shape (examples, classes), `targets`
        probabilities of that shape, mostly 0 and 1, or the number of each example's class.

        Raises ValueError for other shapes, and for targets that are no probabilities.
        """
        scores = _scores(outputs, "outputs")
        shares = _shares(targets, scores)
        pairs = zip(scores.tolist(), shares.tolist())
        total: float = ops.sum([surprise for z, t in pairs for surprise in _surprise(z, t)])
        return total / len(scores) if self.average else total

    def grad(self, outputs: Any, targets: Any) -> Floats:
        """The gradient at the outputs, of their shape: y − t; raises ValueError as a call does."""
        scores = _scores(outputs, "outputs")
        shares = _shares(targets, scores)
        found = _swept(_surprise, scores, np.ones((len(scores), 1)), shares)
        return found / len(scores) if self.average else found

    def __repr__(self) -> str:
        return f"CrossEntropySoftmaxError(average={self.average})"


def _surprise(outputs: Sequence[Any], targets: Sequence[float]) -> list[Any]:
    """The error of one example, in a list: ln y_k is z_k − ln Σ exp z_j, and never that of 0."""
    total = ops.logsumexp(outputs)
    return [ops.dot(targets, [total - z for z in outputs])]


# Modules together. --------------------------------------------------------------------------------
class Chain:
    """Modules one after another: y = chain.fprop(x) keeps what comes between, and
    dE/dx = chain.bprop(dE/dy) takes the same way back (RWTH, Modular Implementation).

    `activations` are then the inputs and the outputs of each layer, `grads` the gradients at these,
    and `grads_wrt_params` those at `params`, in their order. Raises ValueError for no layers, and
    TypeError for what has no fprop and bprop.

    >>> chain = Chain([AffineLayer([[2.0, -1.0]], [0.5]), TanhLayer()])
    >>> chain.fprop([[1.0, 2.5]]), chain.bprop([[1.0]])
    (array([[0.]]), array([[ 2., -1.]]))
    >>> chain.grads_wrt_params
    [array([[1. , 2.5]]), array([1.])]
    """

    def __init__(self, layers: Iterable[Any]) -> None:
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("a Chain needs a layer at least")
        for layer in self.layers:
            if isinstance(layer, type) or not hasattr(layer, "fprop"):
                raise TypeError(
                    "a Chain takes layers with fprop and bprop, such as AffineLayer(weights) and "
                    f"SigmoidLayer(), not {layer!r}"
                )
        self.activations: list[Floats] = []
        self.grads: list[Floats] = []
        self.grads_wrt_params: list[Floats] = []

    @property
    def params(self) -> list[Floats]:
        """The parameters of all layers, from the first on; an update may change them in place."""
        return [p for layer in self.layers for p in layer.params]

    def fprop(self, inputs: Any) -> Floats:
        """The outputs of the last layer for a batch of inputs, of shape (examples, inputs)."""
        self.activations = [_reals(inputs, "inputs")]
        self.grads, self.grads_wrt_params = [], []
        for layer in self.layers:
            self.activations.append(layer.fprop(self.activations[-1]))
        return self.activations[-1]

    def bprop(self, grads_wrt_outputs: Any) -> Floats:
        """The gradient at the inputs, from that at the outputs of the latest `fprop`.

        Raises ValueError before any `fprop`, and for another shape than the outputs'.
        """
        if not self.activations:
            raise ValueError("nothing has gone through this chain: call fprop before bprop")
        grads = [_like(grads_wrt_outputs, self.activations[-1], "grads_wrt_outputs")]
        of_params: list[Floats] = []
        for layer, (inputs, outputs) in zip(
            reversed(self.layers), reversed([*pairwise(self.activations)])
        ):
            of_params[:0] = layer.grads_wrt_params(inputs, grads[0])
            grads.insert(0, layer.bprop(inputs, outputs, grads[0]))
        self.grads, self.grads_wrt_params = grads, of_params
        return grads[0]

    def __repr__(self) -> str:
        return f"Chain({self.layers!r})"


def batch_gradients(
    weights: Sequence[Any], inputs: Any, targets: Any, activation: Any = ops.sigmoid
) -> list[Floats]:
    """dW for one update over a batch, Lund's Backpropagation-Algorithm (vectorized) line by line:
    W ← W − α·dW is left to the caller.

    `weights` are the matrices W₁ ... of a network without biases, whose hidden units have the row
    `activation` and whose outputs are linear; `inputs` has the shape (examples, inputs), `targets`
    (examples, outputs). The error is ½‖a⁽ᴸ⁾ − y‖², its mean over the batch.

    The slide's loop ends at j = L − 2, and so it never fills Δ⁽¹⁾ and W₁ would not learn: here
    Δ⁽¹⁾ is added up, too. It runs over N and divides by m; both are the size of the batch. Raises
    ValueError for shapes that do not fit, TypeError for what is no row of one operand.
    """
    row = _known_row(activation, "batch_gradients", operands=1)
    layers = [AffineLayer(w) for w in weights]
    if not layers:
        raise ValueError("batch_gradients takes the weights of a layer at least, W₁")
    xs, m = layers[0]._batch(inputs), len(inputs)  # noqa: SLF001  # it knows its own width
    ys = _of_shape(targets, (m, len(layers[-1].weights)), "targets")
    L = len(weights) + 1  # noqa: N806  # the slide's names, whose layers count from 1
    W = dict(enumerate([layer.weights for layer in layers], 1))  # noqa: N806
    Delta = {j: np.zeros_like(W[j]) for j in W}  # noqa: N806
    for s in range(m):
        z: dict[int, Floats] = {}
        a = {1: xs[s]}
        for j in range(1, L):
            z[j + 1] = _product(W[j], a[j], j)
            a[j + 1] = _values(row, [z[j + 1]]) if j + 1 < L else z[j + 1]
        delta = {L: a[L] - ys[s]}
        for j in range(1, L - 1):
            through_weights = W[L - j].T @ delta[L - j + 1]
            # times a(1 − a) on the slide, which is the sigmoid's slope
            [delta[L - j]] = _contributions(row, a[L - j], [z[L - j]], through_weights)
            Delta[L - j] += np.outer(delta[L - j + 1], a[L - j])
        Delta[1] += np.outer(delta[2], a[1])
    return [Delta[j] / m for j in W]


def _product(weights: Floats, activations: Floats, j: int) -> Floats:
    if weights.shape[1] != len(activations):
        raise ValueError(
            f"the weights of layer {j} have the shape {weights.shape}, which takes "
            f"{weights.shape[1]} inputs, but layer {j} has {len(activations)} units"
        )
    found: Floats = weights @ activations
    return found


# Rows on arrays, element by element. --------------------------------------------------------------
def _values(row: ops.Primitive, inputs: Sequence[Floats]) -> Floats:
    """What the row gives for each element of arrays of one shape."""
    shape = _shape_of(inputs)
    return np.array([row.primal(*point) for point in _points(inputs)], np.float64).reshape(shape)


def _contributions(
    row: ops.Primitive, outputs: Floats, inputs: Sequence[Floats], grads: Floats
) -> list[Floats]:
    """Upstream × local for each input; 0 where a switch is off or no gradient passes at all."""
    shape = _shape_of(inputs)
    found = []
    for upstream, out, *point in _points([grads, outputs, *inputs]):
        found.append([_passed(row, upstream, slope) for slope in row.slopes(out, *point)])
    by_input = np.array(found, np.float64).reshape(-1, len(inputs)).T
    return [contributions.reshape(shape) for contributions in by_input]


def _passed(row: ops.Primitive, upstream: float, slope: float | None) -> float:
    if slope is None or (row.gate == "routes" and slope == 0.0):
        return 0.0  # not even 0 · inf
    return upstream * slope


def _points(arrays: Sequence[Floats]) -> Iterable[tuple[float, ...]]:
    return zip(*[array.ravel().tolist() for array in arrays])


def _swept(
    function: Callable[..., list[Any]], inputs: Floats, grads: Floats, *constants: Floats
) -> Floats:
    """The gradient at the inputs of a function of each example, and of its constants, from that at
    its outputs.
    """
    found = np.empty_like(inputs)
    examples = zip(inputs.tolist(), grads.tolist(), *[c.tolist() for c in constants])
    for i, (example, seeds, *others) in enumerate(examples):
        with switched(recording=True):
            leaves = [Value(x) for x in example]
            outs = function(leaves, *others)
        adjoint = adjoints(nodes_below(*outs), dict(zip(outs, seeds)))
        found[i] = [adjoint.get(leaf, 0.0) for leaf in leaves]
    return found


# What is given. -----------------------------------------------------------------------------------
def _known_row(given: Any, user: str, operands: int | None = None) -> ops.Primitive:
    if not isinstance(given, ops.Primitive):
        raise TypeError(
            f"{user} takes a row of the table, such as ops.sigmoid, whose derivative is known, not "
            f"{given!r}"
        )
    if operands is not None and given.arity != operands:
        raise TypeError(f"{user} takes a row of {operands} operand, which {given.name} is not")
    return given


def _reals(numbers: Any, what: str) -> Floats:
    """An array of real numbers; of Values it asks for the data."""
    require_unmasked(numbers, what)
    try:
        found = np.asarray(numbers)
    except ValueError:
        raise ValueError(f"{what} must be rows of one length") from None
    if found.dtype.kind not in "biuf":
        raise TypeError(
            f"{what} must be real numbers, not {found.dtype.name}: of Values take their .data"
        )
    reals: Floats = found.astype(np.float64, copy=False)
    return reals


def _plain(array: Floats) -> Any:
    """A number for an array without axes."""
    return array if array.ndim else array.item()


def _shape_of(inputs: Sequence[Floats]) -> tuple[int, ...]:
    shapes = [array.shape for array in inputs]
    if len(set(shapes)) > 1:
        listed = ", ".join(map(str, shapes))
        raise ValueError(
            f"a gate works element by element, on inputs of one shape, not of {listed}: "
            "np.broadcast_arrays makes them so"
        )
    return shapes[0]


def _of_shape(numbers: Any, shape: tuple[int, ...], what: str) -> Floats:
    found = _reals(numbers, what)
    if found.shape != shape:
        raise ValueError(f"{what} must have the shape {shape}, not {found.shape}")
    return found


def _like(numbers: Any, other: Floats, what: str) -> Floats:
    return _of_shape(numbers, other.shape, what)


def _scores(numbers: Any, what: str) -> Floats:
    found = _reals(numbers, what)
    if found.ndim != 2 or not len(found) or found.shape[1] < 2:
        raise ValueError(
            f"{what} must have the shape (examples, classes), with two classes or more, not "
            f"{found.shape}"
        )
    return found


def _shares(targets: Any, scores: Floats) -> Floats:
    """The probability of each class in each example."""
    given = _reals(targets, "targets")
    count = scores.shape[1]
    if given.shape == scores.shape[:1]:
        if not np.isin(given, np.arange(count)).all():
            raise ValueError(
                f"targets are the numbers of classes, from 0 to {count - 1}, not {targets!r}"
            )
        one_hot: Floats = np.eye(count)[given.astype(int)]
        return one_hot
    shares = _like(given, scores, "targets")
    if (shares < 0.0).any() or not np.allclose(shares.sum(axis=1), 1.0, rtol=0.0, atol=1e-6):
        raise ValueError("targets are probabilities, which add up to 1 in each example")
    return shares
