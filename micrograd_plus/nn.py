"""Neurons, layers and multi-layer perceptrons: a drop-in for micrograd's, with named activations and initialisations.

A neuron's total input is one `dot` gate, which costs a sweep far less than the chain of products and sums it stands
for and adds in the same order. Weights are drawn in micrograd's order, so a seeded script gives the same numbers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence, Sized
from typing import Any, Protocol

from . import ops
from .engine import Operand, Value, record


class Generator(Protocol):
    """What an `rng` must offer: `random.Random` does, and so does the module `random`."""

    def uniform(self, a: float, b: float) -> float:
        """A number drawn evenly from [a, b]."""

    def gauss(self, mu: float, sigma: float) -> float:
        """A number drawn from the normal distribution."""


INITIALISATIONS: dict[str, Callable[[int, Generator], float]] = {
    "uniform": lambda _, rng: rng.uniform(-1, 1),
    "he": lambda nin, rng: rng.gauss(0.0, math.sqrt(2.0 / nin)),  # He et al. 2015, eq. 10: ReLUs keep the variance
}


def linear(x: Any) -> Any:
    """The identity: an activation that leaves the total input as it is."""
    return x


def activations() -> dict[str, Callable[[Any], Any]]:
    """The activations by name: every row of the table with one operand and a derivative, leaky_relu, and linear."""
    unary = {row.name: row for row in ops.primitives() if row.arity == 1 and row.gate != "blocks"}
    return {**unary, "leaky_relu": ops.leaky_relu, "linear": linear}


def _chosen(kind: str, name: str, among: dict[str, Any]) -> Any:
    if name not in among:
        raise ValueError(f"no {kind} is called {name!r}; there are: {', '.join(among)}")
    return among[name]


class Module:
    """Anything with parameters."""

    def parameters(self) -> list[Value]:
        """The Values that training adjusts, in a fixed order."""
        return []

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters, so that the next backward pass starts from nothing."""
        for p in self.parameters():
            p.grad = None  # not 0: no gradient is known


class Neuron(Module):
    """activation(w·x + b), or w·x + b when not `nonlin`.

    `activation` is a name from `activations()` or a function of a Value; `init` is "uniform" (on [-1, 1], as micrograd)
    or "he"; `rng` draws the weights, by default the module `random`. The bias starts at 0. Raises ValueError for a name
    that does not exist, for nin < 1, and when called with a number of inputs that is not nin.
    """

    def __init__(self, nin: int, nonlin: bool = True, activation: str | Callable[[Any], Any] = "relu",
                 init: str = "uniform", rng: Generator | None = None) -> None:
        if nin < 1:
            raise ValueError(f"a neuron needs at least one input, not {nin}")
        draw = _chosen("initialisation", init, INITIALISATIONS)
        source = random if rng is None else rng
        self.activation = activation if nonlin else "linear"
        self._activate = _chosen("activation", activation, activations()) if isinstance(activation, str) else activation
        self.w = [Value(draw(nin, source)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Operand]) -> Value:
        """The neuron's output for `nin` numbers or Values."""
        if not isinstance(x, Sized):
            raise TypeError(f"{self!r} takes a sequence of {len(self.w)} numbers or Values, not a {type(x).__name__}")
        if len(x) != len(self.w):
            raise ValueError(f"{self!r} takes {len(self.w)} inputs, but got {len(x)}")
        total = record(ops.dot_row, (self.b, *self.w, *x))
        if not self.nonlin:
            return total
        if isinstance(self._activate, ops.Primitive):
            return record(self._activate, (total,))
        out: Value = self._activate(total)
        return out

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        named = self.activation if isinstance(self.activation, str) else getattr(self.activation, "__name__", "Custom")
        kind = "ReLU" if named == "relu" else named[:1].upper() + named[1:]  # micrograd's ReLUNeuron and LinearNeuron
        return f"{kind}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons that see the same `nin` inputs; a layer of one gives its Value, not a list."""

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Operand]) -> Any:
        """The outputs of the neurons, in order."""
        out = [n(x) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        return [p for n in self.neurons for p in n.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(str(n) for n in self.neurons)}]"


class MLP(Module):
    """Layers one after another, the last one linear; keywords are a Neuron's. MLP(2, [16, 16, 1]) has 337 parameters."""

    def __init__(self, nin: int, nouts: Sequence[int], **kwargs: Any) -> None:
        sizes = [nin, *nouts]
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != len(nouts) - 1, **kwargs) for i in range(len(nouts))]

    def __call__(self, x: Sequence[Operand]) -> Any:
        """The outputs of the last layer: a list, or one Value when it has one neuron."""
        out: Any = x
        for layer in self.layers:
            out = layer([out] if isinstance(out, Value) else out)  # a hidden layer of one neuron
        return out

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"
