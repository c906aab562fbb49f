"""What a sweep must know while a function is recorded on a tape: which numbers vary, and gates that
choose at each point.

An eager sweep sees where a gate routed its operands, and passes nothing to the others. A tape runs
at points that route differently, so on it a contribution carries the condition under which it is
one; where none arrives there is none, which is not the same as 0: 0 times infinity would be nan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from . import modes
from .engine import Value, nodes_below
from .ops import Primitive, where

NEUTRAL = -0.0  # added to any number it changes no bit of it


class Contribution:
    """A number of a sweep that is there only where a condition is not 0, or always when that is
    None.

    A sum of some is itself the neutral number where none of them is there.
    """

    __slots__ = ("condition", "is_sum", "number")

    def __init__(self, number: Any, condition: Any = None, is_sum: bool = False) -> None:
        self.number, self.condition, self.is_sum = number, condition, is_sum

    def __mul__(self, partial: Any) -> Contribution:
        if isinstance(partial, Contribution):
            return Contribution(
                self.number * partial.number, _both(self.condition, partial.condition)
            )
        return Contribution(self.number * partial, self.condition)

    # a sweep's sums begin with the neutral number
    def __radd__(self, neutral: float) -> Contribution:
        return self

    def __add__(self, other: Contribution) -> Contribution:
        if self.condition is None and other.condition is None:
            return Contribution(self.number + other.number)
        return Contribution(
            self._summand() + other._summand(),
            _either(self.condition, other.condition),
            is_sum=True,
        )

    def or_else(self, other: float) -> Any:
        """The number, and another one where there is none."""
        if self.condition is None:
            return self.number
        return type(self.condition).__primitive__(where, (self.condition, self.number, other))

    def _summand(self) -> Any:
        return self.number if self.is_sum else self.or_else(NEUTRAL)


class Varying:
    """What varies while a function is traced: `inputs` are the Values that differ from point to
    point or call to call.
    """

    def __init__(self, inputs: Iterable[Value]) -> None:
        self._given = tuple(inputs)

    @cached_property
    def inputs(self) -> frozenset[Value]:
        """The Values that differ, made a set when somebody asks."""
        return frozenset(self._given)

    def varies(self, v: Any) -> bool:
        """Whether a number depends on the inputs, as one of a program in the making always may."""
        if not isinstance(v, Value):
            return True
        return not self.inputs.isdisjoint(nodes_below(v))


def routed(row: Primitive, partials: Sequence[Any]) -> list[Any]:
    """The switches of a gate, each a contribution on the condition that it is on."""
    return [_switch(row, partial) for partial in partials]


def _switch(row: Primitive, partial: Any) -> Any:
    if partial is None or type(partial) is float:
        return partial or None
    # conditions are added, so that none may be negative
    condition = partial if row.shares else where(partial, 1.0, 0.0)
    return Contribution(partial, condition)


def local_terms(row: Primitive, numbers: Sequence[Any]) -> Sequence[Any]:
    """The partials of a row from its result and operands,
    which are terms of a program in the making.
    """
    partials = row.slopes(*numbers)
    return routed(row, partials) if row.gate == "routes" else partials


@contextmanager
def tracing(inputs: Iterable[Value]) -> Iterator[None]:
    """Within it, sweeps are recorded for all points at once,
    and a number that decides anything in Python is an error.
    """
    with modes.switched(recording=True, anomaly=False, tracing=Varying(inputs)):
        yield


def _both(c: Any, d: Any) -> Any:
    if c is None or d is None or c is d:
        return d if c is None else c
    return where(c, d, 0.0)


def _either(c: Any, d: Any) -> Any:
    if c is None or d is None:
        return None
    return c if c is d else c + d  # neither is negative
