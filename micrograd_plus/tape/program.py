"""A graph as plain data: a flat list of instructions over numbered registers, which any executor
can run.

The registers hold, in this order, the inputs of a point, the parameters that all points share, the
constants, and one result an instruction. An instruction is a row of the table and the registers of
its operands, all of them earlier. Equal subexpressions are one instruction, and what has only
constants for operands is a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import heart
from ..ops import Primitive

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
_WAVES = 256  # of what is dead, after which it is looked for in another way
_MANY = 32  # operands, which are marked sooner in an array than one by one
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
    def size(self) -> int:
        """How many registers there are."""
        return self.first + len(self)

    @property
    def nbytes(self) -> int:
        """The memory of the instructions and their operands, in bytes."""
        instructions = (self.codes, self.starts, self.operands)
        return sum(a.nbytes for a in (self.constants, *instructions, self.outputs))

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
        if min(self.inputs, self.parameters) < 0 or max(self.size, len(self.operands)) > MOST:
            raise ValueError(f"a program has between 0 and {MOST} registers")
        self._require_starts()
        arities = self.arities
        results = np.repeat(np.arange(self.first, self.size, dtype=np.int64), arities)
        if (self.operands < 0).any() or (self.operands >= results).any():
            raise ValueError("an operand must be a register that comes before the instruction")
        if (self.outputs < 0).any() or (self.outputs >= self.size).any():
            raise ValueError("an output must be a register of the program")
        for code in set(self.codes.tolist()):
            for arity in set(arities[self.codes == code].tolist()):
                self._require_row(code, arity)
        return self

    def _require_starts(self) -> None:
        """Raise ValueError unless the operands are shared out among the instructions in order."""
        starts, count = self.starts, len(self) + 1
        if len(starts) != count or starts[0] != 0 or starts[-1] != len(self.operands):
            raise ValueError(
                "the starts of a program must lead from 0 through its operands, one more than "
                "instructions"
            )
        if (self.arities < 0).any():
            raise ValueError("the starts of a program must not decrease")

    def _require_row(self, code: int, arity: int) -> None:
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

    @classmethod
    def of_parts(cls, inputs: int, parameters: int, parts: Sequence[Any]) -> FlatProgram:
        """The program that the heart in C has made: arrays as memory, and a list of rows."""
        constants, *arrays, rows = parts
        codes, starts, operands, outputs = map(integers, arrays)
        numbers = np.frombuffer(constants, dtype=np.float64)
        table = tuple(rows)
        return cls(inputs, parameters, numbers, codes, starts, operands, outputs, table)

    def parts(self) -> tuple[Any, ...]:
        """The program as the heart in C takes it, but for its outputs."""
        arrays = [
            np.ascontiguousarray(array, dtype=np.int32)
            for array in (self.codes, self.starts, self.operands)
        ]
        constants = np.ascontiguousarray(self.constants, dtype=np.float64)
        return self.inputs + self.parameters, constants, *arrays, self.table

    def giving(self, outputs: Sequence[int] | Integers) -> FlatProgram:
        """The same program with other outputs, without the instructions that these do not need."""
        return self.reduced(outputs)[0]

    def reduced(self, outputs: Sequence[int] | Integers) -> tuple[FlatProgram, Integers]:
        """The program that gives these outputs, with the instructions and constants that they need
        and no more, and the new number of each register, -1 where it is gone.
        """
        library = heart.library()
        if library is not None:
            wanted = np.ascontiguousarray(outputs, dtype=np.int32)
            found = library.reduced(self.parts(), wanted)
            if found is None:  # all is needed
                everything = np.arange(self.size, dtype=np.int32)
                return replace(self, outputs=everything[wanted]), everything
            parts, registers = found
            program = FlatProgram.of_parts(self.inputs, self.parameters, parts)
            return program, integers(registers)
        return self._reduced(np.asarray(outputs, dtype=np.int64))

    def _reduced(self, wanted: npt.NDArray[np.int64]) -> tuple[FlatProgram, Integers]:
        first, arities = self.first, self.arities
        given = self.inputs + self.parameters
        is_live = self._live(wanted)
        is_live[:given] = True
        renumbered = np.where(is_live, np.cumsum(is_live) - 1, -1).astype(np.int32)
        is_kept = is_live[first:]
        operands = self.operands[np.repeat(is_kept, arities)]
        codes = self.codes[is_kept]
        used = np.flatnonzero(np.bincount(codes, minlength=len(self.table)))
        place = np.zeros(len(self.table) + 1, dtype=np.int32)
        place[used] = np.arange(len(used))
        reduced = FlatProgram(
            self.inputs,
            self.parameters,
            self.constants[is_live[given:first]],
            place[codes],
            starts_of(arities[is_kept]),
            renumbered[operands],
            renumbered[wanted],
            tuple([self.table[code] for code in used.tolist()]),
        )
        return reduced, renumbered

    def _live(self, outputs: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which registers the outputs depend on, and are among (liveness)."""
        users = np.bincount(self.operands, minlength=self.size)
        np.add.at(users, outputs, 1)
        is_live = np.ones(self.size, dtype=bool)
        arities, starts, waves = self.arities, self.starts, 0
        dead = np.flatnonzero(users == 0)
        while len(dead) and waves < _WAVES:  # a wave are those whose last user has just gone
            waves += 1
            is_live[dead] = False
            gone = dead[dead >= self.first] - self.first
            sizes = arities[gone]
            places = np.arange(sizes.sum()) + np.repeat(
                starts[gone] - np.cumsum(sizes) + sizes, sizes
            )
            operands = self.operands[places]
            np.subtract.at(users, operands, 1)
            dead = np.unique(operands[users[operands] == 0])
        return is_live if not len(dead) else self._live_one_by_one(outputs)

    def _live_one_by_one(self, outputs: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """The same where what is dead is a long chain."""
        marked = bytearray(self.size)
        is_live = np.frombuffer(marked, dtype=bool)
        is_live[outputs] = True
        first, operands, starts = self.first, self.operands.tolist(), self.starts.tolist()
        for i in range(len(self) - 1, -1, -1):
            if marked[first + i]:
                a, b = starts[i], starts[i + 1]
                if b - a > _MANY:
                    is_live[self.operands[a:b]] = True
                else:
                    for o in operands[a:b]:
                        marked[o] = 1
        return is_live


def integers(memory: Any) -> Integers:
    """An array of what the heart in C gives as memory."""
    return np.frombuffer(memory, dtype=np.int32)


def starts_of(arities: npt.NDArray[np.int64]) -> Integers:
    """Where the operands of each instruction begin, and where those of the last one end."""
    return np.concatenate(([0], np.cumsum(arities))).astype(np.int32)
