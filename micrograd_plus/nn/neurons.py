"""Neurons and layers: micrograd's, with named activations and initialisations.

A neuron's total input is one `dot` gate, which costs a sweep far less than the chain of products
and sums it stands for and adds in the same order. Weights are drawn in micrograd's order, so a
seeded script gives the same numbers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Never, Protocol

from .. import ops
from ..engine import Operand, Value, record
from ..options import one_of, whole_number, yes_or_no
from .modules import Module, inputs_of, misfit, named


class Generator(Protocol):
    """What an `rng` must offer: `random.Random` does, and so does the module `random`.

    A generator of NumPy will do, too, where nothing more is drawn than `uniform` numbers.
    """

    def uniform(self, a: float, b: float) -> float:
        """A number drawn evenly from [a, b]."""

    def gauss(self, mu: float, sigma: float) -> float:
        """A number drawn from the normal distribution."""


def generator_of(rng: Any, draw: str = "uniform") -> Any:
    """What draws numbers: `rng`, or the module `random`; TypeError for what cannot draw so."""
    if rng is None:
        return random
    if not hasattr(rng, draw):
        raise TypeError(
            f"rng is a generator with {draw}(a, b), as random.Random(0) has, not {rng!r}"
        )
    return rng


def _he(nin: int, _nout: int, rng: Generator) -> float:
    drawn: float = generator_of(rng, "gauss").gauss(0.0, math.sqrt(2.0 / nin))
    return drawn


def _xavier(nin: int, nout: int, rng: Generator) -> float:
    reach = math.sqrt(6.0 / (nin + nout))
    return rng.uniform(-reach, reach)


# From the number of inputs, the number of neurons in the layer and a generator: one weight.
INITIALISATIONS: dict[str, Callable[[int, int, Generator], float]] = {
    "uniform": lambda _nin, _nout, rng: rng.uniform(-1, 1),
    "he": _he,  # He et al. 2015, eq. 10: ReLUs keep the variance
    # Glorot & Bengio 2010, eq. 16: between keeping the variance of outputs and that of gradients
    "xavier": _xavier,
    # for a single layer; the units of a hidden one would stay alike for ever
    "zero": lambda _nin, _nout, _rng: 0.0,
}


def linear(x: Any) -> Any:
    """The identity: an activation that leaves the total input as it is."""
    return x


def threshold(x: Any) -> Any:
    """1 from 0 on, 0 below: the binary threshold unit of McCulloch & Pitts 1943 (Sharif, slide 9),
    without derivative.
    """
    return ops.less_equal(0.0, x)


def activations() -> dict[str, Callable[[Any], Any]]:
    """The activations by name: every row of the table with one operand and a derivative,
    leaky_relu, and linear.

    Neurons know two more: "threshold", which has no derivative, and "maxout", which takes several
    total inputs.
    """
    unary = {row.name: row for row in ops.primitives() if row.arity == 1 and row.gate != "blocks"}
    return {**unary, "leaky_relu": ops.leaky_relu, "linear": linear}


def function_called(activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The activation of a neuron by its name, or the function that it is."""
    if callable(activation):
        return activation
    if activation is None:
        raise TypeError(
            'activation is a name or a function of a Value, not None: "linear" leaves it out'
        )
    known = {**activations(), "threshold": threshold, "maxout": linear}
    return known[one_of(activation, "activation", known)]


def without_bias(is_without: bool) -> dict[str, bool]:
    """What an architecture says of a model without biases; of others it never said anything."""
    return {"bias": False} if is_without else {}


