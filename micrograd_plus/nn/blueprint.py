"""What the outputs of a model depend on besides the data of its leaves, where that is known in
full.

It is known of the models of this package as they come, with activations by name. A subclass may do
anything when it is called; so may a function that serves as an activation, and a method that
someone has put in place of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import is_
from typing import Any, NamedTuple

from .. import ops
from ..engine import Value
from .modules import Module, Predictor
from .networks import MLP
from .neurons import Layer, Neuron, linear, threshold
from .single_layer import Adaline, Perceptron, SingleLayer

_KINDS = (Predictor, MLP, SingleLayer, Perceptron, Adaline, Layer, Neuron)
_METHODS = [
    (kind, name, method)
    for kind in _KINDS
    for name, method in vars(kind).items()
    if name in ("__call__", "totals")
]


class Blueprint(NamedTuple):
    """What a model is made of: with equal parts and the same Values, it is the same function."""

    parts: list[Any]
    values: list[Any]

    def describes(self, other: Blueprint) -> bool:
        """Whether the other is of a model that gives the same for the same inputs."""
        return (
            self.parts == other.parts
            and len(self.values) == len(other.values)
            and all(map(is_, self.values, other.values))
        )

    def is_of_leaves(self) -> bool:
        """Whether all Values are leaves, so that no data is older than another."""
        return all(isinstance(v, Value) and v.primitive is None for v in self.values)


def blueprint_of(model: Any) -> Blueprint | None:
    """The blueprint of a model; None when what it does is not known."""
    if any(vars(kind).get(name) is not method for kind, name, method in _METHODS):
        return None
    found = Blueprint([type(model)], [])
    if type(model) is MLP:
        found.parts.extend((model._output, model._finish))
        layers: Iterable[Any] = model.layers
    elif type(model) in (Perceptron, Adaline):
        layers = [model.layer]
    elif type(model) is Layer:
        layers = [model]
    elif type(model) is Neuron:
        return found if _add_neuron(found, model) else None
    else:
        return None
    if "totals" in vars(model):  # a method of this one alone
        return None
    return found if all(_add_layer(found, layer) for layer in layers) else None


def _add_layer(found: Blueprint, layer: Module) -> bool:
    """Add a layer to what was found of a model; whether it is known what it does."""
    if type(layer) is not Layer:
        return False
    found.parts.append(len(layer.neurons))
    return all(_add_neuron(found, neuron) for neuron in layer.neurons)


def _add_neuron(found: Blueprint, neuron: Module) -> bool:
    """Add a neuron to what was found of a model; whether it is known what it does."""
    if type(neuron) is not Neuron or not _is_known(neuron._activate):
        return False
    found.parts.extend((len(neuron.w), neuron.nonlin, neuron._activate, len(neuron.more)))
    found.values.extend(neuron.w)
    found.values.append(neuron.b)
    return not neuron.more or all(_add_neuron(found, piece) for piece in neuron.more)


def _is_known(activate: Any) -> bool:
    if isinstance(activate, ops.Primitive):
        return activate.name in ops.BUILT_IN
    return activate in (linear, threshold, ops.leaky_relu)
