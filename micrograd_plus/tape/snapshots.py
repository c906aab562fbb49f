"""A snapshot of a graph: what a tape keeps of it, to make programs of when they are asked for.

It has the row and the operands of each node in their order, and no node: so nothing that is done to
the graph afterwards changes it. Two graphs with equal snapshots compute the same from what varies.
Where the heart in C runs, heart/snapshot.c and heart/recorder.c take the place of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from .. import checks
from ..engine import Value, nodes_below
from ..ops import Primitive, as_float
from .builder import Builder, Registers
from .patterns import ALL, FEW
from .program import Floats, Integers
from .sweep import Number, Sweep

# What varies has the first places and the nodes in their order the next ones; numbers have those
# from the end, the first one -1.
Places = Sequence[int]
# constants, codes, starts, operands, outputs and table of a program; labels by register; registers
# with adjoints, and those of whose they are
Parts = tuple[Any, ...]
Contents = tuple[Parts, dict[int, str], Integers, Integers]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The row of each node, and how many of the operands, which lie one after the other, are its
    own; what has no row is a number, its only operand.
    """

    varied: int
    gates: Sequence[Primitive | None]
    sizes: Sequence[int]
    operands: Places
    numbers: Sequence[float]
    outputs: Places
    labels: Mapping[int, str]
    is_stale: bool  # an operand was edited after its user was computed

    def same(self, other: Snapshot) -> bool:
        """Whether both graphs have the same rows, on what varies and on the same numbers, and none
        has an operand that was edited after its user was computed.
        """
        if self.is_stale or other.is_stale or self.varied != other.varied:
            return False
        if self.outputs != other.outputs or self.gates != other.gates:
            return False
        if self.sizes != other.sizes or self.operands != other.operands:
            return False
        return _bits(self.numbers) == _bits(other.numbers)

    def rows(self) -> list[Primitive]:
        """The rows that the graph uses."""
        return [row for row in dict.fromkeys(self.gates) if row is not None]

    def nodes(self) -> Iterator[tuple[int, Primitive | None, Places]]:
        """The place, the row and the operands of each node, in order."""
        end = 0
        for place, (row, size) in enumerate(zip(self.gates, self.sizes), self.varied):
            start, end = end, end + size
            yield place, row, self.operands[start:end]

    def from_last(self) -> Iterator[tuple[int, Primitive | None, Places]]:
        """The same from the last to the first."""
        place, start = self.varied + len(self.gates), len(self.operands)
        for row, size in zip(reversed(self.gates), reversed(self.sizes)):
            place, start, end = place - 1, start - size, start
            yield place, row, self.operands[start:end]

    def about(self) -> tuple[int, int]:
        """How many nodes there are, and how many of them are leaves that do not vary."""
        return len(self.gates), self.gates.count(None)

    def evaluated(self, numbers: Floats) -> Floats:
        """The outputs of the graph for numbers in place of what varies.

        Raises ValueError when there are others than vary.
        """
        if len(numbers) != self.varied:
            raise ValueError("a graph takes as many numbers as vary in it")
        found = numbers.tolist()
        for _, row, places in self.nodes():
            operands = [found[o] if o >= 0 else self.numbers[~o] for o in places]
            found.append(operands[0] if row is None else row.primal(*operands))
        return np.array([found[o] if o >= 0 else self.numbers[~o] for o in self.outputs])

    def linearised(self, _: object, has_values: bool, first: int, last: int) -> Contents:
        """The program of the outputs, if they are wanted, and of the derivatives of the only one in
        what varies from the first to before the last; and what is said of its registers.

        Raises ValueError when there are no such derivatives.
        """
        if not 0 <= first <= last <= self.varied or (last > first and len(self.outputs) != 1):
            raise ValueError("there are no such derivatives of this graph")
        return Linearisation(self).contents(has_values, first, last)


