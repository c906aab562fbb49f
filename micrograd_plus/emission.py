"""Rolled-up programs written as LLVM's intermediate code.

Several rows run side by side, one in each lane of a vector, or a single row alone. No operation is reassociated or
contracted, and functions are the C library's, so every number has the bits that Python gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from .lowering import INSTRUCTIONS
from .rolling import LANES, LEAF, OUTPUT, PARAMETER, SHARED, Address, Nest, Rolled, Segment, Shape

DOUBLE, INDEX, LANE = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
POINTER = DOUBLE.as_pointer()
JAM = 4  # statements of a nest that run side by side, so that additions need not wait for each other


class Code:
    """One module of code for a rolled-up program: `lanes` rows at a time, their outputs summed or given one by one."""

    def __init__(self, program: Rolled, inputs: int, outputs: int, lanes: int, summed: bool) -> None:
        self.program, self.inputs, self.outputs, self.lanes, self.summed = program, inputs, outputs, lanes, summed
        self.module = ir.Module()
        self.number = ir.VectorType(DOUBLE, lanes) if lanes > 1 else DOUBLE
        self.called: set[str] = set()
        self._prologue()
        self._kernel()

    def _function(self, name: str, arguments: Sequence[ir.Type]) -> ir.IRBuilder:
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), arguments), name)
        for argument in function.args:
            if argument.type == POINTER:
                argument.add_attribute("noalias")
        return ir.IRBuilder(function.append_basic_block())

    def _prologue(self) -> None:
        """prologue(parameters, shared): what all rows have in common."""
        self.builder = self._function("prologue", [POINTER, POINTER])
        parameters, shared = self.builder.function.args
        self.places, self.width = {PARAMETER: parameters, SHARED: shared}, 1
        for nest in self.program.prologue:
            self._nest(nest)
        self.builder.ret_void()

    def _kernel(self) -> None:
        """kernel(count of rows, rows, parameters, shared, scratch, outputs)."""
        self.builder = self._function("kernel", [INDEX, *[POINTER] * 5])
        count, rows, parameters, shared, scratch, outputs = self.builder.function.args
        self.builder.call(self.module.globals["prologue"], [parameters, shared])
        self.places = {PARAMETER: parameters, SHARED: shared, LANES: scratch, OUTPUT: outputs}
        self.width = self.lanes
        with self._loop(count, self.lanes) as row:
            self._load(count, rows, row)
            if self.summed:
                self.valid = self._valid(count, row)
            elif self.lanes == 1:
                self.places[OUTPUT] = self._at(outputs, self.builder.mul(row, _index(self.outputs)))
            else:
                self.places[OUTPUT] = self._at(scratch, _index(self.program.lanes * self.lanes))
            for nest in self.program.body:
                self._nest(nest)
            if self.lanes > 1 and not self.summed:
                self._store(count, row, outputs)
        self.builder.ret_void()

    def _load(self, count: Any, rows: Any, row: Any) -> None:
        """Bring rows into lanes; lanes beyond the last row repeat it."""
        b = self.builder
        last, starts = b.sub(count, _index(1)), []
        for lane in range(self.lanes):
            at = b.add(row, _index(lane))
            starts.append(b.mul(b.select(b.icmp_unsigned("<", at, last), at, last), _index(self.inputs)))
        with self._loop(_index(self.inputs), 1) as j:
            numbers = [b.load(self._at(rows, b.add(start, j))) for start in starts]
            self._write(LANES, j, self._vector(numbers))

    def _store(self, count: Any, row: Any, outputs: Any) -> None:
        """Write the outputs of the rows that there are."""
        b = self.builder
        left = b.sub(count, row)
        here = b.select(b.icmp_unsigned("<", left, _index(self.lanes)), left, _index(self.lanes))
        with self._loop(here, 1) as lane, self._loop(_index(self.outputs), 1) as k:
            number = b.load(self._at(self.places[OUTPUT], b.add(b.mul(k, _index(self.lanes)), lane)))
            to = b.add(b.mul(b.add(row, lane), _index(self.outputs)), k)
            b.store(number, self._at(outputs, to))

    def _valid(self, count: Any, row: Any) -> Any:
        """Which lanes hold a row."""
        if self.lanes == 1:
            return None
        left = self.builder.sub(count, row)
        lanes = ir.VectorType(INDEX, self.lanes)
        numbers = ir.Constant(lanes, [INDEX(lane) for lane in range(self.lanes)])
        return self.builder.icmp_signed("<", numbers, self._broadcast(left, lanes))

    # Nests of statements. ---------------------------------------------------------------------------------------------
    def _nest(self, nest: Nest) -> None:
        jammed = nest.inner - nest.inner % JAM
        with self._loop(_index(nest.outer), 1) as outer:
            if jammed:
                with self._loop(_index(jammed), JAM) as inner:
                    self._statements(nest, outer, inner, JAM)
            if jammed < nest.inner:
                with self._loop(_index(nest.inner - jammed), 1) as inner:
                    self._statements(nest, outer, self.builder.add(inner, _index(jammed)), 1)

    def _statements(self, nest: Nest, outer: Any, inner: Any, together: int) -> None:
        """Some statements next to each other: their heads, then the terms of each segment, added in order."""
        side_by_side = range(together)
        loaded: dict[Any, Any] = {}
        totals = [self._tree(nest.shape, iter([self._leaf(a, outer, inner, n, None, loaded) for a in nest.leaves]))
                  for n in side_by_side]
        for segment in nest.segments:
            if segment.count == 1:
                totals = self._added(totals, segment, outer, inner, None)
            else:
                with self._loop(_index(segment.count), 1, totals) as (term, *so_far):
                    self.carried = self._added(so_far, segment, outer, inner, term)
                totals = self.results
        if nest.target.place == OUTPUT and self.summed:
            self._add_up(nest.target, outer, inner, totals)
        else:
            for n, total in zip(side_by_side, totals):
                self._write(nest.target.place, self._number(nest.target, outer, inner, n, None), total)

    def _added(self, totals: Sequence[Any], segment: Segment, outer: Any, inner: Any, term: Any) -> list[Any]:
        loaded: dict[Any, Any] = {}
        return [self.builder.fadd(total, self._tree(segment.shape, iter(
            [self._leaf(a, outer, inner, n, term, loaded) for a in segment.leaves]))) for n, total in enumerate(totals)]

    def _add_up(self, target: Address, outer: Any, inner: Any, totals: list[Any]) -> None:
        """Add to outputs the sums of their numbers over the rows."""
        b = self.builder
        if self.lanes > 1:
            zeros = self._broadcast(ir.Constant(DOUBLE, 0.0))
            sums = self._halved([b.select(self.valid, total, zeros) for total in totals])
            if target.strides[1] == 1:
                pointer = self._at(self.places[OUTPUT], self._number(target, outer, inner, 0, None))
                pointer = b.bitcast(pointer, sums.type.as_pointer())
                b.store(b.fadd(b.load(pointer, align=8), sums), pointer, align=8)
                return
            totals = [b.extract_element(sums, LANE(n)) for n in range(len(totals))]
        for n, total in enumerate(totals):
            pointer = self._at(self.places[OUTPUT], self._number(target, outer, inner, n, None))
            b.store(b.fadd(b.load(pointer), total), pointer)

    def _halved(self, vectors: list[Any]) -> Any:
        """The sums of vectors over their lanes, by halves, as one vector; two share the work while there are two."""
        lanes = self.lanes
        while lanes > 1:
            half = lanes // 2
            pairs = list(zip(vectors[::2], vectors[1::2])) or [(vectors[0], None)]
            vectors = [self._folded(first, second, lanes, half) for first, second in pairs]
            lanes = half
        return vectors[0]

    def _folded(self, first: Any, second: Any, lanes: int, half: int) -> Any:
        """Of one or two vectors that hold numbers of several lanes each, the lower half of the lanes plus the upper."""
        size = first.type.count * (1 if second is None else 2)
        second = ir.Constant(first.type, ir.Undefined) if second is None else second
        low = [i for start in range(0, size, lanes) for i in range(start, start + half)]
        masks = [ir.Constant(ir.VectorType(LANE, len(low)), [LANE(i + shift) for i in low]) for shift in (0, half)]
        return self.builder.fadd(*[self.builder.shuffle_vector(first, second, mask) for mask in masks])

    # Numbers in memory. -----------------------------------------------------------------------------------------------
    def _number(self, address: Address, outer: Any, inner: Any, n: int, term: Any) -> Any:
        b = self.builder
        index = _index(address.base + n * address.strides[1])
        for variable, stride in zip((outer, inner, term), address.strides):
            if stride and variable is not None:
                index = b.add(index, b.mul(variable, _index(stride)))
        return index

    def _leaf(self, address: Address, outer: Any, inner: Any, n: int, term: Any, loaded: dict[Any, Any]) -> Any:
        key = address.place, address.base + n * address.strides[1], address.strides
        if key not in loaded:
            b, index = self.builder, self._number(address, outer, inner, n, term)
            if address.place == LANES and self.width > 1:
                pointer = self._at(self.places[LANES], b.mul(index, _index(self.lanes)))
                loaded[key] = b.load(b.bitcast(pointer, self.number.as_pointer()), align=8)
            else:
                number = b.load(self._at(self.places[address.place], index))
                loaded[key] = self._broadcast(number) if self.width > 1 else number
        return loaded[key]

    def _write(self, place: str, index: Any, number: Any) -> None:
        b = self.builder
        if number.type == DOUBLE:
            b.store(number, self._at(self.places[place], index))
        else:
            pointer = self._at(self.places[place], b.mul(index, _index(self.lanes)))
            b.store(number, b.bitcast(pointer, self.number.as_pointer()), align=8)

    def _at(self, pointer: Any, index: Any) -> Any:
        return self.builder.gep(pointer, [index], source_etype=DOUBLE)

    def _vector(self, numbers: Sequence[Any]) -> Any:
        if len(numbers) == 1:
            return numbers[0]
        vector = ir.Constant(self.number, ir.Undefined)
        for lane, number in enumerate(numbers):
            vector = self.builder.insert_element(vector, number, LANE(lane))
        return vector

    def _broadcast(self, number: Any, kind: Any = None) -> Any:
        kind = kind or self.number
        zeros = ir.Constant(ir.VectorType(LANE, kind.count), None)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), number, LANE(0))
        return self.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)

    # Rows of the table. -----------------------------------------------------------------------------------------------
    def _tree(self, shape: Shape, leaves: Iterator[Any]) -> Any:
        """The instructions of an expression."""
        if shape == LEAF:
            return next(leaves)
        name, *operands = shape
        if name == "=":
            number = ir.Constant(DOUBLE, float(operands[0]))
            return number if self.width == 1 else self._broadcast(number)
        return self._gate(name, [self._tree(operand, leaves) for operand in operands])

    def _gate(self, name: str, operands: list[Any]) -> Any:
        b, instruction = self.builder, INSTRUCTIONS.get(name)
        kind = operands[0].type
        zero = ir.Constant(kind, 0.0 if kind == DOUBLE else [0.0] * kind.count)
        if instruction == "select":
            return b.select(b.fcmp_unordered("!=", operands[0], zero), *operands[1:])
        if name in ("less", "less_equal", "equal"):
            symbol = {"less": "<", "less_equal": "<=", "equal": "=="}[name]
            return b.uitofp(b.fcmp_ordered(symbol, *operands), kind)
        if name in ("abs", "sqrt"):
            return b.call(self._intrinsic("llvm.fabs" if name == "abs" else "llvm.sqrt", kind), operands)
        if instruction:
            return getattr(b, instruction)(*operands)
        return b.call(self._c_function(name, kind, len(operands)), operands)

    def _intrinsic(self, name: str, kind: Any) -> Any:
        """LLVM's own function of numbers or vectors."""
        named = f"{name}.f64" if kind == DOUBLE else f"{name}.v{kind.count}f64"
        return self.module.globals.get(named) or ir.Function(self.module, ir.FunctionType(kind, [kind]), named)

    def _c_function(self, name: str, kind: Any, arity: int) -> Any:
        """A function of the C library, for one number or lane by lane."""
        self.called.add(name)
        wanted = f"c_{name}" if kind == DOUBLE else f"lanes_{name}"
        if wanted in self.module.globals:
            return self.module.globals[wanted]
        function = ir.Function(self.module, ir.FunctionType(kind, [kind] * arity), wanted)
        if kind != DOUBLE:
            function.linkage = "internal"
            function.attributes.add("noinline")
            single, outside = self._c_function(name, DOUBLE, arity), self.builder
            self.builder = ir.IRBuilder(function.append_basic_block())
            with self._loop(_index(kind.count), 1, [ir.Constant(kind, ir.Undefined)]) as (lane, vector):
                number = self.builder.call(single, [self.builder.extract_element(a, lane) for a in function.args])
                self.carried = [self.builder.insert_element(vector, number, lane)]
            self.builder.ret(self.results[0])
            self.builder = outside
        return function

    @contextmanager
    def _loop(self, count: Any, step: int, carried: Sequence[Any] = ()) -> Iterator[Any]:
        """A loop over 0, step, ... below count; numbers it carries are set in `carried` and end in `results`."""
        b = self.builder
        if isinstance(count, ir.Constant) and 0 < count.constant <= step and not carried:
            yield _index(0)
            return
        before = b.block
        head, body, after = [b.append_basic_block() for _ in range(3)]
        b.branch(head)
        b.position_at_end(head)
        i = b.phi(INDEX)
        i.add_incoming(_index(0), before)
        phis = [b.phi(number.type) for number in carried]
        for phi, number in zip(phis, carried):
            phi.add_incoming(number, before)
        b.cbranch(b.icmp_signed("<", i, count), body, after)
        b.position_at_end(body)
        yield (i, *phis) if carried else i
        i.add_incoming(b.add(i, _index(step)), b.block)
        for phi, number in zip(phis, self.carried if carried else ()):
            phi.add_incoming(number, b.block)
        b.branch(head)
        b.position_at_end(after)
        self.results = phis


def _index(number: int) -> Any:
    return ir.Constant(INDEX, number)
