"""What all machine code for tapes is made of, as LLVM's intermediate code: points in lanes, gates,
loops.

Several points run side by side, one in each lane of a vector, or a single point alone. No operation
is reassociated or contracted, and functions are the C library's, so every number has the bits that
Python gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from llvmlite import ir

from ...lowering import FUNCTIONS
from ..turns import give_way
from .rolling import LANES, OUTPUT

DOUBLE, INDEX, LANE = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
POINTER = DOUBLE.as_pointer()
TURN = 8  # numbers of a vector, and vectors, in a block whose rows become columns
EIGHT = ir.VectorType(DOUBLE, TURN)
INTRINSICS = {"fabs": "llvm.fabs", "sqrt": "llvm.sqrt"}
COMPARISONS = {"olt": "<", "ole": "<=", "oeq": "=="}


class Code:
    """A module of code that takes `lanes` points at a time
    and sums their outputs or gives them one by one.
    """

    builder: Any
    places: dict[str, Any]
    valid: Any  # which lanes hold a point; None where all do

    def __init__(self, lanes: int, summed: bool) -> None:
        self.lanes, self.summed = lanes, summed
        # of the numbers in hand: a lane each, or 1 where all points have something in common
        self.width = lanes
        self.module = ir.Module()
        self.number = ir.VectorType(DOUBLE, lanes) if lanes > 1 else DOUBLE
        self.called: set[str] = set()
        self._finished: list[Any] = []  # functions, and their texts
        self._texts: list[str] = []

    def text(self) -> str:
        """The module in writing; only once, for then it is taken apart: half a megabyte of parts
        that hold each other in circles would wait for the collector.
        """
        text = "\n".join([str(self.module), *self._texts])
        for function in (*self.module.functions, *self._finished):
            _empty(function)
            vars(function).clear()
        self.module.globals.clear()
        return text

    def _finish(self, function: Any) -> None:
        """Put a function in writing at once, of which only the name is needed from now on: so few
        parts of a long module are there at a time, through which the collector goes again and
        again.
        """
        self._texts.append(str(function))
        give_way()
        _empty(function)
        del self.module.globals[function.name]
        self._finished.append(function)

    def _begun(self) -> ir.IRBuilder:
        """What writes the kernel: a count, five places of numbers, and that of a program."""
        arguments = [INDEX, *[POINTER] * 5, LANE.as_pointer()]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), arguments), "kernel")
        for argument in function.args:
            if isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")
        return ir.IRBuilder(function.append_basic_block())

    def _starts(self, count: Any, point: Any, inputs: Any) -> list[Any]:
        """Where the point of each lane begins; that of a lane beyond the last is the last one."""
        b = self.builder
        last, starts = b.sub(count, index_of(1)), []
        for lane in range(self.lanes):
            at = b.add(point, index_of(lane))
            starts.append(b.mul(b.select(b.icmp_unsigned("<", at, last), at, last), inputs))
        return starts

    def _load(self, count: Any, points: Any, point: Any, inputs: Any) -> None:
        """Bring points into lanes; lanes beyond the last point repeat it."""
        b = self.builder
        starts = self._starts(count, point, inputs)
        done = index_of(0)
        if self.lanes > 1:
            done = b.and_(inputs, index_of(-TURN))
            with self._loop(done, TURN) as j:
                rows = [self._vector_at(points, b.add(start, j)) for start in starts]
                blocks = [self._turned(rows[n : n + TURN]) for n in range(0, self.lanes, TURN)]
                for n, parts in enumerate(zip(*blocks)):
                    self._write(LANES, b.add(j, index_of(n)), self._joined(parts))
        with self._loop(b.sub(inputs, done), 1) as n:
            j = b.add(done, n)
            numbers = [b.load(self._at(points, b.add(start, j))) for start in starts]
            self._write(LANES, j, self._vector(numbers))

    def _turned(self, rows: Sequence[Any]) -> list[Any]:
        """As many vectors as each has numbers, their rows as columns: halves change places, then
        halves of these, and so on.
        """
        size, found = len(rows), list(rows)
        step = size // 2
        while step:
            low = [i + (size - step if i & step else 0) for i in range(size)]
            high = [i + (size if i & step else step) for i in range(size)]
            masks = [_places(low), _places(high)]
            for i in range(size):
                if not i & step:
                    pair = found[i], found[i + step]
                    found[i], found[i + step] = [
                        self.builder.shuffle_vector(*pair, mask) for mask in masks
                    ]
            step //= 2
        return found

    def _joined(self, parts: Sequence[Any]) -> Any:
        """Two vectors one after the other."""
        first, second = parts
        return self.builder.shuffle_vector(first, second, _places(range(self.lanes)))

    def _vector_at(self, place: Any, index: Any) -> Any:
        """Eight numbers that lie side by side."""
        pointer = self.builder.bitcast(self._at(place, index), EIGHT.as_pointer())
        return self.builder.load(pointer, align=8)

    def _store(self, count: Any, point: Any, outputs: Any, to: Any) -> None:
        """Write the outputs of the points that there are."""
        b = self.builder
        left = b.sub(count, point)
        here = b.select(
            b.icmp_unsigned("<", left, index_of(self.lanes)), left, index_of(self.lanes)
        )
        with self._loop(here, 1) as lane, self._loop(outputs, 1) as k:
            number = b.load(
                self._at(self.places[OUTPUT], b.add(b.mul(k, index_of(self.lanes)), lane))
            )
            b.store(number, self._at(to, b.add(b.mul(b.add(point, lane), outputs), k)))

    def _clear(self, outputs: Any, count: Any) -> None:
        """Sums begin with 0."""
        with self._loop(count, 1) as k:
            self.builder.store(DOUBLE(0.0), self._at(outputs, k))

    def _valid(self, count: Any, point: Any) -> Any:
        """Which lanes hold a point."""
        if self.lanes == 1:
            return None
        left = self.builder.sub(count, point)
        lanes = ir.VectorType(INDEX, self.lanes)
        numbers = ir.Constant(lanes, [INDEX(lane) for lane in range(self.lanes)])
        return self.builder.icmp_signed("<", numbers, self._broadcast(left, lanes))

    def _halved(self, vectors: list[Any]) -> Any:
        """The sums of vectors over lanes that hold a point, by halves, as one vector;
        two share the work if they can.
        """
        lanes, zeros, vectors = self.lanes, zeros_of(self.number), list(vectors)
        if self.valid is not None:
            vectors = [self.builder.select(self.valid, vector, zeros) for vector in vectors]
        while len(vectors) & (len(vectors) - 1):
            vectors.append(vectors[-1])
        while lanes > 1:
            half = lanes // 2
            pairs = list(zip(vectors[::2], vectors[1::2])) or [(vectors[0], None)]
            vectors = [self._folded(first, second, lanes, half) for first, second in pairs]
            lanes = half
        return vectors[0]

    def _folded(self, first: Any, second: Any, lanes: int, half: int) -> Any:
        """Of one or two vectors that hold numbers of several lanes each,
        the lower half of the lanes plus the upper.
        """
        size = first.type.count * (1 if second is None else 2)
        second = _undefined(first.type) if second is None else second
        low = [i for start in range(0, size, lanes) for i in range(start, start + half)]
        masks = [_places([i + shift for i in low]) for shift in (0, half)]
        return self.builder.fadd(
            *[self.builder.shuffle_vector(first, second, mask) for mask in masks]
        )

    # Numbers in memory. ---------------------------------------------------------------------------
    def _read(self, index: Any) -> Any:
        """A number of each lane."""
        b = self.builder
        if self.lanes == 1:
            return b.load(self._at(self.places[LANES], index))
        return b.load(self._vector_of(LANES, index), align=8)

    def _write(self, place: str, index: Any, number: Any) -> None:
        b = self.builder
        if number.type == DOUBLE:
            b.store(number, self._at(self.places[place], index))
        else:
            b.store(number, self._vector_of(place, index), align=8)

    def _vector_of(self, place: str, index: Any) -> Any:
        """Where a number of each lane lies."""
        vectors = self.builder.bitcast(self.places[place], self.number.as_pointer())
        return self.builder.gep(vectors, [index], source_etype=self.number)

    def _at(self, pointer: Any, index: Any) -> Any:
        return self.builder.gep(pointer, [index], source_etype=DOUBLE)

    def _vector(self, numbers: Sequence[Any]) -> Any:
        if len(numbers) == 1:
            return numbers[0]
        vector = _undefined(vector_type(DOUBLE, len(numbers)))
        for lane, number in enumerate(numbers):
            vector = self.builder.insert_element(vector, number, LANE(lane))
        return vector

    def _spread(self, number: Any) -> Any:
        """One number for all lanes."""
        return number if self.width == 1 else self._broadcast(number)

    def _broadcast(self, number: Any, kind: Any = None) -> Any:
        kind = kind or self.number
        zeros = zeros_of(vector_type(LANE, kind.count))
        first = self.builder.insert_element(_undefined(kind), number, LANE(0))
        return self.builder.shuffle_vector(first, _undefined(kind), zeros)

    # Rows of the table. ---------------------------------------------------------------------------
    def _gate(self, name: str, operands: list[Any]) -> Any:
        b, kind = self.builder, operands[0].type
        if name in FUNCTIONS:
            return b.call(self._c_function(name, kind, len(operands)), operands)
        if name in INTRINSICS:
            return b.call(self._intrinsic(INTRINSICS[name], kind), operands)
        if name in COMPARISONS:
            return b.uitofp(b.fcmp_ordered(COMPARISONS[name], *operands), kind)
        if name == "select":
            zero = ir.Constant(kind, 0.0 if kind == DOUBLE else None)
            return b.select(b.fcmp_unordered("!=", operands[0], zero), *operands[1:])
        return getattr(b, name)(*operands)

    def _intrinsic(self, name: str, kind: Any) -> Any:
        """LLVM's own function of numbers or vectors."""
        named = f"{name}.f64" if kind == DOUBLE else f"{name}.v{kind.count}f64"
        return self.module.globals.get(named) or ir.Function(
            self.module, ir.FunctionType(kind, [kind]), named
        )

    def _c_function(self, name: str, kind: Any, arity: int) -> Any:
        """A function of the C library, for one number or lane by lane."""
        self.called.add(name)
        wanted = f"c_{name}" if kind == DOUBLE else f"lanes{kind.count}_{name}"
        if wanted in self.module.globals:
            return self.module.globals[wanted]
        function = ir.Function(self.module, ir.FunctionType(kind, [kind] * arity), wanted)
        if kind != DOUBLE:
            function.linkage = "internal"
            function.attributes.add("noinline")
            single, outside = self._c_function(name, DOUBLE, arity), self.builder
            self.builder = b = ir.IRBuilder(function.append_basic_block())
            vector = ir.Constant(kind, ir.Undefined)
            # no loop: a lane by its number can stay in a register
            for lane in map(LANE, range(kind.count)):
                number = b.call(single, [b.extract_element(a, lane) for a in function.args])
                vector = b.insert_element(vector, number, lane)
            b.ret(vector)
            self.builder = outside
        return function

    @contextmanager
    def _loop(self, count: Any, step: int, carried: Carried | None = None) -> Iterator[Any]:
        """A loop over 0, step, ... below count, which may carry numbers from time to time."""
        b = self.builder
        if isinstance(count, ir.Constant) and 0 < count.constant <= step and carried is None:
            yield index_of(0)
            return
        before = b.block
        head, body, after = [b.append_basic_block() for _ in range(3)]
        b.branch(head)
        b.position_at_end(head)
        i = b.phi(INDEX)
        i.add_incoming(index_of(0), before)
        phis = carried.begun(b, before) if carried else []
        b.cbranch(b.icmp_signed("<", i, count), body, after)
        b.position_at_end(body)
        yield i
        i.add_incoming(b.add(i, index_of(step)), b.block)
        for phi, number in zip(phis, carried.following if carried else ()):
            phi.add_incoming(number, b.block)
        b.branch(head)
        b.position_at_end(after)


