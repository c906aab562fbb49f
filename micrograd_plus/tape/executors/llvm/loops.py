"""Rolled-up programs written as LLVM's intermediate code:
loops over statements, straight lines where there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from ..turns import give_way
from .emission import DOUBLE, INDEX, LANE, POINTER, TURN, Carried, index_of
from .rolling import LANES, OUTPUT, PARAMETER, SHARED, Address, Nest, Rolled, Segment
from .single import Single

# statements of a nest that run side by side, so that additions need not wait for each other, where
# there are sixteen registers; and in the last block, where it matters least
JAM = 4
MOST_TOGETHER = 16  # nests in one function
# turns of an outer loop that go through the inner one together, while what they read is near
TILE = 2

Write = Callable[[Sequence[Nest], Any, Any], None]


class Loops(Single):
    """One module of code for a rolled-up program: `lanes` points at a time,
    their outputs summed or given one by one.
    """

    def __init__(
        self,
        program: Rolled,
        inputs: int,
        outputs: int,
        lanes: int,
        summed: bool,
        jam: int = JAM,
    ) -> None:
        super().__init__(lanes, summed)
        self.jam = jam
        self.program, self.inputs, self.outputs = program, inputs, outputs
        self._kernel()

    def _kernel(self) -> None:
        """kernel(count of points, points, parameters, shared, scratch, outputs, nothing)."""
        self.builder = self._begun()
        count, points, parameters, shared, scratch, outputs, _ = self.builder.function.args
        self.places = {PARAMETER: parameters, SHARED: shared, LANES: scratch, OUTPUT: outputs}
        self.width = 1
        # what all points have in common
        self._parts_of(self.program.prologue, count, index_of(0), self._plainly)
        self.width = self.lanes
        with self._loop(count, self.lanes) as point:
            self._load(count, points, point, index_of(self.inputs))
            if not self.summed and self.lanes == 1:
                self.places[OUTPUT] = self._at(
                    outputs, self.builder.mul(point, index_of(self.outputs))
                )
            elif not self.summed:
                self.places[OUTPUT] = self._at(scratch, index_of(self.program.lanes * self.lanes))
            sums = [nest for nest in self.program.body if self._is_sum(nest)]
            others = [nest for nest in self.program.body if not self._is_sum(nest)]
            self._parts_of(others, count, point, self._plainly)
            self._parts_of(sums, count, point, self._sums)
            if self.lanes > 1 and not self.summed:
                self._store(count, point, index_of(self.outputs), outputs)
        self.builder.ret_void()

    def _parts_of(self, nests: Sequence[Nest], count: Any, point: Any, write: Write) -> None:
        """The nests, in functions of so many each where they are more: LLVM's time for one grows
        faster than it does, and Python's collector goes through all that is not yet in writing.
        """
        if len(nests) <= MOST_TOGETHER:
            self.begins = self.builder.icmp_unsigned("==", point, index_of(0))
            write(nests, count, point)
            return
        for first in range(0, len(nests), MOST_TOGETHER):
            with self._apart(count, point) as given:
                write(nests[first : first + MOST_TOGETHER], *given)

    @contextmanager
    def _apart(self, count: Any, point: Any) -> Iterator[tuple[Any, Any]]:
        """A function of its own, which is called here; the count and the point as it has them."""
        outside, places = self.builder, self.places
        kinds = [INDEX, INDEX, *[POINTER] * len(places)]
        name = self.module.get_unique_name("part")
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        of_count, of_point, *pointers = function.args
        for pointer in pointers:
            pointer.add_attribute("noalias")
        self.builder = ir.IRBuilder(function.append_basic_block())
        self.places = dict(zip(places, pointers))
        self.begins = self.builder.icmp_unsigned("==", of_point, index_of(0))
        yield of_count, of_point
        self.builder.ret_void()
        self._finish(function)
        self.builder, self.places = outside, places
        self.builder.call(function, [count, point, *places.values()])

    def _is_sum(self, nest: Nest) -> bool:
        """Whether its results are added up over lanes."""
        return nest.target.place == OUTPUT and self.summed and self.lanes > 1

    def _plainly(self, nests: Sequence[Nest], count: Any, point: Any) -> None:
        for nest in nests:
            self._nest(nest)
            give_way()

    def _sums(self, nests: Sequence[Nest], count: Any, point: Any) -> None:
        """What is added up over lanes: all of them hold a point, but in the last block."""
        b = self.builder
        if not nests:
            return
        is_whole = b.icmp_unsigned("<=", b.add(point, index_of(self.lanes)), count)
        with b.if_else(is_whole) as (then, otherwise):
            with then:
                self.valid = None
                for nest in nests:
                    self._loops(nest, TILE, self.jam)
                    give_way()
            with otherwise:
                self.valid = self._valid(count, point)
                for nest in nests:
                    self._loops(nest, 1, JAM)
                    give_way()

    def _nest(self, nest: Nest) -> None:
        if self.width == 1 and nest.inner >= TURN:
            self._nest_of_eights(nest)
        else:
            self._loops(nest, 1, _even(nest.inner, self.jam))

    def _loops(self, nest: Nest, tile: int, jam: int) -> None:
        """The statements of a nest, so many together."""
        for outer, turns in self._parts(nest.outer, tile):
            for inner, together in self._parts(nest.inner, jam):
                for n in range(turns):
                    self._statements(nest, self._plus(outer, n), inner, together)

    def _parts(self, count: int, most: int) -> Iterator[tuple[Any, int]]:
        """A loop over numbers below count, some at a time, and what is left at once."""
        whole = count - count % most
        if whole:
            with self._loop(index_of(whole), most) as first:
                yield first, most
        if whole < count:
            yield index_of(whole), count - whole

    def _plus(self, index: Any, n: int) -> Any:
        return self._sum_of(index, n)

    def _statements(self, nest: Nest, outer: Any, inner: Any, together: int) -> None:
        """Some statements next to each other: their heads, then the terms of each segment,
        added in order.
        """
        side_by_side = range(together)
        loaded: dict[Any, Any] = {}
        totals = [
            self._written(
                nest.shape,
                iter([self._leaf(a, outer, inner, n, None, loaded) for a in nest.leaves]),
            )
            for n in side_by_side
        ]
        for segment in nest.segments:
            if segment.count == 1:
                totals = self._added(totals, segment, outer, inner, None)
            else:
                so_far = Carried(totals)
                with self._loop(index_of(segment.count), 1, so_far) as term:
                    so_far.following = self._added(so_far.numbers, segment, outer, inner, term)
                totals = list(so_far.numbers)
        if nest.target.place == OUTPUT and self.summed:
            self._add_up(nest.target, outer, inner, totals)
        else:
            for n, total in zip(side_by_side, totals):
                self._write(
                    nest.target.place, self._number(nest.target, outer, inner, n, None), total
                )

    def _added(
        self, totals: Sequence[Any], segment: Segment, outer: Any, inner: Any, term: Any
    ) -> list[Any]:
        loaded: dict[Any, Any] = {}
        return [
            self.builder.fadd(
                total,
                self._written(
                    segment.shape,
                    iter([self._leaf(a, outer, inner, n, term, loaded) for a in segment.leaves]),
                ),
            )
            for n, total in enumerate(totals)
        ]

    def _add_up(self, target: Address, outer: Any, inner: Any, totals: list[Any]) -> None:
        """Add to outputs the sums of their numbers over the points."""
        b = self.builder
        if self.lanes > 1:
            sums = self._halved(totals)
            if target.strides[1] == 1 and sums.type.count == len(totals):
                pointer = self._at(self.places[OUTPUT], self._number(target, outer, inner, 0, None))
                pointer = b.bitcast(pointer, sums.type.as_pointer())
                b.store(b.fadd(self._so_far(b.load(pointer, align=8)), sums), pointer, align=8)
                return
            totals = [b.extract_element(sums, LANE(n)) for n in range(len(totals))]
        for n, total in enumerate(totals):
            pointer = self._at(self.places[OUTPUT], self._number(target, outer, inner, n, None))
            b.store(b.fadd(self._so_far(b.load(pointer)), total), pointer)

    def _so_far(self, number: Any) -> Any:
        """What an output has been until now: 0 before the first points."""
        return self.builder.select(self.begins, _zero(number.type), number)

    def _leaf(
        self, address: Address, outer: Any, inner: Any, n: int, term: Any, loaded: dict[Any, Any]
    ) -> Any:
        key = address.place, address.base + n * address.strides[1], address.strides
        if key not in loaded:
            index = self._number(address, outer, inner, n, term)
            if address.place == LANES:
                loaded[key] = self._read(index)
            else:
                loaded[key] = self._spread(
                    self.builder.load(self._at(self.places[address.place], index))
                )
        return loaded[key]


def _zero(kind: Any) -> Any:
    return ir.Constant(kind, 0.0 if kind == DOUBLE else None)


def _even(count: int, most: int) -> int:
    """Of how many statements side by side a loop is made, without a rest if that can be had."""
    few = [n for n in range(min(most, count), most // 2, -1) if count % n == 0]
    return few[0] if few else min(most, count)
