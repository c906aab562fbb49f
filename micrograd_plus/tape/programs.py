"""The programs of a tape: all of it in one, and for each task what that needs.

A snapshot of the graph is kept, and a program made of it when one is asked for: who trains has the
derivatives in the parameters and no others. Of a graph with checkpoints or rows of a user's own the
program of it all is made at once, and what a task needs is taken from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..ops import Primitive
from ..tracing import tracing
from .contents import Pairs
from .patterns import pattern
from .program import FlatProgram, Floats, integers


class Whole(NamedTuple):
    """The program that gives the outputs and, of one number, its derivatives in the inputs and in
    the parameters; labels by register, and which register is the adjoint of which.
    """

    program: FlatProgram
    labels: Mapping[int, str]
    adjoint_of: Mapping[int, int]


class Programs:
    """Of a tape whose program stands, with so many outputs."""

    def __init__(self, whole: Whole, outputs: int) -> None:
        self.whole = whole
        self.outputs = outputs
        self.inputs, self.parameters = whole.program.inputs, whole.program.parameters

    def outputs_if_of(self, snapshot: Any, numbers: Floats) -> Floats | None:
        """What the graph gives for numbers, if it is known to be that of which this was kept."""
        return None

    @property
    def is_of_varied_alone(self) -> bool:
        """Whether the graph is known to have no leaves but what varies."""
        return False

    def rows(self) -> list[Primitive]:
        """Rows that the function uses, and perhaps others."""
        return list(self.whole.program.table)

    def for_task(self, task: str) -> FlatProgram:
        """What gives the "values", the "sums" of output and gradient, or the "gradients of inputs"
        or those "of parameters".
        """
        given, first = self.whole.program.outputs, self.outputs + self.inputs
        wanted = {
            "values": given[: self.outputs],
            "sums": np.append(given[:1], given[first:]),
            "gradients of inputs": given[self.outputs : first],
            "gradients of parameters": given[first:],
        }
        return self.whole.program.giving(wanted[task])


class ProgramsOfSnapshot:
    """Of a tape that keeps a snapshot of its graph, in C or in Python."""

    def __init__(
        self, snapshot: Any, inputs: int, parameters: int, outputs: int, gradient: bool
    ) -> None:
        self.snapshot = snapshot
        self.inputs, self.parameters, self.outputs = inputs, parameters, outputs
        self._varied = inputs + parameters if gradient else 0  # in which there are derivatives

    @cached_property
    def whole(self) -> Whole:
        """The program of it all."""
        program, labels, *pairs = self._linearised(True, 0, self._varied)
        return Whole(program, labels, Pairs(*map(integers, pairs)))

    def outputs_if_of(self, snapshot: Any, numbers: Floats) -> Floats | None:
        """What the graph gives for numbers in place of inputs and parameters, if this was kept of
        an equal one, else None.
        """
        if snapshot is None or not self.snapshot.same(snapshot):
            return None
        return np.frombuffer(self.snapshot.evaluated(numbers))

    @property
    def is_of_varied_alone(self) -> bool:
        """Whether the graph has no leaves but what varies."""
        return not self.snapshot.about()[1]

    def rows(self) -> list[Primitive]:
        """The rows that the function uses."""
        found: list[Primitive] = self.snapshot.rows()
        return found

    def for_task(self, task: str) -> FlatProgram:
        """What a task needs, as `Programs` says."""
        wanted = {
            "values": (True, 0, 0),
            "sums": (True, self.inputs, self._varied),
            "gradients of inputs": (False, 0, self.inputs),
            "gradients of parameters": (False, self.inputs, self._varied),
        }
        program: FlatProgram = self._linearised(*wanted[task])[0]
        return program

    def _linearised(self, has_values: bool, first: int, last: int) -> tuple[Any, ...]:
        """The program of the outputs, if they are wanted, and of the derivatives in what varies
        from the first to before the last; and what is said of its registers.
        """
        with tracing(()):
            parts, *others = self.snapshot.linearised(pattern, has_values, first, last)
        return FlatProgram.of_parts(self.inputs, self.parameters, parts), *others
