"""A graph as plain data: a flat list of instructions over numbered registers, which any executor
can run.

The registers hold, in this order, the inputs of a row, the parameters that all rows share, the
constants, and one result an instruction. An instruction is a row of the table and the registers of
its operands, all of them earlier. Equal subexpressions are one instruction, and what has only
constants for operands is a constant.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import checks, ops
from ..ops import Primitive
from ..ops.operators import Operators, with_operators
from ..ops.simplify import simplified

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
_BITS = struct.Struct("d").pack
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

    def lowered(self) -> FlatProgram | None:
        """The program in what machines know: single instructions, C functions, sum and dot;
        None with a custom row.
        """
        if self.python_only:
            return None
        rows = self.rows()
        builder = Builder(self.inputs, self.parameters, lowering=True)
        refs = [
            *range(self.inputs + self.parameters),
            *map(builder.constant, self.constants.tolist()),
        ]
        for row, operands in zip(rows, self.operands_of()):
            refs.append(builder.emit(row, tuple([refs[o] for o in operands])))
        return builder.finished([refs[o] for o in self.outputs.tolist()])[0]


class Builder:
    """A program in the making. A reference is a register,
    or for a constant the complement of its number.
    """

    def __init__(self, inputs: int, parameters: int, lowering: bool = False) -> None:
        self.inputs, self.parameters, self.lowering = inputs, parameters, lowering
        self._constants: dict[bytes, int] = {}
        self._numbers: list[float] = []
        self._instructions: list[tuple[int, tuple[int, ...]]] = []
        self._results: dict[tuple[int, tuple[int, ...]], int] = {}
        self._table: dict[Primitive, int] = {}

    def constant(self, number: float) -> int:
        """The reference of a constant; numbers of the same bits share one."""
        bits = _BITS(number)
        ref = self._constants.get(bits)
        if ref is None:
            ref = self._constants[bits] = ~len(self._numbers)
            self._numbers.append(float(number))
        return ref

    def emit(self, row: Primitive, operands: tuple[int, ...]) -> int:
        """The reference of a row's result, which may have been computed before;
        when lowering, of its expression's.
        """
        key = self._table.setdefault(row, len(self._table)), operands
        found = self._results.get(key)
        if found is None:
            found = self._results[key] = self._emit(row, key)
        return found

    def _emit(self, row: Primitive, key: tuple[int, tuple[int, ...]]) -> int:
        operands = key[1]
        if self.lowering and callable(row.lowering):
            number = row.lowering(*[Term(self, ref) for ref in operands])
            return number.ref if isinstance(number, Term) else self.constant(number)
        if min(operands, default=-1) < 0:  # constants are among them
            if max(operands, default=-1) < 0:
                return self.constant(row.primal(*[self._numbers[~o] for o in operands]))
            if row is not ops.where or operands[0] < 0:
                simpler = simplified(row, [o if o >= 0 else self._numbers[~o] for o in operands])
                if simpler is not None:
                    return simpler if type(simpler) is int else self.constant(simpler)
        self._instructions.append(key)
        return self.inputs + self.parameters + len(self._instructions) - 1

    def finished(
        self, outputs: Iterable[int]
    ) -> tuple[FlatProgram, Callable[[Sequence[int]], Integers]]:
        """The finished program, and a function from references to its registers,
        -1 for what is left out.
        """
        shared = self.inputs + self.parameters
        listed = [operands for _, operands in self._instructions]
        arities = np.fromiter(map(len, listed), np.int64, len(listed))
        flat = np.fromiter(chain.from_iterable(listed), np.int64, int(arities.sum()))
        if shared + len(self._numbers) + len(arities) > MOST or len(flat) > MOST:
            raise OverflowError(f"a tape holds at most {MOST} registers and operands")

        def placed(refs: npt.NDArray[np.int64]) -> Integers:
            after_constants = refs + len(self._numbers) * (refs >= shared)
            return np.where(refs < 0, shared + ~refs, after_constants).astype(np.int32)

        codes = np.array([code for code, _ in self._instructions], dtype=np.int32)
        starts = np.concatenate(([0], np.cumsum(arities))).astype(np.int32)
        registers = placed(np.fromiter(outputs, np.int64))
        whole = FlatProgram(
            self.inputs,
            self.parameters,
            np.array(self._numbers, dtype=np.float64),
            codes,
            starts,
            placed(flat),
            registers,
            tuple(self._table),
        )
        program, place = whole.reduced(registers)
        return program, lambda refs: place[placed(np.array(refs, dtype=np.int64))]


def _direct(row: Primitive) -> Callable[[Term, Any], Term]:
    def operator(self: Term, other: Any) -> Term:
        builder = self.builder
        ref = other.ref if type(other) is Term else builder.constant(other)
        return Term(builder, builder.emit(row, (self.ref, ref)))

    return operator


def _reflected(row: Primitive) -> Callable[[Term, Any], Term]:
    return lambda self, other: Term.__primitive__(row, (other, self))


def _alone(row: Primitive) -> Callable[[Term], Term]:
    return lambda self: Term.__primitive__(row, (self,))


def _equality(row: Primitive) -> Callable[[Term, object], Any]:
    def compare(self: Term, other: object) -> Any:
        # as between Values, it would be identity; and that says nothing of the numbers
        if isinstance(other, Term):
            return bool(self)
        number = checks.comparable(other, row.name)
        return NotImplemented if number is None else Term.__primitive__(row, (self, number))

    return compare


@with_operators(_direct, _reflected, _alone, _equality)
class Term(Operators):
    """A number of a program in the making: each operation on it is emitted."""

    __slots__ = ("builder", "ref")

    def __init__(self, builder: Builder, ref: int) -> None:
        self.builder, self.ref = builder, ref

    @staticmethod
    def __primitive__(row: Primitive, operands: Sequence[Any]) -> Term:
        first = operands[0]
        builder: Builder = (
            first.builder
            if type(first) is Term
            else next(o.builder for o in operands if type(o) is Term)
        )
        refs = tuple([o.ref if type(o) is Term else builder.constant(o) for o in operands])
        return Term(builder, builder.emit(row, refs))

    def __bool__(self) -> bool:
        raise TypeError(
            "partials on a tape hold for every row: write them with operators and functions of "
            "ops, and "
            "choose with ops.where(x > 0, ..., ...) or ops.equal(x, y), not with if, max, float or "
            "math"
        )

    def __float__(self) -> float:
        return float(self.__bool__())

    __hash__ = None  # type: ignore[assignment]  # for want of ==
