"""Neurons, layers and multi-layer perceptrons: a drop-in for micrograd's, with named activations
and initialisations.

Beside them stand the single layers of before backpropagation, which learn by rules of their own,
and model files. Nothing here needs more than Python, `modular` apart: layers on NumPy arrays, with
fprop and bprop as lectures write them. Training on data is `micrograd_plus.training`'s.
"""

from importlib import import_module
from typing import Any

from . import descriptions as _descriptions  # noqa: F401  # makes the models known to blueprints
from .ensembles import Ensemble
from .model_files import load, save
from .modules import Module
from .networks import MLP
from .neurons import INITIALISATIONS, Generator, Layer, Neuron, activations, linear, threshold
from .single_layer import Adaline, Perceptron

__all__ = [
    "INITIALISATIONS",
    "MLP",
    "Adaline",
    "Ensemble",
    "Generator",
    "Layer",
    "Module",
    "Neuron",
    "Perceptron",
    "activations",
    "linear",
    "load",
    "modular",
    "save",
    "threshold",
]


def __getattr__(name: str) -> Any:
    if name == "modular":  # NumPy is loaded when it is asked for
        return import_module(".modular", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
