"""The reference executor: a flat program replayed by the primals of the table,
and the order in which points are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from operator import itemgetter

import numpy as np

from ...trees import Tree
from ..program import FlatProgram, Floats

Gather = Callable[[Sequence[float]], Sequence[float]] | None
# points summed by halves; points whose blocks are summed from first to last
BLOCK, CHUNK = 16, 1024


class Replay:
    """Runs a program on one point after another, in Python; nothing is made ready to run it often
    before it runs again.
    """

    checks_arrays = False
    # what native code runs together; from one look for machine code to the next; not looked for
    side_by_side, at_a_time, runs = BLOCK, BLOCK, 0

    def __init__(self, program: FlatProgram, name: str = "python") -> None:
        self.name = name
        self._program = program
        self._has_run = False

    @cached_property
    def _steps(self) -> list[tuple[Callable[..., float], Gather, list[int]]]:
        """The primal of each instruction, what fetches its operands, and their registers."""
        program = self._program
        operands = program.operands_of()
        gathers = [itemgetter(*registers) if len(registers) > 1 else None for registers in operands]
        primals = [row.primal for row in program.rows()]
        return list(zip(primals, gathers, operands))

    @cached_property
    def _others(self) -> tuple[list[float], list[int]]:
        """The constants, and the registers of the outputs."""
        return self._program.constants.tolist(), self._program.outputs.tolist()

    def point(self, point: Sequence[float], parameters: Floats) -> list[float]:
        """The outputs for one point of numbers."""
        return self._run(point, parameters.tolist())

    def _run(self, point: Sequence[float], parameters: Sequence[float]) -> list[float]:
        if not self._has_run:
            self._has_run = True
            return evaluated(self._program, [*point, *parameters])
        constants, outputs = self._others
        registers = [*point, *parameters, *constants]
        for primal, gather, operands in self._steps:
            registers.append(
                primal(*gather(registers)) if gather else primal(*[registers[o] for o in operands])
            )
        return [registers[o] for o in outputs]

    def values(self, points: Floats, parameters: Floats, threads: int = 1) -> Floats:
        """The outputs for each point, an array of points by outputs."""
        shared = parameters.tolist()
        found = np.empty((len(points), len(self._program.outputs)))
        for i, point in enumerate(points):
            found[i] = self._run(point.tolist(), shared)
        return found

    def sum(self, points: Floats, parameters: Floats) -> Floats:
        """The sums of the outputs over the points of one chunk."""
        return sum_of_chunk(self.values(points, parameters))

    def mean(self, points: Floats, parameters: Floats) -> Floats:
        """The means of the outputs over the points of one chunk."""
        total = self.sum(points, parameters)
        with np.errstate(all="ignore"):  # inf and nan are numbers like others
            total /= len(points)
        return total

    def entry_for(self, many: bool, summed: bool) -> Replayed:
        """The way in, as native code has one."""
        return Replayed(self, summed)

    def settled(self) -> bool:
        """It runs as it runs."""
        return True

    def caller(self, form: Tree) -> None:
        """Nothing gives outputs in a form at once."""

    def sums(self, points: Floats, parameters: Floats, threads: int = 1) -> Iterator[Floats]:
        """The sums of the outputs over each chunk of points."""
        for start in range(0, len(points), CHUNK):
            yield self.sum(points[start : start + CHUNK], parameters)


class Replayed:
    """A replay, entered like native code."""

    def __init__(self, replay: Replay, summed: bool) -> None:
        self._replay, self._summed = replay, summed

    def run(self, points: Floats, parameters: Floats, outputs: Floats, divisor: int = 1) -> None:
        """Fill the outputs; sums over the points are divided."""
        if not self._summed:
            outputs[...] = self._replay.values(points, parameters)
            return
        outputs[...] = self._replay.sum(points, parameters)
        with np.errstate(all="ignore"):  # inf and nan are numbers like others
            outputs /= divisor

    def point(self, point: tuple[float, ...], parameters: Floats) -> list[float]:
        """The outputs for one point."""
        return self._replay.point(point, parameters)

    def caller(self, form: Tree) -> None:
        """Nothing gives outputs in a form at once."""


def evaluated(program: FlatProgram, numbers: Sequence[float]) -> list[float]:
    """What a program gives for its inputs and parameters, once: nothing is made ready to run it
    often.
    """
    registers = [*numbers, *program.constants.tolist()]
    primals = [row.primal for row in program.table]
    operands, starts = program.operands.tolist(), program.starts.tolist()
    for code, a, b in zip(program.codes.tolist(), starts, starts[1:]):
        if b - a == 2:
            x, y = operands[a:b]
            found = primals[code](registers[x], registers[y])
        elif b - a == 3:
            x, y, z = operands[a:b]
            found = primals[code](registers[x], registers[y], registers[z])
        else:
            found = primals[code](*[registers[o] for o in operands[a:b]])
        registers.append(found)
    return [registers[o] for o in program.outputs.tolist()]


def sum_of_chunk(values: Floats) -> Floats:
    """The sum over the points of one chunk, in the stated order."""
    total = np.zeros(values.shape[1])
    with np.errstate(all="ignore"):  # inf and nan are numbers like others
        for start in range(0, len(values), BLOCK):
            block = np.zeros((BLOCK, values.shape[1]))
            block[: len(values) - start] = values[start : start + BLOCK]
            while len(block) > 1:
                block = block[: len(block) // 2] + block[len(block) // 2 :]
            total += block[0]
    return total
