"""A program as data, which one loop reads: for each instruction the number of a gate, the slot of
its result and those of its operands.

Sums are taken apart into additions, and slots are used again when their number is no longer needed,
which keeps the memory small that the loop works in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...lowering import FUNCTIONS, INSTRUCTIONS, operation
from ...program import FlatProgram, Floats, Integers

# others are taken apart
GATES = {name: row for name, row in (INSTRUCTIONS | FUNCTIONS).items() if not row.variadic}
NUMBERS = {name: number for number, name in enumerate(GATES)}
_ADD, _MUL = NUMBERS["fadd"], NUMBERS["fmul"]
# integers: inputs, parameters, constants, slots, outputs, instructions; gate, result, three
# operands
HEADER, RECORD = 6, 5


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
