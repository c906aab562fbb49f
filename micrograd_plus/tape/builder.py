"""A flat program in the making: equal instructions are one, constants are folded, and what nothing
needs is left out (common-subexpression elimination, constant folding, dead code).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import checks, ops
from ..ops import Primitive
from ..ops.operators import Operators, with_operators
from ..ops.simplify import simplified
from .program import MOST, FlatProgram, Integers, starts_of

_BITS = struct.Struct("d").pack


class Builder:
    """A program in the making. A reference is a register,
    or for a constant the complement of its number.
    """

    def __init__(self, inputs: int, parameters: int, lowering: bool = False) -> None:
        self.inputs, self.parameters, self.lowering = inputs, parameters, lowering
        self._shared = inputs + parameters
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
        return self._shared + len(self._instructions) - 1

    def finished(
        self, outputs: Iterable[int]
    ) -> tuple[FlatProgram, Callable[[Sequence[int]], Integers]]:
        """The finished program, and a function from references to its registers,
        -1 for what is left out.
        """
        codes = [code for code, _ in self._instructions]
        listed = [operands for _, operands in self._instructions]
        arities = np.fromiter(map(len, listed), np.int64, len(listed))
        operands = np.fromiter(chain.from_iterable(listed), np.int64, int(arities.sum()))
        size = self._shared + len(self._numbers) + len(listed)
        if max(size, len(operands)) > MOST:
            raise OverflowError(f"a tape holds at most {MOST} registers and operands")
        registers = self._registers(np.fromiter(outputs, np.int64))
        whole = FlatProgram(
            self.inputs,
            self.parameters,
            np.array(self._numbers, dtype=np.float64),
            np.array(codes, dtype=np.int32),
            starts_of(arities),
            self._registers(operands),
            registers,
            tuple(self._table),
        )
        program, renumbered = whole.reduced(registers)
        return program, lambda refs: renumbered[self._registers(np.array(refs, dtype=np.int64))]

    def _registers(self, refs: npt.NDArray[np.int64]) -> Integers:
        """The registers of references, now that it is known how many constants lie before the
        results.
        """
        is_result = refs >= self._shared
        others = refs + len(self._numbers) * is_result
        return np.where(refs < 0, self._shared + ~refs, others).astype(np.int32)


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
        builder: Builder
        if type(operands[0]) is Term:
            builder = operands[0].builder
        else:
            builder = next(o.builder for o in operands if type(o) is Term)
        refs = tuple([o.ref if type(o) is Term else builder.constant(o) for o in operands])
        return Term(builder, builder.emit(row, refs))

    def __bool__(self) -> bool:
        raise TypeError(
            "partials on a tape hold for every point: write them with operators and functions "
            "of ops, and choose with ops.where(x > 0, ..., ...) or ops.equal(x, y), not with if, "
            "max, float or math"
        )

    def __float__(self) -> float:
        return float(self.__bool__())

    __hash__ = None  # type: ignore[assignment]  # for want of ==
