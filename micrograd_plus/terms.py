"""Terms: numbers of a program in the making.

A function of rows and operators that is called on terms emits its instructions: equal ones are one
(common-subexpression elimination), and what has only constants for operands is a constant (constant
folding). Tapes are made so, and the programs by which the heart in C computes a row and its slopes.
This module knows the table, and nothing of what runs a program.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from math import nan
from typing import Any

from . import checks, ops
from .ops import Primitive
from .ops.operators import Operators, with_operators
from .ops.simplify import simplified
from .ufuncs import row_call

_BITS = struct.Struct("d").pack


class Emitter:
    """A program in the making, of so many numbers `given`. A reference is a register, the given
    numbers first, or for a constant the complement of its place among the constants.
    """

    def __init__(self, given: int, lowering: bool = False) -> None:
        self.lowering, self.given = lowering, given
        self._places: dict[bytes, int] = {}
        self.constants: list[float] = []
        # the code and then the operands of each, in order, with the reference of its result
        self.instructions: dict[tuple[int, ...], int] = {}
        # the same of what is perhaps no instruction, and is known to be one or not
        self._known: dict[tuple[int, ...], int] = {}
        self.table: dict[Primitive, int] = {}

    def constant(self, number: float) -> int:
        """The reference of a constant; numbers of the same bits share one, and so do all nans."""
        bits = _BITS(number) if number == number else _BITS(nan)
        ref = self._places.get(bits)
        if ref is None:
            ref = self._places[bits] = ~len(self.constants)
            self.constants.append(float(number) if number == number else nan)
        return ref

    def emit(self, row: Primitive, operands: Sequence[int]) -> int:
        """The reference of a row's result, which may have been computed before;
        when lowering, of its expression's.
        """
        code = self.table.get(row)
        key = self.code_of(row) if code is None else code, *operands
        # a choice by no constant stays one, whatever there is to choose from
        is_settled = operands and operands[0] >= 0 and (row is ops.where or min(operands) >= 0)
        if is_settled and not (self.lowering and callable(row.lowering)):
            return self.line(key)
        found = self._known.get(key)
        if found is None:
            simpler = self._simplified(row, operands)
            found = self._known[key] = self.line(key) if simpler is None else simpler
        return found

    def line(self, key: tuple[int, ...]) -> int:
        """The same for the code and the operands of a row that is an instruction, where nothing
        can be simplified: neither are all operands constants, nor does one decide what comes out.
        """
        instructions = self.instructions
        return instructions.setdefault(key, self.given + len(instructions))

    def code_of(self, row: Primitive) -> int:
        """The place of a row in the table of the program, into which it is put if need be."""
        code = self.table.get(row)
        if code is None:
            code = self.table[row] = len(self.table)
        return code

    def needed(self, refs: Iterable[int]) -> list[int]:
        """The results that these references depend on and are among, in order (liveness)."""
        instructions = list(self.instructions)
        waiting, live = [ref for ref in refs if ref >= self.given], set[int]()
        while waiting:
            ref = waiting.pop()
            if ref not in live:
                live.add(ref)
                operands = instructions[ref - self.given][1:]
                waiting += [operand for operand in operands if operand >= self.given]
        return sorted(live)

    def _simplified(self, row: Primitive, operands: Sequence[int]) -> int | None:
        """The reference of what stands for a row's result; None where it is an instruction."""
        if self.lowering and callable(row.lowering):
            number = row.lowering(*[Term(self, ref) for ref in operands])
            return number.ref if isinstance(number, Term) else self.constant(number)
        if max(operands, default=-1) < 0:
            return self.constant(row.primal(*[self.constants[~o] for o in operands]))
        simpler = simplified(row, [o if o >= 0 else self.constants[~o] for o in operands])
        if simpler is None or type(simpler) is int:
            return simpler
        return self.constant(simpler)


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

    def __init__(self, builder: Emitter, ref: int) -> None:
        self.builder, self.ref = builder, ref

    @staticmethod
    def __primitive__(row: Primitive, operands: Sequence[Any]) -> Term:
        builder: Emitter
        if type(operands[0]) is Term:
            builder = operands[0].builder
        else:
            builder = next(o.builder for o in operands if type(o) is Term)
        refs = tuple([o.ref if type(o) is Term else builder.constant(o) for o in operands])
        return Term(builder, builder.emit(row, refs))

    def __array_ufunc__(self, function: Any, method: str, *operands: Any, **options: Any) -> Term:
        return Term.__primitive__(*row_call(function, method, operands, options))

    def __bool__(self) -> bool:
        raise TypeError(
            "partials on a tape hold for every point: write them with operators and functions "
            "of ops, and choose with ops.where(x > 0, ..., ...) or ops.equal(x, y), not with if, "
            "max, float or math"
        )

    def __float__(self) -> float:
        return float(self.__bool__())

    __hash__ = None  # type: ignore[assignment]  # for want of ==
