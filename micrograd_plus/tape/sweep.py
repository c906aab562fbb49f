"""The numbers of a reverse sweep that is emitted as it goes: products with slopes, sums where ways
meet, and conditions where gates route.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ops
from ..ops import Primitive
from ..tracing import NEUTRAL
from .builder import Builder
from .patterns import NOTHING, Pattern, slopes_of

# A number of a sweep: its reference; or, where it is there on a condition only, that with the
# reference of the condition and whether it is a sum, as in a `Contribution`.
Found = tuple[int, int | None, bool]
Number = int | Found


class Sweep:
    """Sums and products of what a sweep finds, as instructions of a program in the making."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._instructions, self._given = builder.instructions, builder.given
        # patterns that were asked for, and the references of their constants
        self._known: dict[tuple[Primitive, int, int], tuple[Pattern, list[int]]] = {}
        # once it has begun: the codes of three rows, and three constants
        self._mul = self._add = self._where = 0
        self.one = self.neutral = self.zero = 0

    def begin(self) -> None:
        """Have the constants and the rows of a sweep in the program."""
        constant, code_of = self.builder.constant, self.builder.code_of
        self.one, self.neutral, self.zero = constant(1.0), constant(NEUTRAL), constant(0.0)
        self._mul, self._add, self._where = code_of(ops.mul), code_of(ops.add), code_of(ops.where)

    def slopes_at(self, row: Primitive, mask: int, given: Sequence[int]) -> Sequence[Number | None]:
        """The slopes of a row whose result and operands have the `given` references, those of the
        mask at least; None where no gradient passes.
        """
        asked = row, len(given) - 1, mask
        known = self._known.get(asked)
        if known is None:
            pattern = slopes_of(*asked)
            known = self._known[asked] = pattern, pattern.constants_in(self.builder)
        pattern, constants = known
        refs: list[Any] = [*given, *constants]
        if pattern.rows:
            pattern.copy(self.builder, refs)
        refs.append(None)  # where NOTHING leads to
        slopes = [refs[o] for o in pattern.outputs]
        if not pattern.conditions:
            return slopes
        return [
            slope if slope is None or c == NOTHING else self.switch(slope, refs[c])
            for slope, c in zip(slopes, pattern.conditions)
        ]

    def switch(self, ref: int, condition: int) -> Number | None:
        """A slope on a condition, which may have turned out to be a constant."""
        if condition >= 0:
            return ref, condition, False
        return ref if self.builder.constants[~condition] else None

    def times(self, upstream: Number, slope: Number) -> Number:
        """What arrives at a gate, times a slope of it."""
        if isinstance(upstream, int):
            if isinstance(slope, int):
                return self._product(upstream, slope)
            return self._product(upstream, slope[0]), slope[1], False
        if isinstance(slope, int):
            return self._product(upstream[0], slope), upstream[1], False
        number = self._product(upstream[0], slope[0])
        return number, self._both(upstream[1], slope[1]), False

    def plus(self, found: Number, more: Number) -> Number:
        """What arrived at a node, and more of it."""
        if isinstance(found, int):
            if isinstance(more, int):
                return self._sum(found, more)
            return self._sum(found, self._summand(more)), None, True
        if isinstance(more, int):
            return self._sum(self._summand(found), more), None, True
        number = self._sum(self._summand(found), self._summand(more))
        return number, self._either(found[1], more[1]), True

    def or_else(self, found: Number, other: int) -> int:
        """A number, and another one where it is not there."""
        if isinstance(found, int):
            return found
        number, condition, _ = found
        if condition is None:
            return number
        return self._chosen(condition, number, other)

    def _summand(self, found: Found) -> int:
        number, condition, is_sum = found
        if is_sum or condition is None:
            return number
        return self._chosen(condition, number, self.neutral)

    # Instructions are emitted here and not by the builder because all the time goes into that.

    def _product(self, x: int, y: int) -> int:
        if x >= 0 <= y:
            instructions = self._instructions
            return instructions.setdefault((self._mul, x, y), self._given + len(instructions))
        if y == self.one:
            return x
        return y if x == self.one else self.builder.emit(ops.mul, (x, y))

    def _sum(self, x: int, y: int) -> int:
        if x >= 0 <= y:
            instructions = self._instructions
            return instructions.setdefault((self._add, x, y), self._given + len(instructions))
        return self.builder.emit(ops.add, (x, y))

    def _chosen(self, condition: int, number: int, other: int) -> int:
        """One number or another, by a condition that is no constant, as none is in a sweep."""
        key = self._where, condition, number, other
        return self._instructions.setdefault(key, self._given + len(self._instructions))

    def _both(self, c: int | None, d: int | None) -> int | None:
        if c is None or d is None or c == d:
            return d if c is None else c
        return self._chosen(c, d, self.zero)

    def _either(self, c: int | None, d: int | None) -> int | None:
        if c is None or d is None:
            return None
        return c if c == d else self._sum(c, d)  # neither is negative
