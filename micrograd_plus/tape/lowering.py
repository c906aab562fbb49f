"""Lowering: a program in the instructions and C functions that machines know, by their names."""

from __future__ import annotations

from functools import partial
from typing import Any

from .. import heart
from ..ops import CFunction, Instruction, Primitive, primitives
from .builder import Builder
from .patterns import lowering_of, pattern
from .program import FlatProgram

# Each with a row that is nothing else: it says how many operands there are, and a C function is
# compared with it.
INSTRUCTIONS = {
    row.lowering.name: row for row in primitives() if isinstance(row.lowering, Instruction)
}
FUNCTIONS = {row.lowering.name: row for row in primitives() if isinstance(row.lowering, CFunction)}


def operation(row: Primitive) -> str:
    """The instruction or C function that a row of a lowered program is;
    raises TypeError for any other row.
    """
    if not isinstance(row.lowering, (Instruction, CFunction)):
        raise TypeError(
            f"{row!r} is neither an instruction nor a C function: its program was not lowered"
        )
    return row.lowering.name


def for_heart(program: FlatProgram) -> tuple[Any, ...]:
    """A lowered program as `heart.runs` and `heart.rolled` take it."""
    operations = [operation(row) for row in program.table]
    arrays = program.constants, program.codes, program.starts, program.operands, program.outputs
    return program.inputs, program.parameters, operations, *arrays


def lowered(program: FlatProgram) -> FlatProgram | None:
    """The program in single instructions, C functions, sum and dot; None with a custom row."""
    if program.python_only:
        return None
    library = heart.library()
    if library is not None:
        parts = library.lowered(program.parts(), program.outputs, pattern)
        return FlatProgram.of_parts(program.inputs, program.parameters, parts)
    return _lowered(program)


def _lowered(program: FlatProgram) -> FlatProgram:
    builder = Builder(program.inputs, program.parameters, lowering=True)
    given = range(program.inputs + program.parameters)
    refs = [*given, *map(builder.constant, program.constants.tolist())]
    table, registers, starts = program.table, program.operands.tolist(), program.starts.tolist()
    are_themselves = [isinstance(row.lowering, (Instruction, CFunction)) for row in table]
    for code, start, end in zip(program.codes.tolist(), starts, starts[1:]):
        operands = [refs[o] for o in registers[start:end]]
        lower = builder.emit if are_themselves[code] else partial(_spelled_out, builder)
        refs.append(lower(table[code], operands))
    return builder.finished([refs[o] for o in program.outputs.tolist()])[0]


def _spelled_out(builder: Builder, row: Primitive, operands: list[int]) -> int:
    """The result of a row that is lowered to an expression."""
    found = lowering_of(row, len(operands))
    # nothing asks for the result of which it is made
    return found.copied(builder, [0, *operands])[found.outputs[0]]


def lowered_for(program: FlatProgram, language: str) -> FlatProgram:
    """The lowered program; ValueError, saying what to do, with a custom row, which the language
    does not know.
    """
    found = lowered(program)
    if found is None:
        rows = ", ".join(program.python_only)
        raise ValueError(
            f"{language} does not know the custom row(s) {rows}: write what they do in functions "
            "of `ops`, which are known, and record that"
        )
    return found
