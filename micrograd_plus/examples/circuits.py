"""What a worked example is: a function that gives a circuit, or the numbers of a training; and the
lecture it is from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..engine import Value

Circuit = dict[str, Value]
Circuits = tuple[Callable[[], Circuit], ...]
# functions whose results are named tuples
Trainings = tuple[Callable[[], tuple[Any, ...]], ...]
GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "zeta": "ζ",
    "theta": "θ",
    "lam": "λ",
}


class Lecture(NamedTuple):
    """A lecture: the name of its module, whose it is, its title, and its examples in the order of
    its slides.
    """

    name: str
    university: str
    title: str
    circuits: Circuits
    trainings: Trainings


def labelled(**circuit: Value) -> Circuit:
    """The circuit, each Value labelled with its name, or with the Greek letter that it names."""
    for name, v in circuit.items():
        v.label = GREEK.get(name, name)
    return circuit