class Carried:
    """Numbers that a loop carries: `numbers` are those at hand, in the loop and after it; the loop
    sets `following`, those for the next time.
    """

    following: Sequence[Any] = ()

    def __init__(self, numbers: Sequence[Any]) -> None:
        self.numbers = numbers

    def begun(self, builder: Any, before: Any) -> Sequence[Any]:
        """The numbers as the loop has them, which at first are those from the block before it."""
        phis = [builder.phi(number.type) for number in self.numbers]
        for phi, number in zip(phis, self.numbers):
            phi.add_incoming(number, before)
        self.numbers = phis
        return phis


def index_of(number: int) -> Any:
    """A constant for counting and addressing."""
    return ir.Constant(INDEX, number)


def _places(numbers: Sequence[int]) -> Any:
    """The lanes that a vector is made of."""
    return _places_of(tuple(numbers))


# What is written again and again is put in writing once. ------------------------------------------
@cache
def _places_of(numbers: tuple[int, ...]) -> Any:
    return ir.Constant(vector_type(LANE, len(numbers)), [LANE(n) for n in numbers])


@cache
def vector_type(kind: Any, count: int) -> Any:
    """The type of so many numbers."""
    return ir.VectorType(kind, count)


@cache
def zeros_of(kind: Any) -> Any:
    """A vector of zeros."""
    return ir.Constant(kind, None)


@cache
def _undefined(kind: Any) -> Any:
    return ir.Constant(kind, ir.Undefined)


def _empty(function: Any) -> None:
    """Leave nothing of what is in a function: each instruction holds its block, and in a loop they
    hold each other.
    """
    for block in function.blocks:
        for instruction in block.instructions:
            getattr(instruction, "__dict__", {}).clear()
        vars(block).clear()
    function.blocks.clear()
