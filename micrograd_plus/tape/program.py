"""A graph as plain data: a flat list of instructions over numbered registers, which any executor
can run.

The registers hold, in this order, the inputs of a point, the parameters that all points share, the
constants, and one result an instruction. An instruction is a row of the table and the registers of
its operands, all of them earlier. Equal subexpressions are one instruction, and what has only
constants for operands is a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..ops import Primitive

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
MOST = 2**31 - 1  # registers, and operands in all: they are numbered with 32 bits


@dataclass(frozen=True, eq=False)
class FlatProgram:
    """Instruction i computes register `first + i` by table[codes[i]] from
    operands[starts[i]:starts[i + 1]].

    `table` holds the rows that the program uses, each once.
    """

    inputs: int
    parameters: int
    constants: Floats
    codes: Integers
    starts: Integers
    operands: Integers
    outputs: Integers
    table: tuple[Primitive, ...] = ()

    @property
    def first(self) -> int:
        """The register of the first instruction."""
        return self.inputs + self.parameters + len(self.constants)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def nbytes(self) -> int:
        """The memory of the instructions and their operands, in bytes."""
        return sum(
            a.nbytes for a in (self.constants, self.codes, self.starts, self.operands, self.outputs)
        )

    @property
    def arities(self) -> npt.NDArray[np.int64]:
        """How many operands each instruction has."""
        starts = self.starts.astype(np.int64)
        return starts[1:] - starts[:-1]

    def rows(self) -> list[Primitive]:
        """The row of each instruction."""
        return [self.table[code] for code in self.codes.tolist()]

    @property
    def python_only(self) -> list[str]:
        """The names of the rows that no machine knows."""
        return [row.name for row in self.table if row.lowering is None]

    def operands_of(self) -> list[list[int]]:
        """The operand registers of each instruction."""
        operands, starts = self.operands.tolist(), self.starts.tolist()
        return [operands[a:b] for a, b in pairwise(starts)]

    def validated(self) -> FlatProgram:
        """Itself; raises ValueError, naming what is wrong,
        when an executor could not run it safely.
        """
        for part in ("constants", "codes", "starts", "operands", "outputs"):
            array, kind = getattr(self, part), np.float64 if part == "constants" else np.int32
            if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype != kind:
                raise ValueError(
                    f"the {part} of a program are an array of one dimension, of {kind.__name__}"
                )
        if (
            self.inputs < 0
            or self.parameters < 0
            or self.first + len(self) > MOST
            or len(self.operands) > MOST
        ):
            raise ValueError(f"a program has between 0 and {MOST} registers")
        if (
            len(self.starts) != len(self) + 1
            or self.starts[0] != 0
            or self.starts[-1] != len(self.operands)
        ):
            raise ValueError(
                "the starts of a program must lead from 0 through its operands, one more than "
                "instructions"
            )
        arities = self.arities
        if (arities < 0).any():
            raise ValueError("the starts of a program must not decrease")
        results = np.repeat(np.arange(self.first, self.first + len(self), dtype=np.int64), arities)
        if (self.operands < 0).any() or (self.operands >= results).any():
            raise ValueError("an operand must be a register that comes before the instruction")
        if (self.outputs < 0).any() or (self.outputs >= self.first + len(self)).any():
            raise ValueError("an output must be a register of the program")
        for code in set(self.codes.tolist()):
            for arity in set(arities[self.codes == code].tolist()):
                self._require(code, arity)
        return self

    def _require(self, code: int, arity: int) -> None:
        """Raise ValueError unless the table has a row in that place which takes that many
        operands.
        """
        if not 0 <= code < len(self.table):
            raise ValueError(
                f"the table of the program has {len(self.table)} rows, and none in place {code}"
            )
        row = self.table[code]
        if not row.variadic and not row.takes(arity):
            raise ValueError(f"{row.name} takes {row.arity} operand(s), not {arity}")
        if arity < row.least:
            raise ValueError(f"{row.name} needs at least {row.least} operand(s)")
        if not row.takes(arity):
            raise ValueError(f"{row.name} takes a bias, then as many weights as inputs")

    def giving(self, outputs: Sequence[int] | Integers) -> FlatProgram:
        """The same program with other outputs, without the instructions that these do not need."""
        return self.reduced(outputs)[0]

    def reduced(self, outputs: Sequence[int] | Integers) -> tuple[FlatProgram, Integers]:
        """The program that gives these outputs and no more, and the new number of each register,
        -1 where it is gone.
        """
        needed = np.zeros(self.first + len(self), dtype=bool)
        needed[np.asarray(outputs, dtype=np.int64)] = True
        flags, first = needed.tolist(), self.first
        for i, operands in zip(range(len(self) - 1, -1, -1), reversed(self.operands_of())):
            if flags[first + i]:
                for o in operands:
                    flags[o] = True
        kept = np.flatnonzero(flags[self.first :])
        place = np.full(self.first + len(self), -1, dtype=np.int32)
        place[: self.first] = np.arange(self.first)
        place[self.first + kept] = self.first + np.arange(len(kept))
        arities = self.arities
        of_kept = np.repeat(np.array(flags[self.first :], dtype=bool), arities)
        used, codes = np.unique(self.codes[kept], return_inverse=True)
        reduced = FlatProgram(
            self.inputs,
            self.parameters,
            self.constants,
            codes.astype(np.int32),
            np.concatenate(([0], np.cumsum(arities[kept]))).astype(np.int32),
            place[self.operands[of_kept]],
            place[np.asarray(outputs, dtype=np.int64)],
            tuple([self.table[code] for code in used.tolist()]),
        )
        return reduced, place
