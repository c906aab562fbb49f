"""The blueprints of the models of this package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import ops
from .blueprint import Blueprint, described_by
from .ensembles import Ensemble
from .modules import Module, Predictor
from .networks import MLP
from .neurons import Layer, Neuron, linear, threshold
from .single_layer import Adaline, Perceptron, SingleLayer

_KINDS = (Predictor, MLP, SingleLayer, Perceptron, Adaline, Layer, Neuron, Ensemble)
_METHODS = [
    (kind, name, method)
    for kind in _KINDS
    for name, method in vars(kind).items()
    if name in ("__call__", "totals", "_output", "is_signed")
]


@described_by
def described(model: Any) -> Blueprint | None:
    """The blueprint of a model of this package as it comes; None of any other."""
    if any(vars(kind).get(name) is not method for kind, name, method in _METHODS):
        return None
    if type(model) is Ensemble:
        return _of_all(model)
    found = Blueprint([type(model)], [])
    if type(model) is MLP:
        found.parts.extend((model._output, model._finish))
        layers: Iterable[Any] = model.layers
    elif type(model) in (Perceptron, Adaline):
        layers = [model.layer]
        if type(model) is Perceptron:
            found.parts.extend((model.at_zero, model.is_signed))
    elif type(model) is Layer:
        layers = [model]
    elif type(model) is Neuron:
        return found if _add_neuron(found, model) else None
    else:
        return None
    if "totals" in vars(model):  # a method of this one alone
        return None
    return found if all(_add_layer(found, layer) for layer in layers) else None


def _of_all(ensemble: Ensemble) -> Blueprint | None:
    """The blueprint of models that are asked together."""
    found = Blueprint([Ensemble, len(ensemble.models)], [])
    for model in ensemble.models:
        one = described(model)
        if one is None:
            return None
        found.parts.extend(one.parts)
        found.values.extend(one.values)
    return None if "totals" in vars(ensemble) else found


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
    found.parts.append(neuron.b is None)
    if neuron.b is not None:
        found.values.append(neuron.b)
    return not neuron.more or all(_add_neuron(found, piece) for piece in neuron.more)


def _is_known(activate: Any) -> bool:
    if isinstance(activate, ops.Primitive):
        return activate.name in ops.BUILT_IN
    return activate in (linear, threshold, ops.leaky_relu)
