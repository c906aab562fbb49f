"""A flat program in the making, finished: what nothing needs is left out (dead code).

How its instructions are emitted stands in `terms`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from ..terms import Emitter, Term
from .program import MOST, FlatProgram, Integers, starts_of

__all__ = ["Builder", "Registers", "Term"]

Registers = Callable[[Sequence[int]], Integers]  # of references, -1 for what was left out


class Builder(Emitter):
    """A program in the making that a tape can hold."""

    def __init__(self, inputs: int, parameters: int, lowering: bool = False) -> None:
        super().__init__(inputs + parameters, lowering)
        self.inputs, self.parameters = inputs, parameters

    def finished(self, outputs: Iterable[int]) -> tuple[FlatProgram, Registers]:
        """The finished program, and what gives the registers of references."""
        count = len(self.instructions)
        lengths = np.fromiter(map(len, self.instructions), np.int64, count)
        numbers = np.fromiter(chain.from_iterable(self.instructions), np.int64, lengths.sum())
        is_code = np.zeros(len(numbers), dtype=bool)
        is_code[np.cumsum(lengths) - lengths] = True
        codes, operands = numbers[is_code], numbers[~is_code]
        size = self.given + len(self.constants) + count
        if max(size, len(operands)) > MOST:
            raise OverflowError(f"a tape holds at most {MOST} registers and operands")
        registers = self._registers(np.fromiter(outputs, np.int64))
        whole = FlatProgram(
            self.inputs,
            self.parameters,
            np.array(self.constants, dtype=np.float64),
            codes.astype(np.int32),
            starts_of(lengths - 1),
            self._registers(operands),
            registers,
            tuple(self.table),
        )
        program, renumbered = whole.reduced(registers)
        return program, lambda refs: renumbered[self._registers(np.array(refs, dtype=np.int64))]

    def _registers(self, refs: npt.NDArray[np.int64]) -> Integers:
        """The registers of references, now that it is known how many constants lie before the
        results.
        """
        is_result = refs >= self.given
        others = refs + len(self.constants) * is_result
        return np.where(refs < 0, self.given + ~refs, others).astype(np.int32)
