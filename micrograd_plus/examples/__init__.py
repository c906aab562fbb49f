"""Worked examples of lectures: a module for each lecture, a function for each example.

A circuit's function names and labels its Values as the lecture does and gives them in a dict, in
the order in which they are computed, the output last; no backward pass has run on them yet. A
training's function gives a named tuple of its numbers. Each module lists its circuits in `EXAMPLES`
and its trainings in `TRAININGS`, by slides. The examples that are the oldest may be imported from
here, too. `gpt` is a model of its own, which learns to spell names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import edinburgh, gpt, lund, others, rwth, sharif, stone
from .circuits import GREEK, Circuit, Lecture, labelled
from .others import (
    Moons,
    micrograd_readme,
    moons,
    softmax_loss,
    staged_function,
    tanh_neuron,
    two_layer_network,
)
from .rwth import factoring_chain, forward_and_reverse, nine_paths
from .sharif import (
    branches,
    gates,
    product_of_a_sum,
    reused_input,
    sigmoid_circuit,
    sigmoid_gate,
)

__all__ = [
    "GREEK",
    "LECTURES",
    "Circuit",
    "Lecture",
    "Moons",
    "all_examples",
    "all_trainings",
    "branches",
    "edinburgh",
    "factoring_chain",
    "forward_and_reverse",
    "gates",
    "gpt",
    "labelled",
    "lund",
    "micrograd_readme",
    "moons",
    "nine_paths",
    "others",
    "product_of_a_sum",
    "reused_input",
    "rwth",
    "sharif",
    "sigmoid_circuit",
    "sigmoid_gate",
    "softmax_loss",
    "staged_function",
    "stone",
    "tanh_neuron",
    "two_layer_network",
]

LECTURES = (
    Lecture("sharif", sharif.UNIVERSITY, sharif.TITLE, sharif.EXAMPLES, sharif.TRAININGS),
    Lecture("rwth", rwth.UNIVERSITY, rwth.TITLE, rwth.EXAMPLES, rwth.TRAININGS),
    Lecture(
        "edinburgh", edinburgh.UNIVERSITY, edinburgh.TITLE, edinburgh.EXAMPLES, edinburgh.TRAININGS
    ),
    Lecture("stone", stone.UNIVERSITY, stone.TITLE, stone.EXAMPLES, stone.TRAININGS),
    Lecture("lund", lund.UNIVERSITY, lund.TITLE, lund.EXAMPLES, lund.TRAININGS),
    Lecture("others", others.UNIVERSITY, others.TITLE, others.EXAMPLES, others.TRAININGS),
)


def all_examples() -> dict[str, Callable[[], Circuit]]:
    """The circuits by `lecture.function`, in the order of the lectures and of their slides."""
    return {
        f"{lecture.name}.{circuit.__name__}": circuit
        for lecture in LECTURES
        for circuit in lecture.circuits
    }


def all_trainings() -> dict[str, Callable[[], tuple[Any, ...]]]:
    """The trainings by `lecture.function`, in the order of the lectures and of their slides."""
    return {
        f"{lecture.name}.{training.__name__}": training
        for lecture in LECTURES
        for training in lecture.trainings
    }