class Neuron(Module):
    """activation(w·x + b), or w·x + b when not `nonlin`.

    `activation` is a name from `activations()`, "threshold", "maxout" or a function of a Value;
    `init` is "uniform" (on [-1, 1], as micrograd), "he", "xavier" (in a layer of `nout` neurons) or
    "zero"; `rng` draws the weights, by default the module `random`. The bias starts at 0; without
    `bias` there is none, b is None, and the total input is w·x (Stone; Lund). Raises TypeError for
    options of another kind, as an activation's name for `nonlin`, and when called with a batch;
    ValueError for a name that does not exist, for nin < 1, and when called with a number of inputs
    that is not nin.

    A maxout neuron gives the largest of `pieces` total inputs, each with weights and a bias of its
    own (Goodfellow et al. 2013): w and b are those of the first, and the others are the neurons
    `more`.
    """

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        activation: str | Callable[[Any], Any] = "relu",
        init: str = "uniform",
        rng: Generator | None = None,
        nout: int = 1,
        pieces: int = 2,
        bias: bool = True,
    ) -> None:
        nin = whole_number(nin, "nin, the number of inputs of a neuron,")
        nout = whole_number(nout, "nout, the number of neurons in a layer,")
        pieces = whole_number(pieces, "pieces, the total inputs of a maxout neuron,", least=2)
        given: Any = nonlin
        is_activation = isinstance(given, str) or callable(given)
        advice = (
            f": the activation is another option, activation={given!r}" if is_activation else ""
        )
        nonlin = yes_or_no(nonlin, "nonlin, whether a neuron has an activation,", advice)
        bias = yes_or_no(bias, "bias, whether a neuron has one,")
        function = function_called(activation)
        draw = INITIALISATIONS[one_of(init, "initialisation", INITIALISATIONS)]
        source = generator_of(rng)
        self.w = [Value(draw(nin, nout, source)) for _ in range(nin)]
        # Any, so that whoever knows that there is a bias need not tell a type checker
        self.b: Any = Value(0) if bias else None
        others = pieces - 1 if nonlin and activation == "maxout" else 0
        self.more = [
            Neuron(nin, nonlin=False, init=init, rng=rng, nout=nout, bias=bias)
            for _ in range(others)
        ]
        self._activation, self._activate, self.nonlin = activation, function, nonlin

    @property
    def activation(self) -> str | Callable[[Any], Any]:
        """The activation, "linear" when not `nonlin`; it may be set, not from or to "maxout"."""
        return self._activation if self.nonlin else "linear"

    @activation.setter
    def activation(self, activation: str | Callable[[Any], Any]) -> None:
        function = function_called(activation)
        if self.more or activation == "maxout":
            raise ValueError(
                f"{self!r} cannot become one with the activation {activation!r}: a "
                "maxout neuron has weights that others have not, so make a new one"
            )
        self._activation, self._activate, self.nonlin = activation, function, True

    def __call__(self, x: Sequence[Operand], *others: Never) -> Value:
        """The neuron's output for `nin` numbers or Values, all in one list."""
        if type(x) is not list or others:
            x = inputs_of(self, x, others)
        if len(x) != len(self.w):
            raise misfit(self, len(self.w), x)
        bias = 0.0 if self.b is None else self.b
        try:
            total = record(ops.dot_row, (bias, *self.w, *x))
        except TypeError as error:
            raise misfit(self, len(self.w), x, error) from None
        if not self.nonlin:
            return total
        if isinstance(self._activate, ops.Primitive):
            return record(self._activate, (total,))
        if self.more:
            return record(ops.maximum, (total, *[piece(x) for piece in self.more]))
        out: Value = self._activate(total)
        return out

    def parameters(self) -> list[Value]:
        found = list(self.w)
        if self.b is not None:
            found.append(self.b)
        for piece in self.more:
            found += piece.parameters()
        return found

    def named_parameters(self) -> dict[str, list[Value]]:
        biases = {} if self.b is None else {"b": [self.b]}
        return {"w": self.w, **biases, **named("more", self.more)}

    def architecture(self) -> dict[str, Any]:
        more = {"pieces": 1 + len(self.more)} if self.more else {}
        return {
            **super().architecture(),
            "inputs": len(self.w),
            "activation": self._activation_name,
            **more,
            **without_bias(self.b is None),
        }

    @property
    def _activation_name(self) -> str:
        if isinstance(self.activation, str):
            return self.activation
        return getattr(self.activation, "__name__", "custom")

    def __repr__(self) -> str:
        name = self._activation_name
        # micrograd's ReLUNeuron and LinearNeuron
        kind = "ReLU" if name == "relu" else name[:1].upper() + name[1:]
        return f"{kind}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons that see the same `nin` inputs; a layer of one gives its Value, not a list."""

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        nout = whole_number(nout, "nout, the number of neurons in a layer,")
        self.neurons = [Neuron(nin, nout=nout, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Operand], *others: Never) -> Any:
        """The outputs of the neurons, in order."""
        if type(x) is not list or others:
            x = inputs_of(self, x, others)
        out = [n(x) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        found: list[Value] = []
        for neuron in self.neurons:
            found += neuron.parameters()
        return found

    def named_parameters(self) -> dict[str, list[Value]]:
        return named("neurons", self.neurons)

    def architecture(self) -> dict[str, Any]:
        neurons = [n.architecture() for n in self.neurons]
        alike = len(neurons) > 1 and all(n == neurons[0] for n in neurons)
        return {
            **super().architecture(),
            "neurons": len(neurons),
            "each": neurons[:1] if alike else neurons,
        }

    def __repr__(self) -> str:
        options = options_of(self)
        if options is None:
            return f"{type(self).__name__} of [{', '.join(map(str, self.neurons))}]"
        return in_short(self, (len(self.neurons[0].w), len(self.neurons)), options)


def options_of(layer: Any) -> dict[str, Any] | None:
    """The options of a layer that are not as they come;
    None where its neurons differ, or are others than these.
    """
    neurons = layer.neurons if isinstance(layer, Layer) else []
    if not neurons or any(type(n) is not Neuron for n in neurons):
        return None
    first, *others = [n.architecture() for n in neurons]
    if any(other != first for other in others):
        return None
    usual = {"activation": "relu", "pieces": 2, "bias": True}
    return {name: first[name] for name in usual if first.get(name, usual[name]) != usual[name]}


def in_short(model: Module, sizes: Sequence[Any], options: Mapping[str, Any]) -> str:
    """The call that makes a model like this one, and how many parameters it has."""
    said = [str(size) for size in sizes]
    said += [f"{name}={given!r}" for name, given in options.items()]
    count = len(model.parameters())
    return f"{type(model).__name__}({', '.join(said)}) with {count} parameters"