class Linearisation(Sweep):
    """A snapshot on its way into a program: `refs` says where the number of each place is there."""

    def __init__(self, of: Snapshot) -> None:
        super().__init__(Builder(of.varied, 0))
        self.of = of
        self.refs = list(range(of.varied))
        self.found: list[Number | None] = [None] * (of.varied + len(of.gates))
        self.swept: list[int] = []  # the places that a gradient reached, in that order

    def contents(self, has_values: bool, first: int, last: int) -> Contents:
        """The program, and what is said of its registers."""
        of = self.of
        self._emit()
        refs = [self.refs[place] for place in of.outputs] if has_values else []
        if last > first:
            if of.outputs[0] >= 0:
                self._sweep(of.outputs[0], self._reached(first, last))
            refs += self._gradient(first, last)
        program, registers = self.builder.finished(refs)
        arrays = program.constants, program.codes, program.starts, program.operands, program.outputs
        labelled = registers([self.refs[place] for place in of.labels]).tolist()
        labels = {r: label for r, label in zip(labelled, of.labels.values()) if r >= 0}
        return (*arrays, program.table), labels, *self._adjoints(registers)

    def _emit(self) -> None:
        """Emit the graph, and have the references of numbers where their places are."""
        refs, numbers = self.refs, self.of.numbers
        emit, constant = self.builder.emit, self.builder.constant
        for _, row, places in self.of.nodes():
            operands = [refs[o] if o >= 0 else constant(numbers[~o]) for o in places]
            refs.append(operands[0] if row is None else emit(row, operands))
        refs.extend(map(constant, reversed(numbers)))

    def _reached(self, first: int, last: int) -> bytearray:
        """Which places depend on what varies from the first to before the last."""
        reached = bytearray(len(self.refs))
        reached[first:last] = b"\1" * (last - first)
        is_reached = reached.__getitem__
        for place, _, operands in self.of.nodes():
            reached[place] = any(map(is_reached, operands))
        return reached

    def _sweep(self, root: int, reached: Sequence[int]) -> None:
        """The reverse sweep from the root to what varies, emitted as it goes."""
        self.begin()
        self.found[root] = self.one
        self.swept.append(root)
        ref_of = self.refs.__getitem__
        for place, row, operands in self.of.from_last():
            upstream = self.found[place]
            if upstream is None or row is None or not reached[place]:
                continue
            size, mask = len(operands), ALL
            if size <= FEW:
                mask = reached[operands[0]] | reached[operands[-1]] << size - 1
            slopes = self.slopes_at(row, mask, [ref_of(place), *map(ref_of, operands)])
            self._pass_on(upstream, operands, slopes, reached)

    def _pass_on(
        self,
        upstream: Number,
        operands: Places,
        slopes: Sequence[Number | None],
        reached: Sequence[int],
    ) -> None:
        """Add upstream times slope to what is found for each operand that is reached."""
        found, times = self.found, self.times
        for operand, slope in zip(operands, slopes):
            if slope is None or not reached[operand]:
                continue
            part, before = times(upstream, slope), found[operand]
            if before is None:
                self.swept.append(operand)
                found[operand] = part
            else:
                found[operand] = self.plus(before, part)

    def _gradient(self, first: int, last: int) -> list[int]:
        """What the sweep found for what varies, 0 where nothing arrived."""
        zero = self.builder.constant(0.0)
        return [
            zero if number is None else self.or_else(number, zero)
            for number in self.found[first:last]
        ]

    def _adjoints(self, registers: Registers) -> tuple[Integers, Integers]:
        """The registers that hold adjoints, each with that of the node whose adjoint it is."""
        # of several nodes with one adjoint, it is named after one with a name
        labels = self.of.labels
        swept = sorted(self.swept, key=labels.__contains__) if labels else self.swept
        found = [self.found[place] for place in swept]
        numbers = np.array([n if isinstance(n, int) else n[0] for n in found if n is not None])
        nodes = np.array([self.refs[place] for place in swept])
        are_results = np.minimum(numbers, nodes) >= 0  # neither is a constant
        return registers(numbers[are_results]), registers(nodes[are_results])


def snapshot_in_python(
    given: Sequence[Any], varied: Sequence[Value], has_gradient: bool
) -> Snapshot | None:
    """What is kept of the graph from what varies to the given numbers; None where it has rows that
    Python alone knows, and where there is something to be refused.
    """
    if not all(isinstance(v, Value) for v in varied) or len(set(varied)) < len(varied):
        return None
    order = nodes_below(*[number for number in given if isinstance(number, Value)], stop=varied)
    gates = [v.primitive for v in order]
    if any(row and row.lowering is None for row in set(gates)):
        return None
    nodes = [*varied, *order]
    is_stale = any(checks.stale_nodes(nodes))
    if is_stale and has_gradient and any(checks.stale_nodes(order)):
        return None
    place_of = {v: place for place, v in enumerate(nodes)}
    sizes, operands, numbers = list[int](), list[int](), list[float]()

    def noted(number: float) -> int:
        numbers.append(number)
        return -len(numbers)

    def places_of(things: Sequence[Any]) -> list[int]:
        return [noted(x) if type(x) is float else place_of[x] for x in things]

    for v in order:
        # its .data may not be read now
        below = (v._primal,) if v.primitive is None else v.operands  # noqa: SLF001
        sizes.append(len(below))
        operands += places_of(below)
    outputs = places_of([x if isinstance(x, Value) else as_float(x, "a tape") for x in given])
    labels = {place: v.label for place, v in enumerate(nodes) if v.label}
    return Snapshot(len(varied), gates, sizes, operands, numbers, outputs, labels, is_stale)


def _bits(numbers: Sequence[float]) -> bytes:
    """The bits of numbers, those of all nans alike."""
    found = np.array(numbers, dtype=np.float64)
    found[found != found] = nan
    return found.tobytes()
