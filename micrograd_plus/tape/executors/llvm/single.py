"""Statements for one point alone, as LLVM's intermediate code: eight of a nest side by side in a
vector, the terms of each in their order.

Where neighbours lie far apart, as the weights of neurons do, eight terms of eight of them are
loaded as rows of a block and turned into columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llvmlite import ir

from .emission import DOUBLE, EIGHT, LANE, TURN, Carried, Code, index_of
from .rolling import LEAF, OUTPUT, Address, Nest, Segment, Shape

# vectors side by side, so that additions need not wait for each other
ACROSS = 3


class Single(Code):
    """Code for statements of one point, or of what all points have in common."""

    offsets_of: Any = None  # the block in which these are at hand
    offsets: dict[Any, Any]

    def _nest_of_eights(self, nest: Nest) -> None:
        """A nest of at least eight statements in its inner loop; the last eight may do again what
        is done.
        """
        number, self.number, self.width = self.number, EIGHT, TURN
        wide = TURN * ACROSS
        whole = nest.inner - nest.inner % wide
        # what is left goes together with the last of these, for alone it would wait for itself
        looped = whole if whole == nest.inner else max(0, whole - wide)
        with self._loop(index_of(nest.outer), 1) as outer:
            with self._loop(index_of(looped), wide) as inner:
                self._eights(nest, outer, [self._sum_of(inner, TURN * v) for v in range(ACROSS)])
            left = [min(start, nest.inner - TURN) for start in range(looped, nest.inner, TURN)]
            if left:
                self._eights(nest, outer, list(map(index_of, left)))
        self.number, self.width = number, 1

    def _eights(self, nest: Nest, outer: Any, starts: Sequence[Any]) -> None:
        """Eight statements from each of the starts on."""
        totals: Sequence[Any] = [
            self._written(
                nest.shape, iter([self._eight(a, outer, start, None) for a in nest.leaves])
            )
            for start in starts
        ]
        for segment in nest.segments:
            totals = self._terms(totals, segment, outer, starts)
        for start, total in zip(starts, totals):
            self._write_eight(nest.target, outer, start, total)

    def _terms(
        self, totals: Sequence[Any], segment: Segment, outer: Any, starts: Sequence[Any]
    ) -> Sequence[Any]:
        """The terms of a segment added in order, eight at a time where blocks are turned."""
        step = TURN if any(map(_is_turned, segment.leaves)) else 1
        whole = segment.count - segment.count % step
        if whole > 1:
            so_far = Carried(totals)
            with self._loop(index_of(whole), step, so_far) as term:
                so_far.following = self._added_eights(
                    so_far.numbers, segment, outer, starts, term, step
                )
            totals = so_far.numbers
        else:
            whole = 0
        for term in range(whole, segment.count):
            totals = self._added_eights(totals, segment, outer, starts, index_of(term), 1)
        return totals

    def _added_eights(
        self,
        totals: Sequence[Any],
        segment: Segment,
        outer: Any,
        starts: Sequence[Any],
        term: Any,
        step: int,
    ) -> list[Any]:
        """The totals with `step` terms more."""
        found = []
        for total, start in zip(totals, starts):
            columns = [self._columns(a, outer, start, term, step) for a in segment.leaves]
            for leaves in zip(*columns) if columns else [()] * step:
                total = self.builder.fadd(total, self._written(segment.shape, iter(leaves)))  # noqa: PLW2901
            found.append(total)
        return found

    def _columns(
        self, address: Address, outer: Any, start: Any, term: Any, step: int
    ) -> Sequence[Any]:
        """A leaf of eight statements, for some terms one after the other."""
        if step > 1 and _is_turned(address):
            place = self.places[address.place]
            return self._turned(
                [
                    self._vector_at(place, self._number(address, outer, start, n, term))
                    for n in range(TURN)
                ]
            )
        return [self._eight(address, outer, start, self._sum_of(term, k)) for k in range(step)]

    def _eight(self, address: Address, outer: Any, start: Any, term: Any) -> Any:
        """A leaf of eight statements."""
        b, place, stride = self.builder, self.places[address.place], address.strides[1]
        if stride == 0:
            number = b.load(self._at(place, self._number(address, outer, start, 0, term)))
            return self._broadcast(number)
        if stride == 1:
            return self._vector_at(place, self._number(address, outer, start, 0, term))
        if stride == -1:
            vector = self._vector_at(place, self._number(address, outer, start, TURN - 1, term))
            backward = ir.Constant(ir.VectorType(LANE, TURN), [LANE(n) for n in range(TURN)][::-1])
            return b.shuffle_vector(vector, vector, backward)
        return self._vector(
            [
                b.load(self._at(place, self._number(address, outer, start, n, term)))
                for n in range(TURN)
            ]
        )

    def _write_eight(self, target: Address, outer: Any, start: Any, total: Any) -> None:
        b, place = self.builder, self.places[target.place]
        if target.place == OUTPUT and self.summed:
            total = b.fadd(total, ir.Constant(EIGHT, None))  # a sum begins with 0
        if target.strides[1] == 1:
            pointer = self._at(place, self._number(target, outer, start, 0, None))
            b.store(total, b.bitcast(pointer, EIGHT.as_pointer()), align=8)
            return
        for n in range(TURN):
            pointer = self._at(place, self._number(target, outer, start, n, None))
            b.store(b.extract_element(total, LANE(n)), pointer)

    def _number(self, address: Address, outer: Any, inner: Any, n: int, term: Any) -> Any:
        """Where a number of the n-th statement from `inner` on lies."""
        variable, known = [], address.base + n * address.strides[1]
        for number, stride in zip((outer, inner, term), address.strides):
            if isinstance(number, ir.Constant):
                known += stride * number.constant
            elif number is not None and stride:
                variable.append((number, stride))
        return self._sum_of(self._offset(tuple(variable)), known)

    def _offset(self, parts: tuple[tuple[Any, int], ...]) -> Any:
        """The sum of numbers times strides, which is written once in a block."""
        b = self.builder
        if self.offsets_of is not b.block:
            self.offsets_of, self.offsets = b.block, {}
        if parts not in self.offsets:
            total = index_of(0)
            for number, stride in parts:
                product = number if stride == 1 else b.mul(number, index_of(stride))
                total = product if isinstance(total, ir.Constant) else b.add(total, product)
            self.offsets[parts] = total
        return self.offsets[parts]

    def _sum_of(self, index: Any, known: int) -> Any:
        if isinstance(index, ir.Constant):
            return index_of(index.constant + known)
        return self.builder.add(index, index_of(known)) if known else index

    def _written(self, shape: Shape, leaves: Iterator[Any]) -> Any:
        """The instructions of an expression."""
        if shape == LEAF:
            return next(leaves)
        name, *operands = shape
        if name == "=":
            return self._spread(DOUBLE(float(operands[0])))
        return self._gate(name, [self._written(operand, leaves) for operand in operands])


def _is_turned(address: Address) -> bool:
    """Whether statements lie apart and terms side by side."""
    return address.strides[1] not in (0, 1, -1) and address.strides[2] == 1
