"""What the outputs of a model depend on besides the data of its leaves, where that is known in
full.

It is known of the models of this package as they come, with activations by name. A subclass may do
anything when it is called; so may a function that serves as an activation, and a method that
someone has put in place of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any, NamedTuple

from ..engine import Value


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


Describer = Callable[[Any], Blueprint | None]
_DESCRIBERS: list[Describer] = []


def described_by(describer: Describer) -> Describer:
    """A decorator for the function that knows the models of this package, which stand above."""
    _DESCRIBERS.append(describer)
    return describer


def blueprint_of(model: Any) -> Blueprint | None:
    """The blueprint of a model; None when what it does is not known."""
    return next((found for describe in _DESCRIBERS if (found := describe(model))), None)
