"""Code for programs that are long and irregular, where compiling each would take too long: one loop
that reads them.

A program is data here: for each instruction the number of a gate, the slot of its result and those
of its operands. The same code runs every such program, so it is compiled once. Sums are taken apart
into additions, and slots are used again when their number is no longer needed, which keeps the
memory small that the loop works in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...lowering import FUNCTIONS, INSTRUCTIONS, operation
from ...program import FlatProgram, Floats, Integers
from .emission import INDEX, LANE, Code, index_of
from .rolling import LANES, OUTPUT

# others are taken apart
GATES = {name: row for name, row in (INSTRUCTIONS | FUNCTIONS).items() if not row.variadic}
NUMBERS = {name: number for number, name in enumerate(GATES)}
_ADD, _MUL = NUMBERS["fadd"], NUMBERS["fmul"]
# integers: inputs, parameters, constants, slots, outputs, instructions; gate, result, three
# operands
HEADER, RECORD = 6, 5


class Dispatcher(Code):
    """kernel(count of points, points, parameters, constants, scratch, outputs, program),
    for every program.
    """

    def __init__(self, lanes: int, summed: bool) -> None:
        super().__init__(lanes, summed)
        self.builder = b = self._begun()
        count, points, parameters, constants, scratch, outputs, self.program = b.function.args
        inputs, shared, fixed, slots, given, length = [
            self._integer(index_of(i)) for i in range(HEADER)
        ]
        records = b.add(index_of(HEADER), given)
        self.places = {LANES: scratch, OUTPUT: outputs}
        for numbers, how_many, first in (
            (parameters, shared, inputs),
            (constants, fixed, b.add(inputs, shared)),
        ):
            with self._loop(how_many, 1) as i:
                self._write(LANES, b.add(first, i), self._spread(b.load(self._at(numbers, i))))
        if summed:
            self._clear(outputs, given)
        with self._loop(count, lanes) as point:
            self._load(count, points, point, inputs)
            with self._loop(length, 1) as i:
                self._instruction(b.add(records, b.mul(i, index_of(RECORD))))
            self.valid = self._valid(count, point)
            if not summed:  # past the slots, or with a point alone where it belongs
                self.places[OUTPUT] = (
                    self._at(outputs, b.mul(point, given))
                    if lanes == 1
                    else self._at(scratch, b.mul(slots, index_of(lanes)))
                )
            with self._loop(given, 1) as k:
                number = self._read(self._integer(b.add(index_of(HEADER), k)))
                if summed:
                    at = self._at(outputs, k)
                    total = (
                        number if lanes == 1 else b.extract_element(self._halved([number]), LANE(0))
                    )
                    b.store(b.fadd(b.load(at), total), at)
                else:
                    self._write(OUTPUT, k, number)
            if not summed and lanes > 1:
                self._store(count, point, given, outputs)
        b.ret_void()

    def _instruction(self, record: Any) -> None:
        """One case for each gate."""
        b = self.builder
        gate, result, *operands = [self._integer(b.add(record, index_of(i))) for i in range(RECORD)]
        after = b.append_basic_block()
        switch = b.switch(gate, after)
        for number, (name, row) in enumerate(GATES.items()):
            case = b.append_basic_block()
            switch.add_case(index_of(number), case)
            b.position_at_end(case)
            numbers = [self._read(operand) for operand in operands[: row.arity]]
            self._write(LANES, result, self._gate(name, numbers))
            b.branch(after)
        b.position_at_end(after)

    def _integer(self, index: Any) -> Any:
        b = self.builder
        return b.zext(b.load(b.gep(self.program, [index], source_etype=LANE)), INDEX)


def _last_needed(program: FlatProgram, operands_of: list[list[int]]) -> list[int]:
    """For each register the last instruction that needs it:
    -1 where none does, one past the end for what must stay.
    """
    last = [len(program)] * program.first + [-1] * len(program)
    for i, operands in enumerate(operands_of):
        for o in operands:
            last[o] = max(last[o], i)
    for o in program.outputs.tolist():
        last[o] = len(program)
    return last


class Data(NamedTuple):
    """A program as numbers: what the code reads, the constants, and how many slots it needs."""

    program: Integers
    constants: Floats
    slots: int


def as_data(program: FlatProgram) -> Data:
    """A lowered program, its sums taken apart, its slots shared out."""
    rows, operands_of, first = program.rows(), program.operands_of(), program.first
    last = _last_needed(program, operands_of)
    # two constants, and a slot for the products of a dot
    zero, nothing, product = first, first + 1, first + 2
    slot, slots, free = [*range(first)], first + 3, list[int]()
    records: list[int] = []
    for i, (row, operands) in enumerate(zip(rows, operands_of)):
        if not free:
            free, slots = [slots], slots + 1
        result, of = free.pop(), [slot[o] for o in operands]
        slot.append(result)
        name = operation(row)
        if name == "sum":
            for total, x in zip([zero, *[result] * len(of)], of or [nothing]):
                records += _ADD, result, total, x, 0
        elif name == "dot":
            half = len(of) // 2 + 1
            records += _ADD, result, of[0], nothing, 0
            for w, x in zip(of[1:half], of[half:]):
                records += _MUL, product, w, x, 0, _ADD, result, result, product, 0
        else:
            records += NUMBERS[name], result, *of, *[0] * (3 - len(of))
        free += [slot[o] for o in {*operands} if last[o] == i]
        if last[first + i] < 0:
            free.append(result)
    header = [
        program.inputs,
        program.parameters,
        len(program.constants) + 2,
        slots,
        len(program.outputs),
        len(records) // RECORD,
        *[slot[o] for o in program.outputs.tolist()],
    ]
    return Data(
        np.array(header + records, dtype=np.int32), np.append(program.constants, (0.0, -0.0)), slots
    )
