"""Rolled-up programs written as LLVM's intermediate code:
loops over statements, straight lines where there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .emission import DOUBLE, LANE, Carried, Code, index_of
from .rolling import LANES, LEAF, OUTPUT, PARAMETER, SHARED, Address, Nest, Rolled, Segment, Shape

# statements of a nest that run side by side, so that additions need not wait for each other
JAM = 4
LONG, MANY = 64, 1024  # statements of an inner loop, and of its nest, from which on vectors pay
# turns of an outer loop that go through the inner one together, while what they read is near
TILE = 2


class Loops(Code):
    """One module of code for a rolled-up program: `lanes` points at a time,
    their outputs summed or given one by one.
    """

    def __init__(
        self, program: Rolled, inputs: int, outputs: int, lanes: int, summed: bool
    ) -> None:
        super().__init__(lanes, summed)
        self.program, self.inputs, self.outputs = program, inputs, outputs
        self.has_long_loops = lanes == 1 and any(map(_is_long, program.body))
        self._kernel()

    def _kernel(self) -> None:
        """kernel(count of points, points, parameters, shared, scratch, outputs, nothing)."""
        self.builder = self._begun()
        count, points, parameters, shared, scratch, outputs, _ = self.builder.function.args
        self.places, self.width = {PARAMETER: parameters, SHARED: shared}, 1
        for nest in self.program.prologue:  # what all points have in common
            self._nest(nest)
        self.places |= {LANES: scratch, OUTPUT: outputs}
        if self.summed:
            self._clear(outputs, index_of(self.outputs))
        self.width = self.lanes
        with self._loop(count, self.lanes) as point:
            self._load(count, points, point, index_of(self.inputs))
            if self.summed:
                self.valid = self._valid(count, point)
            elif self.lanes == 1:
                self.places[OUTPUT] = self._at(
                    outputs, self.builder.mul(point, index_of(self.outputs))
                )
            else:
                self.places[OUTPUT] = self._at(scratch, index_of(self.program.lanes * self.lanes))
            for nest in self.program.body:
                self._nest(nest)
            if self.lanes > 1 and not self.summed:
                self._store(count, point, index_of(self.outputs), outputs)
        self.builder.ret_void()

    def _nest(self, nest: Nest) -> None:
        sums = nest.target.place == OUTPUT and self.summed and self.lanes > 1
        tiled = nest.outer - nest.outer % TILE if sums else 0
        if tiled:
            with self._loop(index_of(tiled), TILE) as outer:
                self._turns(nest, [self.builder.add(outer, index_of(n)) for n in range(TILE)])
        if tiled < nest.outer:
            with self._loop(index_of(nest.outer - tiled), 1) as outer:
                self._turns(nest, [self.builder.add(outer, index_of(tiled))])

    def _turns(self, nest: Nest, outers: Sequence[Any]) -> None:
        """The inner loop, for one or several turns of the outer one."""
        jammed = nest.inner - nest.inner % JAM
        if jammed:
            with self._loop(index_of(jammed), JAM) as inner:
                for outer in outers:
                    self._statements(nest, outer, inner, JAM)
        if jammed < nest.inner:
            with self._loop(index_of(nest.inner - jammed), 1) as inner:
                for outer in outers:
                    self._statements(nest, outer, self.builder.add(inner, index_of(jammed)), 1)

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
            if target.strides[1] == 1:
                pointer = self._at(self.places[OUTPUT], self._number(target, outer, inner, 0, None))
                pointer = b.bitcast(pointer, sums.type.as_pointer())
                b.store(b.fadd(b.load(pointer, align=8), sums), pointer, align=8)
                return
            totals = [b.extract_element(sums, LANE(n)) for n in range(len(totals))]
        for n, total in enumerate(totals):
            pointer = self._at(self.places[OUTPUT], self._number(target, outer, inner, n, None))
            b.store(b.fadd(b.load(pointer), total), pointer)

    def _number(self, address: Address, outer: Any, inner: Any, n: int, term: Any) -> Any:
        b = self.builder
        index = index_of(address.base + n * address.strides[1])
        for variable, stride in zip((outer, inner, term), address.strides):
            if stride and variable is not None:
                index = b.add(index, b.mul(variable, index_of(stride)))
        return index

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

    def _written(self, shape: Shape, leaves: Iterator[Any]) -> Any:
        """The instructions of an expression."""
        if shape == LEAF:
            return next(leaves)
        name, *operands = shape
        if name == "=":
            return self._spread(DOUBLE(float(operands[0])))
        return self._gate(name, [self._written(operand, leaves) for operand in operands])


def _is_long(nest: Nest) -> bool:
    """Whether the loop vectorizer pays: it takes plain statements only,
    for terms are added in order.
    """
    return (
        nest.inner >= LONG
        and nest.outer * nest.inner >= MANY
        and all(s.count == 1 for s in nest.segments)
    )
