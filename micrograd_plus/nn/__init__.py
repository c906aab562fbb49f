"""Neurons, layers and multi-layer perceptrons: a drop-in for micrograd's, with named activations
and initialisations.

Beside them stand the single layers of before backpropagation, which learn by rules of their own,
and model files. Nothing here needs more than Python; training on data is
`micrograd_plus.training`'s.
"""

from . import descriptions as _descriptions  # noqa: F401  # makes the models known to blueprints
from .model_files import load, save
from .modules import Module
from .networks import MLP
from .neurons import INITIALISATIONS, Generator, Layer, Neuron, activations, linear, threshold
from .single_layer import Adaline, Perceptron

__all__ = [
    "INITIALISATIONS",
    "MLP",
    "Adaline",
    "Generator",
    "Layer",
    "Module",
    "Neuron",
    "Perceptron",
    "activations",
    "linear",
    "load",
    "save",
    "threshold",
]
